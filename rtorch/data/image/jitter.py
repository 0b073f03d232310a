"""Random colours: color_jitter and random_grayscale."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.data.image.batches import (
    column,
    floating,
    interval,
    numbers,
    probability,
    rounded,
    white,
)
from rtorch.data.image.colours import blend, coloured, luma, turned_hue
from rtorch.errors import api

__all__ = ["color_jitter", "random_grayscale"]

_HUE = 3  # the number of hue among the four; brightness, contrast and saturation are 0, 1 and 2


@api
def color_jitter(
    images: Any, key: Any, brightness: Any = 0.0, contrast: Any = 0.0, saturation: Any = 0.0,
    hue: Any = 0.0, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """Brightness, contrast, saturation and hue changed at random, in an order of each image's own.

    Args:
        images: uint8 or floating, of 1 or 3 channels, shape ``(n, channels, height, width)``, or
            one image.
        key: A key, or one for each image.
        brightness: The least and the largest factor, or a number b for 1 - b (0 at least) to
            1 + b. What is 0 is left out.
        contrast: Likewise.
        saturation: Likewise.
        hue: The least and the largest shift in turns, or a number h for -h to h; up to 1/2.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x = rt.ones((4, 3, 8, 8)) / 2
        >>> rt.data.image.color_jitter(x, rt.random.key(0), 0.4, 0.4, 0.4, 0.1).shape
        (4, 3, 8, 8)
    """
    batch = coloured("color_jitter", images, data_format)
    high = white("color_jitter", batch.x)
    given = (("brightness", brightness), ("contrast", contrast), ("saturation", saturation))
    limits = [_limits(what, value, 1.0) for what, value in given] + [_limits("hue", hue, 0.0)]
    blends = [i for i in range(_HUE) if limits[i] != (1.0, 1.0)]
    turns = limits[_HUE] != (0.0, 0.0)
    lows, highs = (rt.asarray(ends, rt.float32, device=batch.x.device) for ends in zip(*limits))

    def draw(key: rt.Array) -> Any:
        factor_key, order_key, hue_key = rt.random.split(key, 3)
        factors = lows + (highs - lows) * rt.random.uniform(factor_key, (4,), rt.float32)
        order = rt.random.permutation(order_key, rt.asarray(blends, rt.int64, device=key.device))
        return factors, order, rt.random.randint(hue_key, (), 0, len(blends) + 1)

    factors, order, place = batch.draws(key, draw)
    x = floating(batch.x)
    # All but hue are one formula with another base. Hue is the longest: instead of in each of four
    # steps it is done once, between those that come before it and those that come after.
    x = _blended(x, factors, order, numbers(len(blends), x) < place[:, None], high)
    if turns:
        x = turned_hue(x / high, column(factors[:, _HUE]).astype(x.dtype)) * high
    x = _blended(x, factors, order, numbers(len(blends), x) >= place[:, None], high)
    return batch.restored(rounded(x, batch.x.dtype))


@api
def random_grayscale(images: Any, key: Any, p: float = 0.1, data_format: str = "NCHW") -> rt.Array:
    """Each image without its colours with probability `p`; the channels stay.

    Args:
        images: Of 1 or 3 channels, shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        p: The probability.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> red = rt.asarray([[[1.0]], [[0.0]], [[0.0]]])
        >>> rt.data.image.random_grayscale(red, rt.random.key(0), p=1.0).ravel().round(3).tolist()
        [0.29899999499320984, 0.29899999499320984, 0.29899999499320984]
    """
    probability("random_grayscale", p)
    batch = coloured("random_grayscale", images, data_format)
    grey = rounded(luma(floating(batch.x)), batch.x.dtype)
    chosen = column(batch.draws(key, lambda k: rt.random.bernoulli(k, p)))
    return batch.restored(rt.where(chosen, grey, batch.x))


def _blended(
    x: rt.Array, factors: rt.Array, order: rt.Array, chosen: rt.Array, high: float
) -> rt.Array:
    """The chosen ones of the changes in `order`, shape ``(n, changes)``; the others by 1."""
    for step in range(order.shape[1]):
        kind = order[:, step]
        factor = rt.take_along_axis(factors, kind[:, None], axis=1)[:, 0]
        x = blend(x, kind, rt.where(chosen[:, step], factor, 1.0), high)
    return x


def _limits(what: str, value: Any, middle: float) -> tuple[float, float]:
    if isinstance(value, (int, float)):
        value = (middle - value, middle + value)
        value = (max(0.0, value[0]), value[1]) if middle else value
    low, high = (0.0, float("inf")) if middle else (-0.5, 0.5)
    return interval("color_jitter", what, value, low, high)
