"""Hurwitz's and Riemann's zeta functions, and their derivatives by the exponent, of every order.

References:
    DLMF 25.11.1, 25.11.5 and 25.11.17, definition, Euler and Maclaurin's sum, derivative by q
    DLMF 25.4.1, reflection
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.ops.base import Elementwise, add_p, elementwise, mul_p, neg_p, sub_p
from rtorch.ops.comparison import lt_p, select_p
from rtorch.ops.elementwise import cos_p, exp_p, sin_p
from rtorch.ops.gamma import gamma_p
from rtorch.ops.library import by_library, in_float32, need
from rtorch.ops.slopes import in_float64, of_arrays
from rtorch.ops.special import digamma_p

_TERMS = 16  # that are summed one by one, whatever s is
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
              43867 / 798, -174611 / 330)  # fmt: skip


def _zeta_slope(xp: Any, s: Any, q: Any, *, order: int) -> Any:
    """The sum of ``(-log y)^order y^-s`` over y = q, q + 1, ... by Euler and Maclaurin."""
    n = order
    total = xp.zeros_like(s)
    y = q.copy()
    for _ in range(_TERMS):
        total += xp.log(y) ** n * y**-s
        y += 1
    log, power = xp.log(y), y**-s
    falling = [math.perm(n, i) for i in range(n + 1)]
    total += y * power * sum(f * log ** (n - i) / (s - 1) ** (i + 1) for i, f in enumerate(falling))
    total += log**n * power / 2
    # The j-th derivative of log(y)^n y^-s is y^(-s-j) times a polynomial in log(y).
    coefficients = [xp.zeros_like(s)] * n + [xp.ones_like(s)]
    for j in range(2 * len(_BERNOULLI) - 1):
        raised = [(i + 1) * c for i, c in enumerate(coefficients[1:])] + [0]
        coefficients = [r - (s + j) * c for r, c in zip(raised, coefficients)]
        if j % 2 == 0:
            value = sum(c * log**i for i, c in enumerate(coefficients)) * power / y ** (j + 1)
            total -= _BERNOULLI[j // 2] / math.factorial(j + 2) * value
    return xp.where(s == 1, xp.nan, (-1) ** n * total)


class ZetaSlope(Elementwise):
    """The ``order``-th derivative of `zeta` by the exponent; nan where ``q`` is not positive."""

    name = "zeta_slope"
    partials = (
        lambda out, s, q, *, order: zeta_slope_p(s, q, order=order + 1),
        of_arrays(lambda out, s, q, *, order: ZetaSlope.by_q(s, q, order)),
    )

    def impl(self, xp: Any, s: Any, q: Any, *, order: int) -> Any:
        return in_float64(_zeta_slope, xp, s, q, order=order)

    @staticmethod
    def by_q(s: Any, q: Any, order: int) -> Any:
        first = mul_p(s, zeta_slope_p(add_p(s, 1), q, order=order))
        return neg_p(add_p(first, mul_p(zeta_slope_p(add_p(s, 1), q, order=order - 1), order)))


zeta_slope_p: Elementwise = ZetaSlope()


def _riemann_slope(out: Any, s: Any) -> Any:
    """Below 0 by reflection, of which this is the derivative."""
    below = lt_p(s, 0)
    # Each branch gets a harmless value where the other is taken.
    return select_p(below, _reflected(select_p(below, s, -0.5)),
                    zeta_slope_p(select_p(below, 2, s), 1.0, order=1))  # fmt: skip


def _reflected(s: Any) -> Any:
    other, angle = sub_p(1, s), mul_p(s, math.pi / 2)
    sine, cosine = sin_p(angle), mul_p(cos_p(angle), math.pi / 2)
    size = mul_p(exp_p(mul_p(other, -math.log(2 * math.pi))), mul_p(gamma_p(other), 2))
    value, slope = zeta_p(other, 1.0), zeta_slope_p(other, 1.0, order=1)
    inner = sub_p(mul_p(sub_p(math.log(2 * math.pi), digamma_p(other)), value), slope)
    return mul_p(size, add_p(mul_p(sine, inner), mul_p(cosine, value)))


def _riemann_zeta(xp: Any, s: Any) -> Any:
    zeta = need("zeta", xp)
    return zeta(s) if xp is np else zeta(s, s.dtype.type(1))  # CuPy's has no values below 1


zeta_p: Elementwise = elementwise(
    "zeta",
    by_library("zeta"),
    lambda out, s, q: zeta_slope_p(s, q, order=1),
    of_arrays(lambda out, s, q: neg_p(mul_p(s, zeta_p(add_p(s, 1), q)))),
    singular=True,
    doc="The sum of ``(k + q) ** -s`` over k = 0, 1, 2, ...",
)
riemann_zeta_p = elementwise(
    "riemann_zeta",
    lambda xp, s: in_float32(_riemann_zeta, xp, s),
    _riemann_slope,
    singular=True,
    doc="The zeta function of one argument, below 1 too.",
)
