"""Products and parts of matrices, and matrices made of parts."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy import contraction, matrices as whole, products
from rtorch.numpy.elementwise import conj
from rtorch.numpy.joining import concatenate
from rtorch.numpy.manipulation import flip
from rtorch.numpy.operands import (
    ArrayLike,
    axis_of,
    broadcast,
    broadcast_shapes,
    items_of,
    operand,
    promote,
)
from rtorch.ops.base import add_p, neg_p
from rtorch.ops.creation import iota_p
from rtorch.ops.indexing import gather_p
from rtorch.ops.shape import pad_p

__all__ = ["block_diag", "cross", "diagonal", "multi_dot", "outer", "toeplitz", "trace"]


@api
def cross(x: ArrayLike, y: ArrayLike, *, axis: int = -1) -> Array:
    """The cross product of vectors of three elements.

    Args:
        x: An array of length 3 along `axis`.
        y: Another one; the other axes broadcast.
        axis: The axis of the vectors, in the shape that both broadcast to.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.cross(rt.asarray([1, 0, 0]), rt.asarray([0, 1, 0]))
        Array([0, 0, 1], dtype=int64)
    """
    x, y = promote("cross", x, y)
    shape = broadcast_shapes("cross", x.shape, y.shape)
    place = axis_of(axis, len(shape), "cross")
    lengths = [z.shape[place - len(shape)] if z.ndim >= len(shape) - place else 1 for z in (x, y)]
    if lengths != [3, 3]:
        raise ShapeError(
            f"[cross] expected vectors of 3 elements along axis {axis}, got shapes {x.shape} and "
            f"{y.shape}"
        )
    return products.cross(x, y, axis=place - len(shape))


@api
def outer(x: ArrayLike, y: ArrayLike) -> Array:
    """All products of an element of the vector `x` with one of the vector `y`.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.outer(rt.arange(2), rt.arange(3)).tolist()
        [[0, 0, 0], [0, 1, 2]]
    """
    x, y = promote("outer", x, y)
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError(
            f"[outer] expected two vectors, got shapes {x.shape} and {y.shape}; rt.outer takes "
            "all arrays"
        )
    return contraction.outer(x, y)


@api
def diagonal(x: ArrayLike, *, offset: int = 0) -> Array:
    """The diagonals of matrices.

    Args:
        x: Shape ``(..., M, N)``.
        offset: Which diagonal: above the main one if positive, below it if negative.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.diagonal(rt.asarray([[1, 2], [3, 4]]))
        Array([1, 4], dtype=int64)
    """
    return whole.diagonal(x, offset, -2, -1)


@api
def trace(x: ArrayLike, *, offset: int = 0, dtype: Any = None) -> Array:
    """The sums of the diagonals of matrices; the arguments are those of `diagonal`.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.trace(rt.asarray([[1, 2], [3, 4]]))
        Array(5, dtype=int64)
    """
    return whole.trace(x, offset, -2, -1, dtype=dtype)


@api
def multi_dot(arrays: Sequence[ArrayLike]) -> Array:
    """The product of several matrices in the order that takes the fewest multiplications.

    Args:
        arrays: Two or more matrices; the first one and the last one may be vectors.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.multi_dot([rt.ones((2, 3)), rt.ones((3, 4)), rt.ones(4)])
        Array([12., 12.], dtype=float32)
    """
    factors = items_of(arrays, "multi_dot", "arrays")
    if len(factors) < 2:
        raise ArgumentError(f"[multi_dot] expected two or more arrays, got {len(factors)}")
    xs = promote("multi_dot", *factors)
    for i, x in enumerate(xs):
        if x.ndim != 2 and not (x.ndim == 1 and i in (0, len(xs) - 1)):
            raise ShapeError(
                f"[multi_dot] arrays[{i}]: expected a matrix (or, at the ends, a vector), got "
                f"shape {x.shape}"
            )
    first = (1, *xs[0].shape)[-2:]
    lengths = (*first, *[x.shape[1] if x.ndim == 2 else 1 for x in xs[1:]])
    return _chain(xs, lengths)


def _chain(xs: list[Array], lengths: tuple[int, ...]) -> Array:
    """Matrix i has ``lengths[i]`` rows and ``lengths[i + 1]`` columns."""

    @cache
    def best(i: int, j: int) -> tuple[int, int]:
        """The least cost of the product of the matrices from i to j, and where to split it."""
        if i == j:
            return 0, i
        return min(
            (best(i, k)[0] + best(k + 1, j)[0] + lengths[i] * lengths[k + 1] * lengths[j + 1], k)
            for k in range(i, j)
        )

    def multiply(i: int, j: int) -> Array:
        if i == j:
            return xs[i]
        k = best(i, j)[1]
        return contraction.matmul(multiply(i, k), multiply(k + 1, j))

    return multiply(0, len(xs) - 1)


@api
def block_diag(*arrays: ArrayLike) -> Array:
    """A matrix with the given matrices along its diagonal and zeros elsewhere.

    Args:
        *arrays: Matrices; a vector counts as one row.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.block_diag(rt.asarray([[1, 2]]), rt.asarray([[3]])).tolist()
        [[1, 2, 0], [0, 0, 3]]
    """
    if not arrays:
        raise ArgumentError("[block_diag] expected at least one matrix")
    xs = promote("block_diag", *arrays)
    for i, x in enumerate(xs):
        if x.ndim > 2:
            raise ShapeError(f"[block_diag] argument {i}: expected a matrix, got shape {x.shape}")
    xs = [x if x.ndim == 2 else x.reshape((1, x.size)) for x in xs]
    width, before, rows = sum(x.shape[1] for x in xs), 0, []
    for x in xs:
        after = width - before - x.shape[1]
        rows.append(pad_p(x, value=0, low=(0, before), high=(0, after), interior=(0, 0)))
        before += x.shape[1]
    return concatenate(rows, 0)


@api
def toeplitz(c: ArrayLike, r: ArrayLike | None = None) -> Array:
    """Matrices that are constant along their diagonals.

    Args:
        c: The first columns, shape ``(..., M)``.
        r: The first rows, shape ``(..., N)``, whose first elements are not read; by default the
            conjugate of `c`.

    Returns:
        Shape ``(..., M, N)``.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.toeplitz(rt.asarray([1, 2, 3]), rt.asarray([1, 4]))
        Array([[1, 4],
               [2, 1],
               [3, 2]], dtype=int64)
    """
    first = operand(c, "toeplitz")
    column, row = promote("toeplitz", first, conj(first) if r is None else r)
    if not column.ndim or not row.ndim:
        raise ShapeError(f"[toeplitz] expected vectors, got shapes {column.shape} and {row.shape}")
    batch = broadcast_shapes("toeplitz", column.shape[:-1], row.shape[:-1])
    m, n = column.shape[-1], row.shape[-1]
    column, row = broadcast(column, (*batch, m)), broadcast(row, (*batch, n))
    values = concatenate([flip(row[..., 1:], -1), column], -1)  # from upper right to lower left
    i, j = (
        iota_p(shape=(m, n), dtype=dtypes.int64, axis=axis, device=column.device) for axis in (0, 1)
    )
    place = add_p(add_p(i, neg_p(j)), max(n - 1, 0))
    out = gather_p(values, place, axes=(values.ndim - 1,), mode="clip", fill=0)
    order = (*range(2, out.ndim), 0, 1)
    return out if out.ndim == 2 else out.transpose(order)
