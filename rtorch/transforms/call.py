"""`call_p`: a staged function as one operation, and what every transformation makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rtorch.compiler.passes import optimize
from rtorch.compiler.plan import executable
from rtorch.core.array import Array, WeakArray
from rtorch.core.dtypes import INTEGERS
from rtorch.core.primitive import Primitive, is_linear
from rtorch.core.program import Program, Var, run_again
from rtorch.ops.base import instantiate
from rtorch.transforms.derive import (
    Halves,
    batch_program,
    closed,
    depends,
    jvp_program,
    linearize_program,
    size_of_batch,
    transpose_program,
)


def call(program: Program, args: Sequence[Any]) -> tuple[Any, ...]:
    """Call `program` as one operation of the current trace."""
    program, outer = closed(program)
    outs = call_p(*outer, *args, program=program)
    if not program.cached("weak", lambda: any(v.weak for v in program.out_avals)):
        return outs
    return tuple([WeakArray(y._data) if v.weak and type(y) is Array else y
                  for y, v in zip(outs, program.out_avals)])  # fmt: skip


class Call(Primitive):
    """The results of a Program on arrays."""

    name = "call"
    multiple = True
    batches_nothing = True
    inlines = True

    def impl(self, xp: Any, *raw: Any, program: Program) -> Any:
        return executable(program, xp)(*raw)

    def replay(self, *args: Any, program: Program) -> None:
        run_again(program, *args)

    def infer(self, *avals: Any, program: Program) -> Any:
        return program.out_avals

    def takes_index(self, i: int, /, **params: Any) -> bool:
        program: Program = params["program"]
        return i in program.cached("indices", lambda: _index_parameters(optimize(program)))

    def depends(self, active: Any, smooth: bool, *, program: Program) -> Any:
        return depends(program, active, smooth)

    def jvp(self, primals: Any, tangents: Any, *, program: Program) -> tuple[Any, Any]:
        active = tuple([t is not None for t in tangents])
        derived, has_tangent = jvp_program(program, active)
        results = iter(call(derived, [*primals, *[t for t in tangents if t is not None]]))
        out = tuple([next(results) for _ in program.out_atoms])
        return out, tuple([next(results) if has else None for has in has_tangent])

    def linearize(self, tape: Any, primals: Any, tangents: Any, *, program: Program) -> Any:
        active = tuple([t is not None for t in tangents])
        halves = linearize_program(program, active)
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
        derived = transpose_program(program, linear)
        results = iter(call(derived, [*[x for x in operands if not is_linear(x)], *cts]))
        return [next(results) if lin else None for lin in linear]

    def batch(self, args: Any, dims: Any, *, program: Program) -> tuple[Any, Any]:
        derived, out_dims = batch_program(program, tuple(dims), size_of_batch(program, args, dims))
        return call(derived, args), out_dims


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
        pull = self.halves.pull(tuple([c is not None for c in ct]))
        return [None] * n + list(call(pull, [*operands[:n], *[c for c in ct if c is not None]]))


call_p = Call()


def _index_parameters(program: Program) -> frozenset[int]:
    """The places of parameters that reach float results only as indices or as single numbers.

    Eager code moves those to the GPU where they meet arrays that are there.
    """
    others = {v for v in program.out_atoms if type(v) is Var and v.aval.dtype not in INTEGERS}
    for eqn in reversed(program.eqns):
        if eqn.effect or any(v in others for v in eqn.outs):
            others.update(
                v for i, v in enumerate(eqn.args)
                if type(v) is Var and math.prod(v.aval.shape) != 1
                and not eqn.prim.takes_index(i, **eqn.params)
            )  # fmt: skip
    return frozenset(i for i, v in enumerate(program.in_vars) if v not in others)
