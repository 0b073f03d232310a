"""What the operations of implicit derivatives share: `custom_linear_solve`, `custom_root`, ...

Each holds Programs that begin with the same parameters, the *known* ones: what the user's functions
close over. Eagerly, without a transformation, the user's functions run as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import tree
from rtorch.core.aval import NOWHERE, Aval
from rtorch.core.dtypes import INEXACT
from rtorch.core.program import Program, eval_program
from rtorch.core.trace import EvalTrace, aval_of, run, state
from rtorch.core.tree import mismatch
from rtorch.core.tree_diff import keystr
from rtorch.core.tree_util import leaves_with_path
from rtorch.errors import DTypeError, ShapeError, describe
from rtorch.ops.base import batch_size, batched_front, instantiate
from rtorch.transforms.arguments import flatten_arrays, vary
from rtorch.transforms.call import call
from rtorch.transforms.derive import Mask, Named, batch_program, once
from rtorch.transforms.jvp import JVPTrace, JVPTracer
from rtorch.transforms.programs import stage_function
from rtorch.transforms.stage import stage


def runs_directly() -> bool:
    """Whether nothing is being transformed: the user's functions can just be called."""
    return isinstance(state.trace, EvalTrace)


class Space:
    """Where the unknowns of a problem live: a structure with the shape and dtype of every leaf."""

    def __init__(self, value: Any, name: str, what: str) -> None:
        self.name = name
        self.leaves, self.treedef = flatten_arrays(value, name, what)
        self.what = what
        self.avals = [Aval(x.shape, x.dtype, varies=x._varies) for x in self.leaves]
        self.value = self.treedef.unflatten(self.leaves)
        for x, path in zip(self.leaves, self._paths()):
            if x.dtype not in INEXACT:
                raise DTypeError(
                    f"[{name}] {what}{path} must be floating or complex, got {describe(x)}"
                )

    def _paths(self) -> list[str]:
        return [keystr(path) for path, _ in leaves_with_path(self.value)]

    def with_known(self, known: Sequence[Any]) -> Space:
        """This space, over all the named axes that the known values vary over."""
        names = NOWHERE.union(*[x._varies for x in known])
        if all(names <= x._varies for x in self.leaves):
            return self
        varying = self.treedef.unflatten([vary(x, names) for x in self.leaves])
        return Space(varying, self.name, self.what)

    def check(self, value: Any, what: str, like: str) -> Any:
        """`value`, made of Arrays, if it is a point of this space; otherwise an error."""
        leaves, treedef = flatten_arrays(value, self.name, what)
        if treedef is not self.treedef and treedef != self.treedef:
            raise mismatch(self.name, (like, what), self.value, value)
        for x, aval, path in zip(leaves, self.avals, self._paths()):
            text = f"[{self.name}] {what}{path} is {x.aval}, {like}{path} is {aval}"
            if x.shape != aval.shape:
                raise ShapeError(text)
            if x.dtype is not aval.dtype:
                raise DTypeError(text)
        return treedef.unflatten([vary(x, v.varies) for x, v in zip(leaves, self.avals)])

    def program(self, function: Callable[..., Any], count: int, named: Any) -> tuple[Program, Any]:
        """The Program of a function of `count` points, and the structure of its result."""
        function.__name__ = getattr(named, "__name__", type(named).__name__)
        in_tree = tree.structure(((self.value,) * count, {}))
        staged = stage_function(function, self.avals * count, in_tree, self.name)
        return staged.program, staged.out_tree


def callable_of(program: Program, known: Sequence[Any], space: Space) -> Callable[[Any], Any]:
    """A Program from the known values and a point to a point, as a function of the point."""

    def function(value: Any) -> Any:
        leaves = flatten_arrays(space.check(value, "the argument", "b"), space.name, "argument")[0]
        return space.treedef.unflatten(call(program, [*known, *leaves]))

    return function


@once
def tangent_program(program: Program, active: Mask) -> tuple[Program, Mask]:
    """From the arguments, and tangents of the active ones, to the tangents of results alone.

    Returns:
        The Program, and which results have a tangent. It is linear in the tangents.
    """
    has_tangent: list[bool] = []

    def function(*args: Any) -> list[Any]:
        trace = JVPTrace(state.trace, "jvp", None)
        tangents = iter(args[len(active) :])
        inputs = [JVPTracer(trace, x, next(tangents)) if a else x for x, a in zip(args, active)]
        dots = [trace.split(y)[1] for y in run(trace, eval_program, program, *inputs)]
        has_tangent.extend(t is not None for t in dots)
        return [t for t in dots if t is not None]

    avals = program.in_avals + [v for v, a in zip(program.in_avals, active) if a]
    staged = stage(function, avals, named=Named(f"tangent_{program.name}"))
    return staged, tuple(has_tangent)


def push(program: Program, known: Sequence[Any], dots: Sequence[Any], rest: Sequence[Any]) -> Any:
    """Tangents of the results of ``program(*known, *rest)`` for tangents `dots` of the known.

    Returns:
        A tangent or None for each result; None if there is none at all.
    """
    active = tuple([t is not None for t in dots]) + (False,) * len(rest)
    if not any(active):
        return None
    derived, has = tangent_program(program, active)
    if not any(has):
        return None
    found = iter(call(derived, [*known, *rest, *[t for t in dots if t is not None]]))
    return [next(found) if h else None for h in has]


def full(dots: Sequence[Any], likes: Sequence[Any]) -> list[Any]:
    """Tangents or cotangents with zeros in place of None; `likes` are arrays or avals."""
    types = [aval_of(x) for x in likes]
    return [vary(instantiate(t, v), v.varies) for t, v in zip(dots, types)]


class Lanes:
    """A batch of problems: the known operands as they are batched, the others in front."""

    def __init__(self, args: Sequence[Any], dims: Sequence[Any], n_known: int) -> None:
        self.size = size = batch_size(args, dims)
        self.known_dims = tuple(dims[:n_known])
        points = [batched_front(x, d, size) for x, d in zip(args[n_known:], dims[n_known:])]
        self.args = [*args[:n_known], *points]

    def program(self, program: Program) -> Program:
        """`program` for all lanes, with every result batched in front."""
        n = len(program.in_vars) - len(self.known_dims)
        forced = (True,) * len(program.out_atoms)
        return batch_program(program, self.known_dims + (0,) * n, self.size, forced)[0]
