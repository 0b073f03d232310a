"""Exponentials, logarithms and powers on vectors.

Each is a polynomial after a reduction of the range, the same instructions in every lane, so that a
result does not depend on the width of the vectors or on where in an array it lies. Infinities, nan,
zeros and denormal numbers come out as IEEE 754 and C99 say. docs/vector_math.md has the errors.

What has two forms has one for ``float`` and one for ``double``; rarer functions of a float are
computed in double arithmetic with fewer terms (``between``).

References:
    Cody & Waite 1980, Software Manual for the Elementary Functions.
    Tang 1989, Table-driven implementation of the exponential function in IEEE floating-point
    arithmetic, ACM TOMS 15(2).
    Moshier 1992, the Cephes library's logarithm in single precision.
    Dekker 1971, A floating-point technique for extending the available precision.
"""

from __future__ import annotations

import math

from rtorch.compiler.native import coefficients as c
from rtorch.compiler.native.lanes import (
    BIAS,
    INF,
    MAGIC,
    MANTISSA,
    NAN,
    TINY,
    Lanes,
    Number,
    Pair,
    at_least,
    at_most,
    copysign,
    fma,
    is_whole,
    magnitude,
    narrow,
    nearest,
    polynomial,
    product_of,
    sqrt,
    sum_of,
    sum_of_ordered,
    where,
    wide,
)

# log(2) in parts: the first has so few digits that its product with an exponent is exact.
LN2 = {
    "float": (0.693145751953125, 1.42860682030941723212e-6),
    "double": (6.93147180369123816490e-01, 1.90821492927058770002e-10),
}
LN2_DOUBLE = (6.93147180559945286e-01, 2.31904681384629956e-17)  # in all the digits of two doubles
MOST = {"float": 88.722839, "double": 709.782712893384}  # exp of more is infinite

BETWEEN = "between"  # a float's digits in double arithmetic, of what is a float's range

# ---- exponentials --------------------------------------------------------------------------------


def power_of_two(n: Lanes, kind: str) -> Lanes:
    """``2 ** n`` for integers `n` with a normal result."""
    return ((n + BIAS[kind]) << MANTISSA[kind]).floats


def scaled(x: Lanes, n: Lanes) -> Lanes:
    """``x * 2 ** n`` in two steps, since ``2 ** n`` may be too small or too large a number."""
    half = n >> 1
    return (x * power_of_two(half, x.kind)) * power_of_two(n - half, x.kind)


def whole_part(x: Lanes, factor: Number) -> Pair:
    """``n``, the integer nearest to ``x * factor``, as a float and as an integer."""
    magic = MAGIC[x.kind]
    shifted = fma(x, factor, magic)
    return shifted - magic, shifted.bits - x.filled(magic).bits


def reduced(x: Lanes) -> Pair:
    """``r`` and the integer ``n`` with ``x = n log(2) + r``."""
    n, whole = whole_part(x, 1 / math.log(2))
    high, low = LN2[x.kind]
    return fma(n, -low, fma(n, -high, x)), whole


def expm1_near(r: Lanes, form: str = "") -> Lanes:
    """``exp(r) - 1`` for ``|r| <= log(2) / 2``."""
    return fma(polynomial(r, c.EXP[form or r.kind]) * r, r, r)


def limited(x: Lanes) -> Lanes:
    """`x`, or where exp of it is 0 or infinite a number that is as good."""
    low, high = (-104.5, 89.0) if x.kind == "float" else (-746.0, 710.0)
    return at_least(at_most(x, high), low)


def exp(x: Lanes, form: str = "") -> Lanes:
    """``e ** x``."""
    if form == BETWEEN:
        r, n = reduced(x)
        return (expm1_near(r, form) + 1.0) * power_of_two(n, "double")
    r, n = reduced(limited(x))
    return scaled(expm1_near(r, form) + 1.0, n)


def exp_of_pair(x: Lanes, low: Number, form: str = "") -> Lanes:
    """``exp(x + low)`` for a small correction `low`."""
    r, n = reduced(limited(x))
    return scaled(expm1_near(r + low, form) + 1.0, n)


def exp2(x: Lanes) -> Lanes:
    """``2 ** x``."""
    low, high = (-151.0, 129.0) if x.kind == "float" else (-1076.0, 1025.0)
    y = at_least(at_most(x, high), low)
    n, whole = whole_part(y, 1.0)
    r = y - n
    return scaled(fma(polynomial(r, c.EXP2[x.kind]), r, 1.0), whole)


def expm1(x: Lanes) -> Lanes:
    """``exp(x) - 1`` without cancellation."""
    r, n = reduced(at_least(limited(x), -40.0))
    scale = power_of_two(n - 1, x.kind)  # half of it: 2 ** n may be too large
    half = fma(expm1_near(r), scale, scale - 0.5)
    return where(magnitude(x) < 2.0 ** -(MANTISSA[x.kind] + 2), x, half + half)


def sigmoid(x: Lanes) -> Lanes:
    """``1 / (1 + exp(-x))``."""
    e = exp(-magnitude(x))
    return where(x < 0.0, e, 1.0) / (e + 1.0)


def logaddexp(x: Lanes, y: Lanes) -> Lanes:
    """``log(exp(x) + exp(y))``."""
    larger = where(x > y, x, y)
    apart = where(x.equals(y), 0.0, magnitude(x - y))
    sum_ = larger + log1p(exp(-apart))
    return where(x.is_nan | y.is_nan, x + y, sum_)


# ---- logarithms ----------------------------------------------------------------------------------

_LOG_FLOAT = (3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1,
              1.4249322787e-1, -1.2420140846e-1, 1.1676998740e-1, -1.1514610310e-1,
              7.0376836292e-2)  # fmt: skip
_ROOT_HALF = {"float": 0x3F3504F3, "double": 0x3FE6A09E00000000}  # the bits of sqrt(1/2)


def split(x: Lanes, form: str = "") -> Pair:
    """The factor from sqrt(1/2) to sqrt(2), and the exponent as an integer, of positive numbers."""
    kind = x.kind
    if form == BETWEEN:  # normal numbers
        exponent = (x.bits - _ROOT_HALF[kind]) >> MANTISSA[kind]
        return (x.bits - (exponent << MANTISSA[kind])).floats, exponent
    small = x < TINY[kind]
    lift = MANTISSA[kind] + 2
    bits = where(small, x * 2.0**lift, x).bits
    exponent = (bits - _ROOT_HALF[kind]) >> MANTISSA[kind]
    factor = (bits - (exponent << MANTISSA[kind])).floats
    return factor, where(small, exponent - lift, exponent)


def _log_from(m: Lanes, exponent: Lanes, form: str = "") -> Lanes:
    """``log(1 + m) + exponent * log(2)``."""
    e = exponent.cast("sitofp", m.kind)
    if m.kind == "float":
        z = m * m
        y = (m * z) * polynomial(m, _LOG_FLOAT)
        y = fma(z, -0.5, fma(e, -2.12194440e-4, y))
        return fma(e, 0.693359375, m + y)
    s = m / (m + 2.0)
    z = s * s
    if form == BETWEEN:
        return fma(e, math.log(2), fma(s * z, polynomial(z, c.ATANH[form]), s + s))
    r = z * polynomial(z, c.ATANH["double"])
    half = (m * m) * 0.5
    high, low = LN2["double"]
    return fma(e, high, m - (half - fma(s, half + r, e * low)))


def _at_edges(x: Lanes, result: Lanes, zero: float = 0.0) -> Lanes:
    """The logarithm where it is infinite or undefined: at and below `zero`."""
    result = where(x.equals(INF), x, result)
    result = where(x.equals(zero), -INF, result)
    return where(x >= zero, result, NAN)


def log(x: Lanes, form: str = "") -> Lanes:
    """Natural logarithm."""
    m, e = split(x, form)
    return _at_edges(x, _log_from(m - 1.0, e, form))


def log1p(x: Lanes) -> Lanes:
    """``log(1 + x)`` without cancellation."""
    u, rest = sum_of(x, 1.0)
    m, e = split(u)
    less = where(e > 100, 100, e)
    m = (m - 1.0) + rest * power_of_two(-less, x.kind)
    result = where(magnitude(x) < 2.0 ** -(MANTISSA[x.kind] + 2), x, _log_from(m, e))
    return _at_edges(x, result, -1.0)


def log_pair(x: Lanes) -> Pair:
    """The logarithm of positive doubles as a sum of two: some 12 digits more than one has."""
    factor, exponent = split(x)
    e = exponent.cast("sitofp", "double")
    above, (below, below_rest) = factor - 1.0, sum_of_ordered(factor.filled(2.0), factor - 1.0)
    inverse = 1.0 / below
    s = above * inverse
    product, product_rest = product_of(s, below)
    s_rest = (((above - product) - product_rest) - s * below_rest) * inverse
    z, z_rest = product_of(s, s)
    z_rest = fma(s + s, s_rest, z_rest)
    # 2 / 3 + z * ... as a pair
    q, q_rest = product_of(z, polynomial(z, c.ATANH_LONG["double"]))
    w, w_rest = sum_of_ordered(z.filled(2 / 3), q)
    w_rest = w_rest + (q_rest + 3.700743415417188e-17)
    p, p_rest = product_of(z, w)
    p_rest = p_rest + fma(z, w_rest, z_rest * w)
    t, t_rest = product_of(s, p)
    t_rest = t_rest + fma(s, p_rest, s_rest * p)
    high, low = sum_of_ordered(s + s, t)
    low = low + fma(s_rest, 2.0, t_rest)
    first, second = product_of(e, LN2["double"][0])
    top, rest = sum_of(first, high)
    return sum_of_ordered(top, rest + (low + fma(e, LN2["double"][1], second)))


def _log_times(x: Lanes, high: float, low: float) -> Lanes:
    """``log(x) * (high + low)``, correctly rounded but for rare cases."""
    if x.kind == "float":
        return narrow(log(wide(x), BETWEEN) * high)
    a, b = log_pair(x)
    p, rest = product_of(a, high)
    return _at_edges(x, p + (rest + fma(b, high, a * low)))


def log2(x: Lanes) -> Lanes:
    return _log_times(x, 1.4426950408889634, 2.0355273740931033e-17)


def log10(x: Lanes) -> Lanes:
    return _log_times(x, 0.4342944819032518, 1.098319650216765e-17)


# ---- powers --------------------------------------------------------------------------------------


def power(x: Lanes, y: Lanes) -> Lanes:
    """``x ** y`` of floats."""
    a = magnitude(x)
    result = _power_float(a, y) if x.kind == "float" else _power_double(a, y)
    odd = is_whole(y) & ~is_whole(y * 0.5)
    result = where((x < 0.0) & ~is_whole(y), NAN, result)
    result = where(odd, copysign(result, x), result)
    # Zeros and infinities: 0 or infinity by the sign of y.
    edge = where(a.equals(0.0), y, -y)
    limit = where(edge > 0.0, x.filled(0.0), INF)
    limit = where(odd, copysign(limit, x), limit)
    result = where(a.equals(0.0) | a.equals(INF), limit, result)
    by_infinity = where((a > 1.0).equals(y > 0.0), x.filled(INF), 0.0)
    result = where(magnitude(y).equals(INF), where(a.equals(1.0), 1.0, by_infinity), result)
    result = where(x.is_nan | y.is_nan, x + y, result)
    return where(x.equals(1.0) | y.equals(0.0), 1.0, result)


def _power_float(a: Lanes, y: Lanes) -> Lanes:
    m, e = split(wide(a), BETWEEN)
    product = wide(y) * _log_from(m - 1.0, e, BETWEEN)
    return narrow(exp(at_least(at_most(product, 200.0), -200.0), BETWEEN))


def _power_double(a: Lanes, y: Lanes) -> Lanes:
    high, low = log_pair(a)
    p, rest = product_of(high, y)
    rest = fma(low, y, rest)
    inside = magnitude(p) < 800.0
    return exp_of_pair(p, where(inside, rest, 0.0))


def rsqrt(x: Lanes) -> Lanes:
    return 1.0 / sqrt(x)


def cbrt(x: Lanes) -> Lanes:
    """The real cube root."""
    if x.kind == "float":
        return narrow(_cbrt(wide(x), BETWEEN))
    return _cbrt(x)


def _cbrt(x: Lanes, form: str = "") -> Lanes:
    a = magnitude(x)
    small = a < TINY["double"]
    bits = where(small, a * 2.0**54, a).bits
    exponent = (bits >> 52) - 1023
    m = (bits - (exponent << 52)).floats  # from 1 to 2
    third = nearest((exponent.cast("sitofp", "double") - 1.0) * (1 / 3))
    left = exponent - third.cast("fptosi", "i64") * 3  # 0, 1 or 2
    one, two = left.equals(1), left.equals(2)
    m = m * where(two, 4.0, where(one, m.filled(2.0), 1.0))
    start = where(two, 4 ** (-1 / 3), where(one, m.filled(2 ** (-1 / 3)), 1.0))
    r = polynomial(m * where(two, 0.25, where(one, m.filled(0.5), 1.0)), c.CBRT["double"]) * start
    r = fma(r * (1 / 3), 1.0 - m * r * r * r, r)  # Newton's step to m ** (-1/3)
    y = m * r * r
    if form != BETWEEN:  # and one to m ** (1/3), with more digits
        square, rest = product_of(y, y)
        p, p_rest = product_of(square, y)
        y = fma(((m - p) - fma(rest, y, p_rest)) * (r * r), 1 / 3, y)
    n = third.cast("fptosi", "i64") - where(small, left.filled(18), 0)
    y = copysign(y * power_of_two(n, "double"), x)
    return where((a < INF) & (a > 0.0), y, x)


def hypot(x: Lanes, y: Lanes) -> Lanes:
    """``sqrt(x**2 + y**2)`` without overflow."""
    if x.kind == "float":
        a, b = wide(x), wide(y)
        result = narrow(sqrt(a * a + b * b))
    else:
        result = _hypot(magnitude(x), magnitude(y))
    infinite = magnitude(x).equals(INF) | magnitude(y).equals(INF)
    return where(infinite, INF, result)


def _hypot(x: Lanes, y: Lanes) -> Lanes:
    a, b = where(x > y, x, y), where(x > y, y, x)
    far, near = a > 2.0**500, a < 2.0**-400
    down = where(far, 2.0**-600, where(near, a.filled(2.0**600), 1.0))
    up = where(far, 2.0**600, where(near, a.filled(2.0**-600), 1.0))
    a, b = a * down, b * down
    (p, p_rest), (q, q_rest) = product_of(a, a), product_of(b, b)
    total, rest = sum_of_ordered(p, q)
    root = sqrt(total)
    square, square_rest = product_of(root, root)
    missing = ((total - square) - square_rest) + (rest + (p_rest + q_rest))
    root = where(a > 0.0, root + missing * 0.5 / where(a > 0.0, root, 1.0), a)
    return where(x.is_nan | y.is_nan, x + y, root * up)


def xlogy(x: Lanes, y: Lanes) -> Lanes:
    return where(x.equals(0.0) & ~y.is_nan, 0.0, x * log(y))


def xlog1py(x: Lanes, y: Lanes) -> Lanes:
    return where(x.equals(0.0) & ~y.is_nan, 0.0, x * log1p(y))
