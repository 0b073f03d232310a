"""The conjugate gradient method.

Hestenes, Stiefel 1952, "Methods of conjugate gradients for solving linear systems"; with a
preconditioner as in Saad 2003, "Iterative methods for sparse linear systems", algorithm 9.1.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.solvers import krylov


@api
def cg(
    A: Any, b: Any, x0: Any = None, *, tol: float = 1e-5, atol: float = 0.0,
    maxiter: int | None = None, M: Any = None,
) -> tuple[Any, rt.Array]:  # fmt: skip
    """The solution of ``A x = b`` for a Hermitian positive definite `A`, by conjugate gradients.

    Args:
        A: A matrix of shape (n, n), or a linear function from pytrees like `b` to pytrees like it.
        b: A pytree of floating or complex arrays.
        x0: Where to begin, like `b`; by default at zero.
        tol: The norm of ``b - A x`` must not be above ``max(tol * norm(b), atol)``.
        atol: See `tol`.
        maxiter: The largest number of steps; by default 10 times the number of unknowns.
        M: A preconditioner, close to the inverse of `A`, Hermitian positive definite: a matrix or
            a function.

    Returns:
        ``(x, info)``. `info` is 0 if the tolerance was reached, the number of steps if there were
        not enough of them, and -1 if the method broke down: `A` is not positive definite, or there
        is a nan. `x` is then the last good one.

    The derivative, by `b` and by what `A` is made of, is the solution of another system with the
    same matrix (`custom_linear_solve`), of the same tolerance. Under `vmap` each lane ends at its
    own step.

    References:
        Hestenes, Stiefel 1952, "Methods of conjugate gradients for solving linear systems".

    Example:
        >>> import rtorch as rt
        >>> a = rt.asarray([[4.0, 1.0], [1.0, 3.0]])
        >>> x, info = rt.solvers.cg(a, rt.asarray([1.0, 2.0]))
        >>> x, int(info)
        (Array([0.09090909, 0.6363636 ], dtype=float32), 0)
    """
    vector, _ = krylov.flat("cg", "b", b)
    real = not rt.isdtype(vector.dtype, "complex floating")
    return krylov.solve("cg", _cg, A, b, x0, tol, atol, maxiter, M, symmetric=real)


def _cg(
    matvec: Any, b: rt.Array, x0: rt.Array, precond: Any, limit: rt.Array, maxiter: int
) -> tuple[rt.Array, rt.Array]:
    def inner(u: rt.Array, v: rt.Array) -> rt.Array:
        return rt.real(rt.vdot(u, v))

    def going(state: Any) -> Any:
        _, r, _, _, steps, fine = state
        return fine & (inner(r, r) > limit * limit) & (steps < maxiter)

    def step(state: Any) -> Any:
        x, r, p, gamma, steps, _ = state
        image = matvec(p)
        curvature = inner(p, image)
        fine = (curvature > 0) & (gamma > 0)
        alpha = gamma / rt.where(fine, curvature, 1.0)
        x, r = rt.where(fine, x + alpha * p, x), rt.where(fine, r - alpha * image, r)
        z = precond(r)
        after = inner(r, z)
        p = z + after / rt.where(fine, gamma, 1.0) * p
        return x, r, p, after, steps + 1, fine

    r = b - matvec(x0)
    z = precond(r)
    state = (x0, r, z, inner(r, z), rt.asarray(0), rt.asarray(True))
    x, r, _, _, steps, _ = rt.while_loop(going, step, state)
    converged = inner(r, r) <= limit * limit
    return x, krylov.information(converged, steps, maxiter)
