"""Convolutions with long sums and few results, as dot products: derivatives by the kernel.

Vectors run along the last axis of the sums, in the input and in the kernel alike, which are read
where they lie. A tile is some pixels times some output channels, each with a vector of sums, whose
lanes are added in the end. Long sums are split into parts, which `Total` adds in a fixed order.
"""

from __future__ import annotations

import functools
import hashlib
import math
from typing import NamedTuple

from rtorch.compiler.native import build
from rtorch.compiler.native.conv_kernel import (
    ARGS,
    FIRST,
    LAST,
    Ints,
    digits,
    start_of,
    table,
)
from rtorch.compiler.native.conv_plan import TABLE, Conv, Step, boxes, divisor, offsets
from rtorch.compiler.native.gemm import lanes
from rtorch.compiler.native.target import Target, host
from rtorch.compiler.native.text import Function, Value, constant, module, suffix

PARTS = 64  # into which sums are split at most
ENOUGH = 1 << 14  # steps that make a part worth it
CHUNK = 1024  # results that are a task of `Total`
PARAMS = "ptr, ptr, ptr, i64, ptr, i64, ptr, i64"


class DotMicro(NamedTuple):
    """Sums along vectors: `rows` of the input times `columns` of the kernel, at these distances.

    `tail` lanes are there in the last vector of a line.
    """

    kind: str
    rows: Ints
    columns: Ints
    tail: int


class DotPlan(NamedTuple):
    """How the dot products are computed.

    Attributes:
        cost: Cycles for a group, roughly.
        micro: The innermost loop.
        box: The pixels of a tile along each axis.
        tiles: How many tiles there are along each axis.
        lines: Lines along the last axis of the sums that the tables hold.
        blocks: What is left of the other axes of the sums.
        parts: Into how many parts the sums are split.
    """

    cost: float
    micro: DotMicro
    box: Ints
    tiles: Ints
    lines: tuple[Step, ...]
    blocks: tuple[Step, ...]
    parts: int

    @property
    def n_blocks(self) -> int:
        return math.prod([s.extent for s in self.blocks])


@functools.cache
def dot_plan(conv: Conv, target: Target) -> DotPlan | None:
    """The best plan; None if vectors cannot run along the last axis of the sums."""
    *outer, last = conv.steps
    if (last.x, last.w) != (1, 1) or conv.length < 64:
        return None
    width = lanes(conv.kind, target)
    per_line = -(-last.extent // width)
    lines, blocks = _lines(outer, max(1, TABLE // per_line))
    steps = conv.length // last.extent * per_line
    found = []
    for outs in range(1, min(4, conv.outs) + 1):
        for box in boxes(conv, (target.registers - 1 - outs) // outs):
            rows = offsets(box, tuple([p.x for p in conv.pixels]))
            tiles = tuple([-(-p.extent // b) for p, b in zip(conv.pixels, box)])
            step = max(len(rows) * outs, 6, outs + 1.7 * len(rows)) + 1.5
            store = len(rows) * outs * 10 + 50
            cost = math.prod(tiles) * -(-conv.outs // outs) * (steps * step + store)
            columns = tuple([j * conv.w[2] for j in range(outs)])
            micro = DotMicro(conv.kind, rows, columns, last.extent % width)
            found.append(DotPlan(cost, micro, box, tiles, lines, blocks, 1))
    best = min(found, key=lambda p: p.cost)
    parts = max(1, min(PARTS, best.n_blocks, conv.length // ENOUGH))
    return best._replace(parts=parts)


def _lines(steps: list[Step], most: int) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The axes of lines: those of the tables, and what is left."""
    inner: list[Step] = []
    left = list(steps)
    while left:
        step = left.pop()
        taken = divisor(step.extent, most)
        inner.insert(0, step._replace(extent=taken))
        most //= taken
        if taken < step.extent:
            left.append(Step(step.extent // taken, step.x * taken, step.w * taken))
            break
    return tuple(inner), tuple(left)


# ---- the micro-kernel ----------------------------------------------------------------------------


def _micro_kernel(micro: DotMicro, target: Target) -> Function:
    """``void dots(x, w, whole, n_whole, tails, n_tails, sums, add)``.

    The tables hold pairs of distances in `x` and `w`; the sums are stored as ``[row][column]``.
    """
    params = ("ptr %x, ptr %w, ptr %whole, i64 %n_whole, ptr %tails, i64 %n_tails, ptr %sums, "
              "i64 %add")  # fmt: skip
    f = Function("dots", params, target)
    width, kind = lanes(micro.kind, target), micro.kind
    sums = [[f.variable(kind, width, 0.0) for _ in micro.columns] for _ in micro.rows]
    tail = f.first(constant(micro.tail, "i64"), width)
    for name, mask in (("whole", None), ("tails", tail)):
        with f.loop(0, Value(f"%n_{name}", "i64")) as step:
            pair = f.at(Value(f"%{name}", "ptr"), f.op("mul", step, 2), "i32")
            x, w = (f.at(Value(base, "ptr"),
                         f.cast("sext", f.load(f.at(pair, k, "i32"), "i32"), "i64"), kind)
                    for k, base in enumerate(("%x", "%w")))  # fmt: skip
            columns = [f.load(f.at(w, k, kind), kind, width, mask) for k in micro.columns]
            for k, row in zip(micro.rows, sums, strict=True):
                one = f.load(f.at(x, k, kind), kind, width, mask)
                for total, column in zip(row, columns, strict=True):
                    f.set(total, f.fma(one, column, f.get(total)))
    adds = f.compare("ne", Value("%add", "i64"), 0)
    for i, total in enumerate(total for row in sums for total in row):
        to = f.at(Value("%sums", "ptr"), i, kind)
        before = f.select(adds, f.load(to, kind), constant(0.0, kind))
        f.store(to, f.add(before, _sum_of_lanes(f, f.get(total))))
    f.ret()
    return f


def _sum_of_lanes(f: Function, x: Value) -> Value:
    name = f"@llvm.vector.reduce.fadd.{suffix(x.kind, x.lanes)}"
    f.declarations.add(f"declare {x.kind} {name}({x.kind}, {x.type})")
    return f.let(f"call reassoc {x.kind} {name}({x.kind} -0.0, {x})", x.kind)


@functools.cache
def _address(micro: DotMicro) -> int:
    return build.build(module([_micro_kernel(micro, host())], host()), ["dots"])["dots"]


# ---- the parts -----------------------------------------------------------------------------------


class Dots(NamedTuple):
    """Computes dot products; arguments the input, the kernel, and the result or its parts.

    Attributes:
        conv: What to compute.
        size: Elements of the result.
    """

    conv: Conv
    size: int

    @property
    def n_args(self) -> int:
        return 3

    @property
    def writes(self) -> Ints:
        return (2,)

    def _plan(self, target: Target) -> DotPlan:
        found = dot_plan(self.conv, target)
        assert found is not None
        return found

    def _extents(self, p: DotPlan) -> Ints:
        panels = -(-self.conv.outs // len(p.micro.columns))
        return p.parts, self.conv.groups, panels, math.prod(p.tiles)

    def tasks(self, target: Target) -> int:
        return math.prod(self._extents(self._plan(target)))

    def least(self, target: Target) -> int:
        p = self._plan(target)
        work = self.conv.length // p.parts * len(p.micro.rows) * len(p.micro.columns)
        return max(1, 500_000 // work)

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        conv, p = self.conv, self._plan(target)
        f = Function(name, ARGS, target)
        x, w, c = (f.pointer("%args", k) for k in range(3))
        rows, columns = len(p.micro.rows), len(p.micro.columns)
        sums = f.scratch(conv.kind, rows * columns)
        with f.loop(FIRST, LAST) as task:
            part, group, panel, t = digits(f, task, self._extents(p))
            starts = [start_of(f, k, b, q.extent) for k, b, q in
                      zip(digits(f, t, p.tiles), p.box, conv.pixels)]  # fmt: skip
            out = start_of(f, panel, columns, conv.outs)
            at_x = f.index((group, conv.x[1]), *[(k, q.x) for k, q in zip(starts, conv.pixels)],
                           start=conv.x[0])  # fmt: skip
            at_w = f.index((group, conv.w[1]), (out, conv.w[2]), start=conv.w[0])
            first = f.op("div", f.op("mul", part, p.n_blocks), p.parts)
            last = f.op("div", f.op("mul", f.add(part, 1), p.n_blocks), p.parts)
            with f.loop(first, last) as block:
                adds = f.compare("sgt", block, first)
                arrays = f.at(x, at_x, conv.kind), f.at(w, at_w, conv.kind)
                self._multiply(f, p, name, block, arrays, sums, adds)
            terms = [(group, conv.c[1]), (out, conv.c[2])]
            terms += [(k, q.c) for k, q in zip(starts, conv.pixels)]
            to = f.at(c, f.index((part, self.size), *terms, start=conv.c[0]), conv.kind)
            spots = offsets(p.box, tuple([q.c for q in conv.pixels]))
            for i, spot in enumerate(spots):
                for j in range(columns):
                    value = f.load(f.at(sums, i * columns + j, conv.kind), conv.kind)
                    f.store(f.at(to, spot + j * conv.c[2], conv.kind), value)
        f.ret()
        return f

    def _multiply(self, f: Function, p: DotPlan, name: str, block: Value,
                  arrays: tuple[Value, Value], sums: Value, adds: Value) -> None:  # fmt: skip
        """The sums of a block of lines."""
        kind, (x, w) = self.conv.kind, arrays
        if p.blocks:
            which = digits(f, block, tuple([s.extent for s in p.blocks]))
            x = f.at(x, f.index(*[(k, s.x) for k, s in zip(which, p.blocks)]), kind)
            w = f.at(w, f.index(*[(k, s.w) for k, s in zip(which, p.blocks)]), kind)
        whole, tails = self._tables(p, lanes(kind, f.target))
        digest = hashlib.sha256(repr(p.micro).encode()).hexdigest()[:16]
        dots = f.imported(f"dots_{digest}", _address(p.micro), PARAMS)
        of_whole, of_tails = table(f, f"{name}_whole", whole), table(f, f"{name}_tails", tails)
        f.line(f"call void {dots.text}({x}, {w}, {of_whole}, i64 {len(whole) // 2}, {of_tails}, "
               f"i64 {len(tails) // 2}, {sums}, {f.cast('zext', adds, 'i64')})")  # fmt: skip

    def _tables(self, p: DotPlan, width: int) -> tuple[list[int], list[int]]:
        """Where whole vectors and the last ones of lines are, in the input and in the kernel."""
        extents = tuple([s.extent for s in p.lines])
        whole, tails = [], []
        count = self.conv.steps[-1].extent // width
        for a, b in zip(offsets(extents, tuple([s.x for s in p.lines])),
                        offsets(extents, tuple([s.w for s in p.lines])), strict=True):  # fmt: skip
            for k in range(count):
                whole += [a + k * width, b + k * width]
            if p.micro.tail:
                tails += [a + count * width, b + count * width]
        return whole, tails


class Total(NamedTuple):
    """Adds arrays that lie one after the other; arguments the arrays and their sum."""

    kind: str
    parts: int
    size: int

    @property
    def n_args(self) -> int:
        return 2

    @property
    def writes(self) -> Ints:
        return (1,)

    def tasks(self, target: Target) -> int:
        return -(-self.size // CHUNK)

    def least(self, target: Target) -> int:
        return max(1, 100 // self.parts)

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        f = Function(name, ARGS, target)
        parts, to = f.pointer("%args", 0), f.pointer("%args", 1)
        width = lanes(self.kind, target)
        with f.loop(FIRST, LAST) as task:
            first = f.op("mul", task, CHUNK)
            last = f.add(first, CHUNK)
            last = f.select(f.compare("slt", last, self.size), last, self.size)
            with f.loop(first, last, width) as i:
                mask = f.first(f.sub(last, i), width)
                total = f.variable(self.kind, width)
                f.set(total, f.load(f.at(parts, i, self.kind), self.kind, width, mask))
                with f.loop(1, self.parts) as part:
                    at = f.index((part, self.size), (i, 1))
                    more = f.load(f.at(parts, at, self.kind), self.kind, width, mask)
                    f.set(total, f.add(f.get(total), more))
                f.store(f.at(to, i, self.kind), f.get(total), mask)
        f.ret()
        return f
