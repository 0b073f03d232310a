"""Reading and writing at computed places: gather, scatter, slices with traced starts.

`gather_p` and `scatter_p` index some ``axes`` of an array with as many integer arrays of one
shape; that shape comes first in what is read or written, then the other axes. Negative indices
count from the end. ``mode`` says what an index outside does: ``"raise"``, ``"clip"``,
``"wrap"`` or ``"fill"`` (read `fill`, or write nothing).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive, is_linear
from rtorch.errors import OutOfBoundsError
from rtorch.ops.base import (
    Linear,
    add_p,
    batch_size,
    batched_front,
    broadcast_p,
    instantiate,
    mul_p,
    reshape_p,
    wrap_scalar,
    zeros,
)
from rtorch.ops.comparison import eq_p, select_p
from rtorch.ops.convert import convert_p
from rtorch.ops.creation import full_p, iota, iota_p
from rtorch.ops.elementwise import div_p, maximum_p, minimum_p
from rtorch.ops.shape import slice_p


def _rest(ndim: int, axes: Any) -> tuple[int, ...]:
    return tuple([i for i in range(ndim) if i not in axes])


def _in_bounds(xp: Any, index: Any, n: int, mode: str, axis: int) -> tuple[Any, Any]:
    """Indices that NumPy can take, and where they were inside (None: everywhere)."""
    if n == 0 and index.size and mode in ("clip", "wrap"):
        raise OutOfBoundsError(
            f"[indexing] axis {axis} has length 0: mode={mode!r} finds nothing there to read"
        )
    if mode == "wrap":
        # Of an array without axes the remainder is a number, and what that indexes a view.
        return xp.asarray(index % max(n, 1)), None
    inside = (index >= -n) & (index < n)
    if mode == "raise":
        if not inside.all():
            worst = int(index[~inside].reshape(-1)[0])
            raise OutOfBoundsError(
                f"[indexing] index {worst} is out of bounds for axis {axis} of length {n}; "
                "mode='clip', 'wrap' or 'fill' asks for another rule"
            )
        return index, None
    clipped = xp.where(index < -n, 0, xp.minimum(index, n - 1))
    return (clipped, None) if mode == "clip" else (clipped, inside)


def _places(xp: Any, x: Any, indices: Any, axes: Any, mode: str) -> tuple[tuple[Any, ...], Any]:
    checked = [_in_bounds(xp, i, x.shape[a], mode, a) for i, a in zip(indices, axes)]
    inside = None
    for _, valid in checked:
        if valid is not None:
            inside = valid if inside is None else inside & valid
    return tuple([i for i, _ in checked]), inside


class Gather(Primitive):
    """``x`` at the places given for ``axes``."""

    name = "gather"
    first_index = 1

    def impl(self, xp: Any, x: Any, *indices: Any, axes: Any, mode: str, fill: Any) -> Any:
        places, inside = _places(xp, x, indices, axes, mode)
        if inside is not None and 0 in [x.shape[a] for a in axes]:
            shape = indices[0].shape + tuple([x.shape[i] for i in _rest(x.ndim, axes)])
            return xp.full(shape, fill, x.dtype)
        if axes != tuple(range(len(axes))):
            x = x.transpose(axes + _rest(x.ndim, axes))
        out = x[places]
        if inside is None or inside.all():
            return out
        keep = inside.reshape(inside.shape + (1,) * (out.ndim - inside.ndim))
        return xp.where(keep, out, xp.asarray(fill, out.dtype))

    def infer(self, x: Any, *indices: Any, axes: Any, mode: str, fill: Any) -> Aval:
        rest = tuple([x.shape[i] for i in _rest(x.ndim, axes)])
        return Aval(indices[0].shape + rest, x.dtype)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        _, *indices = primals
        return self(*primals, **params), self(tangents[0], *indices, **{**params, "fill": 0})

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        out = self(*primals, **params)
        operands = (tangents[0], *primals[1:])
        return out, tape.record(self, operands, {**params, "fill": 0}, out)

    def transpose(self, ct: Any, x: Any, *indices: Any, axes: Any, mode: str, fill: Any) -> Any:
        back = scatter_p(zeros(x), ct, *indices, axes=axes, mode=mode, op="add")
        return (back, *[None] * len(indices))

    def batch(self, args: Any, dims: Any, *, axes: Any, mode: str, fill: Any) -> tuple[Any, Any]:
        (x, *indices), (x_dim, *index_dims) = args, dims
        if all(d is None for d in index_dims):
            axes = tuple([a + (a >= x_dim) for a in axes])
            out = self(x, *indices, axes=axes, mode=mode, fill=fill)
            place = _rest(len(x.shape), axes).index(x_dim)
            return out, len(indices[0].shape) + place
        size = batch_size(args, dims)
        indices = [batched_front(i, d, size) for i, d in zip(indices, index_dims)]
        if x_dim is not None:
            axes = (x_dim, *[a + (a >= x_dim) for a in axes])
            indices = [_lanes(indices[0]), *indices]
        return self(x, *indices, axes=axes, mode=mode, fill=fill), 0


def _lanes(index: Any) -> Any:
    """For batched indices: the number of each one's lane."""
    return iota_p(shape=index.shape, dtype=dtypes.int64, axis=0, device=index.device)


class Scatter(Primitive):
    """``x`` with ``updates`` set, added, multiplied, or kept if smaller or larger, at places.

    Where a place is named more than once, all its updates count, for ``"set"`` the last one.
    """

    name = "scatter"
    first_index = 2

    def impl(self, xp: Any, x: Any, updates: Any, *indices: Any, axes: Any, mode: str,
             op: str) -> Any:  # fmt: skip
        places, inside = _places(xp, x, indices, axes, mode)
        out = xp.array(x)
        self._write(xp, out, updates, places, inside, axes, op)
        return out

    overwrites = (0,)

    def into(self, out: Any, x: Any, updates: Any, *indices: Any, axes: Any, mode: str,
             op: str) -> None:  # fmt: skip
        places, inside = _places(np, x, indices, axes, mode)
        if out is not x:
            np.copyto(out, x)
        self._write(np, out, updates, places, inside, axes, op)

    @staticmethod
    def _write(xp: Any, out: Any, updates: Any, places: Any, inside: Any, axes: Any,
               op: str) -> None:  # fmt: skip
        target = out.transpose(axes + _rest(out.ndim, axes))
        if inside is not None:
            places = tuple([i[inside] for i in places])
            updates = updates[inside]
        if op == "set":
            target[places] = updates
        else:
            ufunc = {"add": xp.add, "mul": xp.multiply, "min": xp.minimum, "max": xp.maximum}[op]
            ufunc.at(target, places, updates)

    def flops(self, x: Any, updates: Any, *indices: Any, **params: Any) -> float:
        return 0.0 if params["op"] == "set" else float(updates.size)

    def infer(self, x: Any, *args: Any, **params: Any) -> Any:
        return x

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        x, updates, *indices = primals
        out = self(*primals, **params)
        dots = [instantiate(tangents[0], x), instantiate(tangents[1], updates)]
        if params["op"] in ("set", "add"):
            return out, self(*dots, *indices, **params)
        rule = _product_tangent if params["op"] == "mul" else _extreme_tangent
        return out, rule(out, x, updates, indices, dots[0], dots[1], params)

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        if params["op"] not in ("set", "add"):
            return tape.record_jvp(self, primals, tangents, params)
        out = self(*primals, **params)
        dots = [p.aval if t is None else t for p, t in zip(primals[:2], tangents[:2])]
        return out, tape.record(self, (*dots, *primals[2:]), params, out)

    def transpose(self, ct: Any, x: Any, updates: Any, *indices: Any, axes: Any, mode: str,
                  op: str) -> Any:  # fmt: skip
        at: dict[str, Any] = {"axes": axes, "mode": mode}
        to_x = to_updates = None
        if is_linear(x):
            none = zeros(Aval(updates.shape, ct.dtype))
            to_x = ct if op == "add" else self(ct, none, *indices, **at, op="set")
        if is_linear(updates):
            to_updates = gather_p(ct, *indices, **at, fill=0)
            if op == "set":
                to_updates = _only_winners(to_updates, ct, indices, at)
        return (to_x, to_updates, *[None] * len(indices))

    def batch(self, args: Any, dims: Any, *, axes: Any, mode: str, op: str) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        x, updates, *indices = [batched_front(a, d, size) for a, d in zip(args, dims)]
        axes = (0, *[a + 1 for a in axes])
        lanes = _lanes(indices[0])
        return self(x, updates, lanes, *indices, axes=axes, mode=mode, op=op), 0


def _only_winners(values: Any, x: Any, indices: Any, at: Any) -> Any:
    """`values` read at places, 0 for updates that a later one at the same place overwrote."""
    shape = indices[0].shape
    number = reshape_p(iota(math.prod(shape), dtypes.int64, x.device), shape=shape)
    full_axes = {"axes": tuple(range(len(at["axes"]))), "mode": at["mode"]}
    board = zeros(Aval(tuple([x.shape[a] for a in at["axes"]]), dtypes.int64))
    board = scatter_p(board, number, *indices, **full_axes, op="set")
    won = eq_p(gather_p(board, *indices, **full_axes, fill=-1), number)
    won = broadcast_p(won, shape=values.shape, axes=tuple(range(len(shape))))
    return select_p(won, values, 0)


def _product_tangent(out: Any, x: Any, updates: Any, indices: Any, x_dot: Any, updates_dot: Any,
                     params: Any) -> Any:  # fmt: skip
    """Each factor's tangent times the product of the others at its place, zeros included."""
    at = {k: v for k, v in params.items() if k != "op"}
    zero = eq_p(updates, 0)
    ones = broadcast_p(wrap_scalar(1, x.dtype), shape=x.shape, axes=())
    nonzero = select_p(zero, 1, updates)
    product = scatter_p(ones, nonzero, *indices, **at, op="mul")
    count = scatter_p(zeros(x.aval), convert_p(zero, dtype=x.dtype), *indices, **at, op="add")
    here, zeros_here = (gather_p(a, *indices, **at, fill=0) for a in (mul_p(product, x), count))
    others = select_p(
        zero,
        select_p(eq_p(zeros_here, 1), here, 0),
        select_p(eq_p(zeros_here, 0), div_p(here, nonzero), 0),
    )
    to_x = mul_p(x_dot, select_p(eq_p(count, 0), product, 0))
    return scatter_p(to_x, mul_p(updates_dot, others), *indices, **at, op="add")


def _extreme_tangent(out: Any, x: Any, updates: Any, indices: Any, x_dot: Any, updates_dot: Any,
                     params: Any) -> Any:  # fmt: skip
    """The tangent of whichever was the extreme; ties share."""
    at = {k: v for k, v in params.items() if k != "op"}
    own = convert_p(eq_p(x, out), dtype=x.dtype)
    hit = convert_p(eq_p(updates, gather_p(out, *indices, **at, fill=0)), dtype=x.dtype)
    total = scatter_p(mul_p(x_dot, own), mul_p(updates_dot, hit), *indices, **at, op="add")
    return div_p(total, maximum_p(scatter_p(own, hit, *indices, **at, op="add"), 1))


gather_p, scatter_p = Gather(), Scatter()


def take_along(x: Any, index: Any, axis: int) -> Any:
    """``out[..., i, ...] = x[..., index[..., i, ...], ...]`` along `axis`."""
    shape = index.shape
    grid = [
        index if a == axis else iota_p(shape=shape, dtype=dtypes.int64, axis=a, device=index.device)
        for a in range(len(shape))
    ]
    return gather_p(x, *grid, axes=tuple(range(len(shape))), mode="raise", fill=0)


# ---- static and traced slices --------------------------------------------------------------------


class UpdateSlice(Linear):
    """``x`` with ``update`` in place of ``x[start:limit:stride]``."""

    name = "update_slice"

    def impl(self, xp: Any, x: Any, update: Any, *, starts: Any, limits: Any, strides: Any) -> Any:
        out = xp.array(x)
        out[tuple(map(slice, starts, limits, strides))] = update
        return out

    overwrites = (0,)

    @staticmethod
    def into(out: Any, x: Any, update: Any, *, starts: Any, limits: Any, strides: Any) -> None:
        if out is not x:
            np.copyto(out, x)
        out[tuple(map(slice, starts, limits, strides))] = update

    def infer(self, x: Any, update: Any, **params: Any) -> Any:
        return x

    def transpose(self, ct: Any, x: Any, update: Any, **params: Any) -> Any:
        kept = self(ct, zeros(Aval(update.shape, ct.dtype)), **params) if is_linear(x) else None
        return kept, slice_p(ct, **params) if is_linear(update) else None

    def batch(self, args: Any, dims: Any, *, starts: Any, limits: Any, strides: Any) -> Any:
        size = batch_size(args, dims)
        args = [batched_front(a, d, size) for a, d in zip(args, dims)]
        return self(*args, starts=(0, *starts), limits=(size, *limits), strides=(1, *strides)), 0


class DynamicSlice(Primitive):
    """``sizes`` elements of ``x`` from traced ``starts`` on, moved inside where they overlap."""

    name = "dynamic_slice"

    def impl(self, xp: Any, x: Any, *starts: Any, sizes: Any) -> Any:
        return x[(*_window(x, starts, sizes), ...)]

    @staticmethod
    def into(out: Any, x: Any, *starts: Any, sizes: Any) -> None:
        np.copyto(out, x[(*_window(x, starts, sizes), ...)])

    def infer(self, x: Any, *starts: Any, sizes: Any) -> Aval:
        return Aval(sizes, x.dtype)

    def jvp(self, primals: Any, tangents: Any, *, sizes: Any) -> tuple[Any, Any]:
        x, *starts = primals
        return self(x, *starts, sizes=sizes), self(tangents[0], *starts, sizes=sizes)

    def transpose(self, ct: Any, x: Any, *starts: Any, sizes: Any) -> Any:
        return (dynamic_update_slice_p(zeros(x), ct, *starts), *[None] * len(starts))

    def batch(self, args: Any, dims: Any, *, sizes: Any) -> tuple[Any, Any]:
        (x, *starts), (x_dim, *start_dims) = args, dims
        if all(d is None for d in start_dims):
            starts.insert(x_dim, _zero_index())
            sizes = (*sizes[:x_dim], x.shape[x_dim], *sizes[x_dim:])
            return self(x, *starts, sizes=sizes), x_dim
        size = batch_size(args, dims)
        if x_dim is not None:
            x = batched_front(x, x_dim, size)
        starts = [batched_front(s, d, size) for s, d in zip(starts, start_dims)]
        axes, grid = _window_grid(x, starts, sizes, size, x_dim is not None)
        return gather_p(x, *grid, axes=axes, mode="raise", fill=0), 0


class DynamicUpdateSlice(Primitive):
    """``x`` with ``update`` written from traced ``starts`` on, moved inside where it overlaps."""

    name = "dynamic_update_slice"

    def impl(self, xp: Any, x: Any, update: Any, *starts: Any) -> Any:
        out = xp.array(x)
        out[_window(x, starts, update.shape)] = update
        return out

    overwrites = (0,)

    @staticmethod
    def into(out: Any, x: Any, update: Any, *starts: Any) -> None:
        if out is not x:
            np.copyto(out, x)
        out[_window(x, starts, update.shape)] = update

    def infer(self, x: Any, update: Any, *starts: Any) -> Any:
        return x

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        x, update, *starts = primals
        dots = instantiate(tangents[0], x), instantiate(tangents[1], update)
        return self(*primals), self(*dots, *starts)

    def transpose(self, ct: Any, x: Any, update: Any, *starts: Any) -> Any:
        none = zeros(Aval(update.shape, ct.dtype))
        return (
            self(ct, none, *starts) if is_linear(x) else None,
            dynamic_slice_p(ct, *starts, sizes=update.shape) if is_linear(update) else None,
            *[None] * len(starts),
        )

    def batch(self, args: Any, dims: Any) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        x, update, *starts = [batched_front(a, d, size) for a, d in zip(args, dims)]
        if all(d is None for d in dims[2:]):
            return self(x, update, _zero_index(), *args[2:]), 0
        axes, grid = _window_grid(x, starts, update.shape[1:], size, True)
        return scatter_p(x, update, *grid, axes=axes, mode="raise", op="set"), 0


def _zero_index() -> Any:
    return full_p(shape=(), value=0, dtype=dtypes.int64, device=backend.CPU)


def _window(x: Any, starts: Any, sizes: Any) -> tuple[slice, ...]:
    first = [min(max(int(s), 0), n - m) for s, n, m in zip(starts, x.shape, sizes)]
    return tuple([slice(s, s + m) for s, m in zip(first, sizes)])


def _window_grid(x: Any, starts: Any, sizes: Any, size: int, batched: bool) -> Any:
    """The axes and index arrays that read or write one window per lane."""
    shape, device = (size, *sizes), starts[0].device
    lanes = [iota_p(shape=shape, dtype=dtypes.int64, axis=0, device=device)] if batched else []
    lengths = x.shape[1:] if batched else x.shape
    grid = []
    for i, (start, n, m) in enumerate(zip(starts, lengths, sizes)):
        first = minimum_p(maximum_p(convert_p(start, dtype=dtypes.int64), 0), n - m)
        offset = iota_p(shape=shape, dtype=dtypes.int64, axis=i + 1, device=device)
        grid.append(add_p(broadcast_p(first, shape=shape, axes=(0,)), offset))
    return tuple(range(len(lengths) + len(lanes))), [*lanes, *grid]


update_slice_p = UpdateSlice()
dynamic_slice_p, dynamic_update_slice_p = DynamicSlice(), DynamicUpdateSlice()
