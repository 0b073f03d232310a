"""Arrays from functions, iterators, text, bytes and files of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array, wrap
from rtorch.errors import ArgumentError, api, describe
from rtorch.numpy.creation import float_dtype
from rtorch.numpy.grids import indices

__all__ = ["frombuffer", "fromfile", "fromfunction", "fromiter", "fromstring"]


@api
def fromfunction(
    function: Callable[..., Any], shape: int | Sequence[int], *, dtype: Any = float, **kwargs: Any
) -> Any:
    """What `function` makes of the indices of an array of `shape`.

    Args:
        function: Called once with one array for every axis, which holds the indices on it.
        shape: A shape.
        dtype: That of the index arrays; by default `default_dtype()`.
        **kwargs: Passed to `function`.

    Example:
        >>> import rtorch as rt
        >>> rt.fromfunction(lambda i, j: 10 * i + j, (2, 3), dtype=int)
        Array([[ 0,  1,  2],
               [10, 11, 12]], dtype=int64)
    """
    return function(*indices(shape, dtype=dtype), **kwargs)


@api
def frombuffer(buffer: Any, dtype: Any = dtypes.float64, count: int = -1, offset: int = 0) -> Array:
    """A vector of the numbers that bytes hold; a copy.

    Args:
        buffer: Bytes, or anything with the buffer protocol.
        dtype: The dtype of the numbers.
        count: How many to read; -1 for all.
        offset: At which byte to begin.

    Example:
        >>> import rtorch as rt
        >>> rt.frombuffer(bytes([1, 2, 3]), dtype=rt.uint8)
        Array([1, 2, 3], dtype=uint8)
    """
    return _read("frombuffer", np.frombuffer, buffer, dtypes.canonical(dtype), count, offset)


@api
def fromfile(
    file: Any, dtype: Any = dtypes.float64, count: int = -1, sep: str = "", offset: int = 0
) -> Array:
    """A vector of the numbers that a file holds as bytes, or as text with separators.

    Args:
        file: A path, or an open file.
        dtype: The dtype of the numbers.
        count: How many to read; -1 for all.
        sep: What stands between numbers in a file of text; empty for bytes.
        offset: At which byte to begin.

    Example:
        >>> import tempfile
        >>> import rtorch as rt
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     _ = file.write(bytes([1, 2, 3]))
        ...     file.flush()
        ...     print(rt.fromfile(file.name, dtype=rt.uint8))
        [1 2 3]
    """
    return _read("fromfile", np.fromfile, file, dtypes.canonical(dtype), count, sep, offset)


@api
def fromstring(string: str, dtype: Any = float, count: int = -1, *, sep: str) -> Array:
    """A vector of the numbers in a text.

    Args:
        string: The text.
        dtype: By default `default_dtype()`.
        count: How many to read; -1 for all.
        sep: What stands between the numbers.

    Example:
        >>> import rtorch as rt
        >>> rt.fromstring("1, 2, 3", dtype=int, sep=",")
        Array([1, 2, 3], dtype=int64)
    """
    if not sep:
        raise ArgumentError("[fromstring] sep must not be empty; rt.frombuffer reads bytes")
    kind: Any = dtypes.canonical(dtype)
    wide = np.float32 if dtypes.is_bfloat16(kind) else kind
    return _read("fromstring", np.fromstring, string, wide, count, sep=sep, to=kind)


@api
def fromiter(iterable: Iterable[Any], dtype: Any = None, count: int = -1) -> Array:
    """A vector of the numbers that an iterator gives.

    Args:
        iterable: Of Python numbers.
        dtype: By default `default_dtype()`.
        count: How many to take; -1 for all.

    Example:
        >>> import rtorch as rt
        >>> rt.fromiter((i * i for i in range(4)), dtype=int)
        Array([0, 1, 4, 9], dtype=int64)
    """
    if not hasattr(iterable, "__iter__"):
        raise ArgumentError(f"[fromiter] expected an iterable, got {describe(iterable)}")
    return _read("fromiter", np.fromiter, iterable, float_dtype(dtype), count)


def _read(name: str, read: Any, *args: Any, to: Any = None, **kwargs: Any) -> Array:
    try:
        data = read(*args, **kwargs)
    except (ValueError, TypeError, DeprecationWarning) as error:
        raise ArgumentError(f"[{name}] {error}") from None
    return wrap(np.array(data, to))
