"""Copies with zeros about them."""

from __future__ import annotations

import math
from typing import NamedTuple

from rtorch.compiler.native.conv_kernel import ARGS, FIRST, LAST, Ints, digits
from rtorch.compiler.native.gemm import lanes
from rtorch.compiler.native.target import Target
from rtorch.compiler.native.text import Function, Value, constant

UNROLLED = 8  # vectors in a line; longer ones are copied in a loop


class Pad(NamedTuple):
    """Copies an array with zeros about it; arguments the array and the copy.

    Attributes:
        kind: float or double.
        outer: Extents and strides of the axes that get no zeros.
        space: Extents and strides of the others.
        low: How many zeros come before.
        padded: Their extents with zeros.
        offset: The first element of the array.
    """

    kind: str
    outer: tuple[tuple[int, int], ...]
    space: tuple[tuple[int, int], ...]
    low: Ints
    padded: Ints
    offset: int

    @property
    def n_args(self) -> int:
        return 2

    @property
    def writes(self) -> Ints:
        return (1,)

    def tasks(self, target: Target) -> int:
        return math.prod([n for n, _ in self.outer])

    def least(self, target: Target) -> int:
        return max(1, 40_000 // math.prod(self.padded))

    def print(self, name: str, target: Target, contract: bool = True) -> Function:
        f = Function(name, ARGS, target)
        x, to = f.pointer("%args", 0), f.pointer("%args", 1)
        with f.loop(FIRST, LAST) as task:
            which = digits(f, task, tuple([n for n, _ in self.outer]))
            image = f.index(*zip(which, [s for _, s in self.outer]), start=self.offset)
            place = f.index((task, math.prod(self.padded)))
            self._lines(f, 0, f.at(x, image, self.kind), f.at(to, place, self.kind), None)
        f.ret()
        return f

    def _lines(self, f: Function, axis: int, x: Value, to: Value, inside: Value | None) -> None:
        """Loops over all axes but the last."""
        if axis == len(self.padded) - 1:
            there = constant(1, "i1") if inside is None else inside
            with f.when(there):
                self._line(f, x, to)
            with f.when(f.logical_not(there)):
                self._zeros(f, to)
            return
        (n, stride), low = self.space[axis], self.low[axis]
        with f.loop(0, self.padded[axis]) as k:
            at = f.sub(k, low)
            valid = f.compare("ult", at, n)
            both = valid if inside is None else f.op("and", inside, valid)
            place = f.index((k, math.prod(self.padded[axis + 1 :])))
            self._lines(f, axis + 1, f.at(x, f.op("mul", at, stride), self.kind),
                        f.at(to, place, self.kind), both)  # fmt: skip

    def _zeros(self, f: Function, to: Value) -> None:
        length, width = self.padded[-1], lanes(self.kind, f.target)
        for k in self._starts(width):
            f.store(f.at(to, k, self.kind), constant(0.0, self.kind, width),
                    _lanes(0, length - k, width))  # fmt: skip
        if length > UNROLLED * width:
            with f.loop(0, length) as i:
                f.store(f.at(to, i, self.kind), constant(0.0, self.kind))

    def _starts(self, width: int) -> list[int]:
        """Where the vectors of a line start: the last one ends where the line does."""
        length = self.padded[-1]
        if length > UNROLLED * width:
            return []
        return [max(0, min(k, length - width)) for k in range(0, length, width)]

    def _line(self, f: Function, x: Value, to: Value) -> None:
        """A line along the last axis."""
        (n, stride), low, length = self.space[-1], self.low[-1], self.padded[-1]
        width = lanes(self.kind, f.target)
        if stride != 1 or length > UNROLLED * width:
            self._line_in_loop(f, x, to)
            return
        for k in self._starts(width):
            mask = _lanes(low - k, low + n - k, width)
            value = f.load(f.at(x, k - low, self.kind), self.kind, width, mask)
            f.store(f.at(to, k, self.kind), value, _lanes(0, length - k, width))

    def _line_in_loop(self, f: Function, x: Value, to: Value) -> None:
        (n, stride), low, length = self.space[-1], self.low[-1], self.padded[-1]
        width = lanes(self.kind, f.target) if stride == 1 else 1
        with f.loop(0, length, width) as i:
            first = f.sub(i, low)
            there = f.compare("ult", f.add(f.splat(first, width), f.ramp("i64", width)), n)
            source = f.at(x, f.op("mul", first, stride), self.kind)
            place = f.at(to, i, self.kind)
            if width > 1:
                value = f.load(source, self.kind, width, there)
                f.store(place, value, f.first(f.sub(constant(length, "i64"), i), width))
            else:
                f.store(place, constant(0.0, self.kind))
                with f.when(there):
                    f.store(place, f.load(source, self.kind))


def _lanes(first: int, last: int, width: int) -> Value | None:
    """The mask of the lanes from `first` to `last`; None if it is all of them."""
    if first <= 0 and last >= width:
        return None
    return Value("<" + ", ".join(f"i1 {'true' if first <= k < last else 'false'}"
                                 for k in range(width)) + ">", "i1", width)  # fmt: skip
