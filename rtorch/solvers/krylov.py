"""What the iterative solvers of linear systems share: operators, stopping, derivatives.

A method is a function ``method(matvec, b, x0, precond, limit, maxiter)`` of flat vectors that
returns ``(x, info)``. Everything else is here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, describe

Method: TypeAlias = Callable[..., tuple[rt.Array, rt.Array]]

BROKE = -1  # the `info` of a method that cannot go on


def solve(
    name: str, method: Method, A: Any, b: Any, x0: Any, tol: Any, atol: Any, maxiter: int | None,
    M: Any, symmetric: bool = False,
) -> tuple[Any, rt.Array]:  # fmt: skip
    """The solution by `method` of ``A x = b`` for pytrees, differentiable, and its `info`."""
    vector, unravel = flat(name, "b", b)
    apply = _operator(name, "A", A, vector, unravel)
    precond = None if M is None else _operator(name, "M", M, vector, unravel)
    start = None if x0 is None else _guess(name, x0, b, vector)
    steps = 10 * vector.size if maxiter is None else maxiter
    if type(steps) is not int or steps < 0:
        raise ArgumentError(f"[{name}] maxiter: expected a non-negative integer, got {maxiter!r}")

    def solver(
        matvec: Any, rhs: rt.Array, *, precond: Any, start: Any = start
    ) -> tuple[rt.Array, rt.Array]:
        return _scaled(method, matvec, rhs, start, precond, tol, atol, steps)

    forward = functools.partial(solver, precond=precond)
    backward = functools.partial(solver, precond=_transposed(precond, vector), start=None)
    x, info = rt.custom_linear_solve(apply, vector, forward, backward, symmetric, has_aux=True)
    return unravel(x), info


def flat(name: str, what: str, value: Any) -> tuple[rt.Array, Callable[[rt.Array], Any]]:
    """A pytree of floating or complex numbers as one vector, and the way back."""
    if not rt.tree.leaves(value):
        raise ArgumentError(f"[{name}] {what} has no arrays: {describe(value)}")
    for leaf in rt.tree.leaves(value):
        dtype = rt.asarray(leaf).dtype
        if not rt.isdtype(dtype, ("real floating", "complex floating")):
            raise DTypeError(
                f"[{name}] {what} must be floating or complex, got {describe(leaf)}. Convert it "
                "with .astype(rt.float32)"
            )
    vector, unravel = rt.tree.ravel_pytree(value)
    return vector, unravel


def _operator(name: str, what: str, A: Any, b: rt.Array, unravel: Any) -> Callable[[Any], Any]:
    """`A`, a matrix or a function of pytrees, as a function of flat vectors."""
    if callable(A) and not isinstance(A, rt.Array):
        structure = rt.tree.structure(unravel(b))

        def apply(v: rt.Array) -> rt.Array:
            out = A(unravel(v))
            rt.tree.assert_same_structure(structure, rt.tree.structure(out))
            y = rt.tree.ravel_pytree(out)[0]
            if y.shape != b.shape:
                raise ShapeError(f"[{name}] {what} gives {y.size} numbers for one of {b.size}")
            return as_dtype(name, what, y, b.dtype)

        return apply
    try:
        matrix = rt.asarray(A)
    except Exception as error:
        raise ArgumentError(
            f"[{name}] {what} must be a square matrix or a function, got {describe(A)}"
        ) from error
    value = unravel(b)
    rows = value.shape[0] if isinstance(value, rt.Array) and value.shape else None
    if matrix.ndim != 2 or matrix.shape != (rows, rows):
        raise ShapeError(
            f"[{name}] {what} must be a square matrix that fits b, an array of shape (n,) or "
            f"(n, k), or a function; got shape {matrix.shape} with b = {describe(value)}"
        )
    matrix = as_dtype(name, what, matrix, b.dtype)
    return lambda v: rt.reshape(matrix @ rt.reshape(v, value.shape), b.shape)


def as_dtype(name: str, what: str, x: rt.Array, dtype: Any) -> rt.Array:
    """`x` in the dtype of the right-hand side, if that can hold it."""
    if x.dtype == dtype:
        return x
    if rt.promote_types(x.dtype, dtype) != dtype:
        raise DTypeError(
            f"[{name}] {what} is of {x.dtype} and b of {dtype}: convert b with "
            f".astype(rt.{x.dtype})"
        )
    return x.astype(dtype)


def _guess(name: str, x0: Any, b: Any, vector: rt.Array) -> rt.Array:
    rt.tree.assert_same_structure(rt.tree.structure(b), rt.tree.structure(x0))
    start = rt.tree.ravel_pytree(x0)[0]
    if start.shape != vector.shape:
        raise ShapeError(f"[{name}] x0 has {start.size} numbers, b has {vector.size}")
    return as_dtype(name, "x0", start, vector.dtype)


def _transposed(precond: Any, b: rt.Array) -> Any:
    """The preconditioner of the transposed system."""
    if precond is None:
        return None
    back = rt.linear_transpose(precond, rt.spec(b.shape, b.dtype))
    return lambda v: back(v)[0]


def _scaled(
    method: Method, matvec: Any, b: rt.Array, start: Any, precond: Any, tol: Any, atol: Any,
    steps: int,
) -> tuple[rt.Array, rt.Array]:  # fmt: skip
    """Run the method on a right-hand side of size 1, whose squares neither overflow nor vanish."""
    size = rt.max(rt.abs(b), initial=0.0)
    scale = rt.where((size > 0) & rt.isfinite(size), size, 1.0)
    b = b / scale
    limit = rt.maximum(tol * norm(b), atol / scale)
    x0 = rt.zeros_like(b)
    if start is not None:  # the guess is for the system itself, and of no use for derivatives
        start = start / scale
        closer = norm(b - matvec(start)) < norm(b)
        x0 = rt.where(closer, start, x0)
    x, info = method(matvec, b, x0, precond or (lambda v: v), limit, steps)
    return x * scale, info


def norm(x: rt.Array) -> rt.Array:
    """The Euclidean norm of a vector."""
    return rt.sqrt(rt.real(rt.vdot(x, x)))


def information(converged: Any, steps: Any, maxiter: int) -> rt.Array:
    """0, or the number of steps if there were not enough, or `BROKE`."""
    failed = rt.where(steps >= maxiter, steps, BROKE)
    return rt.where(converged, 0, failed)
