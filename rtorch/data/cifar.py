"""CIFAR-10 and CIFAR-100 in their binary version, which needs no pickle.

A record is the label (CIFAR-100: the coarse one, then the fine one) and 3072 bytes: the red, green
and blue planes of 32 x 32 pixels, row by row.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rtorch.data.arrays import ArrayDataset
from rtorch.data.download import download
from rtorch.errors import ArgumentError, FileFormatError

__all__ = ["CIFAR10", "CIFAR100"]

PathLike = str | os.PathLike[str]
_PIXELS = 3 * 32 * 32
_URL = "https://www.cs.toronto.edu/~kriz/"


class _Cifar(ArrayDataset):
    """Images and labels out of an archive, or of its unpacked folder."""

    _archive = ""
    _folder = ""
    _digest = ""
    _train: tuple[str, ...] = ()
    _test: tuple[str, ...] = ()
    _labels = 1

    def __init__(self, root: PathLike, train: bool = True, *, download: bool = False) -> None:
        names = self._train if train else self._test
        records = [self._records(n, c) for n, c in self._contents(Path(root), names, download)]
        rows = np.concatenate(records)
        planes = rows[:, self._labels :].reshape(-1, 3, 32, 32)
        images = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        super().__init__((images, *self._label_columns(rows)))

    def _label_columns(self, rows: Any) -> tuple[Any, ...]:
        return (rows[:, self._labels - 1].copy(),)

    def _contents(
        self, root: Path, names: tuple[str, ...], fetch: bool
    ) -> Iterator[tuple[str, bytes]]:
        for folder in (root, root / self._folder):
            if all((folder / name).is_file() for name in names):
                yield from ((name, (folder / name).read_bytes()) for name in names)
                return
        archive = root / self._archive
        if fetch:
            download(_URL + self._archive, archive, self._digest)
        elif not archive.is_file():
            raise ArgumentError(
                f"[{type(self).__name__}] root: there is neither {self._archive} nor {names[0]} in "
                f"{str(root)!r}; download=True fetches the former"
            )
        yield from _members(archive, self._folder, names)

    def _records(self, name: str, content: bytes) -> Any:
        size = self._labels + _PIXELS
        if not content or len(content) % size:
            raise FileFormatError(
                f"[{type(self).__name__}] {name} has {len(content)} bytes, which is no multiple of "
                f"{size}, the bytes of an image with its label: is it the binary version?"
            )
        return np.frombuffer(content, np.uint8).reshape(-1, size)


def _members(archive: Path, folder: str, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """The contents of files in an archive; nothing is unpacked onto the disk."""
    import tarfile  # takes long to import, and few programs need it

    try:
        with tarfile.open(archive) as tar:
            for name in names:
                stream = tar.extractfile(f"{folder}/{name}")
                if stream is None:
                    raise KeyError(f"{name} is no file")
                yield name, stream.read()
    except (tarfile.TarError, EOFError, KeyError, OSError) as error:
        raise FileFormatError(f"[CIFAR] {str(archive)!r} is damaged: {error}") from None


class CIFAR10(_Cifar):
    """Photographs of ten classes: images uint8 of shape (32, 32, 3), labels 0 to 9 (uint8).

    50,000 samples to train and 10,000 to test; a sample is a pair of image and label. Reads the
    binary version (``cifar-10-binary.tar.gz``, or what is in it); the one for Python is a pickle,
    which could run code.

    Args:
        root: The folder with the archive or its files.
        train: Which part.
        download: Whether to fetch the archive if it is not there; it is checked by its SHA-256.

    Raises:
        ArgumentError: if the files are not there.
        FileFormatError: if they are not what they should be.

    Example:
        >>> from rtorch import data
        >>> train = data.CIFAR10("data/cifar", download=True)  # doctest: +SKIP
        >>> data.CIFAR10.classes[:2]
        ('airplane', 'automobile')

    References:
        Krizhevsky 2009, Learning multiple layers of features from tiny images.
    """

    classes = (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    _archive, _folder = "cifar-10-binary.tar.gz", "cifar-10-batches-bin"
    _digest = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
    _train = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
    _test = ("test_batch.bin",)


class CIFAR100(_Cifar):
    """Photographs of a hundred classes: images uint8 of shape (32, 32, 3), labels (uint8).

    50,000 samples to train and 10,000 to test; a sample is a pair of image and label. Reads the
    binary version, ``cifar-100-binary.tar.gz`` or what is in it.

    Args:
        root: The folder with the archive or its files.
        train: Which part.
        coarse: Whether labels are the 20 coarse classes instead of the 100 fine ones.
        download: Whether to fetch the archive if it is not there; it is checked by its SHA-256.

    Raises:
        ArgumentError: if the files are not there.
        FileFormatError: if they are not what they should be.

    Example:
        >>> from rtorch import data
        >>> train = data.CIFAR100("data/cifar", download=True)  # doctest: +SKIP

    References:
        Krizhevsky 2009, Learning multiple layers of features from tiny images.
    """

    _archive, _folder = "cifar-100-binary.tar.gz", "cifar-100-binary"
    _digest = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
    _train, _test = ("train.bin",), ("test.bin",)
    _labels = 2

    def __init__(
        self,
        root: PathLike,
        train: bool = True,
        *,
        coarse: bool = False,
        download: bool = False,
    ) -> None:
        self._coarse = coarse
        super().__init__(root, train, download=download)

    def _label_columns(self, rows: Any) -> tuple[Any, ...]:
        return (rows[:, 0 if self._coarse else 1].copy(),)
