"""Files of arrays as the commands see them: a format is told from the first bytes.

To add a format: a function that lists what is in such a file, and a line in `FORMATS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import rtorch as rt
from rtorch.errors import FileFormatError

_IDX_DTYPES = [bytes([code]) for code in (8, 9, 11, 12, 13, 14)]
_MOST_FILES = 10_000  # in a folder


class Item(NamedTuple):
    """An array in a file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int


class Listing(NamedTuple):
    """What is in a file; `others` are numbers and strings beside the arrays."""

    format: str
    arrays: list[Item]
    metadata: Any = None
    others: dict[str, Any] = {}  # noqa: RUF012 - nobody writes to it


class Format(NamedTuple):
    """How a format is told, by the first 16 bytes and the path, and listed."""

    name: str
    is_this: Callable[[bytes, Path], bool]
    look: Callable[[Path], Listing]


def look(path: Path) -> Listing:
    """List a file, or the files of known formats in a folder.

    Raises:
        FileFormatError: if it is of no format that is known, or damaged.
        OSError: if it cannot be read.
    """
    return _folder(path) if path.is_dir() else format_of(path).look(path)


def format_of(path: Path) -> Format:
    """The format of a file."""
    with path.open("rb") as file:
        start = file.read(16)
    for known in FORMATS:
        if known.is_this(start, path):
            return known
    raise FileFormatError(
        f"{str(path)!r} is of no known format ({', '.join(f.name for f in FORMATS)}); it begins "
        f"with the bytes {start[:8].hex(' ') or '(none: it is empty)'}"
    )


def load(path: Path) -> tuple[Any, Any]:
    """The tree of arrays in a file, and its metadata."""
    name = format_of(path).name
    if name == "npy":
        return {path.stem: rt.asarray(rt.data.read_npy(path))}, None
    if name == "idx":
        return {path.name.partition(".")[0]: rt.asarray(rt.data.read_idx(path))}, None
    archive = rt.io.open(path)
    if archive.format == "torch":
        return rt.io.load_torch(path), None
    if archive.format == "npz" and _is_own(path):
        return rt.load(path), archive.metadata
    return {entry: archive[entry].read() for entry in archive} | archive.others, archive.metadata


def _is_own(path: Path) -> bool:
    """Whether `rt.save` wrote it, and it can be built without a tree to take as an example."""
    try:
        rt.load(path, mmap=True)
    except (ValueError, TypeError):
        return False
    return True


# ---- one function for each format ----------------------------------------------------------------


def _archive(path: Path) -> Listing:
    found = rt.io.open(path)
    items = [Item(e.name, str(e.dtype), e.shape, e.nbytes) for e in found.values()]
    return Listing(found.format, items, found.metadata, dict(found.others))


def _npy(path: Path) -> Listing:
    try:
        x = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # of a damaged header, whatever Python's parser raises
        raise FileFormatError(f"{str(path)!r} is damaged or holds objects: {error}") from None
    return Listing("npy", [Item(path.stem, str(x.dtype), x.shape, x.nbytes)])


def _idx(path: Path) -> Listing:
    x = rt.data.read_idx(path)
    return Listing("idx", [Item(path.name.partition(".")[0], str(x.dtype), x.shape, x.nbytes)])


def _folder(path: Path) -> Listing:
    """The files of known formats in it, such as those of a checkpoint."""
    files = sorted(file for file in path.rglob("*") if file.is_file())[:_MOST_FILES]
    arrays: list[Item] = []
    metadata: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for file in files:
        name = file.relative_to(path).as_posix()
        if file.suffix == ".json":
            metadata[name] = _without_checksums(_json(file))
            continue
        try:
            found = look(file)
        except FileFormatError:
            if file.suffix in (".npz", ".npy", ".safetensors", ".pt", ".pth"):
                raise
            continue
        arrays += [item._replace(name=f"{name}: {item.name}") for item in found.arrays]
        others.update((f"{name}: {key}", value) for key, value in found.others.items())
        if found.metadata is not None:
            metadata[name] = found.metadata
    if not arrays:
        raise FileFormatError(f"there are no files of arrays in the folder {str(path)!r}")
    return Listing("folder", arrays, metadata or None, others)


def _without_checksums(content: Any) -> Any:
    """What the manifest of a checkpoint says, but for its files; anything else as it is."""
    about = content.get("checkpoint") if isinstance(content, dict) else None
    if not isinstance(about, dict) or about.get("format") != "rtorch.checkpoint":
        return content
    return {name: about.get(name) for name in ("step", "time", "metrics", "metadata")}


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return "(no JSON)"


def _is_idx(start: bytes, path: Path) -> bool:
    packed = start[:2] == b"\x1f\x8b" and "idx" in path.name
    return packed or (start[:2] == b"\0\0" and start[2:3] in _IDX_DTYPES)


def _is_archive(start: bytes, path: Path) -> bool:
    return start[:4] in (b"PK\3\4", b"PK\5\6") or start[:1] == b"\x80" or start[8:9] == b"{"


FORMATS = (
    Format("npy", lambda start, path: start.startswith(b"\x93NUMPY"), _npy),
    Format("npz, safetensors, pth", _is_archive, _archive),
    Format("idx", _is_idx, _idx),
)
