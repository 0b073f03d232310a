"""The incomplete gamma and beta functions, and their derivatives by the parameters.

References:
    DLMF 8.2, 8.17 and 8.17.22, definitions, derivatives and the continued fraction
    Boik & Robison-Cox 1998, Derivatives of the incomplete beta function
"""

from __future__ import annotations

from typing import Any

from rtorch.core.dtypes import finfo
from rtorch.ops.base import Elementwise, add_p, elementwise, mul_no_nan_p, neg_p, sub_p
from rtorch.ops.elementwise import exp_p, log_p, minimum_p
from rtorch.ops.entropy import xlog1py_p, xlogy_p
from rtorch.ops.gamma import betaln_p
from rtorch.ops.library import by_library
from rtorch.ops.random_gamma import gamma_slope_p
from rtorch.ops.slopes import Slope, of_arrays, quotient
from rtorch.ops.special import digamma_p, lgamma_p

# ---- gamma ---------------------------------------------------------------------------------------


def _one_less(x: Any) -> Any:
    return add_p(x, -1)


def _finite(x: Any) -> Any:
    """In place of inf the largest float: ``inf - inf`` would be nan."""
    return minimum_p(x, float(finfo(x.dtype).max))


def _gamma_density(out: Any, a: Any, x: Any) -> Any:
    x = _finite(x)
    return exp_p(sub_p(sub_p(xlogy_p(_one_less(a), x), x), lgamma_p(a)))


def _upper_by_a(out: Any, a: Any, x: Any) -> Any:
    """By the slope of log x along which the function does not change; 0 at x = 0 and inf."""
    some = _finite(x)
    size = exp_p(sub_p(sub_p(xlogy_p(a, some), some), lgamma_p(a)))
    return mul_no_nan_p(size, gamma_slope_p(a, log_p(x)))


gammainc_p = elementwise(
    "gammainc",
    by_library("gammainc"),
    of_arrays(lambda *args: neg_p(_upper_by_a(*args))),
    of_arrays(_gamma_density),
    singular=True,
)
gammaincc_p = elementwise(
    "gammaincc",
    by_library("gammaincc"),
    of_arrays(_upper_by_a),
    of_arrays(lambda *args: neg_p(_gamma_density(*args))),
    singular=True,
)

# ---- beta ----------------------------------------------------------------------------------------


def _beta_density(out: Any, a: Any, b: Any, x: Any, **params: Any) -> Any:
    logarithm = add_p(xlogy_p(_one_less(a), x), xlog1py_p(_one_less(b), neg_p(x)))
    return exp_p(sub_p(logarithm, betaln_p(a, b)))


def _fraction(xp: Any, a: Any, b: Any, x: Any, by: int) -> tuple[Any, Any]:
    """The continued fraction of the incomplete beta function, and its derivative by a or b.

    By Lentz's method: c and d are the ratios of successive numerators and denominators.
    """
    one, zero = xp.ones_like(x), xp.zeros_like(x)
    a_dot, b_dot = (one, zero) if by == 0 else (zero, one)
    first = (a + b) * x / (a + 1)
    d = 1 / (1 - first)
    d_dot = ((a_dot + b_dot) * x - first * a_dot) / (a + 1) * d * d
    h, h_dot, c, c_dot = d, d_dot, one, zero
    for m in range(1, int(5 * max(float(a.max()), float(b.max()), 1) ** 0.5) + 200):
        for e, e_dot in _coefficients(a, b, x, a_dot, b_dot, m):
            c_dot, c = (e_dot - e * c_dot / c) / c, 1 + e / c
            d_dot, d = e_dot * d + e * d_dot, 1 / (1 + e * d)
            d_dot = -d_dot * d * d
            step, step_dot = c * d, c_dot * d + c * d_dot
            h_dot, h = h_dot * step + h * step_dot, h * step
        done = (xp.abs(step - 1) < 5e-16) & (xp.abs(step_dot * h) <= 1e-16 * xp.abs(h_dot))
        if bool(done.all()):
            break
    return h, h_dot


def _coefficients(a: Any, b: Any, x: Any, a_dot: Any, b_dot: Any, m: int) -> Any:
    """The next two of the fraction, each with its derivative."""
    even = a + 2 * m
    below, below_dot = (even - 1) * even, (2 * even - 1) * a_dot
    e = m * (b - m) * x / below
    yield e, (m * b_dot * x - e * below_dot) / below
    below, below_dot = even * (even + 1), (2 * even + 1) * a_dot
    e = -(a + m) * (a + b + m) * x / below
    e_dot = -((a + b + m) * a_dot + (a + m) * (a_dot + b_dot)) * x
    yield e, (e_dot - e * below_dot) / below


def _betainc_slope(xp: Any, a: Any, b: Any, x: Any, *, by: int) -> Any:
    """Above the mean by the symmetry ``1 - I(b, a, 1 - x)``."""
    valid = (a > 0) & (b > 0) & (a < xp.inf) & (b < xp.inf)
    out = xp.where(valid & ((x == 0) | (x == 1)), 0.0, xp.nan)
    inside = valid & (x > 0) & (x < 1)
    low = x <= (a + 1) / (a + b + 2)
    for mask, mirrored in ((inside & low, False), (inside & ~low, True)):
        some = xp.flatnonzero(mask)
        if len(some):
            out[some] = _betainc_below(xp, a[some], b[some], x[some], by, mirrored)
    return out


def _betainc_below(xp: Any, a: Any, b: Any, x: Any, by: int, mirrored: bool) -> Any:
    log_x, log_y = xp.log(x), xp.log1p(-x)
    if mirrored:
        a, b, x, log_x, log_y, by = b, a, 1 - x, log_y, log_x, 1 - by
    h, h_dot = _fraction(xp, a, b, x, by)
    size = xp.exp(a * log_x + b * log_y - xp.asarray(betaln_p.impl(xp, a, b))) / a
    psi, psi_of_sum, psi_of_b = (xp.asarray(digamma_p.impl(xp, y)) for y in (a, a + b, b))
    grown = log_x - psi - 1 / a if by == 0 else log_y - psi_of_b
    slope = size * (h * (grown + psi_of_sum) + h_dot)
    return -slope if mirrored else slope


def _slope_by_x(out: Any, a: Any, b: Any, x: Any, *, by: int) -> Any:
    """The derivative of the density by a or b."""
    log = log_p(x) if by == 0 else log_p(sub_p(1, x))
    mean = sub_p(digamma_p(a if by == 0 else b), digamma_p(add_p(a, b)))
    return mul_no_nan_p(_beta_density(out, a, b, x), sub_p(log, mean))


class BetaincSlope(Slope):
    """The derivative of `betainc` by a (``by=0``) or b (``by=1``)."""

    name = "betainc_slope"
    singular = True
    compute = staticmethod(_betainc_slope)
    partials = (quotient("betainc_slope", 0), quotient("betainc_slope", 1), of_arrays(_slope_by_x))


betainc_slope_p: Elementwise = BetaincSlope()
betainc_p = elementwise(
    "betainc",
    by_library("betainc"),
    lambda out, a, b, x: betainc_slope_p(a, b, x, by=0),
    lambda out, a, b, x: betainc_slope_p(a, b, x, by=1),
    of_arrays(_beta_density),
    singular=True,
)
