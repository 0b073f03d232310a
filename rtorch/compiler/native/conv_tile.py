"""What is done with a tile of a convolution: its sums, and where they go."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from rtorch.compiler.native.conv_kernel import PARAMS, Ints, address, digits, start_of, table
from rtorch.compiler.native.conv_plan import Conv, Plan, offsets, taps
from rtorch.compiler.native.gemm import lanes, transposed
from rtorch.compiler.native.target import Target
from rtorch.compiler.native.text import Function, Value, constant


def panels_of(conv: Conv, p: Plan) -> int:
    """Panels of weights in a group."""
    return -(-conv.outs // p.each)


def panel_width(conv: Conv, p: Plan, target: Target) -> int:
    """Weights of a step in a panel."""
    return p.each if p.micro.by_pixels else len(p.micro.columns) * lanes(conv.kind, target)


def tile_size(conv: Conv, p: Plan, target: Target) -> int:
    """Elements of a tile, in whole vectors."""
    return len(p.micro.rows) * len(p.micro.columns) * lanes(conv.kind, target)


class Range(NamedTuple):
    """The blocks of steps and the tiles of a task."""

    first_block: Value
    last_block: Value
    first: Value
    last: Value


class Tile:
    """What is done with a tile."""

    def __init__(self, f: Function, conv: Conv, p: Plan, name: str) -> None:
        self.f, self.conv, self.p, self.name = f, conv, p, name
        self.width = lanes(conv.kind, f.target)

    def _starts(self, t: Value) -> list[Value]:
        """The first pixel of a tile."""
        return [start_of(self.f, k, b, q.extent) for k, b, q in
                zip(digits(self.f, t, self.p.tiles), self.p.box, self.conv.pixels)]  # fmt: skip

    def compute_part(self, x: Value, panel: Value, group: Value, tiles: Range, to: Value,
                     size: int) -> None:  # fmt: skip
        """Block after block of steps, all tiles with each: its weights stay in the cache."""
        f = self.f
        with f.loop(tiles.first_block, tiles.last_block) as block:
            adds = f.compare("sgt", block, tiles.first_block)
            with f.loop(tiles.first, tiles.last) as t:
                place = f.at(to, f.index((t, size)), self.conv.kind)
                self.multiply(x, panel, group, t, block, place, adds)

    def compute(self, x: Value, panel: Value, c: Value, channels: tuple[Value, Value],
                tiles: Range, scratch: Value) -> None:  # fmt: skip
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
        width = panel_width(conv, p, f.target)
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
