"""Matrices as products: Cholesky, LU, QR, and what solves systems with the factors."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.linalg.arguments import QRResult, matrices, shaped, square, system
from rtorch.linalg.systems import transposition, triangular
from rtorch.numpy.contraction import matmul
from rtorch.numpy.matrices import tril, triu
from rtorch.numpy.operands import ArrayLike, broadcast, convert, operand
from rtorch.ops.comparison import eq_p
from rtorch.ops.creation import iota_p
from rtorch.ops.factorizations import cholesky_p, lu_p, pivots_to_order_p, qr_p
from rtorch.ops.indexing import take_along
from rtorch.ops.matrices import adjoint, identity_like
from rtorch.ops.shape import concat_p
from rtorch.ops.sorting import argsort_p
from rtorch.ops.spectra import columns

__all__ = [
    "cho_factor",
    "cho_solve",
    "cholesky",
    "lu",
    "lu_factor",
    "lu_solve",
    "qr",
]

# ---- cholesky ------------------------------------------------------------------------------------


@api
def cholesky(x: ArrayLike, *, upper: bool = False, symmetrize_input: bool = True) -> Array:
    """The triangular factors of Hermitian positive definite matrices.

    Args:
        x: Shape ``(..., M, M)``.
        upper: Whether to return ``u`` with ``x = adjoint(u) @ u`` instead of ``l`` with
            ``x = l @ adjoint(l)``.
        symmetrize_input: Take the mean of `x` and its adjoint first, so that derivatives are
            Hermitian too. If not, one triangle is read, the one that is returned.

    Raises:
        LinAlgError: if a matrix is not positive definite.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.cholesky(rt.asarray([[4.0, 2.0], [2.0, 2.0]]))
        Array([[2., 0.],
               [1., 1.]], dtype=float32)
    """
    return _cholesky(square(x, "cholesky"), upper, symmetrize_input)


def _cholesky(x: Array, upper: bool, symmetrize: bool = True) -> Array:
    if symmetrize:
        x = hermitian(x)
    elif upper:
        x = adjoint(x)
    factor = cholesky_p(x)
    return adjoint(factor) if upper else factor


def hermitian(x: Array) -> Array:
    """The mean of the matrices and their adjoints."""
    return (x + adjoint(x)) * 0.5


@api
def cho_factor(a: ArrayLike, lower: bool = False) -> tuple[Array, bool]:
    """A Cholesky factor for `cho_solve`, and whether it is a lower triangle.

    Example:
        >>> import rtorch as rt
        >>> c, lower = rt.linalg.cho_factor(rt.asarray([[4.0]]))
        >>> c.tolist(), lower
        ([[2.0]], False)
    """
    return _cholesky(square(a, "cho_factor"), not lower), bool(lower)


@api
def cho_solve(c_and_lower: tuple[ArrayLike, bool], b: ArrayLike) -> Array:
    """The solutions of ``a @ x = b`` with the result of `cho_factor` for `a`.

    Args:
        c_and_lower: The factor, shape ``(..., M, M)``, and whether it is a lower triangle.
        b: Shape ``(M,)`` or ``(..., M, K)``.

    Example:
        >>> import rtorch as rt
        >>> factor = rt.linalg.cho_factor(rt.asarray([[4.0]]))
        >>> rt.linalg.cho_solve(factor, rt.ones(1))
        Array([0.25], dtype=float32)
    """
    c, lower = _pair(c_and_lower, "cho_solve", "c_and_lower")
    square(c, "cho_solve")
    c, right, shape = system(c, b, "cho_solve")
    first, second = (0, 2) if lower else (2, 0)
    right = triangular(c, right, first, bool(lower))
    return shaped(triangular(c, right, second, bool(lower)), shape)


def _pair(pair: Any, name: str, argument: str) -> tuple[Any, Any]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ArgumentError(f"[{name}] {argument}: expected a pair, got {type(pair).__name__}")
    return pair[0], pair[1]


# ---- lu ------------------------------------------------------------------------------------------


@api
def lu(a: ArrayLike, permute_l: bool = False) -> tuple[Array, ...]:
    """The factors of ``a = p @ l @ u``, by elimination with row exchanges.

    Args:
        a: Shape ``(..., M, N)``.
        permute_l: Whether to return ``(p @ l, u)``.

    Returns:
        A permutation matrix ``(..., M, M)``; a lower triangle with ones on its diagonal,
        ``(..., M, K)``, K the smaller of M and N; an upper triangle ``(..., K, N)``.

    Example:
        >>> import rtorch as rt
        >>> p, l, u = rt.linalg.lu(rt.asarray([[1.0, 2.0], [2.0, 2.0]]))
        >>> p.tolist(), l.tolist(), u.tolist()
        ([[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.5, 1.0]], [[2.0, 2.0], [0.0, 1.0]])
    """
    x = matrices(a, "lu")
    packed, _, order = lu_p(x)
    m, n = x.shape[-2:]
    k = min(m, n)
    lower = tril(columns(packed, 0, k), -1)
    lower = lower + identity_like(lower)
    upper = triu(packed[..., :k, :])
    rows = iota_p(shape=(m, m), dtype=dtypes.int64, axis=0, device=x.device)
    shape = (*x.shape[:-2], m, m)
    taken = broadcast(order[..., None, :], shape)
    exchange = convert(eq_p(broadcast(rows, shape), taken), dtypes.real_dtype(x.dtype))
    return (matmul(exchange, lower), upper) if permute_l else (exchange, lower, upper)


@api
def lu_factor(a: ArrayLike) -> tuple[Array, Array]:
    """Both factors of `lu` in one array, and the row exchanges, for `lu_solve`.

    Args:
        a: Shape ``(..., M, N)``.

    Returns:
        ``l`` below the diagonal and ``u`` above; with which row each row was exchanged in turn.

    Example:
        >>> import rtorch as rt
        >>> packed, pivots = rt.linalg.lu_factor(rt.asarray([[1.0, 2.0], [2.0, 2.0]]))
        >>> packed.tolist(), pivots.tolist()
        ([[2.0, 2.0], [0.5, 1.0]], [1, 1])
    """
    packed, pivots, _ = lu_p(matrices(a, "lu_factor"))
    return packed, pivots


@api
def lu_solve(lu_and_piv: tuple[ArrayLike, ArrayLike], b: ArrayLike, trans: int | str = 0) -> Array:
    """The solutions of ``a @ x = b`` with the result of `lu_factor` for `a`.

    Args:
        lu_and_piv: The factors, shape ``(..., M, M)``, and the row exchanges, ``(..., M)``.
        b: Shape ``(M,)`` or ``(..., M, K)``.
        trans: 1 (or ``"T"``) for the transpose of `a`, 2 (``"C"``) for its adjoint.

    Raises:
        LinAlgError: if a matrix is singular.

    Example:
        >>> import rtorch as rt
        >>> factors = rt.linalg.lu_factor(rt.asarray([[0.0, 2.0], [4.0, 0.0]]))
        >>> rt.linalg.lu_solve(factors, rt.ones(2))
        Array([0.25, 0.5 ], dtype=float32)
    """
    packed, pivots = _pair(lu_and_piv, "lu_solve", "lu_and_piv")
    how = transposition(trans, "lu_solve")
    pivots = operand(pivots, "lu_solve")
    packed = square(packed, "lu_solve")
    if pivots.shape != packed.shape[:-1]:
        raise ShapeError(
            f"[lu_solve] pivots of shape {pivots.shape} do not fit factors of {packed.shape}: "
            f"expected {packed.shape[:-1]}"
        )
    order = pivots_to_order_p(pivots, rows=packed.shape[-1])
    packed, right, shape = system(packed, b, "lu_solve")
    order = broadcast(order, packed.shape[:-1])
    if not how:
        right = triangular(packed, _rows(right, order), 0, True, unit=True)
        return shaped(triangular(packed, right, 0, False), shape)
    right = triangular(packed, triangular(packed, right, how, False), how, True, unit=True)
    return shaped(_rows(right, argsort_p(order, axis=order.ndim - 1)), shape)


def _rows(x: Array, order: Array) -> Array:
    """The rows of the matrices in that order."""
    return take_along(x, broadcast(order[..., None], x.shape), x.ndim - 2)


# ---- qr ------------------------------------------------------------------------------------------


@api
def qr(x: ArrayLike, mode: str = "reduced") -> QRResult | Array:
    """The factors of ``x = q @ r``: orthonormal columns and an upper triangle.

    Args:
        x: Shape ``(..., M, N)``; K is the smaller of M and N.
        mode: ``"reduced"`` for q of shape ``(..., M, K)``, ``"complete"`` for square q, ``"r"``
            for r alone.

    Returns:
        ``QRResult(Q, R)``, or R. Signs are LAPACK's. Derivatives need the first K columns of `x`
        to be independent.

    Example:
        >>> import rtorch as rt
        >>> q, r = rt.linalg.qr(rt.asarray([[3.0], [4.0]]))
        >>> r.shape, round(abs(float(r[0, 0])), 5)
        ((1, 1), 5.0)
    """
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError(f"[qr] mode: expected 'reduced', 'complete' or 'r', got {mode!r}")
    x = matrices(x, "qr")
    m, n = x.shape[-2:]
    q, r = qr_p(columns(x, 0, min(m, n)), complete=mode == "complete")
    if n > m:  # q comes from the first columns alone
        r = concat_p(r, adjoint(q) @ columns(x, m, n), axis=x.ndim - 1)
    return r if mode == "r" else QRResult(q, r)
