"""Programs whose groups of equations are single equations: calls of kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtorch.compiler.convolutions import conv_call
from rtorch.compiler.fusion import Group, Groups
from rtorch.compiler.joins import concat_call
from rtorch.compiler.lowering import Call, lower, supports
from rtorch.compiler.passes import _repeated_scalar, eliminate_dead, optimize
from rtorch.compiler.products import product_call
from rtorch.compiler.scans import hoist, scan_call
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.core.program import Eqn, Program, Var


class Fused(Primitive):
    """Kernels that the planned executor calls."""

    name = "fused"
    multiple = True
    differentiable = False  # no transformation sees it

    def infer(self, *args: Aval, call: Call) -> tuple[Aval, ...]:
        return tuple([v.aval for v in call.results])


fused_p = Fused()


class _Known(Groups):
    """Groups that know which constants are one number."""

    def __init__(self, program: Program, supports: Any) -> None:
        self._scalars = {v: _repeated_scalar(x) for v, x in program.consts.items()}
        super().__init__(program, supports)

    def scalar(self, var: Var) -> Any:
        """The number that all elements of a constant are; None if there is none."""
        return self._scalars.get(var)


def fuse(program: Program) -> Program:
    """`program` with kernels in the places of what they compute."""
    if any(eqn.effect for eqn in program.eqns):
        return program
    program = hoist(program, optimize)
    found = _Known(program, supports)
    results = _read_outside(program, found)
    eqns: list[Eqn] = []
    done: set[Any] = set()
    for i in _by_last(program, found):
        _emit(found.of.get(i, i), found, results, eqns, done)
    return eliminate_dead(
        Program(program.in_vars, eqns, program.out_atoms, program.consts, program.name)
    )


def _by_last(program: Program, found: Groups) -> list[int]:
    """Equations in the order in which their units are complete."""
    last = {group: max(group.eqns) for group in found.all()}
    return sorted(range(len(program.eqns)), key=lambda i: last[found.of[i]] if i in found.of else i)


def _read_outside(program: Program, found: Groups) -> dict[Group, list[Var]]:
    """For each group the results that something else reads."""
    read: dict[Var, None] = {}
    for i, eqn in enumerate(program.eqns):
        if eqn.prim.view and found.views[eqn.outs[0]].root is not eqn.outs[0]:
            continue  # whoever reads the view reads what it is of
        for a in eqn.args:
            if type(a) is Var:
                root = found.views[a].root
                k = found.made.get(root)
                if k is not None and found.of.get(k) is not found.of.get(i, i):
                    read[root] = None
    for v in program.out_atoms:
        read[found.views[v].root] = None
    results: dict[Group, list[Var]] = {}
    for v in read:
        k = found.made.get(v)
        if k is not None and k in found.of:
            results.setdefault(found.of[k], []).append(v)
    return results


def _emit(unit: Any, found: Groups, results: Any, eqns: list[Eqn], done: set[Any]) -> None:
    """Append a unit, after all that it waits for."""
    stack = [unit]
    program = found.program
    while stack:
        top = stack[-1]
        if top in done:
            stack.pop()
            continue
        numbers = top.eqns if isinstance(top, Group) else [top]
        operands = [a for i in numbers for a in program.eqns[i].args if type(a) is Var]
        if isinstance(top, Group):  # kernels read through views
            operands = [found.views[a].root for a in operands]
        missing = {_unit(a, found) for a in operands} - done - {top, None}
        if missing:
            stack += missing
            continue
        stack.pop()
        done.add(top)
        if isinstance(top, Group):
            if top in results:
                call = lower(top, found, results[top])
                eqns.append(Eqn(fused_p, call.operands, {"call": call}, call.results))
        else:
            eqns.append(_as_call(program.eqns[top], found))


def _as_call(eqn: Eqn, found: Groups) -> Eqn:
    """A product, a convolution, ... as a call of native code where there is one; else `eqn`."""
    rule = _CALLS.get(eqn.prim.name)
    call = None if rule is None else rule(eqn, found)
    return eqn if call is None else Eqn(fused_p, call.operands, {"call": call}, call.results)


_CALLS: dict[str, Callable[[Eqn, Groups], Call | None]] = {
    "dot_general": product_call,
    "conv": conv_call,
    "concat": concat_call,
    "scan": lambda eqn, found: scan_call(eqn, found, fuse),
}


def _unit(var: Var, found: Groups) -> Any:
    i = found.made.get(var)
    return None if i is None else found.of.get(i, i)
