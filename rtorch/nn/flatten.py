"""Flatten: several axes into one; Unflatten: one into several."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, AxisError, ShapeError, describe
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


def Unflatten(axis: int, sizes: tuple[int, ...]) -> Layer:
    """Makes several axes of one, in row-major order.

    Args:
        axis: That axis.
        sizes: The lengths of the new ones; one of them may be -1, for what is left.

    Raises:
        ShapeError: (``init``, ``apply``) if the axis has another number of elements.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.Unflatten(1, (1, 28, 28)).apply({}, {}, rt.zeros((32, 784)))[0].shape
        (32, 1, 28, 28)
    """
    ok = isinstance(sizes, (tuple, list)) and all(isinstance(n, int) and n >= -1 for n in sizes)
    if not ok or list(sizes).count(-1) > 1:
        raise ArgumentError(
            f"[Unflatten] sizes: expected lengths, of which one may be -1, got {sizes!r}"
        )

    def call(params: Params, x: Any) -> rt.Array:
        if not isinstance(axis, int) or not -x.ndim <= axis < x.ndim:
            raise AxisError(f"[Unflatten] axis {axis!r} is out of range for {describe(x)}")
        n, known = x.shape[axis], math.prod([size for size in sizes if size != -1])
        if (n != known) if -1 not in sizes else (known == 0 or n % known):
            raise ShapeError(f"[Unflatten] axis {axis} of {describe(x)} cannot have {sizes!r}")
        i = axis % x.ndim
        lengths = [n // known if size == -1 else size for size in sizes]
        return rt.reshape(x, (*x.shape[:i], *lengths, *x.shape[i + 1 :]))

    return stateless(None, call)


def _axis(name: str, axis: int, shape: tuple[int, ...]) -> int:
    if not -len(shape) <= axis < len(shape):
        raise AxisError(f"[Flatten] {name} {axis} is out of range for an input of shape {shape}")
    return axis % len(shape)
