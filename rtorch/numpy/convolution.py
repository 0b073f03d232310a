"""Convolution and correlation of vectors."""

from __future__ import annotations

from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy.elementwise import conj
from rtorch.numpy.operands import ArrayLike, convert, promote
from rtorch.ops.convolution import convolve_p

__all__ = ["convolve", "correlate"]


@api
def convolve(x: ArrayLike, y: ArrayLike, mode: str = "full") -> Array:
    """The convolution of two vectors: ``out[k] = sum x[i] y[k - i]``.

    Args:
        x: A vector of n elements.
        y: A vector of m elements.
        mode: ``"full"``: wherever they overlap, ``n + m - 1`` elements. ``"same"``: the middle
            ``max(n, m)`` of them. ``"valid"``: only where the shorter lies within the longer.

    Example:
        >>> import rtorch as rt
        >>> rt.convolve([1, 2, 3], [1, 1]).tolist()
        [1, 3, 5, 3]
    """
    a, b = _vectors("convolve", x, y)
    first = (min(a.shape[0], b.shape[0]) - 1) // 2
    return _cut("convolve", _full(a, b), a.shape[0], b.shape[0], mode, first)


@api
def correlate(x: ArrayLike, y: ArrayLike, mode: str = "valid") -> Array:
    """The correlation of two vectors: ``out[k] = sum x[i + k] conj(y[i])``.

    Args:
        x: A vector.
        y: A vector.
        mode: Which shifts k: as of `convolve`.

    Example:
        >>> import rtorch as rt
        >>> rt.correlate([1, 2, 3], [0, 1], mode="full").tolist()
        [1, 2, 3, 0]
    """
    a, b = _vectors("correlate", x, y)
    n, m = a.shape[0], b.shape[0]
    first = (m - 1) // 2 if m <= n else n // 2
    return _cut("correlate", _full(a, conj(b[::-1])), n, m, mode, first)


def _vectors(name: str, x: Any, y: Any) -> list[Array]:
    arrays = promote(name, x, y)
    for z in arrays:
        if z.ndim != 1 or not z.size:
            raise ShapeError(f"[{name}] expected vectors with elements, got shape {z.shape}")
    return arrays


def _full(a: Array, b: Array) -> Array:
    """The whole convolution; of truth values, whether any pair of them holds."""
    if a.dtype is not dtypes.bool_:
        out: Array = convolve_p(a, b)
        return out
    whole: Array = convolve_p(convert(a, dtypes.int64), convert(b, dtypes.int64))
    return convert(whole, dtypes.bool_)


def _cut(name: str, whole: Array, n: int, m: int, mode: str, first: int) -> Array:
    if mode == "full":
        return whole
    if mode == "same":
        return whole[first : first + max(n, m)]
    if mode == "valid":
        return whole[min(n, m) - 1 : max(n, m)]
    raise ArgumentError(f"[{name}] mode: expected 'full', 'same' or 'valid', got {mode!r}")
