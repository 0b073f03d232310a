"""An ``.npz`` file that is there: its header, its members, and the arrays in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.core.array import rebuild
from rtorch.errors import FileFormatError, RtorchError
from rtorch.io import npy, zip_reader
from rtorch.io.entry import Archive, Entry, owned, to_array
from rtorch.io.mapped import ALLOWANCE, mapped
from rtorch.io.report import array_form
from rtorch.io.structure import Json, decode, entries
from rtorch.io.zip_reader import Member

HEADER = "rtorch.json"
FORMAT, VERSION = "rtorch.tree", 1
SCALARS: dict[str, type] = {t.__name__: t for t in (bool, int, float, complex, str)}

_NPY = ".npy"
# What deflated arrays may expand to where nobody has said how large they are to be.
_MOST_EXPANDED, _MOST_TIMES = ALLOWANCE, 100
_LARGEST_HEADER = 8 << 20  # where it is compressed, which save does not do


class NpzFile:
    """The members of a file and what its header says of them."""

    def __init__(self, path: Path) -> None:
        self._path, self._data = path, mapped(path)
        self._members = zip_reader.members(self._data)
        self._header = self._read_header() if HEADER in self._members else None
        self.leaves: dict[str, Json] = self._read_leaves() if self._header else {}

    def _read_header(self) -> dict[str, Json]:
        member = self._members[HEADER]
        if member.compressed and member.size > _LARGEST_HEADER:
            raise FileFormatError(f"{HEADER} says to have {member.size} bytes")
        most = ALLOWANCE + len(self._data)
        header = _parsed(zip_reader.content(self._data, member), most)
        if not isinstance(header, dict) or header.get("format") != FORMAT or "tree" not in header:
            raise FileFormatError(f"{HEADER} is not a header of the format {FORMAT!r}")
        if header.get("version") != VERSION:
            raise FileFormatError(
                f"version {str(header.get('version'))[:20]} of the format {FORMAT!r}: this rtorch "
                f"reads version {VERSION}"
            )
        return header

    def _read_leaves(self) -> dict[str, Json]:
        """What the header says of each leaf, by name."""
        try:
            return {entry["leaf"]: entry for entry in entries(self.header["tree"])}
        except (TypeError, ValueError, RecursionError):
            raise FileFormatError(f"{HEADER} has no tree that save writes") from None

    @property
    def header(self) -> dict[str, Json]:
        """What `save` wrote beside the arrays."""
        if self._header is None:
            raise FileFormatError(
                f"there is no {HEADER} in it: rt.save did not write it. rt.io.open and numpy.load "
                "read other .npz files, and rt.tree puts the arrays into a tree"
            )
        return self._header

    @property
    def metadata(self) -> Any:
        """What the user saved beside the tree."""
        return self.header.get("metadata")

    def forms(self) -> dict[str, str]:
        """Shape and dtype of each array, the type of each other leaf."""
        _ = self.header  # there must be one
        return {name: self._form(name, entry) for name, entry in self.leaves.items()}

    def _form(self, name: str, entry: Json) -> str:
        if "dtype" not in entry:
            return f"a Python {_kind(entry)}"
        return array_form(*self._type(name))

    def tree(self, mmap: bool) -> Any:
        """The tree as it was saved."""
        expanded = sum(m.size for m in self._members.values() if m.compressed)
        if expanded > _MOST_EXPANDED + _MOST_TIMES * len(self._data):
            raise FileFormatError(
                f"its {len(self._data)} bytes expand to {expanded}, more than is read unasked: "
                "load(path, like=tree) with a tree of this size"
            )
        try:
            return decode(self.header["tree"], lambda entry: self.value(entry["leaf"], mmap))
        except RtorchError:
            raise
        except (TypeError, ValueError, KeyError, OverflowError, RecursionError):
            raise FileFormatError(f"{HEADER} has no tree that save writes") from None

    def value(self, name: str, mmap: bool) -> Any:
        """The leaf of this name."""
        entry = self.leaves[name]
        if "dtype" not in entry:
            return _scalar(entry)
        self._type(name)  # before anything large is inflated
        x = to_array(self._array(name, copy=not mmap), name)
        return rebuild(np.asarray(x), True) if entry.get("weak") is True else x

    @property
    def is_torch(self) -> bool:
        """Whether ``torch.save`` wrote it."""
        return any(name.endswith("/data.pkl") for name in self._members)

    def archive(self) -> Archive:
        """All arrays, none of them read."""
        found = [n.removesuffix(_NPY) for n in self._members if n.endswith(_NPY)]
        return Archive(
            "npz",
            [self._lazy(name) for name in found],
            self.metadata if self._header else None,
            {name: _scalar(e) for name, e in self.leaves.items() if "dtype" not in e},
        )

    def _lazy(self, name: str) -> Entry:
        return Entry(self._path, name, *self._type(name), lambda copy: self._array(name, copy))

    # -- one array -----------------------------------------------------------------------------

    def _member(self, name: str) -> Member:
        member = self._members.get(name + _NPY)
        if member is None:
            raise FileFormatError(f"the archive has no array {name!r}: it is damaged")
        return member

    def _npy(self, name: str) -> npy.Npy:
        """The header of the ``.npy`` member; no more of it is read."""
        member = self._member(name)
        return npy.header(zip_reader.beginning(self._data, member), member.size)

    def _type(self, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """Dtype and shape of an array, in which both headers agree."""
        found = self._npy(name)
        stored = found.dtype.newbyteorder("=")
        wanted = self.leaves.get(name, {}).get("dtype", str(stored))
        if wanted == "bfloat16" and stored == np.uint16:
            return np.dtype(rt.bfloat16), found.shape
        if str(stored) != wanted:
            raise FileFormatError(
                f"{name!r} has dtype {stored}, the header says {wanted}: it was changed"
            )
        return stored, found.shape

    def _array(self, name: str, copy: bool) -> np.ndarray[Any, Any]:
        """An array in memory of its own, checked; or over the mapped file, as far as that goes."""
        member = self._member(name)
        view = npy.view(zip_reader.content(self._data, member, check=copy), self._npy(name))
        view = owned(view) if copy and not member.compressed else view
        if self.leaves.get(name, {}).get("dtype") == "bfloat16":
            return view.astype(np.uint16, copy=False).view(rt.bfloat16)
        return view


def _parsed(text: memoryview, most: int) -> Json:
    """The JSON of a header, unless its objects would take more than `most` bytes."""
    try:
        raw = str(text, "utf-8")  # json takes bytes for UTF-16 or -32, too
        if 256 * raw.count("{") + 64 * (raw.count("[") + raw.count(",")) > most:
            raise FileFormatError(f"{HEADER} holds more than a file of this size has room for")
        return json.loads(raw)
    except FileFormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{HEADER} is damaged: {error}") from None


def _kind(entry: Json) -> str:
    kind = next((kind for kind in SCALARS if kind in entry), None)
    if kind is None:
        raise FileFormatError(f"the entry of {entry['leaf']!r} has neither dtype nor value")
    return kind


def _scalar(entry: Json) -> Any:
    """The Python number or string of an entry."""
    kind = _kind(entry)
    value = entry[kind]
    if not isinstance(value, bool if kind == "bool" else str):
        raise FileFormatError(f"the entry of {entry['leaf']!r} is not one that save writes")
    try:
        return SCALARS[kind](value)
    except ValueError:
        raise FileFormatError(f"the entry of {entry['leaf']!r} is no {kind}") from None
