"""Box and Cox's powers and their inverses.

References:
    Box & Cox 1964, An analysis of transformations
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core.primitive import Primitive
from rtorch.ops.base import Elementwise, add_p, elementwise, mul_no_nan_p, mul_p, sub_p
from rtorch.ops.comparison import eq_p, lt_p, select_p
from rtorch.ops.elementwise import abs_p, div_p, exp_p, log1p_p, log_p, square
from rtorch.ops.integrals import polynomial
from rtorch.ops.library import by_library
from rtorch.ops.slopes import of_arrays

# The derivatives of expm1(u) / u and of log1p(u) / u at 0.
_GROWTH = [(k + 1) / math.factorial(k + 2) for k in range(18)]
_LOGARITHM = [(-1) ** (k + 1) * (k + 1) / (k + 2) for k in range(28)]

# ---- without SciPy -------------------------------------------------------------------------------


def _of_log(log: Any, power: Any) -> Any:
    u = power * log
    grown = np.sign(power) * np.exp(u - np.log(np.abs(power))) - 1 / power
    return np.where(np.abs(power) < 1e-19, log, np.where(u < 709.0, np.expm1(u) / power, grown))


def _log_of_inverse(y: Any, power: Any) -> Any:
    return np.where(power == 0, y, np.log1p(power * y) / power)


# ---- derivatives ---------------------------------------------------------------------------------


def _by_power(log_p: Primitive) -> Callable[..., Any]:
    """Of ``(exp(u) - 1) / power`` with ``u = power log(x)``."""

    def partial(out: Any, x: Any, power: Any) -> Any:
        log = log_p(x)
        u = mul_p(power, log)
        near = lt_p(abs_p(u), 0.5)
        series = mul_p(square(log), polynomial(select_p(near, u, 0), _GROWTH))
        away = div_p(sub_p(mul_no_nan_p(exp_p(u), log), out), select_p(eq_p(power, 0), 1, power))
        return select_p(near, series, away)

    return partial


def _boxcox(name: str, fallback: Any, log_p: Primitive, doc: str) -> Elementwise:
    return elementwise(
        name,
        by_library(name, fallback),
        of_arrays(lambda out, x, power: exp_p(mul_p(add_p(power, -1), log_p(x)))),
        of_arrays(_by_power(log_p)),
        singular=True,
        doc=doc,
    )


def _inverse(name: str, fallback: Any, above: float, doc: str) -> Elementwise:
    """`above` is what has to be added for the power itself."""

    def by_y(out: Any, y: Any, power: Any) -> Any:
        return div_p(add_p(out, above), add_p(mul_p(power, y), 1))

    def by_power(out: Any, y: Any, power: Any) -> Any:
        """The power times the derivative of ``log(1 + u) / power`` where ``u = power y``."""
        u = mul_p(power, y)
        near = lt_p(abs_p(u), 0.25)
        series = mul_p(square(y), polynomial(select_p(near, u, 0), _LOGARITHM))
        far, divisor = select_p(near, 1, u), select_p(near, 1, power)
        away = div_p(sub_p(div_p(far, add_p(far, 1)), log1p_p(far)), square(divisor))
        return mul_no_nan_p(add_p(out, above), select_p(near, series, away))

    partials = of_arrays(by_y), of_arrays(by_power)
    return elementwise(name, by_library(name, fallback), *partials, singular=True, doc=doc)


boxcox_p = _boxcox(
    "boxcox",
    lambda x, power: _of_log(np.log(x), power),
    log_p,
    "``(x^power - 1) / power``, and ``log(x)`` where the power is 0.",
)
boxcox1p_p = _boxcox(
    "boxcox1p",
    lambda x, power: _of_log(np.log1p(x), power),
    log1p_p,
    "`boxcox` of ``1 + x``.",
)
inv_boxcox_p = _inverse(
    "inv_boxcox",
    lambda y, power: np.exp(_log_of_inverse(y, power)),
    0.0,
    "The inverse of `boxcox`.",
)
inv_boxcox1p_p = _inverse(
    "inv_boxcox1p",
    lambda y, power: np.expm1(_log_of_inverse(y, power)),
    1.0,
    "The inverse of `boxcox1p`.",
)
