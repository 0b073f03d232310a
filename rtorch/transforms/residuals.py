"""What the backward loop of a scan reads from the forward one, and how it gets it.

A residual that does not change from step to step is computed once, outside; one that is a
slice of the loop's operands or results is there already; a cheap function of such values is
computed again; only the rest is stacked, one for every step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rtorch.core.program import Eqn, Program, Var
from rtorch.transforms.derive import Mask

# Operations that cost less than to write their result to memory and to read it again.
CHEAP = frozenset(
    [
        "abs",
        "add",
        "broadcast",
        "convert",
        "eq",
        "ge",
        "gt",
        "le",
        "logical_and",
        "logical_not",
        "logical_or",
        "lt",
        "maximum",
        "minimum",
        "integer_pow",
        "mul",
        "mul_no_nan",
        "ne",
        "neg",
        "permute_dims",
        "promote",
        "reshape",
        "select",
        "sign",
        "slice",
        "square",
        "sub",
    ]
)


def variables(eqn: Eqn) -> list[Var]:
    """The variables that an equation reads."""
    return [a for a in eqn.args if type(a) is Var]


def reached(program: Program, start: Iterable[Var]) -> set[Var]:
    """The results of equations that read what depends on `start`, and those of `start`."""
    found = set(start)
    for eqn in program.eqns:
        if any(v in found for v in variables(eqn)):
            found.update(eqn.outs)
    return found


class Saved(NamedTuple):
    """How a backward loop gets at `residuals` of the body `forward`.

    `shared` are the same in all steps and computed from the constants; `per_step` are sliced from
    operands and results of the loop, or `stacked`; `again` computes the others from those.
    """

    forward: Program
    residuals: tuple[Var, ...]
    shared: list[Var]
    per_step: list[Var]
    stacked: list[Var]
    again: list[Eqn]

    def prelude(self, n_consts: int) -> tuple[Program, list[Var]]:
        """From the constants of the loop to what is shared beside them, and what that is."""
        consts = self.forward.in_vars[:n_consts]
        made = [v for v in self.shared if v not in consts]
        eqns = _needed(self.forward, made, set(consts))
        return Program(consts, eqns, made, self.forward.consts, "prelude"), made

    def supplied(self, program: Program) -> Program:
        """`program`, whose leading parameters are the residuals, of `shared` and `per_step`."""
        n = len(self.residuals)
        env = dict(zip(program.in_vars[:n], self.residuals))
        eqns = [eqn.replace([env.get(a, a) for a in eqn.args]) for eqn in program.eqns]
        outs = [env.get(a, a) for a in program.out_atoms]
        params = [*self.shared, *self.per_step, *program.in_vars[n:]]
        consts = {**self.forward.consts, **program.consts}
        return Program(params, [*self.again, *eqns], outs, consts, program.name)


def save(
    forward: Program, residuals: Sequence[Var], n_consts: int, n_carry: int, n_outs: int
) -> Saved:
    """Decide how a backward loop gets at `residuals`.

    Args:
        forward: The body: from constants, carry and slices to carry and slices of results.
        residuals: Variables of it.
        n_consts: How many parameters are constants.
        n_carry: How many parameters, and results, are the carry.
        n_outs: How many results there are; `forward` may return residuals after them.
    """
    acting = [v for eqn in forward.eqns if eqn.effect for v in eqn.outs]
    varying = reached(forward, [*forward.in_vars[n_consts:], *acting])
    sliced = set(forward.in_vars[n_consts + n_carry :]) | set(forward.out_atoms[n_carry:n_outs])
    made = {v: eqn for eqn in forward.eqns for v in eqn.outs}
    wanted = set(residuals)
    shared: dict[Var, None] = {}
    per_step: dict[Var, None] = {}
    again: dict[Eqn, None] = {}

    def is_at_hand(var: Var) -> bool:
        return var in forward.consts or var not in varying or var in sliced or var in per_step

    def recompute(var: Var, depth: int = 8) -> list[Eqn] | None:
        """The equations that compute `var` from what is at hand, if they are few and cheap."""
        if is_at_hand(var):
            return []
        eqn = made.get(var)
        if eqn is None or eqn.prim.name not in CHEAP or depth == 0:
            return None
        eqns: list[Eqn] = []
        for arg in variables(eqn):
            more = recompute(arg, depth - 1)
            if more is None:
                return None
            eqns += more
        return [*eqns, eqn]

    def use(var: Var) -> None:
        """Note that the backward loop reads `var`, which is at hand."""
        if var not in forward.consts:
            (per_step if var in varying else shared)[var] = None

    stacked: list[Var] = []
    for var in [*forward.in_vars, *made]:  # in the order in which one follows from the other
        if var in wanted and recompute(var) is None:
            per_step[var] = None
            stacked.append(var)
    for var in residuals:
        eqns = recompute(var)
        assert eqns is not None
        for eqn in eqns:
            again[eqn] = None
            for arg in variables(eqn):
                if is_at_hand(arg):
                    use(arg)
        if is_at_hand(var):
            use(var)
    order = {eqn: i for i, eqn in enumerate(forward.eqns)}
    return Saved(forward, tuple(residuals), list(shared), list(per_step), stacked,
                 sorted(again, key=order.__getitem__))  # fmt: skip


def _needed(program: Program, outs: Sequence[Var], given: set[Var]) -> list[Eqn]:
    """The equations that compute `outs` when `given` are known."""
    live = set(outs) - given
    eqns = []
    for eqn in reversed(program.eqns):
        if any(v in live for v in eqn.outs):
            live.update(v for v in variables(eqn) if v not in given)
            eqns.append(eqn)
    return eqns[::-1]


def split_linear(program: Program, linear: Mask, out_linear: Mask) -> tuple[Program, int, Program]:
    """The part of `program` that does not depend on its linear parameters, and the one that does.

    Returns:
        The known part, from the other parameters to the other results and then to the residuals;
        how many of its results are no residuals; the linear part, from the residuals and the
        linear parameters to the linear results.
    """
    sources = [v for v, lin in zip(program.in_vars, linear) if lin]
    tainted = reached(program, sources)
    known = [eqn for eqn in program.eqns if not any(v in tainted for v in eqn.outs)]
    rest = [eqn for eqn in program.eqns if any(v in tainted for v in eqn.outs)]
    outs = [v for v, lin in zip(program.out_atoms, out_linear) if lin]
    read = [v for eqn in rest for v in variables(eqn)] + outs
    residuals = dict.fromkeys(v for v in read if v not in tainted and v not in program.consts)
    known_outs = [v for v, lin in zip(program.out_atoms, out_linear) if not lin]
    params = [v for v, lin in zip(program.in_vars, linear) if not lin]
    return (
        Program(params, known, [*known_outs, *residuals], program.consts, program.name),
        len(known_outs),
        Program([*residuals, *sources], rest, outs, program.consts, program.name),
    )
