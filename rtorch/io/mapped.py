"""A file as read-only memory, and errors that name it.

Nothing is read before it is looked at. Arrays over the mapping keep it alive; whoever truncates
the file while one is in use takes the memory away from under it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from rtorch.errors import FileFormatError

PathLike: TypeAlias = str | os.PathLike[str]

# What small objects may take besides twice the size of the file: names, entries, numbers.
ALLOWANCE = 64 << 20


def mapped(file: Path) -> memoryview:
    """The bytes of `file`."""
    with file.open("rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            return memoryview(b"")  # which cannot be mapped
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def budget(data: memoryview) -> int:
    """How many bytes of small Python objects a file of this size may ask for."""
    return ALLOWANCE + 2 * len(data)


@contextlib.contextmanager
def reading(function: str, path: PathLike) -> Iterator[None]:
    """Let what is wrong with the file be told by `function`, with the file's name."""
    try:
        yield
    except FileFormatError as error:
        if str(error.args[0]).startswith("["):  # told already
            raise
        message = f"[{function}] {str(path)!r}: {error.args[0]}"
        raise FileFormatError(message) from error.__cause__
