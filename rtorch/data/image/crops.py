"""Parts of images: crop, center_crop, random_crop."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.data.image.batches import Batch, batch_of, choice_of, numbers, pair
from rtorch.errors import ArgumentError, OutOfBoundsError, ShapeError, api, describe

__all__ = ["center_crop", "crop", "random_crop"]

_PADDINGS = ("constant", "edge", "reflect", "symmetric")


@api
def crop(
    images: Any, top: Any, left: Any, height: int, width: int, data_format: str = "NCHW"
) -> rt.Array:
    """The part of `height` by `width` pixels whose first one is at (`top`, `left`).

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        top: A row, or one for each image; may be traced.
        left: A column, likewise.
        height: Of the result.
        width: Of the result.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        An array of that size. Places that are known only later (arrays) are moved so that the
        part lies inside, as `rt.dynamic_slice` does.

    Raises:
        OutOfBoundsError: if the part is not inside.

    Example:
        >>> import rtorch as rt
        >>> x = rt.arange(24).reshape(2, 1, 3, 4)
        >>> rt.data.image.crop(x, [0, 1], 2, 2, 2)[:, 0].tolist()
        [[[2, 3], [6, 7]], [[18, 19], [22, 23]]]
    """
    batch = batch_of("crop", images, data_format)
    height, width = _size(batch, (height, width), "height, width")
    if isinstance(top, int) and isinstance(left, int):
        h, w = batch.x.shape[2:]
        if not (0 <= top <= h - height and 0 <= left <= w - width):
            raise OutOfBoundsError(
                f"[crop] {height} x {width} pixels at top={top}, left={left} are not inside "
                f"images of {h} x {w}"
            )
        return batch.restored(batch.x[:, :, top : top + height, left : left + width])
    tops, lefts = (
        _whole(batch, what, value) for what, value in (("top", top), ("left", left))
    )  # fmt: skip
    return batch.restored(cut(batch.x, tops, lefts, height, width))


@api
def center_crop(images: Any, size: Any, data_format: str = "NCHW") -> rt.Array:
    """The middle of images.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        size: Height and width, or a number for both; at most those of the images.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.center_crop(rt.arange(16).reshape(1, 4, 4), 2).tolist()
        [[[5, 6], [9, 10]]]
    """
    batch = batch_of("center_crop", images, data_format)
    height, width = _size(batch, size, "size")
    # Halves go to the even number, as torchvision has them.
    top, left = (round((n - m) / 2) for n, m in zip(batch.x.shape[2:], (height, width)))
    return batch.restored(batch.x[:, :, top : top + height, left : left + width])


@api
def random_crop(
    images: Any, key: Any, size: Any, padding: Any = 0, fill: float = 0,
    padding_mode: str = "constant", data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """A part of each image, from a place of its own.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        size: Height and width of the part, or a number for both.
        padding: Pixels that are put around the images before: a number, two (above and below,
            left and right), or four (left, top, right, bottom).
        fill: Their value.
        padding_mode: ``"constant"``, or what `rt.pad` calls ``"edge"``, ``"reflect"`` and
            ``"symmetric"``.
        data_format: ``"NHWC"`` if the channels come last.

    Raises:
        ShapeError: if the part is larger than the images with their padding.

    Example:
        >>> import rtorch as rt
        >>> x = rt.ones((8, 3, 32, 32))
        >>> rt.data.image.random_crop(x, rt.random.key(0), 32, padding=4).shape
        (8, 3, 32, 32)
    """
    batch = batch_of("random_crop", images, data_format)
    choice_of("random_crop", "padding_mode", padding_mode, _PADDINGS)
    batch = batch._replace(x=_padded(batch, padding, fill, padding_mode))
    height, width = _size(batch, size, "size")
    free = [n - m + 1 for n, m in zip(batch.x.shape[2:], (height, width))]
    limits = rt.asarray(free, device=batch.x.device)
    places = batch.draws(key, lambda k: rt.random.randint(k, (2,), 0, limits))
    return batch.restored(cut(batch.x, places[:, 0], places[:, 1], height, width))


def cut(x: rt.Array, tops: rt.Array, lefts: rt.Array, height: int, width: int) -> rt.Array:
    """Another part of each image, by one gather: several times as fast as slice by slice."""
    n, channels, h, w = x.shape
    rows = rt.clip(tops, 0, h - height)[:, None] + numbers(height, x)
    columns = rt.clip(lefts, 0, w - width)[:, None] + numbers(width, x)
    planes = numbers(n * channels, x).reshape(n, channels, 1) * h + rows[:, None]
    return rt.take(rt.reshape(x, (-1,)), planes[..., None] * w + columns[:, None, None], axis=0)


def _whole(batch: Batch, what: str, value: Any) -> rt.Array:
    numbers = batch.per_image(what, value)
    if not rt.isdtype(numbers.dtype, "integral"):
        raise ArgumentError(f"[crop] {what}: expected whole numbers, got {describe(value)}")
    return numbers


def _size(batch: Batch, size: Any, what: str) -> tuple[int, int]:
    height, width = pair(batch.name, what, size)
    h, w = batch.x.shape[2:]
    if height > h or width > w:
        raise ShapeError(
            f"[{batch.name}] {what}: {height} x {width} pixels do not fit into images of {h} x {w}"
        )
    return height, width


def _padded(batch: Batch, padding: Any, fill: float, mode: str) -> rt.Array:
    if isinstance(padding, (tuple, list)) and len(padding) == 4:
        (left, top), (right, bottom) = (
            pair(batch.name, "padding", tuple(half), 0) for half in (padding[:2], padding[2:])
        )
    else:
        top, left = bottom, right = pair(batch.name, "padding", padding, 0)
    if not any((top, left, bottom, right)):
        return batch.x
    options = {"constant_values": fill} if mode == "constant" else {}
    return rt.pad(batch.x, ((0, 0), (0, 0), (top, bottom), (left, right)), mode, **options)
