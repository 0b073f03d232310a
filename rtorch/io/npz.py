"""Pytrees as ``.npz`` files: `save` and `load`.

An archive of one ``.npy`` member per array, named after its path, and one ``rtorch.json`` with
the structure, the dtypes that NumPy has not, the Python scalars and the metadata. `numpy.load`
reads the arrays; nothing is ever pickled. A file appears under its name only when it is complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    DTypeError,
    FileFormatError,
    RtorchError,
    TreeError,
    api,
    describe,
)
from rtorch.io.names import leaf_names
from rtorch.io.structure import Json, decode, encode, entries

PathLike: TypeAlias = str | os.PathLike[str]

_HEADER = "rtorch.json"
_FORMAT, _VERSION = "rtorch.tree", 1
_SCALARS: dict[str, type] = {t.__name__: t for t in (bool, int, float, complex, str)}
_MOST_SHOWN = 5  # differences in one message


@api
def save(path: PathLike, tree: Any, *, metadata: Any = None) -> None:
    """Write a pytree to an ``.npz`` file, all of it or nothing.

    The file is written under another name next to `path` and then renamed, so that a crash leaves
    what was there before. Arrays keep their exact dtypes (bfloat16 is stored as uint16, which the
    header records); Python scalars, strings and None come back as such.

    Args:
        path: Where to; without a suffix ``.npz`` is added, as `numpy.savez` does.
        tree: A pytree of arrays, numbers and strings. Named tuples and registered classes can be
            saved; to load them takes ``like=``.
        metadata: Anything that JSON can hold; `load_metadata` reads it.

    Raises:
        ArgumentError: if a leaf, a key of a dict or the metadata cannot be saved.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "params.npz")
        ...     rt.save(file, {"w": rt.ones(2), "epochs": 3}, metadata={"note": "first"})
        ...     rt.load(file)
        {'w': Array([1., 1.], dtype=float32), 'epochs': 3}
    """
    names = leaf_names(tree)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    leaves = [
        _entry(leaf, name, rt.tree.keystr(path), arrays)
        for name, (path, leaf) in zip(names, rt.tree.leaves_with_path(tree), strict=True)
    ]
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "tree": encode(tree, iter(leaves)),
        "metadata": metadata,
    }
    try:
        text = json.dumps(header, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"[save] metadata: JSON cannot hold it: {error}") from None
    with _replacing(_file(path)) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(_HEADER, text)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(cast(Any, member), array, allow_pickle=False)


def _entry(leaf: Any, name: str, path: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Json:
    """What the header says of a leaf; the values of an array go into `arrays`."""
    kind = type(leaf).__name__
    if type(leaf) is _SCALARS.get(kind):
        # repr of numbers: JSON has no inf, nan and complex, and other readers round large integers
        return {"leaf": name, kind: leaf if kind in ("str", "bool") else repr(leaf)}
    try:
        array = np.asarray(rt.asarray(leaf))
    except (ArgumentError, DTypeError) as error:
        raise ArgumentError(
            f"[save] tree{path}: expected an array, a number or a string, got {describe(leaf)}"
        ) from error
    dtype = array.dtype
    arrays[name] = array.view(np.uint16) if str(dtype) == "bfloat16" else array
    return {"leaf": name, "dtype": str(dtype)}


def _file(path: PathLike) -> Path:
    file = Path(path)
    return file if file.suffix else file.with_name(file.name + ".npz")


@contextlib.contextmanager
def _replacing(file: Path) -> Iterator[Any]:
    """A new file, which takes the place of `file` when the block ends without an error."""
    file = file.resolve()  # a link stays a link
    draft = file.with_name(f".{file.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@api
def load(path: PathLike, like: Any = None) -> Any:
    """Read a pytree that `save` wrote.

    Args:
        path: The file; without a suffix ``.npz`` is added.
        like: A pytree of the structure to build, with arrays or specs as leaves. Paths, shapes
            and dtypes must be those of the file. Arrays go to the devices of those of `like`.

    Returns:
        The tree as it was saved; with `like`, a tree of the structure of `like`.

    Raises:
        FileFormatError: if the file is damaged or was not written by `save`.
        TreeError: if it does not fit `like`, naming the paths; or if it holds a named tuple or a
            registered class and `like` is missing.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> state = rt.optim.sgd(0.1).init(rt.ones(2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rt.save(os.path.join(folder, "state"), state)
        ...     rt.load(os.path.join(folder, "state"), like=state)
        SGDState(step=Array(0, dtype=int32), momentum=None)
    """
    with _reading(_file(path)) as (archive, header):
        if like is None:
            return decode(header["tree"], lambda entry: _value(archive, entry))
        return _load_like(archive, header["tree"], like)


@api
def load_metadata(path: PathLike) -> Any:
    """The `metadata` that a file was saved with; the arrays are not read.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rt.save(os.path.join(folder, "params"), rt.ones(2), metadata={"epochs": 3})
        ...     rt.io.load_metadata(os.path.join(folder, "params"))
        {'epochs': 3}
    """
    with _reading(_file(path)) as (_, header):
        return header.get("metadata")


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Json]]]:
    """The open archive and its header; what goes wrong inside is a `FileFormatError`."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive, _header(archive)
    except RtorchError as error:
        if isinstance(error, FileFormatError):
            raise FileFormatError(f"{error.args[0]} (file {str(file)!r})") from error.__cause__
        raise
    except (zipfile.BadZipFile, EOFError, UnicodeDecodeError, ValueError, KeyError) as error:
        raise FileFormatError(
            f"[load] {str(file)!r} is damaged or no .npz file: {error}"
        ) from error


def _header(archive: zipfile.ZipFile) -> dict[str, Json]:
    if _HEADER not in archive.namelist():
        raise FileFormatError(
            f"[load] there is no {_HEADER} in it: rt.save did not write it. numpy.load reads "
            "other .npz files, and rt.tree puts the arrays into a tree"
        )
    header = json.loads(archive.read(_HEADER))
    if not isinstance(header, dict) or header.get("format") != _FORMAT or "tree" not in header:
        raise FileFormatError(f"[load] {_HEADER} is not a header of the format {_FORMAT!r}")
    if header.get("version") != _VERSION:
        raise FileFormatError(
            f"[load] version {header.get('version')} of the format {_FORMAT!r}: this rtorch reads "
            f"version {_VERSION}"
        )
    return header


def _value(archive: zipfile.ZipFile, entry: Json) -> Any:
    """The leaf that an entry of the header describes."""
    name = entry["leaf"]
    if "dtype" not in entry:
        kind = next((kind for kind in _SCALARS if kind in entry), None)
        if kind is None:
            raise FileFormatError(f"[load] the entry of {name!r} has neither dtype nor value")
        return _SCALARS[kind](entry[kind])
    with archive.open(f"{name}.npy") as member:
        array = np.lib.format.read_array(cast(Any, member), allow_pickle=False)
    stored, wanted = array.dtype, entry["dtype"]
    if wanted == "bfloat16" and stored == np.uint16:
        array = array.view(rt.bfloat16)
    elif str(stored) != wanted:
        raise FileFormatError(
            f"[load] {name!r} has dtype {stored}, the header says {wanted}: it was changed"
        )
    return rt.asarray(array)


def _load_like(archive: zipfile.ZipFile, structure: Json, like: Any) -> Any:
    found = {entry["leaf"]: entry for entry in entries(structure)}
    names = leaf_names(like)
    paths, leaves = zip(*rt.tree.leaves_with_path(like), strict=True) if names else ((), ())
    shown = dict(zip(names, [f"tree{rt.tree.keystr(path)}" for path in paths], strict=True))
    problems = [f"missing: {shown[name]}" for name in names if name not in found]
    problems += [f"unexpected: {name!r}" for name in found if name not in shown]
    if problems:
        raise _misfit("the paths of the file are not those of like", problems)
    values = [_value(archive, found[name]) for name in names]
    for name, value, leaf in zip(names, values, leaves, strict=True):
        if _form(value) != _form(leaf):
            problems.append(f"{shown[name]}: {_form(value)} in the file, {_form(leaf)} in like")
    if problems:
        raise _misfit("what the file holds is not what like asks for", problems)
    placed = [_place(value, leaf) for value, leaf in zip(values, leaves, strict=True)]
    return rt.tree.unflatten(rt.tree.structure(like), placed)


def _misfit(what: str, problems: list[str]) -> TreeError:
    lines = problems[:_MOST_SHOWN]
    if len(problems) > _MOST_SHOWN:
        lines.append(f"... and {len(problems) - _MOST_SHOWN} more")
    return TreeError("\n  ".join([f"[load] {what}:", *lines]))


def _form(leaf: Any) -> str:
    """Shape and dtype of an array or spec, the type of anything else."""
    if type(leaf) in _SCALARS.values() or not hasattr(leaf, "dtype"):
        return f"a Python {type(leaf).__name__}"
    return f"{leaf.dtype}[{', '.join(map(str, leaf.shape))}]"


def _place(value: Any, leaf: Any) -> Any:
    """`value` on the device of `leaf`, if both are arrays."""
    if isinstance(value, rt.Array) and isinstance(leaf, rt.Array):
        return value.to(leaf.device)
    return value
