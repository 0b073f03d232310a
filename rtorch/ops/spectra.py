"""Eigenvalues and singular values.

Eigenvectors of equal eigenvalues are not determined. Derivatives divide by the differences of
eigenvalues; terms of equal ones are left out, see `docs/conventions.md`. Phases of complex vectors
are held: the derivative of a vector is orthogonal to it.

References:
    Giles 2008, "Collected matrix derivative results", sections 3.1 and 3.2
    Boeddeker, Hanebrink, Drude, Heymann, Haeb-Umbach 2017, "On the computation of complex-valued
    gradients with application to statistically optimum beamforming" (eig)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.aval import Aval
from rtorch.ops.base import add_p, broadcast_p, mul_p, neg_p, sub_p
from rtorch.ops.comparison import le_p, select_p
from rtorch.ops.convert import convert_p, real_p
from rtorch.ops.elementwise import abs_p, div_p
from rtorch.ops.linalg import solve_p
from rtorch.ops.matrices import (
    FINITE,
    MatrixOp,
    adjoint,
    as_columns,
    as_rows,
    diagonal_of,
    guarded,
    hermitian_of_lower,
    product,
    raise_at,
)
from rtorch.ops.reduction import reduce_max_p
from rtorch.ops.shape import concat_p, slice_p


def _level(w: Any) -> Any:
    """Below which differences of the values `w` are rounding errors, as an array like `w`."""
    n, axis = w.shape[-1], len(w.shape) - 1
    size = abs_p(w)
    if n:
        largest = reduce_max_p(size, axes=(axis,))
        size = broadcast_p(largest, shape=w.shape, axes=tuple(range(axis)))
    return mul_p(size, n * float(np.finfo(w.dtype).eps))


def _reciprocal(x: Any, level: Any) -> Any:
    """``1 / x``, and 0 where it is not larger than `level`."""
    small = le_p(abs_p(x), level)
    return select_p(small, 0, div_p(1, select_p(small, 1, x)))


def _gaps(w: Any) -> Any:
    """``out[i, j] = 1 / (w[j] - w[i])``, and 0 where they are equal."""
    n = w.shape[-1]
    return _reciprocal(sub_p(as_columns(w, n), as_rows(w, n)), as_rows(_level(w), n))


def _cast(x: Any, like: Any) -> Any:
    return x if x.dtype is like.dtype else convert_p(x, dtype=like.dtype)


# ---- Hermitian matrices --------------------------------------------------------------------------


def _check_finite(xp: Any, x: Any, name: str) -> None:
    """Refuse nan and inf in lower triangles, of which LAPACK makes finite numbers now and then."""
    if xp is not np or math.isfinite(abs(np.vdot(x, x))):  # the quick answer, if it is no
        return
    bad = ~np.isfinite(np.tril(x)).all((-2, -1))
    if bad.any():
        raise_at(name, FINITE, tuple(np.argwhere(bad)[0].tolist()))


class Eigh(MatrixOp):
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices: the lower triangles count."""

    name = "eigh"
    multiple = True
    counts = (0.0, 9.0)

    def impl(self, xp: Any, x: Any) -> Any:
        _check_finite(xp, x, "eigh")
        return tuple(guarded("eigh", FINITE, xp.linalg.eigh, x))

    def infer(self, x: Any) -> Any:
        return Aval(x.shape[:-1], dtypes.real_dtype(x.dtype)), x

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        w, v = self(*primals)
        turned = product(adjoint(v), hermitian_of_lower(*tangents), v)
        v_dot = product(v, mul_p(turned, _cast(_gaps(w), v)))
        return (w, v), (real_p(diagonal_of(turned)), v_dot)


class Eigvalsh(MatrixOp):
    """The eigenvalues alone."""

    name = "eigvalsh"
    counts = (0.0, 4 / 3)

    def impl(self, xp: Any, x: Any) -> Any:
        _check_finite(xp, x, "eigvalsh")
        return guarded("eigvalsh", FINITE, xp.linalg.eigvalsh, x)

    def infer(self, x: Any) -> Aval:
        return Aval(x.shape[:-1], dtypes.real_dtype(x.dtype))

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        w, v = eigh_p(*primals)
        return w, _diagonal_of_product(adjoint(v), hermitian_of_lower(*tangents), v)


def _diagonal_of_product(x: Any, t: Any, y: Any) -> Any:
    """The real part of the diagonal of ``x @ t @ y``."""
    return real_p(diagonal_of(product(x, t, y)))


# ---- square matrices -----------------------------------------------------------------------------


def _on_host(xp: Any, name: str, x: Any) -> Any:
    """NumPy's function `name`, also for an array on a GPU, where CuPy may have none."""
    if xp is np or hasattr(xp.linalg, name):
        return guarded(name, FINITE, getattr(xp.linalg, name), x)
    out = guarded(name, FINITE, getattr(np.linalg, name), backend.to_numpy(x))
    return tuple(map(xp.asarray, out)) if isinstance(out, tuple) else xp.asarray(out)


class Eig(MatrixOp):
    """Eigenvalues and eigenvectors of square matrices, complex always."""

    name = "eig"
    multiple = True
    counts = (0.0, 25.0)

    def impl(self, xp: Any, x: Any) -> Any:
        w, v = _on_host(xp, "eig", x)
        dtype = dtypes.complex_dtype(x.dtype)
        return w.astype(dtype, copy=False), v.astype(dtype, copy=False)

    def infer(self, x: Any) -> Any:
        dtype = dtypes.complex_dtype(x.dtype)
        return Aval(x.shape[:-1], dtype), Aval(x.shape, dtype)

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        w, v = self(*primals)
        turned = _turned(v, *tangents)
        free = product(v, mul_p(turned, _gaps(w)))
        along = diagonal_of(product(adjoint(v), free))  # the vectors keep their length and phase
        v_dot = sub_p(free, mul_p(v, as_columns(along, v.shape[-2])))
        return (w, v), (diagonal_of(turned), v_dot)


class Eigvals(MatrixOp):
    """The eigenvalues alone."""

    name = "eigvals"
    counts = (0.0, 10.0)

    def impl(self, xp: Any, x: Any) -> Any:
        w = _on_host(xp, "eigvals", x)
        return w.astype(dtypes.complex_dtype(x.dtype), copy=False)

    def infer(self, x: Any) -> Aval:
        return Aval(x.shape[:-1], dtypes.complex_dtype(x.dtype))

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        w, v = eig_p(*primals)
        return w, diagonal_of(_turned(v, *tangents))


def _turned(v: Any, t: Any) -> Any:
    """The tangent of the matrices in the basis of their eigenvectors."""
    return solve_p(v, product(_cast(t, v), v))


# ---- singular values -----------------------------------------------------------------------------


class SVD(MatrixOp):
    """``u``, singular values, descending, and ``vh``; with ``full_matrices`` square ones."""

    name = "svd"
    multiple = True
    counts = (6.0, 20.0)

    def impl(self, xp: Any, x: Any, *, full_matrices: bool) -> Any:
        return tuple(guarded("svd", FINITE, lambda a: xp.linalg.svd(a, full_matrices), x))

    def infer(self, x: Any, *, full_matrices: bool) -> Any:
        *batch, m, n = x.shape
        k = min(m, n)
        rows, columns = (m, n) if full_matrices else (k, k)
        s = Aval((*batch, k), dtypes.real_dtype(x.dtype))
        return Aval((*batch, m, rows), x.dtype), s, Aval((*batch, columns, n), x.dtype)

    def jvp(self, primals: Any, tangents: Any, *, full_matrices: bool) -> tuple[Any, Any]:
        """With ``U = u.u_dot`` and ``V = v.v_dot`` skew, ``u.t.v = U s + s_dot - s V``.

        The Hermitian part of that determines ``U + V``, the skew part ``U - V``: only the first
        divides by differences of singular values.
        """
        (t,) = tangents
        u, s, vh = self(*primals, full_matrices=full_matrices)
        k, (m, n) = s.shape[-1], t.shape[-2:]
        u1, v1 = columns(u, 0, k), columns(adjoint(vh), 0, k)
        turned = product(adjoint(u1), t, v1)
        other = adjoint(turned)
        both = mul_p(mul_p(add_p(turned, other), 0.5), _cast(_gaps(s), u))
        sums = add_p(as_columns(s, k), as_rows(s, k))
        apart = _reciprocal(sums, as_rows(_level(s), k))
        skew = mul_p(mul_p(sub_p(turned, other), 0.5), _cast(apart, u))
        u_dot, v_dot = product(u1, add_p(both, skew)), product(v1, sub_p(both, skew))
        inverse = _cast(_reciprocal(s, _level(s)), u)
        if m > k:
            u_dot = add_p(u_dot, _outside(u1, product(t, v1), inverse))
        if n > k:
            v_dot = add_p(v_dot, _outside(v1, product(adjoint(t), u1), inverse))
        u_dot, v_dot = with_complement(u, u1, u_dot), with_complement(adjoint(vh), v1, v_dot)
        return (u, s, vh), (u_dot, real_p(diagonal_of(turned)), adjoint(v_dot))


def _outside(q: Any, t: Any, inverse: Any) -> Any:
    """The part of `t` orthogonal to the columns of `q`, its columns divided."""
    rest = sub_p(t, product(q, product(adjoint(q), t)))
    return mul_p(rest, as_columns(inverse, rest.shape[-2]))


def columns(x: Any, start: int, stop: int) -> Any:
    """``x[..., start:stop]``."""
    if (start, stop) == (0, x.shape[-1]):
        return x
    n = len(x.shape)
    return slice_p(x, starts=(*(0,) * (n - 1), start), limits=(*x.shape[:-1], stop),
                   strides=(1,) * n)  # fmt: skip


def with_complement(q: Any, q1: Any, q1_dot: Any) -> Any:
    """The tangent of the unitary `q` whose first columns are `q1`.

    The other columns span the complement; any basis of it would do. They move as little as
    orthogonality allows.
    """
    k, n = q1.shape[-1], q.shape[-1]
    if k == n:
        return q1_dot
    moved = product(q1, product(adjoint(q1_dot), columns(q, k, n)))
    return concat_p(q1_dot, neg_p(moved), axis=len(q.shape) - 1)


class Svdvals(MatrixOp):
    """The singular values alone."""

    name = "svdvals"
    counts = (2.0, 2.0)

    def impl(self, xp: Any, x: Any) -> Any:
        return guarded("svdvals", FINITE, lambda a: xp.linalg.svd(a, compute_uv=False), x)

    def infer(self, x: Any) -> Aval:
        return Aval((*x.shape[:-2], min(x.shape[-2:])), dtypes.real_dtype(x.dtype))

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        (t,) = tangents
        u, s, vh = svd_p(*primals, full_matrices=False)
        return s, _diagonal_of_product(adjoint(u), t, adjoint(vh))


eigh_p, eigvalsh_p, eig_p, eigvals_p = Eigh(), Eigvalsh(), Eig(), Eigvals()
svd_p, svdvals_p = SVD(), Svdvals()
