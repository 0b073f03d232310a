"""Triangles and diagonals: eye, tri, tril, triu, diag, diagonal, trace."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import operator
from typing import Any

from rtorch.core import backend, dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, AxisError, ShapeError, api, describe
from rtorch.numpy.creation import float_dtype, place_of
from rtorch.numpy.operands import ArrayLike, axis_of, broadcast, convert, operand, shape_of
from rtorch.numpy.reductions import sum as sum_along
from rtorch.ops.base import add_p, move_dim
from rtorch.ops.comparison import eq_p, ge_p, select_p
from rtorch.ops.creation import full_p, iota, iota_p
from rtorch.ops.indexing import gather_p, scatter_p

__all__ = ["diag", "diagonal", "eye", "identity", "trace", "tri", "tril", "triu"]


def _offset(k: Any, name: str) -> int:
    try:
        limit = 2**62  # beyond every array
        return max(-limit, min(operator.index(k), limit))
    except TypeError:
        raise ArgumentError(f"[{name}] k: expected an integer, got {describe(k)}") from None


def _rows_and_columns(shape: tuple[int, ...], k: int, device: Any) -> tuple[Any, Any]:
    """The row number plus `k`, and the column number, of every element."""
    rows, columns = (
        iota_p(shape=shape, dtype=dtypes.int64, axis=axis, device=device) for axis in (0, 1)
    )
    return (add_p(rows, k) if k else rows), columns


@api
def eye(
    n_rows: int, n_cols: int | None = None, *, k: int = 0, dtype: Any = None, device: Any = None
) -> Array:
    """Ones on a diagonal, zeros elsewhere.

    Args:
        n_rows: Number of rows.
        n_cols: Number of columns; by default as many as rows.
        k: Which diagonal: above the main one if positive, below it if negative.
        dtype: By default `default_dtype()`.
        device: By default the CPU.

    Example:
        >>> import rtorch as rt
        >>> rt.eye(2, 3, k=1)
        Array([[0., 1., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    shape = shape_of((n_rows, n_rows if n_cols is None else n_cols), "eye")
    place = place_of(device)
    return convert(eq_p(*_rows_and_columns(shape, _offset(k, "eye"), place)), float_dtype(dtype))


@api
def identity(n: int, dtype: Any = None) -> Array:
    """The identity matrix with `n` rows.

    Example:
        >>> import rtorch as rt
        >>> rt.identity(2)
        Array([[1., 0.],
               [0., 1.]], dtype=float32)
    """
    return eye(n, dtype=dtype)


@api
def tri(n: int, m: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Ones on and below the diagonal `k`, zeros above, shape ``(n, m)``.

    Example:
        >>> import rtorch as rt
        >>> rt.tri(2, 3)
        Array([[1., 0., 0.],
               [1., 1., 0.]], dtype=float32)
    """
    shape = shape_of((n, n if m is None else m), "tri")
    return convert(
        ge_p(*_rows_and_columns(shape, _offset(k, "tri"), backend.CPU)), float_dtype(dtype)
    )


@api
def tril(x: ArrayLike, k: int = 0) -> Array:
    """The lower triangle of the last two axes: zeros above the diagonal `k`.

    Example:
        >>> import rtorch as rt
        >>> rt.tril(rt.ones((2, 2)))
        Array([[1., 0.],
               [1., 1.]], dtype=float32)
    """
    x, mask = _lower("tril", x, _offset(k, "tril"))
    return select_p(mask, x, 0)


@api
def triu(x: ArrayLike, k: int = 0) -> Array:
    """The upper triangle of the last two axes: zeros below the diagonal `k`.

    Example:
        >>> import rtorch as rt
        >>> rt.triu(rt.ones((2, 2)))
        Array([[1., 1.],
               [0., 1.]], dtype=float32)
    """
    x, mask = _lower("triu", x, _offset(k, "triu") - 1)
    return select_p(mask, 0, x)


def _lower(name: str, x: Any, k: int) -> tuple[Array, Array]:
    """`x`, and where it is on or below the diagonal `k`."""
    x = operand(x, name)
    if x.ndim < 2:
        raise ShapeError(f"[{name}] expected an array of 2 or more axes, got shape {x.shape}")
    mask = ge_p(*_rows_and_columns(x.shape[-2:], k, x.device))
    return x, broadcast(mask, x.shape)


@api
def diagonal(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The elements whose indices on two axes differ by `offset`.

    Args:
        x: Shape ``(..., n, ..., m, ...)``.
        offset: Index on `axis2` minus index on `axis1`.
        axis1: First axis of the matrices.
        axis2: Second axis of the matrices.

    Returns:
        The other axes, then one for the diagonal.

    Example:
        >>> import rtorch as rt
        >>> rt.diagonal(rt.asarray([[1, 2], [3, 4]]))
        Array([1, 4], dtype=int64)
    """
    return _diagonal(operand(x, "diagonal"), _offset(offset, "diagonal"), axis1, axis2, "diagonal")


def _diagonal(x: Array, offset: int, axis1: int, axis2: int, name: str) -> Array:
    if x.ndim < 2:
        raise ShapeError(f"[{name}] expected an array of 2 or more axes, got shape {x.shape}")
    row, column = axis_of(axis1, x.ndim, name, "axis1"), axis_of(axis2, x.ndim, name, "axis2")
    if row == column:
        raise AxisError(f"[{name}] axis1 and axis2 are both {row}; they must differ")
    n = max(0, min(x.shape[row] + min(offset, 0), x.shape[column] - max(offset, 0)))
    index = iota(n, dtypes.int64, x.device)
    rows, columns = (add_p(index, k) if k else index for k in (max(-offset, 0), max(offset, 0)))
    out = gather_p(x, rows, columns, axes=(row, column), mode="clip", fill=0)
    return move_dim(out, 0, out.ndim - 1)


@api
def diag(x: ArrayLike, k: int = 0) -> Array:
    """A matrix with the vector `x` on diagonal `k`; or, of a matrix, that diagonal.

    Example:
        >>> import rtorch as rt
        >>> rt.diag(rt.asarray([1, 2]))
        Array([[1, 0],
               [0, 2]], dtype=int64)
    """
    x = operand(x, "diag")
    k = _offset(k, "diag")
    if x.ndim == 2:
        return _diagonal(x, k, 0, 1, "diag")
    if x.ndim != 1:
        raise ShapeError(f"[diag] expected an array of 1 or 2 axes, got shape {x.shape}")
    n = x.shape[0] + abs(k)
    index = iota(x.shape[0], dtypes.int64, x.device)
    rows, columns = (add_p(index, j) if j else index for j in (max(-k, 0), max(k, 0)))
    background = full_p(shape=(n, n), value=0, dtype=x.dtype, device=x.device)
    return scatter_p(background, x, rows, columns, axes=(0, 1), mode="clip", op="set")


@api
def trace(
    x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1, *, dtype: Any = None
) -> Array:
    """The sum over a diagonal; the arguments are those of `diagonal`.

    Example:
        >>> import rtorch as rt
        >>> rt.trace(rt.eye(3))
        Array(3., dtype=float32)
    """
    x = _diagonal(operand(x, "trace"), _offset(offset, "trace"), axis1, axis2, "trace")
    return sum_along(x, -1, dtype=dtype)
