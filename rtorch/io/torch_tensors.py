"""PyTorch's storages and tensors, as files describe them, and the arrays that they are."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

import rtorch as rt
from rtorch.errors import FileFormatError

_MOST_AXES = 64

# PyTorch's dtypes and the names of its typed storages; "" for those without one.
STORAGES = {
    "float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage", "complex64": "ComplexFloatStorage",
    "complex128": "ComplexDoubleStorage", "int8": "CharStorage", "int16": "ShortStorage",
    "int32": "IntStorage", "int64": "LongStorage", "uint8": "ByteStorage", "bool": "BoolStorage",
    "uint16": "", "uint32": "", "uint64": "",
}  # fmt: skip

# Which rtorch does not compute with, but NumPy can hold.
EIGHT_BITS = (
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
)


@functools.cache
def dtype_named(name: str) -> np.dtype[Any]:
    """NumPy's dtype of the name that PyTorch, ``ml_dtypes`` and safetensors use."""
    if name == "bfloat16":
        return np.dtype(rt.bfloat16)
    if name in EIGHT_BITS:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


class StorageType(NamedTuple):
    """A class of storages; those without a dtype are bytes."""

    dtype: np.dtype[Any]
    typed: bool = True


class Storage(NamedTuple):
    """A piece of memory in the file."""

    key: str
    type: StorageType
    nbytes: int


class Tensor(NamedTuple):
    """A view of a storage; offset and strides count elements."""

    storage: Storage
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    conj: bool = False
    neg: bool = False

    def check(self) -> Tensor:
        """This tensor, if it lies within its storage."""
        numbers = (self.offset, *self.shape, *self.strides)
        if (
            len(self.shape) != len(self.strides)
            or len(self.shape) > _MOST_AXES
            or not all(type(n) is int and 0 <= n < 2**62 for n in numbers)
        ):
            raise FileFormatError("a tensor has a shape, strides or offset that no tensor has")
        if math.prod(self.shape) == 0:
            return self
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if (last + 1) * self.dtype.itemsize > self.storage.nbytes:
            raise FileFormatError(
                f"a tensor of {self._form()} does not lie within its storage "
                f"{self.storage.key[:40]!r} of {self.storage.nbytes} bytes"
            )
        return self

    def _form(self) -> str:
        return f"shape {self.shape}, strides {self.strides} and offset {self.offset}"

    def array(self, memory: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The array over the bytes of the storage."""
        size = self.dtype.itemsize
        try:
            if math.prod(self.shape) == 0:
                return np.empty(self.shape, self.dtype)
            view = np.ndarray(
                self.shape, self.dtype, memory, size * self.offset, [size * s for s in self.strides]
            )
        except (ValueError, TypeError, OverflowError, MemoryError) as error:
            raise FileFormatError(f"NumPy has no array of {self._form()}: {error}") from None
        return self._lazy_signs(view)

    def _lazy_signs(self, view: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """PyTorch may note a conjugation or negation instead of doing it."""
        if (self.conj or self.neg) and view.nbytes > self.storage.nbytes:
            raise FileFormatError(f"a conjugated tensor of {self._form()} overlaps itself")
        view = view.conj() if self.conj else view
        return np.negative(view) if self.neg else view


def unit_of(dtype: np.dtype[Any]) -> int:
    """How many bytes of an element change places in the other byte order."""
    return dtype.itemsize // (2 if dtype.kind == "c" else 1)


def swapped(memory: np.ndarray[Any, Any], unit: int) -> np.ndarray[Any, Any]:
    """A copy of the bytes of a storage, each `unit` of them in the other order."""
    if memory.size % unit:
        raise FileFormatError(f"a storage of {memory.size} bytes holds no numbers of {unit}")
    copy = memory.copy()
    if unit > 1:
        copy.view(f"u{unit}").byteswap(inplace=True)
    return copy
