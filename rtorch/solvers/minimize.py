"""`minimize`: a local minimum of a smooth function of many variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.solvers.cg import cg
from rtorch.solvers.line_search import line_search
from rtorch.solvers.quasi_newton import Method, bfgs, lbfgs

SUCCESS, TOO_MANY_STEPS, NO_PROGRESS, NOT_FINITE = range(4)


class OptimizeResult(NamedTuple):
    """What `minimize` found.

    Attributes:
        x: The point, like the first one.
        success: Whether the gradient is as small as was asked for.
        status: 0 for success; 1 if there were not enough steps; 2 if no point along the last
            direction was better (often the limit of precision); 3 if the function or its gradient
            is not finite at `x`.
        fun: The value at `x`.
        jac: The gradient at `x`, like `x`.
        hess_inv: The approximation of the inverse Hessian that BFGS ended with, a matrix over all
            numbers of `x` in the order of `rt.tree.ravel_pytree`; None for L-BFGS.
        nfev: How often the function was evaluated.
        njev: How often the gradient was.
        nit: The number of steps.

    Example:
        >>> import rtorch as rt
        >>> result = rt.solvers.minimize(lambda x: rt.sum(x**2), rt.asarray([3.0, 4.0]))
        >>> bool(result.success), float(result.fun) < 1e-8, result.hess_inv.shape
        (True, True, (2, 2))
    """

    x: Any
    success: rt.Array
    status: rt.Array
    fun: rt.Array
    jac: Any
    hess_inv: rt.Array | None
    nfev: rt.Array
    njev: rt.Array
    nit: rt.Array


class _State(NamedTuple):
    x: rt.Array
    value: rt.Array
    grad: rt.Array
    memory: Any
    steps: rt.Array
    evals: rt.Array
    stuck: rt.Array


_OPTIONS = {"maxiter": None, "gtol": None, "maxls": 25, "maxcor": 10}


@api
def minimize(
    fun: Callable[..., Any], x0: Any, args: Sequence[Any] = (), *, method: str = "BFGS",
    tol: float | None = None, options: Mapping[str, Any] | None = None,
) -> OptimizeResult:  # fmt: skip
    """A local minimum of `fun`, by a quasi-Newton method.

    Args:
        fun: ``fun(x, *args)`` returns a real scalar.
        x0: Where to begin: a pytree of floating arrays.
        args: Further arguments.
        method: ``"BFGS"``, which keeps a matrix of the size of the Hessian, or ``"L-BFGS"``, which
            keeps the last steps.
        tol: No entry of the gradient may be larger than it at the end; 1e-5 by default.
        options: ``maxiter``, the largest number of steps (200 for each unknown); ``gtol``, the same
            as `tol`; ``maxls``, the largest number of evaluations in a line search (25);
            ``maxcor``, how many steps L-BFGS remembers (10).

    Returns:
        An `OptimizeResult`. If it is no success, `x` is the best point that was found.

    The line search is for the strong Wolfe conditions. Under `vmap` each lane ends at its own step.

    `x` has the derivative by `args`, and by what `fun` closes over, that the implicit function
    theorem gives: the gradient stays zero. It takes a solution with the Hessian, of the whole
    matrix for BFGS, by conjugate gradients for L-BFGS. `fun` has its derivative too; the rest has
    none. It holds for a minimum: check `success`.

    References:
        Nocedal, Wright 2006, "Numerical optimization", algorithms 3.5, 3.6, 6.1 and 7.5.

    Example:
        >>> import rtorch as rt
        >>> rosenbrock = lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        >>> result = rt.solvers.minimize(rosenbrock, rt.asarray([-1.0, 2.0], dtype=rt.float64))
        >>> rt.round(result.x, 4), bool(result.success)
        (Array([1., 1.], dtype=float64), True)
    """
    chosen = _chosen(options, tol)
    start, unravel = _vector(x0)
    strategy = _strategy(method, chosen)
    maxiter = 200 * start.size if chosen["maxiter"] is None else chosen["maxiter"]

    def objective(x: rt.Array) -> rt.Array:
        value = rt.asarray(fun(unravel(x), *args))
        if value.shape != () or not rt.isdtype(value.dtype, "real floating"):
            raise ShapeError(
                f"[minimize] fun must return a real floating scalar, got {describe(value)}"
            )
        return value.astype(x.dtype)

    def solve(gradient: Any, x: rt.Array) -> tuple[rt.Array, Any]:
        return _descend(objective, x, strategy, chosen["gtol"], maxiter, chosen["maxls"])

    tangent_solve = _dense_solve if method.upper() == "BFGS" else _iterative_solve
    x, (status, grad, hess_inv, evals, steps) = rt.custom_root(
        rt.grad(objective), start, solve, tangent_solve, has_aux=True
    )
    return OptimizeResult(
        x=unravel(x), success=status == SUCCESS, status=status, fun=objective(x),
        jac=unravel(grad), hess_inv=hess_inv, nfev=evals, njev=evals, nit=steps,
    )  # fmt: skip


def _chosen(options: Mapping[str, Any] | None, tol: float | None) -> dict[str, Any]:
    unknown = sorted(set(options or {}) - set(_OPTIONS))
    if unknown:
        raise ArgumentError(f"[minimize] options {unknown} are not known: {sorted(_OPTIONS)} are")
    chosen = {**_OPTIONS, **(options or {})}
    for name in ("maxiter", "maxls", "maxcor"):
        value = chosen[name]
        if value is not None and (type(value) is not int or value < 1):
            raise ArgumentError(f"[minimize] {name}: expected a positive integer, got {value!r}")
    if chosen["gtol"] is None:
        chosen["gtol"] = 1e-5 if tol is None else tol
    return chosen


def _strategy(method: Any, options: Mapping[str, Any]) -> Method:
    name = method.upper() if isinstance(method, str) else method
    if name == "BFGS":
        return bfgs()
    if name in ("L-BFGS", "LBFGS", "L-BFGS-B"):
        return lbfgs(options["maxcor"])
    raise ArgumentError(f'[minimize] method: expected "BFGS" or "L-BFGS", got {method!r}')


def _vector(x0: Any) -> tuple[rt.Array, Callable[[rt.Array], Any]]:
    for leaf in rt.tree.leaves(x0):
        if not rt.isdtype(rt.asarray(leaf).dtype, "real floating"):
            raise DTypeError(
                f"[minimize] x0 must be real and floating, got {describe(leaf)}. Convert it with "
                ".astype(rt.float32)"
            )
    return rt.tree.ravel_pytree(x0)


def _descend(
    objective: Any, x: rt.Array, method: Method, gtol: Any, maxiter: int, max_evals: int
) -> tuple[rt.Array, Any]:
    """The point where the method ends, and (status, gradient, inverse Hessian, evals, steps)."""
    value_and_grad = rt.value_and_grad(objective)

    def small(grad: rt.Array) -> rt.Array:
        return rt.max(rt.abs(grad), initial=0.0) <= gtol

    def going(s: _State) -> Any:
        return ~small(s.grad) & ~s.stuck & (s.steps < maxiter)

    def step(s: _State) -> _State:
        direction = method.direction(s.memory, s.grad)
        downhill = rt.vdot(s.grad, direction) < 0
        direction = rt.where(downhill, direction, -s.grad)
        # The first direction knows nothing of the scale.
        careful = rt.minimum(1.0, 1.0 / rt.linalg.norm(direction))
        first = rt.where((s.steps == 0) | ~downhill, careful, 1.0)
        found = line_search(value_and_grad, x=s.x, value=s.value, grad=s.grad,
                            direction=direction, first=first, max_evals=max_evals)  # fmt: skip
        new = found.low
        moved = new.step * direction
        memory = method.update(s.memory, moved, new.grad - s.grad)
        stuck = ~(new.step > 0) | (~found.done & ~(new.value < s.value))
        stuck |= ~rt.isfinite(new.value)
        return _State(s.x + moved, new.value, new.grad, memory, s.steps + 1,
                      s.evals + found.evals, stuck)  # fmt: skip

    value, grad = value_and_grad(x)
    s = _State(x, value, grad, method.init(x), rt.asarray(0), rt.asarray(1), ~rt.isfinite(value))
    s = rt.while_loop(going, step, s)
    finite = rt.isfinite(s.value) & rt.all(rt.isfinite(s.grad))
    status = rt.where(s.stuck, NO_PROGRESS, TOO_MANY_STEPS)
    status = rt.where(small(s.grad), SUCCESS, rt.where(finite, status, NOT_FINITE))
    hess_inv = getattr(s.memory, "matrix", None)
    return s.x, (status, s.grad, hess_inv, s.evals, s.steps)


def _dense_solve(g: Any, y: rt.Array) -> rt.Array:
    return rt.linalg.solve(rt.jacobian(g)(rt.zeros_like(y)), y)


def _iterative_solve(g: Any, y: rt.Array) -> rt.Array:
    return cg(g, y, tol=10 * rt.finfo(y.dtype).eps)[0]
