"""`while_loop`: a loop whose end depends on values, differentiable in both modes.

In eager mode it is a Python loop. Inside `jit` it is one operation, `while_p`; its derivative in
reverse mode runs the loop once more with the residuals of every step on a growing tape
(`dynamic.py`), or, if `max_steps` bounds it, is that of a scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rtorch.compiler.loop import LoopShape, while_loop as while_plan
from rtorch.core import dtypes, tree
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.axes import check_choice
from rtorch.core.primitive import Primitive
from rtorch.core.program import Program, Var, eval_program, run_again
from rtorch.core.trace import is_staging
from rtorch.errors import ArgumentError, api
from rtorch.numpy.elementwise import where
from rtorch.ops.base import batch_size, batched_front, broadcast_p, instantiate
from rtorch.ops.comparison import and_p, select_p
from rtorch.ops.convert import convert_p
from rtorch.ops.reduction import reduce_or_p
from rtorch.transforms.arguments import check_callable, named_after, vary
from rtorch.transforms.call import call
from rtorch.transforms.carry import Carry, carry_of, stage_step
from rtorch.transforms.concrete import all_lanes, is_batched, predicate
from rtorch.transforms.cond import switch_p
from rtorch.transforms.derive import (
    Dims,
    Mask,
    Named,
    batch_program,
    closed,
    depends,
    lanes_begin,
    once,
    retyped,
)
from rtorch.transforms.dynamic import LinearDynamic, dynamic_p
from rtorch.transforms.programs import stage_function
from rtorch.transforms.remat import quiet_program
from rtorch.transforms.residuals import reached
from rtorch.transforms.scan import active_carry, batched_carry, jvp_body, scan_p
from rtorch.transforms.stage import stage


@api
def while_loop(
    cond_fun: Callable[[Any], Any],
    body_fun: Callable[[Any], Any],
    init_val: Any,
    *,
    max_steps: int | None = None,
) -> Any:
    """Apply ``value = body_fun(value)`` as long as ``cond_fun(value)`` is true.

    Args:
        cond_fun: From the value to a truth value.
        body_fun: From the value, a pytree of arrays, to the next one, of the same types.
        init_val: The first value.
        max_steps: A bound on the number of steps, beyond which the loop stops. Under `jit` its
            derivative in reverse mode is faster then, and takes the memory of so many steps.

    Returns:
        The first value for which `cond_fun` is false. Under `vmap` the loop runs until all lanes
        have ended; those that have keep their value.

    Example:
        >>> import rtorch as rt
        >>> collatz = lambda n: rt.where(n % 2 == 0, n // 2, 3 * n + 1)
        >>> n, steps = rt.while_loop(
        ...     lambda s: s[0] != 1, lambda s: (collatz(s[0]), s[1] + 1), (27, 0)
        ... )
        >>> int(steps)
        111
    """
    check_callable(cond_fun, "while_loop")
    check_callable(body_fun, "while_loop")
    if max_steps is not None and (type(max_steps) is not int or max_steps < 0):
        raise ArgumentError(
            f"[while_loop] max_steps: expected a non-negative integer, got {max_steps!r}"
        )
    carry = carry_of(init_val, "while_loop")
    if not is_staging():
        return _eager(cond_fun, body_fun, carry, max_steps)
    return _staged(cond_fun, body_fun, carry, max_steps)


def _eager(cond_fun: Any, body_fun: Any, carry: Carry, max_steps: int | None) -> Any:
    steps = 0
    while steps != max_steps:
        going = predicate(cond_fun(carry.value), "while_loop", "what cond_fun returns")
        lanes = all_lanes(going)
        if not lanes.any():
            break
        after = carry.next(body_fun(carry.value))
        if is_batched(going) and not lanes.all():
            leaves = [where(going, y, x) for x, y in zip(carry.leaves, after.leaves)]
            after = after._replace(leaves=leaves)
        carry = after
        steps += 1
    return carry.value


def _staged(cond_fun: Any, body_fun: Any, carry: Carry, max_steps: int | None) -> Any:
    def step(value: Any) -> Any:
        return body_fun(value), ()

    def test(value: Any) -> Array:
        return predicate(cond_fun(value), "while_loop", "what cond_fun returns")

    named_after(body_fun, step).__name__ = "body"
    named_after(cond_fun, test).__name__ = "condition"
    in_tree = tree.structure(((carry.value,), {}))
    staged, carry = stage_step(step, carry, [], in_tree)
    going = stage_function(test, carry.avals, in_tree, "while_loop").program
    names = going.out_avals[0].varies
    if any(not names <= x._varies for x in carry.leaves):  # lanes end one by one
        carry = carry.convert([v.varying(v.varies | names) for v in carry.avals])
        return _staged(cond_fun, body_fun, carry, max_steps)
    body, body_consts = closed(staged.program)
    cond, cond_consts = closed(going)
    if names:
        if max_steps is not None:  # its derivative is that of branches
            check_choice("while_loop", names, [body])
        body_consts = [vary(x, names) for x in body_consts]
        body = retyped(body, [x.aval for x in [*body_consts, *carry.leaves]])
    loop = Loop(cond, body, len(cond_consts), len(body_consts), max_steps)
    return carry.treedef.unflatten(while_p(*cond_consts, *body_consts, *carry.leaves, loop=loop))


class Loop(NamedTuple):
    """What a while loop runs, and how many of its operands are constants of its two Programs."""

    cond: Program
    body: Program
    n_cond: int
    n_body: int
    max_steps: int | None

    def split(self, xs: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Constants of the condition and of the body, and the carry."""
        n, m = self.n_cond, self.n_cond + self.n_body
        return list(xs[:n]), list(xs[n:m]), list(xs[m:])

    @property
    def shape(self) -> LoopShape:
        return LoopShape(self.n_body, len(self.body.out_atoms), 0, False)


class While(Primitive):
    """``body`` as long as ``cond``."""

    name = "while_loop"
    multiple = True

    def impl(self, xp: Any, *raw: Any, loop: Loop) -> Any:
        run = while_plan(loop.cond, loop.body, loop.n_cond, loop.n_body, loop.max_steps, xp)
        return run(*raw)

    def replay(self, *args: Any, loop: Loop) -> None:
        cond_consts, body_consts, carry = loop.split(args)
        steps = 0
        while steps != loop.max_steps and bool(run_again(loop.cond, *cond_consts, *carry)[0]):
            carry = run_again(loop.body, *body_consts, *carry)
            steps += 1

    def infer(self, *avals: Any, loop: Loop) -> Any:
        return loop.body.in_avals[loop.n_body :]

    def sub_programs(self, *, loop: Loop) -> Any:
        return [(1, (loop.cond,)), (1, (loop.body,))]

    def depends(self, active: Any, smooth: bool, *, loop: Loop) -> Any:
        carry = active_carry(loop.body, active[loop.n_cond :], loop.shape, smooth)[loop.n_body :]
        how_long = not smooth and any(depends(loop.cond, (*active[: loop.n_cond], *carry), smooth))
        return None if how_long else carry

    def jvp(self, primals: Any, tangents: Any, *, loop: Loop) -> Any:
        cond_consts, consts, carry = loop.split(primals)
        _, const_dots, carry_dots = loop.split(tangents)
        active = active_carry(
            loop.body, tuple([t is not None for t in const_dots + carry_dots]), loop.shape
        )
        dots = [instantiate(t, p) for t, p, a in zip(carry_dots, carry, active[loop.n_body :]) if a]
        derived = _jvp_loop(loop.cond, loop, active)
        out = while_p(
            *cond_consts, *consts, *[t for t in const_dots if t is not None], *carry, *dots,
            loop=derived,
        )  # fmt: skip
        found = iter(out[len(carry) :])
        return out[: len(carry)], [next(found) if a else None for a in active[loop.n_body :]]

    def linearize(self, tape: Any, primals: Any, tangents: Any, *, loop: Loop) -> Any:
        tangents = [None] * loop.n_cond + list(tangents[loop.n_cond :])
        if loop.max_steps is not None:
            program = _bounded(loop.cond, loop)
            shape = LoopShape(loop.n_cond + loop.n_body, len(program.out_atoms), loop.max_steps,
                              False)  # fmt: skip
            return scan_p.linearize(tape, primals, tangents, program=program, shape=shape)
        active = tuple([t is not None for t in tangents])
        carry = active_carry(loop.body, active[loop.n_cond :], loop.shape)[loop.n_body :]
        again = _Replay(loop)
        out = while_p(*primals, loop=loop)
        entry = LinearDynamic(again, active, tuple(loop.body.out_avals), carry)
        dots = [t for t in tangents if t is not None]
        like = [y for y, a in zip(out, carry) if a]
        nodes = iter(tape.record(entry, (*primals, *dots), {}, like))
        return out, [next(nodes) if a else None for a in carry]

    def transpose(self, ct: Any, *operands: Any, loop: Loop) -> Any:
        avals = tuple(loop.body.out_avals)
        return dynamic_p.transpose(ct, *operands, function=_Replay(loop), avals=avals)

    def batch(self, args: Any, dims: Any, *, loop: Loop) -> Any:
        size = batch_size(args, dims)
        cond_dims, body_dims, carry_dims = loop.split(dims)
        batched = [d is not None for d in body_dims + carry_dims]
        carried = batched_carry(loop.body, tuple(batched), loop.shape)
        carried = carried[loop.n_body :]
        varies = [d is not None for d in cond_dims] + list(carried)
        start = [v for v, b in zip(loop.cond.in_vars, varies) if b] + lanes_begin(loop.cond)
        per_lane = loop.cond.out_atoms[0] in reached(loop.cond, start)
        if per_lane:
            carried = (True,) * len(carried)
        cond_consts, body_consts, carry = loop.split(args)
        carry = [batched_front(x, d, size) if b else x
                 for x, d, b in zip(carry, carry_dims, carried)]  # fmt: skip
        out_dims = [0 if b else None for b in carried]
        lanes = _Lanes(tuple(cond_dims), tuple(body_dims), tuple(out_dims), size)
        if not per_lane:
            derived = _batched_loop(loop.cond, loop, lanes)
            return while_p(*cond_consts, *body_consts, *carry, loop=derived), out_dims
        test, derived = _masked_loop(loop.cond, loop, lanes)
        (going,) = call(test, [*cond_consts, *carry])
        out = while_p(*cond_consts, *body_consts, going, *carry, loop=derived)
        return out[1:], out_dims


while_p = While()


@once
def _jvp_loop(cond: Program, loop: Loop, active: Mask) -> Loop:
    body, _ = jvp_body(loop.body, active, loop.shape)
    dots = [Var(v) for v, a in zip(loop.body.in_avals[loop.n_body :], active[loop.n_body :]) if a]
    cond = Program([*cond.in_vars, *dots], cond.eqns, cond.out_atoms, cond.consts, cond.name)
    return Loop(cond, body, loop.n_cond, loop.n_body + sum(active[: loop.n_body]), loop.max_steps)


@once
def _bounded(cond: Program, loop: Loop) -> Program:
    """One step of a scan that goes on as long as the condition holds."""
    n = loop.n_cond
    same = Program(loop.body.in_vars, [], loop.body.in_vars[loop.n_body :], {}, "stay")

    def step(*args: Any) -> Any:
        cond_consts, body_consts, carry = loop.split(args)
        (going,) = eval_program(cond, *cond_consts, *carry)
        index = convert_p(going, dtype=dtypes.int64)
        return switch_p(index, *body_consts, *carry, branches=(same, loop.body))

    avals = cond.in_avals[:n] + loop.body.in_avals
    return stage(step, avals, named=Named(loop.body.name))


class _Replay:
    """The loop as a function of its operands that runs eagerly, under any transformation."""

    def __init__(self, loop: Loop) -> None:
        cond, body = quiet_program(loop.cond), quiet_program(loop.body)
        self.loop = loop._replace(cond=cond, body=body)
        for eqn in (*cond.eqns, *body.eqns):
            if eqn.effect:
                raise ArgumentError(
                    f"[while_loop] under jit, reverse mode runs the loop a second time, and "
                    f"'{eqn.prim}' in it must act once: pass max_steps, or call it outside"
                )

    def __call__(self, *operands: Any) -> list[Array]:
        loop = self.loop
        cond_consts, body_consts, leaves = loop.split(operands)
        carry = carry_of(leaves, "while_loop")
        out: list[Array] = _eager(
            lambda value: call(loop.cond, [*cond_consts, *value])[0],
            lambda value: list(call(loop.body, [*body_consts, *value])),
            carry, loop.max_steps,
        )  # fmt: skip
        return out


class _Lanes(NamedTuple):
    """The batch axes of the operands of a loop."""

    cond_consts: Dims
    body_consts: Dims
    carry: Dims
    size: int


@once
def _batched_loop(cond: Program, loop: Loop, lanes: _Lanes) -> Loop:
    """All lanes take the same number of steps."""
    cond, _ = batch_program(cond, lanes.cond_consts + lanes.carry, lanes.size)
    forced = tuple([d is not None for d in lanes.carry])
    body, _ = batch_program(loop.body, lanes.body_consts + lanes.carry, lanes.size, forced)
    return loop._replace(cond=cond, body=body)


@once
def _masked_loop(cond: Program, loop: Loop, lanes: _Lanes) -> tuple[Program, Loop]:
    """Lanes end one by one: which are going is part of the carry, the others keep their values.

    Returns:
        The condition of every lane, and the loop with it as first carry.
    """
    test, _ = batch_program(cond, lanes.cond_consts + lanes.carry, lanes.size, (True,))
    forced = (True,) * len(lanes.carry)
    body, _ = batch_program(loop.body, lanes.body_consts + lanes.carry, lanes.size, forced)

    def go_on(going: Any, *carry: Any) -> Any:
        return (reduce_or_p(going, axes=(0,)),)

    def step(*args: Any) -> Any:
        cond_consts, body_consts, (going, *carry) = loop.split(args)
        after = eval_program(body, *body_consts, *carry)
        after = [
            select_p(broadcast_p(going, shape=y.shape, axes=(0,)), y, x)
            for x, y in zip(carry, after)
        ]
        (more,) = eval_program(test, *cond_consts, *after)
        return [and_p(going, more), *after]

    flags = Aval((lanes.size,), dtypes.bool_)
    carry = [v.aval for v in test.in_vars[loop.n_cond :]]
    consts = test.in_avals[: loop.n_cond] + body.in_avals[: loop.n_body]
    masked = stage(step, [*consts, flags, *carry], named=Named(loop.body.name))
    ends = stage(go_on, [flags, *carry], named=Named("any_lane"))
    return test, Loop(ends, masked, 0, loop.n_cond + loop.n_body, loop.max_steps)
