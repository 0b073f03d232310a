"""gaussian_blur."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.data.image.batches import Batch, batch_of, floating, numbers, pair, rounded
from rtorch.errors import ArgumentError, ShapeError, api

__all__ = ["gaussian_blur"]


@api
def gaussian_blur(
    images: Any, kernel_size: Any, sigma: Any = None, data_format: str = "NCHW"
) -> rt.Array:
    """The mean of each pixel's neighbours, weighted by a normal density of their distance.

    Args:
        images: Shape ``(n, channels, height, width)``, or one image.
        kernel_size: How many pixels along height and width, odd; or a number for both. Beyond the
            border images are mirrored.
        sigma: Standard deviation in pixels: a positive number or one for each image, with
            derivatives; if None, that of OpenCV and torchvision, ``0.15 * kernel_size + 0.35``.
        data_format: ``"NHWC"`` if the channels come last.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[[0.0, 0, 0, 4, 0, 0, 0]]])
        >>> rt.data.image.gaussian_blur(x, (1, 3), 1.0).round(2).tolist()
        [[[0.0, 0.0, 1.1, 1.81, 1.1, 0.0, 0.0]]]
    """
    batch = batch_of("gaussian_blur", images, data_format)
    sizes = pair("gaussian_blur", "kernel_size", kernel_size)
    if not all(size % 2 for size in sizes):
        raise ArgumentError(
            f"[gaussian_blur] kernel_size: expected odd numbers, got {kernel_size!r}"
        )
    if isinstance(sigma, (int, float)) and sigma <= 0:
        raise ArgumentError(f"[gaussian_blur] sigma: expected a positive number, got {sigma!r}")
    y = floating(batch.x)
    for axis, size in zip((2, 3), sizes):
        y = _blurred(batch, y, axis, size, 0.15 * size + 0.35 if sigma is None else sigma)
    return batch.restored(rounded(y, batch.x.dtype))


def _blurred(batch: Batch, x: rt.Array, axis: int, size: int, sigma: Any) -> rt.Array:
    half, n = size // 2, x.shape[axis]
    if half >= n:
        raise ShapeError(
            f"[gaussian_blur] kernel_size: {size} pixels are too many to mirror images of {n}"
        )
    sigmas = batch.per_image("sigma", sigma, x.dtype)[:, None]
    density = rt.exp(-0.5 * ((numbers(size, x) - half) / sigmas) ** 2)
    weights = density / rt.sum(density, axis=1, keepdims=True)
    margins = [(half, half) if i == axis else (0, 0) for i in range(4)]
    padded = rt.pad(x, margins, "reflect")
    total: Any = 0.0
    for i in range(size):
        part = padded[:, :, i : i + n] if axis == 2 else padded[:, :, :, i : i + n]
        total = total + rt.reshape(weights[:, i], (-1, 1, 1, 1)) * part
    out: rt.Array = total
    return out
