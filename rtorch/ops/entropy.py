"""``x log(y)`` with the value 0 where ``x`` is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core.array import Array
from rtorch.ops.base import add_p, elementwise, mul_no_nan_p
from rtorch.ops.elementwise import div_p, log1p_p, log_p
from rtorch.ops.library import in_float32


def _product(function: str) -> Any:
    def compute(xp: Any, x: Any, y: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            out = x * getattr(xp, function)(y)
        return xp.where((x == 0) & ~xp.isnan(y), xp.zeros((), out.dtype), out)

    return lambda xp, x, y: in_float32(compute, xp, x, y)


def _log(prim: Any, function: Any, y: Any) -> Any:
    if isinstance(y, Array):
        return prim(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(function(y))  # a Python number stays one


xlogy_p = elementwise(
    "xlogy",
    _product("log"),
    lambda out, x, y: _log(log_p, np.log, y),
    lambda out, x, y: mul_no_nan_p(x, div_p(1, y)),
    singular=True,
    doc="``x log(y)``, and 0 where ``x`` is 0.",
)
xlog1py_p = elementwise(
    "xlog1py",
    _product("log1p"),
    lambda out, x, y: _log(log1p_p, np.log1p, y),
    lambda out, x, y: mul_no_nan_p(x, div_p(1, add_p(y, 1))),
    singular=True,
    doc="``x log(1 + y)``, and 0 where ``x`` is 0.",
)
