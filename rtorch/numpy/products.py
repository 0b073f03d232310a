"""Products of stacks of vectors and matrices."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ShapeError, api
from rtorch.numpy.contraction import matmul
from rtorch.numpy.elementwise import conj
from rtorch.numpy.joining import piece, stack
from rtorch.numpy.manipulation import moveaxis
from rtorch.numpy.operands import ArrayLike, axis_of, broadcast, broadcast_shapes, promote
from rtorch.ops.base import mul_p, reshape_p, sub_p

__all__ = ["cross", "matvec", "vecmat"]


@api
def matvec(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Products of matrices and vectors; the axes before those broadcast.

    Args:
        x: Shape ``(..., n, k)``.
        y: Shape ``(..., k)``.

    Returns:
        Shape ``(..., n)``.

    Example:
        >>> import rtorch as rt
        >>> rt.matvec(rt.ones((5, 2, 3)), rt.ones((5, 3))).shape
        (5, 2)
    """
    x, y = promote("matvec", x, y)
    if x.ndim < 2 or y.ndim < 1 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"[matvec] expected (..., n, k) and (..., k), got {x.shape}, {y.shape}")
    if y.ndim == 1:
        return matmul(x, y)
    out = matmul(x, reshape_p(y, shape=(*y.shape, 1)))
    return reshape_p(out, shape=out.shape[:-1])


@api
def vecmat(x: ArrayLike, y: ArrayLike, /) -> Array:
    """Products of vectors, conjugated, and matrices; the axes before those broadcast.

    Args:
        x: Shape ``(..., n)``.
        y: Shape ``(..., n, k)``.

    Returns:
        Shape ``(..., k)``.

    Example:
        >>> import rtorch as rt
        >>> rt.vecmat(rt.ones((5, 2)), rt.ones((5, 2, 3))).shape
        (5, 3)
    """
    x, y = promote("vecmat", x, y)
    if x.ndim < 1 or y.ndim < 2 or x.shape[-1] != y.shape[-2]:
        raise ShapeError(f"[vecmat] expected (..., n) and (..., n, k), got {x.shape}, {y.shape}")
    row = conj(x) if x.dtype in dtypes.COMPLEXES else x
    if x.ndim == 1:
        return matmul(row, y)
    out = matmul(reshape_p(row, shape=(*x.shape[:-1], 1, x.shape[-1])), y)
    return reshape_p(out, shape=(*out.shape[:-2], out.shape[-1]))


@api
def cross(
    x: ArrayLike,
    y: ArrayLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Array:
    """Cross products of vectors with 3 components (or 2, the third being 0).

    Args:
        x: Array of vectors.
        y: Array of vectors; the other axes broadcast with those of x.
        axisa: The axis of x along which its vectors lie.
        axisb: That of y.
        axisc: Where the vectors of the result lie. If all have 2 components, it has no such axis
            and holds the third components.
        axis: All three at once.

    Example:
        >>> import rtorch as rt
        >>> rt.cross(rt.asarray([1, 0, 0]), rt.asarray([0, 1, 0]))
        Array([0, 0, 1], dtype=int64)
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = promote("cross", x, y)
    x = moveaxis(x, axis_of(axisa, x.ndim, "cross", "axisa"), -1)
    y = moveaxis(y, axis_of(axisb, y.ndim, "cross", "axisb"), -1)
    lengths = x.shape[-1], y.shape[-1]
    if not {2, 3}.issuperset(lengths):
        raise ShapeError(f"[cross] vectors must have 2 or 3 components, got {lengths}")
    shape = broadcast_shapes("cross", x.shape[:-1], y.shape[:-1])
    a, b = (_components(z, shape) for z in (x, y))
    last = _minor(a, b, 0, 1)
    if lengths == (2, 2):
        return last
    out = stack([_minor(a, b, 1, 2), _minor(a, b, 2, 0), last], axis=-1)
    return moveaxis(out, -1, axis_of(axisc, out.ndim, "cross", "axisc"))


def _components(x: Array, shape: tuple[int, ...]) -> list[Any]:
    """The components as arrays of `shape`; 0 for one that is not there."""
    last = x.ndim - 1
    pieces = [piece(x, last, i, i + 1) for i in range(x.shape[-1])]
    found = [broadcast(reshape_p(p, shape=x.shape[:-1]), shape) for p in pieces]
    return [*found, mul_p(found[0], 0)][:3]


def _minor(a: list[Any], b: list[Any], i: int, j: int) -> Any:
    return sub_p(mul_p(a[i], b[j]), mul_p(a[j], b[i]))
