"""`remat_p`: a Program whose backward pass computes the forward pass again instead of keeping it.

Linearized, it returns the results and the values that a policy keeps. The backward pass is a
Program of its own that takes the operands, the kept values and the cotangents: it computes the
other residuals again, then goes back. Under `jit` it stays one equation (``again=True``), which
no pass merges with the forward pass, and it keeps no memory between calls.

Chen, Xu, Zhang, Guestrin 2016, "Training deep nets with sublinear memory cost".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rtorch.compiler.passes import eliminate_dead, inline
from rtorch.compiler.plan import executable
from rtorch.core.primitive import Primitive, is_linear
from rtorch.core.program import Eqn, Program, Var, eval_program
from rtorch.ops.base import instantiate
from rtorch.transforms.derive import (
    Halves,
    Mask,
    Named,
    batch_program,
    closed,
    depends,
    jvp_program,
    linearize_program,
    once,
    size_of_batch,
    transpose_program,
)
from rtorch.transforms.stage import stage


def remat(program: Program, args: Sequence[Any], policy: Any, again: bool) -> tuple[Any, ...]:
    """Call `program` as one operation of the current trace.

    Args:
        program: What to call.
        args: One array per parameter.
        policy: Which values the backward pass may keep.
        again: Whether this computes something a second time, and must stay apart from the first.
    """
    program, outer = closed(program)
    return remat_p(*outer, *args, program=program, policy=policy, again=again)


class Remat(Primitive):
    """The results of a Program on arrays; see the module."""

    name = "remat"
    multiple = True
    batches_nothing = True

    def impl(self, xp: Any, *raw: Any, program: Program, **params: Any) -> Any:
        return executable(program, xp, transient=True)(*raw)

    def replay(self, *args: Any, program: Program, **params: Any) -> None:
        eval_program(quiet_program(program), *args)

    def infer(self, *avals: Any, program: Program, **params: Any) -> Any:
        return program.out_avals

    def depends(self, active: Any, smooth: bool, *, program: Program, **params: Any) -> Any:
        return depends(program, active, smooth)

    def jvp(self, primals: Any, tangents: Any, *, program: Program, **params: Any) -> Any:
        active = tuple([t is not None for t in tangents])
        derived, has_tangent = jvp_program(program, active)
        given = [t for t in tangents if t is not None]
        results = iter(remat(derived, [*primals, *given], **params))
        out = tuple([next(results) for _ in program.out_atoms])
        return out, tuple([next(results) if has else None for has in has_tangent])

    def linearize(
        self, tape: Any, primals: Any, tangents: Any, *, program: Program, **params: Any
    ) -> Any:
        active = tuple([t is not None for t in tangents])
        split = split_program(program, active, params["policy"])
        results = remat(split.forward, primals, **params)
        n = len(program.out_atoms)
        out, saved = results[:n], results[n:]
        known = [*[primals[i] for i in split.operands], *saved]
        nodes = iter(tape.record(
            LinearRemat(split, params["policy"]),
            (*known, *[t for t in tangents if t is not None]), {},
            [o for o, has in zip(out, split.halves.out_active) if has],
        ))  # fmt: skip
        return out, tuple([next(nodes) if has else None for has in split.halves.out_active])

    def transpose(self, ct: Any, *operands: Any, program: Program, **params: Any) -> Any:
        linear = tuple([is_linear(x) for x in operands])
        cts = [instantiate(c, v) for c, v in zip(ct, program.out_avals)]
        known = [x for x in operands if not is_linear(x)]
        results = iter(remat(transpose_program(program, linear), [*known, *cts], **params))
        return [next(results) if lin else None for lin in linear]

    def batch(self, args: Any, dims: Any, *, program: Program, **params: Any) -> tuple[Any, Any]:
        derived, out_dims = batch_program(program, tuple(dims), size_of_batch(program, args, dims))
        return remat(derived, args, **params), out_dims


class LinearRemat:
    """The entry of a tape that stands for a linearized Program; quacks like a linear primitive."""

    name = "linear_remat"
    multiple = True

    def __init__(self, split: Split, policy: Any) -> None:
        self.split = split
        self.policy = policy

    def __call__(self, *operands: Any) -> tuple[Any, ...]:
        split = self.split
        return remat(split.after_again(split.halves.push()), operands, self.policy, True)

    def transpose(self, ct: Any, *operands: Any) -> list[Any]:
        split = self.split
        n = len(split.again.in_vars)
        pull = split.after_again(split.halves.pull(tuple([c is not None for c in ct])))
        cts = [c for c in ct if c is not None]
        return [None] * n + list(remat(pull, [*operands[:n], *cts], self.policy, True))


remat_p = Remat()


# ---- what is kept and what is computed again -----------------------------------------------------


class Split(NamedTuple):
    """A linearized Program whose residuals are computed twice.

    `forward` takes the arguments and returns the results and the kept values. `again` takes those
    arguments that `operands` numbers and the kept values, and returns the residuals of `halves`.
    """

    halves: Halves
    forward: Program
    operands: tuple[int, ...]
    again: Program

    def after_again(self, linear: Program) -> Program:
        """`linear`, a function of residuals and more, with `again` to compute the residuals."""
        return self.again.cached(linear, lambda: self._compose(linear))

    def _compose(self, linear: Program) -> Program:
        again = self.again
        n = len(again.in_vars)

        def function(*args: Any) -> list[Any]:
            return eval_program(linear, *eval_program(again, *args[:n]), *args[n:])

        avals = again.in_avals + linear.in_avals[self.halves.n_residuals :]
        return eliminate_dead(stage(function, avals, named=Named(linear.name)))


@once
def split_program(program: Program, active: Mask, policy: Callable[..., bool]) -> Split:
    """`program` linearized by its `active` arguments, keeping what `policy` says."""
    halves = linearize_program(program, active)
    both = inline(halves.forward, remat=False)  # a policy sees into calls
    n = len(program.out_atoms)
    outs, residuals = both.out_atoms[:n], both.out_atoms[n:]
    eqns, saved, live = _computed_again(both, residuals, policy)
    operands = tuple([i for i, v in enumerate(both.in_vars) if v in live])
    forward = Program(both.in_vars, both.eqns, (*outs, *saved), both.consts, program.name)
    consts = {v: x for v, x in both.consts.items() if v in live}
    params = [*[both.in_vars[i] for i in operands], *saved]
    again = Program(params, eqns, residuals, consts, f"again_{program.name}")
    return Split(halves, eliminate_dead(forward), operands, again)


def _computed_again(
    program: Program, residuals: Sequence[Var], policy: Callable[..., bool]
) -> tuple[list[Eqn], list[Var], set[Var]]:
    """The equations that give the residuals from kept values, those values, and all that is read.

    An equation that acts, as a callback with results does, is never repeated: its results are
    kept whatever the policy says.
    """
    live = set(residuals)
    saved: dict[Var, None] = {}
    eqns: list[Eqn] = []
    for acting in reversed(program.eqns):
        needed = [v for v in acting.outs if v in live]
        if not needed:
            continue
        eqn = _without_effects(acting)
        avals = [a.aval if type(a) is Var else a for a in eqn.args]
        if eqn.effect or policy(eqn.prim, *avals, **eqn.params):
            saved.update(dict.fromkeys(needed))
        else:
            live.update([a for a in eqn.args if type(a) is Var])
            eqns.append(eqn)
    return eqns[::-1], list(saved), live


def _without_effects(eqn: Eqn) -> Eqn:
    """`eqn` without the prints and checks in Programs that it holds: they happened already."""
    if eqn.prim.effect or not eqn.effect:
        return eqn
    params = {name: _quiet(value) for name, value in eqn.params.items()}
    return Eqn(eqn.prim, eqn.args, params, eqn.outs, eqn.source)


def _quiet(param: Any) -> Any:
    if isinstance(param, tuple) and type(param) is tuple:
        return tuple(map(_quiet, param))
    return quiet_program(param) if isinstance(param, Program) else param


@once
def quiet_program(program: Program) -> Program:
    """`program` without the prints and checks; what acts and has results stays."""
    eqns = [_without_effects(eqn) for eqn in program.eqns if eqn.outs or not eqn.effect]
    return Program(program.in_vars, eqns, program.out_atoms, program.consts, program.name)
