"""Division with a rest, of floats and of integers, with NumPy's results; none of it traps."""

from __future__ import annotations

from rtorch.compiler.native.lanes import (
    BIAS,
    INF,
    MANTISSA,
    NAN,
    Lanes,
    copysign,
    magnitude,
    residual,
    some,
    where,
)
from rtorch.compiler.native.rounding import floor, trunc

# ---- floats --------------------------------------------------------------------------------------


def fmod(x: Lanes, y: Lanes) -> Lanes:
    """The rest of ``x / y`` with the sign of `x`, exact."""
    a, b = magnitude(x), magnitude(y)
    bad = ~(a < INF) | ~(b > 0.0)  # nan too
    r, b = where(bad, 0.0, a), where(bad, 1.0, b)
    r = _long_division(r, b)
    r = where(bad | y.is_nan, NAN, r)
    return copysign(where(x.is_nan, x, r), x)


def _long_division(r: Lanes, b: Lanes) -> Lanes:
    """``r mod b`` of positive floats, as many digits of the quotient at a time as a float has."""
    f, kind = r.f, r.kind
    digits = MANTISSA[kind] - 1
    rest = f.variable(kind, r.v.lanes, r.v)
    divides = b < INF
    far = divides & (_exponent(r) - _exponent(b) > digits)
    with f.when(some(far)):
        steps = (2 * BIAS[kind] + MANTISSA[kind]) // (digits - 1) + 1
        with f.loop(0, steps):
            now = Lanes(f, f.get(rest))
            apart = _exponent(now) - _exponent(b)
            far = divides & (apart > digits)
            scale = _times_power(b, where(far, apart - (digits - 1), 0))
            f.set(rest, where(far, _step(now, scale), now).v)
    now = Lanes(f, f.get(rest))
    return where(now >= b, _step(now, b), now)


def _step(r: Lanes, b: Lanes) -> Lanes:
    """``r mod b`` for a quotient of fewer digits than a float has."""
    q = trunc(r / b)
    if r.f.target.has_fma:
        left = residual(r, q, b)
    else:  # the halves of a product may be too large where it is not
        down = where(r > 2.0**100, r.filled(2.0**-64), 1.0)
        left = residual(r * down, q, b * down) / down
    left = where(left < 0.0, left + b, left)
    return where(left >= b, left - b, left)


def _exponent(x: Lanes) -> Lanes:
    """The binary exponent of positive floats; of denormal numbers too low a one by few."""
    kind = x.kind
    lift = MANTISSA[kind] + 1
    small = x < 2.0 ** (1 - BIAS[kind])
    exponent = where(small, x * 2.0**lift, x).bits >> MANTISSA[kind]
    return where(small, exponent - lift, exponent)


def _times_power(x: Lanes, n: Lanes) -> Lanes:
    """``x * 2**n`` for ``n >= 0`` and a result that is no infinity."""
    result = x
    most = BIAS[x.kind]
    for _ in range(3):
        part = where(n > most, most, n)
        result = result * ((part + BIAS[x.kind]) << MANTISSA[x.kind]).floats
        n = n - part
    return result


def remainder(x: Lanes, y: Lanes) -> Lanes:
    """The rest of ``x / y`` with the sign of `y`."""
    rest = fmod(x, y)
    other = (rest < 0.0) ^ (y < 0.0)
    moved = where(other, rest + y, rest)
    return where(rest.equals(0.0), copysign(0.0, y), moved)


def floor_divide(x: Lanes, y: Lanes) -> Lanes:
    """The greatest integer below ``x / y``; beside an infinity the quotient itself."""
    rest = fmod(x, y)
    quotient = x / y
    whole = (x - rest) / y
    other = ~rest.equals(0.0) & ((rest < 0.0) ^ (y < 0.0))
    whole = where(other, whole - 1.0, whole)
    down = floor(whole)
    down = where(whole - down > 0.5, down + 1.0, down)
    result = where(whole.equals(0.0), copysign(0.0, quotient), down)
    one_infinite = magnitude(x).equals(INF) ^ magnitude(y).equals(INF)
    plain = y.equals(0.0) | (one_infinite & ~x.is_nan & ~y.is_nan)
    return where(plain, quotient, result)


# ---- integers ------------------------------------------------------------------------------------


def _safe(x: Lanes, y: Lanes, signed: bool) -> Lanes:
    """`y`, or 1 where it is 0 and where the quotient would be the one that is too large."""
    bad = y.equals(0)
    if signed:
        least = -(1 << (int(x.kind[1:]) - 1))
        bad = bad | (x.equals(least) & y.equals(-1))  # the quotient wraps to x
    return where(bad, 1, y)


def _quotient(x: Lanes, y: Lanes, signed: bool) -> Lanes:
    """Towards 0, of a `y` that is safe."""
    bits = int(x.kind[1:])
    if bits == 64:
        return x._operator("", "sdiv" if signed else "udiv", x, y)
    # Vectors have no division of integers; doubles hold these quotients exactly.
    into = "sitofp" if signed else "uitofp"
    quotient = x.cast(into, "double") / y.cast(into, "double")
    back = quotient.cast("fptosi", "i64" if bits == 32 and not signed else "i32")
    return back if back.kind == x.kind else back.cast("trunc", x.kind)


def integer_fmod(x: Lanes, y: Lanes, signed: bool) -> Lanes:
    divisor = _safe(x, y, signed)
    rest = x - _quotient(x, divisor, signed) * divisor
    return where(y.equals(0), 0, rest)


def integer_floor_divide(x: Lanes, y: Lanes, signed: bool) -> Lanes:
    """Rounded down; 0 where `y` is 0."""
    divisor = _safe(x, y, signed)
    q = _quotient(x, divisor, signed)
    if signed:
        inexact = (q * divisor).differs(x)
        q = where(inexact & ((x ^ divisor) < 0), q - 1, q)
    return where(y.equals(0), 0, q)


def integer_remainder(x: Lanes, y: Lanes, signed: bool) -> Lanes:
    """With the sign of `y`; 0 where `y` is 0."""
    rest = integer_fmod(x, y, signed)
    if not signed:
        return rest
    return where(rest.differs(0) & ((rest ^ y) < 0), rest + y, rest)


def shift_left(x: Lanes, y: Lanes) -> Lanes:
    """0 where all bits go, which negative amounts mean too."""
    bits = int(x.kind[1:])
    inside = y.compare("ult", bits)
    return where(inside, x << where(inside, y, 0), 0)


def shift_right(x: Lanes, y: Lanes, signed: bool) -> Lanes:
    """What is left when all bits go where they do, which negative amounts mean too."""
    bits = int(x.kind[1:])
    inside = y.compare("ult", bits)
    if not signed:
        return where(inside, x.shift_down(where(inside, y, 0)), 0)
    return x >> where(inside, y, bits - 1)


def nextafter(x: Lanes, y: Lanes) -> Lanes:
    """The next float from `x` in the direction of `y`."""
    bits = x.bits
    away = (x < y) ^ (bits < 0)  # whether the magnitude grows
    stepped = where(away, bits + 1, bits - 1).floats
    least = copysign((bits - bits + 1).floats, y)
    result = where(x.equals(0.0), least, stepped)
    return where(x.is_nan | y.is_nan, x + y, where(x.equals(y), y, result))


def step(x: Lanes, y: Lanes) -> Lanes:
    """1 where ``x > y``, 1/2 where they are equal, else 0."""
    return where(x > y, 1.0, where(x.equals(y), x.filled(0.5), 0.0))
