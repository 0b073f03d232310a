"""The logarithm of the gamma function and its derivative on vectors.

References:
    DLMF 5.5 (recurrence, reflection), 5.11 (expansions for large arguments).
"""

from __future__ import annotations

import math

from rtorch.compiler.native import coefficients as c
from rtorch.compiler.native.lanes import (
    INF,
    NAN,
    Lanes,
    Pair,
    at_least,
    at_most,
    copysign,
    fma,
    magnitude,
    narrow,
    polynomial,
    product_of,
    sum_of,
    where,
    wide,
)
from rtorch.compiler.native.rounding import floor, rint
from rtorch.compiler.native.trigonometry import cos, sin
from rtorch.compiler.native.vector_math import log, log_pair

_FAR = 10.0  # from where the expansions have the digits of a double
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156,
             -3617 / 122400)  # fmt: skip
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12,
            -3617 / 8160)  # fmt: skip
_HALF_LOG_TWO_PI = 0.9189385332046728


def lgamma(x: Lanes) -> Lanes:
    """``log(abs(gamma(x)))``; near its negative zeros digits cancel."""
    if x.kind == "float":
        return narrow(lgamma(wide(x)))
    a = magnitude(x)
    positive = _lgamma(a)
    below = a - rint(a)
    sine = magnitude(sin(below * math.pi))
    mirrored = log(math.pi / (where(a < 2.0**-60, 1.0, a) * sine)) - positive
    mirrored = where(a < 2.0**-60, -log(a), mirrored)
    whole = below.equals(0.0)
    result = where(x < 0.0, where(whole, INF, mirrored), positive)
    return where(x.is_nan, x, where(a.equals(INF), INF, result))


def _lgamma(x: Lanes) -> Lanes:
    """Of x >= 0."""
    far, low = x >= _FAR, x < 0.75
    product, y = _down(x)
    y = where(low, x + 1.0, y)
    near = (y - 1.0) * (y - 2.0) * polynomial(at_most(y, 3.05) - 1.9, c.LGAMMA["double"])
    high, rest = log_pair(where(far, x, where(low, at_least(x, 2.0**-1000), product)))
    tiny = x < 2.0**-100
    near = where(tiny, -log(x), where(low, -high, high) + (near + where(low, -rest, rest)))
    z = at_most(x, 2.0**500)
    inverse = 1.0 / z
    series = inverse * polynomial(inverse * inverse, _STIRLING)
    p, p_rest = product_of(z - 0.5, high - 1.0)
    total, lost = sum_of(p, _HALF_LOG_TWO_PI - 0.5)
    large = total + (lost + p_rest + fma(z, rest, series))
    large = where(x > 2.0**500, x * (high - 1.0), large)
    return where(far, large, near)


def _down(x: Lanes) -> Pair:
    """``(x - 1) (x - 2) ... y`` and the y from 2 to 3, of x < 10; 1 and `x` of x < 3."""
    n = at_least(floor(at_most(x, _FAR)) - 2.0, 0.0)
    product = x.filled(1.0)
    for k in range(1, 8):
        product = where(n >= float(k), product * (x - float(k)), product)
    return product, x - n


def digamma(x: Lanes) -> Lanes:
    """The derivative of lgamma; near its zeros digits cancel."""
    if x.kind == "float":
        return narrow(digamma(wide(x)))
    mirrored = x < 0.5
    y = where(mirrored, 1.0 - x, x)
    numerator, denominator = x.filled(0.0), x.filled(1.0)
    for _ in range(10):  # the sum of 1 / y, 1 / (y + 1), ... up to 10 as one fraction
        small = y < _FAR
        numerator = where(small, fma(numerator, y, denominator), numerator)
        denominator = where(small, denominator * y, denominator)
        y = where(small, y + 1.0, y)
    inverse = 1.0 / y
    z = inverse * inverse
    result = log(y) - fma(z, polynomial(z, _DIGAMMA), inverse * 0.5) - numerator / denominator
    angle = (x - rint(x)) * math.pi
    result = where(mirrored, result - math.pi * (cos(angle) / sin(angle)), result)
    at_pole = where(x.equals(0.0), copysign(INF, -x), NAN)
    return where((x - rint(x)).equals(0.0) & (x <= 0.0) | x.equals(-INF), at_pole, result)
