"""Numbers that say something of a matrix: determinants, norms, rank, condition."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, AxisError, ShapeError, api
from rtorch.linalg.arguments import SlogdetResult, matrices, not_half, square
from rtorch.linalg.systems import cutoff, rank_of
from rtorch.numpy.elementwise import abs as absolute, imag, real, where
from rtorch.numpy.manipulation import moveaxis
from rtorch.numpy.operands import ArrayLike, Axis, Shape, axes_of, axis_of, floating, operand
from rtorch.numpy.reductions import any as any_of, max as largest, min as least, sum as sum_along
from rtorch.ops.determinants import det_p, slogdet_p
from rtorch.ops.linalg import inv_p, root_of_squares_p
from rtorch.ops.spectra import svdvals_p

__all__ = [
    "cond",
    "det",
    "matrix_norm",
    "matrix_rank",
    "norm",
    "slogdet",
    "vector_norm",
]

# ---- determinants --------------------------------------------------------------------------------


@api
def det(x: ArrayLike) -> Array:
    """The determinants of square matrices.

    Args:
        x: Shape ``(..., M, M)``.

    Returns:
        Shape ``(...)``. First and second derivatives are right for singular matrices too.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.det(rt.asarray([[2.0, 0.0], [0.0, 4.0]]))
        Array(8., dtype=float32)
    """
    return det_p(square(x, "det"))


@api
def slogdet(x: ArrayLike) -> SlogdetResult:
    """The signs of determinants, and the logarithms of their absolute values.

    Args:
        x: Shape ``(..., M, M)``.

    Returns:
        ``SlogdetResult(sign, logabsdet)``: of a singular matrix 0 and ``-inf``, without
        derivatives (they need the inverse).

    Example:
        >>> import rtorch as rt
        >>> sign, log = rt.linalg.slogdet(rt.asarray([[0.0, 1.0], [1.0, 0.0]]))
        >>> float(sign), float(log)
        (-1.0, 0.0)
    """
    return SlogdetResult(*slogdet_p(square(x, "slogdet")))


# ---- norms ---------------------------------------------------------------------------------------


def _root(x: Array, power: float) -> Array:
    """``x ** (1 / power)`` for `x` from 0 on; the slope at 0 is 0, where it is infinite."""
    zero = x == 0
    return where(zero, 0, where(zero, 1, x) ** (1 / power))


def _euclidean(x: Array, axes: Shape, keepdims: bool) -> Array:
    if x.dtype in dtypes.COMPLEXES:
        x = real(x) ** 2 + imag(x) ** 2
    else:
        x = x * x
    return root_of_squares_p(sum_along(x, axis=axes, keepdims=keepdims))


def _order(order: Any, name: str) -> float:
    if isinstance(order, (int, float)):
        return float(order)
    raise ArgumentError(f"[{name}] ord: expected a number, inf or -inf for vectors, got {order!r}")


def _of_vectors(x: Array, axes: Shape, keepdims: bool, order: float) -> Array:
    if order == 2:
        return _euclidean(x, axes, keepdims)
    size = absolute(x)
    if order == math.inf:
        return largest(size, axis=axes, keepdims=keepdims)
    if order == -math.inf:
        return least(size, axis=axes, keepdims=keepdims)
    if order == 0:
        return sum_along((size != 0).astype(size.dtype), axis=axes, keepdims=keepdims)
    if order == 1:
        return sum_along(size, axis=axes, keepdims=keepdims)
    return _root(sum_along(size**order, axis=axes, keepdims=keepdims), order)


_MATRIX_ORDERS = "'fro', 'nuc', 1, -1, 2, -2, inf, -inf"


def _of_matrices(x: Array, axes: Shape, keepdims: bool, order: Any, name: str) -> Array:
    rows, columns = axes
    if order is None or order == "fro":
        return _euclidean(x, axes, keepdims)
    if order in (2, -2, "nuc"):
        s = svdvals_p(not_half(moveaxis(x, axes, (x.ndim - 2, x.ndim - 1)), name))
        combine: Any = {2: largest, -2: least, "nuc": sum_along}[order]
        out: Array = combine(s, axis=-1)
        shape = tuple([1 if i in axes else n for i, n in enumerate(x.shape)])
        return out.reshape(shape) if keepdims else out
    if order not in (1, -1, math.inf, -math.inf):
        raise ArgumentError(
            f"[{name}] ord: expected one of {_MATRIX_ORDERS} for matrices, got {order!r}"
        )
    along, over = (rows, columns) if order in (1, -1) else (columns, rows)
    sums = sum_along(absolute(x), axis=along, keepdims=True)
    out = (largest if order > 0 else least)(sums, axis=over, keepdims=True)
    return out if keepdims else out.reshape([n for i, n in enumerate(x.shape) if i not in axes])


def _two_axes(axis: Any, x: Array, name: str) -> Shape:
    places = tuple([axis_of(a, x.ndim, name) for a in axis])
    if places[0] == places[1]:
        raise AxisError(f"[{name}] axis {tuple(axis)} names an axis twice")
    return places


@api
def norm(x: ArrayLike, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """The norm of vectors or of matrices.

    Args:
        x: An array.
        ord: Which norm, see `vector_norm` and `matrix_norm`; by default the root of the sum of
            squares.
        axis: An axis, for vectors, or two, for matrices. By default `x` is one vector or matrix,
            or, without `ord`, all of its elements are one vector.
        keepdims: Whether the axes stay, with length 1.

    Returns:
        Real numbers. The slope of the norm is 0 where it is 0.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.norm(rt.asarray([3.0, 4.0]))
        Array(5., dtype=float32)
        >>> rt.linalg.norm(rt.asarray([[3.0, 1.0], [0.0, 1.0]]), 1)
        Array(3., dtype=float32)
    """
    x = floating(x, "norm")
    if axis is None:
        if ord is None:
            return _of_vectors(x, tuple(range(x.ndim)), keepdims, 2)
        if x.ndim not in (1, 2):
            raise ShapeError(
                f"[norm] ord={ord!r} needs a vector or a matrix, got shape {x.shape}: say which "
                "axes with axis="
            )
        axis = tuple(range(x.ndim))
    if isinstance(axis, (tuple, list)) and len(axis) == 2:
        return _of_matrices(x, _two_axes(axis, x, "norm"), keepdims, ord, "norm")
    axes = axes_of(axis, x.ndim, "norm")
    if len(axes) != 1:
        raise AxisError(f"[norm] axis: expected one or two axes, got {axis}")
    return _of_vectors(x, axes, keepdims, 2 if ord is None else _order(ord, "norm"))


@api
def vector_norm(
    x: ArrayLike, *, axis: Axis = None, keepdims: bool = False, ord: float = 2
) -> Array:
    """The norm of vectors: ``sum(abs(x) ** ord) ** (1 / ord)``.

    Args:
        x: An array.
        axis: Axes whose elements are a vector; by default all.
        keepdims: Whether the axes stay, with length 1.
        ord: A number. ``inf`` and ``-inf`` are the largest and the smallest absolute value, 0 the
            number of elements that are not 0.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.vector_norm(rt.asarray([[3.0, 4.0], [0.0, 1.0]]), axis=1)
        Array([5., 1.], dtype=float32)
    """
    x = floating(x, "vector_norm")
    axes = axes_of(axis, x.ndim, "vector_norm")
    return _of_vectors(x, axes, keepdims, _order(ord, "vector_norm"))


@api
def matrix_norm(x: ArrayLike, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """The norm of the matrices in the last two axes.

    Args:
        x: Shape ``(..., M, N)``.
        keepdims: Whether these axes stay, with length 1.
        ord: ``"fro"``, the root of the sum of squares; ``"nuc"``, the sum of the singular values,
            2 and -2, the largest and the smallest; 1 and -1, the largest and the smallest sum of
            absolute values of a column; ``inf`` and ``-inf``, those of a row.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.matrix_norm(rt.asarray([[3.0, 0.0], [0.0, 4.0]]))
        Array(5., dtype=float32)
    """
    x = floating(x, "matrix_norm")
    if x.ndim < 2:
        raise ShapeError(f"[matrix_norm] expected shape (..., M, N), got {x.shape}")
    return _of_matrices(x, (x.ndim - 2, x.ndim - 1), keepdims, ord, "matrix_norm")


# ---- rank and condition --------------------------------------------------------------------------


@api
def matrix_rank(
    x: ArrayLike, tol: ArrayLike | None = None, hermitian: bool = False, *,
    rtol: ArrayLike | None = None,
) -> Array:  # fmt: skip
    """How many singular values of a matrix are not zero.

    Args:
        x: Shape ``(..., M, N)``; of fewer axes, a vector, whose rank is 0 or 1.
        tol: Singular values up to this count as zero.
        hermitian: Whether the matrices are Hermitian; then they must be square.
        rtol: Those up to this part of the largest count as zero; by default ``max(M, N)`` times
            the dtype's epsilon.

    Returns:
        Integers of shape ``(...)``.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.matrix_rank(rt.ones((3, 3)))
        Array(1, dtype=int64)
    """
    if operand(x, "matrix_rank").ndim < 2:
        return any_of(operand(x, "matrix_rank") != 0).astype(dtypes.int64)
    x = square(x, "matrix_rank") if hermitian else matrices(x, "matrix_rank")
    s = svdvals_p(x)
    if tol is None:
        return rank_of(s, cutoff(rtol, x, "matrix_rank"))
    return sum_along(s > operand(tol, "matrix_rank")[..., None], axis=-1)


@api
def cond(x: ArrayLike, p: Any = None) -> Array:
    """The condition number of matrices: by how much they magnify relative errors.

    Args:
        x: Shape ``(..., M, N)``.
        p: None or 2 for the largest singular value over the smallest, -2 for its reciprocal;
            otherwise the `ord` of `matrix_norm`, for the norm of `x` times that of its inverse.

    Raises:
        LinAlgError: if a matrix has no inverse and `p` asks for it.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.cond(rt.asarray([[4.0, 0.0], [0.0, 2.0]]))
        Array(2., dtype=float32)
    """
    if p in (None, 2, -2):
        s = svdvals_p(matrices(x, "cond"))
        if not s.shape[-1]:
            raise ShapeError(f"[cond] of matrices without elements, shape {operand(x).shape}")
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    x = square(x, "cond")
    axes = (x.ndim - 2, x.ndim - 1)
    return _of_matrices(x, axes, False, p, "cond") * _of_matrices(inv_p(x), axes, False, p, "cond")
