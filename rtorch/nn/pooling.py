"""Pooling as functions, with PyTorch's names and arguments.

Channels come before the spatial axes; whatever stands before those is a batch.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, describe
from rtorch.nn.windows import (
    Ints,
    Pads,
    channels_first,
    channels_last,
    check_format,
    check_input,
    per_axis,
)


class Pool(NamedTuple):
    """A window over spatial axes: one entry per axis."""

    window: Ints
    strides: Ints
    padding: Ints
    dilation: Ints
    ceil_mode: bool

    def pads(self, name: str, space: Ints) -> Pads:
        """What is put around, at the high end with what the last window lacks."""
        found = []
        for n, k, s, p, d in zip(space, *self[:4], strict=True):
            reach = (k - 1) * d + 1
            free = n + 2 * p - reach
            if free < 0:
                raise ShapeError(
                    f"[{name}] x: the window {self.window} (dilation {self.dilation}, padding "
                    f"{self.padding}) is larger than the spatial axes {space}"
                )
            windows = free // s + 1
            # One more, cut off by the end, unless it would start behind the input.
            if self.ceil_mode and free % s and windows * s < n + p:
                windows += 1
            found.append((p, (windows - 1) * s + reach - n - p))
        return tuple(found)


def make_pool(
    name: str, n: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Pool:
    """The arguments of a layer, checked."""
    window = per_axis(name, "kernel_size", kernel_size, n)
    strides = window if stride is None else per_axis(name, "stride", stride, n)
    pads = per_axis(name, "padding", padding, n, 0)
    if any(2 * p > k for p, k in zip(pads, window, strict=True)):
        raise ArgumentError(
            f"[{name}] padding: expected at most half of kernel_size {window}, got {padding!r}"
        )
    return Pool(window, strides, pads, per_axis(name, "dilation", dilation, n), bool(ceil_mode))


def max_pool(name: str, x: Any, pool: Pool, return_indices: bool = False) -> Any:
    """The largest element of each window, perhaps with where it is in row-major order."""
    pads = pool.pads(name, x.shape[x.ndim - len(pool.window) :])
    windows = (pool.window, pool.strides, pads, pool.dilation)
    values = rt.window_max(x, *windows)
    return (values, rt.window_argmax(x, *windows)) if return_indices else values


def sum_pool(name: str, x: Any, pool: Pool) -> rt.Array:
    """The sum of each window: a convolution with ones, along one axis after the other."""
    n = len(pool.window)
    x = _floating(name, x)
    lead, pads = x.shape[: x.ndim - n], pool.pads(name, x.shape[x.ndim - n :])
    x = rt.reshape(x, (math.prod(lead), 1, *x.shape[x.ndim - n :]))
    for axis, (k, s, p) in enumerate(zip(pool.window, pool.strides, pads, strict=True)):
        window, strides, padding = [1] * n, [1] * n, [(0, 0)] * n
        window[axis], strides[axis], padding[axis] = k, s, p
        x = rt.conv_general_dilated(
            x, rt.ones((1, 1, *window), dtype=x.dtype, device=x.device), strides, padding
        )
    return rt.reshape(x, (*lead, *x.shape[2:]))


def avg_pool(
    name: str, x: Any, pool: Pool, count_include_pad: bool, divisor: int | None
) -> rt.Array:
    """The mean of each window, over the elements that count."""
    total = sum_pool(name, x, pool)
    if divisor is not None:
        return total / divisor
    n = len(pool.window)
    space = x.shape[x.ndim - n :]
    counts = [
        _counts(length, k, s, p, out, count_include_pad)
        for length, k, s, p, out in zip(
            space, *pool[:3], total.shape[total.ndim - n :], strict=True
        )
    ]
    if all(len(set(c)) == 1 for c in counts):
        return total / math.prod([c[0] for c in counts])
    for axis, c in enumerate(counts):
        total = total / rt.reshape(
            rt.asarray(c, dtype=total.dtype, device=total.device), (-1, *[1] * (n - 1 - axis))
        )
    return total


def _counts(n: int, k: int, stride: int, pad: int, out: int, include_pad: bool) -> list[int]:
    """How many elements count in each window along one axis."""
    first, end = (-pad, n + pad) if include_pad else (0, n)
    starts = [i * stride - pad for i in range(out)]
    return [min(start + k, end) - max(start, first) for start in starts]


def lp_pool(name: str, x: Any, pool: Pool, norm_type: float) -> rt.Array:
    """``(sum of x ** norm_type) ** (1 / norm_type)`` over each window.

    A window that the end cuts off counts as if it were whole, as in PyTorch.
    """
    x = _floating(name, x)
    if norm_type == math.inf:
        return max_pool(name, x, pool)
    total = avg_pool(name, x**norm_type, pool, True, None) * math.prod(pool.window)
    zero = total == 0
    return rt.where(zero, 0.0, rt.where(zero, 1.0, total) ** (1.0 / norm_type))


def _floating(name: str, x: Any) -> Any:
    if not rt.isdtype(x.dtype, "real floating"):
        raise DTypeError(f"[{name}] x: expected a floating dtype, got {describe(x)}")
    return x


# ---- to a given number of windows ----------------------------------------------------------------


def adaptive_sizes(name: str, output_size: Any, n: int) -> tuple[int | None, ...]:
    """How many windows there are to be along each axis; None: as many as elements."""
    if output_size is None:
        return (None,) * n
    sizes = (output_size,) * n if isinstance(output_size, int) else output_size
    ok = isinstance(sizes, (tuple, list)) and len(sizes) == n
    if not ok or not all(s is None or (isinstance(s, int) and s > 0) for s in sizes):
        raise ArgumentError(
            f"[{name}] output_size: expected a number of 1 or more, or {n} of them or None, got "
            f"{output_size!r}"
        )
    return tuple(sizes)


def _bins(n: int, out: int) -> list[tuple[int, int]]:
    """``out`` windows over ``n`` elements, as equal as possible; neighbours may overlap."""
    return [(i * n // out, -(-(i + 1) * n // out)) for i in range(out)]


def adaptive_avg_pool(name: str, x: Any, sizes: tuple[int | None, ...]) -> rt.Array:
    """The mean of each of so many windows: a matrix product along each axis."""
    x = _floating(name, x)
    for axis, out in enumerate(sizes, x.ndim - len(sizes)):
        n = x.shape[axis]
        if out is None or out == n:
            continue
        if out == 1:
            x = rt.mean(x, axis=axis, keepdims=True)
            continue
        rows = [
            [1 / (b - a) if a <= j < b else 0.0 for j in range(n)] for a, b in _bins(n, out)
        ]  # fmt: skip
        x = rt.moveaxis(
            rt.moveaxis(x, axis, -1) @ rt.asarray(rows, dtype=x.dtype, device=x.device).T, -1, axis
        )
    return x


def adaptive_max_pool(
    name: str, x: Any, sizes: tuple[int | None, ...], return_indices: bool
) -> Any:
    """The largest element of each of so many windows, perhaps with where it is."""
    first, space = x.ndim - len(sizes), x.shape[x.ndim - len(sizes) :]
    window, places = [], []
    for axis, (n, size) in enumerate(zip(space, sizes, strict=True), first):
        bins = _bins(n, n if size is None else size)
        longest = max(b - a for a, b in bins)
        window.append(longest)
        # Windows of different lengths repeat their last element.
        places.append([min(a + i, b - 1) for a, b in bins for i in range(longest)])
        if n != len(places[-1]):
            x = rt.take(x, rt.asarray(places[-1]), axis=axis)
    values = rt.window_max(x, tuple(window))
    if not return_indices:
        return values
    found = rt.unravel_index(rt.window_argmax(x, tuple(window)), x.shape[first:])
    return values, _flat_index(
        [rt.take(rt.asarray(p, device=x.device), i) for p, i in zip(places, found, strict=True)],
        space,
    )


def _flat_index(index: Any, space: Ints) -> Any:
    """Row-major numbers of elements, of which `index` has the place along each axis."""
    flat = index[0]
    for places, n in zip(index[1:], space[1:], strict=True):
        flat = flat * n + places
    return flat


# ---- what layers call ----------------------------------------------------------------------------


def over(name: str, n: int, data_format: str, x: Any, function: Any) -> Any:
    """``function(x)``, one or several arrays, with the channels as `data_format` says."""
    last = check_format(name, data_format, n)
    check_input(name, x, n, last)
    if not last:
        return function(x)
    return rt.tree.map(lambda y: channels_last(y, n), function(channels_first(x, n)))
