"""Functions of real arrays that are one primitive."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.errors import ArgumentError, DTypeError, api
from rtorch.numpy.declare import document
from rtorch.numpy.operands import broadcast, broadcast_shapes, floating, integer_of, promote


def reals(name: str, *xs: Any) -> list[Array]:
    """All of `xs` as real floating Arrays of one dtype and one shape."""
    arrays = [floating(x, name) for x in (promote(name, *xs) if len(xs) > 1 else xs)]
    if arrays[0].dtype not in dtypes.FLOATS:
        raise DTypeError(f"[{name}] expected real numbers, got {arrays[0].dtype}")
    if len(arrays) == 1:
        return arrays
    shape = broadcast_shapes(name, *[x.shape for x in arrays])
    return [broadcast(x, shape) for x in arrays]


def static_integer(x: Any, name: str, argument: str, least: int) -> int:
    """`x` as a Python integer that is at least `least`."""
    i = integer_of(x, name, argument)
    if i < least:
        raise ArgumentError(f"[{name}] {argument}: expected at least {least}, got {i}")
    return i


def special(
    name: str, takes: str, prim: Primitive, summary: str, example: str, *, scipy: bool = True,
    fixed: str = "", **params: Any,
) -> Callable[..., Array]:  # fmt: skip
    """A function of real arrays, which are promoted and broadcast.

    Args:
        name: Its name.
        takes: The names of its arguments, with spaces between.
        prim: What computes it.
        summary: The start of its docstring.
        example: ``"call -> result"``.
        scipy: Whether it needs SciPy.
        fixed: The arguments that it cannot be differentiated by, in words.
        **params: Passed to `prim`.
    """
    arguments = takes.split()

    @api
    def function(*xs: Any) -> Any:
        if len(xs) != len(arguments):
            raise ArgumentError(f"[{name}] takes ({', '.join(arguments)}), got {len(xs)} arguments")
        return prim(*reals(name, *xs), **params)

    shapes = "; shapes broadcast" if len(arguments) > 1 else ""
    text = "Args:\n"
    for argument in arguments:
        text += (
            f"    {argument}: Real array or number{shapes}; integers become the default float.\n"
        )
    if fixed or scipy:
        text += "\nRaises:\n"
    if fixed:
        text += f"    MissingRuleError: if it is differentiated by {fixed}.\n"
    if scipy:
        text += "    MissingDependencyError: without SciPy.\n"
    document(function, name, summary, example, text.rstrip())
    kind = inspect.Parameter.POSITIONAL_ONLY
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(argument, kind) for argument in arguments]
    )
    return function
