"""``.npy`` files: the header, read without evaluating it, and writing.

NumPy writes ``{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }``, a Python literal.
Format: NumPy's ``numpy.lib.format``, versions 1.0 and 2.0.
"""

from __future__ import annotations

import math
import re
import struct
from typing import IO, Any, NamedTuple, cast

import numpy as np

from rtorch.errors import FileFormatError

_MAGIC = b"\x93NUMPY"
_LONGEST = 10_000  # characters, as in NumPy
_DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=]?)([biufcO?US])(\d{0,6})['"]""")
_FORTRAN = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([\d ,]{0,1400})\)""")
_MOST_AXES = 64


class Npy(NamedTuple):
    """What the header says."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    start: int  # of the elements, in bytes

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return math.prod(self.shape) * self.dtype.itemsize


def header(data: memoryview, size: int) -> Npy:
    """The header at the beginning of `data`; the whole file has `size` bytes.

    Raises:
        FileFormatError: if it is none, or the elements do not fill the file exactly.
    """
    text, start = _text(data)
    found = [pattern.search(text) for pattern in (_DESCR, _FORTRAN, _SHAPE)]
    descr, fortran, shape = found
    if descr is None or fortran is None or shape is None:
        raise FileFormatError(f"the .npy header {text.strip()[:80]!r} is none that is read here")
    lengths = tuple(int(n[:20]) for n in shape[1].replace(",", " ").split())
    npy = Npy(_dtype(descr), lengths, fortran[1] == "True", start)
    if len(lengths) > _MOST_AXES or start + npy.nbytes != size:
        raise FileFormatError(
            f"an array {npy.dtype}{list(lengths)} takes {npy.nbytes} bytes, and there are "
            f"{size - start}: the file is damaged"
        )
    return npy


def view(data: memoryview, npy: Npy) -> np.ndarray[Any, Any]:
    """The array of a whole ``.npy`` file, in the memory of `data`."""
    try:
        flat = np.frombuffer(data, npy.dtype, offset=npy.start) if npy.nbytes else np.empty(0)
        if not npy.nbytes:
            return np.empty(npy.shape, npy.dtype)
        return flat.reshape(npy.shape, order="F" if npy.fortran else "C")
    except (ValueError, OverflowError, MemoryError) as error:  # axes of 2**62 beside one of 0
        raise FileFormatError(f"NumPy has no array of shape {npy.shape}: {error}") from None


def _text(data: memoryview) -> tuple[str, int]:
    """The text of the header, and where it ends."""
    head = bytes(data[: 12 + _LONGEST])
    if head[:6] != _MAGIC or len(head) < 12 or head[6:8] not in (b"\1\0", b"\2\0"):
        raise FileFormatError("it does not begin as an .npy file of version 1 or 2")
    begin = 10 if head[6] == 1 else 12
    (length,) = struct.unpack_from("<H" if begin == 10 else "<I", head, 8)
    if begin + length > len(head):
        raise FileFormatError(f"the .npy header says to have {length} characters")
    return head[begin : begin + length].decode("latin1"), begin + length


def _dtype(descr: re.Match[str]) -> np.dtype[Any]:
    if descr[2] == "O":
        raise FileFormatError("it holds pickled Python objects, which are never read")
    try:
        dtype = np.dtype("".join(descr.groups()))
    except (TypeError, ValueError):
        dtype = None
    if dtype is None or not dtype.itemsize:  # texts of no length: any number of them in no bytes
        raise FileFormatError(f"{descr[0]} is no dtype that is read here")
    return dtype


def write(stream: IO[bytes], array: np.ndarray[Any, Any]) -> None:
    """Write a ``.npy`` file, as `numpy.save` does, but out of the array's own memory.

    NumPy copies it piece by piece, and lets no other thread run meanwhile.
    """
    about = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(cast(Any, stream), about)
    in_order = np.ascontiguousarray(array.T if about["fortran_order"] else array)
    stream.write(in_order.reshape(-1).view(np.uint8).data)
