"""Products of matrices and tensors, as NumPy has them."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.trace import state
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy.manipulation import ravel
from rtorch.numpy.operands import (
    ArrayLike,
    Shape,
    axis_of,
    binary,
    broadcast,
    broadcast_shapes,
    integer_of,
    promote,
)
from rtorch.ops.base import broadcast_p, move_dim, mul_p, reshape_p
from rtorch.ops.contraction import MATMUL, dot_general_p
from rtorch.ops.convert import conj_p

__all__ = ["dot", "inner", "kron", "matmul", "outer", "tensordot", "vdot", "vecdot"]

_INNER = (((0,), (0,)), ((), ()))


@api
def matmul(x: ArrayLike, y: ArrayLike) -> Array:
    """The matrix product over the last two axes; the axes before them broadcast.

    Half precision is accumulated in float32.

    Args:
        x: Shape ``(..., n, k)``, or ``(k,)``, which is a row that goes from the result.
        y: Shape ``(..., k, m)``, or ``(k,)``, which is a column that goes from the result.

    Returns:
        Shape ``(..., n, m)``.

    Raises:
        ShapeError: if the shapes do not fit.

    Example:
        >>> import rtorch as rt
        >>> rt.matmul(rt.ones((2, 3)), rt.ones((3, 1)))
        Array([[3.],
               [3.]], dtype=float32)
    """
    if isinstance(x, Array) and isinstance(y, Array) and x.dtype is y.dtype:
        left, right = x.shape, y.shape
        if len(left) == 2 and len(right) == 2 and left[1] == right[0]:
            return state.trace.bind(dot_general_p, (x, y), {"axes": MATMUL})
    return _matmul(*promote("matmul", x, y))


def _matmul(x: Array, y: Array) -> Array:
    n, m = x.ndim, y.ndim
    if n == 0 or m == 0:
        raise ShapeError(
            f"[matmul] a factor has no axes: shapes {x.shape} and {y.shape}; use * for scalars"
        )
    row = max(m - 2, 0)  # the contracted axis of y
    if x.shape[-1] != y.shape[row]:
        raise ShapeError(
            f"[matmul] shapes {x.shape} and {y.shape}: the last axis of x has length "
            f"{x.shape[-1]}, axis {row} of y has {y.shape[row]}; they must be equal"
        )
    if m <= 2:  # the axes of x before its last are all rows of one matrix
        return dot_general_p(x, y, axes=(((n - 1,), (row,)), ((), ())))
    if n <= 2:  # the batch axes of y come after the row of x: bring them to the front
        out = dot_general_p(x, y, axes=(((n - 1,), (row,)), ((), ())))
        return move_dim(out, 0, m - 2) if n == 2 else out
    return _batched_matmul(x, y)


def _batched_matmul(x: Array, y: Array) -> Array:
    batch = broadcast_shapes("matmul", x.shape[:-2], y.shape[:-2])
    x = broadcast(x, (*batch, *x.shape[-2:]))
    y = broadcast(y, (*batch, *y.shape[-2:]))
    axes = tuple(range(len(batch)))
    return dot_general_p(x, y, axes=(((len(batch) + 1,), (len(batch),)), (axes, axes)))


@api
def dot(x: ArrayLike, y: ArrayLike) -> Array:
    """The sum of products over the last axis of `x` and the last but one (or only) axis of `y`.

    Scalars multiply. For products of stacks of matrices `matmul` is meant.

    Example:
        >>> import rtorch as rt
        >>> rt.dot(rt.arange(3), rt.arange(3))
        Array(5, dtype=int64)
    """
    x, y = promote("dot", x, y)
    if x.ndim == 0 or y.ndim == 0:
        return binary(mul_p, x, y, "dot")
    row = max(y.ndim - 2, 0)
    return _contract("dot", x, y, (x.ndim - 1,), (row,))


def _contract(name: str, x: Array, y: Array, x_axes: Shape, y_axes: Shape) -> Array:
    for i, j in zip(x_axes, y_axes):
        if x.shape[i] != y.shape[j]:
            raise ShapeError(
                f"[{name}] shapes {x.shape} and {y.shape}: axis {i} of x has length "
                f"{x.shape[i]}, axis {j} of y has {y.shape[j]}; they must be equal"
            )
    return dot_general_p(x, y, axes=((x_axes, y_axes), ((), ())))


@api
def inner(x: ArrayLike, y: ArrayLike) -> Array:
    """The sum of products over the last axes of both, without conjugation; scalars multiply.

    Example:
        >>> import rtorch as rt
        >>> rt.inner(rt.ones((2, 3)), rt.arange(3))
        Array([3., 3.], dtype=float32)
    """
    x, y = promote("inner", x, y)
    if x.ndim == 0 or y.ndim == 0:
        return binary(mul_p, x, y, "inner")
    return _contract("inner", x, y, (x.ndim - 1,), (y.ndim - 1,))


@api
def vdot(x: ArrayLike, y: ArrayLike) -> Array:
    """The sum of products of all elements of both, those of `x` conjugated.

    Example:
        >>> import rtorch as rt
        >>> rt.vdot(rt.asarray([1j]), rt.asarray([1j]))
        Array(1.+0.j, dtype=complex64)
    """
    x, y = promote("vdot", x, y)
    if x.size != y.size:
        raise ShapeError(f"[vdot] shapes {x.shape} and {y.shape} differ in number of elements")
    return dot_general_p(ravel(_conjugate(x)), ravel(y), axes=_INNER)


@api
def vecdot(x: ArrayLike, y: ArrayLike, *, axis: int = -1) -> Array:
    """The sum of products along `axis`, elements of `x` conjugated; the other axes broadcast.

    Args:
        x: An array.
        y: An array with the same length along `axis`.
        axis: The axis to sum over, counted from the end.

    Example:
        >>> import rtorch as rt
        >>> rt.vecdot(rt.ones((2, 3)), rt.arange(3))
        Array([3., 3.], dtype=float32)
    """
    left, right = (
        move_dim(z, axis_of(axis, z.ndim, "vecdot"), z.ndim - 1) for z in promote("vecdot", x, y)
    )
    if left.shape[-1] != right.shape[-1]:
        raise ShapeError(
            f"[vecdot] lengths {left.shape[-1]} and {right.shape[-1]} along axis {axis} differ"
        )
    shape = broadcast_shapes("vecdot", left.shape, right.shape)
    left, right = broadcast(_conjugate(left), shape), broadcast(right, shape)
    last = len(shape) - 1
    batch = tuple(range(last))
    return dot_general_p(left, right, axes=(((last,), (last,)), (batch, batch)))


def _conjugate(x: Array) -> Array:
    return conj_p(x) if x.dtype in dtypes.COMPLEXES else x


@api
def outer(x: ArrayLike, y: ArrayLike) -> Array:
    """All products of an element of `x` with one of `y`, both flattened, as a matrix.

    Example:
        >>> import rtorch as rt
        >>> rt.outer(rt.arange(2), rt.arange(3))
        Array([[0, 0, 0],
               [0, 1, 2]], dtype=int64)
    """
    x, y = (ravel(z) for z in promote("outer", x, y))
    shape = (x.shape[0], y.shape[0])
    return mul_p(broadcast_p(x, shape=shape, axes=(0,)), broadcast_p(y, shape=shape, axes=(1,)))


@api
def tensordot(x: ArrayLike, y: ArrayLike, axes: Any = 2) -> Array:
    """The sum of products over pairs of axes.

    Args:
        x: An array.
        y: An array.
        axes: A number: that many axes at the end of `x` with those at the front of `y`. Or two
            lists: axes of `x`, and those of `y` that they go with.

    Returns:
        The other axes of `x`, then those of `y`.

    Example:
        >>> import rtorch as rt
        >>> rt.tensordot(rt.ones((2, 3)), rt.ones((3, 4)), axes=1).shape
        (2, 4)
    """
    x, y = promote("tensordot", x, y)
    if isinstance(axes, (tuple, list)):
        if len(axes) != 2:
            raise ArgumentError(f"[tensordot] axes: expected a number or two lists, got {axes!r}")
        x_axes, y_axes = (_axes(a, z) for a, z in zip(axes, (x, y)))
    else:
        n = integer_of(axes, "tensordot", "axes")
        if not 0 <= n <= min(x.ndim, y.ndim):
            raise ShapeError(f"[tensordot] {n} axes of arrays with shapes {x.shape}, {y.shape}")
        x_axes, y_axes = tuple(range(x.ndim - n, x.ndim)), tuple(range(n))
    if len(x_axes) != len(y_axes):
        raise ShapeError(f"[tensordot] {len(x_axes)} axes of x go with {len(y_axes)} of y")
    return _contract("tensordot", x, y, x_axes, y_axes)


def _axes(axes: Any, x: Array) -> Shape:
    listed = axes if isinstance(axes, (tuple, list)) else (axes,)
    places = tuple([axis_of(a, x.ndim, "tensordot", "axes") for a in listed])
    if len(set(places)) != len(places):
        raise ShapeError(f"[tensordot] axes {axes} name an axis twice")
    return places


@api
def kron(x: ArrayLike, y: ArrayLike) -> Array:
    """The Kronecker product: `y`, scaled by every element of `x`, in the place of that element.

    Example:
        >>> import rtorch as rt
        >>> rt.kron(rt.asarray([1, 10]), rt.asarray([1, 2]))
        Array([ 1,  2, 10, 20], dtype=int64)
    """
    x, y = promote("kron", x, y)
    ndim = max(x.ndim, y.ndim)
    left, right = ((1,) * (ndim - z.ndim) + z.shape for z in (x, y))
    pairs = tuple([n for pair in zip(left, right) for n in pair])
    blocks = mul_p(
        broadcast_p(reshape_p(x, shape=left), shape=pairs, axes=tuple(range(0, 2 * ndim, 2))),
        broadcast_p(reshape_p(y, shape=right), shape=pairs, axes=tuple(range(1, 2 * ndim, 2))),
    )
    return reshape_p(blocks, shape=tuple([a * b for a, b in zip(left, right)]))
