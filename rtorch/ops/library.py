"""What SciPy computes, or CuPy's part of it on a GPU; elementwise functions first of all.

It is imported when the first of them runs. Half precision is computed in float32.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from rtorch.core import dtypes
from rtorch.errors import MissingDependencyError, MissingRuleError
from rtorch.ops.base import Partial


@functools.cache
def load(module: str, on_cpu: bool) -> Any:
    """The module ``scipy.<module>``, or CuPy's; None where it is not installed."""
    try:
        return importlib.import_module(f"{'scipy' if on_cpu else 'cupyx.scipy'}.{module}")
    except ImportError:
        return None


def find(name: str, xp: Any) -> Callable[..., Any] | None:
    """The function of that name for arrays of `xp`, None if there is none."""
    return getattr(load("special", xp is np), name, None)


def need(name: str, xp: Any) -> Callable[..., Any]:
    """The function of that name for arrays of `xp`, or an error that says what to install."""
    function = find(name, xp)
    if function is not None:
        return function
    if xp is np:
        raise MissingDependencyError(
            f"[special.{name}] SciPy computes it and is not installed: pip install scipy"
        )
    raise MissingDependencyError(
        f"[special.{name}] CuPy does not compute it: move the arrays with x.to('cpu')"
    )


def in_float32(function: Callable[..., Any], xp: Any, *xs: Any, **params: Any) -> Any:
    """``function(xp, *xs)``, of float32 where they are narrower, as their own dtype."""
    x = xs[0]
    dtype = x.dtype if hasattr(x, "dtype") else next(y.dtype for y in xs if hasattr(y, "dtype"))
    if dtype not in dtypes.HALVES:
        return function(xp, *xs, **params)
    wide = [x.astype(dtypes.float32) if hasattr(x, "dtype") else x for x in xs]
    return xp.asarray(function(xp, *wide, **params)).astype(dtype)


def by_library(name: str, fallback: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """An `impl`: the function `name` of SciPy, or `fallback` on arrays of float64."""

    def compute(xp: Any, *xs: Any) -> Any:
        function = find(name, xp) if fallback else need(name, xp)
        return function(*xs) if function else _in_float64(fallback, *xs)

    return lambda xp, *xs: in_float32(compute, xp, *xs)


def _in_float64(function: Any, *xs: Any) -> Any:
    like = next(x for x in xs if hasattr(x, "dtype"))
    wide = np.broadcast_arrays(*[np.atleast_1d(np.asarray(x, np.float64)) for x in xs])
    with np.errstate(all="ignore"):
        return np.asarray(function(*wide)).reshape(like.shape).astype(like.dtype)


def scalar_function(function: Callable[[float], float], otherwise: float) -> Callable[..., Any]:
    """A function of Python floats, applied to each element; `otherwise` where it is undefined."""

    def of_one(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError, ArithmeticError):
            return otherwise

    return lambda x: np.asarray(np.frompyfunc(of_one, 1, 1)(x)).astype(np.float64)


def no_partial(function: str, argument: str) -> Partial:
    """The derivative by an argument that has none in closed form."""

    def refuse(*args: Any, **params: Any) -> NoReturn:
        raise MissingRuleError(
            f"[special.{function}] the derivative by `{argument}` is not known in closed form; "
            f"differentiate by the other arguments only, or hold it fixed with "
            f"rt.stop_gradient({argument})"
        )

    return refuse
