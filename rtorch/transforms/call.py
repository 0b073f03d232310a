"""`call_p`: a staged function as one operation, and what every transformation makes of it.

Each rule derives another Program (the forward and backward halves, the batched one, ...), once
per Program and pattern of arguments, and calls that. Forward mode stages the jvp. Reverse mode
stages the linearized function: what its tape reads from the primal side are the residuals, which
the forward half returns and the backward half takes.
"""

from __future__ import annotations

from _thread import RLock
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rtorch.compiler.plan import executable
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive, is_linear
from rtorch.core.program import Program, Var, eval_program
from rtorch.core.trace import Tracer, run, state
from rtorch.ops.base import batch_size, instantiate
from rtorch.transforms.batch import BatchTrace, BatchTracer
from rtorch.transforms.jvp import JVPTrace, JVPTracer
from rtorch.transforms.linearize import LinearizeTrace
from rtorch.transforms.stage import StageTrace, StageTracer, stage
from rtorch.transforms.tape import Tangent, Tape


def closed(program: Program) -> tuple[Program, list[Array]]:
    """`program` with the tracers among its constants as leading parameters, and those tracers."""
    outer = {v: x for v, x in program.consts.items() if isinstance(x, Tracer)}
    if not outer:
        return program, []
    rest = {v: x for v, x in program.consts.items() if v not in outer}
    opened = Program((*outer, *program.in_vars), program.eqns, program.out_atoms, rest,
                     program.name)  # fmt: skip
    return opened, list(outer.values())


def call(program: Program, args: Sequence[Any]) -> tuple[Any, ...]:
    """Call `program` as one operation of the current trace."""
    program, outer = closed(program)
    return call_p(*outer, *args, program=program)


class Call(Primitive):
    """The results of a Program on arrays."""

    name = "call"
    multiple = True

    def impl(self, xp: Any, *raw: Any, program: Program) -> Any:
        return executable(program, xp)(*raw)

    def infer(self, *avals: Any, program: Program) -> Any:
        return program.out_avals

    def jvp(self, primals: Any, tangents: Any, *, program: Program) -> tuple[Any, Any]:
        active = tuple([t is not None for t in tangents])
        derived, has_tangent = program.cached(
            ("jvp", active), lambda: _jvp_program(program, active)
        )
        results = iter(call(derived, [*primals, *[t for t in tangents if t is not None]]))
        out = tuple([next(results) for _ in program.out_atoms])
        return out, tuple([next(results) if has else None for has in has_tangent])

    def linearize(self, tape: Any, primals: Any, tangents: Any, *, program: Program) -> Any:
        active = tuple([t is not None for t in tangents])
        halves: Halves = program.cached(
            ("linearize", active), lambda: _linearize_program(program, active)
        )
        results = call(halves.forward, primals)
        n = len(program.out_atoms)
        out, residuals = results[:n], results[n:]
        nodes = tape.record(
            LinearCall(halves), (*residuals, *[t for t in tangents if t is not None]), {},
            [o for o, has in zip(out, halves.out_active) if has],
        )  # fmt: skip
        places = iter(nodes)
        return out, tuple([next(places) if has else None for has in halves.out_active])

    def transpose(self, ct: Any, *operands: Any, program: Program) -> Any:
        linear = tuple([is_linear(x) for x in operands])
        cts = [instantiate(c, v) for c, v in zip(ct, program.out_avals)]
        derived = program.cached(("transpose", linear), lambda: _transpose_program(program, linear))
        results = iter(call(derived, [*[x for x in operands if not is_linear(x)], *cts]))
        return [next(results) if lin else None for lin in linear]

    def batch(self, args: Any, dims: Any, *, program: Program) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        derived, out_dims = program.cached(
            ("batch", tuple(dims), size), lambda: _batch_program(program, tuple(dims), size)
        )
        return call(derived, args), out_dims


call_p = Call()


# ---- forward mode and batching -------------------------------------------------------------------


def _jvp_program(program: Program, active: tuple[bool, ...]) -> tuple[Program, list[bool]]:
    has_tangent: list[bool] = []

    def function(*args: Any) -> list[Any]:
        n = len(program.in_vars)
        trace = JVPTrace(state.trace, "jvp", None)
        tangents = iter(args[n:])
        inputs = [JVPTracer(trace, x, next(tangents)) if a else x for x, a in zip(args, active)]
        pairs = [trace.split(y) for y in run(trace, eval_program, program, *inputs)]
        has_tangent.extend(t is not None for _, t in pairs)
        return [p for p, _ in pairs] + [t for _, t in pairs if t is not None]

    avals = program.in_avals + [v for v, a in zip(program.in_avals, active) if a]
    return stage(function, avals, named=_Named(f"jvp_{program.name}")), has_tangent


def _batch_program(
    program: Program, dims: tuple[int | None, ...], size: int
) -> tuple[Program, tuple[int | None, ...]]:
    out_dims: list[int | None] = []

    def function(*args: Any) -> list[Any]:
        trace = BatchTrace(state.trace, size, "vmap", None)
        inputs = [x if d is None else BatchTracer(trace, x, d) for x, d in zip(args, dims)]
        pairs = [trace.split(y) for y in run(trace, eval_program, program, *inputs)]
        out_dims.extend(d for _, d in pairs)
        return [y for y, _ in pairs]

    avals = [v if d is None else Aval((*v.shape[:d], size, *v.shape[d:]), v.dtype, v.weak)
             for v, d in zip(program.in_avals, dims)]  # fmt: skip
    return stage(function, avals, named=_Named(f"vmap_{program.name}")), tuple(out_dims)


class _Named:
    """Gives a derived Program its name."""

    def __init__(self, name: str) -> None:
        self.__name__ = name


# ---- reverse mode --------------------------------------------------------------------------------


class Halves(NamedTuple):
    """A linearized Program.

    `forward` takes the arguments and returns the results and the residuals. `push` maps residuals
    and tangents of the active arguments to tangents of the active results; `pull` goes back.
    """

    forward: Program
    out_active: list[bool]
    n_residuals: int
    push: Callable[[], Program]
    pull: Callable[[], Program]


class LinearCall:
    """The entry of a tape that stands for a linearized call; quacks like a linear primitive."""

    name = "linear_call"
    multiple = True

    def __init__(self, halves: Halves) -> None:
        self.halves = halves

    def __call__(self, *operands: Any) -> tuple[Any, ...]:
        return call(self.halves.push(), operands)

    def transpose(self, ct: Any, *operands: Any) -> list[Any]:
        n = self.halves.n_residuals
        avals = self.halves.push().out_avals if any(c is None for c in ct) else [None] * len(ct)
        cts = [instantiate(c, v) for c, v in zip(ct, avals)]
        return [None] * n + list(call(self.halves.pull(), [*operands[:n], *cts]))


def _linearize_program(program: Program, active: tuple[bool, ...]) -> Halves:
    forward_trace = StageTrace("linearization", _Named(f"forward_{program.name}"))
    params = [forward_trace.parameter(aval) for aval in program.in_avals]
    trace = LinearizeTrace(forward_trace, "grad", None)
    inputs: list[Any] = [trace.variable(x) if a else x for x, a in zip(params, active)]

    def body() -> list[Any]:
        return run(trace, eval_program, program, *inputs)

    outs = run(forward_trace, body)
    nodes = [trace.node_of(y) for y in outs]
    sources = [x.node for x, a in zip(inputs, active) if a]
    tape = trace.tape
    tape.prune(nodes)
    residuals = _residuals(tape, forward_trace)
    primals = [trace.primal_of(y) for y in outs]
    forward = forward_trace.program(params, [*primals, *residuals])
    targets = [n for n in nodes if n is not None]
    made: dict[str, Program] = {}

    lock = RLock()

    def derived(name: str, function: Callable[..., Any], avals: list[Aval]) -> Program:
        with lock:
            if name not in made:
                forward_trace.alive = True  # its values stand for the residuals while we stage
                try:
                    staged = stage(function, avals, named=_Named(f"{name}_{program.name}"))
                finally:
                    forward_trace.alive = False
                made[name] = _with_residuals(staged, residuals)
            return made[name]

    def push() -> Program:
        return derived("push", lambda *ts: _push(tape, sources, targets, ts),
                       [s.aval for s in sources])  # fmt: skip

    def pull() -> Program:
        return derived("backward", lambda *cts: _pull(tape, sources, targets, cts),
                       [t.aval for t in targets])  # fmt: skip

    return Halves(forward, [n is not None for n in nodes], len(residuals), push, pull)


def _push(tape: Tape, sources: Any, targets: Any, tangents: Any) -> list[Any]:
    env = dict(zip(sources, tangents))
    tape.push(env)
    return [instantiate(env.get(t), t) for t in targets]


def _pull(tape: Tape, sources: Any, targets: Any, cts: Any) -> list[Any]:
    env: dict[Tangent, Any] = {}
    for target, ct in zip(targets, cts):
        env[target] = ct if target not in env else env[target] + ct
    tape.pull(env)
    return [instantiate(env.get(s), s) for s in sources]


def _residuals(tape: Tape, forward: StageTrace) -> list[StageTracer]:
    """The values of the forward half that the tape reads, each once."""
    found: dict[Var, StageTracer] = {}
    for entry in tape.entries:
        for x in entry.constants:
            if type(x) is StageTracer and x._trace is forward:
                found.setdefault(x._var, x)
    return list(found.values())


def _with_residuals(program: Program, residuals: Sequence[StageTracer]) -> Program:
    """`program` with what it captured of the forward half as leading parameters."""
    captured: dict[Var, Var] = {}
    rest: dict[Var, Array] = {}
    for var, x in program.consts.items():
        if type(x) is StageTracer and x._trace is residuals[0]._trace:
            captured[x._var] = var
        else:
            rest[var] = x
    leading = [captured.get(r._var, Var(r._var.aval)) for r in residuals]
    return Program((*leading, *program.in_vars), program.eqns, program.out_atoms, rest,
                   program.name)  # fmt: skip


def _transpose_program(program: Program, linear: tuple[bool, ...]) -> Program:
    """From the operands that are not linear, and cotangents of the results, to cotangents."""

    def function(*args: Any) -> list[Any]:
        known, cts = args[: linear.count(False)], args[linear.count(False) :]
        tape = Tape(state.trace)
        sources = [tape.variable(v) for v, lin in zip(program.in_avals, linear) if lin]
        known_iter, source_iter = iter(known), iter(sources)
        inputs = [next(source_iter) if lin else next(known_iter) for lin in linear]
        outs = run(tape, eval_program, program, *inputs)
        pairs = [(y, ct) for y, ct in zip(outs, cts) if isinstance(y, Tangent) and y._trace is tape]
        return _pull(tape, sources, [y for y, _ in pairs], [ct for _, ct in pairs])

    avals = [v for v, lin in zip(program.in_avals, linear) if not lin] + program.out_avals
    return stage(function, avals, named=_Named(f"transpose_{program.name}"))
