"""Forward mode and linear maps: `jvp`, `linearize`, `linear_transpose`, `hvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import dtypes, tree
from rtorch.core.trace import quietly, run, state
from rtorch.core.tree import mismatch
from rtorch.errors import ArgumentError, DTypeError, api, describe
from rtorch.transforms.arguments import (
    as_array,
    check_callable,
    flatten_arrays,
    is_differentiable,
    like_primal,
    own_copies,
    split_aux,
    vary,
    zeros_for,
)
from rtorch.transforms.jvp import JVPTrace, JVPTracer
from rtorch.transforms.linearize import LinearizeTrace
from rtorch.transforms.programs import aval_like
from rtorch.transforms.tape import Tangent, Tape
from rtorch.transforms.vjp import grad, vjp


def _as_tuple(values: Any, transform: str, what: str) -> tuple[Any, ...]:
    if not isinstance(values, (tuple, list)):
        raise ArgumentError(
            f"[{transform}] {what}: expected a tuple with one entry per argument, got "
            f"{describe(values)}"
        )
    return tuple(values)


@api
def jvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any],
    *, has_aux: bool = False,
) -> Any:  # fmt: skip
    """The value of a function and its derivative along a direction (forward mode).

    Args:
        function: From pytrees to a pytree of arrays (with `has_aux`: and anything else).
        primals: A tuple with the arguments.
        tangents: A tuple of the same structure with the direction.
        has_aux: Whether `function` returns ``(value, aux)``.

    Returns:
        ``(value, tangent)`` or ``(value, tangent, aux)``. Leaves that are no floating or complex
        numbers have no tangent; their place holds zeros.

    Example:
        >>> import rtorch as rt
        >>> y, y_dot = rt.jvp(rt.sin, (0.0,), (2.0,))
        >>> float(y), float(y_dot)
        (0.0, 2.0)
    """
    check_callable(function, "jvp")
    primals, tangents = _as_tuple(primals, "jvp", "primals"), _as_tuple(tangents, "jvp", "tangents")
    leaves, treedef = tree.flatten(primals)
    dots, dots_tree = tree.flatten(tangents)
    if treedef != dots_tree:
        raise mismatch("jvp", ("primals", "tangents"), primals, tangents)
    trace = JVPTrace(state.trace, "jvp", function)
    inputs: list[Any] = []
    for x, t in zip(leaves, dots):
        if is_differentiable(x):
            primal = as_array(x, "jvp", "primal")
            tangent = like_primal(t, primal, "jvp", "the tangent", "primal")
            if not tangent._varies <= primal._varies:
                primal = vary(primal, tangent._varies)
            inputs.append(JVPTracer(trace, primal, tangent))
        else:
            inputs.append(x)
    out = quietly(run, trace, function, *treedef.unflatten(inputs))
    out, aux = split_aux(out, has_aux, "jvp")
    outs, out_tree = flatten_arrays(out, "jvp", "result")
    pairs = [trace.split(y) for y in outs]
    value = out_tree.unflatten([y for y, _ in pairs])
    tangent = out_tree.unflatten([zeros_for(y) if t is None else t for y, t in pairs])
    if has_aux:
        return value, tangent, tree.map(lambda x: trace.split(x)[0], aux)
    return value, tangent


@api
def linearize(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of a function and its derivative there as a linear function.

    Args:
        function: From pytrees to a pytree of arrays.
        *primals: Where to linearize.

    Returns:
        ``(value, push)``; ``push(*tangents)`` gives the tangent of the value, without running
        `function` again.

    Example:
        >>> import rtorch as rt
        >>> y, push = rt.linearize(lambda x: x * x, 3.0)
        >>> float(push(1.0)), float(push(2.0))
        (6.0, 12.0)
    """
    check_callable(function, "linearize")
    trace = LinearizeTrace(state.trace, "linearize", function)
    if trace.axes:
        primals = own_copies(primals, "linearize")
    leaves, treedef = tree.flatten(primals)
    inputs = [
        trace.variable(as_array(x, "linearize", "primal")) if is_differentiable(x) else x
        for x in leaves
    ]
    outs, out_tree = flatten_arrays(
        quietly(run, trace, function, *treedef.unflatten(inputs)), "linearize", "result"
    )
    nodes = [trace.node_of(y) for y in outs]
    trace.tape.prune(nodes)

    @api
    def push(*tangents: Any) -> Any:
        """The tangent of the result for tangents of the primals."""
        dots, dots_tree = tree.flatten(tangents)
        if dots_tree != treedef:
            raise mismatch("linearize", ("primals", "tangents"), primals, tangents)
        env = {
            x.node: like_primal(t, x, "linearize", "the tangent", "primal")
            for x, t in zip(inputs, dots) if trace.node_of(x) is not None
        }  # fmt: skip
        quietly(trace.tape.push, env)
        found = [None if n is None else env.get(n) for n in nodes]
        return out_tree.unflatten([zeros_for(y) if t is None else t for y, t in zip(outs, found)])

    return out_tree.unflatten([trace.primal_of(y) for y in outs]), push


@api
def linear_transpose(function: Callable[..., Any], *primals: Any) -> Callable[[Any], Any]:
    """The transpose of a linear function.

    Args:
        function: Linear in all its arguments together.
        *primals: Arguments, or specs with their shapes and dtypes.

    Returns:
        A function from cotangents of the result to a tuple of cotangents of the arguments.

    Raises:
        MissingRuleError: if an operation in `function` is not linear.

    Example:
        >>> import rtorch as rt
        >>> back = rt.linear_transpose(lambda x: 3 * x, rt.spec(2))
        >>> back(rt.ones(2))[0].tolist()
        [3.0, 3.0]
    """
    check_callable(function, "linear_transpose")
    leaves, treedef = tree.flatten(primals)
    avals = [aval_like(x, "linear_transpose", "argument") for x in leaves]
    for aval in avals:
        if aval.dtype not in dtypes.INEXACT:
            raise DTypeError(f"[linear_transpose] arguments must be floating, got {aval}")

    @api
    def transposed(cotangent: Any) -> Any:
        """Cotangents of the arguments for a cotangent of the result."""
        everywhere = frozenset([key for key, _ in state.trace.axes])  # each lane has its own
        tape = Tape(state.trace)
        tape.function, tape.transform = function, "linear_transpose"
        sources = [tape.variable(aval.varying(everywhere)) for aval in avals]
        outs, out_tree = flatten_arrays(
            run(tape, function, *treedef.unflatten(sources)), "linear_transpose", "result"
        )
        cts, ct_tree = tree.flatten(cotangent)
        if ct_tree != out_tree:
            raise mismatch("linear_transpose", ("result", "cotangent"), out_tree, cotangent)
        env: dict[Tangent, Any] = {}
        for y, ct in zip(outs, cts):
            ct = like_primal(ct, y, "linear_transpose", "the cotangent", "result")
            if isinstance(y, Tangent) and y._trace is tape:
                env[y] = ct if y not in env else env[y] + ct
        tape.pull(env)
        found = [env.get(s) for s in sources]
        return treedef.unflatten(
            [zeros_for(s) if ct is None else ct for s, ct in zip(sources, found)]
        )

    return transposed


@api
def hvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    """The gradient of a scalar function and the product of its Hessian with a vector.

    Forward over reverse mode: about the cost of two gradients, no matrix is formed.

    Args:
        function: From pytrees to a floating scalar.
        primals: A tuple with the arguments; it is differentiated by the first one.
        tangents: A tuple of the same structure.

    Returns:
        ``(gradient, product)``, both like the first argument.

    Example:
        >>> import rtorch as rt
        >>> g, hv = rt.hvp(lambda x: x**3, (2.0,), (1.0,))
        >>> float(g), float(hv)
        (12.0, 12.0)

    References:
        Pearlmutter 1994, "Fast exact multiplication by the Hessian".
    """
    return jvp(grad(function), primals, tangents)


@api
def vhp(function: Callable[..., Any], primals: Sequence[Any], cotangent: Any) -> tuple[Any, Any]:
    """The gradient of a scalar function and the product of a vector with its Hessian.

    Reverse over reverse mode: it costs more than `hvp`, and the same numbers come out, but it
    asks nothing of forward mode, which functions with a derivative rule of their own may lack.

    Args:
        function: From pytrees to a floating scalar.
        primals: A tuple with the arguments; it is differentiated by the first one.
        cotangent: The vector, like the first argument.

    Returns:
        ``(gradient, product)``, both like the first argument.

    Example:
        >>> import rtorch as rt
        >>> g, vh = rt.vhp(lambda x: x**3, (2.0,), 1.0)
        >>> float(g), float(vh)
        (12.0, 12.0)
    """
    gradient, pull = vjp(grad(function), *_as_tuple(primals, "vhp", "primals"))
    return gradient, pull(cotangent)[0]


@api
def gnvp(
    model: Callable[..., Any],
    loss: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
) -> tuple[Any, Any]:
    """The gradient of ``loss(model(*primals))`` and the product of its Gauss-Newton matrix.

    That matrix is ``J^T H J`` with the Jacobian ``J`` of the model and the Hessian ``H`` of the
    loss by the model's result: the Hessian without the curvature of the model. It has no negative
    direction if the loss is convex, and for least squares and cross entropy it is the Fisher
    information. No matrix is formed; the cost is about that of `hvp`.

    Args:
        model: From pytrees to a pytree of arrays, such as predictions.
        loss: From the model's result to a floating scalar; close over the targets.
        primals: A tuple with the model's arguments; it is differentiated by the first one.
        tangents: A tuple of the same structure with the vector.

    Returns:
        ``(gradient, product)``, both like the first argument.

    Example:
        >>> import rtorch as rt
        >>> g, product = rt.gnvp(lambda w: rt.sin(w), lambda y: y**2, (0.0,), (3.0,))
        >>> float(g), float(product)
        (0.0, 6.0)

    References:
        Schraudolph 2002, "Fast curvature matrix-vector products for second-order gradient descent".
    """
    check_callable(loss, "gnvp")
    value, pull = vjp(model, *_as_tuple(primals, "gnvp", "primals"))
    value_dot = jvp(model, primals, tangents)[1]
    slope, curved = hvp(loss, (value,), (value_dot,))
    return pull(slope)[0], pull(curved)[0]
