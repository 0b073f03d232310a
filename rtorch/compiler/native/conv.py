"""Convolutions as parts of native code.

`Weights` packs the kernel into panels ``[panel][step][output channels]``, `Convolution` computes
tiles of pixels, `Sums` adds the parts into which long sums are split, in a fixed order.
"""

from __future__ import annotations

import hashlib
import math
from typing import NamedTuple

from rtorch.compiler.native.conv_kernel import (
    ARGS,
    FIRST,
    LAST,
    PARAMS,
    Ints,
    address,
    digits,
    start_of,
    table,
)
from rtorch.compiler.native.conv_plan import Conv, Plan, offsets, plan, taps
from rtorch.compiler.native.gemm import lanes, packer, transposed
from rtorch.compiler.native.target import Target
from rtorch.compiler.native.text import Function, Value, constant


def _panels(conv: Conv, p: Plan) -> int:
    return -(-conv.outs // p.each)


def _panel_width(conv: Conv, p: Plan, target: Target) -> int:
    return p.each if p.micro.by_pixels else len(p.micro.columns) * lanes(conv.kind, target)


def packed_size(conv: Conv, target: Target) -> int:
    """Elements of the packed kernel, with room for a vector that writes too far."""
    p = plan(conv, target)
    panels = conv.groups * _panels(conv, p)
    return panels * conv.length * _panel_width(conv, p, target) + lanes(conv.kind, target)


def partial_size(conv: Conv, target: Target) -> int:
    """Elements of the parts of sums; 0 if they are not split."""
    p = plan(conv, target)
    return p.parts * _partial(conv, p, target)


def _partial(conv: Conv, p: Plan, target: Target) -> int:
    return conv.groups * _panels(conv, p) * math.prod(p.tiles) * _tile_size(conv, p, target)


def _tile_size(conv: Conv, p: Plan, target: Target) -> int:
    return len(p.micro.rows) * len(p.micro.columns) * lanes(conv.kind, target)


# ---- packing -------------------------------------------------------------------------------------


class Weights(NamedTuple):
    """Packs the kernel; arguments the kernel and the packed one."""

    conv: Conv

    @property
    def n_args(self) -> int:
        return 2

    @property
    def writes(self) -> Ints:
        return (1,)

    def tasks(self, target: Target) -> int:
        return self._outer() * self.conv.groups * _panels(self.conv, plan(self.conv, target))

    def least(self, target: Target) -> int:
        return max(1, 20_000 // max(1, self.conv.length * 32 // self._outer()))

    def _outer(self) -> int:
        return math.prod([n for n, _ in self._runs()[:-1]])

    def _runs(self) -> list[tuple[int, int]]:
        """The steps as few axes, with their strides."""
        runs: list[tuple[int, int]] = []
        for step in self.conv.steps:
            if step.extent == 1:
                continue
            if runs and runs[-1][1] == step.w * step.extent:
                runs[-1] = (runs[-1][0] * step.extent, step.w)
            else:
                runs.append((step.extent, step.w))
        return runs or [(1, 0)]

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        conv, p = self.conv, plan(self.conv, target)
        f = Function(name, ARGS, target)
        w, to = f.pointer("%args", 0), f.pointer("%args", 1)
        *outer, (inner, far) = self._runs()
        near, width = conv.w[2], _panel_width(conv, p, target)
        panels, there = _panels(conv, p), p.each
        along = "steps" if far == 1 and inner >= lanes(conv.kind, target) else "any"
        if near == 1 and not p.micro.by_pixels:
            along = "width"
        pack = f.imported(f"pack_{conv.kind}_{along}", packer(conv.kind, along),
                          "ptr, ptr, i64, i64, i64, i64, i64")  # fmt: skip
        with f.loop(FIRST, LAST) as task:
            group, panel, *rest = digits(f, task, (conv.groups, panels, *[n for n, _ in outer]))
            out = start_of(f, panel, p.each, conv.outs)
            terms = list(zip(rest, [s for _, s in outer]))
            source = f.index((group, conv.w[1]), (out, near), *terms, start=conv.w[0])
            target_at = f.index((task, inner * width))
            f.line(f"call void {pack.text}({f.at(to, target_at, conv.kind)}, "
                   f"{f.at(w, source, conv.kind)}, i64 {there}, i64 {inner}, i64 {width}, "
                   f"i64 {near}, i64 {far})")  # fmt: skip
        f.ret()
        return f


# ---- computation ---------------------------------------------------------------------------------


class Convolution(NamedTuple):
    """Computes tiles; arguments the input, the packed kernel and the result, or parts of sums."""

    conv: Conv

    @property
    def n_args(self) -> int:
        return 3

    @property
    def writes(self) -> Ints:
        return (2,)

    def _chunks(self, p: Plan) -> int:
        return -(-math.prod(p.tiles) // p.chunk)

    def tasks(self, target: Target) -> int:
        p = plan(self.conv, target)
        return max(1, p.parts) * self.conv.groups * _panels(self.conv, p) * self._chunks(p)

    def least(self, target: Target) -> int:
        return max(1, int(500_000 / max(1.0, self._work(target))))

    def _work(self, target: Target) -> float:
        pixels = math.prod([q.extent for q in self.conv.pixels])
        return pixels * self.conv.outs * self.conv.groups * self.conv.length / self.tasks(target)

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        conv, p = self.conv, plan(self.conv, target)
        f = Function(name, ARGS, target)
        x, w, c = (f.pointer("%args", k) for k in range(3))
        tile = _Tile(f, conv, p, name)
        scratch = f.scratch(conv.kind, 1 if p.parts else _tile_size(conv, p, target))
        total, chunks = math.prod(p.tiles), self._chunks(p)
        panels, parts = _panels(conv, p), max(1, p.parts)
        with f.loop(FIRST, LAST) as task:
            part, group, panel, chunk = digits(f, task, (parts, conv.groups, panels, chunks))
            low = f.op("mul", chunk, p.chunk)
            after = f.add(low, p.chunk)
            high = f.select(f.compare("slt", after, total), after, constant(total, "i64"))
            first = f.op("div", f.op("mul", part, p.n_blocks), parts)
            last = f.op("div", f.op("mul", f.add(part, 1), p.n_blocks), parts)
            which = f.index((group, panels), (panel, 1))
            panel_at = f.at(w, f.index((which, conv.length * _panel_width(conv, p, target))),
                            conv.kind)  # fmt: skip
            tiles = _Range(first, last, low, high)
            if p.parts:
                size = _tile_size(conv, p, target)
                base = f.index((part, _partial(conv, p, target)), (which, total * size))
                tile.compute_part(x, panel_at, group, tiles, f.at(c, base, conv.kind), size)
            else:
                tile.compute(x, panel_at, c, (group, panel), tiles, scratch)
        f.ret()
        return f


class Sums(NamedTuple):
    """Adds the parts of sums; arguments the parts and the result."""

    conv: Conv

    @property
    def n_args(self) -> int:
        return 2

    @property
    def writes(self) -> Ints:
        return (1,)

    def tasks(self, target: Target) -> int:
        p = plan(self.conv, target)
        return self.conv.groups * _panels(self.conv, p) * math.prod(p.tiles)

    def least(self, target: Target) -> int:
        p = plan(self.conv, target)
        return max(1, 20_000 // (_tile_size(self.conv, p, target) * max(1, p.parts)))

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        conv, p = self.conv, plan(self.conv, target)
        f = Function(name, ARGS, target)
        parts, c = f.pointer("%args", 0), f.pointer("%args", 1)
        tile, size, width = _Tile(f, conv, p, name), _tile_size(conv, p, target), 0
        width = lanes(conv.kind, target)
        scratch = f.scratch(conv.kind, size)
        panels, tiles = _panels(conv, p), math.prod(p.tiles)
        with f.loop(FIRST, LAST) as task:
            group, panel, t = digits(f, task, (conv.groups, panels, tiles))
            source = f.at(parts, f.index((task, size)), conv.kind)
            with f.loop(0, size, width) as i:
                total = f.variable(conv.kind, width)
                f.set(total, f.load(f.at(source, i, conv.kind), conv.kind, width))
                with f.loop(1, p.parts) as part:
                    at = f.index((part, _partial(conv, p, target)), (i, 1))
                    more = f.load(f.at(source, at, conv.kind), conv.kind, width)
                    f.set(total, f.add(f.get(total), more))
                f.store(f.at(scratch, i, conv.kind), f.get(total))
            tile.store(scratch, tile.place(c, group, panel, t))
        f.ret()
        return f


class _Range(NamedTuple):
    """The blocks of steps and the tiles of a task."""

    first_block: Value
    last_block: Value
    first: Value
    last: Value


class _Tile:
    """What is done with a tile."""

    def __init__(self, f: Function, conv: Conv, p: Plan, name: str) -> None:
        self.f, self.conv, self.p, self.name = f, conv, p, name
        self.width = lanes(conv.kind, f.target)

    def _starts(self, t: Value) -> list[Value]:
        """The first pixel of a tile."""
        return [start_of(self.f, k, b, q.extent) for k, b, q in
                zip(digits(self.f, t, self.p.tiles), self.p.box, self.conv.pixels)]  # fmt: skip

    def compute_part(self, x: Value, panel: Value, group: Value, tiles: _Range, to: Value,
                     size: int) -> None:  # fmt: skip
        """Block after block of steps, all tiles with each: its weights stay in the cache."""
        f = self.f
        with f.loop(tiles.first_block, tiles.last_block) as block:
            adds = f.compare("sgt", block, tiles.first_block)
            with f.loop(tiles.first, tiles.last) as t:
                place = f.at(to, f.index((t, size)), self.conv.kind)
                self.multiply(x, panel, group, t, block, place, adds)

    def compute(self, x: Value, panel: Value, c: Value, channels: tuple[Value, Value],
                tiles: _Range, scratch: Value) -> None:  # fmt: skip
        """Tile after tile to the result."""
        f, by_pixels = self.f, self.p.micro.by_pixels
        with f.loop(tiles.first, tiles.last) as t:
            result = self.place(c, *channels, t)
            to = result if by_pixels else scratch
            with f.loop(0, self.p.n_blocks) as block:
                adds = f.compare("sgt", block, 0)
                self.multiply(x, panel, channels[0], t, block, to, adds)
            if not by_pixels:
                self.store(scratch, result)

    def multiply(self, x: Value, panel: Value, group: Value, t: Value, block: Value, to: Value,
                 adds: Value) -> None:  # fmt: skip
        """The sums of a block of steps to where `to` points."""
        f, conv, p = self.f, self.conv, self.p
        terms = [(k, q.x) for k, q in zip(self._starts(t), conv.pixels)]
        if p.blocks:
            terms += list(zip(digits(f, block, tuple([n for n, _ in p.blocks])),
                              [s for _, s in p.blocks]))  # fmt: skip
        at = f.index((group, conv.x[1]), *terms, start=conv.x[0])
        width = _panel_width(conv, p, f.target)
        weights = f.at(panel, f.index((block, p.inner * p.outer * width)), conv.kind)
        digest = hashlib.sha256(repr(p.micro).encode()).hexdigest()[:16]
        micro = f.imported(f"conv_{digest}", address(p.micro), PARAMS)
        steps = table(f, f"{self.name}_taps", taps(conv, p.inner))
        row = conv.c[2] if p.micro.by_pixels else width
        add = f.cast("zext", adds, "i64")
        f.line(f"call void {micro.text}({f.at(x, at, conv.kind)}, {weights}, {steps}, "
               f"i64 {p.inner if conv.length else 0}, i64 {p.outer}, i64 {p.stride}, {to}, "
               f"i64 {row}, {add})")  # fmt: skip

    def place(self, c: Value, group: Value, panel: Value, t: Value) -> Value:
        """Where the first pixel of the first channel of a tile goes."""
        f, conv = self.f, self.conv
        out = start_of(f, panel, self.p.each, conv.outs)
        terms = [(k, q.c) for k, q in zip(self._starts(t), conv.pixels)]
        at = f.index((group, conv.c[1]), (out, conv.c[2]), *terms, start=conv.c[0])
        return f.at(c, at, conv.kind)

    def store(self, tile: Value, to: Value) -> None:
        """A tile ``[pixel][channel]`` to the result, in which channels are far apart."""
        if self.conv.pixels[-1].c == 1:
            self._store_vectors(tile, to)
        else:
            self._store_numbers(tile, to)

    def _store_vectors(self, tile: Value, to: Value) -> None:
        f, conv, p, width = self.f, self.conv, self.p, self.width
        vectors, n = len(p.micro.columns), len(p.micro.rows)
        spots = offsets(p.box, tuple([q.c for q in conv.pixels]))
        with f.loop(0, p.each, width) as j:
            left = f.sub(constant(p.each, "i64"), j)
            for first in range(0, n, width):
                count = min(width, n - first)
                rows = [
                    f.load(f.at(tile, f.index((j, 1), start=(first + i) * vectors * width),
                                conv.kind), conv.kind, width)
                    if i < count else constant(0.0, conv.kind, width) for i in range(width)
                ]  # fmt: skip
                for k, column in enumerate(transposed(f, rows)):
                    with f.when(f.compare("sgt", left, k)):
                        channel = f.at(to, f.index((j, conv.c[2]), start=k * conv.c[2]), conv.kind)
                        self._store_runs(channel, column, spots[first : first + count])

    def _store_runs(self, to: Value, x: Value, spots: Ints) -> None:
        """The lanes of a vector to their places, as many at a time as are neighbours."""
        f = self.f
        start = 0
        for i in range(1, len(spots) + 1):
            if i < len(spots) and spots[i] == spots[i - 1] + 1:
                continue
            valid = ", ".join(f"i1 {'true' if start <= k < i else 'false'}"
                              for k in range(self.width))  # fmt: skip
            mask = Value(f"<{valid}>", "i1", self.width) if i - start < self.width else None
            f.store(f.at(to, spots[start] - start, x.kind), x, mask)
            start = i

    def _store_numbers(self, tile: Value, to: Value) -> None:
        f, conv, p = self.f, self.conv, self.p
        size = len(p.micro.columns) * self.width
        spots = table(f, f"{self.name}_spots", offsets(p.box, tuple([q.c for q in conv.pixels])))
        with f.loop(0, p.each) as k:
            channel = f.at(to, f.index((k, conv.c[2])), conv.kind)
            with f.loop(0, len(p.micro.rows)) as i:
                spot = f.cast("sext", f.load(f.at(spots, i, "i32"), "i32"), "i64")
                x = f.load(f.at(tile, f.index((i, size), (k, 1)), conv.kind), conv.kind)
                f.store(f.at(channel, spot, conv.kind), x)
