"""Convolutions as parts of native code.

`Weights` packs the kernel into panels ``[panel][step][output channels]``, `Convolution` computes
tiles of pixels, `Sums` adds the parts into which long sums are split, in a fixed order.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from rtorch.compiler.native.conv_kernel import (
    ARGS,
    FIRST,
    LAST,
    Ints,
    digits,
    start_of,
)
from rtorch.compiler.native.conv_plan import Conv, Plan, plan
from rtorch.compiler.native.conv_tile import Range, Tile, panel_width, panels_of, tile_size
from rtorch.compiler.native.gemm import lanes, packer
from rtorch.compiler.native.target import Target
from rtorch.compiler.native.text import Function, constant


def packed_size(conv: Conv, target: Target) -> int:
    """Elements of the packed kernel, with room for a vector that writes too far."""
    p = plan(conv, target)
    panels = conv.groups * panels_of(conv, p)
    return panels * conv.length * panel_width(conv, p, target) + lanes(conv.kind, target)


def partial_size(conv: Conv, target: Target) -> int:
    """Elements of the parts of sums; 0 if they are not split."""
    p = plan(conv, target)
    return p.parts * _partial(conv, p, target)


def _partial(conv: Conv, p: Plan, target: Target) -> int:
    return conv.groups * panels_of(conv, p) * math.prod(p.tiles) * tile_size(conv, p, target)


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
        return self._outer() * self.conv.groups * panels_of(self.conv, plan(self.conv, target))

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
        near, width = conv.w[2], panel_width(conv, p, target)
        panels, there = panels_of(conv, p), p.each
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
        return max(1, p.parts) * self.conv.groups * panels_of(self.conv, p) * self._chunks(p)

    def least(self, target: Target) -> int:
        return max(1, int(500_000 / max(1.0, self._work(target))))

    def _work(self, target: Target) -> float:
        pixels = math.prod([q.extent for q in self.conv.pixels])
        return pixels * self.conv.outs * self.conv.groups * self.conv.length / self.tasks(target)

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        conv, p = self.conv, plan(self.conv, target)
        f = Function(name, ARGS, target)
        x, w, c = (f.pointer("%args", k) for k in range(3))
        tile = Tile(f, conv, p, name)
        scratch = f.scratch(conv.kind, 1 if p.parts else tile_size(conv, p, target))
        total, chunks = math.prod(p.tiles), self._chunks(p)
        panels, parts = panels_of(conv, p), max(1, p.parts)
        with f.loop(FIRST, LAST) as task:
            part, group, panel, chunk = digits(f, task, (parts, conv.groups, panels, chunks))
            low = f.op("mul", chunk, p.chunk)
            after = f.add(low, p.chunk)
            high = f.select(f.compare("slt", after, total), after, constant(total, "i64"))
            first = f.op("div", f.op("mul", part, p.n_blocks), parts)
            last = f.op("div", f.op("mul", f.add(part, 1), p.n_blocks), parts)
            which = f.index((group, panels), (panel, 1))
            panel_at = f.at(w, f.index((which, conv.length * panel_width(conv, p, target))),
                            conv.kind)  # fmt: skip
            tiles = Range(first, last, low, high)
            if p.parts:
                size = tile_size(conv, p, target)
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
        return self.conv.groups * panels_of(self.conv, p) * math.prod(p.tiles)

    def least(self, target: Target) -> int:
        p = plan(self.conv, target)
        return max(1, 20_000 // (tile_size(self.conv, p, target) * max(1, p.parts)))

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        conv, p = self.conv, plan(self.conv, target)
        f = Function(name, ARGS, target)
        parts, c = f.pointer("%args", 0), f.pointer("%args", 1)
        tile, size = Tile(f, conv, p, name), tile_size(conv, p, target)
        width = lanes(conv.kind, target)
        scratch = f.scratch(conv.kind, size)
        panels, tiles = panels_of(conv, p), math.prod(p.tiles)
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
