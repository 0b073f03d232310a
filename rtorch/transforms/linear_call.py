"""`linear_call`: a linear function whose transpose the user states.

With `custom_jvp` it makes functions with a rule for each mode: the tangent is what a `linear_call`
gives, and reverse mode runs the transpose that was stated instead of going through the operations
one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rtorch.compiler.plan import executable, may_alias
from rtorch.core import tree
from rtorch.core.aval import NOWHERE
from rtorch.core.primitive import Primitive
from rtorch.core.program import Program
from rtorch.core.trace import aval_of
from rtorch.errors import api
from rtorch.ops.base import add_p
from rtorch.transforms.arguments import as_array, check_callable, flatten_arrays, vary
from rtorch.transforms.derive import with_common_consts
from rtorch.transforms.implicit import Lanes, Space, full, push, runs_directly
from rtorch.transforms.programs import stage_function

NAME = "linear_call"


@api
def linear_call(
    fun: Callable[[Any, Any], Any],
    fun_transpose: Callable[[Any, Any], Any],
    residual_args: Any,
    linear_args: Any,
) -> Any:
    """``fun(residual_args, linear_args)``, linear in `linear_args`, with a transpose that is given.

    Args:
        fun: Linear in its second argument.
        fun_transpose: ``fun_transpose(residual_args, cotangent)`` returns a cotangent like
            `linear_args` for a cotangent like the result.
        residual_args: A pytree of arrays.
        linear_args: A pytree of floating or complex arrays.

    Returns:
        The result of `fun`. Derivatives by `residual_args` are those of `fun`; in reverse mode,
        those by `linear_args` come from `fun_transpose`.

    Raises:
        TreeError, ShapeError, DTypeError: if the result of `fun_transpose` is not like
            `linear_args`.

    Example:
        >>> import rtorch as rt
        >>> def scale(x):
        ...     return rt.linear_call(lambda a, x: a * x, lambda a, ct: 100 * a * ct, 2.0, x)
        >>> float(scale(3.0)), float(rt.grad(scale)(3.0)), float(rt.jvp(scale, (3.0,), (1.0,))[1])
        (6.0, 200.0, 2.0)
    """
    check_callable(fun, NAME)
    check_callable(fun_transpose, NAME)
    inputs = Space(linear_args, NAME, "linear_args")
    residuals, residual_tree = flatten_arrays(residual_args, NAME, "residual_args")
    if runs_directly():
        return fun(residual_tree.unflatten(residuals), inputs.value)

    return _staged(fun, fun_transpose, residual_tree.unflatten(residuals), inputs)


def _staged(fun: Any, fun_transpose: Any, residual_args: Any, inputs: Space) -> Any:
    residuals = tree.leaves(residual_args)

    def staged(function: Any, point: Any) -> Any:
        avals = [x.aval for x in residuals] + [aval_of(x) for x in tree.leaves(point)]
        in_tree = tree.structure(((residual_args, point), {}))
        return stage_function(function, avals, in_tree, NAME)

    def forward(known: Any, x: Any) -> Any:
        names = NOWHERE.union(*[x._varies for x in inputs.leaves])
        return tree.map(lambda y: vary(as_array(y, NAME, "the result"), names), fun(known, x))

    def backward(known: Any, ct: Any) -> Any:
        return inputs.check(fun_transpose(known, ct), "the result of fun_transpose", "linear_args")

    there = staged(forward, inputs.value)
    back = staged(backward, there.out_tree.unflatten(there.program.out_avals))
    (push_on, pull_back), consts = with_common_consts([there.program, back.program])
    known = [*consts, *residuals]
    if (wider := inputs.with_known(known)) is not inputs:
        return _staged(fun, fun_transpose, residual_args, wider)
    linear_map = LinearMap(push_on, pull_back, len(known))
    return there.out_tree.unflatten(linear_call_p(*known, *inputs.leaves, map=linear_map))


class LinearMap(NamedTuple):
    """A linear map and its transpose: Programs that begin with the same known operands."""

    fun: Program
    transpose: Program
    n_known: int


class LinearCall(Primitive):
    """The result of a linear map."""

    name = "linear_map"
    multiple = True

    def impl(self, xp: Any, *raw: Any, map: LinearMap) -> Any:
        out = executable(map.fun, xp)(*raw)
        # Operands may be memory that is written to again.
        return tuple([x.copy() if borrowed else x
                      for x, borrowed in zip(out, may_alias(map.fun))])  # fmt: skip

    def infer(self, *avals: Any, map: LinearMap) -> Any:
        return map.fun.out_avals

    def jvp(self, primals: Any, tangents: Any, *, map: LinearMap) -> Any:
        n = map.n_known
        out = self(*primals, map=map)
        dots = push(map.fun, primals[:n], tangents[:n], primals[n:])
        if all(t is None for t in tangents[n:]):
            return out, dots or [None] * len(out)
        own = self(*primals[:n], *full(tangents[n:], primals[n:]), map=map)
        if dots is None:
            return out, own
        return out, [x if t is None else add_p(x, t) for x, t in zip(own, dots)]

    def transpose(self, ct: Any, *operands: Any, map: LinearMap) -> Any:
        n = map.n_known
        cts = full(ct, map.fun.out_avals)
        back = self(*operands[:n], *cts, map=LinearMap(map.transpose, map.fun, n))
        return [None] * n + list(back)

    def batch(self, args: Any, dims: Any, *, map: LinearMap) -> Any:
        lanes = Lanes(args, dims, map.n_known)
        held = LinearMap(lanes.program(map.fun), lanes.program(map.transpose), map.n_known)
        out = self(*lanes.args, map=held)
        return out, [0] * len(out)


linear_call_p = LinearCall()
