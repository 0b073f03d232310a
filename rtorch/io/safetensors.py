"""Arrays in safetensors files, by the package ``safetensors``.

The format holds a flat list of named arrays and text beside them, and nothing else. A tree is
written under dotted names, ``layers.0.weight``, as PyTorch and its libraries name parameters.
Format: https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.atomic import draft
from rtorch.errors import (
    ArgumentError,
    DTypeError,
    FileFormatError,
    MissingDependencyError,
    api,
    describe,
)
from rtorch.io.entry import Archive, Entry, owned, to_array
from rtorch.io.mapped import PathLike, mapped, reading
from rtorch.io.report import comparison, wanted
from rtorch.io.torch_tensors import dtype_named

# The format's names of dtypes, and ours. Those with less than a byte per element are not read.
_DTYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "F16": "float16",
    "BF16": "bfloat16", "U32": "uint32", "I32": "int32", "F32": "float32", "U64": "uint64",
    "I64": "int64", "F64": "float64", "C64": "complex64", "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}  # fmt: skip
_WRITTEN = frozenset(_DTYPES.values())


def _package(function: str) -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise MissingDependencyError(
            f"[{function}] needs the package safetensors: pip install 'rtorch[safetensors]'"
        ) from None
    return safetensors


@api
def save_safetensors(
    path: PathLike, tensors: Any, metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays to a safetensors file, all of it or nothing.

    Args:
        path: Where to, by custom with the suffix ``.safetensors``.
        tensors: A dict of names and arrays, or any pytree of arrays; its leaves are named by
            their paths, with dots: ``{"layers": [{"weight": w}]}`` is ``layers.0.weight``.
        metadata: Names and texts, which are stored beside the arrays.

    Raises:
        ArgumentError: if a leaf is no array, two leaves have one name, or the metadata are no text.
        DTypeError: if the format does not have the dtype (complex128).
        MissingDependencyError: if the package ``safetensors`` is not installed.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "model.safetensors")
        ...     rt.io.save_safetensors(file, {"fc": {"weight": rt.ones(2)}}, {"epoch": "3"})
        ...     rt.io.load_safetensors(file)
        {'fc.weight': Array([1., 1.], dtype=float32)}
    """
    package = _package("save_safetensors")
    text = dict(metadata or {})
    if not all(isinstance(part, str) for pair in text.items() for part in pair):
        raise ArgumentError("[save_safetensors] metadata: names and values must be strings")
    pairs = rt.tree.leaves_with_path(tensors)
    arrays = {
        name: _numpy(leaf, name)
        for name, (_, leaf) in zip(_names(tensors, "save_safetensors"), pairs, strict=True)
    }
    with draft(Path(path)) as file:
        package.numpy.save_file(arrays, str(file), text or None)


def _names(tree: Any, function: str) -> list[str]:
    """The dotted names of the leaves, all different."""
    paths = [path for path, _ in rt.tree.leaves_with_path(tree)]
    names = [".".join(rt.tree.keystr((s,), simple=True) for s in p) or "value" for p in paths]
    first: dict[str, Any] = {}
    for name, path in zip(names, paths, strict=True):
        if first.setdefault(name, path) is not path or name == "__metadata__":
            raise ArgumentError(
                f"[{function}] tree{rt.tree.keystr(path)}: the name {name!r} is taken: by "
                f"tree{rt.tree.keystr(first[name])} or by the format itself"
            )
    return names


def _numpy(leaf: Any, name: str) -> np.ndarray[Any, Any]:
    if not hasattr(leaf, "dtype") or not hasattr(leaf, "shape"):
        raise ArgumentError(
            f"[save_safetensors] {name!r}: expected an array, got {describe(leaf)}; numbers can "
            "go into metadata, as text"
        )
    array = np.asarray(rt.asarray(leaf))
    if str(array.dtype) not in _WRITTEN:
        raise DTypeError(
            f"[save_safetensors] {name!r}: safetensors has no {array.dtype}; save x.real and "
            "x.imag, or use rt.save"
        )
    return np.ascontiguousarray(array).reshape(array.shape)


@api
def load_safetensors(
    path: PathLike, like: Any = None, *, strict: bool = True, device: Any = None, mmap: bool = False
) -> Any:
    """Read a safetensors file.

    Args:
        path: The file.
        like: A pytree of arrays or specs to build, whose leaves have the names that
            `save_safetensors` gives them; None builds a dict.
        strict: False takes the leaves of `like` where the file has none, or one of another shape
            or dtype.
        device: Where the arrays go to; None leaves them on the CPU.
        mmap: Whether the arrays lie over the mapped file, which is read where it is touched. Do
            not change the file while they are in use.

    Returns:
        A dict of names and Arrays; with `like`, a tree of its structure.

    Raises:
        FileFormatError: if the file is damaged, or has a dtype that rtorch does not compute with.
        TreeError: if it does not fit `like`, naming the leaves.
        MissingDependencyError: if the package ``safetensors`` is not installed.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "model.safetensors")
        ...     rt.io.save_safetensors(file, [rt.ones(2), rt.zeros(1)])
        ...     rt.io.load_safetensors(file, like=[rt.spec(2), rt.spec(1)])
        [Array([1., 1.], dtype=float32), Array([0.], dtype=float32)]
    """
    if like is None and not strict:
        raise ArgumentError("[load_safetensors] strict=False takes what fits `like`: give like=...")
    with reading("load_safetensors", path):
        file = archive(Path(path))

        def value(name: str) -> rt.Array:
            x = to_array(file[name]._array(not mmap), name)
            return x if device is None else x.to(device)

        if like is None:
            return {name: value(name) for name in file}
        target = wanted(like, _names(like, "load_safetensors"))
        found = comparison(file.forms(), target.forms)
        if strict:
            found.check("load_safetensors", target.shown)
        return target.filled("load_safetensors", found, value)


def archive(path: Path) -> Archive:
    """The arrays of a file by their names, none of them read.

    The package checks the header: that sizes fit shapes, and that the arrays cover the file
    without gaps. They follow each other, so their places are known from their sizes.
    """
    package = _package("open")
    data = mapped(path)
    try:
        with package.safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata()
            found = [(name, file.get_slice(name)) for name in file.offset_keys()]
            forms = [(name, s.get_dtype(), tuple(s.get_shape())) for name, s in found]
    except package.SafetensorError as error:
        raise FileFormatError(f"it is damaged or no safetensors file: {error}") from None
    at = 8 + int.from_bytes(data[:8], "little")
    entries = []
    for name, code, shape in forms:
        if code not in _DTYPES:
            raise FileFormatError(f"{name!r} has the dtype {code}, which is not read here")
        dtype = dtype_named(_DTYPES[code])
        entries.append(_entry(path, name, dtype, shape, data, at))
        at += entries[-1].nbytes
    if at != len(data):
        raise FileFormatError("the arrays do not cover the file: it is damaged")
    return Archive("safetensors", entries, metadata)


def _entry(
    path: Path, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], data: memoryview, at: int
) -> Entry:
    def array(copy: bool) -> np.ndarray[Any, Any]:
        try:
            if not math.prod(shape):
                return np.empty(shape, dtype)
            view = np.ndarray(shape, dtype.newbyteorder("<"), data, at)
            return owned(view) if copy else view
        except (ValueError, OverflowError, MemoryError) as error:
            raise FileFormatError(f"NumPy has no array of shape {shape}: {error}") from None

    return Entry(path, name, dtype, shape, array)
