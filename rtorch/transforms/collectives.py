"""The collectives that users call: sums and exchanges between the lanes of a named axis.

They see to what the primitives (`ops/collectives.py`) leave open: names become axes, pytrees are
taken apart, and values that are the same in all lanes need no exchange, or become varying first.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Hashable, Sequence
from typing import Any

from rtorch.core import dtypes, tree
from rtorch.core.array import Array
from rtorch.core.axes import Key, Scope, find, name_of
from rtorch.core.dtypes import PYTHON_SCALARS
from rtorch.core.trace import state
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.numpy.operands import axis_of
from rtorch.ops.base import broadcast_p, mul_p, reshape_p
from rtorch.ops.collectives import (
    all_gather_p,
    all_to_all_p,
    axis_index_p,
    axis_slice_p,
    pmax_p,
    pmin_p,
    ppermute_p,
    psum_p,
    psum_scatter_p,
)
from rtorch.ops.convert import convert_p
from rtorch.ops.elementwise import div_p
from rtorch.transforms.arguments import as_array, vary


def _axes(axis_name: Any, function: str, groups: Any = None) -> Scope:
    """The axes of that name, or those names, with their sizes."""
    if groups is not None:
        raise ArgumentError(
            f"[{function}] axis_index_groups is not supported: make two named axes of the one, "
            "with two nested vmaps, and name the inner one"
        )
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    found = [_axis(name, function) for name in names]
    if len({key for key, _ in found}) != len(found):
        raise ArgumentError(f"[{function}] axis_name: {axis_name!r} has a name twice")
    return tuple(found)


def _axis(name: Hashable, function: str) -> tuple[Key, int]:
    scope: Scope = state.trace.axes
    try:
        found = find(name, scope)
    except TypeError:
        found = None
    if found is None:
        known = ", ".join(repr(name_of(key)) for key, _ in scope)
        raise ArgumentError(
            f"[{function}] axis_name: no axis is called {name!r} here; "
            + (f"in scope: {known}" if known else "no named axis is in scope")
            + f". Name one with rt.vmap(..., axis_name={name!r})"
        )
    return found


def _one_axis(axis_name: Any, function: str, groups: Any = None) -> tuple[Key, int]:
    axes = _axes(axis_name, function, groups)
    if len(axes) != 1:
        raise ArgumentError(f"[{function}] axis_name: expected one axis, got {axis_name!r}")
    return axes[0]


def _params(*axes: tuple[Key, int]) -> dict[str, Any]:
    return {"axes": tuple([k for k, _ in axes]), "sizes": tuple([n for _, n in axes])}


def _split(x: Array, axes: Scope) -> tuple[Scope, int]:
    """Those of `axes` over which `x` varies, and the product of the sizes of the others."""
    varying = tuple([a for a in axes if a[0] in x._varies])
    return varying, math.prod([n for k, n in axes if k not in x._varies])


# ---- reductions ----------------------------------------------------------------------------------


@api
def psum(x: Any, axis_name: Any, *, axis_index_groups: None = None) -> Any:
    """The sum of `x` over the lanes of a named axis.

    Args:
        x: A pytree of arrays. Of a number or an array that is the same in all lanes, the sum is
            the number of lanes times it.
        axis_name: A name that a `vmap` around gave to its axis, or a tuple of them.
        axis_index_groups: For JAX's signature; groups of lanes are refused.

    Returns:
        The sums, the same in all lanes: under ``vmap`` they can have ``out_axes=None``. They are of
        the dtype of `x`, small integers too, which may overflow; truth values are counted in int64.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([1.0, 2.0, 3.0])
        >>> rt.vmap(lambda x: x - rt.psum(x, "i"), axis_name="i")(x).tolist()
        [-5.0, -4.0, -3.0]
    """
    axes = _axes(axis_name, "psum", axis_index_groups)
    return tree.map(lambda leaf: _psum(leaf, axes), x)


def _psum(x: Any, axes: Scope) -> Any:
    if type(x) in PYTHON_SCALARS:
        return x * math.prod([n for _, n in axes])
    x = as_array(x, "psum", "x")
    if x.dtype is dtypes.bool_:
        x = convert_p(x, dtype=dtypes.int64)
    varying, count = _split(x, axes)
    total = psum_p(x, **_params(*varying)) if varying else x
    return total if count == 1 else mul_p(total, count)


@api
def pmean(x: Any, axis_name: Any, *, axis_index_groups: None = None) -> Any:
    """The mean of `x` over the lanes of a named axis; see `psum`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([1.0, 2.0, 6.0])
        >>> rt.vmap(lambda x: rt.pmean(x, "i"), out_axes=None, axis_name="i")(x).item()
        3.0
    """
    axes = _axes(axis_name, "pmean", axis_index_groups)

    def mean(leaf: Any) -> Any:
        if type(leaf) in PYTHON_SCALARS:
            return leaf
        leaf = as_array(leaf, "pmean", "x")
        if leaf.dtype not in dtypes.INEXACT:
            leaf = convert_p(leaf, dtype=dtypes.default_dtype())
        varying, _ = _split(leaf, axes)
        if not varying:
            return leaf
        return div_p(psum_p(leaf, **_params(*varying)), math.prod([n for _, n in varying]))

    return tree.map(mean, x)


@api
def pmax(x: Any, axis_name: Any, *, axis_index_groups: None = None) -> Any:
    """The largest `x` of the lanes of a named axis; ties share the derivative. See `psum`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([1.0, 3.0, 2.0])
        >>> rt.vmap(lambda x: x == rt.pmax(x, "i"), axis_name="i")(x).tolist()
        [False, True, False]
    """
    return _extreme(pmax_p, "pmax", x, axis_name, axis_index_groups)


@api
def pmin(x: Any, axis_name: Any, *, axis_index_groups: None = None) -> Any:
    """The smallest `x` of the lanes of a named axis; ties share the derivative. See `psum`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([3.0, 1.0, 2.0])
        >>> rt.vmap(lambda x: x - rt.pmin(x, "i"), axis_name="i")(x).tolist()
        [2.0, 0.0, 1.0]
    """
    return _extreme(pmin_p, "pmin", x, axis_name, axis_index_groups)


def _extreme(prim: Any, function: str, x: Any, axis_name: Any, groups: Any) -> Any:
    axes = _axes(axis_name, function, groups)

    def extreme(leaf: Any) -> Any:
        if type(leaf) in PYTHON_SCALARS:
            return leaf
        leaf = as_array(leaf, function, "x")
        if leaf.dtype in dtypes.COMPLEXES:
            raise DTypeError(f"[{function}] complex numbers have no order, got {leaf.aval}")
        varying, _ = _split(leaf, axes)
        if any(n == 0 for _, n in varying):
            raise ShapeError(f"[{function}] axis_name: {axis_name!r} has no lanes to compare")
        return prim(leaf, **_params(*varying)) if varying else leaf

    return tree.map(extreme, x)


# ---- gathering and scattering --------------------------------------------------------------------


@api
def all_gather(
    x: Any, axis_name: Any, *, axis_index_groups: None = None, axis: int = 0, tiled: bool = False
) -> Any:
    """The values of all lanes of a named axis in one array.

    Args:
        x: A pytree of arrays.
        axis_name: The name of an axis, or a tuple of names: the lanes of the first one are then
            the farthest apart.
        axis_index_groups: For JAX's signature; groups of lanes are refused.
        axis: Where the new axis is in the result; with `tiled`, the axis along which the values
            are joined.
        tiled: Join along an axis that `x` has, instead of a new one.

    Returns:
        Arrays of one more axis (`tiled`: of as many), the same in all lanes.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([1.0, 2.0])
        >>> rt.vmap(lambda x: rt.all_gather(x, "i"), axis_name="i")(x).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    axes = _axes(axis_name, "all_gather", axis_index_groups)

    def gather(leaf: Any) -> Any:
        leaf = as_array(leaf, "all_gather", "x")
        place = axis_of(axis, leaf.ndim + (not tiled), "all_gather")
        if not axes:
            return leaf
        leaf = _gather(leaf, axes[-1], place, tiled)
        for outer in axes[-2::-1]:
            leaf = _gather(leaf, outer, place, True)
        return leaf

    return tree.map(gather, x)


def _gather(x: Array, axis: tuple[Key, int], place: int, tiled: bool) -> Any:
    if axis[0] in x._varies:
        return all_gather_p(x, axis=place, tiled=tiled, **_params(axis))
    shape = (*x.shape[:place], axis[1], *x.shape[place:])
    kept = tuple([i for i in range(len(shape)) if i != place])
    copies = broadcast_p(x, shape=shape, axes=kept)
    if not tiled:
        return copies
    joined = (*x.shape[:place], axis[1] * x.shape[place], *x.shape[place + 1 :])
    return reshape_p(copies, shape=joined)


@api
def psum_scatter(
    x: Any,
    axis_name: Any,
    *,
    scatter_dimension: int = 0,
    axis_index_groups: None = None,
    tiled: bool = False,
) -> Any:
    """Of the sum of `x` over the lanes of a named axis, the lane's own part.

    Args:
        x: A pytree of arrays.
        axis_name: The name of an axis, or a tuple of names, as in `all_gather`.
        scatter_dimension: The axis of `x` that is dealt out. Its length is the number of lanes;
            with `tiled` a multiple of it.
        axis_index_groups: For JAX's signature; groups of lanes are refused.
        tiled: Keep the axis: the parts are slices of it.

    Returns:
        Arrays of one axis less (`tiled`: of as many).

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[1.0, 2.0], [10.0, 20.0]])
        >>> rt.vmap(lambda x: rt.psum_scatter(x, "i"), axis_name="i")(x).tolist()
        [11.0, 22.0]
    """
    axes = _axes(axis_name, "psum_scatter", axis_index_groups)

    def scatter(leaf: Any) -> Any:
        leaf = as_array(leaf, "psum_scatter", "x")
        if leaf.dtype is dtypes.bool_:
            leaf = convert_p(leaf, dtype=dtypes.int64)
        place = axis_of(scatter_dimension, leaf.ndim, "psum_scatter", "scatter_dimension")
        total = math.prod([n for _, n in axes])
        _check_parts(leaf, place, total, tiled, "psum_scatter", "scatter_dimension")
        for outer in axes[:-1]:
            leaf = _scatter(leaf, outer, place, True)
        return _scatter(leaf, axes[-1], place, tiled) if axes else leaf

    return tree.map(scatter, x)


def _scatter(x: Array, axis: tuple[Key, int], place: int, tiled: bool) -> Any:
    if axis[0] in x._varies:
        return psum_scatter_p(x, axis=place, tiled=tiled, **_params(axis))
    return mul_p(axis_slice_p(x, axis=place, tiled=tiled, **_params(axis)), axis[1])


def _check_parts(x: Array, place: int, n: int, tiled: bool, function: str, name: str) -> None:
    length = x.shape[place]
    if not tiled and length != n:
        raise ShapeError(
            f"[{function}] {name}: axis {place} of {x.aval} must have the length of the named "
            f"axis, {n}; pass tiled=True to deal out slices"
        )
    if tiled and (length % n if n else length):
        raise ShapeError(
            f"[{function}] {name}: the length of axis {place} of {x.aval} must be a multiple of "
            f"the size of the named axis, {n}"
        )


# ---- exchanging ----------------------------------------------------------------------------------


@api
def ppermute(x: Any, axis_name: Any, perm: Sequence[tuple[int, int]]) -> Any:
    """The value of another lane.

    Args:
        x: A pytree of arrays.
        axis_name: The name of an axis.
        perm: Pairs (from, to) of lanes; no lane sends twice or receives twice. A lane that
            receives nothing has zeros.

    Example:
        >>> import rtorch as rt
        >>> shift = lambda x: rt.ppermute(x, "i", [(0, 1), (1, 2), (2, 0)])
        >>> rt.vmap(shift, axis_name="i")(rt.asarray([1.0, 2.0, 3.0])).tolist()
        [3.0, 1.0, 2.0]
    """
    axis = _one_axis(axis_name, "ppermute")
    return _permute(x, axis, _pairs(perm, axis[1], "ppermute"), "ppermute")


@api
def pshuffle(x: Any, axis_name: Any, perm: Sequence[int]) -> Any:
    """The value of lane ``perm[i]`` in lane ``i``; see `ppermute`.

    Example:
        >>> import rtorch as rt
        >>> turn = lambda x: rt.pshuffle(x, "i", [2, 1, 0])
        >>> rt.vmap(turn, axis_name="i")(rt.asarray([1.0, 2.0, 3.0])).tolist()
        [3.0, 2.0, 1.0]
    """
    axis = _one_axis(axis_name, "pshuffle")
    n = axis[1]
    if sorted(perm) != list(range(n)):
        raise ArgumentError(
            f"[pshuffle] perm: expected a permutation of the lanes 0 to {n - 1}, got {perm}"
        )
    pairs = _pairs([(start, to) for to, start in enumerate(perm)], n, "pshuffle")
    return _permute(x, axis, pairs, "pshuffle")


def _pairs(perm: Any, n: int, function: str) -> tuple[tuple[int, int], ...]:
    try:
        pairs = tuple([(operator.index(start), operator.index(to)) for start, to in perm])
    except (TypeError, ValueError):
        raise ArgumentError(
            f"[{function}] perm: expected pairs (from, to) of lanes, got {describe(perm)}"
        ) from None
    for what, lanes in (("sends", [a for a, _ in pairs]), ("receives", [b for _, b in pairs])):
        if any(not 0 <= lane < n for lane in lanes):
            raise ArgumentError(f"[{function}] perm: lanes are 0 to {n - 1}, got {pairs}")
        if len(set(lanes)) != len(lanes):
            raise ArgumentError(f"[{function}] perm: a lane {what} twice in {pairs}")
    return pairs


def _permute(x: Any, axis: tuple[Key, int], perm: Any, function: str) -> Any:
    def permute(leaf: Any) -> Any:
        leaf = vary(as_array(leaf, function, "x"), frozenset([axis[0]]))
        return ppermute_p(leaf, perm=perm, **_params(axis))

    return tree.map(permute, x)


@api
def all_to_all(
    x: Any,
    axis_name: Any,
    split_axis: int,
    concat_axis: int,
    *,
    axis_index_groups: None = None,
    tiled: bool = False,
) -> Any:
    """Every lane sends a part of `x` to every lane: the named axis changes places with another.

    Args:
        x: A pytree of arrays.
        axis_name: The name of an axis.
        split_axis: The axis that is dealt out, part ``i`` to lane ``i``. Its length is the number
            of lanes; with `tiled` a multiple of it.
        concat_axis: Where in the result the parts stand that the lane received, in the order of
            their lanes; with `tiled`, the axis along which they are joined.
        axis_index_groups: For JAX's signature; groups of lanes are refused.
        tiled: Deal out slices of `split_axis` and join along `concat_axis`, keeping both.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[1, 2], [3, 4]])
        >>> rt.vmap(lambda x: rt.all_to_all(x, "i", 0, 0), axis_name="i")(x).tolist()
        [[1, 3], [2, 4]]
    """
    axis = _one_axis(axis_name, "all_to_all", axis_index_groups)

    def exchange(leaf: Any) -> Any:
        leaf = vary(as_array(leaf, "all_to_all", "x"), frozenset([axis[0]]))
        split = axis_of(split_axis, leaf.ndim, "all_to_all", "split_axis")
        concat = axis_of(concat_axis, leaf.ndim, "all_to_all", "concat_axis")
        _check_parts(leaf, split, axis[1], tiled, "all_to_all", "split_axis")
        return all_to_all_p(leaf, split=split, concat=concat, tiled=tiled, **_params(axis))

    return tree.map(exchange, x)


# ---- about the axis ------------------------------------------------------------------------------


@api
def axis_index(axis_name: Any) -> Array:
    """The number of the lane along a named axis, an int64.

    Of a tuple of names it is the number that counts the lanes of the last one fastest.

    Example:
        >>> import rtorch as rt
        >>> rt.vmap(lambda x: rt.axis_index("i"), axis_name="i")(rt.zeros(3)).tolist()
        [0, 1, 2]
    """
    axes = _axes(axis_name, "axis_index")
    index: Any = as_array(0, "axis_index", "") if not axes else axis_index_p(**_params(axes[0]))
    for axis in axes[1:]:
        index = index * axis[1] + axis_index_p(**_params(axis))
    return index


@api
def axis_size(axis_name: Any) -> int:
    """The number of lanes of a named axis, or of several together, as a Python integer.

    Example:
        >>> import rtorch as rt
        >>> rt.vmap(lambda x: x / rt.axis_size("i"), axis_name="i")(rt.ones(4)).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """
    return math.prod([n for _, n in _axes(axis_name, "axis_size")])


@api
def pvary(x: Any, axis_name: Any) -> Any:
    """`x` as a value that may differ between the lanes of a named axis; the values are the same.

    Its derivative is each lane's own. rtorch puts it where operations mix values that are the same
    in all lanes with others; it is for the rare places where you want it earlier.

    Example:
        >>> import rtorch as rt
        >>> rt.vmap(lambda x: rt.pvary(1.0, "i") + x, axis_name="i")(rt.ones(2)).tolist()
        [2.0, 2.0]
    """
    names = frozenset([key for key, _ in _axes(axis_name, "pvary")])
    return tree.map(lambda leaf: vary(as_array(leaf, "pvary", "x"), names), x)
