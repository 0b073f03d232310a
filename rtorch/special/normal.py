"""Error functions, the normal and the logistic distribution."""

from __future__ import annotations

import math

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import api
from rtorch.numpy.creation import zeros_like
from rtorch.numpy.operands import ArrayLike, convert, floating
from rtorch.numpy.special import erf, erf_inv, erfc
from rtorch.ops import normal, special as sp
from rtorch.ops.base import mul_p, neg_p
from rtorch.ops.elementwise import logaddexp_p, sigmoid_p
from rtorch.special.declare import reals, special

__all__ = [
    "dawsn",
    "erf",
    "erf_inv",
    "erfc",
    "erfcx",
    "erfinv",
    "expit",
    "log_expit",
    "log_ndtr",
    "logit",
    "ndtr",
    "ndtri",
    "owens_t",
    "wofz",
]

erfinv = erf_inv
erfcx = special(
    "erfcx",
    "x",
    normal.erfcx_p,
    "``exp(x²) erfc(x)``, which does not vanish as fast as `erfc`.",
    "round(float(rt.special.erfcx(10.0)), 5) -> 0.05614",
    scipy=False,
)
dawsn = special(
    "dawsn",
    "x",
    normal.dawsn_p,
    "Dawson's integral, ``exp(-x²)`` times the integral of ``exp(t²)`` from 0 to x.",
    "round(float(rt.special.dawsn(1.0)), 4) -> 0.5381",
)
log_ndtr = special(
    "log_ndtr",
    "x",
    normal.log_ndtr_p,
    "The logarithm of `ndtr`, with all digits where that is small.",
    "round(float(rt.special.log_ndtr(-30.0)), 2) -> -454.32",
    scipy=False,
)
ndtri = special(
    "ndtri",
    "p",
    normal.ndtri_p,
    "The quantile of the normal distribution: the x for which ``ndtr(x)`` is p.",
    "float(rt.special.ndtri(0.5)) -> 0.0",
    scipy=False,
)
logit = special(
    "logit",
    "x",
    normal.logit_p,
    "``log(x / (1 - x))``, the inverse of `expit`.",
    "float(rt.special.logit(0.5)) -> 0.0",
    scipy=False,
)
expit = special(
    "expit",
    "x",
    sigmoid_p,
    "``1 / (1 + exp(-x))``, the logistic distribution function.",
    "float(rt.special.expit(0.0)) -> 0.5",
    scipy=False,
)
owens_t = special(
    "owens_t",
    "h a",
    normal.owens_t_p,
    "Owen's T function: how likely X > h and 0 < Y < a X are, X and Y normal and independent.",
    "float(rt.special.owens_t(0.0, 1.0)) -> 0.125",
)


@api
def ndtr(x: ArrayLike, /) -> Array:
    """The normal distribution function, with all digits where it is small.

    Args:
        x: Real array or number; integers become the default float.

    Example:
        >>> import rtorch as rt
        >>> float(rt.special.ndtr(0.0))
        0.5
    """
    (x,) = reals("ndtr", x)
    return mul_p(sp.erfc_p(mul_p(x, -math.sqrt(0.5))), 0.5)


@api
def log_expit(x: ArrayLike, /) -> Array:
    """The logarithm of `expit`, ``-log(1 + exp(-x))``.

    Args:
        x: Real array or number; integers become the default float.

    Example:
        >>> import rtorch as rt
        >>> float(rt.special.log_expit(-1000.0))
        -1000.0
    """
    (x,) = reals("log_expit", x)
    return neg_p(logaddexp_p(neg_p(x), zeros_like(x)))


@api
def wofz(z: ArrayLike, /) -> Array:
    """The Faddeeva function ``exp(-z²) erfc(-iz)``; its real part is the Voigt profile.

    Args:
        z: Array of any dtype.

    Returns:
        Complex array.

    Raises:
        MissingDependencyError: without SciPy.

    Example:
        >>> import rtorch as rt
        >>> rt.special.wofz(0.0).item()
        (1+0j)
    """
    z = floating(z, "wofz")
    return normal.wofz_p(convert(z, dtypes.complex_dtype(z.dtype)))
