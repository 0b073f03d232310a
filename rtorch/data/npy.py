"""The format of ``.npy`` files, read without pickle and without believing more than is there.

It is the magic string, a version, the length of the header, the header (a Python literal) and the
numbers (NEP 1). Headers of many files are often equal, and each is understood once.
"""

from __future__ import annotations

import ast
import math
import os
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from rtorch.errors import FileFormatError, api

__all__ = ["read_npy"]

PathLike = str | os.PathLike[str]
_LONGEST = 1 << 16  # bytes of a header


class Header(NamedTuple):
    """What a ``.npy`` file has, and where the numbers begin."""

    dtype: np.dtype[Any]
    order: Any
    shape: tuple[int, ...]
    start: int

    @property
    def nbytes(self) -> int:
        """Of the numbers."""
        return self.dtype.itemsize * math.prod(self.shape)


@api
def read_npy(path: PathLike) -> np.ndarray[Any, Any]:
    """The array in a ``.npy`` file.

    What `numpy.load` gives, in less time for small files. No pickled objects.

    Args:
        path: The file.

    Raises:
        FileFormatError: if it is no such file, holds objects, or is shorter or longer than its
            header says.

    Example:
        >>> import numpy as np, os, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(os.path.join(folder, "x.npy"), np.arange(3))
        ...     data.read_npy(os.path.join(folder, "x.npy"))
        array([0, 1, 2])
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path costs more than reading
        return array_of(file.read(), path, "read_npy")


def array_of(content: bytes, path: Any, name: str) -> np.ndarray[Any, Any]:
    """The array in the bytes of a ``.npy`` file."""
    header = header_of(content, len(content), path, name)
    flat = np.frombuffer(content, header.dtype, math.prod(header.shape), header.start)
    # A copy: the result can be written to, and does not keep the header.
    return flat.reshape(header.shape, order=header.order).copy(header.order)


def header_of(begin: bytes, size: int, path: Any, name: str) -> Header:
    """The header of a file of `size` bytes, if that is as large as its header says."""
    digits = 2 if begin[6:7] == b"\x01" else 4
    start = 8 + digits + int.from_bytes(begin[8 : 8 + digits], "little")
    if begin[:6] != b"\x93NUMPY" or start > min(len(begin), _LONGEST):
        raise _bad(name, path, "it does not begin with the header of one")
    try:
        header = _understood(begin[8 + digits : start], start)
    except Exception as error:  # whatever else the text may be
        raise _bad(name, path, f"its header cannot be read: {error}") from None
    if size - start != header.nbytes:
        raise _bad(name, path, f"its header says {header.nbytes} bytes of data and it has "
                               f"{size - start}")  # fmt: skip
    return header


@lru_cache(maxsize=1024)
def _understood(text: bytes, start: int) -> Header:
    fields = ast.literal_eval(text.decode("latin1").strip())
    dtype = np.lib.format.descr_to_dtype(fields["descr"])
    shape = tuple(fields["shape"])
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not loaded")
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"the shape {shape}")
    return Header(dtype, "F" if fields["fortran_order"] else "C", shape, start)


def _bad(name: str, path: Any, why: str) -> FileFormatError:
    return FileFormatError(f"[{name}] {os.fspath(path)!r} is not a .npy file: {why}")
