"""The largest element in a moving window, where it is, and what derivatives need of that.

The window goes over the last axes, as many as it has; the axes before them are alike. A place in
a window is a number, in row-major order. Its elements outside the array do not count: -1 is the
place where there is none inside.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive, is_linear
from rtorch.ops.base import Nondifferentiable, batch_size, batched_front, move_dim
from rtorch.ops.conv import Geometry, Ints, Pairs, meetings


def _geometry(strides: Ints, padding: Pairs, dilation: Ints) -> Geometry:
    return Geometry(strides, padding, (1,) * len(strides), dilation)


def _lowest(dtype: Any) -> Any:
    return -np.inf if dtype in dtypes.FLOATS else np.iinfo(dtype).min


def _places(x: Any, out: Any, window: Ints, geometry: Geometry) -> Any:
    """The number of each place, and where the windows have it: of the output, of the input."""
    n = len(window)
    for at, into, taken in meetings(x.shape[x.ndim - n :], window, out.shape[out.ndim - n :],
                                    geometry):  # fmt: skip
        number = 0
        for k, length in zip(at, window):
            number = number * length + k
        yield number, (..., *into), (..., *taken)


class WindowMax(Primitive):
    """The largest element of each window; its derivative goes to the first one."""

    name = "window_max"

    def impl(self, xp: Any, x: Any, *, window: Ints, strides: Ints, padding: Pairs,
             dilation: Ints) -> Any:  # fmt: skip
        # One axis after the other: a window of 3 x 3 takes 3 + 3 comparisons.
        first = x.ndim - len(window)
        for axis, (k, *rest) in enumerate(zip(window, strides, padding, dilation), first):
            geometry = _geometry(*[(r,) for r in rest])  # type: ignore[arg-type]
            rows = xp.moveaxis(x, axis, -1)
            shape = list(x.shape)
            shape[axis] = geometry.out((x.shape[axis],), (k,))[0]
            x = xp.full(shape, _lowest(x.dtype), x.dtype)
            out = xp.moveaxis(x, axis, -1)
            for _, into, taken in _places(rows, out, (k,), geometry):
                xp.maximum(out[into], rows[taken], out=out[into])
        return x

    def flops(self, x: Any, **params: Any) -> float:
        return float(self.infer(x, **params).size * math.prod(params["window"]))

    def infer(self, x: Any, *, window: Ints, **move: Any) -> Aval:
        split = x.ndim - len(window)
        space = _geometry(**move).out(x.shape[split:], window)
        return Aval((*x.shape[:split], *space), x.dtype)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        out = self(x, **params)
        return out, window_pick_p(t, window_which_p(x, out, **params), **params)

    def batch(self, args: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
        return self(move_dim(args[0], dims[0], 0), **params), 0


class _OfPlaces(Primitive):
    """What takes places in windows, or gives them; batched in front."""

    def batch(self, args: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        return self(*[batched_front(a, d, size) for a, d in zip(args, dims)], **params), 0


class WindowWhich(Nondifferentiable, _OfPlaces):
    """The first place in each window of ``x`` that has the value of ``y`` for that window."""

    name = "window_which"

    def impl(self, xp: Any, x: Any, y: Any, *, window: Ints, **move: Any) -> Any:
        which = xp.full(y.shape, -1, dtypes.int32)
        with_nan = x.dtype in dtypes.FLOATS and bool(xp.isnan(y).any())
        for number, into, taken in reversed(list(_places(x, y, window, _geometry(**move)))):
            there = x[taken] == y[into]
            if with_nan:
                there |= xp.isnan(x[taken])
            xp.copyto(which[into], number, where=there)
        return which

    def flops(self, x: Any, y: Any, **params: Any) -> float:
        return float(y.size * math.prod(params["window"]))

    def infer(self, x: Any, y: Any, **params: Any) -> Aval:
        return Aval(y.shape, dtypes.int32)


class WindowPick(_OfPlaces):
    """The element at place ``which`` of each window of ``x``; 0 at the place -1."""

    name = "window_pick"
    first_index = 1

    def impl(self, xp: Any, x: Any, which: Any, *, window: Ints, **move: Any) -> Any:
        out = xp.zeros(which.shape, x.dtype)
        for number, into, taken in _places(x, out, window, _geometry(**move)):
            xp.copyto(out[into], x[taken], where=which[into] == number)
        return out

    def infer(self, x: Any, which: Any, **params: Any) -> Aval:
        return Aval(which.shape, x.dtype)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        (x, which), (t, _) = primals, tangents
        return self(x, which, **params), self(t, which, **params)

    def transpose(self, ct: Any, x: Any, which: Any, *, window: Ints, **move: Any) -> Any:
        assert is_linear(x)
        space = x.shape[len(x.shape) - len(window) :]
        return window_place_p(ct, which, window=window, space=space, **move), None


class WindowPlace(_OfPlaces):
    """Each ``x`` added to zeros of shape ``space``, at place ``which`` of its window."""

    name = "window_place"
    first_index = 1

    def impl(self, xp: Any, x: Any, which: Any, *, window: Ints, space: Ints, **move: Any) -> Any:
        wide = dtypes.float32 if x.dtype in dtypes.HALVES else x.dtype
        out = xp.zeros((*x.shape[: x.ndim - len(space)], *space), wide)
        for number, into, taken in _places(out, x, window, _geometry(**move)):
            out[taken] += xp.where(which[into] == number, x[into], x.dtype.type(0))
        return out.astype(x.dtype, copy=False)

    def flops(self, x: Any, which: Any, **params: Any) -> float:
        return float(x.size)

    def infer(self, x: Any, which: Any, *, space: Ints, **params: Any) -> Aval:
        return Aval((*x.shape[: x.ndim - len(space)], *space), x.dtype)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        (x, which), (t, _) = primals, tangents
        return self(x, which, **params), self(t, which, **params)

    def transpose(self, ct: Any, x: Any, which: Any, *, space: Ints, **params: Any) -> Any:
        assert is_linear(x)
        return window_pick_p(ct, which, **params), None


window_max_p, window_which_p = WindowMax(), WindowWhich()
window_pick_p, window_place_p = WindowPick(), WindowPlace()
