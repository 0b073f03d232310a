"""Checks that the metrics share."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ConcretizationError, DTypeError, ShapeError, describe

__all__ = ["integers", "one_shape", "real", "size_of", "values_known"]


def integers(name: str, x: Any) -> rt.Array:
    """`x` as an array of class numbers."""
    x = rt.asarray(x)
    if not rt.isdtype(x.dtype, ("integral", "bool")):
        raise DTypeError(f"{name}: expected integers (class numbers), got {describe(x)}")
    return x.astype(rt.int32) if rt.isdtype(x.dtype, "bool") else x


def real(name: str, x: Any) -> rt.Array:
    """`x` as an array of real numbers."""
    x = rt.asarray(x)
    if not rt.isdtype(x.dtype, ("bool", "integral", "real floating")):
        raise DTypeError(f"{name}: expected real numbers, got {describe(x)}")
    return x


def one_shape(**arrays: rt.Array) -> None:
    """Refuse arrays of different shapes."""
    if len({x.shape for x in arrays.values()}) > 1:
        kinds = " and ".join(describe(x) for x in arrays.values())
        raise ShapeError(f"{' and '.join(arrays)} must have the same shape, got {kinds}")


def size_of(name: str, n: Any, least: int = 1) -> int:
    """`n`, if it is an int of at least `least`."""
    if not isinstance(n, int) or n < least:
        raise ArgumentError(f"{name}: expected an int of {least} or more, got {n!r}")
    return n


def values_known(condition: rt.Array) -> bool:
    """Whether anything is true; False where values are not known yet, under `jit`."""
    try:
        return bool(rt.any(condition))
    except ConcretizationError:
        return False
