"""Gamma and beta functions.

References:
    DLMF 5, definitions and derivatives
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.ops.base import add_p, elementwise, mul_p, sub_p
from rtorch.ops.library import by_library, scalar_function
from rtorch.ops.special import digamma_p

_gamma = scalar_function(math.gamma, math.nan)
_lgamma = scalar_function(math.lgamma, math.inf)


def _gamma_or_limit(x: Any) -> Any:
    """At 0 and for large numbers infinite."""
    large = np.where(x > 1, np.inf, _gamma(np.minimum(x, 171.0)))
    return np.where(x == 0, np.copysign(np.inf, x), np.where(x > 171.6, large, _gamma(x)))


def _beta(a: Any, b: Any) -> Any:
    a, b, sign = _mirrored(a, b)
    for x in (a, b, a + b):
        # At a pole the limit has no sign: SciPy takes a positive one.
        sign = sign * np.where((x < 0) & (np.floor(x) % 2 == 1) & (x != np.floor(x)), -1, 1)
    return sign * np.exp(_of_gammas(a, b))


def _betaln(a: Any, b: Any) -> Any:
    return _of_gammas(*_mirrored(a, b)[:2])


def _of_gammas(a: Any, b: Any) -> Any:
    infinite = ((a <= 0) & (a == np.floor(a))) | ((b <= 0) & (b == np.floor(b)))
    return np.where(infinite, np.inf, _lgamma(a) + _lgamma(b) - _lgamma(a + b))


def _mirrored(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """``beta(a, b) = (-1)^b beta(1 - a - b, b)`` where a is a negative integer and b another."""
    swap = (b <= 0) & (b == np.floor(b))
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    mirror = (a <= 0) & (a == np.floor(a)) & (b == np.floor(b)) & (1 - a - b > 0)
    sign = np.where(mirror & (b % 2 == 1), -1, 1)
    return np.where(mirror, 1 - a - b, a), b, sign


def _binom(n: Any, k: Any) -> Any:
    return np.exp(-_betaln(1 + n - k, 1 + k)) / (n + 1)


gamma_p = elementwise(
    "gamma",
    by_library("gamma", _gamma_or_limit),
    lambda out, x: mul_p(out, digamma_p(x)),
    singular=True,
)
loggamma_p = elementwise(
    "loggamma",
    by_library("loggamma"),
    lambda out, x: digamma_p(x),
    singular=True,
    doc="The logarithm of gamma, of complex numbers too, on its principal branch.",
)
beta_p = elementwise(
    "beta",
    by_library("beta", _beta),
    lambda out, a, b: mul_p(out, sub_p(digamma_p(a), digamma_p(add_p(a, b)))),
    lambda out, a, b: mul_p(out, sub_p(digamma_p(b), digamma_p(add_p(a, b)))),
)
betaln_p = elementwise(
    "betaln",
    by_library("betaln", _betaln),
    lambda out, a, b: sub_p(digamma_p(a), digamma_p(add_p(a, b))),
    lambda out, a, b: sub_p(digamma_p(b), digamma_p(add_p(a, b))),
    doc="The logarithm of the absolute value of beta.",
)


def _one_off(x: Any, by: float = 1) -> Any:
    return add_p(x, by)


binom_p = elementwise(
    "binom",
    by_library("binom", _binom),
    lambda out, n, k: mul_p(
        out, sub_p(digamma_p(_one_off(n)), digamma_p(_one_off(sub_p(n, k))))
    ),
    lambda out, n, k: mul_p(
        out, sub_p(digamma_p(_one_off(sub_p(n, k))), digamma_p(_one_off(k)))
    ),
    doc="How many ways there are to choose ``k`` of ``n``, for any real numbers.",
)  # fmt: skip
poch_p = elementwise(
    "poch",
    by_library("poch"),
    lambda out, z, m: mul_p(out, sub_p(digamma_p(add_p(z, m)), digamma_p(z))),
    lambda out, z, m: mul_p(out, digamma_p(add_p(z, m))),
    doc="``gamma(z + m) / gamma(z)``.",
)
