"""`Array`: an immutable array over a NumPy or CuPy array.

Only data, conversions and protocols live here. Operators and methods that compute are installed
by `rtorch.numpy.operators`, from one table, so that tracers have them too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
from numpy import ndarray

from rtorch.core import backend, dtypes
from rtorch.core.aval import NOWHERE, Aval
from rtorch.core.dtypes import DType
from rtorch.core.operators import Operators
from rtorch.errors import ArgumentError, DonatedError, DTypeError, ShapeError, api


class Array(Operators):
    """An immutable n-dimensional array.

    Made by `asarray`, `zeros`, arithmetic and so on, never by calling this class. Inside a
    transformation the values are tracers, which are Arrays too: ``isinstance(x, rt.Array)``.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([1.0, 2.0])
        >>> x + 1
        Array([2., 3.], dtype=float32)
        >>> x.at[0].set(5.0)
        Array([5., 2.], dtype=float32)
    """

    __slots__ = ("__weakref__", "_data")

    # Whether the dtype is that of a Python scalar, which takes the width of what it meets. True
    # in a subclass, so that strong arrays, nearly all there are, pay nothing for it.
    _weak: Any = False

    # The named axes over which the value varies; only tracers vary (see `core/axes.py`).
    _varies: Any = NOWHERE

    # NumPy arrays defer to us in mixed expressions.
    __array_priority__ = 1000

    def __init__(self, data: Any) -> None:
        self._data = data

    # -- what it is ----------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of every axis."""
        return self._data.shape

    @property
    def dtype(self) -> DType:
        """The type of the elements, a `numpy.dtype`."""
        return self._data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def weak_type(self) -> bool:
        """Whether the dtype gives way to any other of its kind, as a Python scalar's does."""
        return bool(self._weak)

    @property
    def aval(self) -> Aval:
        """Shape and dtype without the values."""
        return Aval(self.shape, self.dtype, self._weak)

    @property
    def device(self) -> backend.Device:
        """Where the elements live."""
        return backend.device_of(self._data)

    @api
    def to(self, device: Any) -> Array:
        """This array on `device` (itself when it is there already)."""
        raw = backend.transfer(self._data, backend.as_device(device))
        return self if raw is self._data else wrap(raw, self.weak_type)

    def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
        """This array on `device`; the array API standard's name of `to`."""
        if stream is not None:
            raise ArgumentError("[to_device] stream: only the current stream is used; pass None")
        return self.to(device)

    def block_until_ready(self) -> Array:
        """Wait until the values are there (they are, on the CPU) and return this array."""
        if self.device.kind == "cuda":
            backend.cupy().cuda.get_current_stream().synchronize()
        return self

    # -- its values ----------------------------------------------------------------------------

    def _concrete(self, use: str) -> Any:
        """The NumPy or CuPy array, for `use`; a tracer without a value says why it has none."""
        return self._data

    def _scalar(self, use: str) -> Any:
        data = self._concrete(use)
        if data.size != 1:
            raise ShapeError(f"[{use}] expected an array of one element, got shape {data.shape}")
        return float(data.reshape(())) if dtypes.is_bfloat16(data.dtype) else data.item()

    def _real_scalar(self, use: str) -> Any:
        if self.dtype in dtypes.COMPLEXES:
            raise DTypeError(f"[{use}] of a complex number, {self.aval}; use x.real or rt.abs(x)")
        return self._scalar(use)

    @api
    def item(self, *index: int) -> Any:
        """The only element, or the one at `index`, as a Python scalar."""
        return (self[index] if index else self)._scalar("item()")

    @api
    def tolist(self) -> Any:
        """The elements as nested lists of Python scalars."""
        return backend.to_numpy(self._concrete("tolist()")).tolist()

    @api
    def __bool__(self) -> bool:
        return bool(self._scalar("bool()"))

    @api
    def __int__(self) -> int:
        return int(self._real_scalar("int()"))

    @api
    def __float__(self) -> float:
        return float(self._real_scalar("float()"))

    @api
    def __complex__(self) -> complex:
        return complex(self._scalar("complex()"))

    @api
    def __index__(self) -> int:
        if self.dtype not in dtypes.INTEGERS or self.ndim:
            raise DTypeError(
                f"[index] only an integer array without axes is an index, got {self.aval}"
            )
        return int(self._scalar("index"))

    @api
    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("[len] an array without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        if not self.shape:
            raise ShapeError("[iter] an array without axes cannot be iterated over")
        return (self[i] for i in range(self.shape[0]))

    # -- protocols -----------------------------------------------------------------------------

    @api
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> ndarray[Any, Any]:
        data = self._concrete("np.asarray()")
        if not isinstance(data, ndarray):
            if copy is False:
                raise ArgumentError("[np.asarray] copy=False: a CUDA array must be copied")
            data, copy = backend.to_numpy(data), False
        if copy or (dtype is not None and np.dtype(dtype) != data.dtype):
            if copy is False:
                raise ArgumentError(f"[np.asarray] copy=False: {data.dtype} to {dtype} copies")
            return data.astype(dtype or data.dtype)
        return read_only(data)

    def __dlpack__(self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
                   copy: bool | None = None) -> Any:  # fmt: skip
        data = self._concrete("__dlpack__()")
        if not isinstance(data, ndarray):
            return data.__dlpack__(stream=stream)
        # The protocol has had a read-only flag since version 1, but not every library heeds it
        # (PyTorch writes all the same): the memory is shared only with who asks for that.
        if copy is not False:
            data = data.copy()
        elif max_version is None or max_version[0] < 1:
            raise BufferError(
                "[dlpack] copy=False: without a read-only flag (version 1) x is copied"
            )
        else:
            data = read_only(data)
        return data.__dlpack__(max_version=max_version, dl_device=dl_device)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._concrete("__dlpack_device__()").__dlpack_device__()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return self._data.__cuda_array_interface__

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (backend.to_numpy(self._concrete("pickle")), self.weak_type)

    def __copy__(self) -> Array:
        """Another Array over the same memory, which stays if one of them is donated."""
        return type(self)(self._data)

    def __deepcopy__(self, memo: Any) -> Array:
        return self.__copy__()

    # -- text ----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        data = backend.to_numpy(self._concrete("repr()"))
        body = np.array2string(data, separator=", ", prefix="Array(", threshold=200)
        if data.size == 0:
            body = f"[], shape={data.shape}"
        place = "" if self.device.kind == "cpu" else f", device='{self.device}'"
        return f"Array({body}, dtype={data.dtype}{place})"

    def __str__(self) -> str:
        return str(backend.to_numpy(self._concrete("str()")))

    @api
    def __format__(self, how: str) -> str:
        if not how:
            return str(self)
        return format(self._scalar(f"format {how!r}"), how)

    # -- what it refuses -----------------------------------------------------------------------

    @api
    def __hash__(self) -> int:
        raise ArgumentError(
            "[hash] an Array has no hash: equal arrays would have to be compared element by "
            "element, and == gives an array. Use id(x), x.tobytes(), or a tuple of x.tolist() "
            "as a key; under jit, pass it as an ordinary argument instead of a static one"
        )

    @api
    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise ArgumentError(
            "[setitem] Arrays are immutable: write  x = x.at[index].set(value)  instead of "
            "x[index] = value  (and .add, .multiply, .min, .max for x[index] += value and the like)"
        )

    @api
    def __delitem__(self, index: Any) -> NoReturn:
        raise ArgumentError("[delitem] Arrays are immutable; see rt.delete")

    def tobytes(self) -> bytes:
        """The elements' bytes in row-major order."""
        return backend.to_numpy(self._concrete("tobytes()")).tobytes()


class WeakArray(Array):
    """An Array whose dtype gives way, as that of a Python scalar does."""

    __slots__ = ()
    _weak = True


class CudaArray(Array):
    """An Array on a GPU. Of a plain `Array` the type alone says: on the CPU, not weak."""

    __slots__ = ()


class DonatedArray(Array):
    """What an Array becomes when its memory has been given to a jitted call."""

    __slots__ = ()

    def _gone(self) -> Any:
        raise DonatedError(
            "[donated] this array was passed to a jitted function in a donated argument "
            "(donate_argnums): its memory has been reused. Use the function's result, or do "
            "not donate that argument"
        )

    _data = property(_gone)


def read_only(data: ndarray[Any, Any]) -> ndarray[Any, Any]:
    """A view of `data` that cannot be written to, nor made writeable again."""
    owner: Any = data
    while isinstance(owner, ndarray):  # NumPy asks the owner whether a view may be written to
        owner.setflags(write=False)
        owner = owner.base
    return data.view()


def take_memory(array: Array) -> Any:
    """The memory of `array`, which from now on says that it was donated."""
    data = array._data
    array._data = None
    array.__class__ = DonatedArray
    return data


def wrap(data: Any, weak: bool = False) -> Array:
    """An Array over what an ``impl`` returned; scalars of NumPy become arrays without axes."""
    if type(data) is ndarray:
        return WeakArray(data) if weak else Array(data)
    if isinstance(data, np.generic):
        return wrap(np.asarray(data), weak)
    return wrap(data.view(ndarray), weak) if isinstance(data, ndarray) else CudaArray(data)


def rebuild(data: ndarray[Any, Any], weak: bool) -> Array:
    """Unpickle."""
    dtypes.canonical(data.dtype)  # which may be the first bfloat16 met
    return wrap(data, weak)
