"""PNG images without a library: arrays of bytes, compressed by zlib.

Source: the PNG specification, https://www.w3.org/TR/png-3/, sections 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from rtorch.errors import ArgumentError, ShapeError, describe

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels: greyscale, RGB, RGB and opacity


def encode(image: np.ndarray[Any, Any]) -> bytes:
    """The file of an image ``(height, width, channels)`` of uint8, with 1, 3 or 4 channels."""
    height, width, channels = image.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = image.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    )


def as_images(function: str, images: Any, data_format: str) -> np.ndarray[Any, Any]:
    """Images as ``(n, height, width, channels)`` of uint8.

    Floats from 0 to 1 become 0 to 255; any that go beyond are stretched from their least to
    their greatest, all images alike.

    Raises:
        ShapeError: unless they are ``(n, h, w)`` or have 1, 3 or 4 channels where `data_format`
            says.
        ArgumentError: for another `data_format` or dtype.
    """
    if data_format not in ("NCHW", "NHWC"):
        raise ArgumentError(f"[{function}] data_format is {data_format!r}: NCHW or NHWC")
    try:
        array = np.asarray(images)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "buif" and array.dtype.name != "bfloat16":
        raise ArgumentError(f"[{function}] images are {describe(images)}, expected numbers")
    if array.ndim == 3:
        array = array[..., None]
    elif array.ndim == 4 and data_format == "NCHW":
        array = np.moveaxis(array, 1, -1)
    if array.ndim != 4 or array.shape[-1] not in _COLOUR_TYPES or 0 in array.shape:
        raise ShapeError(
            f"[{function}] images have shape {np.shape(images)}, expected (n, height, width), or "
            f"1, 3 or 4 channels in {data_format}"
        )
    return array if array.dtype == np.uint8 else _bytes(array.astype(np.float64))


def _bytes(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array = np.nan_to_num(array, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = array.min(), array.max()
    if low < 0 or high > 1:
        array = (array - low) / (high - low or 1.0)
    return np.rint(array * 255).astype(np.uint8)
