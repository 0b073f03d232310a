"""What a Program costs: arithmetic, memory traffic, and the memory of its plan.

Operations are counted by the ``flops`` rule of each primitive, after the passes. Bytes are those
of the operands and results of every equation, as if nothing stayed in the cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rtorch.compiler.passes import optimize
from rtorch.compiler.plan import executable
from rtorch.core.aval import Aval
from rtorch.core.program import Eqn, Program, Var


class Memory(NamedTuple):
    """The bytes that a compiled function needs.

    Attributes:
        argument_bytes: Its arguments.
        output_bytes: Its results.
        constant_bytes: The arrays that it holds.
        temp_bytes: The most that it needs in between, beside those.
    """

    argument_bytes: int
    output_bytes: int
    constant_bytes: int
    temp_bytes: int


class Cost(NamedTuple):
    """Sums over equations."""

    flops: float = 0.0
    transcendentals: float = 0.0
    bytes: float = 0.0

    def plus(self, other: Cost, times: float = 1.0) -> Cost:
        return Cost(*[x + times * y for x, y in zip(self, other)])


def cost_analysis(program: Program) -> dict[str, float]:
    """Flops, bytes accessed and transcendental functions of one run."""
    cost = _cost_of(optimize(program))
    return {
        "flops": cost.flops,
        "transcendentals": cost.transcendentals,
        "bytes accessed": cost.bytes,
    }


def memory_analysis(program: Program) -> Memory:
    """The memory of the plan that NumPy runs."""
    run: Any = executable(program, np)
    constants = [x._data for x in optimize(program).consts.values()]
    return Memory(
        sum(map(_nbytes, program.in_avals)),
        sum(map(_nbytes, program.out_avals)),
        sum(_held(x) for x in constants),
        run.temp_bytes + _most_inside(program),
    )


def _most_inside(program: Program) -> int:
    """What the Programs need that equations run: one after the other."""
    inner = [
        memory_analysis(choice).temp_bytes
        for eqn in optimize(program).eqns
        for _, choices in eqn.prim.sub_programs(**eqn.params)
        for choice in choices
    ]
    return max(inner, default=0)


def _held(x: Any) -> int:
    """Bytes in memory: a repeated number is held once."""
    repeated = [n if stride else 1 for n, stride in zip(x.shape, x.strides)]
    return int(np.prod(repeated, dtype=np.int64)) * int(x.dtype.itemsize)


def _cost_of(program: Program) -> Cost:
    def make() -> Cost:
        total = Cost()
        for eqn in program.eqns:
            total = total.plus(_cost_of_equation(eqn))
        return total

    return program.cached("cost", make)


def _cost_of_equation(eqn: Eqn) -> Cost:
    inner = eqn.prim.sub_programs(**eqn.params)
    if inner:
        return _cost_of_inner(inner)
    avals = [a.aval if type(a) is Var else a for a in eqn.args]
    count = float(eqn.prim.flops(*avals, **eqn.params))
    touched = 0 if eqn.prim.view else sum(
        _nbytes(v) for v in [*avals, *[out.aval for out in eqn.outs]] if isinstance(v, Aval)
    )  # fmt: skip
    if eqn.prim.transcendental:
        return Cost(0.0, count, touched)
    return Cost(count, 0.0, touched)


def _cost_of_inner(inner: list[tuple[float, tuple[Any, ...]]]) -> Cost:
    """Programs that an equation runs: for each, how often, and between which it chooses."""
    total = Cost()
    for times, choices in inner:
        costs = [_cost_of(optimize(program)) for program in choices]
        worst = Cost(*map(max, zip(*costs)))
        total = total.plus(worst, times)
    return total


def _nbytes(aval: Aval) -> int:
    return aval.size * aval.dtype.itemsize
