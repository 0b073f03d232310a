"""Flips: always, or of some images."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.data.image.batches import batch_of, column, probability
from rtorch.errors import api

__all__ = ["horizontal_flip", "random_horizontal_flip", "random_vertical_flip", "vertical_flip"]


@api
def horizontal_flip(images: Any, data_format: str = "NCHW") -> rt.Array:
    """Left and right exchanged.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.horizontal_flip(rt.asarray([[[1, 2, 3]]])).tolist()
        [[[3, 2, 1]]]
    """
    batch = batch_of("horizontal_flip", images, data_format)
    return batch.restored(rt.flip(batch.x, axis=3))


@api
def vertical_flip(images: Any, data_format: str = "NCHW") -> rt.Array:
    """Top and bottom exchanged.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.vertical_flip(rt.asarray([[[1], [2]]])).tolist()
        [[[2], [1]]]
    """
    batch = batch_of("vertical_flip", images, data_format)
    return batch.restored(rt.flip(batch.x, axis=2))


@api
def random_horizontal_flip(
    images: Any, key: Any, p: float = 0.5, data_format: str = "NCHW"
) -> rt.Array:
    """`horizontal_flip` of each image with probability `p`.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        p: The probability.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> images = rt.asarray([[[[1, 2]]]] * 4)
        >>> rt.data.image.random_horizontal_flip(images, rt.random.key(2))[:, 0, 0].tolist()
        [[1, 2], [1, 2], [1, 2], [2, 1]]
    """
    return _random("random_horizontal_flip", images, key, p, data_format, 3)


@api
def random_vertical_flip(
    images: Any, key: Any, p: float = 0.5, data_format: str = "NCHW"
) -> rt.Array:
    """`vertical_flip` of each image with probability `p`.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        p: The probability.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[[1], [2]]])
        >>> rt.data.image.random_vertical_flip(x, rt.random.key(0), p=1.0).tolist()
        [[[2], [1]]]
    """
    return _random("random_vertical_flip", images, key, p, data_format, 2)


def _random(name: str, images: Any, key: Any, p: float, data_format: str, axis: int) -> rt.Array:
    probability(name, p)
    batch = batch_of(name, images, data_format)
    flipped = column(batch.draws(key, lambda k: rt.random.bernoulli(k, p)))
    return batch.restored(rt.where(flipped, rt.flip(batch.x, axis=axis), batch.x))
