"""A directory that one process at a time may write to.

The system holds the lock and frees it when the process ends, in whatever way. The file stays, and
says who has it.
"""

from __future__ import annotations

import os
import socket
import sys
import weakref
from pathlib import Path

from rtorch.errors import LockedError

NAME = ".lock"


class DirectoryLock:
    """The right to write to `directory`, until `release`."""

    def __init__(self, directory: Path) -> None:
        file = directory / NAME
        handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            _lock(handle)
        except (BlockingIOError, PermissionError):  # the second is that of Windows
            holder = _content(handle)
            os.close(handle)
            raise LockedError(
                f"[Checkpointer] {str(directory)!r} is being written to by {holder}: end that "
                "one, or take another directory; Checkpointer(..., read_only=True) only reads"
            ) from None
        except OSError:  # a file system without locks
            os.close(handle)
            raise
        self.release = weakref.finalize(self, os.close, handle)
        text = f"process {os.getpid()} on {socket.gethostname()}\n".encode()
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, text)


def _content(handle: int) -> str:
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        text = os.read(handle, 200).decode("utf-8", "replace").strip()
    except OSError:  # Windows: what is locked cannot be read
        text = ""
    return text or "another process"


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, 1 << 20, os.SEEK_SET)  # behind the text, which others may read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
