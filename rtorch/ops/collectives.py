"""Collectives: what the lanes of named axes tell each other.

Parameters are ``axes``, the keys of the axes, and ``sizes``. `psum`, `pmax`, `pmin` and `pvary`
take several axes at once, the others one. ``lanes`` computes a collective where the lanes are an
axis of one array, as under `vmap`; a distributed engine sends messages instead.

Transposes, where "same" is a value that is the same in all lanes and counts once:

=============== ================= ==================================
operation       from and to       transpose
=============== ================= ==================================
`psum`          varying -> same   `pvary`
`all_gather`    varying -> same   `axis_slice`, a lane's own part
`psum_scatter`  varying, varying  `all_gather` of the cotangents
`ppermute`      varying, varying  `ppermute` the other way
`all_to_all`    varying, varying  `all_to_all` the other way
=============== ================= ==================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.axes import Collective, name_of
from rtorch.errors import ArgumentError
from rtorch.ops.base import (
    Linear,
    Nondifferentiable,
    broadcast_p,
    move_dim,
    mul_p,
    permute_dims_p,
    reduce_sum_p,
    reshape_p,
    wrap_scalar,
)
from rtorch.ops.comparison import eq_p
from rtorch.ops.convert import convert_p
from rtorch.ops.creation import iota
from rtorch.ops.elementwise import div_p
from rtorch.ops.indexing import gather_p
from rtorch.ops.reduction import reduce_max_p, reduce_min_p
from rtorch.ops.shape import concat_p, slice_p

MAX_SLICES = 8  # pieces that a permutation is put together from; one of more is a gather


def _no_lanes(name: str, axes: Sequence[Any]) -> NoReturn:
    called = ", ".join(repr(name_of(key)) for key in axes)
    raise ArgumentError(
        f"[{name}] the axis {called} is not in scope any more: a function staged inside "
        "rt.vmap(axis_name=...) runs only there"
    )


class _Elementwise(Collective):
    """Treats all elements alike."""

    def impl(self, xp: Any, *xs: Any, axes: Any, **params: Any) -> Any:
        _no_lanes(self.name, axes)

    def infer(self, x: Any, *, axes: Any, sizes: Any) -> Aval:
        return Aval(x.shape, x.dtype)

    def batch(self, args: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
        return self(*args, **params), dims[0]


class PSum(_Elementwise, Linear):
    """The sum over all lanes."""

    name = "psum"
    invariant = True

    def transpose(self, ct: Any, x: Any, **params: Any) -> Any:
        return (pvary_p(ct, **params),)

    def lanes(self, x: Any, dim: Any, size: int, **params: Any) -> tuple[Any, Any]:
        if dim is None:
            return mul_p(x, size), None
        return reduce_sum_p(x, axes=(dim,)), None


class PVary(_Elementwise, Linear):
    """The same value, as one that may differ between lanes."""

    name = "pvary"
    keeps_weak = True
    exchanges = False
    needs_varying = False

    def transpose(self, ct: Any, x: Any, **params: Any) -> Any:
        return (psum_p(ct, **params),)

    def lanes(self, x: Any, dim: Any, size: int, **params: Any) -> tuple[Any, Any]:
        return x, dim


class _Extreme(_Elementwise):
    """The largest or smallest element over all lanes; ties share the derivative."""

    invariant = True
    reduction: Any

    def lanes(self, x: Any, dim: Any, size: int, **params: Any) -> tuple[Any, Any]:
        return (x if dim is None else self.reduction(x, axes=(dim,))), None

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        out = self(x, **params)
        weight = convert_p(eq_p(x, out), dtype=x.dtype)
        # Counted along the named axes even where `x` is the same in all lanes.
        count = psum_p(pvary_p(weight, **params), **params)
        return out, div_p(psum_p(mul_p(t, weight), **params), count)


class PMax(_Extreme):
    """The largest element over all lanes."""

    name = "pmax"
    reduction = reduce_max_p


class PMin(_Extreme):
    """The smallest element over all lanes."""

    name = "pmin"
    reduction = reduce_min_p


class _Structural(Collective):
    """Works along one named axis and axes of the array."""

    places: tuple[str, ...]  # parameters that are axes of the array

    def impl(self, xp: Any, *xs: Any, axes: Any, **params: Any) -> Any:
        _no_lanes(self.name, axes)

    def batch(self, args: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
        moved = {place: params[place] + 1 for place in self.places}
        return self(move_dim(args[0], dims[0], 0), **{**params, **moved}), 0


class AllGather(_Structural, Linear):
    """The values of all lanes, along a new axis, or (`tiled`) joined along an old one."""

    name = "all_gather"
    invariant = True
    places = ("axis",)

    def infer(self, x: Any, *, axes: Any, sizes: Any, axis: int, tiled: bool) -> Aval:
        (n,), shape = sizes, x.shape
        if tiled:
            return Aval((*shape[:axis], n * shape[axis], *shape[axis + 1 :]), x.dtype)
        return Aval((*shape[:axis], n, *shape[axis:]), x.dtype)

    def transpose(self, ct: Any, x: Any, **params: Any) -> Any:
        return (axis_slice_p(ct, **params),)

    def lanes(self, x: Any, dim: Any, size: int, *, axis: int, tiled: bool, **_: Any) -> Any:
        if dim is None:
            shape = (*x.shape[:axis], size, *x.shape[axis:])
            x = broadcast_p(x, shape=shape, axes=tuple([i for i in range(len(shape)) if i != axis]))
        else:
            x = move_dim(x, dim, axis)
        return (_merged(x, axis) if tiled else x), None


class AxisSlice(_Structural, Linear):
    """Of a value that is the same in all lanes: the lane's own part along ``axis``."""

    name = "axis_slice"
    exchanges = False
    needs_varying = False
    places = ("axis",)

    def infer(self, x: Any, *, axes: Any, sizes: Any, axis: int, tiled: bool) -> Aval:
        return _part(x, sizes[0], axis, tiled)

    def transpose(self, ct: Any, x: Any, **params: Any) -> Any:
        return (all_gather_p(ct, **params),)

    def lanes(self, x: Any, dim: Any, size: int, *, axis: int, tiled: bool, **_: Any) -> Any:
        if dim is not None:  # unlike what it is meant for: of each lane's value its own part
            return _own_parts(move_dim(x, dim, 0), size, axis, tiled)
        return (_parted(x, axis, size) if tiled else x), axis


class PSumScatter(_Structural, Linear):
    """The lane's own part, along ``axis``, of the sum over all lanes."""

    name = "psum_scatter"
    places = ("axis",)

    def infer(self, x: Any, *, axes: Any, sizes: Any, axis: int, tiled: bool) -> Aval:
        return _part(x, sizes[0], axis, tiled)

    def transpose(self, ct: Any, x: Any, *, axes: Any, sizes: Any, axis: int, tiled: bool) -> Any:
        gathered = all_gather_p(ct, axes=axes, sizes=sizes, axis=axis, tiled=tiled)
        return (pvary_p(gathered, axes=axes, sizes=sizes),)

    def lanes(self, x: Any, dim: Any, size: int, **params: Any) -> tuple[Any, Any]:
        total, _ = psum_p.lanes(x, dim, size)
        return axis_slice_p.lanes(total, None, size, **params)


class PPermute(_Structural, Linear):
    """Each lane's value sent on: ``perm`` has pairs (from, to). Who gets nothing has zeros."""

    name = "ppermute"
    places = ()

    def infer(self, x: Any, *, axes: Any, sizes: Any, perm: Any) -> Aval:
        return Aval(x.shape, x.dtype)

    def transpose(self, ct: Any, x: Any, *, perm: Any, **params: Any) -> Any:
        return (self(ct, perm=tuple([(to, start) for start, to in perm]), **params),)

    def lanes(self, x: Any, dim: Any, size: int, *, perm: Any, **_: Any) -> tuple[Any, Any]:
        if dim is None:
            x, dim = broadcast_p(x, shape=(size, *x.shape),
                                 axes=tuple(range(1, len(x.shape) + 1))), 0  # fmt: skip
        sender: list[int | None] = [None] * size
        for start, to in perm:
            sender[to] = start
        runs = _runs(sender)
        if not size:
            return x, dim
        if len(runs) <= MAX_SLICES:
            return concat_p(*[_run(x, dim, *run) for run in runs], axis=dim), dim
        index = Array(np.asarray([size if i is None else i for i in sender]))
        return gather_p(x, index, axes=(dim,), mode="fill", fill=0), 0


class AllToAll(_Structural, Linear):
    """Lane ``j``'s part ``i`` along ``split`` becomes lane ``i``'s part ``j`` along ``concat``."""

    name = "all_to_all"
    places = ("split", "concat")

    def infer(self, x: Any, *, axes: Any, sizes: Any, split: int, concat: int, tiled: bool) -> Aval:
        (n,), shape = sizes, list(x.shape)
        if tiled:
            shape[split] //= n
            shape[concat] *= n
        else:
            del shape[split]
            shape.insert(concat, n)
        return Aval(tuple(shape), x.dtype)

    def transpose(self, ct: Any, x: Any, *, split: int, concat: int, **params: Any) -> Any:
        return (self(ct, split=concat, concat=split, **params),)

    def lanes(
        self, x: Any, dim: Any, size: int, *, split: int, concat: int, tiled: bool, **_: Any
    ) -> tuple[Any, Any]:
        if dim is None:
            x, dim = broadcast_p(x, shape=(size, *x.shape),
                                 axes=tuple(range(1, len(x.shape) + 1))), 0  # fmt: skip
        at = split + (dim <= split)
        if tiled:
            x = _parted(x, at, size)
            dim += dim > at
        order = [i for i in range(len(x.shape)) if i not in (at, dim)]
        order.insert(concat, dim)
        x = permute_dims_p(x, axes=(at, *order))
        return (_merged(x, concat + 1) if tiled else x), 0


class AxisIndex(Collective, Nondifferentiable):
    """The number of the lane."""

    name = "axis_index"
    exchanges = False

    def impl(self, xp: Any, *xs: Any, axes: Any, **params: Any) -> Any:
        _no_lanes(self.name, axes)

    def infer(self, *, axes: Any, sizes: Any) -> Aval:
        return Aval((), dtypes.int64)

    def lanes(self, x: Any, dim: Any, size: int, **params: Any) -> tuple[Any, Any]:
        return iota(size, dtypes.int64), 0


# ---- helpers -------------------------------------------------------------------------------------


def _part(x: Any, n: int, axis: int, tiled: bool) -> Aval:
    rest = (x.shape[axis] // n,) if tiled else ()
    return Aval((*x.shape[:axis], *rest, *x.shape[axis + 1 :]), x.dtype)


def _parted(x: Any, axis: int, n: int) -> Any:
    """`x` with `axis` made two: `n` parts, and what is in one."""
    return reshape_p(
        x, shape=(*x.shape[:axis], n, x.shape[axis] // max(n, 1), *x.shape[axis + 1 :])
    )


def _merged(x: Any, axis: int) -> Any:
    """`x` with `axis` and the next one made one."""
    length = x.shape[axis] * x.shape[axis + 1]
    return reshape_p(x, shape=(*x.shape[:axis], length, *x.shape[axis + 2 :]))


def _own_parts(x: Any, n: int, axis: int, tiled: bool) -> tuple[Any, int]:
    """The diagonal of lanes, in front, and parts along the lane's `axis`."""
    x = _parted(x, axis + 1, n) if tiled else x
    x = move_dim(x, axis + 1, 1)
    rest = x.shape[2:]
    starts = (0,) * (1 + len(rest))
    strides = (n + 1, *[1] * len(rest))
    flat = reshape_p(x, shape=(n * n, *rest))
    return slice_p(flat, starts=starts, limits=flat.shape, strides=strides), 0


def _runs(sender: Sequence[int | None]) -> list[tuple[int | None, int]]:
    """The senders as runs of neighbours: (the first of them or None, how many)."""
    runs: list[tuple[int | None, int]] = []
    for i in sender:
        if runs:
            first, count = runs[-1]
            if i == (None if first is None else first + count):
                runs[-1] = first, count + 1
                continue
        runs.append((i, 1))
    return runs


def _run(x: Any, dim: int, first: int | None, count: int) -> Any:
    if first is None:
        shape = (*x.shape[:dim], count, *x.shape[dim + 1 :])
        return broadcast_p(wrap_scalar(0, x.dtype), shape=shape, axes=())
    starts, limits = [0] * len(x.shape), list(x.shape)
    starts[dim], limits[dim] = first, first + count
    return slice_p(x, starts=tuple(starts), limits=tuple(limits), strides=(1,) * len(starts))


psum_p, pvary_p, pmax_p, pmin_p = PSum(), PVary(), PMax(), PMin()
all_gather_p, axis_slice_p, psum_scatter_p = AllGather(), AxisSlice(), PSumScatter()
ppermute_p, all_to_all_p, axis_index_p = PPermute(), AllToAll(), AxisIndex()
