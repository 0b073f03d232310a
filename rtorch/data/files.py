"""A dataset of many files, one sample each, and a fast reader of small ``.npy`` files."""

from __future__ import annotations

import ast
import math
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from rtorch.data.indexed import Indexed
from rtorch.errors import ArgumentError, FileFormatError, api, describe

__all__ = ["FileDataset", "read_npy"]

PathLike = str | os.PathLike[str]


@api
def read_npy(path: PathLike) -> np.ndarray[Any, Any]:
    """The array in a ``.npy`` file.

    What `numpy.load` gives, for less time: the headers of many files are often equal, and each is
    understood once. No pickled objects.

    Args:
        path: The file.

    Raises:
        FileFormatError: if it is no such file, holds objects, or is shorter or longer than its
            header says.

    Example:
        >>> import numpy as np, os, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(os.path.join(folder, "x.npy"), np.arange(3))
        ...     data.read_npy(os.path.join(folder, "x.npy"))
        array([0, 1, 2])
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path costs more than reading
        content = file.read()
    return _array(content, path)


def _array(content: bytes, path: PathLike) -> np.ndarray[Any, Any]:
    size_bytes = 2 if content[6:7] == b"\x01" else 4
    start = 8 + size_bytes + int.from_bytes(content[8 : 8 + size_bytes], "little")
    if content[:6] != b"\x93NUMPY" or start > len(content):
        raise _bad(path, "it does not begin with the header of one")
    try:
        dtype, order, shape, nbytes = _understood(content[8 + size_bytes : start])
    except Exception as error:
        raise _bad(path, f"its header cannot be read: {error}") from None
    if len(content) - start != nbytes:
        raise _bad(path, f"its header says {nbytes} bytes of data and it has "
                         f"{len(content) - start}")  # fmt: skip
    # A copy: the result can be written to, and does not keep the header.
    return np.frombuffer(content, dtype, offset=start).reshape(shape, order=order).copy(order)


@lru_cache(maxsize=1024)
def _understood(header: bytes) -> tuple[np.dtype[Any], Any, tuple[int, ...], int]:
    fields = ast.literal_eval(header.decode("latin1").strip())
    dtype = np.lib.format.descr_to_dtype(fields["descr"])
    shape = tuple(fields["shape"])
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not loaded")
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"the shape {shape}")
    return dtype, "F" if fields["fortran_order"] else "C", shape, dtype.itemsize * math.prod(shape)


def _bad(path: PathLike, why: str) -> FileFormatError:
    return FileFormatError(f"[read_npy] {os.fspath(path)!r} is not a .npy file: {why}")


class FileDataset(Indexed):
    """One sample for each file: ``read(path)``, when it is asked for.

    Args:
        paths: The files, in the order of the samples.
        read: A function of a path; `read_npy` by default.

    Raises:
        ArgumentError: if `paths` is one path alone, or `read` is no function.

    Example:
        >>> import os, pathlib, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "a.txt").write_text("first")
        ...     files = sorted(pathlib.Path(folder).iterdir())
        ...     data.FileDataset(files, read=pathlib.Path.read_text)[0]
        'first'
    """

    def __init__(self, paths: Iterable[PathLike], read: Callable[[Any], Any] = read_npy) -> None:
        if isinstance(paths, str | os.PathLike):
            raise ArgumentError(
                f"[FileDataset] paths: expected several paths, got {describe(paths)}; "
                "sorted(pathlib.Path(folder).glob('*.npy')) lists those of a folder"
            )
        if not callable(read):
            raise ArgumentError(f"[FileDataset] read: expected a function, got {describe(read)}")
        self.paths, self.read = list(paths), read

    def __len__(self) -> int:
        return len(self.paths)

    def _sample(self, index: int) -> Any:
        return self.read(self.paths[index])
