"""Functions of the normal distribution and relatives of the error function.

References:
    DLMF 7, definitions and derivatives
    Cody 1969, Rational Chebyshev approximations for the error function
    Wichura 1988, Algorithm AS 241 (the quantiles, in Python's `statistics`)
    Owen 1956, Tables for computing bivariate normal probabilities
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from rtorch.ops.base import Elementwise, add_p, elementwise, mul_p, sub_p
from rtorch.ops.elementwise import div_p, exp_p, square
from rtorch.ops.library import by_library, scalar_function
from rtorch.ops.special import erf_p, erfc_of, erfcx_of

_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_PI = math.sqrt(2 * math.pi)
_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _log_ndtr(x: Any) -> Any:
    y = x * _ROOT_HALF
    low = np.log(erfcx_of(np.maximum(-y, 0)) / 2) - y * y
    return np.where(x < 0, low, np.log1p(-erfc_of(np.maximum(y, 0)) / 2))


_quantile = scalar_function(NormalDist().inv_cdf, math.nan)


def _ndtri(p: Any) -> Any:
    out = _quantile(p)
    return np.where(p == 0, -np.inf, np.where(p == 1, np.inf, out))


def _logit(x: Any) -> Any:
    # In the middle, where the quotient is nearly 1, its logarithm would lose digits.
    middle = 2 * np.arctanh(2 * x - 1)
    return np.where((x > 0.25) & (x < 0.75), middle, np.log(x) - np.log1p(-x))


erfcx_p: Elementwise = elementwise(
    "erfcx",
    by_library("erfcx", erfcx_of),
    lambda out, x: sub_p(mul_p(mul_p(out, x), 2), _TWO_OVER_ROOT_PI),
    doc="``exp(x²) erfc(x)``.",
)
dawsn_p = elementwise(
    "dawsn",
    by_library("dawsn"),
    lambda out, x: sub_p(1, mul_p(mul_p(out, x), 2)),
    doc="``exp(-x²)`` times the integral of ``exp(t²)`` from 0 to ``x``.",
)
wofz_p = elementwise(
    "wofz",
    by_library("wofz"),
    lambda out, z: add_p(mul_p(mul_p(out, z), -2), _TWO_OVER_ROOT_PI * 1j),
    doc="The Faddeeva function ``exp(-z²) erfc(-iz)`` of complex numbers.",
)
log_ndtr_p = elementwise(
    "log_ndtr",
    by_library("log_ndtr", _log_ndtr),
    lambda out, x: div_p(math.sqrt(2 / math.pi), erfcx_p(mul_p(x, -_ROOT_HALF))),
    doc="The logarithm of the normal distribution function.",
)
ndtri_p = elementwise(
    "ndtri",
    by_library("ndtri", _ndtri),
    lambda out, p: mul_p(exp_p(mul_p(square(out), 0.5)), _ROOT_TWO_PI),
    singular=True,
    doc="The quantile of the normal distribution.",
)
logit_p = elementwise(
    "logit",
    by_library("logit", _logit),
    lambda out, x: div_p(1, mul_p(x, sub_p(1, x))),
    singular=True,
    doc="``log(x / (1 - x))``.",
)


def _owens_by_h(out: Any, h: Any, a: Any) -> Any:
    gauss = exp_p(mul_p(square(h), -0.5))
    return mul_p(mul_p(gauss, erf_p(mul_p(mul_p(a, h), _ROOT_HALF))), -0.5 / _ROOT_TWO_PI)


def _owens_by_a(out: Any, h: Any, a: Any) -> Any:
    more = add_p(square(a), 1)
    return div_p(exp_p(mul_p(mul_p(square(h), more), -0.5)), mul_p(more, 2 * math.pi))


owens_t_p = elementwise(
    "owens_t", by_library("owens_t"), _owens_by_h, _owens_by_a, doc="Owen's T function."
)
