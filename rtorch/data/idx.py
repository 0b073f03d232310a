"""IDX files, and the two famous datasets that come in them.

The format: two zero bytes, a code of the dtype, the number of axes, their lengths as big-endian
uint32, and the numbers, big-endian too (described on the MNIST page of Y. LeCun).
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from rtorch.data.arrays import ArrayDataset
from rtorch.data.download import download
from rtorch.errors import ArgumentError, FileFormatError, api

__all__ = ["MNIST", "FashionMNIST", "read_idx"]

PathLike = str | os.PathLike[str]
_DTYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_CHUNK = 1 << 20


@api
def read_idx(path: PathLike) -> np.ndarray[Any, Any]:
    """The array in an IDX file, compressed by gzip or not.

    Args:
        path: The file.

    Returns:
        The array, in the machine's byte order.

    Raises:
        FileFormatError: if it is no such file, or is shorter or longer than it says.

    Example:
        >>> import pathlib, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "labels-idx1-ubyte")
        ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        ...     data.read_idx(file)
        array([7, 2, 1], dtype=uint8)
    """
    with Path(path).open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            return _array(gzip.GzipFile(fileobj=raw) if packed else raw, path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _bad(path, str(error)) from None


def _array(stream: Any, path: PathLike) -> np.ndarray[Any, Any]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        raise _bad(path, f"it begins with the bytes {magic.hex(' ')}")
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise _bad(path, "it ends within its header")
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    dtype = np.dtype(_DTYPES[magic[2]])
    content = _exactly(stream, dtype.itemsize * math.prod(shape), path, shape)
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _exactly(stream: Any, size: int, path: PathLike, shape: tuple[int, ...]) -> bytearray:
    """All that is left, in pieces: the header may promise more memory than there is."""
    content = bytearray()
    while len(content) <= size and (chunk := stream.read(min(_CHUNK, size + 1 - len(content)))):
        content += chunk
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content)}"
        raise _bad(path, f"the shape {shape} takes {size} bytes and there are {found}")
    return content


def _bad(path: PathLike, why: str) -> FileFormatError:
    return FileFormatError(f"[read_idx] {os.fspath(path)!r} is not an IDX file: {why}")


class _Digits(ArrayDataset):
    """Images and labels out of four files."""

    _url = ""
    _digests: tuple[str, str, str, str]  # train images, train labels, test images, test labels
    classes: tuple[str, ...]

    def __init__(self, root: PathLike, train: bool = True, *, download: bool = False) -> None:
        part, digests = ("train", self._digests[:2]) if train else ("t10k", self._digests[2:])
        names = (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
        images, labels = (
            self._read(Path(root), name, digest if download else None)
            for name, digest in zip(names, digests, strict=True)
        )
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise FileFormatError(
                f"[{type(self).__name__}] the files in {str(root)!r} have images of shape "
                f"{images.shape} and labels of shape {labels.shape}, which do not belong together"
            )
        super().__init__((images, labels))

    def _read(self, root: Path, name: str, digest: str | None) -> np.ndarray[Any, Any]:
        kind = type(self).__name__
        for folder in (root, root / kind / "raw"):  # the second is where torchvision has them
            for file in (folder / name, folder / f"{name}.gz"):
                if file.is_file():
                    return read_idx(file)
        if digest is None:
            raise ArgumentError(
                f"[{kind}] root: there is neither {name} nor {name}.gz in {str(root)!r}; "
                "download=True fetches it"
            )
        return read_idx(download(f"{self._url}{name}.gz", root / f"{name}.gz", digest))


class MNIST(_Digits):
    """Handwritten digits: images uint8 of shape (28, 28), labels 0 to 9 (uint8).

    60,000 samples to train and 10,000 to test; a sample is a pair of image and label. ``arrays``
    has all images and all labels.

    Args:
        root: The folder with the IDX files, compressed or not; also the one given to torchvision.
        train: Which part.
        download: Whether to fetch files that are not there; they are checked by their SHA-256.

    Raises:
        ArgumentError: if a file is not there.
        FileFormatError: if one is not what it should be.

    Example:
        >>> from rtorch import data
        >>> train = data.MNIST("data/mnist", download=True)  # doctest: +SKIP
        >>> data.MNIST.classes[:3]
        ('0', '1', '2')
    """

    classes = tuple("0123456789")
    _url = "https://storage.googleapis.com/cvdf-datasets/mnist/"
    _digests = (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    )


class FashionMNIST(_Digits):
    """Clothes in the form of `MNIST`: images uint8 of shape (28, 28), labels 0 to 9 (uint8).

    60,000 samples to train and 10,000 to test; a sample is a pair of image and label. ``arrays``
    has all images and all labels, and ``classes`` the names.

    Args:
        root: The folder with the IDX files, compressed or not; also the one given to torchvision.
        train: Which part.
        download: Whether to fetch files that are not there; they are checked by their SHA-256.

    Raises:
        ArgumentError: if a file is not there.
        FileFormatError: if one is not what it should be.

    Example:
        >>> from rtorch import data
        >>> train = data.FashionMNIST("data/fashion", download=True)  # doctest: +SKIP
        >>> data.FashionMNIST.classes[9]
        'ankle boot'

    References:
        Xiao, Rasul & Vollgraf 2017 (arXiv:1708.07747).
    """

    classes = (
        "T-shirt/top", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip
    # The server has no https; the digests say what the files are.
    _url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
    _digests = (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    )
