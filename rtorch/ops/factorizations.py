"""The factorizations cholesky, lu and qr.

SciPy (CuPy's part of it on a GPU) finds LU factors, of one matrix after the other; without it, and
for many small matrices, NumPy does it for all at once.

References:
    Murray 2016, "Differentiation of the Cholesky decomposition"
    Golub & Van Loan 2013, "Matrix Computations", 3.4
    Walter & Lehmann 2018, "Algorithmic differentiation of linear algebra functions" (qr)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.ops.base import add_p, broadcast_p, mul_p, sub_p
from rtorch.ops.indexing import take_along
from rtorch.ops.matrices import (
    MatrixOp,
    adjoint,
    guarded,
    half_lower,
    hermitian_of_lower,
    identity_like,
    only_diagonal,
    product,
    strict_lower,
    upper as upper_of,
)
from rtorch.ops.shape import pad_p, slice_p
from rtorch.ops.spectra import columns, with_complement
from rtorch.ops.triangular import lapack, left_solve, library_for, right_solve

# ---- cholesky ------------------------------------------------------------------------------------


class Cholesky(MatrixOp):
    """The lower triangle ``l`` with ``l @ l.adjoint = x``; the lower triangle of ``x`` is read."""

    name = "cholesky"
    counts = (0.0, 1 / 3)

    def impl(self, xp: Any, x: Any) -> Any:
        problem = (
            "is not positive definite. If rounding is the reason, add a small multiple of the "
            "identity"
        )
        return guarded("cholesky", problem, xp.linalg.cholesky, x)

    def infer(self, x: Any) -> Any:
        return x

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        factor = self(*primals)
        half_way = left_solve(factor, hermitian_of_lower(*tangents), lower=True)
        inner = left_solve(factor, adjoint(half_way), lower=True)  # Hermitian
        return factor, product(factor, half_lower(inner))


# ---- lu ------------------------------------------------------------------------------------------


class LU(MatrixOp):
    """Gauss elimination with row exchanges: ``x[order] = l @ u``.

    Results: ``l`` below the diagonal of ``u`` in one matrix, the row that each step exchanged its
    own with, and the order of rows that all of them make.
    """

    name = "lu"
    multiple = True
    counts = (1.0, -1 / 3)

    def impl(self, xp: Any, x: Any) -> Any:
        library = library_for(xp, x)
        if library is None:
            packed, pivots = _eliminate(xp, x)
        else:
            packed, pivots = xp.empty(x.shape, x.dtype), xp.empty(_steps(x), np.int64)
            for at in np.ndindex(x.shape[:-2]):
                packed[at], pivots[at] = _factor(library, x[at])
        return packed, pivots, order_of(xp, pivots, x.shape[-2])

    def infer(self, x: Any) -> Any:
        order = Aval(x.shape[:-1], dtypes.int64)
        return x, Aval(_steps(x), dtypes.int64), order

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        packed, pivots, order = self(*primals)
        (t,) = tangents
        left, right = _square_factors(packed)
        rows = broadcast_p(order, shape=t.shape, axes=tuple(range(len(order.shape))))
        inner = left_solve(left, take_along(t, rows, len(t.shape) - 2), lower=True, unit=True)
        inner = right_solve(inner, right, lower=False)
        below, above = strict_lower(inner), upper_of(inner)
        l_dot, u_dot = product(left, _resized(below, left)), product(_resized(above, right), right)
        return (packed, pivots, order), (
            add_p(_resized(l_dot, t), _resized(u_dot, t)), None, None
        )  # fmt: skip


def _steps(x: Any) -> tuple[int, ...]:
    return (*x.shape[:-2], min(x.shape[-2:]))


def _factor(library: Any, x: Any) -> tuple[Any, Any]:
    if not isinstance(x, np.ndarray):
        return library.lu_factor(x, check_finite=False)
    packed, pivots, _ = lapack(library, "getrf", x.dtype)(x)  # lu_factor warns of zero pivots
    return packed, pivots


def _eliminate(xp: Any, x: Any) -> tuple[Any, Any]:
    """LU of all matrices at once, column by column."""
    m, n = x.shape[-2:]
    out = xp.array(x).reshape((-1, m, n)) if x.size else xp.zeros((math.prod(x.shape[:-2]), m, n))
    lane, k = xp.arange(len(out)), min(m, n)
    pivots = xp.zeros((len(out), k), np.int64)
    for j in range(k):
        column = out[:, j:, j]
        # LAPACK's choice of the largest complex number
        size = abs(column.real) + abs(column.imag) if column.dtype.kind == "c" else abs(column)
        pivots[:, j] = p = j + xp.argmax(size, -1)
        out[lane, p], out[:, j] = out[:, j].copy(), out[lane, p]
        pivot = out[:, j, j, None]
        out[:, j + 1 :, j] /= xp.where(pivot == 0, xp.ones_like(pivot), pivot)
        out[:, j + 1 :, j + 1 :] -= out[:, j + 1 :, j, None] * out[:, None, j, j + 1 :]
    return out.reshape(x.shape).astype(x.dtype, copy=False), pivots.reshape(_steps(x))


def order_of(xp: Any, pivots: Any, rows: int) -> Any:
    """Where row exchanges, one after the other, take the rows from."""
    flat = pivots.reshape((math.prod(pivots.shape[:-1]), pivots.shape[-1]))
    lane = xp.arange(len(flat))
    order = xp.array(xp.broadcast_to(xp.arange(rows), (len(flat), rows)))
    for j in range(flat.shape[-1]):
        p = flat[:, j]
        order[lane, p], order[:, j] = order[:, j].copy(), order[lane, p]
    return order.reshape((*pivots.shape[:-1], rows))


class PivotsToOrder(MatrixOp):
    """The order of ``rows`` rows that exchanges of row i with row ``pivots[i]`` make."""

    name = "pivots_to_order"
    differentiable = False

    def impl(self, xp: Any, pivots: Any, *, rows: int) -> Any:
        return order_of(xp, pivots, rows)

    def infer(self, pivots: Any, *, rows: int) -> Aval:
        return Aval((*pivots.shape[:-1], rows), dtypes.int64)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        return self(*primals, **params), None


def _square_factors(packed: Any) -> tuple[Any, Any]:
    """Both factors as square matrices: what is missing is a part of the identity."""
    m, n = packed.shape[-2:]
    left = _resized_to(strict_lower(packed), m, m)
    right = _resized_to(upper_of(packed), n, n)
    if n > m:
        right = add_p(right, _tail_of_identity(right, m))
    return add_p(left, identity_like(left)), right


def _tail_of_identity(x: Any, k: int) -> Any:
    """The identity but for its first `k` ones."""
    one = identity_like(x)
    n = x.shape[-1]
    inner = slice_p(one, starts=(*(0,) * (len(x.shape) - 2), k, k), limits=x.shape,
                    strides=(1,) * len(x.shape))  # fmt: skip
    return _padded(inner, (k, k), (0, 0)) if n else one


def _padded(x: Any, low: tuple[int, int], high: tuple[int, int]) -> Any:
    front = (0,) * (len(x.shape) - 2)
    return pad_p(x, value=0, low=(*front, *low), high=(*front, *high),
                 interior=(0,) * len(x.shape))  # fmt: skip


def _resized_to(x: Any, rows: int, columns: int) -> Any:
    """The matrices cut off, or filled up with zeros, below and to the right."""
    m, n = x.shape[-2:]
    return x if (m, n) == (rows, columns) else _padded(x, (0, 0), (rows - m, columns - n))


def _resized(x: Any, like: Any) -> Any:
    return _resized_to(x, *like.shape[-2:])


# ---- qr ------------------------------------------------------------------------------------------


class QR(MatrixOp):
    """``q`` with orthonormal columns and an upper triangle ``r``, of tall matrices.

    With ``complete``, ``q`` is square. The diagonal of ``r`` is real; its signs are LAPACK's.
    """

    name = "qr"
    multiple = True
    counts = (4.0, -4 / 3)

    def impl(self, xp: Any, x: Any, *, complete: bool) -> Any:
        return tuple(xp.linalg.qr(x, "complete" if complete else "reduced"))

    def infer(self, x: Any, *, complete: bool) -> Any:
        *batch, m, n = x.shape
        k = m if complete else min(m, n)
        return Aval((*batch, m, k), x.dtype), Aval((*batch, k, n), x.dtype)

    def jvp(self, primals: Any, tangents: Any, *, complete: bool) -> tuple[Any, Any]:
        (t,) = tangents
        q, r = self(*primals, complete=complete)
        n = t.shape[-1]
        q1, r1 = columns(q, 0, n), _resized_to(r, n, n)
        scaled = right_solve(t, r1, lower=False)
        inner = product(adjoint(q1), scaled)
        # inner = rotation + (r_dot @ inverse(r)): a skew matrix and an upper triangle whose
        # diagonal is real
        strict = strict_lower(inner)
        rotation = sub_p(strict, adjoint(strict))
        if t.dtype in dtypes.COMPLEXES:
            diagonal = only_diagonal(inner)
            rotation = add_p(rotation, mul_p(sub_p(diagonal, adjoint(diagonal)), 0.5))
        q_dot = add_p(scaled, product(q1, sub_p(rotation, inner)))
        r_dot = product(sub_p(inner, rotation), r1)
        return (q, r), (with_complement(q, q1, q_dot), _resized(r_dot, r))


cholesky_p, lu_p, pivots_to_order_p, qr_p = Cholesky(), LU(), PivotsToOrder(), QR()
