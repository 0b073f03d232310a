"""Folders of images: the folder's name is the class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtorch.data.image import read_image
from rtorch.data.indexed import Indexed
from rtorch.errors import ArgumentError

__all__ = ["ImageFolder"]

PathLike = str | os.PathLike[str]
_EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


class ImageFolder(Indexed):
    """Images in folders, one folder for each class: ``root/cat/1.png``, ``root/dog/2.png``.

    A sample is a pair of the image, uint8 of shape ``(height, width, channels)``, and the number
    of its class. Images of different sizes need `data.map` to become a batch.

    Args:
        root: The folder of folders.
        mode: See `read_image`.
        extensions: Of the files that are images, in lower case.

    Raises:
        ArgumentError: if there is no folder with an image.

    Example:
        >>> import os, tempfile
        >>> from PIL import Image
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as root:
        ...     for name in ("cat", "dog"):
        ...         os.mkdir(os.path.join(root, name))
        ...         Image.new("L", (4, 2)).save(os.path.join(root, name, "1.png"))
        ...     ds = data.ImageFolder(root)
        ...     ds.classes, ds[1][0].shape, ds[1][1]
        (['cat', 'dog'], (2, 4, 3), 1)
    """

    def __init__(
        self, root: PathLike, mode: str = "RGB", extensions: Sequence[str] = _EXTENSIONS
    ) -> None:
        self.root, self.mode = Path(root), mode
        if not self.root.is_dir():
            raise ArgumentError(f"[ImageFolder] root: {str(root)!r} is not a folder")
        self.classes = sorted(entry.name for entry in self.root.iterdir() if entry.is_dir())
        self.samples = [
            (path, label)
            for label, name in enumerate(self.classes)
            for path in sorted((self.root / name).rglob("*"))
            if path.suffix.lower() in extensions and path.is_file()
        ]
        if not self.samples:
            raise ArgumentError(
                f"[ImageFolder] root: no folder in {str(root)!r} has an image "
                f"({', '.join(extensions)})"
            )

    def __len__(self) -> int:
        return len(self.samples)

    def _sample(self, index: int) -> Any:
        path, label = self.samples[index]
        return read_image(path, self.mode), label
