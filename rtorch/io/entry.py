"""Arrays in files that are not read before they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, FileFormatError, api
from rtorch.io.mapped import PathLike, reading
from rtorch.io.report import array_form


class Entry:
    """An array in a file: its shape and dtype now, its elements when they are asked for.

    Entries come from `rtorch.io.open`.

    Attributes:
        name: What the file calls it.
        shape: The length of every axis.
        dtype: A `numpy.dtype`; also one that rtorch has no arithmetic for, such as an 8-bit float.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rt.save(os.path.join(folder, "x.npz"), {"w": rt.ones((2, 3))})
        ...     rt.io.open(os.path.join(folder, "x.npz"))["w"]
        Entry('w', float32[2, 3])
    """

    __slots__ = ("_array", "_path", "dtype", "name", "shape")

    def __init__(
        self,
        path: PathLike,
        name: str,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        array: Callable[[bool], np.ndarray[Any, Any]],  # copied and checked, or mapped
    ) -> None:
        self.name, self.dtype, self.shape = name, dtype, shape
        self._path, self._array = path, array

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    @api
    def numpy(self) -> np.ndarray[Any, Any]:
        """The elements as a read-only NumPy array over the mapped file.

        Pages of the file are read when they are touched. What is compressed or in the other byte
        order is read at once.
        """
        with reading("Entry.numpy", self._path):
            view = self._array(False).view()
        view.flags.writeable = False
        return view

    @api
    def read(self, device: Any = None) -> rt.Array:
        """The elements as an Array in memory of its own.

        Raises:
            FileFormatError: if rtorch does not have the dtype, or the file is damaged.
        """
        with reading("Entry.read", self._path):
            x = to_array(self._array(True), self.name)
        return x if device is None else x.to(device)

    def __repr__(self) -> str:
        return f"Entry({self.name!r}, {array_form(self.dtype, self.shape)})"


class Archive(Mapping[str, Entry]):
    """A read-only mapping from names to the entries of a file, made by `rtorch.io.open`.

    Attributes:
        format: ``"npz"``, ``"safetensors"`` or ``"torch"``.
        metadata: What was saved beside the arrays; None if there is nothing.
        others: Python numbers, strings and the like, by name.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rt.save(os.path.join(folder, "x.npz"), {"w": rt.ones((2, 3)), "epochs": 3})
        ...     archive = rt.io.open(os.path.join(folder, "x.npz"))
        ...     archive.format, list(archive), archive.others
        ('npz', ['w'], {'epochs': 3})
    """

    def __init__(
        self,
        format: str,
        entries: list[Entry],
        metadata: Any = None,
        others: dict[str, Any] | None = None,
    ) -> None:
        self.format, self.metadata, self.others = format, metadata, others or {}
        self._entries = {entry.name: entry for entry in entries}

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def forms(self) -> dict[str, str]:
        """Shape and dtype of each array, as text."""
        return {name: array_form(e.dtype, e.shape) for name, e in self._entries.items()}

    def __repr__(self) -> str:
        lines = [f"  {e.name}: {array_form(e.dtype, e.shape)}" for e in self._entries.values()]
        return "\n".join([f"Archive of format {self.format}, {len(self)} arrays", *lines])


def owned(view: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy of `view` in the machine's byte order."""
    return np.array(view, view.dtype.newbyteorder("="))


def to_array(x: np.ndarray[Any, Any], name: str) -> rt.Array:
    """An Array over the memory of `x`, which is copied only if it cannot be used as it is."""
    if not (x.dtype.isnative and x.flags.aligned):
        x = owned(x)
    try:
        return rt.asarray(x, copy=False)
    except (DTypeError, ArgumentError) as error:
        raise FileFormatError(
            f"{name!r} has dtype {x.dtype}, which rtorch does not compute with; "
            "rt.io.open(path)[name].numpy() gives it to NumPy"
        ) from error
