"""Which elements of a result depend on which elements of an argument, read off the Program.

A dependence is an array of booleans with one axis in front, of length ``n``, for the elements of
the argument. What is linear, or linear in what depends, is done to random tangents: a sum of them
is zero only if nothing was added. Elementwise operations join, reductions spread along their axes.
All other operations are taken to mix everything, so that the pattern is never too small.

Griewank and Walther 2008, "Evaluating derivatives", chapter 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rtorch.compiler.passes import inline
from rtorch.core import dtypes
from rtorch.core.array import Array, wrap
from rtorch.core.program import Eqn, Program, Var
from rtorch.core.trace import EVAL, state
from rtorch.errors import ArgumentError, api
from rtorch.numpy.operands import convert
from rtorch.ops.base import Bilinear, Elementwise, Linear
from rtorch.ops.cumulative import Cumulative
from rtorch.ops.reduction import Reduction
from rtorch.transforms.arguments import argnums_of, check_callable
from rtorch.transforms.linear import jvp
from rtorch.transforms.programs import make_program
from rtorch.transforms.vmap import vmap

Dependence = Any  # an array of booleans, None for no dependence

# Linear in the values that they take and move, if it is known where.
MOVING = ("gather", "dynamic_slice", "dynamic_update_slice")
SUMS = ("add", "set")  # what a scatter may do besides


@api
def sparsity_pattern(function: Callable[..., Any], *args: Any, argnums: int = 0) -> Array:
    """Where the Jacobian of a function may differ from zero, for any values of its argument.

    The function is recorded, not run. Where a branch or an index depends on values, every element
    is taken to matter; so are all elements of what control flow, decompositions and sorting
    return. So the pattern may be larger than need be, never smaller.

    Args:
        function: From arrays to one array.
        *args: Arrays or specs (`rt.spec`).
        argnums: Which argument to differentiate by.

    Returns:
        A bool Array of shape ``(result.size, argument.size)``, for `sparse_jacobian`; of a
        gradient for `sparse_hessian`. It takes memory in proportion to its size.

    Raises:
        ArgumentError: if the argument or the result is not one array.

    Example:
        >>> import rtorch as rt
        >>> rt.sparsity_pattern(lambda x: x[1:] * x[:-1], rt.spec(3)).astype(int).tolist()
        [[1, 1, 0], [0, 1, 1]]
    """
    check_callable(function, "sparsity_pattern")
    (number,) = argnums_of((argnums,), len(args), "sparsity_pattern")
    program = make_program(lambda x: function(*args[:number], x, *args[number + 1 :]))(args[number])
    if len(program.in_vars) != 1 or len(program.out_atoms) != 1:
        raise ArgumentError(
            f"[sparsity_pattern] argument and result must be one array each, got "
            f"{len(program.in_vars)} and {len(program.out_atoms)}"
        )
    return wrap(_evaluated(_pattern, program))


def _evaluated(function: Callable[..., Any], *args: Any) -> Any:
    """Compute, also while something else is recorded: no traced value decides the pattern."""
    before = state.trace
    state.trace = EVAL
    try:
        with np.errstate(all="ignore"):
            return function(*args)
    finally:
        state.trace = before


def _pattern(program: Program) -> Any:
    program = inline(program)
    (x,), (y,) = program.in_avals, program.out_avals
    own = np.eye(x.size, dtype=bool).reshape(x.size, *x.shape)
    walk = _Walk(program, own if x.dtype in dtypes.INEXACT else None, x.size)
    out = walk.found.get(program.out_atoms[0])
    if out is None:
        return np.zeros((y.size, x.size), bool)
    return np.ascontiguousarray(out.reshape(x.size, y.size).T)


class _Walk:
    """Dependences and known values, equation by equation."""

    def __init__(self, program: Program, own: Dependence, n: int) -> None:
        self.n = n
        self.rng = np.random.default_rng(0)
        self.found: dict[Any, Dependence] = {program.in_vars[0]: own}
        self.known: dict[Any, Any] = dict(program.consts)
        for eqn in program.eqns:
            if not eqn.effect:
                self._step(eqn)

    def _step(self, eqn: Eqn) -> None:
        deps = [self.found.get(a) if type(a) is Var else None for a in eqn.args]
        if all(type(a) is not Var or a in self.known for a in eqn.args):
            values = [self.known[a] if type(a) is Var else a for a in eqn.args]
            out = eqn.prim(*values, **eqn.params)
            self.known.update(zip(eqn.outs, out if eqn.prim.multiple else (out,)))
        elif eqn.prim.differentiable and any(d is not None for d in deps):
            out = self._rule(eqn)(eqn, deps)
            for var, dep in zip(eqn.outs, out if eqn.prim.multiple else (out,)):
                self.found[var] = dep if var.aval.dtype in dtypes.INEXACT else None

    def _rule(self, eqn: Eqn) -> Callable[[Eqn, list[Dependence]], Any]:
        prim = eqn.prim
        if prim.multiple:
            return self._mix
        if prim.name == "select":
            return self._select
        if isinstance(prim, Elementwise):
            return self._join
        moved = prim.name in MOVING or (prim.name == "scatter" and eqn.params["op"] in SUMS)
        first = prim.first_index if prim.first_index is not None else 1
        places = eqn.args[2:] if prim.name == "dynamic_update_slice" else eqn.args[first:]
        if moved and all(type(a) is not Var or a in self.known for a in places):
            return self._push
        if isinstance(prim, (Linear, Bilinear)):
            return self._push
        if isinstance(prim, Reduction):
            return self._reduce
        return self._accumulate if isinstance(prim, Cumulative) else self._mix

    def _join(self, eqn: Eqn, deps: list[Dependence]) -> Dependence:
        partials = eqn.prim.partials  # type: ignore[attr-defined]
        chosen = [d for d, p in zip(deps, partials) if d is not None and p is not None]
        if not chosen:
            return None
        joined = np.logical_or.reduce(chosen)
        factors = [self.known[a] for a in eqn.args if type(a) is Var and a in self.known]
        if eqn.prim.name == "mul" and factors:  # a mask, perhaps
            joined = joined & (np.asarray(factors[0]) != 0)
        return joined

    def _select(self, eqn: Eqn, deps: list[Dependence]) -> Dependence:
        shape = (self.n, *eqn.outs[0].aval.shape)
        x, y = [np.zeros(shape, bool) if d is None else d for d in deps[1:]]
        condition = self.known.get(eqn.args[0]) if type(eqn.args[0]) is Var else None
        return x | y if condition is None else np.where(np.asarray(condition), x, y)

    def _push(self, eqn: Eqn, deps: list[Dependence]) -> Dependence:
        """What is linear in the operands that depend, done to random tangents of them."""
        primals = [self._primal(a, isinstance(eqn.prim, Bilinear)) for a in eqn.args]
        active = [k for k, d in enumerate(deps) if d is not None]
        if not self.n:
            return np.zeros((0, *eqn.outs[0].aval.shape), bool)

        def lane(*tangents: Any) -> Any:
            def function(*values: Any) -> Any:
                full = list(primals)
                for k, value in zip(active, values):
                    full[k] = value
                return eqn.prim(*full, **eqn.params)

            return jvp(function, [primals[k] for k in active], tangents)[1]

        out = vmap(lane)(*[self._tangent(deps[k], primals[k]) for k in active])
        return np.asarray(out) != 0

    def _primal(self, atom: Any, as_factor: bool) -> Any:
        if type(atom) is not Var:
            return atom
        if atom in self.known:
            value = self.known[atom]
            return convert(value != 0, value.dtype) if as_factor else value  # nothing cancels
        aval = atom.aval
        return wrap(np.asarray(self.rng.uniform(0.5, 1.5, aval.shape)).astype(aval.dtype))

    def _tangent(self, dep: Any, primal: Any) -> Any:
        return wrap(np.where(dep, self.rng.uniform(0.5, 1.5, dep.shape), 0).astype(primal.dtype))

    def _reduce(self, eqn: Eqn, deps: list[Dependence]) -> Dependence:
        return np.logical_or.reduce(deps[0], tuple([a + 1 for a in eqn.params["axes"]]))

    def _accumulate(self, eqn: Eqn, deps: list[Dependence]) -> Dependence:
        axis = eqn.params["axis"] + 1
        if eqn.params["reverse"]:
            return np.flip(np.logical_or.accumulate(np.flip(deps[0], axis), axis), axis)
        return np.logical_or.accumulate(deps[0], axis)

    def _mix(self, eqn: Eqn, deps: Sequence[Dependence]) -> Any:
        """Every element of every result depends on what any operand depends on."""
        reached = np.zeros(self.n, bool)
        for dep in deps:
            if dep is not None:
                reached |= dep.reshape(self.n, -1).any(1)
        outs = [
            np.broadcast_to(reached.reshape(-1, *[1] * v.aval.ndim), (self.n, *v.aval.shape))
            for v in eqn.outs
        ]
        return outs if eqn.prim.multiple else outs[0]
