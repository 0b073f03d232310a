"""Entropies, and powers that have a limit at 0."""

from __future__ import annotations

import math

from rtorch.core.array import Array
from rtorch.core.dtypes import finfo
from rtorch.errors import api
from rtorch.numpy.elementwise import where
from rtorch.numpy.operands import ArrayLike
from rtorch.ops import powers
from rtorch.ops.base import mul_p
from rtorch.ops.elementwise import div_p, expm1_p, log_p, minimum_p
from rtorch.ops.entropy import xlog1py_p, xlogy_p
from rtorch.ops.integrals import polynomial, smooth
from rtorch.special.declare import reals, special

__all__ = [
    "boxcox",
    "boxcox1p",
    "entr",
    "exprel",
    "inv_boxcox",
    "inv_boxcox1p",
    "kl_div",
    "rel_entr",
    "xlog1py",
    "xlogy",
]

xlogy = special(
    "xlogy",
    "x y",
    xlogy_p,
    "``x log(y)``, and 0 where x is 0.",
    "float(rt.special.xlogy(0.0, 0.0)) -> 0.0",
    scipy=False,
)
xlog1py = special(
    "xlog1py",
    "x y",
    xlog1py_p,
    "``x log(1 + y)``, and 0 where x is 0.",
    "float(rt.special.xlog1py(0.0, -1.0)) -> 0.0",
    scipy=False,
)


@api
def entr(x: ArrayLike, /) -> Array:
    """``-x log(x)``: 0 at 0, -inf for negative numbers. Its sum over a distribution is the entropy.

    Args:
        x: Real array or number; integers become the default float.

    Example:
        >>> import rtorch as rt
        >>> float(rt.special.entr(0.0))
        0.0
    """
    (x,) = reals("entr", x)
    return where(x < 0, -math.inf, 0.0 - xlogy_p(x, x))


@api
def rel_entr(p: ArrayLike, q: ArrayLike, /) -> Array:
    """``p log(p / q)``: 0 where p is 0 and q >= 0, else inf unless both are positive.

    Its sum over two distributions is their divergence. Its slope is 0 where not both are positive.

    Args:
        p: Real array or number; shapes broadcast.
        q: Real array or number.

    Example:
        >>> import rtorch as rt
        >>> float(rt.special.rel_entr(0.0, 0.5))
        0.0
    """
    p, q = reals("rel_entr", p, q)
    positive = (p > 0) & (q > 0)
    some_p, some_q = where(positive, p, 1.0), where(positive, q, 1.0)
    inside = mul_p(some_p, _log_ratio(some_p, some_q))
    outside = where((p == 0) & (q >= 0), 0.0, math.inf)
    return where(positive, inside, where((p != p) | (q != q), math.nan, outside))


@api
def kl_div(p: ArrayLike, q: ArrayLike, /) -> Array:
    """``p log(p / q) - p + q``, which is never negative; elsewhere as `rel_entr`.

    Args:
        p: Real array or number; shapes broadcast.
        q: Real array or number.

    Example:
        >>> import rtorch as rt
        >>> float(rt.special.kl_div(0.5, 0.5))
        0.0
    """
    p, q = reals("kl_div", p, q)
    allowed = ((p > 0) & (q > 0)) | ((p == 0) & (q >= 0))
    some_p, some_q = where(allowed, p, 1.0), where(allowed, q, 1.0)
    outside = where((p != p) | (q != q), math.nan, math.inf)
    return where(allowed, rel_entr(some_p, some_q) - some_p + some_q, outside)


def _log_ratio(p: Array, q: Array) -> Array:
    """``log(p / q)``, where the quotient is out of range too."""
    ratio = div_p(p, q)
    limits = finfo(p.dtype)
    fits = (ratio >= limits.tiny) & (ratio <= limits.max)
    return where(fits, log_p(where(fits, ratio, 1.0)), log_p(p) - log_p(q))


_EXPREL = [1 / math.factorial(k + 1) for k in range(18)]


@api
def exprel(x: ArrayLike, /) -> Array:
    """``(exp(x) - 1) / x``, and 1 at 0.

    Args:
        x: Real array or number; integers become the default float.

    Example:
        >>> import rtorch as rt
        >>> float(rt.special.exprel(0.0))
        1.0
    """
    (x,) = reals("exprel", x)
    return _exprel(x)


def _exprel(x: Array) -> Array:
    largest = float(finfo(x.dtype).max)  # inf / inf would be nan
    return smooth(
        x,
        0.5,
        lambda x: polynomial(x, _EXPREL),
        lambda x: div_p(expm1_p(x), minimum_p(x, largest)),
    )


boxcox = special(
    "boxcox",
    "x lmbda",
    powers.boxcox_p,
    "Box and Cox's power: ``(x^lmbda - 1) / lmbda``, and ``log(x)`` where lmbda is 0.",
    "round(float(rt.special.boxcox(3.0, 2.0)), 4) -> 4.0",
    scipy=False,
)
boxcox1p = special(
    "boxcox1p",
    "x lmbda",
    powers.boxcox1p_p,
    "`boxcox` of 1 + x, with all digits where x is small.",
    "round(float(rt.special.boxcox1p(2.0, 2.0)), 4) -> 4.0",
    scipy=False,
)
inv_boxcox = special(
    "inv_boxcox",
    "y lmbda",
    powers.inv_boxcox_p,
    "The inverse of `boxcox`: ``(1 + lmbda y)^(1 / lmbda)``, and ``exp(y)`` where lmbda is 0.",
    "round(float(rt.special.inv_boxcox(4.0, 2.0)), 4) -> 3.0",
    scipy=False,
)
inv_boxcox1p = special(
    "inv_boxcox1p",
    "y lmbda",
    powers.inv_boxcox1p_p,
    "The inverse of `boxcox1p`: `inv_boxcox` less 1, with all digits where y is small.",
    "round(float(rt.special.inv_boxcox1p(4.0, 2.0)), 4) -> 2.0",
    scipy=False,
)
