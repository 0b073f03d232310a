"""Slicing, padding, joining and reversing."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive, is_linear
from rtorch.ops.base import Linear, batch_size, batched_front, instantiate, reshape_p, zeros


class Slice(Linear):
    """``x[start:limit:stride]`` along every axis, with positive strides and no clamping."""

    name = "slice"
    keeps_weak = True
    view = True

    def impl(self, xp: Any, x: Any, *, starts: Any, limits: Any, strides: Any) -> Any:
        return x[(*map(slice, starts, limits, strides), ...)]  # ...: a view without axes too

    def infer(self, x: Any, *, starts: Any, limits: Any, strides: Any) -> Aval:
        shape = tuple([-((a - b) // s) for a, b, s in zip(starts, limits, strides)])
        return Aval(shape, x.dtype)

    def transpose(self, ct: Any, x: Any, *, starts: Any, limits: Any, strides: Any) -> Any:
        high = [
            n - start - (0 if m == 0 else 1 + (m - 1) * stride)
            for n, m, start, stride in zip(x.shape, ct.shape, starts, strides)
        ]
        return (pad_p(ct, value=0, low=starts, high=tuple(high),
                      interior=tuple([s - 1 for s in strides])),)  # fmt: skip

    def batch(self, args: Any, dims: Any, *, starts: Any, limits: Any, strides: Any) -> Any:
        (x,), (dim,) = args, dims
        return self(
            x,
            starts=_insert(starts, dim, 0),
            limits=_insert(limits, dim, x.shape[dim]),
            strides=_insert(strides, dim, 1),
        ), dim


def _insert(values: tuple[int, ...], dim: int, value: int) -> tuple[int, ...]:
    return (*values[:dim], value, *values[dim:])


class Pad(Linear):
    """``x`` with ``low`` and ``high`` elements of ``value`` at the ends, ``interior`` between.

    Negative ``low`` and ``high`` cut elements off.
    """

    name = "pad"

    def impl(self, xp: Any, x: Any, *, value: Any, low: Any, high: Any, interior: Any) -> Any:
        shape = self._shape(x.shape, low, high, interior)
        positive_zero = value == 0 and not str(value).startswith("-")
        out = xp.zeros(shape, x.dtype) if positive_zero else xp.full(shape, value, x.dtype)
        into, taken = [], []
        for n, m, lo, gap in zip(x.shape, shape, low, interior):
            step = gap + 1
            first = 0 if lo >= 0 else -(lo // step)  # the first element not cut off
            last = min(n, -((lo - m) // step))
            into.append(slice(lo + first * step, None, step) if last > first else slice(0, 0))
            taken.append(slice(first, last) if last > first else slice(0, 0))
        into = [
            slice(s.start, s.start + (t.stop - t.start - 1) * (g + 1) + 1, s.step)
            if t.stop > t.start else s
            for s, t, g in zip(into, taken, interior)
        ]  # fmt: skip
        out[tuple(into)] = x[tuple(taken)]
        return out

    @staticmethod
    def _shape(shape: Any, low: Any, high: Any, interior: Any) -> tuple[int, ...]:
        return tuple([
            max(0, lo + hi + n + max(0, n - 1) * gap)
            for n, lo, hi, gap in zip(shape, low, high, interior)
        ])  # fmt: skip

    def infer(self, x: Any, *, value: Any, low: Any, high: Any, interior: Any) -> Aval:
        return Aval(self._shape(x.shape, low, high, interior), x.dtype)

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        return self(*primals, **params), self(*tangents, **{**params, "value": 0})

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        out = self(*primals, **params)
        return out, tape.record(self, tangents, {**params, "value": 0}, out)

    def transpose(self, ct: Any, x: Any, *, value: Any, low: Any, high: Any, interior: Any) -> Any:
        # Cut or fill the ends so that exactly the places of x and its gaps remain, drop the gaps.
        back = pad_p(ct, value=0, low=tuple(-n for n in low), high=tuple(-n for n in high),
                     interior=(0,) * len(low))  # fmt: skip
        strides = tuple([gap + 1 for gap in interior])
        if any(n == 0 for n in x.shape):
            return (zeros(x),)
        return (slice_p(back, starts=(0,) * len(low), limits=back.shape, strides=strides),)

    def batch(self, args: Any, dims: Any, *, value: Any, low: Any, high: Any, interior: Any) -> Any:
        dim = dims[0]
        low, high, interior = (_insert(v, dim, 0) for v in (low, high, interior))
        return self(args[0], value=value, low=low, high=high, interior=interior), dim


class Concat(Linear):
    """The operands one after the other along ``axis``."""

    name = "concat"

    def impl(self, xp: Any, *xs: Any, axis: int) -> Any:
        return xp.concatenate(xs, axis)

    @staticmethod
    def into(out: Any, *xs: Any, axis: int) -> None:
        np.concatenate(xs, axis, out)

    def infer(self, *xs: Any, axis: int) -> Aval:
        shape = list(xs[0].shape)
        shape[axis] = sum(x.shape[axis] for x in xs)
        return Aval(tuple(shape), xs[0].dtype)

    def transpose(self, ct: Any, *xs: Any, axis: int) -> Any:
        cts, start = [], 0
        for x in xs:
            stop = start + x.shape[axis]
            starts, limits = [0] * len(ct.shape), list(ct.shape)
            starts[axis], limits[axis] = start, stop
            cts.append(slice_p(ct, starts=tuple(starts), limits=tuple(limits),
                               strides=(1,) * len(starts)) if is_linear(x) else None)  # fmt: skip
            start = stop
        return cts

    def batch(self, args: Any, dims: Any, *, axis: int) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        return self(*[batched_front(a, d, size) for a, d in zip(args, dims)], axis=axis + 1), 0


class Flip(Linear):
    """``x`` with the order along ``axes`` reversed."""

    name = "flip"
    view = True

    def impl(self, xp: Any, x: Any, *, axes: Any) -> Any:
        backwards, all_of = slice(None, None, -1), slice(None)
        return x[(*[backwards if i in axes else all_of for i in range(x.ndim)], ...)]

    def infer(self, x: Any, *, axes: Any) -> Aval:
        return x

    def transpose(self, ct: Any, x: Any, *, axes: Any) -> Any:
        return (flip_p(ct, axes=axes),)

    def batch(self, args: Any, dims: Any, *, axes: Any) -> tuple[Any, Any]:
        (dim,) = dims
        return self(args[0], axes=tuple([a + (a >= dim) for a in axes])), dim


class Unstack(Primitive):
    """The slices of ``x`` along ``axis``, without that axis."""

    name = "unstack"
    multiple = True
    view = True

    def impl(self, xp: Any, x: Any, *, axis: int) -> Any:
        before = (slice(None),) * axis
        return [x[(*before, i, ...)] for i in range(x.shape[axis])]

    def infer(self, x: Any, *, axis: int) -> Any:
        return [Aval(x.shape[:axis] + x.shape[axis + 1 :], x.dtype)] * x.shape[axis]

    def jvp(self, primals: Any, tangents: Any, *, axis: int) -> tuple[Any, Any]:
        return self(primals[0], axis=axis), self(tangents[0], axis=axis)

    def transpose(self, ct: Any, x: Any, *, axis: int) -> Any:
        shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        slices = [zeros(Aval(shape, x.dtype)) if c is None else reshape_p(c, shape=shape)
                  for c in ct]  # fmt: skip
        return (concat_p(*slices, axis=axis) if slices else zeros(x),)

    def batch(self, args: Any, dims: Any, *, axis: int) -> tuple[Any, Any]:
        (x,), (dim,) = args, dims
        out = self(x, axis=axis + (axis >= dim))
        return out, [dim - (axis < dim)] * len(out)


class Split(Primitive):
    """``x`` cut along ``axis`` into pieces of the lengths ``sizes``, which sum up to its own.

    Beside `slice` for its derivative: one concatenation, where that of slices is a sum of as many
    arrays of the size of ``x``, each of them almost all zeros.
    """

    name = "split"
    multiple = True
    view = True

    def impl(self, xp: Any, x: Any, *, sizes: tuple[int, ...], axis: int) -> Any:
        before, ends = (slice(None),) * axis, list(accumulate(sizes))
        return [x[(*before, slice(end - n, end))] for n, end in zip(sizes, ends)]

    def infer(self, x: Any, *, sizes: tuple[int, ...], axis: int) -> Any:
        return [Aval((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.dtype) for n in sizes]

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        return self(primals[0], **params), self(tangents[0], **params)

    def transpose(self, ct: Any, x: Any, *, sizes: tuple[int, ...], axis: int) -> Any:
        avals = self.infer(x, sizes=sizes, axis=axis)
        return (concat_p(*map(instantiate, ct, avals), axis=axis),)

    def batch(self, args: Any, dims: Any, *, sizes: tuple[int, ...], axis: int) -> tuple[Any, Any]:
        (x,), (dim,) = args, dims
        return self(x, sizes=sizes, axis=axis + (axis >= dim)), [dim] * len(sizes)


slice_p, pad_p, concat_p, flip_p = Slice(), Pad(), Concat(), Flip()
unstack_p, split_p = Unstack(), Split()
