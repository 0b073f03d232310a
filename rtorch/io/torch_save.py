"""Writing files that ``torch.load`` reads, also with ``weights_only=True`` and ``mmap=True``.

The pickle is written instruction by instruction, in protocol 2 as PyTorch does; there is no
object behind it that could be anything else than what stands here.
"""

from __future__ import annotations

import pickle as op  # only the names of the instructions
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.atomic import replacing
from rtorch.errors import ArgumentError, DTypeError, api, describe
from rtorch.io import zip_writer
from rtorch.io.mapped import PathLike
from rtorch.io.torch_tensors import STORAGES

_DEEPEST = 200


@api
def save_torch(path: PathLike, tree: Any) -> None:
    """Write a file that ``torch.load`` reads, all of it or nothing.

    Arrays become tensors on the CPU; an Array that occurs twice is written once, and its tensors
    share their storage.

    Args:
        path: Where to, by custom with the suffix ``.pth`` or ``.pt``.
        tree: Arrays in dicts, OrderedDicts, lists and tuples, with numbers, strings and None
            beside them; often a dict of names and Arrays, which PyTorch calls a state_dict.

    Raises:
        ArgumentError: if anything else is in `tree`, such as a named tuple.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "model.pth")
        ...     rt.io.save_torch(file, {"weight": rt.ones(2, dtype=rt.bfloat16)})
        ...     rt.io.load_torch(file)
        {'weight': Array([1, 1], dtype=bfloat16)}
    """
    file = Path(path)
    writer = _Writer()
    text = writer.whole(tree)
    root = file.stem or "archive"
    with replacing(file) as stream, zipfile.ZipFile(stream, "w") as archive:
        zip_writer.write(archive, f"{root}/data.pkl", text)
        zip_writer.write(archive, f"{root}/.format_version", b"1")
        zip_writer.write(archive, f"{root}/.storage_alignment", str(zip_writer.ALIGNMENT).encode())
        zip_writer.write(archive, f"{root}/byteorder", b"little")
        for number, x in enumerate(writer.arrays):
            zip_writer.write(archive, f"{root}/data/{number}", _little(x))
        zip_writer.write(archive, f"{root}/version", b"3\n")


def _little(x: rt.Array) -> memoryview:
    """The bytes of the elements, those of the last axis next to each other."""
    flat = np.ascontiguousarray(np.asarray(x)).reshape(-1)
    if str(flat.dtype) != "bfloat16":
        flat = flat.astype(flat.dtype.newbyteorder("<"), copy=False)
    return flat.view(np.uint8).data


class _Writer:
    """Collects the instructions, and the arrays in the order of their storages."""

    def __init__(self) -> None:
        self.arrays: list[rt.Array] = []
        self._numbers: dict[int, int] = {}  # of the arrays, by identity
        self._out = bytearray(op.PROTO + b"\2")

    def whole(self, tree: Any) -> bytes:
        """The pickle of `tree`."""
        self._value(tree, "", 0)
        return bytes(self._out + op.STOP)

    def _value(self, x: Any, path: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise ArgumentError(
                f"[save_torch] tree{path[:60]}...: nested more than {_DEEPEST} deep"
            )
        if type(x) in (dict, OrderedDict):
            self._dict(x, path, depth)
        elif type(x) in (list, tuple):
            self._out += op.MARK if type(x) is tuple else op.EMPTY_LIST + op.MARK
            for i, child in enumerate(x):
                self._value(child, f"{path}[{i}]", depth + 1)
            self._out += op.TUPLE if type(x) is tuple else op.APPENDS
        elif not self._scalar(x):
            self._array(x, path)

    def _dict(self, x: dict[Any, Any], path: str, depth: int) -> None:
        if type(x) is dict:
            self._out += op.EMPTY_DICT
        else:
            self._out += _name("collections", "OrderedDict") + op.EMPTY_TUPLE + op.REDUCE
        self._out += op.MARK
        for key, child in x.items():
            if not self._scalar(key):
                raise ArgumentError(
                    f"[save_torch] tree{path}: a key must be a str, a number, a bool or None, got "
                    f"{describe(key)}"
                )
            self._value(child, f"{path}[{key!r}]", depth + 1)
        self._out += op.SETITEMS

    def _scalar(self, x: Any) -> bool:
        """Write `x` if it is a Python scalar; whether it is one."""
        if x is None or type(x) is bool:
            self._out += op.NONE if x is None else op.NEWTRUE if x else op.NEWFALSE
        elif type(x) is int:
            self._out += _integer(x)
        elif type(x) is float:
            self._out += op.BINFLOAT + struct.pack(">d", x)
        elif type(x) is complex:
            self._out += _name("__builtin__", "complex")
            self._out += b"".join(op.BINFLOAT + struct.pack(">d", p) for p in (x.real, x.imag))
            self._out += op.TUPLE2 + op.REDUCE
        elif type(x) is str:
            self._out += _text(x)
        else:
            return False
        return True

    def _array(self, x: Any, path: str) -> None:
        """A call of _rebuild_tensor_v2, or of v3 for a dtype without a typed storage."""
        try:
            if not hasattr(x, "dtype"):  # rt.asarray makes arrays of many things
                raise ArgumentError("no array")
            array = rt.asarray(x)
        except (ArgumentError, DTypeError) as error:
            raise ArgumentError(
                f"[save_torch] tree{path}: expected an array, a number, a string or a plain dict, "
                f"list or tuple of them, got {describe(x)}; a named tuple goes as x._asdict()"
            ) from error
        name = str(array.dtype)
        typed = STORAGES[name]
        self._out += _name("torch._utils", f"_rebuild_tensor_v{2 if typed else 3}") + op.MARK
        self._storage(array, x)
        strides = [int(np.prod(array.shape[i + 1 :])) for i in range(array.ndim)]
        self._out += _integer(0) + _integers(array.shape) + _integers(strides) + op.NEWFALSE
        self._out += _name("collections", "OrderedDict") + op.EMPTY_TUPLE + op.REDUCE
        self._out += (b"" if typed else _name("torch", name)) + op.TUPLE + op.REDUCE

    def _storage(self, array: rt.Array, x: Any) -> None:
        """The persistent id of the storage of `array`, which `x` became."""
        number = self._numbers.setdefault(id(x), len(self.arrays))
        if number == len(self.arrays):
            self.arrays.append(array)
        typed = STORAGES[str(array.dtype)]
        kind = _name("torch", typed) if typed else _name("torch.storage", "UntypedStorage")
        self._out += op.MARK + _text("storage") + kind + _text(str(number)) + _text("cpu")
        self._out += _integer(array.size if typed else array.nbytes) + op.TUPLE + op.BINPERSID


def _name(module: str, name: str) -> bytes:
    return op.GLOBAL + f"{module}\n{name}\n".encode()


def _text(x: str) -> bytes:
    raw = x.encode("utf-8", "surrogatepass")
    return op.BINUNICODE + struct.pack("<I", len(raw)) + raw


def _integer(x: int) -> bytes:
    if -(2**31) <= x < 2**31:
        return op.BININT + struct.pack("<i", x)
    raw = x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True)
    if len(raw) > 255:
        raise ArgumentError("[save_torch] an integer of more than 255 bytes")
    return op.LONG1 + bytes([len(raw)]) + raw


def _integers(numbers: Any) -> bytes:
    return op.MARK + b"".join(map(_integer, numbers)) + op.TUPLE
