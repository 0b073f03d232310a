"""Sums over the steps of a backward loop that are better computed behind it.

The cotangent of a constant of a loop, such as the weight of a recurrent layer, is the sum of what
it gets in each step. Where that is a matrix product of values which are stacked anyway, or which
are smaller than the product, one product of the stacked values says the same:
``sum_t A_t.T @ B_t = concat(A).T @ concat(B)``. It runs at the speed of a large product, and no
step reads and writes an array of the size of the weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rtorch.core.aval import Aval
from rtorch.core.program import Atom, Eqn, Program, Var
from rtorch.ops.base import add_p, reduce_sum_p
from rtorch.ops.contraction import Dims, dot_general_p
from rtorch.transforms.residuals import variables

# Linear operations of one array, which so go through a sum, that leave most of the work before it.
# (What a constant gets is linear in the cotangents, and so a `pad` on the way fills in zeros.)
_PASSING = frozenset(["neg", "pad", "permute_dims", "reduce_sum", "reshape"])


class Sums(NamedTuple):
    """Which sums are taken behind the loop, and how.

    `after` maps the stacked values of `read` to the sums of those terms that `is_moved` marks;
    the values of `extra`, some of `read`, are stacked for it alone.
    """

    is_moved: tuple[bool, ...]
    read: list[Var]
    extra: list[Var]
    after: Program


def sums_behind(body: Program, terms: Sequence[Atom], at_hand: Sequence[Var], length: int) -> Sums:
    """Decide for each of `terms`, values of the body, whether its sum is taken behind the loop.

    Args:
        body: What a step computes.
        terms: Their sums over all steps are wanted.
        at_hand: Values of the body that are stacked in any case.
        length: How many steps there are.
    """
    search = _Search(body, at_hand, length)
    for term in terms:  # what is stacked for one of them is at hand for those before it, too
        search.sum_of(term)
    search = _Search(body, at_hand, length, search.at_hand)
    sums = [search.sum_of(term) for term in terms]
    outs = [s for s in sums if s is not None]
    read = list(search.stacked)
    after = Program(list(search.stacked.values()), search.eqns, outs, {}, "sums")
    extra = [v for v in read if v not in set(at_hand)]
    return Sums(tuple([s is not None for s in sums]), read, extra, after)


class _Search:
    """The equations behind the loop, as they are found."""

    def __init__(self, body: Program, stacked: Sequence[Var], length: int,
                 at_hand: Iterable[Var] = ()) -> None:  # fmt: skip
        self.made = {v: eqn for eqn in body.eqns for v in eqn.outs}
        self.at_hand = {*stacked, *at_hand}
        self.length = length
        self.room = sum(map(_nbytes, set(stacked)))  # at most as much again is stacked
        self.stacked: dict[Var, Var] = {}
        self.eqns: list[Eqn] = []

    def sum_of(self, term: Atom) -> Var | None:
        """The sum of `term` over the steps; None if the loop is the place for it."""
        if type(term) is not Var:
            return None
        before = dict(self.stacked), list(self.eqns)
        found = self._sum(term)
        if found is None:
            self.stacked, self.eqns = before
        return found

    def _sum(self, term: Var) -> Var | None:
        if term in self.at_hand:
            return self._emit(reduce_sum_p, [self._stack(term)], {"axes": (0,)}, term)
        eqn = self.made.get(term)
        if eqn is None or len(variables(eqn)) != len(eqn.args):
            return None
        if eqn.prim is dot_general_p:
            return self._product(eqn)
        if eqn.prim is not add_p and eqn.prim.name not in _PASSING:
            return None
        parts = [self._sum(v) for v in variables(eqn)]
        known = [p for p in parts if p is not None]
        return self._emit(eqn.prim, known, eqn.params, term) if known == parts else None

    def _product(self, eqn: Eqn) -> Var | None:
        out = eqn.outs[0]
        for v in variables(eqn):
            if v in self.at_hand:
                continue
            # To write it must cost no more than to write the product in every step.
            if v not in self.made or v.aval.size > out.aval.size or _nbytes(v) > self.room:
                return None
            self.room -= _nbytes(v)
            self.at_hand.add(v)
        operands = [self._stack(v) for v in variables(eqn)]
        axes = _with_steps(eqn.params["axes"])
        return self._emit(dot_general_p, operands, {"axes": axes}, out)

    def _stack(self, v: Var) -> Var:
        if v not in self.stacked:
            aval = v.aval
            shape = (self.length, *aval.shape)
            self.stacked[v] = Var(Aval(shape, aval.dtype, aval.weak, aval.varies))
        return self.stacked[v]

    def _emit(self, prim: Any, args: list[Var], params: dict[str, Any], like: Var) -> Var:
        out = Var(like.aval)
        self.eqns.append(Eqn(prim, args, params, (out,)))
        return out


def _nbytes(v: Var) -> int:
    return v.aval.size * v.aval.dtype.itemsize


def _with_steps(axes: Dims) -> Dims:
    """The axes of a product of stacked operands, summed over the steps as well."""
    (xc, yc), (xb, yb) = axes
    xc, yc, xb, yb = (tuple([a + 1 for a in part]) for part in (xc, yc, xb, yb))
    return (((0, *xc), (0, *yc)), (xb, yb))
