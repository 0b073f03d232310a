"""Text files by their lines: in any order, or one after the other."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rtorch.data.indexed import Indexed
from rtorch.errors import FileFormatError

__all__ = ["TextLines", "TextStream"]

PathLike = str | os.PathLike[str]
_CHUNK = 1 << 20


class TextLines(Indexed):
    r"""The lines of a text file, without their ends; the file stays on the disk.

    Where lines begin is looked for once, here. A last line without an end counts.

    Args:
        path: The file.
        encoding: Of the text; one in which a byte 10 is the end of a line.

    Raises:
        FileFormatError: (a sample) if a line cannot be decoded.

    Example:
        >>> import pathlib, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "a.txt")
        ...     _ = file.write_bytes(b"one\ntwo\r\nthree")
        ...     list(data.TextLines(file))
        ['one', 'two', 'three']
    """

    def __init__(self, path: PathLike, encoding: str = "utf-8") -> None:
        self.path, self.encoding = Path(path), encoding
        self._ends = _line_ends(self.path)
        self._text: Any = None

    def __len__(self) -> int:
        return len(self._ends)

    def _sample(self, index: int) -> str:
        if self._text is None:
            with self.path.open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        start = int(self._ends[index - 1]) if index else 0
        return _decoded(
            self._text[start : int(self._ends[index])], self.encoding, self.path, f"line {index}"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_text": None}


def _line_ends(path: Path) -> np.ndarray[Any, Any]:
    """The place behind each line."""
    ends, read = [], 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            ends.append(np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10) + (read + 1))
            read += len(chunk)
    all_ends = np.concatenate(ends) if ends else np.zeros(0, np.int64)
    if read and (not len(all_ends) or all_ends[-1] != read):
        all_ends = np.append(all_ends, read)
    return all_ends


def _decoded(line: bytes, encoding: str, path: Path, where: str) -> str:
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode(encoding)
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"[TextLines] {str(path)!r}, {where} (from 0), is not {encoding}: {error}"
        ) from None


class TextStream:
    r"""The lines of a text file one after the other, from any point; see `ResumableDataset`.

    Nothing is read beforehand. The state is the number of bytes before the next line.

    Args:
        path: The file.
        encoding: Of the text; one in which a byte 10 is the end of a line.

    Example:
        >>> import pathlib, tempfile
        >>> from rtorch import data
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "a.txt")
        ...     _ = file.write_text("one\ntwo\n", newline="\n")
        ...     list(data.TextStream(file)), list(data.TextStream(file).resume(4, None))
        (['one', 'two'], [('two', 8)])
    """

    start = 0

    def __init__(self, path: PathLike, encoding: str = "utf-8") -> None:
        self.path, self.encoding = Path(path), encoding

    def __iter__(self) -> Iterator[str]:
        for line, _ in self.resume(self.start, None):
            yield line

    def resume(self, state: Any, key: Any) -> Iterator[tuple[str, int]]:
        """Pairs of a line and the number of bytes up to its end."""
        place = int(state)
        with self.path.open("rb") as file:
            file.seek(place)
            for line in file:
                text = _decoded(line, self.encoding, self.path, f"the line at byte {place}")
                place += len(line)
                yield text, place
