"""Files that are there whole or not at all, and checksums that show what became of them.

A new file is written under another name in the same directory, brought to the disk (fsync) and
renamed; the directory is brought to the disk too, so that a crash of the machine leaves the old
file or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PathLike = str | os.PathLike[str]

_CHUNK = 1 << 20


@contextlib.contextmanager
def draft(file: PathLike) -> Iterator[Path]:
    """The path of an empty file, which takes the place of `file` when the block ends well."""
    file = Path(file).resolve()  # a link stays a link
    path = file.with_name(f".{file.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with path.open("xb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
        yield path
        path.chmod(mode)  # a library that wrote it may have made another file, with its own mode
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
        path.replace(file)
        sync_directory(file.parent)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(path):
            error.filename, error.filename2 = str(file), None  # the name that the user knows
        raise


@contextlib.contextmanager
def replacing(file: PathLike) -> Iterator[BinaryIO]:
    """A stream into a new file, which takes the place of `file` when the block ends well."""
    with draft(file) as path, path.open("rb+") as stream:
        yield stream


def write(file: PathLike, data: bytes) -> None:
    """Replace what is in `file` by `data`: a reader sees the old bytes or the new ones."""
    with replacing(file) as stream:
        stream.write(data)


def sync_directory(directory: Path) -> None:
    """Bring the names in `directory` to the disk, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows opens no directories
        return
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # one may write in it, and not read it
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(handle)


def checksum(file: Path) -> str:
    """The SHA-256 of the bytes of `file`, in hexadecimal digits."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
