"""`closure_convert`: what a function closes over made into arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtorch.core import tree
from rtorch.core.array import Array
from rtorch.core.aval import NOWHERE
from rtorch.core.trace import EvalTrace, state
from rtorch.errors import ArgumentError, api
from rtorch.transforms.arguments import argument_path, as_array, check_callable, name_of, vary
from rtorch.transforms.call import call
from rtorch.transforms.derive import closed
from rtorch.transforms.programs import aval_like, stage_function


@api
def closure_convert(
    function: Callable[..., Any], *example_args: Any
) -> tuple[Callable[..., Any], list[Array]]:
    """A function with what it closes over as further arguments, and the values of these.

    A rule of `custom_vjp` gives derivatives by arguments alone. If one of them is a function that
    closes over values that are being differentiated or batched, convert it first and pass the
    values as arguments too.

    Args:
        function: From pytrees to a pytree of arrays.
        *example_args: Arguments, or specs, of the shapes and dtypes it will be called with.

    Returns:
        ``(converted, consts)``: ``converted(*args, *consts)`` is ``function(*args)``. `consts` are
        those values of surrounding transformations that the function uses. Other arrays stay in
        the closure. Where nothing is transformed there are none, and `converted` is `function`.

    Raises:
        ArgumentError: when `converted` is called with another number of arguments or leaves.
        ShapeError, DTypeError: when it is called with other types.

    Example:
        >>> import rtorch as rt
        >>> def slope_by_scale(scale):
        ...     converted, consts = rt.closure_convert(lambda x: x * scale, 1.0)
        ...     return converted(rt.asarray(5.0), *consts)
        >>> float(rt.grad(slope_by_scale)(2.0))
        5.0
    """
    check_callable(function, "closure_convert")
    if isinstance(state.trace, EvalTrace):
        return function, []
    leaves, in_tree = tree.flatten((example_args, {}))
    avals = [aval_like(x, "closure_convert", "argument") for x in leaves]
    staged = stage_function(function, avals, in_tree, "closure_convert")
    names = NOWHERE.union(*[x._varies for x in closed(staged.program)[1]])
    if any(not names <= v.varies for v in avals):  # it may be called with values that vary too
        avals = [v.varying(v.varies | names) for v in avals]
        staged = stage_function(function, avals, in_tree, "closure_convert")
    program, captured = closed(staged.program)
    n = len(example_args)

    @api
    def converted(*args: Any) -> Any:
        """The function of its arguments and of what it closed over."""
        if len(args) != n + len(captured):
            raise ArgumentError(
                f"[closure_convert] {name_of(function)} was converted to a function of {n} "
                f"arguments and {len(captured)} values that it closed over, got {len(args)}"
            )
        whole: Any = (args[:n], {})
        leaves, structure = tree.flatten(whole)
        if structure != in_tree:
            raise tree.mismatch("closure_convert", ("example_args", "arguments"), in_tree, whole)
        arrays = [as_array(x, "closure_convert", argument_path(i, *whole))
                  for i, x in enumerate(leaves)]  # fmt: skip
        consts = [as_array(x, "closure_convert", "const") for x in args[n:]]
        program.check_arguments([*consts, *arrays])
        arrays = [vary(x, v.varies) for x, v in zip(arrays, avals)]
        return staged.out_tree.unflatten(call(program, [*consts, *arrays]))

    return converted, captured
