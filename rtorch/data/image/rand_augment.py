"""rand_augment: a few random changes of each image from one list, all of one strength."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rtorch as rt
from rtorch.data.image.batches import Batch, column, floating, rounded, white
from rtorch.data.image.colours import blend, coloured
from rtorch.data.image.geometry import inverse, moved
from rtorch.errors import ArgumentError, api, describe

__all__ = ["rand_augment"]

_CHANGES = (
    "identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate",
    "brightness", "contrast", "saturation", "posterize", "solarize", "autocontrast",
)  # fmt: skip
_BLENDS = ("brightness", "contrast", "saturation")
_LARGEST = 30


@api
def rand_augment(
    images: Any, key: Any, num_ops: int = 2, magnitude: float = 9, fill: float = 0.0,
    data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """`num_ops` changes of each image, one after the other, each drawn anew.

    They are: none, shear and move along x or y, rotation, brightness, contrast, saturation,
    fewer bits (posterize), bright pixels inverted (solarize), and contrast stretched to the full
    range. Half of them go the other way where there is one. The list of the paper without
    sharpness and equalized histograms.

    Args:
        images: uint8 or floating, of 1 or 3 channels, shape ``(n, channels, height, width)``, or
            one image.
        key: A key, or one for each image.
        num_ops: How many changes.
        magnitude: Their strength, from 0 to 30; with 30 images turn by 30 degrees.
        fill: What comes in from beyond the border.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x = rt.ones((4, 3, 8, 8)) / 2
        >>> rt.data.image.rand_augment(x, rt.random.key(0)).shape
        (4, 3, 8, 8)

    References:
        Cubuk et al. 2019 (arXiv:1909.13719).
    """
    name = "rand_augment"
    if not isinstance(num_ops, int) or num_ops < 0:
        raise ArgumentError(f"[{name}] num_ops: expected 0 or more, got {describe(num_ops)}")
    if not isinstance(magnitude, (int, float)) or not 0 <= magnitude <= _LARGEST:
        raise ArgumentError(
            f"[{name}] magnitude: expected a number from 0 to {_LARGEST}, got {describe(magnitude)}"
        )
    batch = coloured(name, images, data_format)
    high = white(name, batch.x)
    x, strength = floating(batch.x), magnitude / _LARGEST

    def draw(key: rt.Array) -> tuple[rt.Array, rt.Array]:
        kind_key, sign_key = rt.random.split(key)
        kinds = rt.random.randint(kind_key, (num_ops,), 0, len(_CHANGES))
        return kinds, rt.random.rademacher(sign_key, (num_ops,), rt.float32)

    kinds, signs = batch.draws(key, draw)
    for i in range(num_ops):
        level = signs[:, i] * strength
        x = _changed(batch._replace(x=x), kinds[:, i], level, strength, high, fill)
    return batch.restored(rounded(x, batch.x.dtype))


def _changed(
    batch: Batch, kinds: rt.Array, level: rt.Array, strength: float, high: float, fill: float
) -> rt.Array:
    """One change of each image; all that move pixels are one map, all that blend one formula."""
    x = batch.x
    y = moved(batch, _maps(kinds, level, x.shape[3], x.shape[2]), "nearest", fill, None)
    blends = _is(kinds, *_BLENDS)
    base = rt.maximum(kinds - _CHANGES.index("brightness"), 0)
    factor = rt.where(blends, 1.0 + 0.9 * level, 1.0)
    y = rt.where(column(blends), blend(x, base, factor, high), y)
    others: list[tuple[str, Callable[[rt.Array, float, float], rt.Array]]] = [
        ("posterize", _posterized), ("solarize", _solarized), ("autocontrast", _stretched),
    ]  # fmt: skip
    for name, change in others:
        y = rt.where(column(_is(kinds, name)), change(x, high, strength), y)
    return y


def _maps(kinds: rt.Array, level: rt.Array, width: int, height: int) -> rt.Array:
    level = level.astype(rt.float64)

    def only(name: str, value: rt.Array) -> rt.Array:
        return rt.where(_is(kinds, name), value, 0.0)

    lean = rt.rad2deg(rt.arctan(0.3 * level))
    return inverse(
        only("rotate", 30.0 * level),
        only("translate_x", rt.round(150 / 331 * width * level)),
        only("translate_y", rt.round(150 / 331 * height * level)),
        1.0,
        only("shear_x", lean),
        only("shear_y", lean),
    )


def _is(kinds: rt.Array, *names: str) -> rt.Array:
    first, last = _CHANGES.index(names[0]), _CHANGES.index(names[-1])
    return (kinds >= first) & (kinds <= last)


def _posterized(x: rt.Array, high: float, strength: float) -> rt.Array:
    step = 2 ** round(4 * strength)
    levels = rt.floor(rt.round(x / high * 255.0) / step) * step
    return levels * (high / 255.0)


def _solarized(x: rt.Array, high: float, strength: float) -> rt.Array:
    return rt.where(x >= (1.0 - strength) * 256 / 255 * high, high - x, x)


def _stretched(x: rt.Array, high: float, _: float) -> rt.Array:
    low = rt.min(x, axis=(2, 3), keepdims=True)
    span = rt.max(x, axis=(2, 3), keepdims=True) - low
    return rt.where(span > 0, (x - low) * (high / rt.where(span > 0, span, 1.0)), x)
