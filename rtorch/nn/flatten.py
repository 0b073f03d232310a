"""Flatten: several axes into one."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import AxisError
from rtorch.nn.layer import Layer, Params, stateless


def Flatten(start_axis: int = 1, end_axis: int = -1) -> Layer:
    """Joins the axes from `start_axis` to `end_axis`, both included, in row-major order.

    Args:
        start_axis: The first axis; by default all but the batch axis are joined.
        end_axis: The last axis.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.Flatten().apply({}, {}, rt.zeros((32, 1, 28, 28)))[0].shape
        (32, 784)
    """

    def call(params: Params, x: Any) -> rt.Array:
        shape = x.shape
        first, last = _axis("start_axis", start_axis, shape), _axis("end_axis", end_axis, shape)
        if first > last:
            raise AxisError(
                f"[Flatten] start_axis {start_axis} lies behind end_axis {end_axis} in an input "
                f"of shape {shape}"
            )
        joined = 1
        for n in shape[first : last + 1]:
            joined *= n
        return rt.reshape(x, (*shape[:first], joined, *shape[last + 1 :]))

    return stateless(None, call)


def _axis(name: str, axis: int, shape: tuple[int, ...]) -> int:
    if not -len(shape) <= axis < len(shape):
        raise AxisError(f"[Flatten] {name} {axis} is out of range for an input of shape {shape}")
    return axis % len(shape)
