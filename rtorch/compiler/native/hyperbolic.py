"""Hyperbolic functions and their inverses on vectors.

Reference:
    Kahan 1987, Branch cuts for complex elementary functions (the inverse functions by log1p).
"""

from __future__ import annotations

from rtorch.compiler.native import coefficients as c
from rtorch.compiler.native.lanes import (
    INF,
    NAN,
    Lanes,
    at_most,
    copysign,
    fma,
    magnitude,
    narrow,
    polynomial,
    sqrt,
    where,
    wide,
)
from rtorch.compiler.native.vector_math import (
    BETWEEN,
    expm1_near,
    log,
    log1p,
    power_of_two,
    reduced,
    scaled,
)

LN2 = 0.6931471805599453
TINY = {"float": 2.0**-13, "double": 2.0**-28}  # from where functions are x itself

# ---- sinh, cosh, tanh ----------------------------------------------------------------------------


def _half_exp(a: Lanes) -> Lanes:
    """``exp(a) / 2`` of a >= 0."""
    r, n = reduced(at_most(a, 89.5 if a.kind == "float" else 711.0))
    return scaled(expm1_near(r) + 1.0, n - 1)


def sinh(x: Lanes) -> Lanes:
    a = magnitude(x)
    h = _half_exp(a)
    z = x * x
    near = fma(z * x, polynomial(z, c.SINH[x.kind]), x)
    y = where(a < 1.0, near, copysign(h - 0.25 / h, x))
    return where(a < TINY[x.kind], x, y)


def cosh(x: Lanes) -> Lanes:
    h = _half_exp(magnitude(x))
    return h + 0.25 / h


def tanh(x: Lanes) -> Lanes:
    """By a polynomial near 0, elsewhere as ``1 - 2 / (exp(2 |x|) + 1)``."""
    a = magnitude(x)
    r, n = reduced(at_most(a + a, 40.0 if x.kind == "double" else 20.0))
    e = (expm1_near(r) + 1.0) * power_of_two(n, x.kind)
    z = x * x
    near = fma(z * x, polynomial(z, c.TANH[x.kind]), x)
    y = where(a < 0.625, near, copysign(1.0 - 2.0 / (e + 1.0), x))
    return where(a < TINY[x.kind], x, y)


# ---- inverse functions ---------------------------------------------------------------------------

# Of floats they are logarithms in double arithmetic, whose digits make up for what is lost.


def asinh(x: Lanes) -> Lanes:
    a = magnitude(x)
    if x.kind == "float":
        b = wide(a)
        y = narrow(log(b + sqrt(fma(b, b, 1.0)), BETWEEN))
    else:
        big = a > 2.0**28
        z = where(big, 1.0, a)
        square = z * z
        near = log1p(z + square / (sqrt(square + 1.0) + 1.0))
        y = where(big, log(a) + LN2, near)
    return where(a < TINY[x.kind], x, copysign(y, x))


def acosh(x: Lanes) -> Lanes:
    if x.kind == "float":
        b = wide(x)
        return where(x < 1.0, NAN, narrow(log(b + sqrt(fma(b, b, -1.0)), BETWEEN)))
    big = x > 2.0**28
    t = where(big, 1.0, x) - 1.0
    near = log1p(t + sqrt(fma(t, t, t + t)))
    return where(x < 1.0, NAN, where(big, log(x) + LN2, near))


def atanh(x: Lanes) -> Lanes:
    a = magnitude(x)
    if x.kind == "float":
        b = wide(a)
        y = narrow(log((b + 1.0) / (1.0 - b), BETWEEN) * 0.5)
    else:
        y = log1p((a + a) / (1.0 - a)) * 0.5
        y = where(a.equals(1.0), INF, where(a > 1.0, NAN, y))
    return where(a < TINY[x.kind], x, copysign(y, x))


def logit(x: Lanes) -> Lanes:
    """``log(x / (1 - x))``."""
    if x.kind == "float":
        b = wide(x)
        return narrow(log(b / (1.0 - b), BETWEEN))
    # In the middle, where the quotient is nearly 1, its logarithm would lose digits.
    middle = magnitude(x - 0.5) < 0.25
    t = where(middle, x - 0.5, 0.0)
    near = log1p((t * 2.0) / (0.5 - t))
    return where(middle, near, log(x / (1.0 - x)))
