"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at the end, or leaves nothing if that fails."""
    target = Path(path)
    other = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with other.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        other.replace(target)
        _sync_folder(target.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            other.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    """The new name itself is to last; systems that cannot open folders do without."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
