"""What all functions on images share: the order of the axes, one image or many, dtypes, keys."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, describe

_FORMATS = ("NCHW", "NHWC")


class Batch(NamedTuple):
    """Images of shape ``(n, channels, height, width)``, and what they were before."""

    name: str
    x: rt.Array
    single: bool
    last: bool

    def restored(self, y: rt.Array) -> rt.Array:
        """`y` with the axes in the order in which the images came, and their dtype."""
        y = rt.moveaxis(y, 1, -1) if self.last else y
        return y[0] if self.single else y

    def keys(self, key: Any) -> rt.Array:
        """One key for each image, shape ``(n, 2)``.

        Image i of a batch has ``fold_in(key, i)``, whatever the size of the batch; a single image
        has the key itself. Keys of shape ``(n, 2)`` are taken as they are.
        """
        key = check_key(self.name, key)
        n = self.x.shape[0]
        if key.ndim == 1:
            return rt.reshape(key, (1, 2)) if self.single else folded(key, numbers(n, key))
        if self.single or key.shape[0] != n:
            wanted = "a key, uint32[2]" + ("" if self.single else f", or one an image: [{n}, 2]")
            raise ShapeError(f"[{self.name}] key: expected {wanted}, got {describe(key)}")
        return key

    def draws(self, key: Any, draw: Callable[[rt.Array], Any]) -> Any:
        """What `draw` makes of the key of each image, with a first axis for the images."""
        return rt.vmap(draw)(self.keys(key))

    def per_image(self, what: str, value: Any, dtype: Any = None) -> rt.Array:
        """A number, or one for each image, as an array of shape ``(n,)``."""
        value = rt.asarray(value, dtype, device=self.x.device)
        if value.ndim > 1 or (value.ndim == 1 and value.shape[0] != self.x.shape[0]):
            raise ShapeError(
                f"[{self.name}] {what}: expected a number or one for each of the "
                f"{self.x.shape[0]} images, got {describe(value)}"
            )
        return rt.broadcast_to(value, self.x.shape[:1])


def batch_of(name: str, images: Any, data_format: str) -> Batch:
    """`images` as a batch with the channels first."""
    choice_of(name, "data_format", data_format, _FORMATS)
    x = rt.asarray(images)
    if x.ndim not in (3, 4) or rt.isdtype(x.dtype, "complex floating"):
        shape = "(n, channels, height, width)" if data_format == "NCHW" else (
            "(n, height, width, channels)"
        )  # fmt: skip
        raise ShapeError(
            f"[{name}] images: expected real numbers of shape {shape}, or one image without n, "
            f"got {describe(x)}"
        )
    single, last = x.ndim == 3, data_format == "NHWC"
    x = x[None] if single else x
    x = rt.moveaxis(x, -1, 1) if last else x
    if 0 in x.shape[1:]:
        raise ShapeError(f"[{name}] images: there is no pixel in {describe(images)}")
    return Batch(name, x, single, last)


def check_key(name: str, key: Any) -> rt.Array:
    """`key` if it is one key, or a row of them."""
    key = rt.asarray(key) if hasattr(key, "shape") else key
    if getattr(key, "dtype", None) != rt.uint32 or key.shape[-1:] != (2,) or key.ndim > 2:
        raise ArgumentError(
            f"[{name}] key: expected a key of rt.random.key or one for each image, "
            f"got {describe(key)}"
        )
    return key


def folded(keys: rt.Array, data: Any) -> rt.Array:
    """`fold_in` for one key and many numbers, or many keys and one number."""
    data = rt.asarray(data, device=keys.device).astype(rt.uint32)
    axes = (0, None) if keys.ndim == 2 else (None, 0)
    return rt.vmap(rt.random.fold_in, in_axes=axes)(keys, data)


def numbers(n: int, like: rt.Array, dtype: Any = None) -> rt.Array:
    """0 to n - 1, on the device of `like`."""
    return rt.arange(n, dtype=dtype, device=like.device)


def column(values: rt.Array) -> rt.Array:
    """Shape ``(n,)`` as ``(n, 1, 1, 1)``, for all pixels of an image."""
    return rt.reshape(values, (-1, 1, 1, 1))


def floating(x: rt.Array) -> rt.Array:
    """`x` in the floating dtype that its values are computed in, float32 at least."""
    if rt.isdtype(x.dtype, "real floating"):
        return x if rt.finfo(x.dtype).bits >= 32 else x.astype(rt.float32)
    small = x.dtype == rt.bool_ or rt.iinfo(x.dtype).bits <= 16
    return x.astype(rt.float32 if small else rt.float64)


def rounded(y: rt.Array, dtype: Any) -> rt.Array:
    """`y` in `dtype`: rounded and cut off at its limits if that is of integers."""
    if rt.isdtype(dtype, "integral"):
        limits = rt.iinfo(dtype)
        y = rt.clip(rt.round(y), float(limits.min), float(limits.max))
    return y.astype(dtype)


def white(name: str, x: rt.Array) -> float:
    """The value of white: 255 for uint8, 1 for floating dtypes."""
    if x.dtype == rt.uint8:
        return 255.0
    if rt.isdtype(x.dtype, "real floating"):
        return 1.0
    raise DTypeError(
        f"[{name}] images: expected uint8 (0 to 255) or a floating dtype (0 to 1), "
        f"got {describe(x)}"
    )


def pair(name: str, what: str, value: Any, least: int = 1) -> tuple[int, int]:
    """A whole number or two of them, as two."""
    values = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        a, b = (operator.index(v) for v in values)
    except (TypeError, ValueError):
        a = b = least - 1
    if min(a, b) < least:
        raise ArgumentError(
            f"[{name}] {what}: expected a whole number of at least {least} or two of them, "
            f"got {describe(value)}"
        )
    return a, b


def interval(
    name: str, what: str, value: Any, low: float = 0.0, high: float = float("inf")
) -> tuple[float, float]:
    """Two numbers in order, between `low` and `high`."""
    try:
        a, b = (float(v) for v in value)
        fits = low <= a <= b <= high
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ArgumentError(
            f"[{name}] {what}: expected two numbers from {low} to {high} in order, "
            f"got {describe(value)}"
        )
    return a, b


def probability(name: str, p: Any) -> float:
    """`p` if it is a number from 0 to 1."""
    if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
        raise ArgumentError(f"[{name}] p: expected a number from 0 to 1, got {describe(p)}")
    return float(p)


def choice_of(name: str, what: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Raise if `value` is not one of `allowed`."""
    if value not in allowed:
        raise ArgumentError(f"[{name}] {what}: expected one of {allowed}, got {value!r}")
