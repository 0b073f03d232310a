"""Operations that hold Programs, run equation by equation so that each one is seen.

The equations are those after the passes of the compiler, each with memory of its own, where the
plan would reuse buffers. Values die as soon as nothing reads them any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rtorch.compiler.passes import optimize
from rtorch.compiler.plan import dead_after
from rtorch.core import backend
from rtorch.core.array import Array, CudaArray, wrap
from rtorch.core.primitive import Primitive
from rtorch.core.printer import programs_in
from rtorch.core.program import Program, Var
from rtorch.core.trace import on_one_device


def step_of(prim: Primitive) -> Callable[..., list[Array]] | None:
    """The function ``(args, params)`` that runs `prim` step by step, if it can be."""
    return _STEPS.get(prim.name)


def prepare(params: dict[str, Any]) -> None:
    """Optimize the Programs in `params`, which is done once, before the time is taken."""
    for value in params.values():
        for program in programs_in(value):
            optimize(program)


def run_program(program: Program, args: Sequence[Array]) -> list[Array]:
    """Bind the equations of the optimized Program one after the other."""
    program = optimize(program)
    dead: list[set[Var]] = program.cached("dead after", lambda: dead_after(program))
    device = next((x.device for x in args if isinstance(x, CudaArray)), None)
    env: dict[Var, Any] = {v: _placed(x, device) for v, x in program.consts.items()}
    env.update(zip(program.in_vars, args))
    for eqn, last_read in zip(program.eqns, dead):
        _source = eqn.source  # whose line it is: see errors.user_line
        given = [env[a] if type(a) is Var else a for a in eqn.args]
        out = eqn.prim(*given, **eqn.params)
        outs = out if eqn.prim.multiple else (out,)
        env.update((v, _placed(x, device)) for v, x in zip(eqn.outs, outs))
        del given, out, outs
        for var in last_read:
            env.pop(var, None)
    return [env[v] for v in program.out_atoms]


def _placed(x: Array, device: backend.Device | None) -> Array:
    """`x` on the device of the Program's arguments, where what is made from nothing belongs."""
    return x if device is None or isinstance(x, CudaArray) else x.to(device)


def on_their_device(prim: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Array]:
    """The operands on one device, as evaluation has them; those that cannot be there raise."""
    if not any(isinstance(x, CudaArray) for x in args):
        return list(args)
    return [wrap(raw) for raw in on_one_device(prim, [x._data for x in args], params)]


def _call(args: Any, params: Any) -> list[Array]:
    return run_program(params["program"], args)


def _switch(args: Any, params: Any) -> list[Array]:
    index, *operands = args
    return run_program(params["branches"][int(index)], operands)


def _scan(args: Any, params: Any) -> list[Array]:
    program, shape = params["program"], params["shape"]
    consts, carry, xs = shape.split(args)
    on_gpu = any(isinstance(x, CudaArray) for x in args)
    xp = backend.cupy() if on_gpu else np
    ys = [xp.empty((shape.length, *y.shape), y.dtype) for y in program.out_avals[shape.n_carry :]]
    for i in shape.order:
        out = run_program(program, [*consts, *carry, *[wrap(x._data[i]) for x in xs]])
        carry = out[: shape.n_carry]
        for stacked, y in zip(ys, out[shape.n_carry :]):
            stacked[i] = y._data
    return [*carry, *map(wrap, ys)]


def _while(args: Any, params: Any) -> list[Array]:
    loop = params["loop"]
    cond_consts, consts, carry = loop.split(args)
    steps = 0
    while steps != loop.max_steps and bool(run_program(loop.cond, [*cond_consts, *carry])[0]):
        carry = run_program(loop.body, [*consts, *carry])
        steps += 1
    return list(carry)


_STEPS: dict[str, Callable[..., list[Array]]] = {
    "call": _call,
    "remat": _call,
    "switch": _switch,
    "scan": _scan,
    "while_loop": _while,
}
