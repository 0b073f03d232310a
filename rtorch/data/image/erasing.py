"""Holes: random_erasing and cutout."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.data.image.batches import (
    Batch,
    batch_of,
    column,
    interval,
    numbers,
    pair,
    probability,
)
from rtorch.data.image.resizing import random_box
from rtorch.errors import api

__all__ = ["cutout", "random_erasing"]


@api
def random_erasing(
    images: Any, key: Any, p: float = 0.5, scale: Any = (0.02, 0.33), ratio: Any = (0.3, 3.3),
    value: float = 0.0, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A random box of each image filled with `value`, with probability `p`.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        p: The probability.
        scale: Least and largest share of the image's area.
        ratio: Least and largest proportion of width to height, drawn on a logarithmic scale.
        value: What the box is filled with.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x = rt.ones((4, 3, 8, 8))
        >>> y = rt.data.image.random_erasing(x, rt.random.key(0), p=1.0)
        >>> (y.min(axis=(1, 2, 3)) == 0).tolist()
        [True, True, True, True]

    References:
        Zhong et al. 2017 (arXiv:1708.04896).
    """
    name = "random_erasing"
    probability(name, p)
    batch = batch_of(name, images, data_format)
    h, w = batch.x.shape[2:]
    scale, ratio = interval(name, "scale", scale), interval(name, "ratio", ratio, 1e-6)

    def draw(key: rt.Array) -> Any:
        box_key, p_key = rt.random.split(key)
        return random_box(box_key, h, w, scale, ratio), rt.random.bernoulli(p_key, p)

    (top, left, height, width), chosen = batch.draws(key, draw)
    hole = boxes(batch, top, left, height, width) & column(chosen)
    return batch.restored(filled(batch, hole, value))


@api
def cutout(
    images: Any, key: Any, size: Any, value: float = 0.0, data_format: str = "NCHW"
) -> rt.Array:
    """A box of `size` around a random pixel of each image filled with `value`.

    At the border the box is cut off.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        size: Height and width of the box, or a number for both.
        value: What it is filled with.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> int(rt.data.image.cutout(rt.ones((1, 8, 8)), rt.random.key(0), 4).sum())
        56

    References:
        DeVries and Taylor 2017 (arXiv:1708.04552).
    """
    batch = batch_of("cutout", images, data_format)
    height, width = pair("cutout", "size", size)
    limits = rt.asarray(batch.x.shape[2:], device=batch.x.device)
    middle = batch.draws(key, lambda k: rt.random.randint(k, (2,), 0, limits))
    hole = boxes(batch, middle[:, 0] - height // 2, middle[:, 1] - width // 2, height, width)
    return batch.restored(filled(batch, hole, value))


def boxes(batch: Batch, top: Any, left: Any, height: Any, width: Any) -> rt.Array:
    """True inside the box of each image, shape ``(n, 1, height, width)``."""
    h, w = batch.x.shape[2:]
    rows, columns = numbers(h, top), numbers(w, top)
    down = (rows >= top[:, None]) & (rows < (top + height)[:, None])
    across = (columns >= left[:, None]) & (columns < (left + width)[:, None])
    return (down[:, :, None] & across[:, None, :])[:, None]


def filled(batch: Batch, hole: rt.Array, value: float) -> rt.Array:
    """The images with `value` where `hole` is True."""
    return rt.where(hole, rt.asarray(value, device=batch.x.device).astype(batch.x.dtype), batch.x)
