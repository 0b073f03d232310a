"""Gamma and beta functions, their logarithms, derivatives and incomplete forms; zeta."""

from __future__ import annotations

import math

from rtorch.core.array import Array
from rtorch.errors import api
from rtorch.numpy.elementwise import isfinite, isnan, signbit, where
from rtorch.numpy.operands import ArrayLike, floating
from rtorch.numpy.special import digamma, lgamma
from rtorch.ops import gamma as ops, incomplete
from rtorch.ops.base import add_p, mul_p, sub_p
from rtorch.ops.comparison import eq_p, select_p
from rtorch.ops.elementwise import floor_p
from rtorch.ops.special import polygamma_p
from rtorch.ops.zeta import riemann_zeta_p, zeta_p
from rtorch.special.declare import reals, special, static_integer

__all__ = [
    "beta",
    "betainc",
    "betaln",
    "digamma",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "gammasgn",
    "loggamma",
    "multigammaln",
    "poch",
    "polygamma",
    "psi",
    "zeta",
]

gammaln, psi = lgamma, digamma
gamma = special(
    "gamma",
    "x",
    ops.gamma_p,
    "The gamma function, ``(x - 1)!`` for integers.",
    "float(rt.special.gamma(5.0)) -> 24.0",
    scipy=False,
)
gammainc = special(
    "gammainc",
    "a x",
    incomplete.gammainc_p,
    "The integral of ``exp(-t) t^(a-1) / gamma(a)`` from 0 to x, between 0 and 1.",
    "round(float(rt.special.gammainc(1.0, 2.0)), 4) -> 0.8647",
)
gammaincc = special(
    "gammaincc",
    "a x",
    incomplete.gammaincc_p,
    "1 - gammainc(a, x), with all digits where that is small.",
    "round(float(rt.special.gammaincc(1.0, 2.0)), 4) -> 0.1353",
)
beta = special(
    "beta",
    "a b",
    ops.beta_p,
    "The beta function, ``gamma(a) gamma(b) / gamma(a + b)``.",
    "round(float(rt.special.beta(2.0, 3.0)), 4) -> 0.0833",
    scipy=False,
)
betaln = special(
    "betaln",
    "a b",
    ops.betaln_p,
    "The logarithm of the absolute value of the beta function.",
    "round(float(rt.special.betaln(2.0, 3.0)), 4) -> -2.4849",
    scipy=False,
)
betainc = special(
    "betainc",
    "a b x",
    incomplete.betainc_p,
    "The integral of ``t^(a-1) (1-t)^(b-1) / beta(a, b)`` from 0 to x, between 0 and 1.",
    "round(float(rt.special.betainc(2.0, 3.0, 0.5)), 4) -> 0.6875",
)
poch = special(
    "poch",
    "z m",
    ops.poch_p,
    "Pochhammer's symbol ``gamma(z + m) / gamma(z)``.",
    "float(rt.special.poch(3.0, 2.0)) -> 12.0",
)


@api
def loggamma(x: ArrayLike, /) -> Array:
    """The logarithm of gamma: of complex numbers on the principal branch, of reals for x >= 0.

    For negative reals it is nan; `gammaln` gives the logarithm of the absolute value.

    Args:
        x: Real or complex array or number; integers become the default float.

    Raises:
        MissingDependencyError: without SciPy.

    Example:
        >>> import rtorch as rt
        >>> round(float(rt.special.loggamma(5.0)), 4)
        3.1781
    """
    return ops.loggamma_p(floating(x, "loggamma"))


@api
def gammasgn(x: ArrayLike, /) -> Array:
    """The sign of gamma: 1, -1, or nan at negative integers. Its slope is 0.

    Args:
        x: Real array or number; integers become the default float.

    Example:
        >>> import rtorch as rt
        >>> rt.special.gammasgn(rt.asarray([0.5, -0.5, -1.5])).tolist()
        [1.0, -1.0, 1.0]
    """
    (x,) = reals("gammasgn", x)
    return _gammasgn(x)


def _gammasgn(x: Array) -> Array:
    between = where(isfinite(x), x, 0.5)
    sign = where(between % 2 < 1, 1.0, -1.0)
    at_zero = where(signbit(x), -1.0, 1.0)
    pole = where(x == 0, at_zero, math.nan)
    sign = where(x == floor_p(x), pole, sign)
    return where(x > 0, 1.0, where(isnan(x), math.nan, sign)).astype(x.dtype)


@api
def multigammaln(a: ArrayLike, d: int, /) -> Array:
    """The logarithm of the multivariate gamma function of dimension `d`.

    It is ``d (d - 1) / 4 log(pi)`` and the sum of ``gammaln(a - j / 2)`` for j from 0 to d - 1.

    Args:
        a: Real array or number above ``(d - 1) / 2``.
        d: The dimension, a Python integer of at least 1.

    Example:
        >>> import rtorch as rt
        >>> round(float(rt.special.multigammaln(3.0, 2)), 4)
        1.5501
    """
    (a,) = reals("multigammaln", a)
    d = static_integer(d, "multigammaln", "d", 1)
    out = lgamma(a)
    for j in range(1, d):
        out = add_p(out, lgamma(sub_p(a, j / 2)))
    return add_p(out, d * (d - 1) / 4 * math.log(math.pi))


@api
def polygamma(n: ArrayLike, x: ArrayLike, /) -> Array:
    """The `n`-th derivative of `digamma`.

    Args:
        n: The order: a Python integer of at least 0; or an array of them, which needs SciPy and
            x > 0.
        x: Real array or number; integers become the default float.

    Raises:
        MissingDependencyError: for an array `n` without SciPy.

    Example:
        >>> import rtorch as rt
        >>> round(float(rt.special.polygamma(1, 1.0)), 4)
        1.6449
    """
    if isinstance(n, int):
        order = static_integer(n, "polygamma", "n", 0)
        (x,) = reals("polygamma", x)
        return polygamma_p(x, n=order) if order else digamma(x)
    n, x = reals("polygamma", n, x)
    none = eq_p(n, 0)
    order = select_p(none, 1, n)  # zeta has its pole where digamma is meant
    sign = where(order % 2 == 0, -1.0, 1.0)
    size = mul_p(ops.gamma_p(add_p(order, 1)), zeta_p(add_p(order, 1), x))
    return where(none, digamma(x), sign * size)


@api
def zeta(x: ArrayLike, q: ArrayLike | None = None, /) -> Array:
    """Hurwitz's zeta function, the sum of ``(k + q)^-x`` over k = 0, 1, 2, ...

    Without `q` it is Riemann's zeta function (``q = 1``), which has values for x < 1 too.

    Args:
        x: Real array or number; with a `q`, above 1: for others the result is nan.
        q: Real array or number. The slope by x is nan where it is not positive.

    Raises:
        MissingDependencyError: without SciPy.

    Example:
        >>> import rtorch as rt
        >>> round(float(rt.special.zeta(2.0)), 4), round(float(rt.special.zeta(-1.0)), 4)
        (1.6449, -0.0833)
    """
    return riemann_zeta_p(reals("zeta", x)[0]) if q is None else zeta_p(*reals("zeta", x, q))
