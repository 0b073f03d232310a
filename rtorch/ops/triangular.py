"""Triangular systems.

SciPy (CuPy's part of it on a GPU) solves them, one after the other; without it, and for many small
matrices, NumPy does it for all at once.

References:
    Golub & Van Loan 2013, "Matrix Computations", 3.1
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from rtorch.core.aval import Aval
from rtorch.core.primitive import is_linear
from rtorch.errors import LinAlgError
from rtorch.ops.base import add_tangents, neg_p
from rtorch.ops.linalg import LeftDivision
from rtorch.ops.matrices import (
    lower as lower_of,
    product,
    scipy_linalg,
    swapped,
    upper as upper_of,
    without_diagonal,
)


def library_for(xp: Any, matrices: Any) -> Any:
    """SciPy if it is there and faster: it takes one matrix at a time, NumPy one row."""
    count = math.prod(matrices.shape[:-2])
    if not matrices.size or count > matrices.shape[-1]:
        return None
    return scipy_linalg(xp is np)


class TriangularSolve(LeftDivision):
    """``x`` with ``a @ x = b`` for a triangle of ``a``; the other one is not read.

    With ``transposed``, ``x`` with ``a.T @ x = b`` for that triangle of ``a``; with ``unit`` its
    diagonal is all ones and not read either.
    """

    name = "triangular_solve"

    def flops(self, *args: Any, **params: Any) -> float:
        a, b = args
        return float(a.shape[-1] * b.size)

    def impl(self, xp: Any, a: Any, b: Any, *, lower: bool, transposed: bool, unit: bool) -> Any:
        library = library_for(xp, a)
        if library is None:
            if xp is np and not unit:
                _check_diagonal(a)
            x = xp.array(b)
            _substitute(xp.swapaxes(a, -1, -2) if transposed else a, x, lower != transposed, unit)
            return x
        x = xp.empty(b.shape, b.dtype)
        for at in np.ndindex(a.shape[:-2]):
            x[at], info = _solve_one(library, a[at], b[at], lower, transposed, unit)
            if info:
                _check_diagonal(a)
        return x

    def infer(self, a: Any, b: Any, **params: Any) -> Aval:
        return Aval(b.shape, b.dtype)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        (a, b), (a_dot, b_dot) = primals, tangents
        x = self(a, b, **params)
        if a_dot is not None:
            a_dot = lower_of(a_dot) if params["lower"] else upper_of(a_dot)
            a_dot = without_diagonal(a_dot) if params["unit"] else a_dot
            a_dot = swapped(a_dot) if params["transposed"] else a_dot
            b_dot = add_tangents(b_dot, neg_p(product(a_dot, x)))
        return x, self(a, b_dot, **params)

    def transpose(self, ct: Any, a: Any, b: Any, *, transposed: bool, **params: Any) -> Any:
        return None, self(a, ct, transposed=not transposed, **params) if is_linear(b) else None


def _solve_one(library: Any, a: Any, b: Any, lower: bool, transposed: bool, unit: bool) -> Any:
    if not isinstance(a, np.ndarray):
        return library.solve_triangular(
            a, b, trans=int(transposed), lower=lower, unit_diagonal=unit, check_finite=False
        ), 0
    if not a.flags.f_contiguous:  # as it is in memory, a row is a column to LAPACK
        a, lower, transposed = a.T, not lower, not transposed
    trtrs = lapack(library, "trtrs", a.dtype)
    return trtrs(a, b, lower=lower, trans=int(transposed), unitdiag=unit)


@functools.lru_cache(32)
def lapack(library: Any, name: str, dtype: Any) -> Any:
    return library.get_lapack_funcs(name, dtype=dtype)


def _check_diagonal(a: Any) -> None:
    zero = (np.diagonal(a, 0, -2, -1) == 0).any(-1)
    if zero.any():
        where = tuple(int(i) for i in np.argwhere(zero)[0])
        which = f"matrix {where} of the batch" if where else "the matrix"
        raise LinAlgError(
            f"[triangular_solve] {which} is singular: there is a zero on its diagonal"
        )


def _substitute(a: Any, x: Any, lower: bool, unit: bool) -> None:
    """Solve for the right sides in `x`, in place: one half first, then the rest of the other."""
    n = a.shape[-1]
    if n < 2:
        if n and not unit:
            x /= a
        return
    first, rest = slice(n // 2), slice(n // 2, n)
    if not lower:
        first, rest = rest, first
    _substitute(a[..., first, first], x[..., first, :], lower, unit)
    x[..., rest, :] -= a[..., rest, first] @ x[..., first, :]
    _substitute(a[..., rest, rest], x[..., rest, :], lower, unit)


triangular_solve_p = TriangularSolve()


def left_solve(a: Any, b: Any, *, lower: bool, unit: bool = False) -> Any:
    """``inverse(a) @ b``."""
    return triangular_solve_p(a, b, lower=lower, transposed=False, unit=unit)


def right_solve(b: Any, a: Any, *, lower: bool) -> Any:
    """``b @ inverse(a)``."""
    return swapped(triangular_solve_p(a, swapped(b), lower=lower, transposed=True, unit=False))
