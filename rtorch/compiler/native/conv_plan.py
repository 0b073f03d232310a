"""What a convolution is to native code, and how it is cut into tiles.

Strides and dilations of the window, groups and reversed kernels are all said by strides of arrays;
so is the derivative by the kernel, whose window is the image and whose pixels are the places of the
kernel.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rtorch.compiler.native.conv_kernel import Ints, Micro
from rtorch.compiler.native.gemm import lanes
from rtorch.compiler.native.target import Target

TABLE = 1024  # steps that a table holds at most
BLOCK = 2048  # steps, roughly, whose weights stay in the cache while tile after tile reads them
LONG = 6144  # steps; sums of more are split
TASKS = 32  # into which a convolution with few pixels is split
PACK = 1.0  # cycles for an element of the kernel that is packed
TASK = 2_000_000  # multiplications that are a task, roughly


class Step(NamedTuple):
    """An axis of the sums, channels or an axis of the window, with its strides."""

    extent: int
    x: int
    w: int


class Pixel(NamedTuple):
    """An axis of the result's space, with its strides."""

    extent: int
    x: int
    c: int


class Conv(NamedTuple):
    """``c[group, out, *pixels] = sum over steps of x[...] w[...]``; strides in elements.

    Attributes:
        kind: float or double.
        groups: Groups of channels.
        outs: Channels of the result in a group.
        steps: The axes of the sums.
        pixels: The axes of the result's space, images the first of them.
        x: Of the input: the first element, the stride of groups.
        w: Of the kernel: the first element, the strides of groups and output channels.
        c: Of the result: the first element, the strides of groups and channels.
    """

    kind: str
    groups: int
    outs: int
    steps: tuple[Step, ...]
    pixels: tuple[Pixel, ...]
    x: tuple[int, int]
    w: tuple[int, int, int]
    c: tuple[int, int, int]

    @property
    def length(self) -> int:
        """How many steps there are."""
        return math.prod([s.extent for s in self.steps])


def simplified(conv: Conv) -> Conv:
    """The same with fewer axes, where two are one for all arrays that have them."""
    pixels = [Pixel(*axis) for axis in _joined(conv.pixels)] or [Pixel(1, 1, 1)]
    steps = [Step(*axis) for axis in _joined(conv.steps)] or [Step(1, 1, 1)]
    return conv._replace(pixels=tuple(pixels), steps=tuple(steps))


def _joined(axes: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Axes given by their extent and two strides, without those of extent 1."""
    found: list[tuple[int, int, int]] = []
    for n, a, b in axes:
        if n == 1:
            continue
        if found and found[-1][1:] == (a * n, b * n):
            found[-1] = (found[-1][0] * n, a, b)
        else:
            found.append((n, a, b))
    return found


class Plan(NamedTuple):
    """How a convolution is computed.

    Attributes:
        micro: The innermost loop.
        box: The pixels of a tile along each axis.
        each: Output channels of a panel of weights.
        tiles: How many tiles there are along each axis; the last ones overlap.
        inner: Steps of the table.
        outer: How often the table is gone through in a block.
        stride: From one time to the next.
        blocks: Extents and strides of `x` of the axes that are left for blocks of steps.
        parts: Into how many parts the sums are split.
        chunk: Tiles that are a task.
    """

    micro: Micro
    box: Ints
    each: int
    tiles: Ints
    inner: int
    outer: int
    stride: int
    blocks: tuple[tuple[int, int], ...]
    parts: int
    chunk: int

    @property
    def n_blocks(self) -> int:
        return math.prod([n for n, _ in self.blocks])


def cost(conv: Conv, target: Target) -> float:
    """Cycles for a group, roughly."""
    return min([s.cost for s in _shapes(conv, target)]) + conv.length * conv.outs * PACK


class _Shape(NamedTuple):
    """A candidate for the tile: its cost, and the micro-kernel."""

    cost: float
    micro: Micro
    box: Ints
    each: int


@functools.cache
def plan(conv: Conv, target: Target) -> Plan:
    shape = min(_shapes(conv, target), key=lambda s: s.cost)
    tiles = tuple([-(-p.extent // b) for p, b in zip(conv.pixels, shape.box)])
    inner, outer, stride, blocks = _nest(conv.steps)
    n_blocks = math.prod([n for n, _ in blocks])
    n_tiles = math.prod(tiles)
    panels = -(-conv.outs // shape.each) * conv.groups
    parts = 0
    if conv.length > LONG and not shape.micro.by_pixels:
        parts = min(n_blocks, max(1, TASKS // min(TASKS, panels * -(-n_tiles // 16))))
    work = math.prod(shape.box) * shape.each * (conv.length // max(1, parts))
    chunk = max(1, min(n_tiles, TASK // max(1, work)))
    return Plan(
        shape.micro, shape.box, shape.each, tiles, inner, outer, stride, blocks, parts, chunk
    )


def _nest(steps: tuple[Step, ...]) -> tuple[int, int, int, tuple[tuple[int, int], ...]]:
    """The steps as a table, a loop about it, and what is left for blocks."""
    inner, k = 1, len(steps)
    while k and inner * steps[k - 1].extent <= TABLE:
        k -= 1
        inner *= steps[k].extent
    if not k:
        return inner, 1, 0, ()
    last, rest = steps[k - 1], [(s.extent, s.x) for s in steps[: k - 1]]
    taken = divisor(last.extent, TABLE // inner)
    left, stride = last.extent // taken, last.x * taken
    outer = divisor(left, max(1, BLOCK // (inner * taken)))
    if left > outer:
        rest.append((left // outer, stride * outer))
    return inner * taken, outer, stride, tuple(rest)


def divisor(n: int, most: int) -> int:
    return max(d for d in range(1, min(n, most) + 1) if n % d == 0)


def taps(conv: Conv, inner: int) -> list[int]:
    """Where the input of each step of the table lies."""
    found, size = [0], 1
    for step in reversed(conv.steps):
        if size == inner:
            break
        n = min(step.extent, inner // size)
        found = [k * step.x + rest for k in range(n) for rest in found]
        size *= n
    return found


# ---- the tile ------------------------------------------------------------------------------------


def _shapes(conv: Conv, target: Target) -> Iterator[_Shape]:
    yield from _by_channels(conv, target)
    if conv.pixels[-1].x == conv.pixels[-1].c == 1 and not _nest(conv.steps)[3]:
        yield from _by_pixels(conv, target)


def boxes(conv: Conv, most: int) -> Iterator[Ints]:
    """The boxes of up to `most` pixels, along the last axes."""
    extents = [1, 1, *[p.extent for p in conv.pixels]]
    before, other, last = extents[-3:]
    ones = (1,) * len(extents)
    for n in range(1, min(last, most) + 1):
        for m in range(1, min(other, most // n) + 1):
            yield (*ones, m, n)[-len(conv.pixels) :]
    for k in range(2, min(before, most // (other * last)) + 1):
        yield (*ones, k, other, last)[-len(conv.pixels) :]


def _cost(conv: Conv, box: Ints, each: int, step: float, store: float) -> float:
    """Cycles, roughly."""
    tiles = math.prod([-(-p.extent // b) for p, b in zip(conv.pixels, box)])
    return -(-conv.outs // each) * tiles * (max(1, conv.length) * step + store + 30)


def offsets(box: Ints, strides: Ints) -> Ints:
    """Where the elements of a box are, in row-major order."""
    return tuple([sum(k * s for k, s in zip(place, strides))
                  for place in itertools.product(*map(range, box))])  # fmt: skip


def _by_channels(conv: Conv, target: Target) -> Iterator[_Shape]:
    """Tiles whose vectors are output channels."""
    width = lanes(conv.kind, target)
    for vectors in range(1, min(4, -(-conv.outs // width)) + 1):
        most = min((target.registers - 1 - vectors) // vectors, 2 * width)
        columns = tuple([j * width for j in range(vectors)])
        for box in boxes(conv, most):
            rows = offsets(box, tuple([p.x for p in conv.pixels]))
            size = len(rows) * vectors
            lines = len(rows) // box[-1]
            step = max(size, 6) + 1 + len(rows) * 0.12 + lines * 0.1
            store = vectors * width * (3.0 * -(-len(rows) // width) + 2 * lines) + size * 4
            if conv.pixels[-1].c != 1:
                store = size * width * 1.5
            each = min(conv.outs, vectors * width)
            cost = _cost(conv, box, each, step, store)
            yield _Shape(cost, Micro(conv.kind, rows, columns, columns, False, width), box, each)


def _by_pixels(conv: Conv, target: Target) -> Iterator[_Shape]:
    """Tiles whose vectors are pixels."""
    width = lanes(conv.kind, target)
    *others, last = [p.extent for p in conv.pixels]
    for vectors in range(1, 9):
        most = min((target.registers - 1 - vectors) // vectors, conv.outs)
        if most < 1:
            return
        for box, valid, starts in _pixel_boxes(others, last, vectors, width):
            lines = offsets(box[:-1], tuple([p.x for p in conv.pixels[:-1]]))
            columns = tuple([line + k for line in lines for k in starts])
            lines = offsets(box[:-1], tuple([p.c for p in conv.pixels[:-1]]))
            places = tuple([line + k for line in lines for k in starts])
            for rows in range(1, most + 1):
                step = max(rows * vectors, 6, rows / 2 + vectors * 1.8) + 1
                step += rows * 0.12 + vectors * 0.1
                cost = _cost(conv, box, rows, step, rows * vectors * 2.0)
                micro = Micro(conv.kind, tuple(range(rows)), columns, places, True, valid)
                yield _Shape(cost, micro, box, rows)


def _pixel_boxes(
    others: list[int], last: int, vectors: int, width: int
) -> Iterator[tuple[Ints, int, Ints]]:
    """Boxes, the lanes of a vector that there are, and where vectors start in a row."""
    valid = min(last, width)
    in_row = -(-last // width)
    ones = [1] * (len(others) - 1)
    if vectors <= in_row:
        length = min(last, vectors * width)
        starts = tuple([min(j * width, length - valid) for j in range(vectors)])
        yield (*[1] * len(others), length), valid, starts
    if others and vectors % in_row == 0 and 1 < vectors // in_row <= others[-1]:
        starts = tuple([min(j * width, last - valid) for j in range(in_row)])
        yield (*ones, vectors // in_row, last), valid, starts
