"""Image files: read_image and write_image, by Pillow (the extra ``images``).

As in files and in the datasets of `rtorch.data`, the channels come last.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import rtorch as rt
from rtorch.atomic import replacing
from rtorch.data.image.batches import choice_of
from rtorch.data.image.scaling import to_uint8
from rtorch.errors import (
    ArgumentError,
    FileFormatError,
    MissingDependencyError,
    ShapeError,
    api,
    describe,
)

__all__ = ["read_image", "write_image"]

PathLike: TypeAlias = str | os.PathLike[str]

_MODES = ("L", "LA", "RGB", "RGBA")  # of one to four channels
_FORMATS = ("NCHW", "NHWC")
_MAX_PIXELS = 2**26  # 8192 x 8192


@api
def read_image(
    source: PathLike | bytes, mode: str = "RGB", max_pixels: int = _MAX_PIXELS,
    data_format: str = "NHWC",
) -> np.ndarray[Any, Any]:  # fmt: skip
    """The pixels of an image file.

    Args:
        source: A path, or what such a file holds.
        mode: What the image is converted to: ``"RGB"``, ``"RGBA"``, ``"L"`` (grey), ``"LA"``.
        max_pixels: The most pixels it may have. The size is known before anything is decoded: a
            small file may hold an image that fills the memory. Pillow has a limit of its own too.
        data_format: ``"NCHW"`` for the channels first.

    Returns:
        uint8 of shape ``(height, width, channels)``, a NumPy array for datasets and their workers;
        upright, as its EXIF orientation says.

    Raises:
        FileFormatError: if it is no image, damaged, or too large.
        MissingDependencyError: if Pillow is not installed.

    Example:
        >>> import os, tempfile, rtorch as rt
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "grey.png")
        ...     rt.data.image.write_image(file, rt.full((2, 4, 1), 7, dtype=rt.uint8))
        ...     rt.data.image.read_image(file, "L")[:, :, 0].tolist()
        [[7, 7, 7, 7], [7, 7, 7, 7]]
    """
    choice_of("read_image", "mode", mode, _MODES)
    choice_of("read_image", "data_format", data_format, _FORMATS)
    pillow = _pillow("read_image")
    from PIL import ImageOps

    name = f"{len(source)} bytes" if isinstance(source, bytes) else repr(os.fspath(source))
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
        try:
            with pillow.open(file) as image:
                _check_size(name, image.size, max_pixels)
                pixels = np.array(ImageOps.exif_transpose(image).convert(mode))
        except (FileFormatError, MemoryError):
            raise
        except Exception as error:  # the many decoders raise all kinds
            raise FileFormatError(f"[read_image] {name} is not an image: {error}") from None
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return pixels if data_format == "NHWC" else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


@api
def write_image(
    path: PathLike, image: Any, quality: int | None = None, data_format: str = "NHWC"
) -> None:
    """Write an image file of the kind that the name's suffix says, all of it or nothing.

    Args:
        path: Such as ``"x.png"``, ``"x.jpg"``.
        image: uint8, or floating from 0 to 1 (see `to_uint8`), of shape ``(height, width,
            channels)`` with one (grey) to four (RGB and alpha) channels.
        quality: Of kinds that lose something, 1 to 100; Pillow's default if None.
        data_format: ``"NCHW"`` if the channels come first.

    Raises:
        ArgumentError: if there is no such kind, or it cannot hold such an image.
        MissingDependencyError: if Pillow is not installed.

    Example:
        >>> import os, tempfile, rtorch as rt
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rt.data.image.write_image(os.path.join(folder, "red.jpg"), rt.ones((8, 8, 3)))
        ...     os.listdir(folder)
        ['red.jpg']
    """
    choice_of("write_image", "data_format", data_format, _FORMATS)
    pixels = _pixels(image, data_format)
    pillow = _pillow("write_image")
    suffix = Path(path).suffix.lower()
    kind = pillow.registered_extensions().get(suffix)
    if kind not in pillow.SAVE:
        raise ArgumentError(f"[write_image] path: Pillow writes no {suffix!r} files: {str(path)!r}")
    options = {} if quality is None else {"quality": quality}
    with replacing(path) as file:
        try:
            pillow.fromarray(pixels).save(file, kind, **options)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArgumentError(
                f"[write_image] {suffix} cannot hold {describe(image)} in {data_format}: {error}"
            ) from error


def _pixels(image: Any, data_format: str) -> np.ndarray[Any, Any]:
    x = rt.asarray(image)
    x = rt.moveaxis(x, 0, -1) if data_format == "NCHW" and x.ndim == 3 else x
    if x.ndim != 3 or not 1 <= x.shape[2] <= 4 or 0 in x.shape:
        wanted = "(channels, height, width)" if data_format == "NCHW" else (
            "(height, width, channels)"
        )  # fmt: skip
        raise ShapeError(
            f"[write_image] image: expected shape {wanted} with one to four channels, "
            f"got {describe(image)}"
        )
    pixels = np.asarray(to_uint8(x))
    return pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels)


def _check_size(name: str, size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise FileFormatError(
            f"[read_image] {name} has {width} x {height} pixels, more than max_pixels={max_pixels}"
        )


def _pillow(name: str) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingDependencyError(
            f"[{name}] image files take Pillow: pip install 'rtorch[images]'"
        ) from None
    Image.init()
    return Image
