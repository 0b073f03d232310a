"""The general convolution, as matrix products.

Arrays are ``(batch, channels, *space)``, kernels ``(out channels, channels of a group, *window)``.
The derivatives are convolutions again, so that there is one primitive for all orders.

On the way to BLAS, whichever fits is taken:

- `_by_offsets`: one channel in and out per group; a multiplication for each offset of the window.
- `_scattered`: a dilated input and stride 1 (the derivative of a strided convolution by its input);
  the product of kernel and input, then a strided addition for each offset, so that no zeros are
  multiplied.
- `_gathered`: the windows as a matrix, for a part of the batch at a time, times the kernel.

References:
    Chellapilla, Puri & Simard 2006, High performance convolutional neural networks for document
    processing, section 3 (the windows as a matrix).
    Dumoulin & Visin 2016, A guide to convolution arithmetic (arXiv:1603.07285).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.backend import module_of
from rtorch.core.primitive import is_linear
from rtorch.ops.base import (
    Bilinear,
    batch_size,
    batched_front,
    move_dim,
    permute_dims_p,
    reshape_p,
    zeros,
)
from rtorch.ops.shape import flip_p, pad_p

Ints: TypeAlias = tuple[int, ...]
Pairs: TypeAlias = tuple[tuple[int, int], ...]

# Elements of the matrix of windows that is made at a time: few enough for the cache of a CPU, or
# many where a part of the matrix is used with the whole of a long kernel.
SHORT, LONG = 1 << 19, 1 << 23


class Geometry(NamedTuple):
    """How a window goes over the space; one entry per spatial axis."""

    strides: Ints
    padding: Pairs  # low and high, after the dilation of the input; negative ones cut off
    lhs_dilation: Ints
    rhs_dilation: Ints

    def padded(self, space: Ints) -> Ints:
        return tuple([
            dilated(n, gap) + low + high
            for n, (low, high), gap in zip(space, self.padding, self.lhs_dilation)
        ])  # fmt: skip

    def out(self, space: Ints, window: Ints) -> Ints:
        return tuple([
            max(0, (n - dilated(k, d)) // s + 1)
            for n, k, s, d in zip(self.padded(space), window, self.strides, self.rhs_dilation)
        ])  # fmt: skip


def dilated(n: int, dilation: int) -> int:
    """The extent of `n` elements at a distance of `dilation`."""
    return (n - 1) * dilation + 1 if n else 0


class Conv(Bilinear):
    """``out[p] = sum over k of x[p * strides + k * rhs_dilation - low] w[k]``, and over channels.

    `x` has ``lhs_dilation - 1`` zeros between its elements and is padded. Channels come in
    ``groups`` that do not mix. Half precision is accumulated in float32.
    """

    name = "conv"

    def impl(self, xp: Any, x: Any, w: Any, **params: Any) -> Any:
        out = xp.empty(self._shape(x, w, **params), self._wide(x.dtype))
        self.into(out, x, w, **params)
        return out.astype(x.dtype, copy=False)

    def can_write(self, out: Aval, **params: Any) -> bool:
        return out.dtype not in dtypes.HALVES

    @staticmethod
    def _wide(dtype: Any) -> Any:
        return dtypes.float32 if dtype in dtypes.HALVES else dtype

    @staticmethod
    def into(out: Any, x: Any, w: Any, *, groups: int, **space: Any) -> None:
        xp, geometry = module_of(out), Geometry(**space)
        if not (x.size and w.size and out.size):
            out[...] = 0
            return
        x, w = x.astype(out.dtype, copy=False), w.astype(out.dtype, copy=False)
        if w.shape[0] == groups and w.shape[1] == 1 and _small_window(w, out):
            return _by_offsets(xp, out, x, w, geometry)
        if max(geometry.lhs_dilation) > 1 and max(geometry.strides) == 1:
            return _scattered(xp, out, x, w, geometry, groups)
        return _gathered(xp, out, x, w, geometry, groups)

    @staticmethod
    def _shape(x: Any, w: Any, *, groups: int, **space: Any) -> Ints:
        return (x.shape[0], w.shape[0], *Geometry(**space).out(x.shape[2:], w.shape[2:]))

    def infer(self, x: Any, w: Any, **params: Any) -> Aval:
        return Aval(self._shape(x, w, **params), x.dtype)

    def flops(self, x: Any, w: Any, **params: Any) -> float:
        return 2.0 * math.prod(self._shape(x, w, **params)) * math.prod(w.shape[1:])

    def transpose(self, ct: Any, x: Any, w: Any, *, groups: int, **space: Any) -> Any:
        of_x, geometry = is_linear(x), Geometry(**space)
        if 0 in (*ct.shape, *x.shape, *w.shape):
            return (zeros(x), None) if of_x else (None, zeros(w))
        if of_x:
            return _by_input(ct, x.shape, w, geometry, groups), None
        return None, _by_kernel(ct, x, w.shape, geometry, groups)

    def batch(self, args: Any, dims: Any, *, groups: int, **space: Any) -> tuple[Any, Any]:
        (x, w), (x_dim, w_dim) = args, dims
        if w_dim is None:  # into the batch
            x = move_dim(x, x_dim, 0)
            out = self(_join(x, 0), w, groups=groups, **space)
            return reshape_p(out, shape=(*x.shape[:2], *out.shape[1:])), 0
        if x_dim is None:  # into the channels that come out, inside each group
            w = _split(move_dim(w, w_dim, 0), 1, groups)
            size, each = w.shape[0], w.shape[2]
            w = _join(_join(move_dim(w, 1, 0), 0), 0)
            out = self(x, w, groups=groups, **space)
            shape = (out.shape[0], groups, size, each, *out.shape[2:])
            return _join(move_dim(reshape_p(out, shape=shape), 2, 0), 2), 0
        size = batch_size(args, dims)  # into the groups
        x, w = batched_front(x, x_dim, size), batched_front(w, w_dim, size)
        x = _join(move_dim(x, 0, 1), 1)
        out = self(x, _join(w, 0), groups=groups * size, **space)
        return reshape_p(out, shape=(out.shape[0], *w.shape[:2], *out.shape[2:])), 1


conv_p = Conv()

# ---- derivatives ---------------------------------------------------------------------------------


def _by_input(ct: Any, shape: Ints, w: Any, geometry: Geometry, groups: int) -> Any:
    """The cotangent of ``x``: with the kernel reversed, stride and dilation change places."""
    padding = []
    for n, m, k, s, (low, _), gap, d in zip(
        shape[2:], ct.shape[2:], w.shape[2:], geometry.strides, geometry.padding,
        geometry.lhs_dilation, geometry.rhs_dilation,
    ):  # fmt: skip
        reach = dilated(k, d)
        before = reach - 1 - low
        padding.append((before, dilated(n, gap) - 1 + reach - dilated(m, s) - before))
    w = _join(move_dim(_split(w, 0, groups), 2, 1), 0)
    w = flip_p(w, axes=tuple(range(2, len(w.shape))))
    return conv_p(
        ct, w, strides=geometry.lhs_dilation, padding=tuple(padding),
        lhs_dilation=geometry.strides, rhs_dilation=geometry.rhs_dilation, groups=groups,
    )  # fmt: skip


def _by_kernel(ct: Any, x: Any, shape: Ints, geometry: Geometry, groups: int) -> Any:
    """The cotangent of ``w``: the cotangent goes over the input, summed over the batch."""
    padding = []
    for n, m, k, s, (low, high), d in zip(
        geometry.padded(x.shape[2:]), ct.shape[2:], shape[2:], geometry.strides,
        geometry.padding, geometry.rhs_dilation,
    ):  # fmt: skip
        used = dilated(m, s) + dilated(k, d) - 1
        padding.append((low, high + used - n))
    x = _join(permute_dims_p(_split(x, 1, groups), axes=(2, 1, 0, *range(3, len(x.shape) + 1))), 1)
    out = conv_p(
        x, move_dim(ct, 1, 0), strides=geometry.rhs_dilation, padding=tuple(padding),
        lhs_dilation=geometry.lhs_dilation, rhs_dilation=geometry.strides, groups=groups,
    )  # fmt: skip
    return move_dim(out, 1, 0)


def _join(x: Any, axis: int) -> Any:
    """`x` with two neighbouring axes made one."""
    shape = x.shape
    joined = (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :])
    return reshape_p(x, shape=joined)


def _split(x: Any, axis: int, n: int) -> Any:
    """`x` with an axis made two, the first of length `n`."""
    shape = x.shape
    return reshape_p(x, shape=(*shape[:axis], n, shape[axis] // n, *shape[axis + 1 :]))


# ---- computation ---------------------------------------------------------------------------------


def _small_window(w: Any, out: Any) -> bool:
    return math.prod(w.shape[2:]) <= math.prod(out.shape[2:])


def offsets(window: Ints) -> Iterator[Ints]:
    """Every place in a window, in row-major order."""
    return itertools.product(*map(range, window))


def meeting(
    n: int, m: int, k: int, stride: int, low: int, lhs_dilation: int, rhs_dilation: int
) -> tuple[slice, slice] | None:
    """Where offset `k` of the window meets input, along one axis: of the output, of the input.

    Output ``p`` meets input ``i`` if ``p * stride + k * rhs_dilation - low == i * lhs_dilation``.
    One of `stride` and `lhs_dilation` is 1. None: nowhere.
    """
    shift = k * rhs_dilation - low  # p * stride + shift == i * lhs_dilation
    if lhs_dilation == 1:
        first = max(0, -(shift // stride))
        count = min(m, (n - 1 - shift) // stride + 1) - first
        start = first * stride + shift
        into, taken = (first, 1), (start, stride)
    else:
        start = max(0, -(-shift // lhs_dilation))
        count = min(n, (m - 1 + shift) // lhs_dilation + 1) - start
        into, taken = (start * lhs_dilation - shift, lhs_dilation), (start, 1)
    if count <= 0:
        return None
    return tuple(slice(a, a + (count - 1) * step + 1, step) for a, step in (into, taken))  # type: ignore[return-value]


def meetings(
    space: Ints, window: Ints, out: Ints, geometry: Geometry
) -> Iterator[tuple[Ints, tuple[slice, ...], tuple[slice, ...]]]:
    """Each offset of the window with where it meets input: of the output, of the input."""
    along = [
        [meeting(n, m, k, s, low, gap, d) for k in range(w)]
        for n, w, m, s, (low, _), gap, d in zip(
            space, window, out, geometry.strides, geometry.padding, geometry.lhs_dilation,
            geometry.rhs_dilation,
        )
    ]  # fmt: skip
    for offset in offsets(window):
        met = [axis[k] for axis, k in zip(along, offset)]
        if None not in met:
            yield offset, tuple([m[0] for m in met if m]), tuple([m[1] for m in met if m])


def _by_offsets(xp: Any, out: Any, x: Any, w: Any, geometry: Geometry) -> None:
    """One channel in and out per group: as many multiplications as the window has places."""
    if any(gap > 1 and s > 1 for gap, s in zip(geometry.lhs_dilation, geometry.strides)):
        x, geometry = _padded(xp, x, geometry)
    factors = w[:, 0]
    out[...] = 0
    met = list(meetings(x.shape[2:], w.shape[2:], out.shape[2:], geometry))
    each = max(x[0].size, out[0].size)
    step = _chunk(len(x), each, SHORT >> 3 if xp is np else LONG)
    for start in range(0, len(x), step):  # what stays in the cache at a time
        image, result = x[start : start + step], out[start : start + step]
        for offset, into, taken in met:
            factor = factors[(slice(None), *offset, *[None] * len(offset))]
            result[(..., *into)] += image[(..., *taken)] * factor


def _scattered(xp: Any, out: Any, x: Any, w: Any, geometry: Geometry, groups: int) -> None:
    """Kernel times input, then the product for each offset to where it belongs."""
    (batch, channels), space, window = x.shape[:2], x.shape[2:], w.shape[2:]
    each, size = channels // groups, math.prod(space)
    n_out, places = w.shape[0] // groups, math.prod(window)
    kernel = w.reshape(groups, n_out, each, places).transpose(0, 3, 1, 2)
    kernel = kernel.reshape(groups, places * n_out, each)
    met = list(meetings(space, window, out.shape[2:], geometry))
    out[...] = 0
    step = _chunk(batch, groups * places * n_out * size, SHORT if xp is np else LONG)
    for start in range(0, batch, step):
        part = x[start : start + step]
        n = len(part)
        columns = part.reshape(n, groups, each, size).transpose(1, 2, 0, 3)
        product = xp.matmul(kernel, columns.reshape(groups, each, n * size))
        product = product.reshape(groups, *window, n_out, n, *space)
        result = out[start : start + step].reshape(n, groups, n_out, *out.shape[2:])
        result = result.transpose(1, 2, 0, *range(3, result.ndim))
        for offset, into, taken in met:
            found = product[(slice(None), *offset)]
            result[(..., *into)] += found[(..., *taken)]


def _gathered(xp: Any, out: Any, x: Any, w: Any, geometry: Geometry, groups: int) -> None:
    """The windows as a matrix, times the kernel."""
    x, geometry = _padded(xp, x, geometry)
    window, space = w.shape[2:], out.shape[2:]
    places, size = math.prod(window), math.prod(space)
    each, n_out = w.shape[1], w.shape[0] // groups
    kernel = w.reshape(groups, n_out, each * places)
    if places == 1 and size >= 64 and x.shape[2:] == space:  # pixel by pixel: nothing to gather
        product = xp.matmul(kernel, x.reshape(len(x), groups, each, size))
        out[...] = product.reshape(out.shape)
        return
    windows = _windows(xp, x, window, space, geometry, groups)
    n_space = len(window)
    taps, spots = range(3, 3 + n_space), range(3 + n_space, 3 + 2 * n_space)
    # The longer of the two goes last in memory: that makes the copy fast. BLAS takes both orders.
    kernel_last = places > size
    order = (1, 0, *spots, 2, *taps) if kernel_last else (1, 2, *taps, 0, *spots)
    most = LONG if kernel_last or xp is not np else SHORT
    step = _chunk(len(x), groups * each * places * size, most)
    for start in range(0, len(x), step):
        part = windows[start : start + step].transpose(order)
        n = min(step, len(x) - start)
        if kernel_last:
            matrix = part.reshape(groups, n * size, each * places).transpose(0, 2, 1)
        else:
            matrix = part.reshape(groups, each * places, n * size)
        product = kernel[0].dot(matrix[0])[None] if groups == 1 else xp.matmul(kernel, matrix)
        product = product.reshape(groups, n_out, n, *space)
        result = out[start : start + n].reshape(n, groups, n_out, *space)
        result[...] = product.transpose(2, 0, 1, *range(3, product.ndim))


def _chunk(batch: int, elements: int, most: int) -> int:
    """How many images go at a time if each needs so many elements of memory."""
    parts = -(-batch * elements // most)
    return max(1, -(-batch // max(1, parts)))


def _padded(xp: Any, x: Any, geometry: Geometry) -> tuple[Any, Geometry]:
    """`x` with its zeros about and between, and the geometry that is left."""
    ones = (1,) * len(geometry.strides)
    none = ((0, 0),) * len(ones)
    if geometry.padding != none or geometry.lhs_dilation != ones:
        low, high = ((0, 0, *side) for side in zip(*geometry.padding))
        interior = (0, 0, *[gap - 1 for gap in geometry.lhs_dilation])
        x = pad_p.impl(xp, x, value=0, low=low, high=high, interior=interior)
    return x, Geometry(geometry.strides, none, ones, geometry.rhs_dilation)


def _windows(
    xp: Any, x: Any, window: Ints, space: Ints, geometry: Geometry, groups: int
) -> Any:  # fmt: skip
    """A view (batch, groups, channels, *window, *space) of the elements of each window."""
    each = x.shape[1] // groups
    lengths = x.strides[2:]
    return xp.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], groups, each, *window, *space),
        (
            x.strides[0], x.strides[1] * each, x.strides[1],
            *[n * d for n, d in zip(lengths, geometry.rhs_dilation)],
            *[n * s for n, s in zip(lengths, geometry.strides)],
        ),
    )  # fmt: skip
