"""The way back from max_pool: max_unpool and its layers."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.nn.layer import Layer, Params, arguments, stateless
from rtorch.nn.pooling import Pool, make_pool
from rtorch.nn.windows import (
    Ints,
    channels_first,
    channels_last,
    check_format,
    check_input,
    per_axis,
)


@api
def max_unpool1d(
    x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """The largest elements of windows, back where they were; see `max_unpool2d`.

    Example:
        >>> import rtorch as rt
        >>> y, where = rt.nn.max_pool1d(rt.asarray([[3.0, 5.0, 7.0, 6.0]]), 2, return_indices=True)
        >>> rt.nn.max_unpool1d(y, where, 2).tolist()
        [[0.0, 5.0, 7.0, 0.0]]
    """
    return _unpool("max_unpool1d", 1, x, indices, kernel_size, stride, padding, output_size,
                   data_format)  # fmt: skip


@api
def max_unpool2d(
    x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """The largest elements of windows, back where they were, and zeros elsewhere.

    Where windows overlap an index may come several times; the last of these elements is kept, and
    has the derivative.

    Args:
        x: What `max_pool2d` gave, shape ``(batch, channels, height, width)``, or without the batch.
        indices: What it gave with ``return_indices=True``.
        kernel_size: As it was in `max_pool2d`, as the next two.
        stride: By how much the window moved.
        padding: What was put around.
        output_size: The spatial axes of the input of `max_pool2d`; by default the smallest that it
            may have had.
        data_format: ``"NHWC"`` if the channels come last.

    Raises:
        ShapeError: if `x` and `indices` have different shapes.

    Example:
        >>> import rtorch as rt
        >>> x = rt.reshape(rt.arange(9.0), (1, 3, 3))
        >>> y, where = rt.nn.max_pool2d(x, 2, 1, return_indices=True)
        >>> rt.nn.max_unpool2d(y, where, 2, 1).tolist()
        [[[0.0, 0.0, 0.0], [0.0, 4.0, 5.0], [0.0, 7.0, 8.0]]]
    """
    return _unpool("max_unpool2d", 2, x, indices, kernel_size, stride, padding, output_size,
                   data_format)  # fmt: skip


@api
def max_unpool3d(
    x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
    output_size: Any = None, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """The largest elements of windows, back where they were; see `max_unpool2d`.

    Example:
        >>> import rtorch as rt
        >>> y, where = rt.nn.max_pool3d(rt.ones((1, 4, 4, 4)), 2, return_indices=True)
        >>> rt.nn.max_unpool3d(y, where, 2).shape
        (1, 4, 4, 4)
    """
    return _unpool("max_unpool3d", 3, x, indices, kernel_size, stride, padding, output_size,
                   data_format)  # fmt: skip


def MaxUnpool1d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, *, output_size: Any = None,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The way back from `MaxPool1d`; its input is the pair that comes of ``return_indices=True``.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.serial(rt.nn.MaxPool1d(2, return_indices=True), rt.nn.MaxUnpool1d(2))
        >>> net.apply({}, {}, rt.asarray([[3.0, 5.0, 7.0, 6.0]]))[0].tolist()
        [[0.0, 5.0, 7.0, 0.0]]
    """
    return _layer(1, kernel_size, stride, padding, output_size, data_format)


def MaxUnpool2d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, *, output_size: Any = None,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The way back from `MaxPool2d`; arguments as of `max_unpool2d`.

    Its input is the pair ``(x, indices)`` that comes of ``return_indices=True``.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.serial(rt.nn.MaxPool2d(2, return_indices=True), rt.nn.MaxUnpool2d(2))
        >>> net.apply({}, {}, rt.ones((2, 3, 8, 8)))[0].shape
        (2, 3, 8, 8)
    """
    return _layer(2, kernel_size, stride, padding, output_size, data_format)


def MaxUnpool3d(
    kernel_size: Any, stride: Any = None, padding: Any = 0, *, output_size: Any = None,
    data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The way back from `MaxPool3d`; arguments as of `max_unpool2d`.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.serial(rt.nn.MaxPool3d(2, return_indices=True), rt.nn.MaxUnpool3d(2))
        >>> net.apply({}, {}, rt.ones((3, 4, 4, 4)))[0].shape
        (3, 4, 4, 4)
    """
    return _layer(3, kernel_size, stride, padding, output_size, data_format)


def _layer(
    n: int, kernel_size: Any, stride: Any, padding: Any, output_size: Any, data_format: str
) -> Layer:
    name = f"MaxUnpool{n}d"
    make_pool(name, n, kernel_size, stride, padding, 1, False)  # bad arguments are found at once
    check_format(name, data_format, n)

    def call(params: Params, x: Any) -> rt.Array:
        given = arguments(name, x, ("x", "indices"))
        if len(given) < 2:
            raise ArgumentError(f"[{name}] input: expected the pair (x, indices), got x alone")
        return _unpool(name, n, given["x"], given["indices"], kernel_size, stride, padding,
                       output_size, data_format)  # fmt: skip

    return stateless(None, call, name)


def _unpool(
    name: str, n: int, x: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any,
    output_size: Any, data_format: str,
) -> rt.Array:  # fmt: skip
    x, indices = rt.asarray(x), rt.asarray(indices)
    pool = make_pool(name, n, kernel_size, stride, padding, 1, False)
    if x.shape != indices.shape:
        raise ShapeError(
            f"[{name}] indices: expected the shape of x, {describe(x)}, got {describe(indices)}"
        )
    if not rt.isdtype(indices.dtype, "integral"):
        raise DTypeError(f"[{name}] indices: expected integers, got {describe(indices)}")

    last = check_format(name, data_format, n)
    check_input(name, x, n, last)
    if last:
        x, indices = channels_first(x, n), channels_first(indices, n)
    out = _placed(x, indices, n, _space(name, n, x.shape[x.ndim - n :], pool, output_size))
    return channels_last(out, n) if last else out


def _placed(x: Any, indices: Any, n: int, space: Ints) -> Any:
    """Planes of zeros with the elements of `x` at `indices`."""
    lead = x.shape[: x.ndim - n]
    flat = (math.prod(lead), math.prod(x.shape[x.ndim - n :]))
    planes = rt.zeros((flat[0], math.prod(space)), dtype=x.dtype, device=x.device)
    rows = rt.arange(flat[0], device=x.device)[:, None]
    planes = planes.at[rows, rt.reshape(indices, flat)].set(rt.reshape(x, flat))
    return rt.reshape(planes, (*lead, *space))


def _space(name: str, n: int, pooled: Ints, pool: Pool, output_size: Any) -> Ints:
    """The spatial axes that come out."""
    if output_size is not None:
        return per_axis(name, "output_size", output_size, n)
    return tuple([
        (length - 1) * s + k - 2 * p
        for length, k, s, p in zip(pooled, *pool[:3], strict=True)
    ])  # fmt: skip
