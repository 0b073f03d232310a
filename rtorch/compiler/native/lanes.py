"""Numbers in registers with operators, so that formulas read as formulas.

No operation on `Lanes` is contracted: a product and a sum are one instruction only where a function
says `fma`. That is what makes results the same for every width of vectors, and what the tricks with
rounding errors rely on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from rtorch.compiler.native.text import Function, Value, constant

Number: TypeAlias = "Lanes | float"


class Lanes:
    """Floats, integers or truth values, and the function that computes with them."""

    __slots__ = ("f", "v")

    def __init__(self, f: Function, v: Value) -> None:
        self.f = f
        self.v = v

    @property
    def kind(self) -> str:
        return self.v.kind

    def _operator(self, floats: str, integers: str, x: Number, y: Number) -> Lanes:
        a, b = value(self, x), value(self, y)
        name = floats if a.is_float else integers
        return Lanes(self.f, self.f.let(f"{name} {a}, {b.text}", a.kind, a.lanes))

    def __add__(self, y: Number) -> Lanes:
        return self._operator("fadd", "add", self, y)

    def __radd__(self, x: Number) -> Lanes:
        return self + x

    def __sub__(self, y: Number) -> Lanes:
        return self._operator("fsub", "sub", self, y)

    def __rsub__(self, x: Number) -> Lanes:
        return self._operator("fsub", "sub", x, self)

    def __mul__(self, y: Number) -> Lanes:
        return self._operator("fmul", "mul", self, y)

    def __rmul__(self, x: Number) -> Lanes:
        return self * x

    def __truediv__(self, y: Number) -> Lanes:
        return self._operator("fdiv", "sdiv", self, y)

    def __rtruediv__(self, x: Number) -> Lanes:
        return self._operator("fdiv", "sdiv", x, self)

    def __neg__(self) -> Lanes:
        return Lanes(self.f, self.f.neg(self.v))

    def __and__(self, y: Number) -> Lanes:
        return self._operator("", "and", self, y)

    def __or__(self, y: Number) -> Lanes:
        return self._operator("", "or", self, y)

    def __xor__(self, y: Number) -> Lanes:
        return self._operator("", "xor", self, y)

    def __invert__(self) -> Lanes:
        return self ^ (1 if self.kind == "i1" else -1)

    def __lshift__(self, y: Number) -> Lanes:
        return self._operator("", "shl", self, y)

    def __rshift__(self, y: Number) -> Lanes:
        """Copies of the sign come in."""
        return self._operator("", "ashr", self, y)

    def shift_down(self, y: Number) -> Lanes:
        """Zeros come in."""
        return self._operator("", "lshr", self, y)

    def compare(self, predicate: str, y: Number) -> Lanes:
        return Lanes(self.f, self.f.compare(predicate, self.v, value(self, y)))

    def __lt__(self, y: Number) -> Lanes:
        return self.compare("olt" if self.v.is_float else "slt", y)

    def __le__(self, y: Number) -> Lanes:
        return self.compare("ole" if self.v.is_float else "sle", y)

    def __gt__(self, y: Number) -> Lanes:
        return self.compare("ogt" if self.v.is_float else "sgt", y)

    def __ge__(self, y: Number) -> Lanes:
        return self.compare("oge" if self.v.is_float else "sge", y)

    def equals(self, y: Number) -> Lanes:
        return self.compare("oeq" if self.v.is_float else "eq", y)

    def differs(self, y: Number) -> Lanes:
        return self.compare("une" if self.v.is_float else "ne", y)

    @property
    def is_nan(self) -> Lanes:
        return self.compare("uno", self)

    def cast(self, instruction: str, kind: str) -> Lanes:
        return Lanes(self.f, self.f.cast(instruction, self.v, kind))

    @property
    def bits(self) -> Lanes:
        return Lanes(self.f, self.f.bits(self.v))

    @property
    def floats(self) -> Lanes:
        return Lanes(self.f, self.f.floats(self.v))

    def filled(self, number: float) -> Lanes:
        """A constant of the same type."""
        return Lanes(self.f, constant(number, self.v.kind, self.v.lanes))


def value(like: Lanes, x: Number) -> Value:
    """`x` as a Value, a number as a constant of the type of `like`."""
    return x.v if isinstance(x, Lanes) else constant(x, like.v.kind, like.v.lanes)


def intrinsic(name: str, x: Lanes, *others: Number) -> Lanes:
    return Lanes(x.f, x.f.call(name, x.v, *[value(x, y) for y in others]))


def where(mask: Lanes, x: Number, y: Number) -> Lanes:
    """`x` where `mask`, else `y`; one of them is not a plain number."""
    like = x if isinstance(x, Lanes) else y
    assert isinstance(like, Lanes)
    return Lanes(mask.f, mask.f.select(mask.v, value(like, x), value(like, y)))


def fma(x: Lanes, y: Number, z: Number) -> Lanes:
    """``x * y + z``, rounded once where the processor can."""
    if not x.f.target.has_fma:
        return x * y + z
    return intrinsic("fma", x, y, z)


def polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    """Horner's rule; the constant first."""
    result: Number = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        result = fma(x, result, c)
    assert isinstance(result, Lanes)
    return result


def magnitude(x: Lanes) -> Lanes:
    return intrinsic("fabs", x)


def copysign(x: Number, y: Lanes) -> Lanes:
    # Of its bits: LLVM's intrinsic fails an assertion where y comes from half precision.
    sign = -1 << (31 if y.kind == "float" else 63)
    number = x if isinstance(x, Lanes) else y.filled(x)
    return ((number.bits & ~sign) | (y.bits & sign)).floats


def sqrt(x: Lanes) -> Lanes:
    return intrinsic("sqrt", x)


def at_most(x: Lanes, limit: Number) -> Lanes:
    """``min(x, limit)``; nan stays."""
    return where(x > limit, limit, x)


def at_least(x: Lanes, limit: Number) -> Lanes:
    """``max(x, limit)``; nan stays."""
    return where(x < limit, limit, x)


def nearest(x: Lanes) -> Lanes:
    """The nearest integer, for ``|x|`` far below the reciprocal of the rounding error."""
    magic = MAGIC[x.kind]
    return (x + magic) - magic


# Adding it leaves no digits after the point, and the integer in the low bits.
MAGIC = {"float": 12582912.0, "double": 6755399441055744.0}
MANTISSA = {"float": 23, "double": 52}  # bits after the leading one
BIAS = {"float": 127, "double": 1023}
TINY = {"float": 2.0**-126, "double": 2.0**-1022}  # the least normal number


def wide(x: Lanes) -> Lanes:
    return x.cast("fpext", "double")


def narrow(x: Lanes) -> Lanes:
    return x.cast("fptrunc", "float")


def some(mask: Lanes) -> Value:
    """Whether any lane is set."""
    if mask.v.lanes == 1:
        return mask.v
    name = f"@llvm.vector.reduce.or.v{mask.v.lanes}i1"
    mask.f.declarations.add(f"declare i1 {name}({mask.v.type})")
    return mask.f.let(f"call i1 {name}({mask.v})", "i1")


# ---- sums and products with their rounding errors ------------------------------------------------

Pair: TypeAlias = tuple[Lanes, Lanes]


def sum_of(x: Lanes, y: Number) -> Pair:
    """``x + y`` and its rounding error (Knuth)."""
    s = x + y
    back = s - x
    return s, (x - (s - back)) + (y - back)


def sum_of_ordered(x: Lanes, y: Lanes) -> Pair:
    """The same where ``|x| >= |y|`` (Dekker)."""
    s = x + y
    return s, y - (s - x)


def product_of(x: Lanes, y: Number) -> Pair:
    """``x * y`` and its rounding error."""
    p = x * y
    if x.f.target.has_fma:
        return p, fma(x, y, -p)
    if x.kind == "float":
        other = wide(y) if isinstance(y, Lanes) else wide(x).filled(y)
        return p, narrow(wide(x) * other - wide(p))
    other = y if isinstance(y, Lanes) else x.filled(y)
    (a, b), (c, d) = _halves(x), _halves(other)
    return p, ((a * c - p) + a * d + b * c) + b * d


def _halves(x: Lanes) -> Pair:
    """The upper 26 digits, rounded, and the rest; of numbers near the largest one, cut off."""
    bits = x.bits
    rounded = where(magnitude(x) < 2.0**1023, bits + (1 << 26), bits)
    high = (rounded & -(1 << 27)).floats
    return high, x - high


def residual(x: Lanes, n: Lanes, y: Number) -> Lanes:
    """``x - n * y`` where that is a float."""
    if x.f.target.has_fma:
        return fma(-n, y, x)
    p, e = product_of(n, y)
    return (x - p) - e


def is_whole(x: Lanes) -> Lanes:
    """Whether finite numbers are integers."""
    from_here = 2.0 ** MANTISSA[x.kind]
    y = magnitude(x)
    return (y >= from_here) | ((y + from_here) - from_here).equals(y)


NAN, INF = math.nan, math.inf
