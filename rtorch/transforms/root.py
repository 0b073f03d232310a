"""`custom_root`: the root of a function as one differentiable operation.

The implicit function theorem: if ``f(x, a) = 0`` then ``dx = -(df/dx)^-1 (df/da) da``. The
iterations that found the root are not differentiated (Christianson 1994, "Reverse accumulation and
attractive fixed points"; Blondel et al. 2022, "Efficient and modular implicit differentiation").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rtorch.compiler.plan import executable, may_alias
from rtorch.core.primitive import Primitive
from rtorch.core.program import Program
from rtorch.errors import api
from rtorch.ops.base import neg_p
from rtorch.transforms.arguments import check_callable, split_aux
from rtorch.transforms.call import call
from rtorch.transforms.derive import closed, with_common_consts
from rtorch.transforms.implicit import Lanes, Space, callable_of, full, push, runs_directly
from rtorch.transforms.linear import linearize

NAME = "custom_root"


@api
def custom_root(
    f: Callable[[Any], Any],
    initial_guess: Any,
    solve: Callable[[Callable[[Any], Any], Any], Any],
    tangent_solve: Callable[[Callable[[Any], Any], Any], Any],
    has_aux: bool = False,
) -> Any:
    """A root of `f`, with the derivative of the root by what `f` closes over.

    Args:
        f: From a pytree of arrays to one of the same structure, shapes and dtypes.
        initial_guess: Where to begin. The root has no derivative by it.
        solve: ``solve(f, initial_guess)`` returns a root.
        tangent_solve: ``tangent_solve(g, y)`` solves ``g(x) = y`` for a linear function `g`, the
            derivative of `f`. It must be differentiable itself: `rt.linalg.solve` of the
            `rt.jacobian` of `g`; ``y / g(1.0)`` for a scalar; or `custom_linear_solve`.
        has_aux: `solve` returns ``(root, aux)``, with a pytree of arrays `aux`.

    Returns:
        The root, or ``(root, aux)``; `aux` has no derivative. All modes and orders of
        differentiation work.

    Raises:
        TreeError, ShapeError, DTypeError: if a result of `f` or the root is not like
            `initial_guess`.

    Without a transformation `solve` is called as it is. Under one it is staged: then it cannot
    branch on values with ``if``.

    Example:
        >>> import rtorch as rt
        >>> def newton(f, x):
        ...     return rt.fori_loop(0, 8, lambda i, x: x - f(x) / rt.grad(f)(x), x)
        >>> def sqrt(a):
        ...     return rt.custom_root(lambda x: x * x - a, 1.0, newton, lambda g, y: y / g(1.0))
        >>> float(sqrt(4.0)), float(rt.grad(sqrt)(4.0)), float(rt.grad(rt.grad(sqrt))(4.0))
        (2.0, 0.25, -0.03125)
    """
    for function in (f, solve, tangent_solve):
        check_callable(function, NAME)
    space = Space(initial_guess, NAME, "initial_guess")
    if runs_directly():
        x, aux = split_aux(solve(f, space.value), has_aux, NAME)
        x = space.check(x, "the root", "initial_guess")
    else:
        x, aux = _staged(f, space, solve, tangent_solve, has_aux)
    return (x, aux) if has_aux else x


def _staged(f: Any, space: Space, solve: Any, tangent_solve: Any, has_aux: bool) -> Any:
    def residual(x: Any) -> Any:
        return space.check(f(x), "the result of f", "initial_guess")

    equation, _ = space.program(residual, 1, f)
    function = callable_of(*closed(equation), space)

    def root(guess: Any) -> Any:
        x, aux = split_aux(solve(function, guess), has_aux, NAME)
        return space.check(x, "the root", "initial_guess"), aux

    def tangent(x: Any, y: Any) -> Any:
        dx = tangent_solve(linearize(function, x)[1], y)
        return space.check(dx, "the result of tangent_solve", "initial_guess")

    solved, out_tree = space.program(root, 1, solve)
    inverse, _ = space.program(tangent, 2, tangent_solve)
    (held, root_of, inverse), known = with_common_consts([equation, solved, inverse])
    if (wider := space.with_known(known)) is not space:
        return _staged(f, wider, solve, tangent_solve, has_aux)
    problem = Problem(held, root_of, inverse, len(space.avals))
    return out_tree.unflatten(root_p(*known, *space.leaves, problem=problem))


class Problem(NamedTuple):
    """An equation in `size` arrays; the Programs begin with the known operands."""

    f: Program
    solve: Program
    tangent_solve: Program  # of the known operands, the root and a right-hand side
    size: int

    @property
    def n_known(self) -> int:
        return len(self.f.in_vars) - self.size


class Root(Primitive):
    """The root of an equation, and what else the solver returns."""

    name = "root"
    multiple = True

    def impl(self, xp: Any, *raw: Any, problem: Problem) -> Any:
        out = executable(problem.solve, xp)(*raw)
        # Operands may be memory that is written to again.
        return tuple([x.copy() if borrowed else x
                      for x, borrowed in zip(out, may_alias(problem.solve))])  # fmt: skip

    def infer(self, *avals: Any, problem: Problem) -> Any:
        return problem.solve.out_avals

    def jvp(self, primals: Any, tangents: Any, *, problem: Problem) -> Any:
        n = problem.n_known
        out = self(*primals, problem=problem)
        x, known = out[: problem.size], primals[:n]
        none = [None] * len(out)
        change = push(problem.f, known, tangents[:n], x)
        if change is None:
            return out, none
        rhs = full(change, x)
        dots = [neg_p(t) for t in call(problem.tangent_solve, [*known, *x, *rhs])]
        return out, [*dots, *none[problem.size :]]

    def batch(self, args: Any, dims: Any, *, problem: Problem) -> Any:
        lanes = Lanes(args, dims, problem.n_known)
        batched = Problem(
            lanes.program(problem.f), lanes.program(problem.solve),
            lanes.program(problem.tangent_solve), problem.size,
        )  # fmt: skip
        out = self(*lanes.args, problem=batched)
        return out, [0] * len(out)


root_p = Root()
