"""The names that a pickle of PyTorch may use, and all that they do here.

PyTorch's own list of what ``torch.load(weights_only=True)`` takes was the starting point; sparse
and quantized tensors and tensor subclasses are not read.
"""

from __future__ import annotations

import functools
import math
import re
from collections import OrderedDict
from typing import Any

import numpy as np

from rtorch.errors import FileFormatError
from rtorch.io.pickle_values import Allowed, Buildable, checked_key
from rtorch.io.torch_tensors import (
    EIGHT_BITS,
    STORAGES,
    Storage,
    StorageType,
    Tensor,
    dtype_named,
)

_NUMPY_DTYPE = re.compile(r"[biufc]\d{1,2}|[SU]\d{1,6}")


@functools.cache
def names() -> dict[str, Any]:
    """What each dotted name stands for."""
    table: dict[str, Any] = {"torch.storage.UntypedStorage": _bytes_type()}
    table["torch.UntypedStorage"] = _bytes_type()
    for name in (*STORAGES, *EIGHT_BITS):
        dtype = dtype_named(name)
        table[f"torch.{name}"] = dtype
        if storage := STORAGES.get(name):
            table[f"torch.{storage}"] = table[f"torch.cuda.{storage}"] = StorageType(dtype)
    table["numpy.ndarray"] = "ndarray"  # which only says what to make
    return table | {name: Allowed(name, call) for name, call in _CALLS.items()}


def _bytes_type() -> StorageType:
    return StorageType(np.dtype(np.uint8), typed=False)


# -- tensors ---------------------------------------------------------------------------------------


def _rebuild_tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, *rest: Any
) -> Tensor:  # the rest: requires_grad, hooks, metadata
    dtype = storage.type.dtype if isinstance(storage, Storage) else None
    return _tensor(storage, dtype, offset, size, stride, *rest)


def _rebuild_tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *rest: Any
) -> Tensor:
    return _tensor(storage, dtype, offset, size, stride, grad, hooks, *rest)


def _tensor(
    storage: Any,
    dtype: Any,
    offset: Any,
    size: Any,
    stride: Any,
    grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
) -> Tensor:
    if not isinstance(storage, Storage) or not isinstance(dtype, np.dtype):
        raise FileFormatError("the pickle makes a tensor of what is no storage")
    signs = metadata or {}
    if not isinstance(signs, dict) or not signs.keys() <= {"conj", "neg"}:
        raise FileFormatError("the pickle has a tensor with metadata that are not known")
    lazy = signs.get("conj") is True, signs.get("neg") is True
    shape, strides = tuple(_items(size)), tuple(_items(stride))
    return Tensor(storage, dtype, offset, shape, strides, *lazy).check()


def _rebuild_parameter(data: Any, requires_grad: Any, hooks: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise FileFormatError("the pickle makes a parameter of what is no tensor")
    return data


def _size(lengths: Any) -> tuple[int, ...]:
    found = tuple(_items(lengths))
    if not all(type(n) is int for n in found):
        raise FileFormatError("the pickle has a torch.Size that does not consist of integers")
    return found


def _device(kind: str, index: int | None = None) -> str:
    if not isinstance(kind, str) or not isinstance(index, int | None):
        raise FileFormatError("the pickle has a torch.device of what is no text and number")
    return kind if index is None else f"{kind}:{index}"


# -- what is Python's ------------------------------------------------------------------------------


def _items(values: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise FileFormatError("the pickle makes a container of what is no list or tuple")
    return values


def _set(values: Any = ()) -> set[Any]:
    return set(map(checked_key, _items(values)))


def _frozenset(values: Any = ()) -> frozenset[Any]:
    return frozenset(map(checked_key, _items(values)))


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    return OrderedDict((checked_key(key), value) for key, value in map(_items, _items(pairs)))


def _counter(counts: Any = ()) -> dict[Any, int]:
    if type(counts) is not dict or not all(type(n) is int for n in counts.values()):
        raise FileFormatError("the pickle has a Counter that does not consist of counts")
    return counts


def _bytearray(content: Any = b"") -> bytearray:
    if not isinstance(content, bytes):
        raise FileFormatError("the pickle makes a bytearray of what are no bytes")
    return bytearray(content)


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise FileFormatError("the pickle has a complex number of what are no floats")
    return complex(real, imaginary)


def _encode(text: Any, encoding: Any) -> bytes:
    """How bytes are written in protocol 2."""
    if not isinstance(text, str) or encoding != "latin1":
        raise FileFormatError("the pickle encodes text otherwise than as latin1")
    return text.encode("latin1")


# -- what is NumPy's -------------------------------------------------------------------------------


class NumPyDType(Buildable):
    """``numpy.dtype("f8")``, to which its byte order comes later."""

    def __init__(self, name: Any, *flags: Any) -> None:
        if not isinstance(name, str) or not _NUMPY_DTYPE.fullmatch(name):
            raise FileFormatError("the pickle has a NumPy dtype that is not of numbers or text")
        self.dtype = np.dtype(name)

    def build(self, state: Any) -> None:
        """Take over the byte order."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise FileFormatError("the pickle has a NumPy dtype that is not read here")
        self.dtype = self.dtype.newbyteorder(state[1])
        if self.dtype.kind in "SU" and len(state) > 5 and state[5] not in (-1, self.dtype.itemsize):
            raise FileFormatError("the pickle has a NumPy dtype that contradicts itself")


class NumPyArray(Buildable):
    """An array of NumPy, which comes in two steps."""

    def __init__(self, kind: Any, shape: Any, code: Any) -> None:
        if kind != "ndarray":
            raise FileFormatError("the pickle makes a NumPy array of another class")
        self.value: np.ndarray[Any, Any] = np.empty(0)

    def build(self, state: Any) -> None:
        """Take over shape, dtype and elements."""
        _, shape, dtype, fortran, raw = state if isinstance(state, tuple) else (state,) * 5
        if not isinstance(dtype, NumPyDType) or not isinstance(raw, bytes):
            raise FileFormatError("the pickle has a NumPy array that is not of plain numbers")
        if math.prod(_size(shape)) * dtype.dtype.itemsize != len(raw) or min(shape, default=0) < 0:
            raise FileFormatError(f"the pickle has a NumPy array whose {len(raw)} bytes do not fit")
        flat = np.frombuffer(raw, dtype.dtype) if raw else np.empty(0, dtype.dtype)
        self.value = flat.reshape(shape, order="F" if fortran else "C")


def _scalar(dtype: Any, raw: Any) -> Any:
    if not isinstance(dtype, NumPyDType) or len(raw) != dtype.dtype.itemsize:
        raise FileFormatError("the pickle has a NumPy scalar that is not read here")
    return np.frombuffer(raw, dtype.dtype)[0]


_CALLS: dict[str, Any] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counter,
    "builtins.bytearray": _bytearray,
    "__builtin__.bytearray": _bytearray,
    "builtins.set": _set,
    "__builtin__.set": _set,
    "builtins.frozenset": _frozenset,
    "__builtin__.frozenset": _frozenset,
    "builtins.complex": _complex,
    "__builtin__.complex": _complex,
    "_codecs.encode": _encode,
    "numpy.dtype": NumPyDType,
    "numpy.core.multiarray._reconstruct": NumPyArray,
    "numpy._core.multiarray._reconstruct": NumPyArray,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
}
