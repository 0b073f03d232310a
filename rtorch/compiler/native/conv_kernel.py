"""The innermost loop of convolutions.

A step of it takes one place of the window and one channel. The input is read where it lies, at a
distance that a table holds for each step, so that the same loop serves all windows, strides and
dilations::

    product[row, column] += x[tap[step] + row] * w[step, column]      vectors of output channels
    product[row, column] += w[step, row] * x[tap[step] + column]      vectors of pixels

References:
    Dukhan 2019, The indirect convolution algorithm (arXiv:1907.02129).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from rtorch.compiler.native import build
from rtorch.compiler.native.gemm import lanes
from rtorch.compiler.native.target import Target, host
from rtorch.compiler.native.text import NBYTES, Function, Slot, Value, constant, module

Ints: TypeAlias = tuple[int, ...]

# Of parts of convolutions.
ARGS = "ptr %args, i64 %first, i64 %last"
FIRST, LAST = Value("%first", "i64"), Value("%last", "i64")
PARAMS = "ptr, ptr, ptr, i64, i64, i64, ptr, i64, i64"


AHEAD = 8  # steps whose weights are fetched in advance


class Micro(NamedTuple):
    """A micro-kernel: what is in registers, `rows` times `columns` vectors.

    Attributes:
        kind: float or double.
        rows: Where the numbers are that fill vectors, from the place of a step on.
        columns: Where the vectors are.
        places: Where the vectors of a row of the product go.
        by_pixels: Whether the vectors are pixels rather than output channels.
        valid: How many lanes of a vector there are.
    """

    kind: str
    rows: Ints
    columns: Ints
    places: Ints
    by_pixels: bool
    valid: int


def micro_kernel(micro: Micro, name: str, target: Target) -> Function:
    """``void micro(x, w, taps, inner, outer, stride, c, row, add)``.

    ``inner`` steps of the table ``taps``, ``outer`` times at a distance of ``stride`` in `x`. Rows
    of the product are ``row`` apart; it is added to them if ``add`` is not 0.
    """
    params = ("ptr %x, ptr %w, ptr %taps, i64 %inner, i64 %outer, i64 %stride, ptr %c, i64 %row, "
              "i64 %add")  # fmt: skip
    f = Function(name, params, target)
    width = lanes(micro.kind, target)
    mask = f.first(constant(micro.valid, "i64"), width) if micro.valid < width else None
    sums = [[f.variable(micro.kind, width, 0.0) for _ in micro.columns] for _ in micro.rows]
    step_of_w = len(micro.rows) if micro.by_pixels else len(micro.columns) * width
    w, x = f.variable("ptr"), f.variable("ptr")
    f.set(w, Value("%w", "ptr"))
    f.set(x, Value("%x", "ptr"))
    with f.loop(0, Value("%outer", "i64")):
        start = f.get(x)
        with f.loop(0, Value("%inner", "i64")) as step:
            tap = f.load(f.at(Value("%taps", "ptr"), step, "i32"), "i32")
            at_x, at_w = f.at(start, f.cast("sext", tap, "i64"), micro.kind), f.get(w)
            _prefetch(f, f.at(at_w, AHEAD * step_of_w, micro.kind), step_of_w, micro.kind)
            of_rows, of_columns = (at_w, at_x) if micro.by_pixels else (at_x, at_w)
            loaded = mask if micro.by_pixels else None
            columns = [f.load(f.at(of_columns, k, micro.kind), micro.kind, width, loaded)
                       for k in micro.columns]  # fmt: skip
            for k, row in zip(micro.rows, sums, strict=True):
                one = f.splat(f.load(f.at(of_rows, k, micro.kind), micro.kind), width)
                for total, column in zip(row, columns, strict=True):
                    f.set(total, f.fma(one, column, f.get(total)))
            f.set(w, f.at(at_w, step_of_w, micro.kind))
        f.set(x, f.at(start, Value("%stride", "i64"), micro.kind))
    f.line("%adds = icmp ne i64 %add, 0")
    f.line("br i1 %adds, label %accumulate, label %overwrite")
    for label, adds in (("accumulate", True), ("overwrite", False)):
        f.label(label)
        _store(f, micro, sums, mask, adds)
        f.ret()
    return f


def _prefetch(f: Function, place: Value, count: int, kind: str) -> None:
    """Have the processor read what is needed some steps later."""
    f.declarations.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    for k in range(0, count, 64 // NBYTES[kind]):
        f.line(f"call void @llvm.prefetch.p0({f.at(place, k, kind)}, i32 0, i32 3, i32 1)")


def _store(f: Function, micro: Micro, sums: list[list[Slot]], mask: Value | None,
           adds: bool) -> None:  # fmt: skip
    width = lanes(micro.kind, f.target)
    for i, row in enumerate(sums):
        start = f.at(Value("%c", "ptr"), f.index((Value("%row", "i64"), i)), micro.kind)
        for place, total in zip(micro.places, row, strict=True):
            to, value = f.at(start, place, micro.kind), f.get(total)
            if adds:
                value = f.add(value, f.load(to, micro.kind, width, mask))
            f.store(to, value, mask)


@functools.cache
def address(micro: Micro) -> int:
    """Where the micro-kernel is."""
    name = "micro"
    return build.build(module([micro_kernel(micro, name, host())], host()), [name])[name]


def table(f: Function, name: str, numbers: Sequence[int]) -> Value:
    """A constant array of i32."""
    items = ", ".join(f"i32 {k}" for k in numbers or [0])
    f.declarations.add(f"@{name} = internal constant [{max(1, len(numbers))} x i32] [{items}]")
    return Value(f"@{name}", "ptr")


def start_of(f: Function, tile: Value, each: int, total: int) -> Value:
    """Where a tile begins: the last one ends where the axis does."""
    at = f.op("mul", tile, each)
    return f.select(f.compare("slt", at, total - each), at, total - each)


def digits(f: Function, number: Value, extents: Ints) -> list[Value]:
    """A number as indices of an array of these extents."""
    found: list[Value] = []
    for n in reversed(extents[1:]):
        found.append(f.op("rem", number, n))
        number = f.op("div", number, n)
    return [number, *reversed(found)]
