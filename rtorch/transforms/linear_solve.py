"""`custom_linear_solve`: the solution of a linear system as one differentiable operation.

Differentiating ``A x = b`` gives ``A dx = db - dA x``: a system with the same matrix. In reverse
mode it is one with the transposed matrix. How a solution is found does not matter, and is never
differentiated (Christianson 1994, "Reverse accumulation and attractive fixed points"; Giles 2008,
"Collected matrix derivative results for forward and reverse mode algorithmic differentiation").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rtorch.compiler.plan import executable, may_alias
from rtorch.core.primitive import Primitive
from rtorch.core.program import Program
from rtorch.errors import MissingRuleError, api
from rtorch.ops.base import sub_p
from rtorch.transforms.arguments import check_callable, split_aux
from rtorch.transforms.derive import closed, transpose_program, with_common_consts
from rtorch.transforms.implicit import Lanes, Space, callable_of, full, push, runs_directly

NAME = "custom_linear_solve"


@api
def custom_linear_solve(
    matvec: Callable[[Any], Any],
    b: Any,
    solve: Callable[[Callable[[Any], Any], Any], Any],
    transpose_solve: Callable[[Callable[[Any], Any], Any], Any] | None = None,
    symmetric: bool = False,
    has_aux: bool = False,
) -> Any:
    """The solution ``x`` of ``matvec(x) = b``, with the derivative of the solution.

    Derivatives by `b` and by what `matvec` closes over are solutions of systems with the same
    matrix, or the transposed one, in both modes and to any order. What `solve` does is not
    differentiated.

    Args:
        matvec: A linear function from pytrees like `b` to pytrees like `b`, the matrix.
        b: A pytree of floating or complex arrays.
        solve: ``solve(matvec, b)`` returns the solution.
        transpose_solve: ``transpose_solve(vecmat, b)`` returns the solution of the transposed
            system, for reverse mode. `vecmat` is the transpose of `matvec`.
        symmetric: `matvec` is its own transpose (without conjugation) and `solve` serves for both.
        has_aux: `solve` and `transpose_solve` return ``(x, aux)``, with a pytree of arrays `aux`.

    Returns:
        ``x``, or ``(x, aux)``; `aux` has no derivative.

    Raises:
        TreeError, ShapeError, DTypeError: if `matvec` or a solution is not like `b`.
        MissingRuleError: in reverse mode without `transpose_solve`.

    Without a transformation `solve` is called as it is. Under one it is staged: then it cannot
    branch on values with ``if``.

    Example:
        >>> import rtorch as rt
        >>> def scaled(s):  # 2 s x = 3
        ...     divide = lambda matvec, b: b / matvec(1.0)
        ...     return rt.custom_linear_solve(lambda x: 2 * s * x, 3.0, divide, symmetric=True)
        >>> float(scaled(0.5)), float(rt.grad(scaled)(0.5))
        (3.0, -6.0)
    """
    for function in (matvec, solve, transpose_solve or solve):
        check_callable(function, NAME)
    space = Space(b, NAME, "b")
    if runs_directly():
        x, aux = split_aux(solve(matvec, space.value), has_aux, NAME)
        x = space.check(x, "the solution", "b")
        return (x, aux) if has_aux else x
    if symmetric:
        transpose_solve = None
    return _staged(matvec, space, solve, transpose_solve, symmetric, has_aux)


def _staged(
    matvec: Any, space: Space, solve: Any, transpose_solve: Any, symmetric: bool, has_aux: bool
) -> Any:
    def operator(value: Any) -> Any:
        return space.check(matvec(value), "the result of matvec", "b")

    def program(solver: Any, matrix: Any) -> tuple[Program, Any]:
        def solution(value: Any) -> Any:
            x, aux = split_aux(solver(matrix, value), has_aux, NAME)
            return space.check(x, "the solution", "b"), aux

        return space.program(solution, 1, solver)

    matrix, _ = space.program(operator, 1, matvec)
    opened, outer = closed(matrix)
    solved, out_tree = program(solve, callable_of(opened, outer, space))
    programs = [matrix, solved]
    if transpose_solve is not None:
        n = len(space.avals)
        transposed = transpose_program(opened, (False,) * len(outer) + (True,) * n)
        programs.append(program(transpose_solve, callable_of(transposed, outer, space))[0])
    held, known = with_common_consts(programs)
    if (wider := space.with_known(known)) is not space:
        return _staged(matvec, wider, solve, transpose_solve, symmetric, has_aux)
    backward = held[1] if symmetric else held[2] if transpose_solve is not None else None
    system = System(held[0], held[0] if symmetric else None, held[1], backward, len(space.avals))
    x, aux = out_tree.unflatten(linear_solve_p(*known, *space.leaves, system=system))
    return (x, aux) if has_aux else x


class System(NamedTuple):
    """A linear system: Programs of the known operands and a vector of `size` arrays."""

    matvec: Program
    vecmat: Program | None  # the transpose; None: to be derived
    solve: Program
    transpose_solve: Program | None
    size: int

    @property
    def n_known(self) -> int:
        return len(self.matvec.in_vars) - self.size

    def transposed(self) -> System:
        """The transposed system."""
        if self.transpose_solve is None:
            raise MissingRuleError(
                f"[{NAME}] reverse mode solves the transposed system: pass transpose_solve, or "
                "symmetric=True if the matrix is symmetric"
            )
        mask = (False,) * self.n_known + (True,) * self.size
        vecmat = self.vecmat or transpose_program(self.matvec, mask)
        return System(vecmat, self.matvec, self.transpose_solve, self.solve, self.size)


class LinearSolve(Primitive):
    """The solution of a system, and what else the solver returns."""

    name = "linear_solve"
    multiple = True

    def impl(self, xp: Any, *raw: Any, system: System) -> Any:
        out = executable(system.solve, xp)(*raw)
        # Operands may be memory that is written to again.
        return tuple([x.copy() if borrowed else x
                      for x, borrowed in zip(out, may_alias(system.solve))])  # fmt: skip

    def infer(self, *avals: Any, system: System) -> Any:
        return system.solve.out_avals

    def jvp(self, primals: Any, tangents: Any, *, system: System) -> Any:
        n, size = system.n_known, system.size
        out = self(*primals, system=system)
        none = [None] * len(out)
        change = push(system.matvec, primals[:n], tangents[:n], out[:size])
        b_dots = tangents[n:]
        if change is None and all(t is None for t in b_dots):
            return out, none
        rhs = full(b_dots, primals[n:])
        if change is not None:
            rhs = [t if c is None else sub_p(t, c) for t, c in zip(rhs, change)]
        dots = self(*primals[:n], *rhs, system=system)
        return out, [*dots[:size], *none[size:]]

    def transpose(self, ct: Any, *operands: Any, system: System) -> Any:
        n = system.n_known
        cts = full(ct[: system.size], system.solve.out_avals)
        back = self(*operands[:n], *cts, system=system.transposed())
        return [None] * n + list(back[: system.size])

    def batch(self, args: Any, dims: Any, *, system: System) -> Any:
        lanes = Lanes(args, dims, system.n_known)
        batched = System(
            lanes.program(system.matvec), system.vecmat and lanes.program(system.vecmat),
            lanes.program(system.solve),
            system.transpose_solve and lanes.program(system.transpose_solve), system.size,
        )  # fmt: skip
        out = self(*lanes.args, system=batched)
        return out, [0] * len(out)


linear_solve_p = LinearSolve()
