"""Linear systems: solved, inverted, in the sense of least squares."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.linalg.arguments import matrices, shaped, square, system
from rtorch.numpy.elementwise import abs as absolute, square as squared
from rtorch.numpy.manipulation import moveaxis
from rtorch.numpy.operands import (
    ArrayLike,
    axis_of,
    broadcast,
    convert,
    floating,
    integer_of,
    items_of,
    operand,
)
from rtorch.numpy.reductions import max as largest, sum as sum_along
from rtorch.ops.linalg import inv_p, pinv_p, solve_p
from rtorch.ops.matrices import conj
from rtorch.ops.spectra import svdvals_p
from rtorch.ops.triangular import triangular_solve_p

__all__ = [
    "inv",
    "lstsq",
    "pinv",
    "solve",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
    "triangular_solve",
]


@api
def solve(a: ArrayLike, b: ArrayLike) -> Array:
    """The solutions of linear systems: ``x`` with ``a @ x = b``.

    Args:
        a: Shape ``(..., M, M)``.
        b: Shape ``(M,)``, or ``(..., M, K)``: right sides as columns. Batches broadcast.

    Returns:
        Shape ``(..., M)`` or ``(..., M, K)``.

    Raises:
        LinAlgError: if a matrix is singular.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.solve(rt.asarray([[2.0, 0.0], [0.0, 4.0]]), rt.asarray([2.0, 2.0]))
        Array([1. , 0.5], dtype=float32)
    """
    square(a, "solve")
    a, b, shape = system(a, b, "solve")
    return shaped(solve_p(a, b), shape)


_TRANSPOSITIONS = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}


def transposition(trans: Any, name: str) -> int:
    """0, 1 or 2: not at all, transposed, transposed and conjugated."""
    if trans not in _TRANSPOSITIONS:
        raise ArgumentError(f"[{name}] trans: expected 0, 1, 2, 'N', 'T' or 'C', got {trans!r}")
    return _TRANSPOSITIONS[trans]


@api
def solve_triangular(
    a: ArrayLike, b: ArrayLike, trans: int | str = 0, lower: bool = False,
    unit_diagonal: bool = False,
) -> Array:  # fmt: skip
    """The solutions of triangular systems.

    Args:
        a: Shape ``(..., M, M)``; only one triangle is read.
        b: Shape ``(M,)`` or ``(..., M, K)``. Batches broadcast.
        trans: 0 (or ``"N"``) for ``a @ x = b``, 1 (``"T"``) with the transpose of the triangle, 2
            (``"C"``) with its conjugate transpose.
        lower: Whether it is the lower triangle.
        unit_diagonal: Whether its diagonal counts as ones.

    Raises:
        LinAlgError: if there is a zero on a diagonal.

    Example:
        >>> import rtorch as rt
        >>> a = rt.asarray([[2.0, 2.0], [0.0, 4.0]])
        >>> rt.linalg.solve_triangular(a, rt.asarray([4.0, 4.0]))
        Array([1., 1.], dtype=float32)
    """
    name = "solve_triangular"
    how = transposition(trans, name)
    square(a, name)
    a, b, shape = system(a, b, name)
    return shaped(triangular(a, b, how, bool(lower), bool(unit_diagonal)), shape)


def triangular(a: Array, b: Array, trans: int, lower: bool, unit: bool = False) -> Array:
    """`solve_triangular` of arguments that are checked."""
    a = conj(a) if trans == 2 else a
    return triangular_solve_p(a, b, lower=lower, transposed=bool(trans), unit=unit)


triangular_solve = solve_triangular


@api
def inv(x: ArrayLike) -> Array:
    """The inverses of square matrices.

    Args:
        x: Shape ``(..., M, M)``. To solve a system, `solve` is faster and more precise.

    Raises:
        LinAlgError: if a matrix is singular.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.inv(rt.asarray([[2.0, 0.0], [0.0, 4.0]]))
        Array([[0.5 , 0.  ],
               [0.  , 0.25]], dtype=float32)
    """
    return inv_p(square(x, "inv"))


def cutoff(rtol: Any, x: Array, name: str) -> Array:
    """Up to which part of the largest singular value others count as zero, for each matrix."""
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(dtypes.finfo(x.dtype).eps)
    rtol = convert(floating(rtol, name), dtypes.real_dtype(x.dtype))
    if rtol.ndim > x.ndim - 2:
        raise ShapeError(
            f"[{name}] rtol: expected a number, or one per matrix, shape {x.shape[:-2]}, got "
            f"shape {rtol.shape}"
        )
    return broadcast(rtol, x.shape[:-2])


@api
def pinv(
    x: ArrayLike, rcond: ArrayLike | None = None, hermitian: bool = False, *,
    rtol: ArrayLike | None = None,
) -> Array:  # fmt: skip
    """The pseudo-inverses (Moore, Penrose) of matrices, from their singular values.

    Args:
        x: Shape ``(..., M, N)``.
        rcond: NumPy's name for `rtol`.
        hermitian: Whether they are Hermitian; then they must be square.
        rtol: Singular values up to this part of the largest count as zero. By default
            ``max(M, N)`` times the dtype's epsilon.

    Returns:
        Shape ``(..., N, M)``. Derivatives are those along matrices of the same rank.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.pinv(rt.asarray([[2.0], [0.0]]))
        Array([[0.5, 0. ]], dtype=float32)
    """
    x = square(x, "pinv") if hermitian else matrices(x, "pinv")
    return pinv_p(x, cutoff(rcond if rtol is None else rtol, x, "pinv"))


@api
def lstsq(
    a: ArrayLike, b: ArrayLike, rcond: float | None = None
) -> tuple[Array, Array, Array, Array]:
    """The vectors of least norm among those that minimise ``norm(b - a @ x)``.

    Args:
        a: Shape ``(..., M, N)``.
        b: Shape ``(M,)`` or ``(..., M, K)``.
        rcond: Singular values up to this part of the largest count as zero; by default (and if
            negative) ``max(M, N)`` times the dtype's epsilon.

    Returns:
        The solutions; the squared norms of what is left of each right side (always, where NumPy
        has none if the matrix lacks rank or rows); the ranks; the singular values.

    Example:
        >>> import rtorch as rt
        >>> x, *_ = rt.linalg.lstsq(rt.asarray([[1.0], [1.0]]), rt.asarray([1.0, 3.0]))
        >>> round(float(x[0]), 5)
        2.0
    """
    a, b, shape = system(a, b, "lstsq")
    level = cutoff(None if rcond is None or rcond < 0 else rcond, a, "lstsq")
    x = pinv_p(a, level) @ b
    rest = sum_along(squared(absolute(b - a @ x)), axis=-2)
    s = svdvals_p(a)
    vector = len(shape) == a.ndim - 1
    return shaped(x, shape), rest[..., 0] if vector else rest, rank_of(s, level), s


def rank_of(s: Array, rtol: Array) -> Array:
    """How many singular values are more than `rtol` times the largest."""
    if not s.shape[-1]:
        return sum_along(s > 0, axis=-1)
    return sum_along(s > rtol[..., None] * largest(s, axis=-1, keepdims=True), axis=-1)


@api
def tensorsolve(a: ArrayLike, b: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """``x`` with ``tensordot(a, x, x.ndim) = b``.

    Args:
        a: Shape ``b.shape + q`` for some shape ``q`` with as many elements as `b`.
        b: An array.
        axes: Axes of `a` that are moved to its end first.

    Returns:
        Shape ``q``.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.tensorsolve(rt.reshape(rt.eye(6), (2, 3, 6)), rt.ones((2, 3))).shape
        (6,)
    """
    x, right = operand(a, "tensorsolve"), operand(b, "tensorsolve")
    if axes is not None:
        places = [
            axis_of(i, x.ndim, "tensorsolve", "axes") for i in items_of(axes, "tensorsolve", "axes")
        ]
        x = moveaxis(x, places, tuple(range(x.ndim - len(places), x.ndim)))
    rest = x.shape[right.ndim :]
    if x.shape[: right.ndim] != right.shape or math.prod(rest) != right.size:
        raise ShapeError(
            f"[tensorsolve] shape {x.shape} of a does not begin with that of b, {right.shape}, and "
            "go on with as many elements"
        )
    flat = solve(shaped(x, (right.size, right.size)), shaped(right, (right.size,)))
    return shaped(flat, rest)


@api
def tensorinv(a: ArrayLike, ind: int = 2) -> Array:
    """The inverse of ``x -> tensordot(a, x, ...)``, `a` seen as a matrix.

    Args:
        a: An array whose first `ind` axes have as many elements as the others.
        ind: How many axes are those of the rows.

    Returns:
        The axes of the columns first, then those of the rows.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.tensorinv(rt.reshape(rt.eye(6), (6, 2, 3)), ind=1).shape
        (2, 3, 6)
    """
    x = operand(a, "tensorinv")
    ind = integer_of(ind, "tensorinv", "ind")
    if ind <= 0:
        raise ArgumentError(f"[tensorinv] ind: expected a positive number of axes, got {ind}")
    if not x.ndim:
        raise ShapeError("[tensorinv] an array without axes has none for rows and columns")
    rows, columns = x.shape[:ind], x.shape[ind:]
    n = math.prod(rows)
    if n != math.prod(columns):
        raise ShapeError(
            f"[tensorinv] axes {rows} have {n} elements, axes {columns} "
            f"{math.prod(columns)}; they must be equal"
        )
    return shaped(inv(shaped(x, (n, n))), (*columns, *rows))
