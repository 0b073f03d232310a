"""Pytrees in ``.npz`` files, without pickle.

The file is a zip archive of one ``.npy`` file per array, named by its path in the tree, so that
`numpy.load` reads it too. Beside them lies ``rtorch.json``: the structure, the Python scalars
and strings, and the dtypes that NumPy has no name for. A file is written to the end first and put
under its name only when it is complete.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

import rtorch as rt
from rtorch.atomic import replacing
from rtorch.errors import ArgumentError, DTypeError, api, describe
from rtorch.io import npy, zip_writer
from rtorch.io.mapped import PathLike, reading
from rtorch.io.names import leaf_names
from rtorch.io.npz_file import FORMAT, HEADER, SCALARS, VERSION, NpzFile
from rtorch.io.report import Comparison, comparison, wanted
from rtorch.io.structure import Json, encode


@api
def save(path: PathLike, tree: Any, *, metadata: Any = None, compress: bool = False) -> None:
    """Write a pytree to an ``.npz`` file, all of it or nothing.

    The file is written under another name next to `path` and then renamed, so that a crash leaves
    what was there before. Arrays keep their exact dtypes (bfloat16 is stored as uint16, which the
    header records); Python scalars, strings and None come back as such, and weak dtypes
    stay weak.

    Args:
        path: Where to; without a suffix ``.npz`` is added, as `numpy.savez` does.
        tree: A pytree of arrays, numbers and strings. Named tuples and registered classes can be
            saved; to load them takes ``like=``.
        metadata: Anything that JSON can hold; `load_metadata` reads it.
        compress: Whether to deflate the arrays: smaller, slower, and not to be mapped into memory.

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
    content = packed(tree, metadata)
    with replacing(_file(path)) as stream:
        write(stream, content, compress=compress)


class Packed(NamedTuple):
    """What goes into a file; it shares the memory of arrays, which therefore stays as it is."""

    header: bytes
    arrays: dict[str, np.ndarray[Any, Any]]


def packed(tree: Any, metadata: Any = None) -> Packed:
    """A tree as the content of a file.

    Arrays on the CPU are not copied: as long as the result refers to their memory, a jitted
    function that they are donated to takes other memory.
    """
    names = leaf_names(tree)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    leaves = [
        _entry(leaf, name, rt.tree.keystr(path), arrays)
        for name, (path, leaf) in zip(names, rt.tree.leaves_with_path(tree), strict=True)
    ]
    header = {
        "format": FORMAT,
        "version": VERSION,
        "tree": encode(tree, iter(leaves)),
        "metadata": metadata,
    }
    try:
        text = json.dumps(header, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"[save] metadata: JSON cannot hold it: {error}") from None
    return Packed(text.encode(), arrays)


def write(stream: BinaryIO, content: Packed, *, compress: bool = False) -> None:
    """Write the bytes of a file."""
    with zipfile.ZipFile(stream, "w") as archive:
        zip_writer.write(archive, HEADER, content.header)
        for name, array in content.arrays.items():
            with zip_writer.create(archive, f"{name}.npy", compress=compress) as member:
                npy.write(member, array)


def _entry(leaf: Any, name: str, path: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Json:
    """What the header says of a leaf; the values of an array go into `arrays`."""
    kind = type(leaf).__name__
    if type(leaf) is SCALARS.get(kind):
        # repr of numbers: JSON has no inf, nan and complex, and other readers round large integers
        return {"leaf": name, kind: leaf if kind in ("str", "bool") else repr(leaf)}
    try:
        converted = rt.asarray(leaf)
        array = np.asarray(converted)
    except (ArgumentError, DTypeError) as error:
        raise ArgumentError(
            f"[save] tree{path}: expected an array, a number or a string, got {describe(leaf)}"
        ) from error
    dtype = array.dtype
    arrays[name] = array.view(np.uint16) if str(dtype) == "bfloat16" else array
    about: Json = {"leaf": name, "dtype": str(dtype)}
    # a reader that does not know of it takes the array for an ordinary one
    return {**about, "weak": True} if converted.weak_type else about


def _file(path: PathLike) -> Path:
    file = Path(path)
    return file if file.suffix else file.with_name(file.name + ".npz")


@api
def load(path: PathLike, like: Any = None, *, strict: bool = True, mmap: bool = False) -> Any:
    """Read a pytree that `save` wrote.

    Args:
        path: The file; without a suffix ``.npz`` is added.
        like: A pytree of the structure to build, with arrays or specs as leaves. Paths, shapes
            and dtypes must be those of the file. Arrays go to the devices of those of `like`.
        strict: False takes from the file what fits, and the leaves of `like` where it has none or
            another shape or dtype; `compare` says which these are.
        mmap: Whether the arrays share the memory of the mapped file, which is read where it is
            touched, and not checked for damage. Do not change the file while they are in use.

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
    if like is None and not strict:
        raise ArgumentError("[load] strict=False takes what fits `like`: give load(path, like=...)")
    with reading("load", _file(path)):
        file = NpzFile(_file(path))
        if like is None:
            return file.tree(mmap)
        target = wanted(like, leaf_names(like))
        found = comparison(file.forms(), target.forms)
        if strict:
            found.check("load", target.shown)
        return target.filled("load", found, lambda name: file.value(name, mmap))


@api
def compare(path: PathLike, like: Any) -> Comparison:
    """What a file of `save` has in common with a tree; no array is read.

    Args:
        path: The file; without a suffix ``.npz`` is added.
        like: A pytree with arrays or specs as leaves.

    Returns:
        The names of the leaves that are the same, missing, unexpected, or of another form.

    Raises:
        FileFormatError: if the file is damaged or was not written by `save`.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rt.save(os.path.join(folder, "x"), {"w": rt.ones(2), "old": 1})
        ...     rt.io.compare(os.path.join(folder, "x"), {"w": rt.ones(3), "b": rt.ones(1)})
        Comparison: 0 leaves are the same
          missing: b
          unexpected: old
          w: float32[2] in the file, float32[3] in like
    """
    with reading("compare", _file(path)):
        file = NpzFile(_file(path))
        return comparison(file.forms(), wanted(like, leaf_names(like)).forms)


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
    with reading("load_metadata", _file(path)):
        return NpzFile(_file(path)).metadata
