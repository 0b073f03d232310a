"""Zip archives whose uncompressed members start at multiples of 64 bytes.

So they can be mapped into memory as they are, also by PyTorch. The same content gives the same
bytes: no times are recorded.
"""

from __future__ import annotations

import struct
import zipfile
from typing import IO

ALIGNMENT = 64
_PADDING = 0x4246  # kind of the extra field, "FB": that which PyTorch uses for the same purpose
_SIZES = 20  # bytes of the extra field of 64-bit sizes, which zipfile adds


def create(archive: zipfile.ZipFile, name: str, *, compress: bool = False) -> IO[bytes]:
    """A stream into a new member of `archive`."""
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o644 << 16
    if compress:
        info.compress_type = zipfile.ZIP_DEFLATED
    else:
        start = archive.start_dir + 30 + len(name.encode()) + _SIZES + 4
        padding = -start % ALIGNMENT
        info.extra = struct.pack("<2H", _PADDING, padding) + b"\0" * padding
    return archive.open(info, "w", force_zip64=True)


def write(archive: zipfile.ZipFile, name: str, value: bytes | memoryview) -> None:
    """A new member of `archive` with these bytes."""
    with create(archive, name) as member:
        member.write(value)
