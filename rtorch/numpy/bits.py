"""Truth values packed into the bits of bytes, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, DTypeError, api
from rtorch.numpy.joining import piece
from rtorch.numpy.manipulation import moveaxis, ravel
from rtorch.numpy.operands import ArrayLike, axis_of, convert, integer_of, operand
from rtorch.numpy.padding import pad
from rtorch.numpy.reductions import sum as sum_along
from rtorch.numpy.searching import truth
from rtorch.numpy.ufuncs import bitwise_and, bitwise_right_shift
from rtorch.ops.base import reshape_p

__all__ = ["packbits", "unpackbits"]


def _places(name: str, bitorder: str, device: Any) -> Array:
    """The place of each bit of a byte."""
    if bitorder not in ("big", "little"):
        raise ArgumentError(f"[{name}] bitorder: expected 'big' or 'little', got {bitorder!r}")
    places = np.arange(8, dtype=np.uint8)
    return Array(places if bitorder == "little" else places[::-1].copy()).to(device)


@api
def packbits(x: ArrayLike, axis: int | None = None, bitorder: str = "big") -> Array:
    """Eight truth values as the bits of one byte; zeros fill up the last one.

    Args:
        x: Array of integers or truth values; what is not zero counts as 1.
        axis: An axis; None flattens `x`.
        bitorder: Whether the first one is the highest bit (``"big"``) or the lowest.

    Returns:
        uint8, with ``ceil(n / 8)`` elements along `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.packbits(rt.asarray([1, 0, 0, 0, 0, 0, 1, 1, 1]))
        Array([131, 128], dtype=uint8)
    """
    x = operand(x, "packbits")
    if x.dtype in dtypes.INEXACT:
        raise DTypeError(f"[packbits] expected integers or truth values, got {x.dtype}")
    bits, axis = (ravel(x), 0) if axis is None else (x, axis)
    place = axis_of(axis, bits.ndim, "packbits")
    bits = moveaxis(convert(truth(bits, "packbits"), dtypes.uint8), place, -1)
    n = bits.shape[-1]
    bits = pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, -n % 8)])
    bits = reshape_p(bits, shape=(*bits.shape[:-1], bits.shape[-1] // 8, 8))
    packed = sum_along(bits << _places("packbits", bitorder, x.device), -1, dtype=dtypes.uint8)
    return moveaxis(packed, -1, place)


@api
def unpackbits(
    x: ArrayLike, axis: int | None = None, count: int | None = None, bitorder: str = "big"
) -> Array:
    """The bits of bytes, each as a uint8 of 0 or 1.

    Args:
        x: Array of uint8.
        axis: An axis; None flattens `x`.
        count: How many bits to return: fewer are cut off, more filled up with zeros; a negative
            number says how many to cut off.
        bitorder: Whether the highest bit comes first (``"big"``) or the lowest.

    Example:
        >>> import rtorch as rt
        >>> rt.unpackbits(rt.asarray([131], dtype=rt.uint8))
        Array([1, 0, 0, 0, 0, 0, 1, 1], dtype=uint8)
    """
    x = operand(x, "unpackbits")
    if x.dtype is not dtypes.uint8:
        raise DTypeError(f"[unpackbits] expected uint8, got {x.dtype}")
    x, axis = (ravel(x), 0) if axis is None else (x, axis)
    place = axis_of(axis, x.ndim, "unpackbits")
    column = reshape_p(moved := moveaxis(x, place, -1), shape=(*moved.shape, 1))
    shifted = bitwise_right_shift(column, _places("unpackbits", bitorder, x.device))
    bits = bitwise_and(shifted, 1)
    bits = reshape_p(bits, shape=(*bits.shape[:-2], bits.shape[-2] * 8))
    return moveaxis(_counted(bits, count), -1, place)


def _counted(bits: Array, count: Any) -> Array:
    if count is None:
        return bits
    n = bits.shape[-1]
    wanted = integer_of(count, "unpackbits", "count")
    wanted = wanted if wanted >= 0 else n + wanted
    if wanted < 0:
        raise ArgumentError(f"[unpackbits] count: {count} of {n} bits cannot be cut off")
    if wanted > n:
        return pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, wanted - n)])
    return piece(bits, bits.ndim - 1, 0, wanted)
