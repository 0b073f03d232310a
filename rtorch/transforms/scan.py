"""`scan_p`: a loop over slices of arrays with a carry, as one operation.

The operands are the constants, the carry at the beginning and the arrays to slice; `program`, the
body, takes constants, carry and one slice of each, and returns the next carry and slices of the
results. Every rule derives another body and is a scan again, so that all of them compose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rtorch.compiler.loop import LoopShape as Shape, loop
from rtorch.compiler.passes import eliminate_dead
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive, is_linear
from rtorch.core.program import Eqn, Program, Var, run_again
from rtorch.core.trace import aval_of
from rtorch.ops.base import add_p, batch_size, batched_front, instantiate, move_dim, zeros
from rtorch.ops.shape import unstack_p
from rtorch.transforms.call import call
from rtorch.transforms.derive import (
    Mask,
    batch_program,
    closed,
    constant_zeros,
    depends,
    jvp_program,
    lanes_begin,
    linearize_program,
    once,
    transpose_program,
)
from rtorch.transforms.residuals import Saved, reached, save, split_linear
from rtorch.transforms.scan_sums import Sums, sums_behind


def scan_of(program: Program, consts: Sequence[Any], carry: Sequence[Any], xs: Sequence[Any],
            length: int, reverse: bool) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """Run a scan; the last carry and the stacked results."""
    program, outer = closed(program)  # a rule of the user's may close over tracers
    shape = Shape(len(outer) + len(consts), len(carry), length, reverse)
    out = scan_p(*outer, *consts, *carry, *xs, program=program, shape=shape)
    return list(out[: len(carry)]), list(out[len(carry) :])


class Scan(Primitive):
    """``program`` for one slice after the other."""

    name = "scan"
    multiple = True

    def impl(self, xp: Any, *raw: Any, program: Program, shape: Shape) -> Any:
        return loop(program, shape, xp)(*raw)

    def replay(self, *args: Any, program: Program, shape: Shape) -> None:
        consts, carry, xs = shape.split(args)
        slices = [unstack_p(x, axis=0) for x in xs]
        for i in shape.order:
            out = run_again(program, *consts, *carry, *[s[i] for s in slices])
            carry = out[: shape.n_carry]

    def infer(self, *avals: Any, program: Program, shape: Shape) -> Any:
        _, carry, _ = shape.split(program.in_avals)
        ys = program.out_avals[shape.n_carry :]
        return [*carry, *[Aval((shape.length, *y.shape), y.dtype) for y in ys]]

    def sub_programs(self, *, program: Program, shape: Shape) -> Any:
        return [(shape.length, (program,))]

    def depends(self, active: Any, smooth: bool, *, program: Program, shape: Shape) -> Any:
        active = active_carry(program, active, shape, smooth)
        # A carry ends as it begins if there is no step, and its tangent is carried in any case.
        return _carry(shape, active) + depends(program, active, smooth)[shape.n_carry :]

    def jvp(self, primals: Any, tangents: Any, *, program: Program, shape: Shape) -> Any:
        active = active_carry(program, tuple([t is not None for t in tangents]), shape)
        tangents = [instantiate(t, p) if a else None
                    for t, p, a in zip(tangents, primals, active)]  # fmt: skip
        derived, has_tangent = jvp_body(program, active, shape)
        consts, carry, xs = shape.split(primals)
        dots = [[t for t in part if t is not None] for part in shape.split(tangents)]
        carry_out, ys = scan_of(derived, consts + dots[0], carry + dots[1], xs + dots[2],
                                shape.length, shape.reverse)  # fmt: skip
        n, n_ys = shape.n_carry, len(program.out_atoms) - shape.n_carry
        found = iter(carry_out[n:] + ys[n_ys:])
        return carry_out[:n] + ys[:n_ys], [next(found) if has else None for has in has_tangent]

    def linearize(self, tape: Any, primals: Any, tangents: Any, *, program: Program,
                  shape: Shape) -> Any:  # fmt: skip
        active = active_carry(program, tuple([t is not None for t in tangents]), shape)
        halves = _halves(program, active, shape)
        consts, carry, xs = shape.split(primals)
        carry_out, ys = scan_of(halves.forward, consts, carry, xs, shape.length, shape.reverse)
        saved = halves.gather(consts, xs, ys)
        out = carry_out + ys[: len(program.out_atoms) - shape.n_carry]
        dots = [aval_of(p) if t is None else t for t, p, a in zip(tangents, primals, active) if a]
        like = [y for y, a in zip(out, halves.out_active) if a]
        nodes = iter(tape.record(LinearScan(halves), (*saved, *dots), {}, like))
        return out, [next(nodes) if a else None for a in halves.out_active]

    def transpose(self, ct: Any, *operands: Any, program: Program, shape: Shape) -> Any:
        linear = active_carry(program, tuple(map(is_linear, operands)), shape, only_smooth=False)
        halves = _linear_halves(program, linear, shape)
        known = shape.split([None if lin else x for x, lin in zip(operands, linear)])
        consts, carry, xs = [[x for x in part if x is not None] for part in known]
        _, ys = scan_of(halves.forward, consts, carry, xs, shape.length, shape.reverse)
        saved = halves.gather(consts, xs, ys)
        cts = [c for c, lin in zip(ct, halves.out_active) if lin]
        found = iter(LinearScan(halves).transpose(cts, *saved)[len(saved) :])
        # A carry may begin as known zeros: what flows back to it is dropped.
        back = [next(found) if lin else None for lin in linear]
        return [c if is_linear(x) else None for c, x in zip(back, operands)]

    def batch(self, args: Any, dims: Any, *, program: Program, shape: Shape) -> Any:
        size = batch_size(args, dims)
        batched = tuple([d is not None for d in dims])
        carry_dims = _carry(shape, batched_carry(program, batched, shape))
        consts, carry, xs = shape.split(args)
        const_dims, old_dims, x_dims = shape.split(dims)
        carry = [batched_front(x, d, size) if b else x
                 for x, d, b in zip(carry, old_dims, carry_dims)]  # fmt: skip
        xs = [move_dim(x, 0, 1) if d == 0 else x for x, d in zip(xs, x_dims)]
        inner = (*const_dims, *[0 if b else None for b in carry_dims],
                 *[None if d is None else max(d, 1) - 1 for d in x_dims])  # fmt: skip
        n_ys = len(program.out_atoms) - shape.n_carry
        derived, out_dims = batch_program(program, inner, size, carry_dims + (False,) * n_ys)
        carry, ys = scan_of(derived, consts, carry, xs, shape.length, shape.reverse)
        y_dims = [None if d is None else d + 1 for d in out_dims[shape.n_carry :]]
        return carry + ys, [0 if b else None for b in carry_dims] + y_dims


scan_p = Scan()


def _carry(shape: Shape, mask: Mask) -> Mask:
    return tuple(shape.split(mask)[1])


def batched_carry(program: Program, mask: Mask, shape: Shape) -> Mask:
    """`mask`, which says what is batched, with the carry that becomes so in some step."""
    return active_carry(program, mask, shape, False, lanes_begin(program))


def active_carry(
    program: Program, mask: Mask, shape: Shape, only_smooth: bool = True, more: Sequence[Var] = ()
) -> Mask:
    """`mask` with the carry that becomes active in some step; `more` is active beside."""
    while True:
        found = depends(program, mask, only_smooth, more)
        carry = tuple([a or b for a, b in zip(_carry(shape, mask), found)])
        if carry == _carry(shape, mask):
            return mask
        consts, _, xs = shape.split(mask)
        mask = (*consts, *carry, *xs)


def _forced(program: Program, active: Mask, shape: Shape) -> Mask:
    """Which results must be active since the parameters they become are: the carry."""
    return _carry(shape, active) + (False,) * (len(program.out_atoms) - shape.n_carry)


@once
def jvp_body(program: Program, active: Mask, shape: Shape) -> tuple[Program, Mask]:
    """The body with tangents, in the order of a scan, and which results have one."""
    derived, has_tangent = jvp_program(program, active, _forced(program, active, shape))
    n, m = len(program.in_vars), len(program.out_atoms)
    dots = iter(derived.in_vars[n:])
    split = shape.split([next(dots) if a else None for a in active])
    params: list[Var] = []
    for primal, tangent in zip(shape.split(derived.in_vars[:n]), split):
        params += [*primal, *[t for t in tangent if t is not None]]
    out, out_dots = derived.out_atoms[:m], derived.out_atoms[m:]
    k = sum(has_tangent[: shape.n_carry])
    outs = [*out[: shape.n_carry], *out_dots[:k], *out[shape.n_carry :], *out_dots[k:]]
    return Program(params, derived.eqns, outs, derived.consts, derived.name), has_tangent


# ---- reverse mode --------------------------------------------------------------------------------


class ScanHalves(NamedTuple):
    """A linearized scan: the body of the forward loop, and what those of the others are made of.

    `forward` returns what is stacked for the backward loop after its own results. `push` and
    `pull` are as in `derive.Halves`: they take the residuals first.
    """

    forward: Program
    forward_shape: Shape
    saved: Saved
    push: Callable[[], Program]
    pull: Callable[[Mask], Program]
    active: tuple[list[Aval], list[Aval], list[Aval]]  # avals of active constants, carry, slices
    out_active: Mask
    y_avals: list[Aval]  # of slices of active results
    shape: Shape

    def gather(self, consts: list[Any], xs: list[Any], ys: list[Any]) -> list[Any]:
        """What is saved, after the forward loop with these operands and results."""
        shape = self.forward_shape
        arrays = dict(zip(self.forward.out_atoms[shape.n_carry :], ys))
        # A result may be a constant: it is wanted as it is then, not stacked.
        arrays.update(zip(self.forward.in_vars[: shape.n_consts], consts))
        arrays.update(zip(shape.split(self.forward.in_vars)[2], xs))
        prelude, made = self.saved.prelude(shape.n_consts)
        if made:
            arrays.update(zip(made, call(prelude, consts)))
        return [arrays[v] for v in self.saved.shared + self.saved.per_step]


def _active_avals(program: Program, active: Mask, shape: Shape) -> Any:
    avals = [v if a else None for v, a in zip(program.in_avals, active)]
    return tuple([v for v in part if v is not None] for part in shape.split(avals))


def _with_stacked(body: Program, n_outs: int, saved: Saved) -> Program:
    outs = [*body.out_atoms[:n_outs], *saved.stacked]
    return Program(body.in_vars, body.eqns, outs, body.consts, body.name)


@once
def _halves(program: Program, active: Mask, shape: Shape) -> ScanHalves:
    halves = linearize_program(program, active, _forced(program, active, shape))
    n, body = len(program.out_atoms), halves.forward
    saved = save(body, body.out_atoms[n:], shape.n_consts, shape.n_carry, n)
    ys = zip(program.out_avals[shape.n_carry :], halves.out_active[shape.n_carry :])
    return ScanHalves(
        _with_stacked(body, n, saved), shape, saved, halves.push, halves.pull,
        _active_avals(program, active, shape), halves.out_active, [y for y, a in ys if a], shape,
    )  # fmt: skip


@once
def _linear_halves(program: Program, linear: Mask, shape: Shape) -> ScanHalves:
    """The same of a scan that is linear in some operands: the forward loop computes the others."""
    tainted = reached(program, [v for v, lin in zip(program.in_vars, linear) if lin])
    n_ys = len(program.out_atoms) - shape.n_carry
    is_carry = _carry(shape, linear) + (False,) * n_ys
    out_linear = tuple([c or v in tainted for v, c in zip(program.out_atoms, is_carry)])
    known, n_known, rest = split_linear(program, linear, out_linear)
    counts = [part.count(False) for part in shape.split(linear)]
    known_shape = Shape(counts[0], counts[1], shape.length, shape.reverse)
    residuals = known.out_atoms[n_known:]
    saved = save(known, residuals, counts[0], counts[1], n_known)

    def pull(given: Mask) -> Program:
        back = transpose_program(rest, (False,) * len(residuals) + (True,) * sum(linear))
        cts = back.in_vars[len(residuals) :]
        missing = {v: constant_zeros(v.aval) for v, is_given in zip(cts, given) if not is_given}
        params = [v for v in back.in_vars if v not in missing]
        return Program(params, back.eqns, back.out_atoms, {**back.consts, **missing}, back.name)

    ys = zip(program.out_avals[shape.n_carry :], out_linear[shape.n_carry :])
    return ScanHalves(
        _with_stacked(known, n_known, saved), known_shape, saved, lambda: rest, pull,
        _active_avals(program, linear, shape), out_linear, [y for y, a in ys if a], shape,
    )  # fmt: skip


class LinearScan:
    """The entry of a tape that stands for a linearized scan; quacks like a linear primitive.

    Its operands are what is saved, then the tangents of the active operands.
    """

    name = "linear_scan"
    multiple = True

    def __init__(self, halves: ScanHalves) -> None:
        self.halves = halves
        self.n_shared = len(halves.saved.shared)
        self.n_saved = self.n_shared + len(halves.saved.per_step)

    def _saved(self, values: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Shared ones, those per step, and the rest."""
        return (list(values[: self.n_shared]), list(values[self.n_shared : self.n_saved]),
                list(values[self.n_saved :]))  # fmt: skip

    def _parts(self, values: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """What goes with the active operands, for constants, carry and slices."""
        n, m = len(self.halves.active[0]), len(self.halves.active[0]) + len(self.halves.active[1])
        return list(values[:n]), list(values[n:m]), list(values[m:])

    def __call__(self, *operands: Any) -> list[Any]:
        shared, per_step, tangents = self._saved(operands)
        consts, carry, xs = self._parts(tangents)
        shape = self.halves.shape
        carry, ys = scan_of(self._push_body(), shared + consts, carry, per_step + xs,
                            shape.length, shape.reverse)  # fmt: skip
        return carry + ys

    def transpose(self, ct: Any, *operands: Any) -> list[Any]:
        shared, per_step, _ = self._saved(operands)
        consts, carry, xs = self.halves.active
        shape = self.halves.shape
        ct_carry = [instantiate(c, v) for c, v in zip(ct, carry)]
        ct_ys = ct[len(carry) :]
        pull = self._pull(tuple([c is not None for c in ct_ys]))
        start = [zeros(v) for v, is_moved in zip(consts, pull.sums.is_moved) if not is_moved]
        sliced = per_step + [c for c in ct_ys if c is not None]
        out, stacked = scan_of(pull.body, shared, ct_carry + start, sliced,
                               shape.length, not shape.reverse)  # fmt: skip
        arrays = dict(zip(pull.stacked, sliced + stacked))
        behind = iter(run_again(pull.sums.after, *[arrays[v] for v in pull.sums.read]))
        inside = iter(out[len(carry) :])
        ct_consts = [next(behind if is_moved else inside) for is_moved in pull.sums.is_moved]
        return [None] * self.n_saved + ct_consts + out[: len(carry)] + stacked[: len(xs)]

    def _push_body(self) -> Program:
        def make() -> Program:
            body = self.halves.saved.supplied(self.halves.push())
            shared, per_step, tangents = self._saved(body.in_vars)
            consts, carry, xs = self._parts(tangents)
            params = shared + consts + carry + per_step + xs
            return Program(params, body.eqns, body.out_atoms, body.consts, body.name)

        return self.halves.forward.cached("push", make)

    def _pull(self, given: Mask) -> Pull:
        """The backward loop from the cotangents of carry and sums, and of given results."""

        def make() -> Pull:
            n_carry = len(self.halves.active[1])
            body = self.halves.saved.supplied(self.halves.pull((True,) * n_carry + given))
            shared, per_step, cts = self._saved(body.in_vars)
            ct_consts, ct_carry, ct_xs = self._parts(body.out_atoms)
            sliced = per_step + cts[n_carry:]
            at_hand = [v for v in sliced + ct_xs if type(v) is Var and v not in body.consts]
            sums = sums_behind(body, ct_consts, at_hand, self.halves.shape.length)
            inside = [v for v, is_moved in zip(ct_consts, sums.is_moved) if not is_moved]
            before = [Var(v.aval) for v in inside]
            after = [Var(v.aval) for v in inside]
            eqns = [Eqn(add_p, pair, {}, (out,)) for *pair, out in zip(before, inside, after)]
            outs = ct_carry + after + ct_xs + sums.extra
            whole = Program(shared + cts[:n_carry] + before + sliced, [*body.eqns, *eqns], outs,
                            body.consts, body.name)  # fmt: skip
            return Pull(eliminate_dead(whole), sliced + ct_xs + sums.extra, sums)

        pull: Pull = self.halves.forward.cached(("pull", given), make)
        return pull


class Pull(NamedTuple):
    """A backward loop.

    Attributes:
        body: From the cotangents of the carry, and the sums so far of what constants get, to those
            one step before and to cotangents of the slices; and what `sums` wants stacked.
        stacked: The values of the body that its slices, and the stacked results, are.
        sums: What constants get that is summed up behind the loop.
    """

    body: Program
    stacked: list[Var]
    sums: Sums
