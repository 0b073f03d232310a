"""Reverse mode: `vjp`, `grad`, `value_and_grad`.

A function is linearized (`linearize.py`) and its tape run backwards. Leaves of arguments that
are no floating or complex numbers (a step counter, say) are not differentiated: they reach the
function as they are, and their place in a gradient holds zeros of their own dtype, so that a
gradient has the structure, shapes and dtypes of the argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import dtypes, tree
from rtorch.core.array import Array
from rtorch.core.trace import quietly, run, state
from rtorch.core.tree import mismatch
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe, hide_internal_frames
from rtorch.ops.base import wrap_scalar
from rtorch.transforms.arguments import (
    LEAF,
    argnums_of,
    as_array,
    check_callable,
    flatten_arrays,
    is_differentiable,
    like_primal,
    own_copies,
    paths_of,
    split_aux,
    wraps,
    zeros_for,
)
from rtorch.transforms.linearize import LinearizeTrace, LinearizeTracer
from rtorch.transforms.tape import Tangent


class _Inputs:
    """Arguments of a differentiated call: what goes in, and how cotangents come out."""

    def __init__(self, trace: LinearizeTrace, args: Any, transform: str) -> None:
        if trace.axes:
            args = own_copies(args, transform)
        if isinstance(args, Array) and args.dtype in dtypes.INEXACT:
            self.leaves, self.treedef = [args], LEAF
            self.tracers: Any = trace.variable(args)
            self.nodes: list[Tangent | None] = [self.tracers.node]
            return
        self.leaves, self.treedef = tree.flatten(args)
        self.nodes = []
        tracers: list[Any] = []
        for leaf in self.leaves:
            if is_differentiable(leaf):
                tracer = trace.variable(as_array(leaf, transform, "argument"))
                tracers.append(tracer)
                self.nodes.append(tracer.node)
            else:
                tracers.append(leaf)
                self.nodes.append(None)
        self.tracers = self.treedef.unflatten(tracers)

    def cotangents(self, env: dict[Tangent, Any], transform: str) -> Any:
        if isinstance(self.tracers, LinearizeTracer):
            found = env.get(self.tracers.node)
            return zeros_for(self.tracers) if found is None else found
        out = []
        for leaf, node in zip(self.leaves, self.nodes):
            ct = None if node is None else env.get(node)
            out.append(zeros_for(as_array(leaf, transform, "argument")) if ct is None else ct)
        return self.treedef.unflatten(out)


@api
def value_and_grad(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """A function that returns the value of `function` and its gradient.

    Args:
        function: Returns a floating scalar (with `has_aux`: and anything else, as a pair); or a
            Program with such a result.
        argnums: Which positional arguments to differentiate by: a number, or several for a tuple
            of gradients. Arguments may be pytrees.
        has_aux: Whether `function` returns ``(value, aux)``.
        holomorphic: Promise that `function` is complex differentiable; needed for complex results.
        allow_int: Do not refuse arguments without any floating leaf.

    Returns:
        A function of the same arguments that returns ``(value, gradient)``, or
        ``((value, aux), gradient)``. For complex arguments of a real function the gradient is
        the derivative by the real part minus i times that by the imaginary part.

    Example:
        >>> import rtorch as rt
        >>> value, slope = rt.value_and_grad(lambda x: x * x)(3.0)
        >>> float(value), float(slope)
        (9.0, 6.0)
    """
    check_callable(function, "value_and_grad")
    return _make(function, argnums, has_aux, holomorphic, allow_int, "value_and_grad", True)


@api
def grad(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """A function that returns the gradient of `function`; see `value_and_grad`.

    Example:
        >>> import rtorch as rt
        >>> float(rt.grad(rt.grad(lambda x: x**3))(2.0))
        12.0
    """
    check_callable(function, "grad")
    return _make(function, argnums, has_aux, holomorphic, allow_int, "grad", False)


def _make(
    function: Callable[..., Any],
    argnums: Any,
    has_aux: bool,
    holomorphic: bool,
    allow_int: bool,
    transform: str,
    with_value: bool,
) -> Callable[..., Any]:
    """The common body of `grad` and `value_and_grad`."""

    @wraps(function, transform)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        try:
            return quietly(run_differentiated, args, kwargs)
        except Exception as error:
            hide_internal_frames(error)
            raise

    def run_differentiated(args: Any, kwargs: Any) -> Any:
        trace = LinearizeTrace(state.trace, transform, function)
        traced = list(args)
        inputs = []
        for i in argnums_of(argnums, len(args), transform):
            chosen = _Inputs(trace, args[i], transform)
            if holomorphic or all(node is None for node in chosen.nodes):
                _check_input(chosen, i, allow_int, holomorphic, transform)
            traced[i] = chosen.tracers
            inputs.append(chosen)
        out = run(trace, function, *traced, **kwargs)
        out, aux = split_aux(out, True, transform) if has_aux else (out, None)
        value = _check_output(_only_result(function, out), holomorphic, transform)
        env: dict[Tangent, Any] = {}
        if (node := trace.node_of(value)) is not None:
            env[node] = _one_like(value.primal)
            trace.tape.pull_once(env)
        if isinstance(argnums, (tuple, list)):
            result = tuple([chosen.cotangents(env, transform) for chosen in inputs])
        else:
            result = inputs[0].cotangents(env, transform)
        if not with_value:
            return (result, _primals(trace, aux)) if has_aux else result
        value = trace.primal_of(value)
        return ((value, _primals(trace, aux)) if has_aux else value), result

    return differentiated


_ones: dict[Any, Any] = {}


def _one_like(x: Any) -> Array:
    """1 as an Array of its own: the gradient may be this very object, and be donated."""
    dtype = x.dtype
    found = _ones.get(dtype)
    if found is None:
        found = _ones[dtype] = wrap_scalar(1, dtype)._data
    one = Array(found)
    return one if type(x) is Array or x.device.kind == "cpu" else one.to(x.device)


def _primals(trace: LinearizeTrace, aux: Any) -> Any:
    return tree.map(trace.primal_of, aux)


def _check_input(
    chosen: _Inputs, number: int, allow_int: bool, holomorphic: bool, transform: str
) -> None:
    if holomorphic:
        for leaf in chosen.leaves:
            if getattr(leaf, "dtype", type(leaf)) not in (*dtypes.COMPLEXES, complex):
                raise DTypeError(
                    f"[{transform}] holomorphic=True needs complex arguments; argument {number} "
                    f"has {describe(leaf)}"
                )
    if allow_int or not chosen.leaves or any(n is not None for n in chosen.nodes):
        return
    kinds = ", ".join(describe(leaf) for leaf in chosen.leaves[:3])
    raise DTypeError(
        f"[{transform}] argument {number} has no floating leaf to differentiate by: {kinds}. "
        "Convert it with .astype(rt.float32), choose another with argnums=, or pass allow_int=True"
    )


def _only_result(function: Any, out: Any) -> Any:
    """The result of a Program that has only one; otherwise `out` as it is."""
    if type(out) is list and len(out) == 1:
        from rtorch.core.program import Program  # who differentiates one has it imported

        if isinstance(function, Program):
            return out[0]
    return out


def _check_output(out: Any, holomorphic: bool, transform: str) -> Any:
    if not isinstance(out, Array):
        if isinstance(out, (list, tuple, dict)) or out is None:
            raise ArgumentError(
                f"[{transform}] the function must return one scalar array, got {describe(out)}; "
                "return further results with has_aux=True, or use rt.vjp"
            )
        out = as_array(out, transform, "result")
    if out.shape != ():
        raise ShapeError(
            f"[{transform}] the function must return a scalar, got shape {out.shape}; reduce it "
            "with rt.sum or rt.mean, or use rt.vjp or rt.jacrev"
        )
    if out.dtype in dtypes.COMPLEXES and not holomorphic:
        raise DTypeError(
            f"[{transform}] the function must return a real scalar, got {out.dtype}; pass "
            "holomorphic=True if it is complex differentiable"
        )
    if out.dtype not in dtypes.INEXACT:
        raise DTypeError(
            f"[{transform}] the function must return a floating scalar, got {out.dtype}"
        )
    return out


@api
def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of ``function(*primals)`` and the function that pulls cotangents back.

    Args:
        function: From pytrees to a pytree of arrays (with `has_aux`: and anything else).
        *primals: Where to linearize; pytrees.
        has_aux: Whether `function` returns ``(value, aux)``.

    Returns:
        ``(value, pull)`` or ``(value, pull, aux)``; ``pull(cotangent)``, with a cotangent like
        the value, returns a tuple with a cotangent for every primal. It may be called often.

    Example:
        >>> import rtorch as rt
        >>> y, pull = rt.vjp(lambda x, y: x * y, 2.0, 3.0)
        >>> [float(ct) for ct in pull(1.0)]
        [3.0, 2.0]
    """
    check_callable(function, "vjp")
    trace = LinearizeTrace(state.trace, "vjp", function)
    inputs = _Inputs(trace, primals, "vjp")
    out, aux = split_aux(quietly(run, trace, function, *inputs.tracers), has_aux, "vjp")
    outs, out_tree = flatten_arrays(out, "vjp", "result")
    nodes = [trace.node_of(y) for y in outs]
    values = [trace.primal_of(y) for y in outs]
    trace.tape.prune(nodes)

    @api
    def pull(cotangent: Any) -> Any:
        """Cotangents of the primals for a cotangent of the result."""
        cts = _check_cotangent(cotangent, out_tree, values)
        env: dict[Tangent, Any] = {}
        for node, ct in zip(nodes, cts):
            if node is not None:
                env[node] = ct if node not in env else env[node] + ct
        quietly(trace.tape.pull, env)
        return inputs.cotangents(env, "vjp")

    value = out_tree.unflatten(values)
    pull.result = value  # type: ignore[attr-defined] # for those who stage it: `custom_vjp`
    return (value, pull, _primals(trace, aux)) if has_aux else (value, pull)


def _check_cotangent(cotangent: Any, out_tree: Any, values: Sequence[Array]) -> list[Any]:
    leaves, treedef = tree.flatten(cotangent)
    if treedef != out_tree:
        raise mismatch("vjp", ("result", "cotangent"), out_tree, cotangent)
    paths = paths_of(out_tree, values)
    return [
        like_primal(ct, y, "vjp", f"the cotangent{path}", "result")
        if y.dtype in dtypes.INEXACT else ct
        for ct, y, path in zip(leaves, values, paths)
    ]  # fmt: skip
