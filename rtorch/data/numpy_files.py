"""Arrays in one file: ``.npy`` and raw binary files stay on the disk, ``.npz`` is read."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from rtorch.data.arrays import ArrayDataset, common_length
from rtorch.data.indexed import Indexed
from rtorch.data.npy import array_of, header_of
from rtorch.errors import ArgumentError, DTypeError, FileFormatError

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
        with self.path.open("rb") as file:
            header = header_of(
                file.read(1 << 16), self.path.stat().st_size, self.path, "NumpyDataset"
            )
        if not header.nbytes:
            return np.empty(header.shape, header.dtype)
        return np.memmap(
            self.path, header.dtype, "r", header.start, header.shape, order=header.order
        )

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
                info.filename.removesuffix(".npy"): array_of(
                    archive.read(info), info.filename, "NumpyDataset"
                )
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
    except (zipfile.BadZipFile, EOFError, RuntimeError, zlib.error, UnicodeError) as error:
        raise FileFormatError(
            f"[NumpyDataset] {str(file)!r} is damaged or no .npz file: {error}"
        ) from error
    common_length(arrays, "NumpyDataset")
    return arrays
