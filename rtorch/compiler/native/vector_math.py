"""Functions of mathematics on vectors.

Each is a polynomial after a reduction of the range, the same instructions in every lane, so that a
result does not depend on the width of the vectors or on where in an array it lies. Errors are given
in units in the last place (ulp) beside the functions; infinities, nan and denormal numbers come out
as IEEE 754 and C99 say.

References:
    Cody & Waite 1980, Software Manual for the Elementary Functions.
    Tang 1989, Table-driven implementation of the exponential function in IEEE floating-point
    arithmetic, ACM TOMS 15(2).
    Moshier 1992, the Cephes library's polynomials for single precision.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

from rtorch.compiler.native.text import Function, Operand, Value, constant


class Format(NamedTuple):
    """A floating-point format."""

    mantissa: int  # bits after the leading one
    bias: int
    magic: float  # adding it rounds to an integer, which is then in the low bits
    least: float  # the smallest normal number


FORMATS = {
    "float": Format(23, 127, 12582912.0, 2.0**-126),
    "double": Format(52, 1023, 6755399441055744.0, 2.0**-1022),
}


def integer(f: Function, value: int, like: Value) -> Value:
    return constant(value, f"i{32 if like.kind in ('float', 'i32') else 64}", like.lanes)


def polynomial(f: Function, x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's rule; the highest coefficient first."""
    result: Operand = constant(coefficients[0], x.kind, x.lanes)
    for c in coefficients[1:]:
        result = f.fma(result, x, c)
    assert isinstance(result, Value)
    return result


def pow2(f: Function, n: Value, kind: str) -> Value:
    """``2 ** n`` for integers `n` with a normal result."""
    form = FORMATS[kind]
    biased = f.add(n, constant(form.bias, n.kind, n.lanes))
    return f.floats(f.op("shl", biased, constant(form.mantissa, n.kind, n.lanes)))


def at_most(f: Function, x: Value, limit: float) -> Value:
    """``min(x, limit)``; nan stays."""
    return f.select(f.compare("ogt", x, limit), limit, x)


def at_least(f: Function, x: Value, limit: float) -> Value:
    """``max(x, limit)``; nan stays."""
    return f.select(f.compare("olt", x, limit), limit, x)


def magnitude(f: Function, x: Value) -> Value:
    return f.call("fabs", x)


# ---- exponentials --------------------------------------------------------------------------------

# (exp(r) - 1 - r) / r**2 for |r| <= log(2) / 2.
_EXP = {
    "float": (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
              1.6666665459e-1, 5.0000001201e-1),
    "double": tuple(1 / math.factorial(k) for k in range(14, 1, -1)),
}  # fmt: skip
_LN2 = {"float": (0.693145751953125, 1.42860682030941723212e-6),
        "double": (6.93147180369123816490e-01, 1.90821492927058770002e-10)}  # fmt: skip


def _reduced(f: Function, x: Value) -> tuple[Value, Value]:
    """``n`` and ``r`` with ``x = n log(2) + r``, ``n`` as integers."""
    magic = FORMATS[x.kind].magic
    shifted = f.fma(x, 1 / math.log(2), magic)
    n = f.exact("sub", shifted, magic)
    form = "<i" if x.kind == "float" else "<q"
    bits = struct.unpack(form, struct.pack("<f" if x.kind == "float" else "<d", magic))[0]
    whole = f.sub(f.bits(shifted), constant(bits, f.bits(shifted).kind, x.lanes))
    high, low = _LN2[x.kind]
    return whole, f.fma(n, -low, f.fma(n, -high, x))


def _exp_minus_one(f: Function, r: Value) -> Value:
    p = polynomial(f, r, _EXP[r.kind])
    return f.fma(f.mul(p, r), r, r)


def exp(f: Function, x: Value) -> Value:
    """``e ** x``; 1 ulp."""
    low, high = (-104.5, 89.0) if x.kind == "float" else (-746.0, 710.0)
    n, r = _reduced(f, at_least(f, at_most(f, x, high), low))
    p = f.add(_exp_minus_one(f, r), 1.0)
    # In two steps: 2**n itself may be too small or too large.
    half = f.op("ashr", n, constant(1, n.kind, n.lanes))
    return f.mul(f.mul(p, pow2(f, half, x.kind)), pow2(f, f.sub(n, half), x.kind))


def tanh(f: Function, x: Value) -> Value:
    """2.5 ulp."""
    doubled = at_least(f, f.mul(magnitude(f, x), -2.0), -30.0 if x.kind == "float" else -50.0)
    n, r = _reduced(f, doubled)
    scale = pow2(f, n, x.kind)
    t = f.fma(_exp_minus_one(f, r), scale, f.sub(scale, 1.0))  # exp(-2|x|) - 1
    return f.call("copysign", f.div(f.neg(t), f.add(t, 2.0)), x)


def sigmoid(f: Function, x: Value) -> Value:
    """``1 / (1 + exp(-x))``."""
    return f.div(1.0, f.add(exp(f, f.neg(x)), 1.0))


# ---- logarithm -----------------------------------------------------------------------------------

_LOG = {
    "float": (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
              1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
              3.3333331174e-1),
    "double": (1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
               2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
               6.666666666666735130e-01),
}  # fmt: skip
_ROOT_HALF = {"float": 0x3F3504F3, "double": 0x3FE6A09E00000000}  # the bits of sqrt(1/2)


def log(f: Function, x: Value) -> Value:
    """Natural logarithm; 1 ulp."""
    form = FORMATS[x.kind]
    lift = form.mantissa + (0 if x.kind == "float" else 2)
    small = f.compare("olt", x, form.least)
    normal = f.select(small, f.mul(x, 2.0**lift), x)
    bits = f.bits(normal)
    over = f.sub(bits, constant(_ROOT_HALF[x.kind], bits.kind, bits.lanes))
    exponent = f.op("ashr", over, constant(form.mantissa, bits.kind, bits.lanes))
    shifted = f.op("shl", exponent, constant(form.mantissa, bits.kind, bits.lanes))
    m = f.sub(f.floats(f.sub(bits, shifted)), 1.0)
    e = f.cast("sitofp", exponent, x.kind)
    e = f.select(small, f.sub(e, float(lift)), e)
    result = (_log_float if x.kind == "float" else _log_double)(f, m, e)
    result = f.select(f.compare("oeq", x, math.inf), x, result)
    result = f.select(f.compare("oeq", x, 0.0), -math.inf, result)
    return f.select(f.compare("oge", x, 0.0), result, math.nan)


def _log_float(f: Function, m: Value, e: Value) -> Value:
    z = f.mul(m, m)
    y = f.mul(f.mul(m, z), polynomial(f, m, _LOG["float"]))
    y = f.fma(z, -0.5, f.fma(e, -2.12194440e-4, y))
    return f.fma(e, 0.693359375, f.add(m, y))


def _log_double(f: Function, m: Value, e: Value) -> Value:
    q = f.div(m, f.add(m, 2.0))
    z = f.mul(q, q)
    r = f.mul(z, polynomial(f, z, _LOG["double"]))
    half = f.mul(f.mul(m, m), 0.5)
    high, low = _LN2["double"]
    t = f.fma(q, f.add(half, r), f.mul(e, low))
    return f.fma(e, high, f.sub(m, f.sub(half, t)))
