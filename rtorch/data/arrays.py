"""Arrays in memory as a dataset: a batch is one gather."""

from __future__ import annotations

from typing import Any

import numpy as np

import rtorch as rt
from rtorch.data.indexed import Indexed
from rtorch.errors import ArgumentError, ShapeError, describe

__all__ = ["ArrayDataset"]


class ArrayDataset(Indexed):
    """The rows of arrays: sample ``i`` is the pytree of ``array[i]``.

    Args:
        arrays: A pytree of arrays with the same length along their first axis. They are not
            copied; arrays on a device are brought to the host once.

    Raises:
        ShapeError: if lengths differ, or an array has no axis.
        ArgumentError: if there is no array, or a leaf is none.

    Example:
        >>> import numpy as np
        >>> from rtorch import data
        >>> ds = data.ArrayDataset({"x": np.arange(6).reshape(3, 2), "y": np.array([0, 1, 0])})
        >>> len(ds), ds[-1]
        (3, {'x': array([4, 5]), 'y': np.int64(0)})
        >>> len(ds[1:])
        2
    """

    def __init__(self, arrays: Any) -> None:
        self.arrays = rt.tree.map(_on_host, arrays)
        self._size = common_length(self.arrays, "ArrayDataset")

    def __len__(self) -> int:
        return self._size

    def _sample(self, index: int) -> Any:
        return rt.tree.map(lambda a: a[index], self.arrays)

    def gather(self, indices: Any) -> Any:
        """The samples at an array of indices, as one batch."""
        return rt.tree.map(lambda a: np.take(a, indices, axis=0), self.arrays)


def _on_host(leaf: Any) -> np.ndarray[Any, Any]:
    if isinstance(leaf, np.ndarray):
        return leaf
    if not hasattr(leaf, "shape"):
        raise ArgumentError(f"[ArrayDataset] arrays: expected arrays, got {describe(leaf)}")
    return np.asarray(leaf.to("cpu") if isinstance(leaf, rt.Array) else leaf)


def common_length(arrays: Any, name: str) -> int:
    """The length of the first axis that all arrays of a pytree share."""
    first: tuple[str, Any] | None = None
    for path, array in rt.tree.leaves_with_path(arrays):
        where = f"arrays{rt.tree.keystr(path)}"
        if not array.shape:
            raise ShapeError(f"[{name}] {where}: expected an array with an axis of samples, got "
                             f"{describe(array)}")  # fmt: skip
        if first is None:
            first = where, array
        elif len(array) != len(first[1]):
            raise ShapeError(
                f"[{name}] the first axes differ: {first[0]} has {len(first[1])} samples and "
                f"{where} has {len(array)}"
            )
    if first is None:
        raise ArgumentError(f"[{name}] arrays: expected at least one array, got none")
    return len(first[1])
