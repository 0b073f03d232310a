"""Arrays in one file: ``.npy`` and raw binary files stay on the disk, ``.npz`` is read."""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np

from rtorch.data.arrays import ArrayDataset, common_length
from rtorch.data.indexed import Indexed
from rtorch.errors import ArgumentError, DTypeError, FileFormatError, describe

__all__ = ["NumpyDataset", "RawDataset"]

PathLike = str | os.PathLike[str]


class _Mapped(Indexed):
    """Rows of a file that is mapped into memory; pickled without what it holds."""

    path: Path
    _rows: np.ndarray[Any, Any] | None = None

    def _open(self) -> np.ndarray[Any, Any]:
        raise NotImplementedError

    @property
    def array(self) -> np.ndarray[Any, Any]:
        """The whole array; what is not looked at is not read."""
        if self._rows is None:
            self._rows = self._open()
        return self._rows

    def __len__(self) -> int:
        return len(self.array)

    def _sample(self, index: int) -> Any:
        return np.array(self.array[index])

    def gather(self, indices: Any) -> Any:
        """The samples at an array of indices, as one batch."""
        return np.take(np.asarray(self.array), indices, axis=0)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_rows": None}  # a worker process maps the file itself


class RawDataset(_Mapped):
    """The rows of an array in a file without a header, which stays on the disk.

    Args:
        path: The file.
        dtype: Of its numbers, byte order included, such as ``"<f4"``.
        shape: Of one sample; ``()`` for numbers.
        offset: Bytes to leave out at the beginning.

    Raises:
        FileFormatError: if the file does not consist of whole samples.

    Example:
        >>> import numpy as np, os, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.arange(6, dtype="<f4").tofile(os.path.join(folder, "x.bin"))
        ...     ds = data.RawDataset(os.path.join(folder, "x.bin"), "<f4", (2,))
        ...     len(ds), ds[-1]
        (3, array([4., 5.], dtype=float32))
    """

    def __init__(
        self, path: PathLike, dtype: Any, shape: tuple[int, ...] = (), offset: int = 0
    ) -> None:
        self.path, self.shape, self.offset = Path(path), tuple(shape), offset
        try:
            self.dtype = np.dtype(dtype)
        except TypeError:
            raise DTypeError(f"[RawDataset] dtype: {dtype!r} is none of NumPy's") from None
        if self.dtype.hasobject:
            raise DTypeError("[RawDataset] dtype: Python objects cannot be read from a file")
        row = self.dtype.itemsize * math.prod(self.shape)
        if row <= 0 or offset < 0:
            raise ArgumentError(f"[RawDataset] expected samples of a byte or more and no negative "
                                f"offset, got shape={shape} and offset={offset}")  # fmt: skip
        size = self.path.stat().st_size - offset
        if size < 0 or size % row:
            raise FileFormatError(
                f"[RawDataset] {str(path)!r} has {size} bytes behind the offset of {offset}, which "
                f"is no multiple of {row}, the bytes of a sample {self.dtype}{list(self.shape)}"
            )
        self._size = size // row

    def __len__(self) -> int:
        return self._size

    def _open(self) -> np.ndarray[Any, Any]:
        shape = (self._size, *self.shape)
        if not self._size:
            return np.empty(shape, self.dtype)
        return np.memmap(self.path, self.dtype, "r", self.offset, shape)


class _NpyDataset(_Mapped):
    """See `NumpyDataset`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not self.array.shape:
            raise FileFormatError(f"[NumpyDataset] {str(path)!r} holds one number, no samples")

    def _open(self) -> np.ndarray[Any, Any]:
        try:
            rows = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, SyntaxError, TypeError) as error:
            raise FileFormatError(
                f"[NumpyDataset] {str(self.path)!r} is no .npy file: {error}"
            ) from error
        return cast("np.ndarray[Any, Any]", rows)

    def __repr__(self) -> str:
        return f"NumpyDataset({len(self)} samples of {str(self.path)!r})"


def NumpyDataset(path: PathLike) -> Indexed:  # noqa: N802 - makes one of two datasets
    """The rows of the array in a ``.npy`` file, or of the arrays in a ``.npz`` file.

    A ``.npy`` file stays on the disk, mapped into memory, and may be larger than that. Those of a
    ``.npz`` file are read; a sample is a dict with their names.

    Args:
        path: The file.

    Raises:
        FileFormatError: if it is neither, holds Python objects, or is shorter than it says.
        ShapeError: if the arrays of a ``.npz`` file have different lengths.

    Example:
        >>> import numpy as np, os, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(os.path.join(folder, "d.npz"), x=np.ones((2, 3)), y=np.array([0, 1]))
        ...     data.NumpyDataset(os.path.join(folder, "d.npz"))[1]
        {'x': array([1., 1., 1.]), 'y': np.int64(1)}
    """
    file = Path(path)
    with file.open("rb") as stream:
        is_zip = stream.read(2) == b"PK"
    return ArrayDataset(_read_npz(file)) if is_zip else _NpyDataset(file)


def _read_npz(file: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        with zipfile.ZipFile(file) as archive:
            arrays = {
                info.filename.removesuffix(".npy"): _member(archive, info)
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
        common_length(arrays, "NumpyDataset")
    except (FileFormatError, OSError):
        raise
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        if type(error).__module__.startswith("rtorch"):
            raise
        raise FileFormatError(
            f"[NumpyDataset] {str(file)!r} is damaged or no .npz file: {error}"
        ) from error
    return arrays


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray[Any, Any]:
    """An array of an archive, if it is as large as its header says."""
    with archive.open(info) as stream:
        member = cast(Any, stream)
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0
        shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(
            member
        )
        said, there = dtype.itemsize * math.prod(shape), info.file_size - stream.tell()
    if said != there:
        raise FileFormatError(
            f"[NumpyDataset] {info.filename!r} says {said} bytes of data and has {there}"
        )
    with archive.open(info) as stream:
        array = np.lib.format.read_array(cast(Any, stream), allow_pickle=False)
    if not array.shape:
        raise FileFormatError(f"[NumpyDataset] {info.filename!r} is {describe(array)}, no samples")
    return array
