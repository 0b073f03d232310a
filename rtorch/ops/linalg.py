"""Linear systems and inverses: solve, inv, pinv.

References:
    Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic
    differentiation"
    Golub & Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least squares
    problems whose variables separate"
"""

from __future__ import annotations

from typing import Any

from rtorch.core.aval import Aval
from rtorch.core.primitive import is_linear
from rtorch.ops.base import (
    add_p,
    add_tangents,
    elementwise,
    move_dim,
    neg_p,
    reshape_p,
    sub_p,
)
from rtorch.ops.comparison import eq_p, select_p
from rtorch.ops.elementwise import div_p
from rtorch.ops.matrices import (
    FINITE,
    MatrixOp,
    adjoint,
    guarded,
    identity_like,
    product,
    swapped,
)

SINGULAR = (
    "is singular, so that it has no inverse. rt.linalg.lstsq and rt.linalg.pinv take such matrices"
)


class LeftDivision(MatrixOp):
    """The solution of a linear system, linear in the right sides: states how these batch."""

    def batch(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        (a, b), (a_dim, b_dim) = args
        if a_dim is not None:
            return super().batch((a, b), (a_dim, b_dim), **params)
        # One matrix for all: the lanes are further columns of one system.
        last = len(b.shape) - 1
        b = move_dim(b, b_dim, last)
        columns, size = b.shape[-2:]
        flat = reshape_p(b, shape=(*b.shape[:-2], columns * size))
        out = reshape_p(self(a, flat, **params), shape=b.shape)
        return out, last


class Solve(LeftDivision):
    """``x`` with ``a @ x = b``: a of shape (..., n, n), b and x of shape (..., n, k)."""

    name = "solve"

    def flops(self, *args: Any, **params: Any) -> float:
        a, b = args
        n = a.shape[-1]
        return 2 / 3 * n * a.size + 2.0 * n * b.size

    def impl(self, xp: Any, a: Any, b: Any) -> Any:
        return guarded("solve", SINGULAR, xp.linalg.solve, a, b)

    def infer(self, a: Any, b: Any) -> Aval:
        return Aval(b.shape, b.dtype)

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        (a, b), (a_dot, b_dot) = primals, tangents
        x = self(a, b)
        change = b_dot if a_dot is None else add_tangents(b_dot, neg_p(product(a_dot, x)))
        return x, self(a, change)

    def transpose(self, ct: Any, a: Any, b: Any) -> Any:
        return None, self(swapped(a), ct) if is_linear(b) else None


class Inv(MatrixOp):
    """The inverses of square matrices."""

    name = "inv"
    counts = (0.0, 2.0)

    def impl(self, xp: Any, x: Any) -> Any:
        return guarded("inv", SINGULAR, xp.linalg.inv, x)

    def infer(self, x: Any) -> Any:
        return x

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        out = self(*primals)
        return out, neg_p(product(out, *tangents, out))


class Pinv(MatrixOp):
    """The pseudo-inverses; singular values up to ``rtol`` times the largest count as zero."""

    name = "pinv"
    counts = (8.0, 20.0)

    def impl(self, xp: Any, x: Any, rtol: Any) -> Any:
        u, s, vh = guarded("pinv", FINITE, lambda a: xp.linalg.svd(a, False), x)
        kept = s > rtol[..., None] * s[..., :1]
        inverse = xp.where(kept, 1 / xp.where(kept, s, xp.ones_like(s)), xp.zeros_like(s))
        v, uh = xp.swapaxes(vh.conj(), -1, -2), xp.swapaxes(u.conj(), -1, -2)
        return xp.matmul(v * inverse[..., None, :], uh)

    def infer(self, x: Any, rtol: Any) -> Aval:
        return Aval((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        (x, _), (t, _) = primals, tangents
        p = self(*primals)
        if t is None:
            return p, None
        xp_, px = product(x, p), product(p, x)
        rest_left, rest_right = sub_p(identity_like(xp_), xp_), sub_p(identity_like(px), px)
        t_h, p_h = adjoint(t), adjoint(p)
        out = sub_p(product(p, p_h, product(t_h, rest_left)), product(p, t, p))
        return p, add_p(out, product(product(rest_right, t_h), p_h, p))


# The slope at 0 is finite, and the squares below the root have slope 0 there: so has a norm.
root_of_squares_p = elementwise(
    "root_of_squares", "sqrt", lambda out, x: div_p(0.5, select_p(eq_p(out, 0), 1, out)),
    doc="The square root of a sum of squares.",
)  # fmt: skip

solve_p, inv_p, pinv_p = Solve(), Inv(), Pinv()
