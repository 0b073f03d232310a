"""Programs made from Programs: the jvp, the batched one, the halves of reverse mode.

Primitives that hold a Program (`call`, `scan`, `cond`, ...) derive another one in each of their
rules, once per Program and pattern of arguments (`Program.cached`). Reverse mode stages the
linearized function: what its tape reads from the primal side are the residuals, which the forward
half returns and the backward half takes.
"""

from __future__ import annotations

import functools
from _thread import RLock
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.axes import Collective, Key, Names, collective_sizes, programs_in
from rtorch.core.program import Eqn, Program, Var, eval_program
from rtorch.core.trace import Tracer, run, state
from rtorch.ops.base import batch_size, batched_front, instantiate
from rtorch.ops.collectives import pvary_p
from rtorch.transforms.arguments import vary
from rtorch.transforms.batch import BatchTracer, batch_trace
from rtorch.transforms.jvp import JVPTrace, JVPTracer
from rtorch.transforms.linearize import LinearizeTrace
from rtorch.transforms.stage import StageTrace, StageTracer, stage
from rtorch.transforms.tape import Tangent, Tape

Mask: TypeAlias = tuple[bool, ...]
Dims: TypeAlias = tuple[int | None, ...]
R = TypeVar("R")


def once(make: Callable[..., R]) -> Callable[..., R]:
    """``make(program, *args)``, done once for each Program and `args` and kept with the Program.

    And for each scope of named axes: what it lacks of the Program's own is being batched.
    """

    @functools.wraps(make)
    def derived(program: Program, *args: Any) -> R:
        found: R = program.cached(
            (make.__name__, *args, state.trace.axes), lambda: make(program, *args)
        )
        return found

    return derived


def closed(program: Program) -> tuple[Program, list[Array]]:
    """`program` with the tracers among its constants as leading parameters, and those tracers."""
    outer = {v: x for v, x in program.consts.items() if isinstance(x, Tracer)}
    if not outer:
        return program, []
    rest = {v: x for v, x in program.consts.items() if v not in outer}
    opened = Program((*outer, *program.in_vars), program.eqns, program.out_atoms, rest,
                     program.name)  # fmt: skip
    return opened, list(outer.values())


def with_common_consts(programs: Sequence[Program]) -> tuple[tuple[Program, ...], list[Array]]:
    """The Programs with all tracers that any of them closes over as leading parameters."""
    opened = [closed(program) for program in programs]
    consts = list({id(x): x for _, outer in opened for x in outer}.values())
    out = []
    for (program, outer), before in zip(opened, programs):
        own = dict(zip(map(id, outer), program.in_vars))
        leading = [own.get(id(x)) or Var(x.aval) for x in consts]
        rest = program.in_vars[len(program.in_vars) - len(before.in_vars) :]
        out.append(Program([*leading, *rest], program.eqns, program.out_atoms, program.consts,
                           program.name))  # fmt: skip
    return tuple(out), consts


def constant_zeros(aval: Aval) -> Array:
    """Zeros that are computed now, whatever is being staged: a constant of a Program."""
    return Array(np.broadcast_to(np.zeros((), aval.dtype), aval.shape))


def vary_all(values: Sequence[Any], avals: Sequence[Aval]) -> list[Any]:
    """`values`, varying over the named axes that `avals` do."""
    return [vary(x, v.varies) for x, v in zip(values, avals)]


def retyped(program: Program, avals: Sequence[Aval]) -> Program:
    """`program` for parameters that vary over the named axes that `avals` do."""
    if [v.varies for v in avals] == [v.varies for v in program.in_avals]:
        return program
    return stage(lambda *xs: eval_program(program, *xs), avals, named=Named(program.name))


def declared(program: Program, avals: Sequence[Aval]) -> Program:
    """`program` with results that vary over the named axes that `avals` do, of the first ones."""
    rest = program.out_avals[len(avals) :]
    wanted = [v.varying(v.varies | w.varies) for v, w in zip(program.out_avals, avals)]
    if wanted == program.out_avals[: len(avals)]:
        return program

    def function(*xs: Any) -> list[Any]:
        return vary_all(eval_program(program, *xs), [*wanted, *rest])

    return stage(function, program.in_avals, named=Named(program.name))


class Named:
    """Gives a derived Program its name."""

    def __init__(self, name: str) -> None:
        self.__name__ = name


def depends(program: Program, active: Mask, smooth: bool, more: Sequence[Var] = ()) -> Mask:
    """Which results depend on the active arguments, or on the variables `more`.

    With `smooth`, in a differentiable way.
    """
    found = {v for v, a in zip(program.in_vars, active) if a} | set(more)
    for eqn in program.eqns:
        own = tuple([type(a) is Var and a in found for a in eqn.args])
        if not any(own) or (smooth and not eqn.prim.differentiable):
            continue
        chosen = eqn.prim.depends(own, smooth, **eqn.params) or (True,) * len(eqn.outs)
        found.update(v for v, is_chosen in zip(eqn.outs, chosen)
                     if is_chosen and (not smooth or v.aval.dtype in dtypes.INEXACT))  # fmt: skip
    return tuple([v in found for v in program.out_atoms])


# ---- forward mode and batching -------------------------------------------------------------------


@once
def jvp_program(program: Program, active: Mask, forced: Mask | None = None) -> tuple[Program, Mask]:
    """From the arguments, and tangents of the active ones, to results and tangents of results.

    Args:
        program: What to differentiate.
        active: Which arguments have a tangent.
        forced: Which results get a tangent even if it is zero; by default none.

    Returns:
        The Program, and which results have a tangent.
    """
    has_tangent: list[bool] = []

    def function(*args: Any) -> list[Any]:
        n = len(program.in_vars)
        trace = JVPTrace(state.trace, "jvp", None)
        tangents = iter(args[n:])
        inputs = [JVPTracer(trace, x, next(tangents)) if a else x for x, a in zip(args, active)]
        pairs = [trace.split(y) for y in run(trace, eval_program, program, *inputs)]
        must = forced or (False,) * len(pairs)
        dots = [instantiate(t, p) if force else t for (p, t), force in zip(pairs, must)]
        has_tangent.extend(t is not None for t in dots)
        outs = vary_all([p for p, _ in pairs], program.out_avals)
        dots = [None if t is None else vary(t, v.varies) for t, v in zip(dots, program.out_avals)]
        return outs + [t for t in dots if t is not None]

    avals = program.in_avals + [v for v, a in zip(program.in_avals, active) if a]
    staged = stage(function, avals, named=Named(f"jvp_{program.name}"))
    return staged, tuple(has_tangent)


@once
def batch_program(
    program: Program, dims: Dims, size: int, forced: Mask | None = None
) -> tuple[Program, Dims]:
    """From arguments of which some have a batch axis to results of which some have one.

    Args:
        program: What to batch.
        dims: The batch axis of every argument, or None.
        size: The size of the batch.
        forced: Which results must have a batch axis, then in front; by default none.

    Returns:
        The Program, and the batch axis of every result.
    """
    out_dims: list[int | None] = []
    key = axis_to_batch(program)

    def function(*args: Any) -> list[Any]:
        trace = batch_trace(state.trace, size, "vmap", None, key)
        inputs = [x if d is None else BatchTracer(trace, x, d) for x, d in zip(args, dims)]
        pairs = [trace.split(y) for y in run(trace, eval_program, program, *inputs)]
        must = forced or (False,) * len(pairs)
        out_dims.extend(0 if force else d for (_, d), force in zip(pairs, must))
        outs = [batched_front(y, d, size) if force else y for (y, d), force in zip(pairs, must)]
        return vary_all(outs, program.out_avals)

    avals = [batched_aval(v, d, size) for v, d in zip(program.in_avals, dims)]
    return stage(function, avals, named=Named(f"vmap_{program.name}")), tuple(out_dims)


def size_of_batch(program: Program, args: Sequence[Any], dims: Sequence[int | None]) -> int:
    """The size of a batch; no operand has it where only collectives in `program` ask for one."""
    if any(d is not None for d in dims):
        return batch_size(args, dims)
    return collective_sizes(program)[axis_to_batch(program)]


def axis_to_batch(program: Program) -> Key:
    """The named axis that `program` is batched along: the one that is not in scope any more."""
    known = {key for key, _ in state.trace.axes}
    return next((key for key in collective_sizes(program) if key not in known), None)


def lanes_begin(program: Program) -> list[Var]:
    """The variables that differ between lanes though no parameter does: collectives say so."""
    key = axis_to_batch(program)
    return [v for eqn in program.eqns if key is not None and _concerns(eqn, key)
            for v in eqn.outs if key in v.aval.varies]  # fmt: skip


def _concerns(eqn: Eqn, key: Key) -> bool:
    if isinstance(eqn.prim, Collective):
        return key in eqn.params["axes"] and eqn.prim is not pvary_p
    return any(key in collective_sizes(p) for p in programs_in(eqn.params))


def _in_scope(names: Names) -> Names:
    return names and names.intersection([key for key, _ in state.trace.axes])


def batched_aval(aval: Aval, dim: int | None, size: int) -> Aval:
    """The aval of a batch of arrays, with the batch axis at `dim`."""
    varies = _in_scope(aval.varies)
    if dim is None:
        return aval.varying(varies)
    return Aval((*aval.shape[:dim], size, *aval.shape[dim:]), aval.dtype, aval.weak, varies)


# ---- reverse mode --------------------------------------------------------------------------------


class Halves(NamedTuple):
    """A linearized Program.

    `forward` takes the arguments and returns the results and the residuals. `push` maps residuals
    and tangents of the active arguments to tangents of the active results; `pull` goes back, from
    the cotangents of those active results that its argument says are given.
    """

    forward: Program
    out_active: Mask
    n_residuals: int
    push: Callable[[], Program]
    pull: Callable[..., Program]


@once
def linearize_program(program: Program, active: Mask, forced: Mask | None = None) -> Halves:
    """The halves of `program`; see `Halves`.

    Args:
        program: What to linearize.
        active: Which arguments are differentiated.
        forced: Which results count as active even if their tangent is zero; by default none.
    """
    forward_trace = StageTrace("linearization", Named(f"forward_{program.name}"))
    params = [forward_trace.parameter(aval) for aval in program.in_avals]
    trace = LinearizeTrace(forward_trace, "grad", None)
    inputs: list[Any] = [trace.variable(x) if a else x for x, a in zip(params, active)]

    def body() -> list[Any]:
        def typed() -> list[Any]:
            return vary_all(eval_program(program, *inputs), program.out_avals)

        return run(trace, typed)

    outs = run(forward_trace, body)
    nodes = [trace.node_of(y) for y in outs]
    sources = [x.node for x, a in zip(inputs, active) if a]
    tape = trace.tape
    tape.prune(nodes)
    residuals = _residuals(tape, forward_trace)
    primals = [trace.primal_of(y) for y in outs]
    forward = forward_trace.program(params, [*primals, *residuals])
    must = forced or (False,) * len(nodes)
    out_active = tuple([n is not None or force for n, force in zip(nodes, must)])
    targets = [n for n, is_active in zip(nodes, out_active) if is_active]
    avals = [v for v, is_active in zip(program.out_avals, out_active) if is_active]
    made: dict[Any, Program] = {}

    lock = RLock()

    def derived(key: Any, name: str, function: Callable[..., Any], avals: Any) -> Program:
        with lock:
            if key not in made:
                forward_trace.alive = True  # its values stand for the residuals while we stage
                try:
                    staged = stage(function, avals, named=Named(f"{name}_{program.name}"))
                finally:
                    forward_trace.alive = False
                made[key] = _with_residuals(staged, residuals, forward_trace)
            return made[key]

    def push() -> Program:
        def function(*tangents: Any) -> list[Any]:
            env = dict(zip(sources, tangents))
            tape.push(env)
            found = [None if t is None else env.get(t) for t in targets]
            return vary_all([instantiate(t, aval) for t, aval in zip(found, avals)], avals)

        return derived("push", "push", function, [s.aval for s in sources])

    def pull(given: Mask | None = None) -> Program:
        which = given or (True,) * len(targets)
        chosen = [t for t, is_given in zip(targets, which) if is_given]

        def function(*cts: Any) -> list[Any]:
            return pull_back(tape, sources, chosen, cts)

        inputs = [aval for aval, is_given in zip(avals, which) if is_given]
        return derived(which, "backward", function, inputs)

    return Halves(forward, out_active, len(residuals), push, pull)


def pull_back(
    tape: Tape, sources: Sequence[Tangent], targets: Sequence[Tangent | None], cts: Sequence[Any]
) -> list[Any]:
    """Cotangents of the tape's variables `sources` for cotangents of `targets`."""
    env: dict[Tangent, Any] = {}
    for target, ct in zip(targets, cts):
        if target is not None:
            env[target] = ct if target not in env else env[target] + ct
    tape.pull(env)
    return vary_all([instantiate(env.get(s), s) for s in sources], [s.aval for s in sources])


def _residuals(tape: Tape, forward: StageTrace) -> list[StageTracer]:
    """The values of the forward half that the tape reads, each once."""
    found: dict[Var, StageTracer] = {}
    for entry in tape.entries:
        for x in entry.constants:
            if type(x) is StageTracer and x._trace is forward:
                found.setdefault(x._var, x)
    return list(found.values())


def _with_residuals(
    program: Program, residuals: Sequence[StageTracer], forward: StageTrace
) -> Program:
    """`program` with what it captured of the forward half as leading parameters."""
    captured: dict[Var, Var] = {}
    rest: dict[Var, Array] = {}
    for var, x in program.consts.items():
        if type(x) is StageTracer and x._trace is forward:
            captured[x._var] = var
        else:
            rest[var] = x
    leading = [captured.get(r._var, Var(r._var.aval)) for r in residuals]
    return Program((*leading, *program.in_vars), program.eqns, program.out_atoms, rest,
                   program.name)  # fmt: skip


@once
def transpose_program(program: Program, linear: Mask) -> Program:
    """From the arguments that are not linear, and cotangents of results, to cotangents."""

    def function(*args: Any) -> list[Any]:
        known, cts = args[: linear.count(False)], args[linear.count(False) :]
        tape = Tape(state.trace)
        sources = [tape.variable(v) for v, lin in zip(program.in_avals, linear) if lin]
        known_iter, source_iter = iter(known), iter(sources)
        inputs = [next(source_iter) if lin else next(known_iter) for lin in linear]
        outs = run(tape, eval_program, program, *inputs)
        pairs = [(y, ct) for y, ct in zip(outs, cts) if isinstance(y, Tangent) and y._trace is tape]
        return pull_back(tape, sources, [y for y, _ in pairs], [ct for _, ct in pairs])

    avals = [v for v, lin in zip(program.in_avals, linear) if not lin] + program.out_avals
    return stage(function, avals, named=Named(f"transpose_{program.name}"))
