"""Zip archives, read strictly: only what this library and PyTorch write is accepted.

The members' places are those of the central directory, and must lie within the file without
overlapping. Nothing is unpacked to disk. Format: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from rtorch.errors import FileFormatError
from rtorch.io.mapped import budget

_END, _END64, _LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_ENTRY, _LOCAL = b"PK\1\2", b"PK\3\4"
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 1, 1 << 11  # flags
_FULL = 0xFFFFFFFF  # the value is in the 64-bit field
_MOST_DEFLATED = 1032  # times: no deflate stream can expand further
_CHUNK = 1 << 20
_COST = 1000  # bytes of Python objects for one member, about


class Member(NamedTuple):
    """Where the bytes of a member are, and what is said of them."""

    name: str
    start: int
    stored: int  # bytes in the file
    size: int  # bytes that they stand for
    crc: int

    compressed: bool


def members(data: memoryview) -> dict[str, Member]:
    """The members of an archive by name, in the order of its directory."""
    start, size, count = _directory(data)
    if count * _COST > budget(data):
        raise FileFormatError(f"the archive lists {count} members, more than it has room for")
    found: dict[str, Member] = {}
    spans: list[tuple[int, int]] = []
    for header, member in _entries(data, start, size, count):
        if member.name in found:
            raise FileFormatError(f"the archive has two members named {member.name!r}")
        found[member.name] = member
        spans.append((header, member.start + member.stored))
    spans.sort()
    for (_, end), (begin, _) in zip(spans, [*spans[1:], (start, start)], strict=True):
        if end > begin:
            raise FileFormatError("members of the archive overlap")
    return found


def content(data: memoryview, member: Member, *, check: bool = True) -> memoryview:
    """The bytes of a member: of the file itself if they are not compressed."""
    raw = data[member.start : member.start + member.stored]
    value = _inflated(raw, member) if member.compressed else raw
    if check and zlib.crc32(value) != member.crc:
        raise FileFormatError(f"{member.name!r} is damaged: its checksum is another one")
    return value


def beginning(data: memoryview, member: Member) -> memoryview:
    """The first bytes of a member, some ten thousand."""
    raw = data[member.start : member.start + min(member.stored, 1 << 16)]
    if not member.compressed:
        return raw
    try:
        return memoryview(zlib.decompressobj(-15).decompress(raw, 1 << 14))
    except zlib.error as error:
        raise FileFormatError(f"{member.name!r} is damaged: {error}") from None


def _inflated(raw: memoryview, member: Member) -> memoryview:
    """What a deflate stream holds; never more memory than the directory says."""
    result = np.empty(member.size, np.uint8)
    stream = zlib.decompressobj(-15)
    done = 0
    pending: Any = raw
    try:
        while not stream.eof:
            piece = stream.decompress(pending[:_CHUNK], _CHUNK)
            pending = stream.unconsumed_tail or pending[_CHUNK:]
            if done + len(piece) > member.size or not (piece or stream.eof or pending):
                break
            result[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
            done += len(piece)
    except zlib.error as error:
        raise FileFormatError(f"{member.name!r} is damaged: {error}") from None
    if done != member.size or not stream.eof:
        raise FileFormatError(
            f"{member.name!r} is damaged: it does not hold the {member.size} bytes that it should"
        )
    return result.data


def _unpack(form: str, data: memoryview, at: int) -> tuple[Any, ...]:
    if at < 0 or at + struct.calcsize(form) > len(data):
        raise FileFormatError("the archive ends too early: it is damaged or was truncated")
    return struct.unpack_from(form, data, at)


def _directory(data: memoryview) -> tuple[int, int, int]:
    """Where the central directory starts, its size, and the number of its entries."""
    tail = bytes(data[-(22 + 0xFFFF) :])
    found = tail.rfind(_END)
    if found < 0:
        raise FileFormatError("it is no zip archive, or its end is missing")
    end = len(data) - len(tail) + found
    _, disk, start_disk, here, count, size, start, comment = _unpack("<4s4H2IH", data, end)
    if _FULL in (size, start) or count == 0xFFFF:
        _, locator_disk, at, _ = _locator(data, end)
        fields = _unpack("<4sQ2H2I4Q", data, at)
        if fields[0] != _END64 or locator_disk:
            raise FileFormatError("the 64-bit end of the archive is not where it should be")
        disk, start_disk, here, count, size, start = fields[4:]
    if disk or start_disk or here != count or end + 22 + comment != len(data):
        raise FileFormatError("the end of the archive contradicts itself: the file is damaged")
    if start + size > end or count * 46 > size:
        raise FileFormatError("the directory of the archive does not fit into the file")
    return start, size, count


def _locator(data: memoryview, end: int) -> tuple[Any, ...]:
    fields = _unpack("<4sIQI", data, end - 20)
    if fields[0] != _LOCATOR:
        raise FileFormatError("the 64-bit end of the archive is missing")
    return fields


def _entries(data: memoryview, at: int, size: int, count: int) -> Iterator[tuple[int, Member]]:
    """The place of the local header, and the member, of each entry of the directory."""
    end = at + size
    for _ in range(count):
        fields = _unpack("<4s6H3I5H2I", data, at)
        signature, _, _, flags, method = fields[:5]
        crc, stored, size, name_length, extra_length, comment_length = fields[7:13]
        header = fields[16]
        after = at + 46 + name_length + extra_length + comment_length
        if signature != _ENTRY or after > end:
            raise FileFormatError("the directory of the archive is damaged")
        raw_name = bytes(data[at + 46 : at + 46 + name_length])
        extra = data[at + 46 + name_length : after - comment_length]
        size, stored, header = _wide(extra, size, stored, header)
        name = _name(raw_name, flags)
        if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
            raise FileFormatError(f"{name!r} is encrypted or compressed in a way not read here")
        start = _start(data, header, raw_name)
        member = Member(name, start, stored, size, crc, method == _DEFLATED)
        _check_sizes(member, len(data))
        yield header, member
        at = after
    if at != end:
        raise FileFormatError("the directory of the archive has another size than it says")


def _check_sizes(member: Member, length: int) -> None:
    most = _MOST_DEFLATED * member.stored if member.compressed else member.stored
    least = 0 if member.compressed else member.stored
    if not least <= member.size <= most or member.start + member.stored > length:
        raise FileFormatError(f"{member.name!r} says to have {member.size} bytes, which it has not")


def _wide(extra: memoryview, *values: int) -> tuple[int, ...]:
    """The values, those that are full replaced by the ones of the 64-bit extra field."""
    while len(extra) >= 4 and _FULL in values:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            needed = values.count(_FULL)
            wide = iter(_unpack(f"<{needed}Q", extra[4 : 4 + length], 0))
            return tuple(next(wide) if v == _FULL else v for v in values)
        extra = extra[4 + length :]
    return values


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError:
        raise FileFormatError("the name of a member is not Unicode") from None
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
        raise FileFormatError(f"the member {name!r} has a name that points outside the archive")
    return name


def _start(data: memoryview, header: int, name: bytes) -> int:
    """Where the bytes begin of the member whose local header is at `header`."""
    fields = _unpack("<4s5H3I2H", data, header)
    start: int = header + 30 + fields[9] + fields[10]
    if fields[0] != _LOCAL or bytes(data[header + 30 : header + 30 + fields[9]]) != name:
        raise FileFormatError(f"the member {name!r} is not where the directory says")
    return start
