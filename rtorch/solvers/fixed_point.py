"""`fixed_point`: iteration to ``x = f(x)``, with Anderson acceleration if asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.solvers import krylov
from rtorch.solvers.gmres import gmres


class FixedPointResult(NamedTuple):
    """What `fixed_point` found.

    Attributes:
        x: The last point, like the first one.
        success: Whether ``f(x)`` is as close to `x` as was asked for.
        error: The norm of ``f(x) - x``.
        nit: The number of steps.

    Example:
        >>> import rtorch as rt
        >>> result = rt.solvers.fixed_point(lambda x: x / 2 + 1, 0.0, max_iter=3)
        >>> bool(result.success), float(result.x), float(result.error), int(result.nit)
        (False, 1.75, 0.125, 3)
    """

    x: Any
    success: rt.Array
    error: rt.Array
    nit: rt.Array


class _State(NamedTuple):
    x: rt.Array
    image: rt.Array  # f(x)
    error: rt.Array
    steps: rt.Array
    # The last changes of the image and of the residual f(x) - x, the newest last.
    images: rt.Array
    residuals: rt.Array


@api
def fixed_point(
    f: Callable[..., Any], x0: Any, *args: Any, tol: float | None = None, max_iter: int = 1000,
    memory: int = 0,
) -> FixedPointResult:  # fmt: skip
    """A point that `f` does not move: ``f(x, *args) = x``.

    Args:
        f: From ``(x, *args)`` to a pytree like `x`, a contraction near the point.
        x0: Where to begin: a pytree of floating or complex arrays.
        *args: Further arguments.
        tol: The norm of ``f(x) - x`` must not be above ``tol * (1 + norm(x))``; 1e-10 by default,
            1e-5 in float32.
        max_iter: The largest number of steps.
        memory: How many steps Anderson acceleration combines; 0 for the plain iteration. It often
            takes far fewer steps, and may converge where the plain iteration does not.

    Returns:
        A `FixedPointResult`. It is no success if there were too few steps, or a value is not
        finite; `x` is then the last finite one.

    `x` has the derivative by `args`, and by what `f` closes over, that the implicit function
    theorem gives: a linear system with the derivative of ``x - f(x)``, solved by `gmres`. The
    iteration is not differentiated, and `x0` has no derivative.

    References:
        Anderson 1965, "Iterative procedures for nonlinear integral equations"; Walker, Ni 2011,
        "Anderson acceleration for fixed-point iterations"; for the derivative Christianson 1994,
        "Reverse accumulation and attractive fixed points".

    Example:
        >>> import rtorch as rt
        >>> sqrt = lambda a: rt.solvers.fixed_point(lambda x, a: (x + a / x) / 2, 1.0, a).x
        >>> round(float(sqrt(4.0)), 4), round(float(rt.grad(sqrt)(4.0)), 4)
        (2.0, 0.25)
    """
    for name, value, least in (("max_iter", max_iter, 1), ("memory", memory, 0)):
        if type(value) is not int or value < least:
            raise ArgumentError(
                f"[fixed_point] {name}: expected an integer of at least {least}, got {value!r}"
            )
    start, unravel = krylov.flat("fixed_point", "x0", x0)
    structure = rt.tree.structure(x0)
    eps = float(rt.finfo(start.dtype).eps)
    wanted = max(1e-10, 100 * eps) if tol is None else tol

    def step(x: rt.Array) -> rt.Array:
        out = f(unravel(x), *args)
        rt.tree.assert_same_structure(structure, rt.tree.structure(out))
        image = rt.tree.ravel_pytree(out)[0]
        if image.shape != x.shape:
            raise ShapeError(f"[fixed_point] f gives {image.size} numbers for an x of {x.size}")
        return krylov.as_dtype("fixed_point", "the result of f", image, x.dtype)

    def residual(x: rt.Array) -> rt.Array:
        return step(x) - x

    def solve(residual: Any, x: rt.Array) -> Any:
        return _iterate(lambda x: residual(x) + x, x, wanted, max_iter, memory)

    def tangent_solve(g: Any, y: rt.Array) -> rt.Array:
        return gmres(g, y, tol=10 * eps, restart=50)[0]

    x, (success, error, steps) = rt.custom_root(residual, start, solve, tangent_solve, has_aux=True)
    return FixedPointResult(unravel(x), success, error, steps)


def _iterate(
    f: Callable[[rt.Array], rt.Array], x: rt.Array, tol: Any, max_iter: int, memory: int
) -> tuple[rt.Array, Any]:
    def close(s: _State) -> rt.Array:
        return s.error <= tol * (1.0 + krylov.norm(s.x))

    def going(s: _State) -> rt.Array:
        return ~close(s) & rt.isfinite(s.error) & (s.steps < max_iter)

    def step(s: _State) -> _State:
        x = _mixed(s) if memory else s.image
        image = f(x)
        error = krylov.norm(image - x)
        changes = _remember(s, x, image) if memory else (s.images, s.residuals)
        after = _State(x, image, error, s.steps + 1, *changes)
        finite = rt.isfinite(error)
        stay = s._replace(error=error, steps=s.steps + 1)
        return _State(*[rt.where(finite, new, old) for new, old in zip(after, stay)])

    image = f(x)
    none = rt.zeros((memory, x.size), dtype=x.dtype)
    s = _State(x, image, krylov.norm(image - x), rt.asarray(0), none, none)
    s = rt.while_loop(going, step, s)
    return s.x, (close(s), s.error, s.steps)


def _remember(s: _State, x: rt.Array, image: rt.Array) -> tuple[rt.Array, rt.Array]:
    change = image - s.image
    residual = (image - x) - (s.image - s.x)
    return (
        rt.concatenate([s.images[1:], change[None]]),
        rt.concatenate([s.residuals[1:], residual[None]]),
    )


def _mixed(s: _State) -> rt.Array:
    """The image of the combination of the last points whose residual is smallest.

    Walker, Ni 2011, equation 2.2; the normal equations are shifted, for the differences become
    dependent near the end.
    """
    gram = rt.conj(s.residuals) @ s.residuals.T
    size = rt.real(rt.trace(gram))
    shift = rt.where(size > 0, rt.finfo(s.x.dtype).eps * size, 1.0)
    rhs = rt.conj(s.residuals) @ (s.image - s.x)
    weights = rt.linalg.solve(gram + shift * rt.eye(len(rhs), dtype=gram.dtype), rhs)
    return s.image - weights @ s.images
