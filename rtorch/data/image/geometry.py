"""Images turned, moved, stretched and sheared: affine, rotate and their random forms."""

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
    rounded,
)
from rtorch.errors import ArgumentError, api, describe

__all__ = ["affine", "random_affine", "random_rotation", "rotate"]

_MODES = ("nearest", "bilinear", "bicubic")
_TIE = 1e-9  # of a pixel


@api
def affine(
    images: Any, angle: Any = 0.0, translate: Any = (0.0, 0.0), scale: Any = 1.0,
    shear: Any = (0.0, 0.0), mode: str = "bilinear", fill: float = 0.0, center: Any = None,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """Images sheared, scaled, turned and then moved, in this order.

    All numbers may be arrays with one for each image, and traced ones, with derivatives for the
    smooth modes.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        angle: Degrees, counterclockwise.
        translate: Pixels to the right and down.
        scale: How many times as large.
        shear: Degrees along x and along y.
        mode: ``"bilinear"``, ``"nearest"`` or ``"bicubic"``.
        fill: What is beyond the images.
        center: The point (x, y) in pixels that stays, from the upper left corner; the middle if
            None.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        An array with the shape and dtype of `images`.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[[1.0, 2.0, 3.0]]])
        >>> rt.data.image.affine(x, translate=(1.0, 0.0)).tolist()
        [[[0.0, 1.0, 2.0]]]
    """
    choice_of("affine", "mode", mode, _MODES)
    batch = batch_of("affine", images, data_format)
    given = [
        ("angle", angle), ("translate", _two("affine", "translate", translate, 0)),
        ("translate", _two("affine", "translate", translate, 1)), ("scale", scale),
        ("shear", _two("affine", "shear", shear, 0)), ("shear", _two("affine", "shear", shear, 1)),
    ]  # fmt: skip
    values = [batch.per_image(what, v, rt.float64) for what, v in given]
    return batch.restored(moved(batch, inverse(*values), mode, fill, center))


@api
def rotate(
    images: Any, angle: Any, mode: str = "nearest", fill: float = 0.0, center: Any = None,
    data_format: str = "NCHW", *, expand: bool = False,
) -> rt.Array:  # fmt: skip
    """Images turned about their middle; the size stays, and what leaves it is lost.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        angle: Degrees, counterclockwise: a number or one for each image.
        mode: ``"nearest"``, ``"bilinear"`` or ``"bicubic"``.
        fill: What is beyond the images.
        center: As of `affine`.
        data_format: ``"NHWC"`` if the channels come last.
        expand: Whether the result is as large as it takes for nothing to be lost. The angle is a
            number then, the same for all images, and there is no `center`.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.rotate(rt.asarray([[[1, 2], [3, 4]]], rt.uint8), 90).tolist()
        [[[2, 4], [1, 3]]]
    """
    choice_of("rotate", "mode", mode, _MODES)
    batch = batch_of("rotate", images, data_format)
    angles = batch.per_image("angle", angle, rt.float64)
    size = _room(batch.x.shape[2], batch.x.shape[3], angle, center) if expand else None
    return batch.restored(moved(batch, inverse(angles), mode, fill, center, size))


def _room(h: int, w: int, angle: Any, center: Any) -> tuple[int, int]:
    """Height and width that hold the whole turned image, as Pillow has them."""
    if not isinstance(angle, (int, float)):
        raise ArgumentError(f"[rotate] angle: expand=True takes one number, got {describe(angle)}")
    if center is not None:
        raise ArgumentError("[rotate] center: with expand=True the middle is where it was; leave "
                            "out one of the two")  # fmt: skip
    if angle % 180 == 90:
        return w, h
    cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    return _whole(h, w * sin + h * cos), _whole(w, w * cos + h * sin)


def _whole(before: int, after: float) -> int:
    """Pixels that a side of the length `after` touches, with its middle where it was before."""
    low, high = (before - after) / 2, (before + after) / 2
    return math.ceil(high - _TIE) - math.floor(low + _TIE)


@api
def random_rotation(
    images: Any, key: Any, degrees: Any, mode: str = "nearest", fill: float = 0.0,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """`rotate` by an angle of each image's own.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        degrees: The least and the largest angle, or a number d for -d to d.
        mode: As of `rotate`.
        fill: Likewise.
        data_format: Likewise.

    Example:
        >>> import rtorch as rt
        >>> rt.data.image.random_rotation(rt.ones((3, 8, 8)), rt.random.key(0), 15).shape
        (3, 8, 8)
    """
    choice_of("random_rotation", "mode", mode, _MODES)
    batch = batch_of("random_rotation", images, data_format)
    low, high = _about_zero("random_rotation", "degrees", degrees)
    angles = batch.draws(key, lambda k: rt.random.uniform(k, (), rt.float64, low, high))
    return batch.restored(moved(batch, inverse(angles), mode, fill, None))


@api
def random_affine(
    images: Any, key: Any, degrees: Any = 0.0, translate: Any = (0.0, 0.0),
    scale: Any = (1.0, 1.0), shear: Any = 0.0, mode: str = "nearest", fill: float = 0.0,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """`affine` with numbers of each image's own.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        key: A key, or one for each image.
        degrees: The least and the largest angle, or a number d for -d to d.
        translate: The largest moves as shares of width and height.
        scale: The least and the largest scale.
        shear: The least and the largest shear along x in degrees, or a number as for `degrees`.
        mode: As of `affine`.
        fill: Likewise.
        data_format: Likewise.

    Example:
        >>> import rtorch as rt
        >>> x = rt.ones((4, 3, 8, 8))
        >>> rt.data.image.random_affine(x, rt.random.key(0), 10, (0.1, 0.1), (0.9, 1.1)).shape
        (4, 3, 8, 8)
    """
    name = "random_affine"
    choice_of(name, "mode", mode, _MODES)
    batch = batch_of(name, images, data_format)
    h, w = batch.x.shape[2:]
    right, down = (_share(translate, i) * n for i, n in ((0, w), (1, h)))
    angles, shears = _about_zero(name, "degrees", degrees), _about_zero(name, "shear", shear)
    scales = interval(name, "scale", scale, 1e-6)
    limits = (angles, (-right, right), (-down, down), scales, shears)
    lows, highs = (rt.asarray(ends, rt.float64, device=batch.x.device) for ends in zip(*limits))
    u = batch.draws(key, lambda k: rt.random.uniform(k, (5,), rt.float64))
    angle, x, y, size, lean = rt.moveaxis(lows + (highs - lows) * u, 1, 0)
    maps = inverse(angle, rt.round(x), rt.round(y), size, lean)
    return batch.restored(moved(batch, maps, mode, fill, None))


def inverse(
    angle: rt.Array, right: Any = 0.0, down: Any = 0.0, scale: Any = 1.0,
    shear_x: Any = 0.0, shear_y: Any = 0.0,
) -> rt.Array:  # fmt: skip
    """Where pixels of the result come from: maps ``(n, 2, 3)`` of pixels from the middle.

    The map is R(angle) S(scale) Y(shear_y) X(shear_x) with y downwards, then the move; its inverse
    is written out.
    """
    turn = rt.deg2rad(angle)
    tan_x, tan_y = (rt.tan(rt.deg2rad(s + 0.0 * angle)) for s in (shear_x, shear_y))
    cos, sin = rt.cos(turn) / scale, rt.sin(turn) / scale
    # X(-shear_x) Y(-shear_y) R(-angle) / scale
    c, d = sin - tan_y * cos, cos + tan_y * sin
    a, b = cos - tan_x * c, -sin - tan_x * d
    rows = [(a, b, -(a * right + b * down)), (c, d, -(c * right + d * down))]
    columns = [rt.stack(rt.broadcast_arrays(*row), axis=-1) for row in rows]
    return rt.stack(columns, axis=1)


def moved(
    batch: Batch, maps: rt.Array, mode: str, fill: float, center: Any,
    size: tuple[int, int] | None = None,
) -> rt.Array:  # fmt: skip
    """The images, read where `maps` say; with a new size about the same middle."""
    x = floating(batch.x)
    h, w = x.shape[2:]
    cx, cy = (w / 2, h / 2) if center is None else (float(center[0]), float(center[1]))
    rows, columns = size or (h, w)
    right = numbers(columns, x, rt.float64) + (0.5 - cx + (w - columns) / 2)
    down = numbers(rows, x, rt.float64)[:, None] + (0.5 - cy + (h - rows) / 2)
    m = maps[:, :, :, None, None]
    from_x = m[:, 0, 0] * right + m[:, 0, 1] * down + m[:, 0, 2] + cx
    from_y = m[:, 1, 0] * right + m[:, 1, 1] * down + m[:, 1, 2] + cy
    if mode == "nearest":
        # A place between two pixels is to fall on one side, however sine and cosine are rounded.
        return _read(batch.x, rt.floor(from_x + _TIE), rt.floor(from_y + _TIE), fill)
    grid = rt.stack([from_x * (2 / w) - 1, from_y * (2 / h) - 1], axis=-1).astype(x.dtype)
    y = rt.nn.grid_sample(x - fill, grid, mode=mode) + fill
    return rounded(y, batch.x.dtype)


def _read(x: rt.Array, columns: rt.Array, rows: rt.Array, fill: float) -> rt.Array:
    """The pixels at these places, exact in any dtype."""
    n, channels, h, w = x.shape
    inside = (columns >= 0) & (columns < w) & (rows >= 0) & (rows < h)
    places = rt.where(inside, rows * w + columns, 0).astype(rt.int64)
    planes = numbers(n * channels, x).reshape(n, channels, 1, 1) * (h * w)
    values = rt.take(rt.reshape(x, (-1,)), planes + places[:, None], axis=0)
    return rt.where(inside[:, None], values, rt.asarray(fill, device=x.device).astype(x.dtype))


def _two(name: str, what: str, value: Any, i: int) -> Any:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ArgumentError(
            f"[{name}] {what}: expected two numbers or arrays, along x and y, got {describe(value)}"
        )
    return value[i]


def _share(value: Any, i: int) -> float:
    share = _two("random_affine", "translate", value, i)
    return interval("random_affine", "translate", (0.0, share), 0.0, 1.0)[1]


def _about_zero(name: str, what: str, value: Any) -> tuple[float, float]:
    if isinstance(value, (int, float)):
        value = (-abs(value), abs(value))
    return interval(name, what, value, -math.inf)
