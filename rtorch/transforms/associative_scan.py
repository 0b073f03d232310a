"""`associative_scan`: all partial results of an associative operation, in few parallel steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtorch.core.array import Array
from rtorch.core.tree import mismatch
from rtorch.errors import ShapeError, api, describe
from rtorch.numpy.joining import concatenate
from rtorch.numpy.manipulation import flip
from rtorch.numpy.operands import axis_of
from rtorch.ops.base import reshape_p
from rtorch.ops.shape import pad_p, slice_p
from rtorch.transforms.arguments import check_callable, flatten_arrays, paths_of


@api
def associative_scan(
    fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """The results of an associative operation on the first 1, 2, 3, ... slices of arrays.

    Unlike `scan` it works on whole arrays, in about ``2 log2(n)`` calls of `fn`.

    Args:
        fn: From two pytrees like `elems`, with any length along `axis`, to one; it combines
            corresponding slices, and must be associative.
        elems: A pytree of arrays, all of one length along `axis`.
        reverse: Whether to begin with the last slice.
        axis: The axis of the slices.

    Returns:
        A pytree like `elems`: slice i combines the slices up to i (with `reverse`: those from the
        last one back to i, in that order).

    Raises:
        ShapeError: if lengths differ, or there is no such axis.

    Example:
        >>> import rtorch as rt
        >>> rt.associative_scan(rt.multiply, rt.arange(1, 6)).tolist()
        [1, 2, 6, 24, 120]

    References:
        Blelloch 1990, "Prefix sums and their applications".
    """
    check_callable(fn, "associative_scan")
    leaves, treedef = flatten_arrays(elems, "associative_scan", "elems")
    if not leaves:
        return elems
    places = [axis_of(axis, x.ndim, "associative_scan") for x in leaves]
    sizes = {x.shape[place] for x, place in zip(leaves, places)}
    if len(sizes) > 1:
        said = ", ".join(f"elems{p} has {x.shape[place]}" for p, x, place in zip(
            paths_of(treedef, leaves), leaves, places))  # fmt: skip
        raise ShapeError(f"[associative_scan] lengths along axis {axis} differ: {said}")
    if reverse:
        leaves = [flip(x, axis=place) for x, place in zip(leaves, places)]

    def combine(xs: list[Array], ys: list[Array]) -> list[Array]:
        out, out_tree = flatten_arrays(
            fn(treedef.unflatten(xs), treedef.unflatten(ys)), "associative_scan", "the result"
        )
        if out_tree != treedef:
            raise mismatch("associative_scan", ("elems", "what fn returns"), treedef, out_tree)
        for x, y in zip(xs, out):
            if x.shape != y.shape:
                raise ShapeError(f"[associative_scan] fn must keep shapes: it makes {describe(y)} "
                                 f"of two arrays {describe(x)}")  # fmt: skip
        return out

    out = _scan(combine, leaves, places)
    if reverse:
        out = [flip(x, axis=place) for x, place in zip(out, places)]
    return treedef.unflatten(out)


def _scan(combine: Any, xs: list[Array], axes: list[int]) -> list[Array]:
    """Pairs of neighbours are combined, the half as long array scanned, the gaps filled."""
    n = xs[0].shape[axes[0]]
    if n < 2:
        return xs
    pairs = combine(_every_other(xs, axes, 0, n - 1), _every_other(xs, axes, 1, n))
    odd = _scan(combine, pairs, axes)
    before = odd if n % 2 else _every(odd, axes, 0, n // 2 - 1)
    even = _every_other(xs, axes, 2, n)
    if n > 2:
        even = combine(before, even)
    first = _every(xs, axes, 0, 1)
    even = [concatenate([a, b], axis=axis) for a, b, axis in zip(first, even, axes)]
    return [_interleave(a, b, axis) for a, b, axis in zip(even, odd, axes)]


def _every(xs: list[Array], axes: list[int], start: int, stop: int, step: int = 1) -> list[Array]:
    out = []
    for x, axis in zip(xs, axes):
        starts, limits, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
        starts[axis], limits[axis], strides[axis] = start, stop, step
        out.append(slice_p(x, starts=tuple(starts), limits=tuple(limits), strides=tuple(strides)))
    return out


def _every_other(xs: list[Array], axes: list[int], start: int, stop: int) -> list[Array]:
    return _every(xs, axes, start, max(start, stop), 2)


def _interleave(even: Array, odd: Array, axis: int) -> Array:
    """Slices in turn from the two arrays; `even` may have one more."""
    n, length = even.shape[axis], even.shape[axis] + odd.shape[axis]
    if length % 2:
        high = [0] * odd.ndim
        high[axis] = 1
        odd = pad_p(odd, value=0, low=(0,) * odd.ndim, high=tuple(high), interior=(0,) * odd.ndim)
    longer = (*even.shape[: axis + 1], 1, *even.shape[axis + 1 :])
    both = concatenate([reshape_p(even, shape=longer), reshape_p(odd, shape=longer)], axis=axis + 1)
    whole = reshape_p(both, shape=(*even.shape[:axis], 2 * n, *even.shape[axis + 1 :]))
    return _every([whole], [axis], 0, length)[0] if length % 2 else whole
