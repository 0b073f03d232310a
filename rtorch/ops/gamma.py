"""Gamma and beta functions, their incomplete forms, and the zeta function.

References:
    DLMF 5, 8 and 25.11, definitions and derivatives
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.ops.base import Elementwise, add_p, elementwise, mul_p, neg_p, sub_p
from rtorch.ops.elementwise import exp_p
from rtorch.ops.entropy import xlog1py_p, xlogy_p
from rtorch.ops.library import by_library, no_partial, scalar_function
from rtorch.ops.special import digamma_p, lgamma_p

_gamma = scalar_function(math.gamma, math.nan)
_lgamma = scalar_function(math.lgamma, math.inf)


def _gamma_or_limit(x: Any) -> Any:
    """At 0 and for large numbers infinite."""
    large = np.where(x > 1, np.inf, _gamma(np.minimum(x, 171.0)))
    return np.where(x == 0, np.copysign(np.inf, x), np.where(x > 171.6, large, _gamma(x)))


def _betaln(a: Any, b: Any) -> Any:
    return _lgamma(a) + _lgamma(b) - _lgamma(a + b)


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


def _gamma_density(out: Any, a: Any, x: Any) -> Any:
    return exp_p(sub_p(sub_p(xlogy_p(_one_off(a, -1), x), x), lgamma_p(a)))


gammainc_p = elementwise(
    "gammainc", by_library("gammainc"), no_partial("gammainc", "a"), _gamma_density, singular=True
)
gammaincc_p = elementwise(
    "gammaincc",
    by_library("gammaincc"),
    no_partial("gammaincc", "a"),
    lambda *args: neg_p(_gamma_density(*args)),
    singular=True,
)


def _beta_density(out: Any, a: Any, b: Any, x: Any) -> Any:
    logarithm = add_p(xlogy_p(_one_off(a, -1), x), xlog1py_p(_one_off(b, -1), neg_p(x)))
    return exp_p(sub_p(logarithm, betaln_p(a, b)))


betainc_p = elementwise(
    "betainc",
    by_library("betainc"),
    no_partial("betainc", "a"),
    no_partial("betainc", "b"),
    _beta_density,
    singular=True,
)
zeta_p: Elementwise = elementwise(
    "zeta",
    by_library("zeta"),
    no_partial("zeta", "x"),
    lambda out, s, q: neg_p(mul_p(s, zeta_p(_one_off(s), q))),
    doc="The sum of ``(k + q) ** -s`` over k = 0, 1, 2, ...",
)
