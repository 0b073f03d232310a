"""Batches of NumPy arrays as rtorch arrays, on their device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

import rtorch as rt

T = TypeVar("T")

_NUMERIC = frozenset("biufc")


def placer(device: Any) -> Callable[[Any, bool], Any]:
    """A function of a batch, and of whether its memory can be kept, that gives rtorch arrays."""
    elsewhere = device is not None and not str(device).startswith("cpu")

    def place_leaf(leaf: Any, keep: bool) -> Any:
        if isinstance(leaf, np.ndarray | np.generic):
            if leaf.dtype.kind in _NUMERIC or str(leaf.dtype) == "bfloat16":
                native = _native(leaf)
                share = elsewhere or (keep and isinstance(leaf, np.ndarray))
                return rt.asarray(native, copy=False if share else None, device=device)
            return leaf if keep else leaf.copy()  # strings and dates stay with NumPy
        if isinstance(leaf, rt.Array) and device is not None:
            return leaf.to(device)
        if isinstance(leaf, int | float | complex):
            return rt.asarray(leaf, device=device)
        return leaf

    def place(batch: Any, keep: bool) -> Any:
        return rt.tree.map(lambda leaf: place_leaf(leaf, keep), batch)

    return place


def _native(array: Any) -> Any:
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each when the next one is there: it is on its way to the device already."""
    waiting: list[T] = []
    for item in items:
        waiting.append(item)
        if len(waiting) > 1:
            yield waiting.pop(0)
    yield from waiting
