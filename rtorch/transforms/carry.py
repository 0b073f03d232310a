"""The carry of loops: what every step takes must be what the step before returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rtorch.core import dtypes, tree
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.tree import mismatch
from rtorch.core.tree_diff import keystr
from rtorch.core.tree_util import leaves_with_path
from rtorch.errors import DTypeError, ShapeError
from rtorch.numpy.operands import convert
from rtorch.ops.convert import promote_p
from rtorch.transforms.arguments import flatten_arrays, vary
from rtorch.transforms.derive import declared
from rtorch.transforms.programs import Staged, stage_function


class Carry(NamedTuple):
    """A pytree of arrays that goes from step to step; `name` is the loop, for messages."""

    leaves: list[Array]
    treedef: Any
    name: str

    @property
    def value(self) -> Any:
        return self.treedef.unflatten(self.leaves)

    @property
    def avals(self) -> list[Aval]:
        return [x.aval for x in self.leaves]

    def next(self, value: Any) -> Carry:
        """`value`, which a step returned, in the place of this carry."""
        leaves, treedef = flatten_arrays(value, self.name, "the carry")
        if treedef is not self.treedef and treedef != self.treedef:
            raise mismatch(self.name, ("the carry", "what the body returns for it"),
                           self.value, value)  # fmt: skip
        for x, y in zip(self.leaves, leaves):
            if x.shape != y.shape or x.dtype is not y.dtype:
                common_types(self, [y.aval for y in leaves])  # raises unless x may change
        return Carry(leaves, treedef, self.name)

    def convert(self, avals: Sequence[Aval]) -> Carry:
        """This carry with the types that `common_types` gave."""
        leaves = [vary(_converted(x, v), v.varies) for x, v in zip(self.leaves, avals)]
        return Carry(leaves, self.treedef, self.name)


def _converted(x: Array, aval: Aval) -> Array:
    if aval.weak:
        return x if x.dtype is aval.dtype else promote_p(x, dtype=aval.dtype)
    return convert(x, aval.dtype)


def carry_of(value: Any, name: str) -> Carry:
    """The carry that a loop begins with."""
    return Carry(*flatten_arrays(value, name, "the initial carry"), name)


def common_types(carry: Carry, returned: Sequence[Aval]) -> list[Aval]:
    """The types with which a carry can go on for ever, given what one step returns for it.

    They are its own, except that a Python scalar at the beginning takes the dtype it gets.
    """
    out = []
    for i, (before, after) in enumerate(zip(carry.avals, returned)):
        dtype = after.dtype if before.weak else before.dtype
        fits = before.dtype is dtype or dtypes.promote_types(before.dtype, dtype) is dtype
        if before.shape != after.shape:
            raise ShapeError(_difference(carry, i, before, after))
        if dtype is not after.dtype or not fits:
            raise DTypeError(_difference(carry, i, before, after))
        out.append(Aval(before.shape, dtype, before.weak and after.weak,
                        before.varies | after.varies))  # fmt: skip
    return out


def _difference(carry: Carry, i: int, before: Aval, after: Aval) -> str:
    path = keystr(leaves_with_path(carry.value)[i][0])
    return (f"[{carry.name}] the carry must keep its type: carry{path} is {before} at the "
            f"beginning of a step and {after} after it")  # fmt: skip


def stage_step(
    step: Callable[..., Any], carry: Carry, others: Sequence[Aval], in_tree: Any
) -> tuple[Staged, Carry]:
    """Stage a step, which returns the carry and anything else as a pair.

    Args:
        step: The function; its arguments are the carry and more.
        carry: The carry that the loop begins with.
        others: The types of the leaves of the other arguments.
        in_tree: The structure of ``(args, kwargs)``.

    Returns:
        The staged step, and the carry with the types that the step takes and returns.
    """
    n = len(carry.leaves)
    while True:
        staged = stage_function(step, [*carry.avals, *others], in_tree, carry.name)
        after, _ = staged.out_tree.unflatten(staged.program.out_avals)
        if (out_tree := tree.structure(after)) != carry.treedef:
            names = ("the carry", "what the body returns for it")
            raise mismatch(carry.name, names, carry.treedef, out_tree)
        avals = common_types(carry, staged.program.out_avals[:n])
        if avals == carry.avals:
            return staged._replace(program=declared(staged.program, avals)), carry
        carry = carry.convert(avals)
