"""The error function and its relatives, and the logarithm of gamma, on vectors.

References:
    Shepherd & Laframboise 1981, Chebyshev approximation of (1 + 2x) exp(x²) erfc(x).
    Giles 2012, Approximating the erfinv function (GPU Computing Gems, Jade edition).
    DLMF 5.5, 5.11, 5.15: recurrence, reflection and expansions of gamma and digamma.
"""

from __future__ import annotations

import math

from rtorch.compiler.native import coefficients as c
from rtorch.compiler.native.lanes import (
    INF,
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
    residual,
    sqrt,
    sum_of,
    where,
    wide,
)
from rtorch.compiler.native.vector_math import (
    BETWEEN,
    expm1_near,
    limited,
    log,
    log1p,
    reduced,
    scaled,
)
from rtorch.core.dtypes import float32, float64
from rtorch.ops.special import INVERSE_ERF

# ---- error function ------------------------------------------------------------------------------


def _quotient(a: Lanes, form: str) -> Pair:
    """``exp(a**2) erfc(a)`` of a >= 0, and its rounding error."""
    t = (a - 4.0) / (a + 4.0)
    p, (d, d_rest) = polynomial(t, c.ERFC[form]), sum_of(a + a, 1.0)
    inverse = 1.0 / d
    q = p * inverse
    return q, (residual(p, q, d) - q * d_rest) * inverse


def _tail(a: Lanes, form: str) -> Lanes:
    """``erfc(a)`` of a >= 0."""
    a = at_most(a, 30.0)
    q, left = _quotient(a, form)
    square, rest = product_of(a, a)
    r, n = reduced(limited(-square))
    return scaled(q + fma(q, expm1_near(r - rest, form), left), n)


def erfc(x: Lanes) -> Lanes:
    if x.kind == "float":
        return narrow(_erfc(wide(x), BETWEEN))
    return _erfc(x, "double")


def _erfc(x: Lanes, form: str) -> Lanes:
    a = magnitude(x)
    y = _tail(a, form)
    y = where(x < 0.0, 2.0 - y, y)
    near = 1.0 - fma(x, polynomial(at_most(x * x, 1.0), c.ERF[form]), x)
    return where(x.is_nan, x, where(a < 0.5, near, y))


def erf(x: Lanes) -> Lanes:
    a = magnitude(x)
    z = at_most(x * x, 1.0)
    near = fma(x, polynomial(z, c.ERF[x.kind]), x)
    far = copysign(1.0 - _tail(a, x.kind), x)
    return where(a < 1.0, near, where(x.is_nan, x, far))


def erfcx(x: Lanes) -> Lanes:
    """``exp(x**2) erfc(x)``."""
    if x.kind == "float":
        return narrow(_erfcx(wide(x), BETWEEN))
    return _erfcx(x, "double")


def _erfcx(x: Lanes, form: str) -> Lanes:
    a = magnitude(x)
    q, left = _quotient(at_most(a, 2.0**100), form)
    y = where(a > 2.0**100, math.sqrt(1 / math.pi) / a, q + left)
    square, rest = product_of(x, x)
    r, n = reduced(limited(square))
    grown = scaled(expm1_near(r + where(magnitude(rest) < 1.0, rest, 0.0), form) + 1.0, n)
    y = where(x < 0.0, grown * 2.0 - y, y)
    return where(x.is_nan, x, y)


def log_ndtr(x: Lanes) -> Lanes:
    """The logarithm of the normal distribution function."""
    if x.kind == "float":
        return narrow(_log_ndtr(wide(x), BETWEEN))
    return _log_ndtr(x, "double")


def _log_ndtr(x: Lanes, form: str) -> Lanes:
    y = x * math.sqrt(0.5)
    low = log(_erfcx(at_least(-y, 0.0), form) * 0.5) - (x * 0.5) * x
    return where(x < 0.0, low, log1p(_erfc(at_least(y, 0.0), form) * -0.5))


def erf_inv(x: Lanes) -> Lanes:
    """The inverse of erf, by the polynomials of the primitive."""
    limit, middle, centre, tails = INVERSE_ERF[float32 if x.kind == "float" else float64]
    w = -log(1.0 - x * x if x.kind == "float" else (1.0 - x) * (x + 1.0))
    y = polynomial(w - middle, centre[::-1])
    root, low = sqrt(at_least(w, 0.0)), limit
    for high, middle, coefficients in tails:
        y = where(w >= low, polynomial(root - middle, coefficients[::-1]), y)
        low = high
    return where(magnitude(x).equals(1.0), x * INF, x * y)
