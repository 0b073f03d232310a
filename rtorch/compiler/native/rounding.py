"""Rounding to integers and conversion between formats, where processors differ.

LLVM would call a library for what a processor has no instruction for, and there is none to call.
"""

from __future__ import annotations

from rtorch.compiler.native.lanes import (
    MANTISSA,
    Lanes,
    copysign,
    intrinsic,
    magnitude,
    where,
)


def rint(x: Lanes) -> Lanes:
    """The nearest integer, halves to the even one."""
    if x.f.target.rounds:
        return intrinsic("rint", x)
    far = 2.0 ** MANTISSA[x.kind]
    a = magnitude(x)
    return copysign(where(a < far, (a + far) - far, a), x)


def floor(x: Lanes) -> Lanes:
    if x.f.target.rounds:
        return intrinsic("floor", x)
    y = rint(x)
    return copysign(where(y > x, y - 1.0, y), x)


def ceil(x: Lanes) -> Lanes:
    return intrinsic("ceil", x) if x.f.target.rounds else -floor(-x)


def trunc(x: Lanes) -> Lanes:
    if x.f.target.rounds:
        return intrinsic("trunc", x)
    return copysign(floor(magnitude(x)), x)


# ---- half precision ------------------------------------------------------------------------------


def float_of_half(x: Lanes) -> Lanes:
    """The bits of a ``half`` as ``float``."""
    if x.f.target.has_half:
        return x.cast("bitcast", "half").cast("fpext", "float")
    bits = x.cast("zext", "i32")
    value = ((bits & 0x7FFF) << 13).floats * 2.0**112  # the exponents' biases are 112 apart
    infinite = value >= 65536.0
    value = where(infinite, (value.bits | 0x7F800000).floats, value)
    return (value.bits | ((bits & 0x8000) << 16)).floats


def half_of_float(x: Lanes) -> Lanes:
    """``float`` rounded to the bits of a ``half``, ties to even."""
    if x.f.target.has_half:
        return x.cast("fptrunc", "half").cast("bitcast", "i16")
    a = magnitude(x)
    bits = a.bits
    tiny = (a + 0.5).bits - x.filled(0.5).bits  # the sum has the digits of a denormal half
    odd = bits.shift_down(13) & 1
    normal = (bits - (112 << 23) + (odd + 0xFFF)).shift_down(13)
    result = where(a < 2.0**-14, tiny, normal)
    result = where(a >= 65520.0, 0x7C00, result)
    result = where(a.is_nan, bits.shift_down(13) & 0x3FF | 0x7E00, result)
    sign = x.bits.shift_down(16) & 0x8000
    return (result | sign).cast("trunc", "i16")


def to_odd(x: Lanes) -> Lanes:
    """``double`` as ``float``, so that rounding it again rounds as if it were the first time.

    Boldo & Melquiond 2008, Emulation of FMA and correctly rounded sums: proved algorithms using
    rounding to odd, IEEE Transactions on Computers 57(4).
    """
    y = x.cast("fptrunc", "float")
    back = y.cast("fpext", "double")
    bits = y.bits
    beyond = magnitude(back) > magnitude(x)
    down = where(beyond, bits - 1, bits)  # towards 0
    return where(back.differs(x) & ~x.is_nan, down | 1, bits).floats


# ---- floats to integers --------------------------------------------------------------------------


def integer_of_float(x: Lanes, kind: str, signed: bool) -> Lanes:
    """Towards 0; what does not fit becomes what x86-64's instructions make of it."""
    bits = int(kind[1:])
    through = "i64" if bits == 64 else "i32"
    result = _signed(x, through) if signed or bits < 32 else _unsigned(x, through)
    return result if through == kind else result.cast("trunc", kind)


def _signed(x: Lanes, kind: str) -> Lanes:
    """An integer, or the least one for what does not fit."""
    half = 2.0 ** (int(kind[1:]) - 1)
    is_exact = kind == "i32" and x.kind == "double"  # -half - 1/2 is a float too
    fits = (x > -half - 1.0 if is_exact else x >= -half) & (x < half)
    number = where(fits, x, 0.0).cast("fptosi", kind)
    return where(fits, number, -int(half))


def _unsigned(x: Lanes, kind: str) -> Lanes:
    half = 2.0 ** (int(kind[1:]) - 1)
    upper = x >= half
    number = _signed(where(upper, x - half, x), kind)
    return where(upper, number ^ -int(half), number)
