"""interpolate and Upsample: images, signals and volumes of another size."""

from __future__ import annotations

import math
import struct
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.nn.layer import Layer, stateless
from rtorch.nn.normalization import wide
from rtorch.nn.pooling import adaptive_avg_pool
from rtorch.nn.resampling import (
    CUBIC,
    LINEAR,
    SMOOTH_CUBIC,
    averaging,
    interpolating,
    mixed,
)
from rtorch.nn.windows import channels_first, channels_last, check_format

# Mode: what it does along each axis, and for how many axes it is (None: for any number).
_MODES = {
    "nearest": ("nearest", None), "nearest-exact": ("nearest", None), "area": ("area", None),
    "linear": ("linear", None), "bilinear": ("linear", 2), "trilinear": ("linear", 3),
    "cubic": ("cubic", None), "bicubic": ("cubic", 2),
}  # fmt: skip


@api
def interpolate(
    x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False, *, data_format: str = "NCHW",
) -> rt.Array:  # fmt: skip
    """`x` with its spatial axes brought to another length.

    Args:
        x: Shape ``(batch, channels, *space)`` with one to three spatial axes.
        size: Their lengths, a number or one per axis; either this or `scale_factor`.
        scale_factor: How many times as long they become (rounded down), likewise.
        mode: ``"nearest"``, ``"nearest-exact"`` (as image libraries have it), ``"linear"``
            (``"bilinear"``, ``"trilinear"``), ``"cubic"`` (``"bicubic"``), or ``"area"``: the means
            of `adaptive_avg_pool2d`.
        align_corners: For linear and cubic: whether the first and the last element of input and
            output lie at the same place, instead of the outer edges of the two.
        recompute_scale_factor: Whether elements are as far apart as the lengths tell, instead of
            ``1 / scale_factor``.
        antialias: For linear and cubic: whether an axis that gets shorter is smoothed.
        data_format: ``"NHWC"`` if the channels come last.

    Returns:
        An array with the dtype of `x`, as PyTorch's function of that name gives it.

    Raises:
        ShapeError: if `x` has fewer or more axes.
        DTypeError: if `x` is not floating (``"nearest"`` takes any dtype).

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[[0.0, 2.0, 4.0]]])
        >>> rt.nn.interpolate(x, scale_factor=2).tolist()
        [[[0.0, 0.0, 2.0, 2.0, 4.0, 4.0]]]
        >>> rt.nn.interpolate(x, size=5, mode="linear", align_corners=True).tolist()
        [[[0.0, 1.0, 2.0, 3.0, 4.0]]]

    References:
        Keys 1981, "Cubic convolution interpolation for digital image processing".
    """
    return _resized("interpolate", rt.asarray(x), size, scale_factor, mode, align_corners,
                    recompute_scale_factor, antialias, data_format)  # fmt: skip


def Upsample(
    size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False, *, data_format: str = "NCHW",
) -> Layer:  # fmt: skip
    """The layer of `interpolate`, with its arguments.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.Upsample(scale_factor=2, mode="bilinear")
        >>> layer.apply({}, {}, rt.ones((1, 3, 4, 5)))[0].shape
        (1, 3, 8, 10)
    """
    _check_options("Upsample", size, scale_factor, mode, align_corners, antialias)

    def call(params: Any, x: Any) -> rt.Array:
        return _resized("Upsample", x, size, scale_factor, mode, align_corners,
                        recompute_scale_factor, antialias, data_format)  # fmt: skip

    return stateless(None, call)


def _resized(
    name: str, x: Any, size: Any, scale_factor: Any, mode: str, align_corners: bool | None,
    recompute: bool | None, antialias: bool, data_format: str,
) -> Any:  # fmt: skip
    _check_options(name, size, scale_factor, mode, align_corners, antialias)
    kind, axes = _MODES[mode]
    n = len(getattr(x, "shape", ())) - 2
    if not 1 <= n <= 3 or axes not in (None, n):
        raise ShapeError(
            f"[{name}] x: expected a batch axis, channels and {axes or '1 to 3'} spatial axes for "
            f"mode={mode!r}, got {describe(x)}"
        )
    if kind != "nearest" and not rt.isdtype(x.dtype, "real floating"):
        raise DTypeError(f"[{name}] x: mode={mode!r} needs a floating dtype, got {describe(x)}")
    last = check_format(name, data_format, n)
    x = channels_first(x, n) if last else x
    sizes, steps = _sizes(name, x.shape[2:], size, scale_factor, bool(recompute))
    if kind == "area":
        y = adaptive_avg_pool(name, x, sizes)
    elif kind == "nearest":
        y = _nearest(x, sizes, steps, 0.5 if mode == "nearest-exact" else 0.0)
    else:
        y = _smooth(x, sizes, steps, kind, bool(align_corners), antialias)
    return channels_last(y, n) if last else y


def _check_options(
    name: str, size: Any, scale_factor: Any, mode: str, align_corners: Any, antialias: bool
) -> None:
    if mode not in _MODES:
        raise ArgumentError(f"[{name}] mode: expected one of {list(_MODES)}, got {mode!r}")
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            f"[{name}] expected either size or scale_factor, got size={size!r} and "
            f"scale_factor={scale_factor!r}"
        )
    if (align_corners or antialias) and _MODES[mode][0] not in ("linear", "cubic"):
        raise ArgumentError(
            f"[{name}] align_corners and antialias are for linear and cubic modes, not {mode!r}"
        )


def _sizes(
    name: str, space: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool
) -> tuple[tuple[int, ...], list[float]]:
    """The new lengths, and how far apart elements of the output are in the input."""
    given, what = (size, "size") if scale_factor is None else (scale_factor, "scale_factor")
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * len(space)
    kinds = (int,) if scale_factor is None else (int, float)
    if len(values) != len(space) or not all(isinstance(v, kinds) and v > 0 for v in values):
        raise ArgumentError(
            f"[{name}] {what}: expected a positive number or {len(space)} of them, got {given!r}"
        )
    if scale_factor is None:
        return values, [n / m for n, m in zip(space, values, strict=True)]
    sizes = tuple([math.floor(n * s) for n, s in zip(space, values, strict=True)])
    if 0 in sizes:
        raise ShapeError(f"[{name}] x: nothing would be left of axes {space} with {given!r}")
    if recompute:
        return sizes, [n / m for n, m in zip(space, sizes, strict=True)]
    return sizes, [1 / s for s in values]


def _smooth(
    x: Any, sizes: tuple[int, ...], steps: list[float], kind: str, align: bool, antialias: bool
) -> Any:
    y = wide(x)
    for axis, (m, step) in enumerate(zip(sizes, steps, strict=True), 2):
        n = x.shape[axis]
        if align:
            step = (n - 1) / (m - 1) if m > 1 else 0.0
        if antialias:
            entries = averaging(LINEAR if kind == "linear" else SMOOTH_CUBIC, n, m, step)
        else:
            first = 0.0 if align else 0.5 * step - 0.5
            places = [first + i * step for i in range(m)]
            entries = interpolating(LINEAR if kind == "linear" else CUBIC, n, places)
        y = mixed(y, axis, m, entries)
    return y.astype(x.dtype)


def _nearest(x: Any, sizes: tuple[int, ...], steps: list[float], middle: float) -> Any:
    for axis, (m, step) in enumerate(zip(sizes, steps, strict=True), 2):
        n, step = x.shape[axis], _single(step)
        # Single precision, since rounding decides which element is the nearest.
        places = [min(int(_single((i + middle) * step)), n - 1) for i in range(m)]
        if m % n == 0 and places == [i * n // m for i in range(m)]:
            x = rt.repeat(x, m // n, axis=axis)  # the derivative of which is a sum
        else:
            x = rt.take(x, rt.asarray(places), axis=axis)
    return x


def _single(value: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded
