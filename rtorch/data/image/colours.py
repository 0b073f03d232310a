"""Colours: brightness, contrast, saturation, hue, grey.

uint8 images have values of 0 to 255 and floating ones of 0 to 1; what leaves that range is cut off.
Colours are three channels: red, green, blue.
"""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.data.image.batches import Batch, batch_of, column, floating, rounded, white
from rtorch.errors import ArgumentError, ShapeError, api, describe

__all__ = [
    "adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation", "grayscale",
]  # fmt: skip

# Luma of ITU-R BT.601, as Pillow has it.
_LUMA = (0.299, 0.587, 0.114)


@api
def adjust_brightness(images: Any, factor: Any, data_format: str = "NCHW") -> rt.Array:
    """Images times `factor`: 0 is black, 1 leaves them as they are.

    Args:
        images: uint8 or floating, shape ``(n, channels, height, width)``, or one image.
        factor: A number or one for each image.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.adjust_brightness(rt.asarray([[[10, 200]]], rt.uint8), 1.5).tolist()
        [[[15, 255]]]
    """
    return _blended("adjust_brightness", images, factor, data_format, 0)


@api
def adjust_contrast(images: Any, factor: Any, data_format: str = "NCHW") -> rt.Array:
    """The difference from the mean grey of each image, times `factor`.

    Args:
        images: uint8 or floating, of 1 or 3 channels, shape as of `adjust_brightness`.
        factor: A number or one for each image.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.adjust_contrast(rt.asarray([[[100, 200]]], rt.uint8), 0.5).tolist()
        [[[125, 175]]]
    """
    return _blended("adjust_contrast", images, factor, data_format, 1)


@api
def adjust_saturation(images: Any, factor: Any, data_format: str = "NCHW") -> rt.Array:
    """The difference from the grey of each pixel, times `factor`: 0 gives a grey image.

    Args:
        images: uint8 or floating, of 1 or 3 channels, shape as of `adjust_brightness`.
        factor: A number or one for each image.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> red = rt.asarray([[[255]], [[0]], [[0]]], rt.uint8)
        >>> rt.data.image.adjust_saturation(red, 0.5).ravel().tolist()
        [166, 38, 38]
    """
    return _blended("adjust_saturation", images, factor, data_format, 2)


@api
def adjust_hue(images: Any, shift: Any, data_format: str = "NCHW") -> rt.Array:
    """Hues moved round the circle of colours.

    Args:
        images: uint8 or floating, of 3 channels (of 1: nothing happens), shape as of
            `adjust_brightness`.
        shift: Turns: 1/3 makes green of red; a number or one for each image.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> red = rt.asarray([[[255]], [[0]], [[0]]], rt.uint8)
        >>> rt.data.image.adjust_hue(red, 1 / 3).ravel().tolist()
        [0, 255, 0]

    References:
        Smith 1978, "Color gamut transform pairs".
    """
    batch = coloured("adjust_hue", images, data_format)
    high = white("adjust_hue", batch.x)
    x = floating(batch.x)
    shifts = batch.per_image("shift", shift, x.dtype)
    turned = turned_hue(x / high, column(shifts)) * high
    return batch.restored(rounded(turned, batch.x.dtype))


@api
def grayscale(images: Any, channels: int = 1, data_format: str = "NCHW") -> rt.Array:
    """Red, green and blue as one grey: 0.299, 0.587 and 0.114 of them.

    Args:
        images: Of 1 or 3 channels, shape as of `adjust_brightness`.
        channels: 1, or 3 equal ones.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.grayscale(rt.ones((2, 3, 4, 5))).shape
        (2, 1, 4, 5)
    """
    if channels not in (1, 3):
        raise ArgumentError(f"[grayscale] channels: expected 1 or 3, got {channels!r}")
    batch = coloured("grayscale", images, data_format)
    grey = rounded(luma(floating(batch.x)), batch.x.dtype)
    shape = (*grey.shape[:1], channels, *grey.shape[2:])
    return batch.restored(rt.broadcast_to(grey, shape))


def coloured(name: str, images: Any, data_format: str) -> Batch:
    """A batch of grey or coloured images."""
    batch = batch_of(name, images, data_format)
    if batch.x.shape[1] not in (1, 3):
        raise ShapeError(
            f"[{name}] images: expected 1 or 3 channels in {data_format}, "
            f"got {batch.x.shape[1]} in {describe(images)}"
        )
    return batch


def blend(x: rt.Array, kind: Any, factor: rt.Array, high: float) -> rt.Array:
    """Away from black (kind 0), the mean grey (1), or each pixel's grey (2): by `factor`.

    `kind` may be an array with one number for each image.
    """
    if isinstance(kind, int):
        base: Any = 0.0 if kind == 0 else luma(x)
        base = rt.mean(base, axis=(1, 2, 3), keepdims=True) if kind == 1 else base
    else:
        grey = luma(x)
        mean = rt.mean(grey, axis=(1, 2, 3), keepdims=True)
        base = rt.where(column(kind == 0), 0.0, rt.where(column(kind == 1), mean, grey))
    return rt.clip(base + column(factor).astype(x.dtype) * (x - base), 0.0, high)


def luma(x: rt.Array) -> rt.Array:
    """The grey of each pixel, one channel."""
    if x.shape[1] == 1:
        return x
    red, green, blue = _LUMA
    return red * x[:, :1] + green * x[:, 1:2] + blue * x[:, 2:]


def turned_hue(x: rt.Array, shift: rt.Array) -> rt.Array:
    """Colours of 0 to 1 with their hues moved; value and chroma stay."""
    if x.shape[1] == 1:
        return x
    red, green, blue = x[:, 0], x[:, 1], x[:, 2]
    value = rt.max(x, axis=1)
    chroma = value - rt.min(x, axis=1)
    divisor = rt.where(chroma > 0, chroma, 1.0)
    sector = rt.where(
        value == red,
        (green - blue) / divisor,
        rt.where(value == green, (blue - red) / divisor + 2.0, (red - green) / divisor + 4.0),
    )
    hue = (sector / 6.0 + shift[:, 0]) * 6.0
    channels = []
    for start in (5.0, 3.0, 1.0):
        k = rt.mod(start + hue, 6.0)
        channels.append(value - chroma * rt.clip(rt.minimum(k, 4.0 - k), 0.0, 1.0))
    return rt.stack(channels, axis=1)


def _blended(name: str, images: Any, factor: Any, data_format: str, kind: int) -> rt.Array:
    batch = coloured(name, images, data_format) if kind else batch_of(name, images, data_format)
    high = white(name, batch.x)
    x = floating(batch.x)
    factors = batch.per_image("factor", factor, x.dtype)
    return batch.restored(rounded(blend(x, kind, factors, high), batch.x.dtype))
