"""Other sizes: resize for whole images, resized_crop and random_resized_crop for parts of them.

Resizing is separable: each axis is multiplied by a matrix whose rows are the weights of a filter.
For boxes of their own the images have matrices of their own, which come from the boxes by plain
arithmetic, so that a batch with a hundred different boxes is still two matrix products under `jit`.
"""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.data.image.batches import (
    Batch,
    batch_of,
    choice_of,
    floating,
    interval,
    numbers,
    pair,
    rounded,
)
from rtorch.errors import ArgumentError, api, describe

__all__ = ["random_resized_crop", "resize", "resized_crop"]

_MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
_BOX_MODES = ("nearest", "bilinear", "bicubic")
_ATTEMPTS = 10


@api
def resize(
    images: Any, size: Any, mode: str = "bilinear", antialias: bool = True,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """Images brought to another size.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        size: Height and width, or a number for the shorter side, which keeps the proportions.
        mode: Of `rt.nn.interpolate`: ``"nearest"``, ``"nearest-exact"`` (that of Pillow),
            ``"bilinear"``, ``"bicubic"``, ``"area"``.
        antialias: For bilinear and bicubic: whether what gets smaller is smoothed, as Pillow does.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        An array of that size and the dtype of `images`. Integers are computed in floating numbers
        and rounded. Bicubic overshoots; only integers are cut off at their limits.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[[0, 0, 100, 100]]], rt.uint8)
        >>> rt.data.image.resize(x, (1, 2)).tolist()
        [[[14, 86]]]
        >>> rt.data.image.resize(rt.ones((3, 20, 30)), 10).shape
        (3, 10, 15)
    """
    choice_of("resize", "mode", mode, _MODES)
    batch = batch_of("resize", images, data_format)
    target = _target(batch, size)
    smooth = mode in ("bilinear", "bicubic")
    x = batch.x if mode.startswith("nearest") else floating(batch.x)
    y = rt.nn.interpolate(x, target, mode=mode, antialias=bool(antialias and smooth))
    return batch.restored(y if y.dtype == batch.x.dtype else rounded(y, batch.x.dtype))


@api
def resized_crop(
    images: Any, top: Any, left: Any, height: Any, width: Any, size: Any,
    mode: str = "bilinear", antialias: bool = True, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A box of each image, brought to `size`: as `resize` of `crop`, in one step.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        top: The first row of the box: a whole number or one for each image; may be traced.
        left: The first column, likewise.
        height: How many rows, likewise.
        width: How many columns, likewise.
        size: Height and width of the result, or a number for both.
        mode: ``"nearest"``, ``"bilinear"`` or ``"bicubic"``.
        antialias: As of `resize`.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        An array of that size and the dtype of `images`, with derivatives by their values.

    Example:
        >>> import rtorch as rt
        >>> x = rt.arange(32.0).reshape(2, 1, 4, 4)
        >>> rt.data.image.resized_crop(x, [0, 2], [0, 2], 2, 2, 1)[:, 0].tolist()
        [[[2.5]], [[28.5]]]
    """
    choice_of("resized_crop", "mode", mode, _BOX_MODES)
    batch = batch_of("resized_crop", images, data_format)
    given = (("top", top), ("left", left), ("height", height), ("width", width))
    for what, value in given[2:]:
        if isinstance(value, int) and value < 1:
            raise ArgumentError(f"[resized_crop] {what}: expected 1 or more, got {value}")
    box = [batch.per_image(what, value, rt.float32) for what, value in given]
    return _resampled(batch, box, pair("resized_crop", "size", size), mode, antialias)


@api
def random_resized_crop(
    images: Any, key: Any, size: Any, scale: Any = (0.08, 1.0), ratio: Any = (3 / 4, 4 / 3),
    mode: str = "bilinear", antialias: bool = True, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A random box of each image, brought to `size`.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        size: Height and width of the result, or a number for both.
        scale: Least and largest share of the image's area.
        ratio: Least and largest proportion of width to height, drawn on a logarithmic scale. Of
            ten boxes the first that fits is taken, and the largest in the middle if none does.
        mode: ``"nearest"``, ``"bilinear"`` or ``"bicubic"``.
        antialias: As of `resize`.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x = rt.ones((8, 3, 40, 60))
        >>> rt.data.image.random_resized_crop(x, rt.random.key(0), 32).shape
        (8, 3, 32, 32)

    References:
        Szegedy et al. 2015, "Going deeper with convolutions", section 6.
    """
    name = "random_resized_crop"
    choice_of(name, "mode", mode, _BOX_MODES)
    batch = batch_of(name, images, data_format)
    h, w = batch.x.shape[2:]
    scale, ratio = interval(name, "scale", scale), interval(name, "ratio", ratio, 1e-6)
    box = batch.draws(key, lambda k: random_box(k, h, w, scale, ratio))
    return _resampled(batch, box, pair(name, "size", size), mode, antialias)


def random_box(
    key: rt.Array, h: int, w: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[rt.Array, ...]:
    """Top, left, height and width of a box inside an image, whole numbers in float32."""
    area_key, ratio_key, place_key = rt.random.split(key, 3)
    shares = rt.random.uniform(area_key, (_ATTEMPTS,), rt.float32, *scale)
    logs = rt.random.uniform(ratio_key, (_ATTEMPTS,), rt.float32, *map(math.log, ratio))
    heights = rt.round(rt.sqrt(shares * (h * w) / rt.exp(logs)))
    widths = rt.round(rt.sqrt(shares * (h * w) * rt.exp(logs)))
    fits = (heights >= 1) & (heights <= h) & (widths >= 1) & (widths <= w)
    first = rt.argmax(fits)
    usual = min(max(w / h, ratio[0]), ratio[1])
    height = rt.where(rt.any(fits), heights[first], float(max(1, round(min(h, w / usual)))))
    width = rt.where(rt.any(fits), widths[first], float(max(1, round(min(w, h * usual)))))
    u = rt.random.uniform(place_key, (2,), rt.float32)
    free = h - height, w - width
    centre = rt.floor(free[0] / 2), rt.floor(free[1] / 2)
    top = rt.where(rt.any(fits), rt.floor(u[0] * (free[0] + 1)), centre[0])
    left = rt.where(rt.any(fits), rt.floor(u[1] * (free[1] + 1)), centre[1])
    return top, left, height, width


def _target(batch: Batch, size: Any) -> tuple[int, int]:
    if isinstance(size, (tuple, list)):
        return pair("resize", "size", size)
    short, _ = pair("resize", "size", size)
    h, w = batch.x.shape[2:]
    if not min(h, w):
        raise ArgumentError(f"[resize] images: there are no pixels in {describe(batch.x)}")
    return (short, short * w // h) if h <= w else (short * h // w, short)


def _resampled(
    batch: Batch, box: Any, size: tuple[int, int], mode: str, antialias: bool
) -> rt.Array:
    (h, w), (top, left, height, width) = batch.x.shape[2:], box
    if mode == "nearest":
        rows = _nearest(top, height, size[0], h)[:, None, :, None]
        columns = _nearest(left, width, size[1], w)[:, None, None, :]
        n, channels = batch.x.shape[:2]
        planes = numbers(n * channels, batch.x).reshape(n, channels, 1, 1) * (h * w)
        y = rt.take(rt.reshape(batch.x, (-1,)), planes + rows * w + columns, axis=0)
        return batch.restored(y)
    x = floating(batch.x)
    make = _smoothing if antialias else _interpolating
    down = make(top, height, size[0], h, mode).astype(x.dtype)
    across = make(left, width, size[1], w, mode).astype(x.dtype)
    y = rt.matmul(rt.matmul(down[:, None], x), rt.swapaxes(across, 1, 2)[:, None])
    return batch.restored(rounded(y, batch.x.dtype))


def _nearest(start: rt.Array, length: rt.Array, m: int, n: int) -> rt.Array:
    """Indices of shape ``(images, m)``."""
    step = (length / m)[:, None]
    return rt.clip(start[:, None] + rt.floor(numbers(m, start) * step), 0, n - 1).astype(rt.int64)


def _smoothing(start: rt.Array, length: rt.Array, m: int, n: int, mode: str) -> rt.Array:
    """Matrices of shape ``(images, m, n)``: the filter, stretched to what becomes one pixel."""
    start, length = start[:, None, None], length[:, None, None]
    step = length / m
    centre = start + (numbers(m, start)[:, None] + 0.5) * step
    j = numbers(n, start)
    far = rt.abs(j + 0.5 - centre) / rt.maximum(step, 1.0)
    weights = _triangle(far) if mode == "bilinear" else _cubic(far, -0.5)
    weights = rt.where((j >= start) & (j < start + length), weights, 0.0)
    return weights / rt.sum(weights, axis=2, keepdims=True)


def _interpolating(start: rt.Array, length: rt.Array, m: int, n: int, mode: str) -> rt.Array:
    """Likewise, of two or four neighbours; beyond the box its border goes on."""
    start, length = start[:, None, None], length[:, None, None]
    place = start + (numbers(m, start)[:, None] + 0.5) * (length / m) - 0.5
    low = rt.floor(place)
    matrix: Any = 0.0
    for i in (0, 1) if mode == "bilinear" else (-1, 0, 1, 2):
        far = rt.abs(place - low - i)
        weight = _triangle(far) if mode == "bilinear" else _cubic(far, -0.75)
        tap = rt.clip(low + i, start, start + length - 1)
        matrix = matrix + rt.where(numbers(n, start) == tap, weight, 0.0)
    out: rt.Array = matrix
    return out


def _triangle(t: rt.Array) -> rt.Array:
    return rt.maximum(1.0 - t, 0.0)


def _cubic(t: rt.Array, a: float) -> rt.Array:
    """Keys 1981, "Cubic convolution interpolation for digital image processing"."""
    near = ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0
    far = ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a
    return rt.where(t < 1, near, rt.where(t < 2, far, 0.0))
