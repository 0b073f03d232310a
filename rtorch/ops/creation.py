"""Arrays from nothing: counting and filling."""

from __future__ import annotations

from typing import Any

from rtorch.core import backend
from rtorch.core.aval import Aval
from rtorch.ops.base import Nondifferentiable


class Iota(Nondifferentiable):
    """0, 1, 2, ... along ``axis`` of ``shape``."""

    name = "iota"

    def impl(self, xp: Any, *, shape: Any, dtype: Any, axis: int, device: Any) -> Any:
        xp = backend.module_for(device)
        line = xp.arange(shape[axis]).astype(dtype, copy=False)
        if len(shape) == 1:
            return line
        return xp.broadcast_to(line.reshape([-1 if i == axis else 1 for i in range(len(shape))]),
                               shape)  # fmt: skip

    def infer(self, *, shape: Any, dtype: Any, axis: int, device: Any) -> Aval:
        return Aval(shape, dtype)


class Full(Nondifferentiable):
    """``shape`` filled with a Python scalar."""

    name = "full"

    def impl(self, xp: Any, *, shape: Any, value: Any, dtype: Any, device: Any) -> Any:
        xp = backend.module_for(device)
        if value == 0 and str(value)[0] != "-":  # -0.0 is not the zero that fresh memory has
            return xp.zeros(shape, dtype)
        return xp.full(shape, value, dtype)

    def infer(self, *, shape: Any, value: Any, dtype: Any, device: Any) -> Aval:
        return Aval(shape, dtype)


iota_p, full_p = Iota(), Full()


def iota(n: int, dtype: Any, device: Any = backend.CPU) -> Any:
    """0, 1, ..., n - 1."""
    return iota_p(shape=(n,), dtype=dtype, axis=0, device=device)
