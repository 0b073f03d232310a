"""Checks of arguments that functions of this package have in common."""

from __future__ import annotations

import operator
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, AxisError, ConcretizationError, RtorchError


def floating(x: Any) -> rt.Array:
    """`x` with a floating dtype; other numbers get the default one."""
    x = rt.asarray(x)
    return x if rt.isdtype(x.dtype, "real floating") else x.astype(rt.default_dtype())


def check_axis(name: str, x: rt.Array, axis: int) -> int:
    """`axis` as a number from 0 to ``ndim - 1``."""
    try:
        index = operator.index(axis)
    except TypeError:
        raise ArgumentError(f"[{name}] axis: expected an integer, got {axis!r}") from None
    if not -x.ndim <= index < x.ndim:
        raise AxisError(f"[{name}] axis {index} is out of range for an array of shape {x.shape}")
    return index % x.ndim


def refuse(bad: rt.Array, error: RtorchError) -> None:
    """Raise `error` if anything is `bad`; where values are not known (under `jit`), do nothing."""
    try:
        found = bool(rt.any(bad))
    except ConcretizationError:
        return
    if found:
        raise error
