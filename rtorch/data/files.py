"""A dataset of many files, one sample each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from rtorch.data.indexed import Indexed
from rtorch.data.npy import read_npy
from rtorch.errors import ArgumentError, describe

__all__ = ["FileDataset"]

PathLike = str | os.PathLike[str]


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
