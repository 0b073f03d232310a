"""The manifest of a checkpoint: which files belong to it, how long they are, their checksums.

It is a JSON file, ``{"sha256": ..., "checkpoint": {...}}``, whose first member is the checksum of
the bytes of the second, so that a manifest that was cut or changed is told from a good one.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from rtorch.errors import FileFormatError

NAME = "manifest.json"
FORMAT, VERSION = "rtorch.checkpoint", 1

_LARGEST = 16 << 20
_START, _MIDDLE, _END = b'{"sha256": "', b'",\n"checkpoint": ', b"}\n"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows
_LONGEST = 80  # of a file's name, in characters


class OtherVersionError(FileFormatError):
    """A sound manifest of a format that this version does not read."""


class File(NamedTuple):
    """A file of a checkpoint."""

    name: str
    size: int
    sha256: str


class Manifest(NamedTuple):
    """What a checkpoint says of itself."""

    step: int
    time: float  # seconds since 1970
    metrics: dict[str, float]
    metadata: Any
    files: dict[str, File]  # by the names of the items

    def encoded(self) -> bytes:
        """The content of the manifest file."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "step": self.step,
            "time": self.time,
            "metrics": {name: _number(value) for name, value in self.metrics.items()},
            "metadata": self.metadata,
            "files": {item: list(file) for item, file in self.files.items()},
        }
        body = json.dumps(content, indent=1, allow_nan=False).encode()
        digest = hashlib.sha256(body).hexdigest().encode()
        return _START + digest + _MIDDLE + body + _END


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else repr(value)  # JSON has no inf and nan


def decoded(raw: bytes) -> Manifest:
    """The manifest in the bytes of a file."""
    head = len(_START) + 64 + len(_MIDDLE)
    digest = raw[len(_START) : len(_START) + 64]
    if raw != _START + digest + _MIDDLE + raw[head : -len(_END)] + _END:
        raise FileFormatError(f"{NAME} is cut short, or none that a Checkpointer writes")
    body = raw[head : -len(_END)]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise FileFormatError(f"{NAME} was changed: its checksum is another")
    try:
        return _manifest(json.loads(body))
    except FileFormatError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise FileFormatError(f"{NAME} is none that a Checkpointer writes") from None


def _manifest(content: dict[str, Any]) -> Manifest:
    if content["format"] != FORMAT:
        raise FileFormatError(f"{NAME} is not of the format {FORMAT!r}")
    if content["version"] != VERSION:
        raise OtherVersionError(
            f"version {str(content['version'])[:20]} of the format {FORMAT!r}: this rtorch reads "
            f"version {VERSION}"
        )
    metrics = {name: float(value) for name, value in content["metrics"].items()}
    files = {item: _file(entry) for item, entry in content["files"].items()}
    step, time = content["step"], float(content["time"])
    if type(step) is not int or step < 0:
        raise ValueError
    return Manifest(step, time, metrics, content["metadata"], files)


def _file(entry: list[Any]) -> File:
    name, size, digest = entry
    if type(size) is not int or size < 0 or not _DIGEST.fullmatch(digest):
        raise ValueError
    if name != safe_name(name.removesuffix(".npz")):  # which has no path and no drive in it
        raise FileFormatError(f"{NAME} names a file that no Checkpointer writes: {name[:60]!r}")
    return File(name, size, digest)


def read(open_file: Callable[[], Any]) -> Manifest:
    """The manifest in a file that ``open_file()`` opens."""
    with open_file() as stream:
        raw = stream.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise FileFormatError(f"{NAME} has more than {_LARGEST} bytes")
    return decoded(raw)


def safe_name(item: str) -> str:
    """A file's name for an item, which every system takes: percent-encoded where it must be."""
    text = "".join(
        c if c.isascii() and (c.isalnum() or c in "_-.~%") else _percent(c) for c in item
    )
    text = text[:_LONGEST]
    if not text or text[0] == "." or _RESERVED.fullmatch(text):
        text = "%" + text
    return f"{text}.npz"


def _percent(c: str) -> str:
    return "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogatepass"))


def file_names(items: Iterable[str]) -> dict[str, str]:
    """File names for items, different also where upper and lower case are the same."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for item in items:
        name, n = safe_name(item), 1
        while name.casefold() in taken:
            n += 1
            name = safe_name(f"{item[:20]}~{n}")
        taken.add(name.casefold())
        names[item] = name
    return names
