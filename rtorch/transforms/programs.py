"""Functions as Programs: `make_program`, `eval_shape`, and the staging of pytree functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rtorch.core import tree
from rtorch.core.array import Array
from rtorch.core.aval import Aval, spec
from rtorch.core.program import Program
from rtorch.errors import api
from rtorch.transforms.arguments import as_array, check_callable
from rtorch.transforms.stage import stage


class Staged(NamedTuple):
    """A staged function of pytrees."""

    program: Program
    out_tree: Any


def aval_like(x: Any, transform: str, where: str) -> Aval:
    """The aval of an argument: an Array, a spec, or anything with shape and dtype."""
    if isinstance(x, Aval):
        return x
    if isinstance(x, Array):
        return x.aval
    if hasattr(x, "shape") and hasattr(x, "dtype") and not hasattr(x, "__array__"):
        return spec(x.shape, x.dtype)
    return as_array(x, transform, where).aval


def stage_function(
    function: Callable[..., Any], avals: list[Aval], in_tree: Any, transform: str
) -> Staged:
    """Stage a function of ``(args, kwargs)`` with structure `in_tree`."""
    out_trees: list[Any] = []

    def flat(*tracers: Any) -> list[Any]:
        args, kwargs = in_tree.unflatten(tracers)
        outs, out_tree = tree.flatten(function(*args, **kwargs))
        out_trees.append(out_tree)
        return [as_array(y, transform, "result") for y in outs]

    program = stage(flat, avals, transform, named=function)
    return Staged(program, out_trees[0])


@api
def make_program(function: Callable[..., Any]) -> Callable[..., Program]:
    """A function that returns the `Program` that `function` becomes when it is staged.

    Args:
        function: From pytrees to a pytree of arrays.

    Returns:
        A function of the same arguments (arrays, numbers or specs) that returns a Program;
        print it to read it, call it with a list of arrays to run it.

    Example:
        >>> import rtorch as rt
        >>> program = rt.make_program(lambda x: rt.sum(rt.sin(x)))(rt.spec(3))
        >>> [eqn.prim.name for eqn in program.eqns]
        ['sin', 'reduce_sum']
    """
    check_callable(function, "make_program")

    @api
    def stage_it(*args: Any, **kwargs: Any) -> Program:
        leaves, in_tree = tree.flatten((args, kwargs))
        avals = [aval_like(x, "make_program", "argument") for x in leaves]
        return stage_function(function, avals, in_tree, "make_program").program

    return stage_it


@api
def eval_shape(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Shapes and dtypes of ``function(*args, **kwargs)``, without computing anything.

    Args:
        function: From pytrees to a pytree of arrays.
        *args: Arrays or specs (`rt.spec`), in pytrees.
        **kwargs: Likewise.

    Returns:
        The result's structure with an aval for every array.

    Example:
        >>> import rtorch as rt
        >>> rt.eval_shape(lambda x, y: x @ y, rt.spec((2, 3)), rt.spec((3, 4)))
        f32[2,4]
    """
    check_callable(function, "eval_shape")
    leaves, in_tree = tree.flatten((args, kwargs))
    avals = [aval_like(x, "eval_shape", "argument") for x in leaves]
    staged = stage_function(function, avals, in_tree, "eval_shape")
    return staged.out_tree.unflatten(staged.program.out_avals)
