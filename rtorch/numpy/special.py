"""Special functions of statistics: error functions and gamma functions."""

from __future__ import annotations

from typing import Any

from rtorch.core import dtypes
from rtorch.core.primitive import Primitive
from rtorch.errors import DTypeError, api
from rtorch.numpy.declare import Unary, document
from rtorch.numpy.operands import floating
from rtorch.ops import special as sp

__all__ = ["digamma", "erf", "erf_inv", "erfc", "lgamma"]


def _real(name: str, prim: Primitive, summary: str, example: str) -> Unary:
    """A function of one real floating array; integers become floats."""

    @api
    def function(x: Any, /) -> Any:
        x = floating(x, name)
        if x.dtype not in dtypes.FLOATS:
            raise DTypeError(f"[{name}] x: expected real numbers, got {x.dtype}")
        return prim(x)

    takes = "Args:\n    x: Real array of any shape; integers become the default float."
    document(function, name, summary, example, takes)
    return function


erf = _real(
    "erf",
    sp.erf_p,
    "The error function, 2/sqrt(pi) times the integral of exp(-t²) from 0 to x.",
    "float(rt.erf(0.0)) -> 0.0",
)
erfc = _real(
    "erfc",
    sp.erfc_p,
    "1 - erf(x), with all digits where that is small.",
    "float(rt.erfc(0.0)) -> 1.0",
)
erf_inv = _real(
    "erf_inv",
    sp.erf_inv_p,
    "The x for which erf(x) is the argument, which lies in [-1, 1]; elsewhere nan.",
    "float(rt.erf_inv(1.0)) -> inf",
)
lgamma = _real(
    "lgamma",
    sp.lgamma_p,
    "The logarithm of the absolute value of the gamma function.",
    "round(float(rt.lgamma(5.0)), 4) -> 3.1781",
)
digamma = _real(
    "digamma",
    sp.digamma_p,
    "The derivative of lgamma.",
    "round(float(rt.digamma(1.0)), 4) -> -0.5772",
)
