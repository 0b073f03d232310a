"""Passes from Program to Program: inlining, folding, simplification, sharing, dead code.

Each is a walk over the equations with an environment from old variables to new atoms. The order
in `optimize` lets each feed the next. Equations with an effect (`debug.print`) all stay.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core.array import Array, wrap
from rtorch.core.program import Atom, Eqn, Program, Var
from rtorch.core.trace import literal

# Constants up to this many elements are computed when the Program is compiled.
FOLD_LIMIT = 1 << 14


def optimize(program: Program) -> Program:
    """All passes."""
    return schedule(eliminate_dead(share(simplify(fold(inline(program))))))


def _reader(env: dict[Var, Atom]) -> Callable[[Atom], Atom]:
    return lambda atom: env.get(atom, atom) if type(atom) is Var else atom


def _rebuilt(program: Program, eqns: list[Eqn], env: dict[Var, Atom],
             consts: dict[Var, Array] | None = None) -> Program:  # fmt: skip
    outs = [_reader(env)(atom) for atom in program.out_atoms]
    return Program(program.in_vars, eqns, outs, consts or program.consts, program.name)


def inline(program: Program, remat: bool = True) -> Program:
    """Operations that call a Program replaced by its equations; with `remat` checkpointed ones too.

    What a backward pass computes again stays apart: it would be shared with the forward pass.
    """

    def is_call(eqn: Eqn) -> bool:
        if eqn.prim.name == "remat":
            return remat and not eqn.params["again"]
        return eqn.prim.inlines

    if not any(map(is_call, program.eqns)):
        return program
    eqns: list[Eqn] = []
    consts = dict(program.consts)

    def splice(eqn: Eqn, args: list[Atom]) -> list[Atom]:
        """Append the equations of the called Program, with variables of their own."""
        inner: Program = eqn.params["program"]
        env: dict[Var, Atom] = dict(zip(inner.in_vars, args))
        for var, value in inner.consts.items():
            env[var] = fresh = Var(var.aval)
            consts[fresh] = value
        append_all(inner, env, eqn.source.scope if eqn.source else "")
        return [_reader(env)(atom) for atom in inner.out_atoms]

    def append_all(source: Program, env: dict[Var, Atom], scope: str = "") -> None:
        read = _reader(env)
        for eqn in source.eqns:
            eqn = _within(scope, eqn)
            args = [read(a) for a in eqn.args]
            if is_call(eqn):
                env.update(zip(eqn.outs, splice(eqn, args)))
                continue
            outs = [Var(v.aval) for v in eqn.outs]
            env.update(zip(eqn.outs, outs))
            eqns.append(Eqn(eqn.prim, args, eqn.params, outs, eqn.source))

    env: dict[Var, Atom] = {}
    append_all(program, env)
    return _rebuilt(program, eqns, env, consts)


def _within(scope: str, eqn: Eqn) -> Eqn:
    """`eqn` in a scope around its own."""
    if not scope or eqn.source is None:
        return eqn
    inner = eqn.source.scope
    source = eqn.source._replace(scope=f"{scope}/{inner}" if inner else scope)
    return Eqn(eqn.prim, eqn.args, eqn.params, eqn.outs, source)


def fold(program: Program) -> Program:
    """What depends on constants alone is computed now, if it is small or a repeated scalar."""
    consts = dict(program.consts)
    raw = {v: x._data for v, x in consts.items()}
    eqns = []
    for eqn in program.eqns:
        known = all(type(a) is not Var or a in raw for a in eqn.args)
        if known and not eqn.prim.multiple and _is_worth_folding(eqn):
            with np.errstate(all="ignore"):
                value = _compute(eqn, raw)
            if value is not None:
                (out,) = eqn.outs
                raw[out] = value
                consts[out] = wrap(value)
                continue
        eqns.append(eqn)
    return Program(program.in_vars, eqns, program.out_atoms, consts, program.name)


def _is_worth_folding(eqn: Eqn) -> bool:
    repeated = eqn.prim.name in ("full", "broadcast")  # held as one element with strides 0
    return repeated or eqn.outs[0].aval.size <= FOLD_LIMIT


def _compute(eqn: Eqn, raw: dict[Var, Any]) -> Any:
    if eqn.prim.name == "full":
        if eqn.params["device"].kind != "cpu":
            return None
        scalar = np.asarray(eqn.params["value"], eqn.params["dtype"])
        return np.broadcast_to(scalar, eqn.params["shape"])
    operands = [raw[a] for a in eqn.args if type(a) is Var]
    if any(type(x) is not np.ndarray for x in operands):
        return None
    dtype = operands[-1].dtype if operands else None
    args = [raw[a] if type(a) is Var else literal(a, dtype) for a in eqn.args]  # type: ignore[arg-type]
    try:
        return np.asarray(eqn.prim.impl(np, *args, **eqn.params))
    except IndexError:  # it belongs to the call, with the user's line
        return None


def _repeated_scalar(x: Array) -> Any:
    """The Python scalar that all elements of a constant are, if strides show it; else None."""
    data = x._data
    if not isinstance(data, np.ndarray) or data.size == 0 or any(
        s != 0 and n != 1 for s, n in zip(data.strides, data.shape)
    ):  # fmt: skip
        return None
    value = data[(0,) * data.ndim].item()
    return value if isinstance(value, (bool, int, float)) else None


def simplify(program: Program) -> Program:
    """Identities removed, scalar constants written as such, views of views made one.

    A transposed product becomes the product of the operands in the other order: what follows then
    reads memory in order, such as an optimizer a gradient.
    """
    reads = Counter(a for eqn in program.eqns for a in eqn.args if type(a) is Var)
    reads.update(a for a in program.out_atoms if type(a) is Var)
    scalars = {v: _repeated_scalar(x) for v, x in program.consts.items()}
    made: dict[Var, Eqn] = {}
    env: dict[Var, Atom] = {}
    read = _reader(env)
    eqns = []
    for old in program.eqns:
        eqn = old.replace([read(a) for a in old.args])
        if not eqn.outs:  # an effect
            eqns.append(eqn)
            continue
        if eqn.prim.keeps_weak and hasattr(eqn.prim, "partials"):
            eqn = _with_literals(eqn, scalars)
        same = _identity(eqn)
        if same is not None:
            env[eqn.outs[0]] = same
            if type(same) is Var:  # it is read in the place of the other
                reads[same] += reads[eqn.outs[0]] - 1
            continue
        eqn = _turned_product(_merge_views(eqn, made), made, reads)
        made[eqn.outs[0]] = eqn
        eqns.append(eqn)
    return _rebuilt(program, eqns, env)


def _with_literals(eqn: Eqn, scalars: dict[Var, Any]) -> Eqn:
    """Operands that are one number everywhere become that number; one array operand must stay."""
    args = [a if scalars.get(a) is None else scalars[a] for a in eqn.args]
    arrays = [a for a in args if type(a) is Var]
    if not arrays or args == list(eqn.args):
        return eqn
    if eqn.prim.name == "select":  # the dtype is that of an array among the two values
        args[0] = eqn.args[0]
        if not any(type(a) is Var for a in args[1:]):
            k = 2 if type(eqn.args[2]) is Var else 1
            args[k] = eqn.args[k]
    if arrays[-1].aval.dtype is not eqn.outs[0].aval.dtype and eqn.prim.name != "select":
        return eqn
    return eqn.replace(args)


def _is(atom: Atom, value: float) -> bool:
    return type(atom) in (int, float) and atom == value


def _identity(eqn: Eqn) -> Atom | None:
    """The operand that `eqn` returns unchanged, if it does."""
    name, args = eqn.prim.name, eqn.args
    if not args or type(args[0]) is not Var:
        return args[1] if name == "mul" and _is(args[0], 1) else None
    x: Var = args[0]
    same = x.aval.shape == eqn.outs[0].aval.shape
    if (name == "mul" or name == "div") and _is(args[1], 1):
        return x
    if name == "sub" and _is(args[1], 0) and math.copysign(1, args[1]) == 1:
        return x
    if name in ("convert", "promote") and x.aval.dtype is eqn.outs[0].aval.dtype:
        return x
    if name in ("reshape", "broadcast") and same:
        return x
    if name == "permute_dims" and eqn.params["axes"] == tuple(range(len(x.aval.shape))):
        return x
    return x if name in ("stop_gradient", "checkpoint_name") else None


def _merge_views(eqn: Eqn, made: dict[Var, Eqn]) -> Eqn:
    """A reshape of a reshape, or a permutation of a permutation, as one."""
    name = eqn.prim.name
    if name not in ("reshape", "permute_dims"):
        return eqn
    before = made.get(eqn.args[0])
    if before is None or before.prim is not eqn.prim:
        return eqn
    params = eqn.params
    if name == "permute_dims":
        params = {"axes": tuple(before.params["axes"][a] for a in eqn.params["axes"])}
    return Eqn(eqn.prim, before.args, params, eqn.outs, eqn.source)


def _turned_product(eqn: Eqn, made: dict[Var, Eqn], reads: Counter[Var]) -> Eqn:
    """``(x @ y).T`` as ``y.T @ x.T``, if nothing else reads the product."""
    if eqn.prim.name != "permute_dims" or reads[eqn.args[0]] > 1:
        return eqn
    before = made.get(eqn.args[0])
    if before is None or before.prim.name != "dot_general" or len(eqn.params["axes"]) != 2:
        return eqn
    (xc, yc), (xb, _) = before.params["axes"]
    x, y = before.args
    if xb or len(x.aval.shape) - len(xc) != 1 or len(y.aval.shape) - len(yc) != 1:
        return eqn
    return Eqn(before.prim, (y, x), {"axes": ((yc, xc), ((), ()))}, eqn.outs, before.source)


def _exact(value: Any) -> Any:
    """A parameter as a key: 0.0 and -0.0 are equal, and not the same."""
    return repr(value) if isinstance(value, (float, complex)) else value


def share(program: Program) -> Program:
    """Equal equations computed once (common subexpressions)."""
    seen: dict[Any, Eqn] = {}
    env: dict[Var, Atom] = {}
    read = _reader(env)
    eqns = []
    for old in program.eqns:
        eqn = old.replace([read(a) for a in old.args])
        atoms = tuple([a if type(a) is Var else (type(a), repr(a)) for a in eqn.args])
        params = tuple([(name, _exact(value)) for name, value in eqn.params.items()])
        key = (eqn.prim.name, atoms, params)
        first = seen.setdefault(key, eqn)
        if first is eqn or eqn.effect:
            eqns.append(eqn)
        else:
            env.update(zip(eqn.outs, first.outs))
    return _rebuilt(program, eqns, env)


def schedule(program: Program) -> Program:
    """Equations in an order that computes each value close to where it is read.

    Results are taken in the order in which the contractions and reductions that they wait for
    come; each is computed depth first. So an optimizer updates the parameters of a layer, one
    after the other, while their gradient is in the cache, and its memory is free after that.
    Effects must come in the order of the program; then all equations stay as they are.
    """
    if any(eqn.effect for eqn in program.eqns):
        return program
    waits: dict[Var, int] = {}
    for i, eqn in enumerate(program.eqns):
        heavy = not (_is_elementwise(eqn) or eqn.prim.view)
        latest = max([waits.get(a, -1) for a in eqn.args if type(a) is Var], default=-1)
        waits.update((var, i if heavy else latest) for var in eqn.outs)
    order = _Order(program)
    for var in sorted(program.out_atoms, key=lambda v: waits.get(v, -1)):
        if var in order.made:
            order.append_with_operands(order.made[var])
    return Program(program.in_vars, order.eqns, program.out_atoms, program.consts, program.name)


def _is_elementwise(eqn: Eqn) -> bool:
    return hasattr(eqn.prim, "partials")


class _Order:
    """The equations of a Program as they are put into a new order."""

    def __init__(self, program: Program) -> None:
        self.made = {var: eqn for eqn in program.eqns for var in eqn.outs}
        self.eqns: list[Eqn] = []
        self.done: set[Eqn] = set()
        self.readers: dict[Var, dict[Eqn, None]] = {}  # those that are not done
        for eqn in program.eqns:
            for a in eqn.args:
                if type(a) is Var:
                    self.readers.setdefault(a, {})[eqn] = None
        self.kept = set(program.out_atoms)

    def append_with_operands(self, root: Eqn) -> None:
        """Append `root`, after all that it needs and that is not there yet."""
        stack = [root]
        while stack:
            eqn = stack[-1]
            if missing := self._missing(eqn):
                stack.append(missing[0])
            elif first := [r for r in self._rivals(eqn) if r not in stack]:
                stack.append(first[0])
            else:
                stack.pop()
                if eqn not in self.done:
                    self._append(eqn)

    def _missing(self, eqn: Eqn) -> list[Eqn]:
        made = [self.made[a] for a in eqn.args if type(a) is Var and a in self.made]
        return [m for m in made if m not in self.done]

    def _rivals(self, eqn: Eqn) -> list[Eqn]:
        """The other readers of a parameter whose memory, if donated, the result may take."""
        if eqn.outs[0] not in self.kept:
            return []
        params = [a for a in eqn.args if type(a) is Var and a not in self.made]
        return [r for a in params if self._takes_memory(eqn, a)
                for r in self.readers[a] if r is not eqn]  # fmt: skip

    def _append(self, eqn: Eqn) -> None:
        """Append `eqn`, and each elementwise equation that is now the last reader of an operand.

        Its result takes the operand's memory, which is in the cache now and might not be later.
        """
        pending = [eqn]
        while pending:
            eqn = pending.pop()
            self.done.add(eqn)
            self.eqns.append(eqn)
            for a in dict.fromkeys(a for a in eqn.args if type(a) is Var):
                readers = self.readers[a]
                readers.pop(eqn, None)
                if len(readers) != 1 or a not in self.made or a in self.kept:
                    continue
                (last,) = readers
                ready = last not in pending and not self._missing(last) and not self._rivals(last)
                if ready and self._takes_memory(last, a):
                    pending.append(last)

    @staticmethod
    def _takes_memory(eqn: Eqn, a: Var) -> bool:
        aval = eqn.outs[0].aval
        return _is_elementwise(eqn) and (aval.shape, aval.dtype) == (a.aval.shape, a.aval.dtype)


def eliminate_dead(program: Program) -> Program:
    """Equations and constants that no result needs removed."""
    live = set(program.out_atoms)
    eqns = []
    for eqn in reversed(program.eqns):
        if any(v in live for v in eqn.outs) or eqn.effect:
            live.update(a for a in eqn.args if type(a) is Var)
            eqns.append(eqn)
    consts = {v: x for v, x in program.consts.items() if v in live}
    return Program(program.in_vars, eqns[::-1], program.out_atoms, consts, program.name)
