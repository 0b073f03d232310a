"""The generalized minimal residual method, restarted.

Saad, Schultz 1986, "GMRES: a generalized minimal residual algorithm for solving nonsymmetric linear
systems"; with the preconditioner on the right as in Saad 2003, "Iterative methods for sparse
linear systems", algorithm 9.5, and the basis orthogonalized twice ("twice is enough": Giraud,
Langou, Rozloznik 2005).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.solvers import krylov


@api
def gmres(
    A: Any, b: Any, x0: Any = None, *, tol: float = 1e-5, atol: float = 0.0, restart: int = 20,
    maxiter: int | None = None, M: Any = None,
) -> tuple[Any, rt.Array]:  # fmt: skip
    """The solution of ``A x = b`` for any invertible `A`, by minimal residuals.

    Args:
        A: A matrix of shape (n, n), or a linear function from pytrees like `b` to pytrees like it.
        b: A pytree of floating or complex arrays.
        x0: Where to begin, like `b`; by default at zero.
        tol: The norm of ``b - A x`` must not be above ``max(tol * norm(b), atol)``.
        atol: See `tol`.
        restart: The size of the Krylov space that is built before the method begins again from
            what it has; at most the number of unknowns. It costs the memory of so many vectors.
        maxiter: The largest number of restarts; by default 10 times the number of unknowns.
        M: A preconditioner, close to the inverse of `A`: a matrix or a function.

    Returns:
        ``(x, info)``. `info` is 0 if the tolerance was reached, the number of restarts if there
        were not enough of them, and -1 if a restart brought nothing (a singular matrix, a
        tolerance beyond what rounding allows; more may come of a larger `restart`) or there is a
        nan. `x` is then the last good one.

    Derivatives are as those of `cg`, with the transposed matrix in reverse mode.

    References:
        Saad, Schultz 1986, "GMRES: a generalized minimal residual algorithm for solving
        nonsymmetric linear systems".

    Example:
        >>> import rtorch as rt
        >>> a = rt.asarray([[0.0, 1.0], [-1.0, 3.0]])
        >>> x, info = rt.solvers.gmres(a, rt.asarray([1.0, 2.0]))
        >>> rt.round(x, 4), int(info)
        (Array([1., 1.], dtype=float32), 0)
    """
    if type(restart) is not int or restart < 1:
        raise ArgumentError(f"[gmres] restart: expected a positive integer, got {restart!r}")

    def method(matvec: Any, b: rt.Array, x0: rt.Array, precond: Any, limit: Any, n: int) -> Any:
        return _gmres(matvec, b, x0, precond, limit, n, min(restart, b.size))

    return krylov.solve("gmres", method, A, b, x0, tol, atol, maxiter, M)


def _gmres(
    matvec: Any, b: rt.Array, x0: rt.Array, precond: Any, limit: rt.Array, maxiter: int, size: int
) -> tuple[rt.Array, rt.Array]:
    def going(state: Any) -> Any:
        _, _, beta, cycles, fine = state
        return fine & (beta > limit) & (cycles < maxiter)

    def step(state: Any) -> Any:
        x, r, beta, cycles, _ = state
        found = x + _cycle(matvec, precond, r, beta, limit, size)
        residual = b - matvec(found)
        after = krylov.norm(residual)
        better = (after < beta) & rt.isfinite(krylov.norm(found))
        x, r = rt.where(better, found, x), rt.where(better, residual, r)
        return x, r, rt.where(better, after, beta), cycles + 1, better

    r = b - matvec(x0)
    state = (x0, r, krylov.norm(r), rt.asarray(0), rt.asarray(True))
    x, _, beta, cycles, _ = rt.while_loop(going, step, state)
    return x, krylov.information(beta <= limit, cycles, maxiter)


class _Arnoldi(NamedTuple):
    """A Krylov space of `size` columns so far, and the least squares problem in it.

    ``A basis[:size].T = basis[:size + 1].T H``, and ``rotations @ H = triangle``.
    """

    basis: rt.Array
    triangle: rt.Array
    rotations: rt.Array
    size: rt.Array
    residual: rt.Array
    fine: rt.Array


def _cycle(
    matvec: Any, precond: Any, r: rt.Array, beta: rt.Array, limit: rt.Array, size: int
) -> rt.Array:
    """The correction of smallest residual within a Krylov space of `size` dimensions."""
    eps = rt.finfo(r.dtype).eps

    def going(s: _Arnoldi) -> Any:
        return s.fine & (s.size < size) & (s.residual > limit)

    def step(s: _Arnoldi) -> _Arnoldi:
        k = s.size
        w = matvec(precond(s.basis[k]))
        before = krylov.norm(w)
        h = rt.conj(s.basis) @ w
        w = w - h @ s.basis
        again = rt.conj(s.basis) @ w
        w, h = w - again @ s.basis, h + again
        length = krylov.norm(w)
        length = rt.where(length > eps * before, length, 0.0)  # the space is invariant
        w = w / rt.where(length > 0, length, 1.0)
        h = s.rotations @ h.at[k + 1].set(length.astype(h.dtype))
        diagonal = rt.sqrt(rt.abs(h[k]) ** 2 + length**2)
        fine = diagonal > eps * before  # else the matrix is singular on the space
        safe = rt.where(fine, diagonal, 1.0)
        cosine, sine = h[k] / safe, length / safe
        upper, lower = s.rotations[k], s.rotations[k + 1]
        rotations = s.rotations.at[k].set(rt.conj(cosine) * upper + sine * lower)
        rotations = rotations.at[k + 1].set(cosine * lower - sine * upper)
        column = rt.where(rt.arange(size + 1) < k, h, 0.0)
        column = column.at[k].set(diagonal.astype(h.dtype))[:size]
        after = _Arnoldi(
            s.basis.at[k + 1].set(w), s.triangle.at[:, k].set(column), rotations, k + 1,
            beta * rt.abs(rotations[k + 1, 0]), fine,
        )  # fmt: skip
        stay = s._replace(fine=rt.asarray(False))
        return rt.tree.map(lambda new, old: rt.where(fine, new, old), after, stay)

    basis = rt.zeros((size + 1, r.size), dtype=r.dtype)
    first = r / rt.where(beta > 0, beta, 1.0)
    s = _Arnoldi(
        basis.at[0].set(first), rt.eye(size, dtype=r.dtype), rt.eye(size + 1, dtype=r.dtype),
        rt.asarray(0), beta, rt.asarray(True),
    )  # fmt: skip
    s = rt.while_loop(going, step, s)
    rhs = rt.where(rt.arange(size) < s.size, beta * s.rotations[:size, 0], 0.0)
    y = rt.linalg.solve_triangular(s.triangle, rhs, lower=False)
    return precond(y @ s.basis[:size])
