"""The places of diagonals and triangles, as index arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array, wrap
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy.access import as_value
from rtorch.numpy.at import Place
from rtorch.numpy.creation import ones
from rtorch.numpy.manipulation import ravel
from rtorch.numpy.operands import ArrayLike, integer_of, operand
from rtorch.numpy.repeating import resize
from rtorch.numpy.searching import nonzero
from rtorch.ops.base import reshape_p
from rtorch.ops.creation import iota

__all__ = [
    "diag_indices", "diag_indices_from", "fill_diagonal", "mask_indices", "tril_indices",
    "tril_indices_from", "triu_indices", "triu_indices_from",
]  # fmt: skip


@api
def diag_indices(n: int, ndim: int = 2) -> tuple[Array, ...]:
    """The indices of the main diagonal of an array whose `ndim` axes have length `n`.

    Example:
        >>> import rtorch as rt
        >>> rt.arange(9).reshape(3, 3)[rt.diag_indices(3)]
        Array([0, 4, 8], dtype=int64)
    """
    n, ndim = integer_of(n, "diag_indices", "n"), integer_of(ndim, "diag_indices", "ndim")
    if n < 0 or ndim < 0:
        raise ArgumentError(f"[diag_indices] n and ndim must not be negative, got {n} and {ndim}")
    return (iota(n, dtypes.int64),) * ndim


@api
def diag_indices_from(x: ArrayLike) -> tuple[Array, ...]:
    """`diag_indices` for the array `x`, whose axes have one length.

    Example:
        >>> import rtorch as rt
        >>> len(rt.diag_indices_from(rt.ones((2, 2, 2))))
        3
    """
    x = operand(x, "diag_indices_from")
    if x.ndim < 2 or len(set(x.shape)) != 1:
        raise ShapeError(
            f"[diag_indices_from] expected two or more axes of one length, got shape {x.shape}"
        )
    return diag_indices(x.shape[0], x.ndim)


@api
def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """The indices of the lower triangle of an ``(n, m)`` matrix, up to diagonal `k`.

    Example:
        >>> import rtorch as rt
        >>> rt.arange(4).reshape(2, 2)[rt.tril_indices(2)]
        Array([0, 2, 3], dtype=int64)
    """
    return _triangle("tril_indices", np.tril_indices, n, k, m)


@api
def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """The indices of the upper triangle of an ``(n, m)`` matrix, from diagonal `k` on.

    Example:
        >>> import rtorch as rt
        >>> rt.arange(4).reshape(2, 2)[rt.triu_indices(2)]
        Array([0, 1, 3], dtype=int64)
    """
    return _triangle("triu_indices", np.triu_indices, n, k, m)


def _triangle(name: str, places: Any, n: Any, k: Any, m: Any) -> tuple[Array, Array]:
    n, k = integer_of(n, name, "n"), integer_of(k, name, "k")
    m = n if m is None else integer_of(m, name, "m")
    if n < 0 or m < 0:
        raise ArgumentError(f"[{name}] n and m must not be negative, got {n} and {m}")
    rows, columns = places(n, k, m)
    return wrap(rows.astype(np.int64)), wrap(columns.astype(np.int64))


@api
def tril_indices_from(x: ArrayLike, k: int = 0) -> tuple[Array, Array]:
    """`tril_indices` for the matrix `x`.

    Example:
        >>> import rtorch as rt
        >>> [i.tolist() for i in rt.tril_indices_from(rt.ones((2, 2)))]
        [[0, 1, 1], [0, 0, 1]]
    """
    n, m = _matrix_shape("tril_indices_from", x)
    return tril_indices(n, k, m)


@api
def triu_indices_from(x: ArrayLike, k: int = 0) -> tuple[Array, Array]:
    """`triu_indices` for the matrix `x`.

    Example:
        >>> import rtorch as rt
        >>> [i.tolist() for i in rt.triu_indices_from(rt.ones((2, 2)))]
        [[0, 0, 1], [0, 1, 1]]
    """
    n, m = _matrix_shape("triu_indices_from", x)
    return triu_indices(n, k, m)


def _matrix_shape(name: str, x: Any) -> tuple[int, int]:
    shape = operand(x, name).shape
    if len(shape) != 2:
        raise ShapeError(f"[{name}] expected a matrix, got shape {shape}")
    return shape[0], shape[1]


@api
def mask_indices(
    n: int, mask_func: Callable[[Array, Any], Array], k: Any = 0, *, size: int | None = None
) -> tuple[Array, ...]:
    """The indices where ``mask_func(ones((n, n)), k)`` is not zero.

    Args:
        n: Number of rows and columns.
        mask_func: A function such as `rt.triu`.
        k: Its second argument.
        size: How many indices to return, as in `nonzero`.

    Example:
        >>> import rtorch as rt
        >>> [i.tolist() for i in rt.mask_indices(3, rt.triu, 1)]
        [[0, 0, 1], [1, 2, 2]]
    """
    return nonzero(mask_func(ones((n, n)), k), size=size)


@api
def fill_diagonal(
    x: ArrayLike, val: ArrayLike, wrap: bool = False, *, inplace: bool = False
) -> Array:
    """A copy of `x` with `val` on the main diagonal.

    Args:
        x: Array of two axes, or of more of one length.
        val: A number, or numbers that are written one after the other, repeated if needed.
        wrap: Let the diagonal of a tall matrix begin again below its end, after one row.
        inplace: Must be False; for JAX's sake.

    Example:
        >>> import rtorch as rt
        >>> rt.fill_diagonal(rt.zeros((2, 3)), 5.0)
        Array([[5., 0., 0.],
               [0., 5., 0.]], dtype=float32)
    """
    if inplace:
        raise ArgumentError(
            "[fill_diagonal] Arrays are immutable: inplace=True is not possible; use the result"
        )
    x = operand(x, "fill_diagonal")
    places = _diagonal_places(x.shape, wrap)
    value = resize(as_value(x, val, "fill_diagonal"), (len(places),))
    index = Array(places).to(x.device)
    return reshape_p(Place(ravel(x), index).set(value), shape=x.shape)


def _diagonal_places(shape: tuple[int, ...], again: bool) -> Any:
    """The places of the diagonal in the flattened array."""
    if len(shape) < 2:
        raise ShapeError(f"[fill_diagonal] expected two or more axes, got shape {shape}")
    if len(shape) > 2 and len(set(shape)) != 1:
        raise ShapeError(f"[fill_diagonal] more than two axes must have one length, got {shape}")
    step = sum(int(np.prod(shape[i + 1 :])) for i in range(len(shape)))
    size = int(np.prod(shape))
    end = size if again or len(shape) > 2 else min(size, shape[1] * shape[1])
    return np.arange(0, end, step, dtype=np.int64)
