"""Dtypes, units and axes of pixels."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.data.image.batches import batch_of, floating
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe

__all__ = [
    "channel_statistics",
    "channels_first",
    "channels_last",
    "denormalize",
    "normalize",
    "to_float",
    "to_uint8",
]


@api
def channels_first(images: Any) -> rt.Array:
    """``(..., height, width, channels)``, as files and datasets have it, with the channels first.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.channels_first(rt.ones((8, 32, 40, 3))).shape
        (8, 3, 32, 40)
    """
    return _turned("channels_first", images, -1, -3)


@api
def channels_last(images: Any) -> rt.Array:
    """``(..., channels, height, width)`` with the channels last, to show or to save images.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.channels_last(rt.ones((3, 32, 40))).shape
        (32, 40, 3)
    """
    return _turned("channels_last", images, -3, -1)


@api
def to_float(images: Any, dtype: Any = None) -> rt.Array:
    """Images of 0 to 255 as numbers from 0 to 1.

    Args:
        images: Any shape; integers are divided by the largest of their dtype, floating numbers
            stay as they are.
        dtype: Of the result; `rt.default_dtype()` if None.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.to_float(rt.asarray([0, 51, 255], rt.uint8))
        Array([0. , 0.2, 1. ], dtype=float32)
    """
    x = rt.asarray(images)
    dtype = rt.default_dtype() if dtype is None else dtype
    if not rt.isdtype(dtype, "real floating"):
        raise DTypeError(f"[to_float] dtype: expected a floating dtype, got {describe(dtype)}")
    if not rt.isdtype(x.dtype, "integral"):
        return x.astype(dtype)
    return x.astype(dtype) / float(rt.iinfo(x.dtype).max)


@api
def to_uint8(images: Any) -> rt.Array:
    """Numbers from 0 to 1 as 0 to 255, rounded; what lies outside is cut off.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.to_uint8(rt.asarray([-0.5, 0.2, 1.0, 7.0]))
        Array([  0,  51, 255, 255], dtype=uint8)
    """
    x = rt.asarray(images)
    if x.dtype == rt.uint8:
        return x
    if not rt.isdtype(x.dtype, "real floating"):
        raise DTypeError(f"[to_uint8] images: expected a floating dtype, got {describe(x)}")
    return rt.round(rt.clip(floating(x), 0.0, 1.0) * 255.0).astype(rt.uint8)


@api
def normalize(images: Any, mean: Any, std: Any, data_format: str = "NCHW") -> rt.Array:
    """``(images - mean) / std`` for each channel.

    Args:
        images: Shape ``(n, channels, height, width)`` or one image, of a floating dtype.
        mean: A number, or one for each channel.
        std: Likewise.
        data_format: ``"NHWC"`` if the channels come last.

    Raises:
        DTypeError: for images of integers.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.normalize(rt.ones((1, 1, 2)), 0.5, 0.25)
        Array([[[2., 2.]]], dtype=float32)
    """
    x, mean, std = _operands("normalize", images, mean, std, data_format)
    return (x - mean) / std


@api
def denormalize(images: Any, mean: Any, std: Any, data_format: str = "NCHW") -> rt.Array:
    """``images * std + mean``: what `normalize` did, undone.

    Args:
        images: As of `normalize`.
        mean: Likewise.
        std: Likewise.
        data_format: Likewise.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.denormalize(rt.ones((1, 1, 2)) * 2, 0.5, 0.25)
        Array([[[1., 1.]]], dtype=float32)
    """
    x, mean, std = _operands("denormalize", images, mean, std, data_format)
    return x * std + mean


@api
def channel_statistics(images: Any, data_format: str = "NCHW") -> tuple[rt.Array, rt.Array]:
    """Mean and standard deviation of each channel, for `normalize`.

    Args:
        images: Shape ``(n, channels, height, width)`` or one image; integers count as `to_float`
            makes them.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        Two arrays of shape ``(channels,)``, of `rt.default_dtype()` or the dtype of the images.

    Example:
        >>> import rtorch as rt
        >>> mean, std = rt.data.image.channel_statistics(rt.asarray([[[0, 255]]], rt.uint8))
        >>> mean, std
        (Array([0.5], dtype=float32), Array([0.5], dtype=float32))
    """
    x = batch_of("channel_statistics", images, data_format).x
    x = floating(x) if rt.isdtype(x.dtype, "real floating") else to_float(x)
    return rt.mean(x, axis=(0, 2, 3)), rt.std(x, axis=(0, 2, 3))


def _turned(name: str, images: Any, source: int, target: int) -> rt.Array:
    x = rt.asarray(images)
    if x.ndim < 3:
        raise ShapeError(f"[{name}] images: expected three axes or more, got {describe(x)}")
    return rt.moveaxis(x, source, target)


def _operands(
    name: str, images: Any, mean: Any, std: Any, data_format: str
) -> tuple[rt.Array, rt.Array, rt.Array]:
    x = rt.asarray(images)
    batch_of(name, x, data_format)
    if not rt.isdtype(x.dtype, "real floating"):
        raise DTypeError(
            f"[{name}] images: expected a floating dtype, got {describe(x)}; "
            "rt.data.image.to_float makes one of it"
        )
    axis = -1 if data_format == "NHWC" else -3
    mean, std = (
        _values(name, what, value, x, axis) for what, value in (("mean", mean), ("std", std))
    )
    return x, mean, std


def _values(name: str, what: str, value: Any, x: rt.Array, axis: int) -> rt.Array:
    try:
        value = rt.asarray(value, x.dtype, device=x.device)
    except (TypeError, ValueError):
        raise ArgumentError(f"[{name}] {what}: expected numbers, got {describe(value)}") from None
    if value.shape not in ((), (1,), (x.shape[axis],)):
        raise ShapeError(
            f"[{name}] {what}: expected a number or one for each of the {x.shape[axis]} "
            f"channels, got {describe(value)}"
        )
    return rt.reshape(value, (-1,) + (1,) * (-1 - axis))
