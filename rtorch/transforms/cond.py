"""`cond` and `switch`: one of several functions, chosen by a value.

In eager mode the chosen function is called. Inside `jit` the choice is one operation, `switch_p`,
which runs one of its Programs. Under `vmap` with a choice that differs between lanes, those
functions run that at least one lane asks for, and each lane takes its own result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rtorch.compiler.plan import executable, may_alias
from rtorch.core import dtypes, tree
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.axes import check_choice
from rtorch.core.primitive import Primitive, is_linear
from rtorch.core.program import Eqn, Program, Var, run_again
from rtorch.core.trace import is_staging
from rtorch.core.tree import mismatch
from rtorch.core.tree_diff import keystr
from rtorch.core.tree_util import leaves_with_path
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.numpy.elementwise import where
from rtorch.numpy.operands import convert, operand
from rtorch.ops.base import (
    batch_size,
    batched_front,
    broadcast_p,
    instantiate,
)
from rtorch.ops.comparison import eq_p, select_p
from rtorch.ops.convert import convert_p
from rtorch.ops.elementwise import maximum_p, minimum_p
from rtorch.ops.reduction import reduce_or_p
from rtorch.transforms.arguments import check_callable, flatten_arrays, vary
from rtorch.transforms.concrete import all_lanes, is_batched, predicate
from rtorch.transforms.derive import (
    Dims,
    Mask,
    axis_to_batch,
    batch_program,
    constant_zeros,
    declared,
    depends,
    jvp_program,
    linearize_program,
    once,
    retyped,
    transpose_program,
    with_common_consts,
)
from rtorch.transforms.programs import Staged, stage_function


@api
def cond(
    pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any
) -> Any:
    """``true_fun(*operands)`` if `pred` holds, otherwise ``false_fun(*operands)``.

    Args:
        pred: A truth value, or a number that counts as true unless it is 0.
        true_fun: From the operands to a pytree of arrays.
        false_fun: From the operands to a result of the same structure, shapes and dtypes.
        *operands: Pytrees of arrays.

    Returns:
        The result of the function that was chosen; the other one does not run. Where the choice
        differs between lanes of a `vmap`, both run.

    Raises:
        ShapeError: if `pred` has axes, or the results differ in shape.
        TreeError: if the results differ in structure.

    Example:
        >>> import rtorch as rt
        >>> f = rt.jit(lambda x: rt.cond(x > 0, rt.log, rt.zeros_like, x))
        >>> float(f(1.0)), float(f(-1.0))
        (0.0, 0.0)
    """
    check_callable(true_fun, "cond")
    check_callable(false_fun, "cond")
    flag = operand(pred, "cond")
    if flag.dtype is not dtypes.bool_:
        flag = flag != 0
    flag = predicate(flag, "cond", "pred")
    return _choose("cond", convert(flag, dtypes.int64), (false_fun, true_fun), operands)


@api
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """``branches[index](*operands)``; an index out of range takes the nearest branch.

    Args:
        index: An integer.
        branches: Functions from the operands to results of one structure, shapes and dtypes.
        *operands: Pytrees of arrays.

    Returns:
        The result of the function that was chosen; the others do not run. Where the index differs
        between lanes of a `vmap`, those run that a lane asks for.

    Example:
        >>> import rtorch as rt
        >>> float(rt.switch(2, [rt.sin, rt.cos, rt.exp], 0.0))
        1.0
    """
    if not isinstance(branches, Sequence) or not branches:
        raise ArgumentError(f"[switch] expected a sequence of functions, got {describe(branches)}")
    for branch in branches:
        check_callable(branch, "switch")
    number = operand(index, "switch")
    if number.shape != ():
        raise ShapeError(f"[switch] index must be a scalar, got {describe(number)}")
    if number.dtype not in dtypes.INTEGERS:
        raise DTypeError(f"[switch] index must be an integer, got {describe(number)}")
    if number.dtype is dtypes.uint64:  # which holds numbers that int64 does not
        number = minimum_p(number, len(branches) - 1)
    number = minimum_p(maximum_p(convert(number, dtypes.int64), 0), len(branches) - 1)
    return _choose("switch", number, tuple(branches), operands)


def _choose(name: str, index: Array, branches: Sequence[Any], operands: tuple[Any, ...]) -> Any:
    if len(branches) == 1:
        return _arrays_of(name, branches[0](*operands))
    if is_staging():
        return _staged(name, index, branches, operands)
    asked = sorted(set(all_lanes(index).ravel().tolist()))
    if len(asked) == 1:
        return _arrays_of(name, branches[asked[0]](*operands))
    if not is_batched(index):  # a batch of no lanes
        asked = [0]
    return _per_lane(name, index, branches, asked or [0], operands)


def _arrays_of(name: str, out: Any) -> Any:
    """The result of a branch with Python numbers as arrays, which they are under `jit` too."""
    leaves, treedef = flatten_arrays(out, name, "the result")
    return treedef.unflatten(leaves)


def _per_lane(
    name: str, index: Array, branches: Sequence[Any], asked: Sequence[int], operands: Any
) -> Any:
    """The branches that some lane asks for; each lane takes its own result."""
    leaves, treedef = flatten_arrays(branches[asked[0]](*operands), name, "the result")
    for k in asked[1:]:
        others, other_tree = flatten_arrays(branches[k](*operands), name, "the result")
        if other_tree != treedef:
            raise mismatch(name, ("the result of one branch", "that of another"), treedef,
                           other_tree)  # fmt: skip
        _common_types(name, treedef, [x.aval for x in leaves], [x.aval for x in others])
        chosen = index == k
        leaves = [where(chosen, y, x) for x, y in zip(leaves, others)]
    return treedef.unflatten(leaves)


def _common_types(name: str, treedef: Any, first: list[Aval], second: list[Aval]) -> list[Aval]:
    """The types of results of two branches: the same, except that Python scalars adapt."""
    out = []
    for i, (a, b) in enumerate(zip(first, second)):
        dtype, weak = dtypes.promote((a.dtype, a.weak), (b.dtype, b.weak))
        fits = all(v.weak or v.dtype is dtype for v in (a, b))
        if a.shape != b.shape or not fits:
            whole = treedef.unflatten(first)
            path = keystr(leaves_with_path(whole)[i][0])
            kind = ShapeError if a.shape != b.shape else DTypeError
            raise kind(f"[{name}] the branches must return the same types: the result{path} is {a} "
                       f"in one and {b} in another")  # fmt: skip
        out.append(Aval(a.shape, dtype, weak, a.varies | b.varies))
    return out


# ---- staged --------------------------------------------------------------------------------------


def _staged(name: str, index: Array, branches: Sequence[Any], operands: tuple[Any, ...]) -> Any:
    leaves, _ = flatten_arrays(operands, name, "operands")
    leaves = [vary(x, index._varies) for x in leaves]  # each lane that chooses has its own
    avals = [x.aval for x in leaves]
    in_tree = tree.structure((operands, {}))
    staged = [stage_function(branch, avals, in_tree, name) for branch in branches]
    out_tree = staged[0].out_tree
    types = staged[0].program.out_avals
    for other in staged[1:]:
        if other.out_tree != out_tree:
            raise mismatch(name, ("the result of one branch", "that of another"), out_tree,
                           other.out_tree)  # fmt: skip
        types = _common_types(name, out_tree, types, other.program.out_avals)
    types = [v.varying(v.varies | index._varies) for v in types]
    programs, consts = with_common_consts([_converted(s, types) for s in staged])
    if index._varies:
        check_choice(name, index._varies, programs)
        consts = [vary(x, index._varies) for x in consts]
        programs = tuple([retyped(p, [x.aval for x in [*consts, *leaves]]) for p in programs])
    return out_tree.unflatten(switch_p(index, *consts, *leaves, branches=programs))


def _converted(staged: Staged, types: list[Aval]) -> Program:
    """The Program with results of these types."""
    program = staged.program
    eqns, outs = list(program.eqns), []
    for v, aval in zip(program.out_atoms, types):
        out = v
        if v.aval.dtype is not aval.dtype or v.aval.weak > aval.weak:
            out = Var(aval.varying(v.aval.varies))
            eqns.append(Eqn(convert_p, (v,), {"dtype": aval.dtype}, (out,)))
        outs.append(out)
    return declared(Program(program.in_vars, eqns, outs, program.consts, program.name), types)


class Switch(Primitive):
    """One of ``branches``, that of number ``index``, on the other operands."""

    name = "switch"
    multiple = True

    def impl(self, xp: Any, index: Any, *raw: Any, branches: tuple[Program, ...]) -> Any:
        chosen = branches[int(index)]
        out = executable(chosen, xp)(*raw)
        # Operands may be memory that is written to again.
        return [x.copy() if borrowed else x for x, borrowed in zip(out, may_alias(chosen))]

    def replay(self, index: Any, *args: Any, branches: tuple[Program, ...]) -> None:
        run_again(branches[int(index)], *args)

    def infer(self, *avals: Any, branches: tuple[Program, ...]) -> Any:
        return branches[0].out_avals

    def depends(self, active: Any, smooth: bool, *, branches: tuple[Program, ...]) -> Any:
        return None if active[0] else _any_active(branches, active[1:], smooth)

    def jvp(self, primals: Any, tangents: Any, *, branches: tuple[Program, ...]) -> Any:
        index, *operands = primals
        active = tuple([t is not None for t in tangents[1:]])
        out_active = _any_active(branches, active)
        derived = tuple([jvp_program(b, active, out_active)[0] for b in branches])
        dots = [t for t in tangents[1:] if t is not None]
        out = switch_of([index, *operands, *dots], derived)
        n = len(out_active)
        found = iter(out[n:])
        return out[:n], [next(found) if a else None for a in out_active]

    def linearize(self, tape: Any, primals: Any, tangents: Any, *,
                  branches: tuple[Program, ...]) -> Any:  # fmt: skip
        index, *operands = primals
        active = tuple([t is not None for t in tangents[1:]])
        halves = _halves(branches[0], branches, active)
        results = switch_of([index, *operands], halves.forward)
        n = len(halves.out_active)
        out, residuals = results[:n], results[n:]
        saved = [operands[i] for i in halves.read]
        dots = [t for t in tangents[1:] if t is not None]
        like = [y for y, a in zip(out, halves.out_active) if a]
        entry = LinearSwitch(halves, len(saved) + len(residuals))
        nodes = iter(tape.record(entry, (index, *saved, *residuals, *dots), {}, like))
        return out, [next(nodes) if a else None for a in halves.out_active]

    def transpose(self, ct: Any, index: Any, *operands: Any, branches: Any) -> Any:
        linear = tuple(map(is_linear, operands))
        cts = [instantiate(c, v) for c, v in zip(ct, branches[0].out_avals)]
        derived = tuple([transpose_program(b, linear) for b in branches])
        known = [x for x in operands if not is_linear(x)]
        found = iter(switch_of([index, *known, *cts], derived))
        return [None, *[next(found) if lin else None for lin in linear]]

    def batch(self, args: Any, dims: Any, *, branches: tuple[Program, ...]) -> Any:
        (index, *operands), (index_dim, *rest) = args, dims
        size = batch_size(args, dims)
        if index_dim is not None:
            return _batch_per_lane(index, operands, tuple(rest), size, branches)
        natural = [batch_program(b, tuple(rest), size)[1] for b in branches]
        forced = tuple([any(d is not None for d in column) for column in zip(*natural)])
        derived = tuple([batch_program(b, tuple(rest), size, forced)[0] for b in branches])
        out = switch_of([index, *operands], derived)
        return out, [0 if force else None for force in forced]


switch_p = Switch()


def switch_of(args: Sequence[Any], branches: Sequence[Program]) -> Any:
    """The branch that the first of `args` chooses, on the others."""
    programs, outer = with_common_consts(branches)  # rules of the user's may close over tracers
    return switch_p(args[0], *outer, *args[1:], branches=programs)


def _any_active(branches: Sequence[Program], active: Mask, smooth: bool = True) -> Mask:
    """Which results have a tangent in one of the branches."""
    return tuple(map(any, zip(*[depends(b, active, smooth) for b in branches])))


def _batch_per_lane(
    index: Array, operands: list[Any], dims: Dims, size: int, branches: tuple[Program, ...]
) -> Any:
    """Every branch that a lane asks for, on all lanes; each lane takes its own result."""
    # Operands, and so what a branch gives, in all lanes.
    same = all(d is None for d in dims) and all(axis_to_batch(b) is None for b in branches)
    n = len(branches[0].out_atoms)
    out: list[Any] = []
    for k, branch in enumerate(branches):
        program = branch if same else batch_program(branch, dims, size, (True,) * n)[0]
        chosen = eq_p(index, k)
        is_asked = convert_p(reduce_or_p(chosen, axes=(0,)), dtype=dtypes.int64)
        results = switch_of([is_asked, *operands], (_nothing(program), program))
        results = [batched_front(y, None, size) if same else y for y in results]
        out = [
            select_p(broadcast_p(chosen, shape=y.shape, axes=(0,)), y, x)
            for x, y in zip(out, results)
        ] or results
    return out, [0] * n


@once
def _nothing(program: Program) -> Program:
    """A Program that returns zeros instead."""
    consts = {Var(v): constant_zeros(v) for v in program.out_avals}
    return Program([Var(v) for v in program.in_avals], [], list(consts), consts, "nothing")


# ---- reverse mode --------------------------------------------------------------------------------


class SwitchHalves(NamedTuple):
    """A linearized switch.

    The forward halves return their residuals in common slots, those of other branches being
    zeros; `read` are the operands that a backward half reads.
    """

    forward: tuple[Program, ...]
    push: Callable[[], tuple[Program, ...]]
    pull: Callable[[Mask], tuple[Program, ...]]
    read: tuple[int, ...]
    out_active: Mask


@once
def _halves(first: Program, branches: tuple[Program, ...], active: Mask) -> SwitchHalves:
    out_active = _any_active(branches, active)
    n = len(out_active)
    halves = [linearize_program(b, active, out_active) for b in branches]
    residuals = [h.forward.out_atoms[n:] for h in halves]
    read = sorted({h.forward.in_vars.index(v) for h, own in zip(halves, residuals) for v in own
                   if v in h.forward.in_vars})  # fmt: skip
    slots: list[Aval] = []
    places = [_allocate([v for v in own if v not in h.forward.in_vars], slots)
              for h, own in zip(halves, residuals)]  # fmt: skip
    forward = tuple([_filled(h.forward, n, place, slots) for h, place in zip(halves, places)])

    def supplied(program: Program, k: int) -> Program:
        """A backward half that takes the operands it may read, and all slots."""
        body = halves[k].forward
        params = [Var(body.in_vars[i].aval) for i in read] + [Var(aval) for aval in slots]
        at = {body.in_vars[i]: v for i, v in zip(read, params)}
        at |= {v: params[len(read) + slot] for v, slot in places[k].items()}
        env = {old: at[v] for old, v in zip(program.in_vars, residuals[k])}
        eqns = [eqn.replace([env.get(a, a) for a in eqn.args]) for eqn in program.eqns]
        outs = [env.get(a, a) for a in program.out_atoms]
        rest = program.in_vars[len(residuals[k]) :]
        return Program([*params, *rest], eqns, outs, program.consts, program.name)

    def push() -> tuple[Program, ...]:
        return tuple([supplied(h.push(), k) for k, h in enumerate(halves)])

    def pull(given: Mask) -> tuple[Program, ...]:
        return tuple([supplied(h.pull(given), k) for k, h in enumerate(halves)])

    return SwitchHalves(forward, push, pull, tuple(read), out_active)


def _allocate(residuals: list[Var], slots: list[Aval]) -> dict[Var, int]:
    """A slot of its type for every residual; new ones are appended."""
    free = list(range(len(slots)))
    places: dict[Var, int] = {}
    for v in residuals:
        aval = Aval(v.aval.shape, v.aval.dtype, varies=v.aval.varies)
        fitting = [i for i in free if slots[i] == aval]
        if fitting:
            free.remove(fitting[0])
            places[v] = fitting[0]
        else:
            places[v] = len(slots)
            slots.append(aval)
    return places


def _filled(forward: Program, n: int, places: dict[Var, int], slots: list[Aval]) -> Program:
    """The forward half with its residuals in their slots, and zeros in the others."""
    owner = {slot: v for v, slot in places.items()}
    consts = dict(forward.consts)
    outs = list(forward.out_atoms[:n])
    for i, aval in enumerate(slots):
        if i not in owner:
            owner[i] = Var(aval)
            consts[owner[i]] = constant_zeros(aval)
        outs.append(owner[i])
    return Program(forward.in_vars, forward.eqns, outs, consts, forward.name)


class LinearSwitch:
    """The entry of a tape that stands for a linearized switch; quacks like a linear primitive.

    Its operands are the index, what the backward halves read, and the tangents.
    """

    name = "linear_switch"
    multiple = True

    def __init__(self, halves: SwitchHalves, n_saved: int) -> None:
        self.halves = halves
        self.n_saved = n_saved

    def __call__(self, *operands: Any) -> Any:
        return switch_of(operands, self.halves.push())

    def transpose(self, ct: Any, *operands: Any) -> list[Any]:
        known = operands[: self.n_saved + 1]
        branches = self.halves.pull(tuple([c is not None for c in ct]))
        cts = [c for c in ct if c is not None]
        return [None] * len(known) + list(switch_of([*known, *cts], branches))
