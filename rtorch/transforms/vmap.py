"""`vmap`: a function of one example becomes one of a batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from rtorch.core import tree, tree_prefix
from rtorch.core.array import Array
from rtorch.core.axes import key_for
from rtorch.core.trace import quietly, run, state
from rtorch.errors import ArgumentError, BatchAxisError, api, describe, hide_internal_frames
from rtorch.numpy.operands import broadcast, operand
from rtorch.ops.base import move_dim
from rtorch.ops.shape import concat_p, slice_p
from rtorch.transforms.arguments import argument_path, as_array, check_callable, wraps
from rtorch.transforms.batch import BatchTrace, BatchTracer, batch_trace


@api
def vmap(
    function: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_name: Hashable = None,
    axis_size: int | None = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that applies `function` to every example of a batch at once.

    Args:
        function: From and to pytrees of arrays.
        in_axes: The batch axis of every positional argument: an integer, None for an argument
            that all examples share, or a tuple with one of these, or a pytree of them, for every
            argument. Arguments passed by keyword are batched along axis 0.
        out_axes: Where the batch axis of every result goes; a pytree that is a prefix of the
            result. None returns a result that is the same for all examples once.
        axis_name: A name for the batch axis, for `psum` and other collectives in `function`: a
            string, or anything hashable that is no tuple.
        axis_size: The size of the batch, needed when nothing is batched.
        chunk_size: Work on at most this many examples at a time, to bound memory.

    Returns:
        A function of batches.

    Raises:
        BatchAxisError: if axes do not fit the arguments, or batch sizes differ.

    Example:
        >>> import rtorch as rt
        >>> rt.vmap(rt.sum)(rt.ones((2, 3))).tolist()
        [3.0, 3.0]
        >>> share = rt.vmap(lambda x: x / rt.psum(x, "i"), axis_name="i")
        >>> share(rt.asarray([1.0, 3.0])).tolist()
        [0.25, 0.75]
    """
    check_callable(function, "vmap")
    _check_name(axis_name, chunk_size)
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    _check_size("axis_size", axis_size, 0)
    _check_size("chunk_size", chunk_size, 1)

    @wraps(function, "vmap")
    def batched(*args: Any, **kwargs: Any) -> Any:
        try:
            leaves, dims, treedef = _inputs(args, kwargs, in_axes)
            size = _batch_size(leaves, dims, axis_size, args, kwargs)
            if chunk_size is None or size <= chunk_size:
                return _run(function, leaves, dims, treedef, size, out_axes, axis_name)
            return _in_chunks(function, leaves, dims, treedef, size, out_axes, chunk_size)
        except Exception as error:
            hide_internal_frames(error)
            raise

    return batched


_ONE_ARRAY = tree.structure(((0,), {}))


def _check_name(axis_name: Any, chunk_size: Any) -> None:
    try:
        hash(axis_name)
    except TypeError:
        raise ArgumentError(
            f"[vmap] axis_name: expected something hashable, got {describe(axis_name)}"
        ) from None
    if isinstance(axis_name, tuple):
        raise ArgumentError(
            f"[vmap] axis_name: a tuple names several axes, this is one; got {axis_name!r}"
        )
    if axis_name is not None and chunk_size is not None:
        raise ArgumentError(
            "[vmap] chunk_size does not go with axis_name: collectives need all lanes at once"
        )


def _check_size(name: str, size: Any, least: int) -> None:
    if size is not None and (type(size) is bool or not isinstance(size, int) or size < least):
        raise ArgumentError(f"[vmap] {name}: expected an integer >= {least}, got {size!r}")


def _inputs(args: Any, kwargs: Any, in_axes: Any) -> tuple[list[Any], list[int | None], Any]:
    """The leaves of all arguments, with the batch axis of each as a non-negative number."""
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise BatchAxisError(
            f"[vmap] in_axes has {len(in_axes)} entries for {len(args)} positional arguments: "
            f"{in_axes}"
        )
    if type(in_axes) is int and not kwargs and len(args) == 1 and isinstance(args[0], Array):
        return [args[0]], [_dim_of(args[0], in_axes, 0, args, kwargs)], _ONE_ARRAY
    leaves, treedef = tree.flatten((args, kwargs))
    if type(in_axes) is int and not kwargs:
        axes: list[Any] = [in_axes] * len(leaves)
    else:
        prefix = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
        axes = tree_prefix.flatten_prefix(
            prefix, args, "in_axes", function="vmap", error=BatchAxisError
        )
        axes = axes + [0] * (len(leaves) - len(axes))
    dims = [
        _dim_of(leaf, axis, i, args, kwargs) for i, (leaf, axis) in enumerate(zip(leaves, axes))
    ]
    arrays = [x if d is None else operand(x, "vmap") for x, d in zip(leaves, dims)]
    return arrays, dims, treedef


def _dim_of(leaf: Any, axis: Any, i: int, args: Any, kwargs: Any) -> int | None:
    if axis is None:
        return None
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise BatchAxisError(f"[vmap] in_axes: expected integers or None, got {axis!r}")
    if not isinstance(leaf, Array):
        leaf = as_array(leaf, "vmap", argument_path(i, args, kwargs))
    ndim = len(leaf.shape)
    if not -ndim <= axis < ndim:
        path = argument_path(i, args, kwargs)
        raise BatchAxisError(
            f"[vmap] in_axes is {axis} for {path}, which has shape {leaf.shape}"
            + (": give it in_axes None to share it among all examples" if not ndim else "")
        )
    return axis % ndim


def _batch_size(leaves: Any, dims: Any, axis_size: int | None, args: Any, kwargs: Any) -> int:
    sizes = {x.shape[d] for x, d in zip(leaves, dims) if d is not None}
    if axis_size is not None:
        sizes.add(axis_size)
    if len(sizes) == 1:
        return sizes.pop()
    if not sizes:
        raise BatchAxisError(
            "[vmap] no argument is batched (in_axes is None for all): pass axis_size"
        )
    lines = [
        f"\n  {argument_path(i, args, kwargs)} has size {x.shape[d]} along axis {d} "
        f"(shape {x.shape})"
        for i, (x, d) in enumerate(zip(leaves, dims)) if d is not None
    ]  # fmt: skip
    if axis_size is not None:
        lines.append(f"\n  axis_size is {axis_size}")
    raise BatchAxisError("[vmap] batch sizes differ:" + "".join(lines))


def _run(
    function: Any, leaves: Any, dims: Any, treedef: Any, size: int, out_axes: Any, name: Any = None
) -> Any:
    key = None if name is None else key_for(name, state.trace.axes)
    trace = batch_trace(state.trace, size, "vmap", function, key)
    inputs = [x if d is None else BatchTracer(trace, x, d) for x, d in zip(leaves, dims)]
    if treedef is _ONE_ARRAY:
        out = quietly(run, trace, function, inputs[0])
    else:
        args, kwargs = treedef.unflatten(inputs)
        out = quietly(run, trace, function, *args, **kwargs)
    if isinstance(out, Array) and out_axes == 0 and out_axes is not False:
        return _output(trace, out, 0)
    outs, out_tree = tree.flatten(out)
    axes = tree_prefix.flatten_prefix(
        out_axes, out_tree, "out_axes", function="vmap", error=BatchAxisError
    )
    return out_tree.unflatten([_output(trace, y, axis) for y, axis in zip(outs, axes)])


def _output(trace: BatchTrace, y: Any, axis: int | None) -> Array:
    """The batch of a result, with its batch axis at `axis`."""
    value, dim = trace.split(as_array(y, "vmap", "result"))
    if axis is None:
        if dim is not None:
            raise BatchAxisError(
                f"[vmap] out_axes is None for a result {y.aval} that differs between examples"
            )
        return value
    ndim = len(value.shape) + (dim is None)
    if not isinstance(axis, int) or not -ndim <= axis < ndim:
        raise BatchAxisError(
            f"[vmap] out_axes is {axis!r} for a result that has {ndim} axes with that of the batch"
        )
    if dim is None:
        value, dim = broadcast(value, (trace.size, *value.shape)), 0
    return move_dim(value, dim, axis % ndim)


def _in_chunks(
    function: Any, leaves: Any, dims: Any, treedef: Any, size: int, out_axes: Any, chunk: int
) -> Any:
    """One chunk of examples after the other, results joined along the batch axis."""
    pieces = []
    for start in range(0, size, chunk):
        stop = min(start + chunk, size)
        part = [x if d is None else _cut(x, d, start, stop) for x, d in zip(leaves, dims)]
        pieces.append(_run(function, part, dims, treedef, stop - start, out_axes))
    out_tree = tree.structure(pieces[0])
    axes = tree_prefix.flatten_prefix(
        out_axes, out_tree, "out_axes", function="vmap", error=BatchAxisError
    )
    columns = zip(*[tree.leaves(piece) for piece in pieces])
    return out_tree.unflatten([_join(column, axis) for column, axis in zip(columns, axes)])


def _cut(x: Any, dim: int, start: int, stop: int) -> Any:
    starts, limits = [0] * x.ndim, list(x.shape)
    starts[dim], limits[dim] = start, stop
    return slice_p(x, starts=tuple(starts), limits=tuple(limits), strides=(1,) * x.ndim)


def _join(column: Any, axis: int | None) -> Any:
    return column[0] if axis is None else concat_p(*column, axis=axis % column[0].ndim)
