"""What samplers make of their arguments."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ShapeError
from rtorch.numpy import random_bits as raw


def fitting(x: rt.Array, shape: tuple[int, ...], name: str, argument: str) -> rt.Array:
    """`x`, which broadcasts to `shape`; an error otherwise."""
    if not raw.broadcasts_to(x.shape, shape):
        raise ShapeError(
            f"[{name}] {argument}: shape {x.shape} does not broadcast to {shape}, the shape wanted"
        )
    return x


def fit_all(name: str, shape: Any, **arrays: rt.Array) -> tuple[int, ...]:
    """`shape`, or for None what the arrays broadcast to; all of them must fit it."""
    if shape is None:
        return rt.broadcast_shapes(*[x.shape for x in arrays.values()])
    shape = raw.check_shape(shape, name)
    for argument, x in arrays.items():
        fitting(x, shape, name, argument)
    return shape


def parameters(
    key: Any, name: str, shape: Any, dtype: Any, **given: Any
) -> tuple[tuple[int, ...], list[rt.Array]]:
    """The shape of the result, and the parameters as arrays of `dtype`, which broadcast to it."""
    kind = raw.floating_dtype(dtype, name)
    device = raw.check_key(key, name).device
    arrays = {argument: rt.asarray(x, kind, device=device) for argument, x in given.items()}
    return fit_all(name, shape, **arrays), list(arrays.values())
