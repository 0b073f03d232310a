"""The stabilized biconjugate gradient method.

Van der Vorst 1992, "Bi-CGSTAB: a fast and smoothly converging variant of Bi-CG for the solution of
nonsymmetric linear systems", with the preconditioner on the right.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import api
from rtorch.solvers import krylov


@api
def bicgstab(
    A: Any, b: Any, x0: Any = None, *, tol: float = 1e-5, atol: float = 0.0,
    maxiter: int | None = None, M: Any = None,
) -> tuple[Any, rt.Array]:  # fmt: skip
    """The solution of ``A x = b`` for any invertible `A`, with memory for a few vectors.

    Args:
        A: A matrix of shape (n, n), or a linear function from pytrees like `b` to pytrees like it.
        b: A pytree of floating or complex arrays.
        x0: Where to begin, like `b`; by default at zero.
        tol: The norm of ``b - A x`` must not be above ``max(tol * norm(b), atol)``.
        atol: See `tol`.
        maxiter: The largest number of steps, of two products with `A` each; by default 10 times
            the number of unknowns.
        M: A preconditioner, close to the inverse of `A`: a matrix or a function.

    Returns:
        ``(x, info)``. `info` is 0 if the tolerance was reached, the number of steps if there were
        not enough of them, and -1 if the method broke down (`gmres` may do then), or there is a
        nan. `x` is then the last good one.

    Derivatives are as those of `cg`, with the transposed matrix in reverse mode.

    References:
        Van der Vorst 1992, "Bi-CGSTAB: a fast and smoothly converging variant of Bi-CG for the
        solution of nonsymmetric linear systems".

    Example:
        >>> import rtorch as rt
        >>> a = rt.asarray([[4.0, 1.0], [-1.0, 3.0]])
        >>> x, info = rt.solvers.bicgstab(a, rt.asarray([5.0, 2.0]))
        >>> rt.round(x, 4), int(info)
        (Array([1., 1.], dtype=float32), 0)
    """
    return krylov.solve("bicgstab", _bicgstab, A, b, x0, tol, atol, maxiter, M)


class _State(NamedTuple):
    x: rt.Array
    r: rt.Array
    p: rt.Array
    v: rt.Array
    rho: rt.Array
    alpha: rt.Array
    omega: rt.Array
    steps: rt.Array
    fine: rt.Array


def _bicgstab(
    matvec: Any, b: rt.Array, x0: rt.Array, precond: Any, limit: rt.Array, maxiter: int
) -> tuple[rt.Array, rt.Array]:
    shadow = b - matvec(x0)
    tiny = rt.finfo(b.dtype).tiny

    def going(s: _State) -> Any:
        return s.fine & (krylov.norm(s.r) > limit) & (s.steps < maxiter)

    def step(s: _State) -> _State:
        rho = rt.vdot(shadow, s.r)
        beta = rho / s.rho * (s.alpha / s.omega)
        p = s.r + beta * (s.p - s.omega * s.v)
        direction = precond(p)
        v = matvec(direction)
        slope = rt.vdot(shadow, v)
        alpha = rho / rt.where(rt.abs(slope) > tiny, slope, 1.0)
        half = s.r - alpha * v  # the residual after the first half of the step
        correction = precond(half)
        t = matvec(correction)
        square = rt.real(rt.vdot(t, t))
        omega = rt.vdot(t, half) / rt.where(square > tiny, square, 1.0)
        x = s.x + alpha * direction + omega * correction
        r = half - omega * t
        sound = rt.isfinite(krylov.norm(r)) & rt.isfinite(krylov.norm(x))
        done = krylov.norm(r) <= limit
        fine = (rt.abs(rho) > tiny) & (rt.abs(slope) > tiny) & (rt.abs(omega) > tiny)
        after = _State(x, r, p, v, rho, alpha, omega, s.steps + 1, sound & (fine | done))
        stay = s._replace(steps=s.steps + 1, fine=rt.asarray(False))
        return rt.tree.map(lambda new, old: rt.where(sound, new, old), after, stay)

    one = rt.ones((), dtype=b.dtype)
    zero = rt.zeros_like(b)
    fine = rt.asarray(True)
    s = _State(x0, shadow, zero, zero, one, one, one, rt.asarray(0), fine)
    s = rt.while_loop(going, step, s)
    return s.x, krylov.information(krylov.norm(s.r) <= limit, s.steps, maxiter)
