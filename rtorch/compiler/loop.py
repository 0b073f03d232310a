"""Loops of the planned executor: a scan or while loop as one generated Python function.

What does not change from step to step is computed before the loop; a result is written to its
place in the stacked array at once where the operation allows it, and a carry that is only updated
in part (``x.at[i].set(y)``) is updated where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rtorch.compiler.choice import fused, is_native
from rtorch.compiler.passes import optimize
from rtorch.compiler.plan import Place, Planner, executable
from rtorch.core.program import Eqn, Program, Var

# From so many steps on it pays to copy a matrix that each of them multiplies by.
_MANY_STEPS = 8


class LoopShape(NamedTuple):
    """How a loop reads its operands: constants, then carry, then arrays to slice.

    The body takes one slice of each instead, and returns the next carry and slices of results.
    """

    n_consts: int
    n_carry: int
    length: int
    reverse: bool

    def split(self, xs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Constants, carry and sliced ones of something that goes with the operands."""
        n, m = self.n_consts, self.n_consts + self.n_carry
        return list(xs[:n]), list(xs[n:m]), list(xs[m:])

    @property
    def order(self) -> range:
        """The numbers of the slices in the order of the steps."""
        n = self.length
        return range(n - 1, -1, -1) if self.reverse else range(n)


def loop(program: Program, shape: LoopShape, xp: Any) -> Callable[..., tuple[Any, ...]]:
    """The function from raw arrays to a tuple of raw arrays that runs the loop."""
    if xp is not np:
        return lambda *raw: _stepwise(program, shape, xp, raw)
    run: Callable[..., tuple[Any, ...]] = program.cached(
        ("loop", shape), lambda: LoopPlanner(optimize(program), shape).compile()
    )
    return run


def _stepwise(program: Program, shape: LoopShape, xp: Any, raw: Sequence[Any]) -> Any:
    step = executable(program, xp)
    consts, carry, xs = shape.split(raw)
    n = shape.n_carry
    ys = [xp.empty((shape.length, *y.shape), y.dtype) for y in program.out_avals[n:]]
    for i in shape.order:
        out = step(*consts, *carry, *[x[i] for x in xs])
        carry = list(out[:n])
        for stacked, y in zip(ys, out[n:]):
            stacked[i] = y
    return (*carry, *ys)


def while_loop(
    cond: Program, body: Program, n_cond: int, n_body: int, max_steps: int | None, xp: Any
) -> Callable[..., tuple[Any, ...]]:
    """The function from raw arrays, constants of `cond` and of `body` and carry, to the carry."""
    if xp is not np:
        return lambda *raw: _stepwise_while(cond, body, n_cond, n_body, max_steps, xp, raw)

    def make() -> Callable[..., Any]:
        test, step = optimize(cond), optimize(body)
        env = dict(zip(test.in_vars[n_cond:], step.in_vars[n_body:]))
        eqns = [eqn.replace([env.get(a, a) for a in eqn.args]) for eqn in test.eqns]
        whole = Program([*test.in_vars[:n_cond], *step.in_vars], step.eqns, step.out_atoms,
                        {**test.consts, **step.consts}, step.name)  # fmt: skip
        n_carry = len(step.out_atoms)
        shape = LoopShape(n_cond + n_body, n_carry, -1 if max_steps is None else max_steps, False)
        (going,) = test.out_atoms
        return LoopPlanner(whole, shape, eqns, env.get(going, going)).compile()

    run: Callable[..., tuple[Any, ...]] = cond.cached(("while", body, n_cond, max_steps), make)
    return run


def _stepwise_while(cond: Program, body: Program, n_cond: int, n_body: int, max_steps: int | None,
                    xp: Any, raw: Sequence[Any]) -> Any:  # fmt: skip
    test, step = executable(cond, xp), executable(body, xp)
    cond_consts, body_consts = raw[:n_cond], raw[n_cond : n_cond + n_body]
    carry = raw[n_cond + n_body :]
    steps = 0
    while steps != max_steps and test(*cond_consts, *carry)[0]:
        carry = step(*body_consts, *carry)
        steps += 1
    return [x.copy() for x in carry]  # operands may be memory that is written to again


class LoopPlanner(Planner):
    """Generates the source of one loop.

    Args:
        program: The body.
        shape: How the loop reads its operands; a length of -1 has no end.
        test: Equations that compute `going`, the loop's condition, before each step.
        going: None for a loop that takes all its steps.
    """

    def __init__(self, program: Program, shape: LoopShape, test: Sequence[Eqn] = (),
                 going: Var | None = None) -> None:  # fmt: skip
        tested = Program(program.in_vars, test, program.out_atoms, program.consts)
        (before_test, test), (before, inside) = _hoisted(tested, shape), _hoisted(program, shape)
        before = [*before_test, *before]
        if is_native():
            inside = _fused(program, before, inside, program.out_atoms)
            test = _fused(program, before, test, [going] if going else [])
            read = {a for eqn in (*test, *inside) for a in eqn.args if type(a) is Var}
            read |= {*program.out_atoms, *([going] if going else [])}
            wanted = [v for eqn in before for v in eqn.outs if v in read]
            before = _fused(program, [], before, wanted)
        program = Program(program.in_vars, [*before, *test, *inside], program.out_atoms,
                          program.consts, program.name)  # fmt: skip
        super().__init__(program, ())
        self.shape = shape
        self.n_test = len(test)
        self.going = going
        self.n_before = len(before)
        self.outside = {*program.in_vars, *[v for eqn in before for v in eqn.outs]}
        self.carry, self.ys = self._results()
        self.updates: dict[int, Var] = {}  # carries that equations of these numbers write over
        self.turns: dict[int, str] = {}  # carries with two places, and how these are made
        self.stacked: dict[Var, str] = {}  # results that are computed where they are stacked

    def _results(self) -> tuple[list[Var], list[Var]]:
        outs = self.program.out_atoms
        return list(outs[: self.shape.n_carry]), list(outs[self.shape.n_carry :])

    def _find_last_uses(self) -> None:
        super()._find_last_uses()
        self._find_updates()
        if self.going is not None:
            going = self.root.get(self.going, self.going)
            self.last_use[going] = max(self.last_use.get(going, 0), self.n_before + self.n_test)
        for var in self.outside:  # the next step reads them again
            self.last_use[self.root.get(var, var)] = len(self.program.eqns)

    def _find_updates(self) -> None:
        """Note which equations may write the next carry over the one that they read last."""
        made = {v: i for i, eqn in enumerate(self.program.eqns) for v in eqn.outs}
        kept = [self.root.get(v, v) for v in self.carry]
        for old, new in zip(self.shape.split(self.program.in_vars)[1], self.carry):
            i = made.get(new)
            is_alone = kept.count(new) == 1 and new not in self.ys
            if i is None or not is_alone or self.last_use.get(old) != i:
                continue
            eqn = self.program.eqns[i]
            places = getattr(eqn.prim, "overwrites", ()) if hasattr(eqn.prim, "into") else ()
            reads = [k for k, a in enumerate(eqn.args)
                     if type(a) is Var and self.root.get(a, a) is old]  # fmt: skip
            if len(reads) == 1 and reads[0] in places and eqn.args[reads[0]] is old:
                self.updates[i] = old

    def _dying_operand(self, i: int, eqn: Eqn, overwrites: Any) -> Var | None:
        return self.updates.get(i) or super()._dying_operand(i, eqn, overwrites)

    def compile(self) -> Callable[..., Any]:
        self._find_last_uses()
        params = [self.name(v) for v in self.program.in_vars]
        for var in self.program.in_vars:
            self.places[var] = Place(0, owned=False)
            self.direct.add(var)
        self._add_constants()
        if self.shape.length == 0:
            return self._link_loop(params, [], [])
        parts: list[list[str]] = []
        start = 0
        for stop in (self.n_before, self.n_before + self.n_test, len(self.program.eqns)):
            self.body = []
            for i in range(start, stop):
                self._emit(i, self.program.eqns[i])
                self._release(i, self.program.eqns[i])
            self.native.flush()
            if not parts:
                self._pack()
            parts.append(self.body)
            start = stop
        before, test, step = parts
        if self.going is not None:
            test.append(f"if not {self.name(self.going)}: break")
        return self._link_loop(params, before, test + step)

    def _pack(self) -> None:
        """Turn transposed matrices that all steps multiply by, once: BLAS then need not each time.

        A product with few rows is 1.3 to 4 times as fast for it.
        """
        turned = {v for eqn in self.program.eqns[: self.n_before] for v in eqn.outs
                  if eqn.prim.name == "permute_dims" and eqn.params["axes"] == (1, 0)}  # fmt: skip
        inside = self.program.eqns[self.n_before :]
        for var in dict.fromkeys(eqn.args[1] for eqn in inside if _is_product(eqn)):
            if var in turned and not 0 <= self.shape.length < _MANY_STEPS:
                packed = f"{self.name(var)}p"
                function = self._global("ascontiguousarray", np.ascontiguousarray)
                self.body.append(f"{packed} = {function}({self.name(var)})")
                self.names[var] = packed

    def _result(self, out: Var, nbytes: int) -> str:
        if out in self.outside:  # computed once, before there is a stacked array or a next carry
            return super()._result(out, nbytes)
        if out not in self.ys:
            return self._next_carry(out) or super()._result(out, nbytes)
        k = self.ys.index(out)
        self.stacked[out] = place = f"ys{k}[i{', ...' if out.aval.shape == () else ''}]"
        return place

    def _next_carry(self, out: Var) -> str:
        """Where the next carry goes: two places in turn; none if a result may be the last one."""
        carry = self.shape.split(self.program.in_vars)[1]
        if self.carry.count(out) != 1 or any(self.root.get(v, v) in carry for v in self.carry):
            return ""
        k = self.carry.index(out)
        self.turns[k] = f"empty({out.aval.shape}, {self.constant(out.aval.dtype, 't')})"
        return f"next{k}"

    def _link_loop(self, params: list[str], before: list[str], body: list[str]) -> Any:
        lines = list(before)
        for k, y in enumerate(self.ys):
            dtype = self.constant(y.aval.dtype, "t")
            lines.append(f"ys{k} = empty({(self.shape.length, *y.aval.shape)}, {dtype})")
        lines += [f"next{k}, last{k} = {make}, {make}" for k, make in self.turns.items()]
        lines += [f"{v} = {v}.copy()" for v in map(self.name, self.updates.values())]
        if self.shape.length:
            order = self.shape.order
            lines.append("while True:" if self.shape.length < 0 else
                         f"for i in range({order.start}, {order.stop}, {order.step}):")  # fmt: skip
            lines += [f"    {line}" for line in [*self._slices(), *body, *self._finish_step()]]
        outs = [self._last(v, k) for k, v in enumerate(self.carry)]
        outs += [f"ys{k}" for k in range(len(self.ys))]
        sliced = [f"s{k}" for k in range(len(self.program.in_vars) - self._n_kept())]
        return self._link([*params[: self._n_kept()], *sliced], lines, outs)

    def _n_kept(self) -> int:
        return self.shape.n_consts + self.shape.n_carry

    def _slices(self) -> list[str]:
        sliced = self.program.in_vars[self._n_kept() :]
        return [f"{self.name(v)} = s{k}[i{', ...' if v.aval.shape == () else ''}]"
                for k, v in enumerate(sliced) if v in self.last_use]  # fmt: skip

    def _finish_step(self) -> list[str]:
        lines = [f"ys{k}[i] = {self.name(y)}" for k, y in enumerate(self.ys)
                 if self.stacked.get(y, "").partition("[")[0] != f"ys{k}"]  # fmt: skip
        carry = self.shape.split(self.program.in_vars)[1]
        moved = [(old, new) for old, new in zip(carry, self.carry) if old is not new]
        if moved:
            lines.append(f"{', '.join(self.name(old) for old, _ in moved)} = "
                         f"{', '.join(self.name(new) for _, new in moved)}")  # fmt: skip
        lines += [f"next{k}, last{k} = last{k}, next{k}" for k in self.turns]
        return lines or ["pass"]

    def _last(self, var: Var, k: int) -> str:
        """The carry in the end: a copy if it may be the memory of an operand, which may change."""
        name = self.name(self.shape.split(self.program.in_vars)[1][k])
        is_operand = self.root.get(var, var) in self.program.in_vars
        always_steps = self.shape.length > 0 and self.going is None
        return name if always_steps and not is_operand else f"{name}.copy()"


def _is_product(eqn: Eqn) -> bool:
    """Whether it is ``x @ y`` of matrices."""
    return eqn.prim.name == "dot_general" and eqn.params["axes"] == (((1,), (0,)), ((), ()))


def _fused(
    program: Program, before: Sequence[Eqn], eqns: Sequence[Eqn], outs: Sequence[Var]
) -> list[Eqn]:
    """Some equations of a Program, of which `outs` are read elsewhere, with kernels in them.

    Kernels read what was computed `before` through the views that were made of it there.
    """
    views = {eqn: None for eqn in before if eqn.prim.view}
    others = [v for eqn in before if eqn not in views for v in eqn.outs]
    known = [*program.in_vars, *others]
    found = fused(Program(known, [*views, *eqns], outs, program.consts))
    return [eqn for eqn in found.eqns if eqn not in views]


def _hoisted(program: Program, shape: LoopShape) -> tuple[list[Eqn], list[Eqn]]:
    """The equations that depend on constants alone, and the others."""
    varying = set(program.in_vars[shape.n_consts :])
    before: list[Eqn] = []
    inside: list[Eqn] = []
    for eqn in program.eqns:
        moves = eqn.effect or any(type(a) is Var and a in varying for a in eqn.args)
        (inside if moves else before).append(eqn)
        if moves:
            varying.update(eqn.outs)
    return before, inside
