"""Arrays from what the user has, and arrays filled with one number."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from rtorch.core import backend, dtypes
from rtorch.core.array import Array, wrap
from rtorch.core.backend import Device
from rtorch.core.dtypes import DType
from rtorch.core.trace import Tracer
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api, describe
from rtorch.numpy.operands import (
    ArrayLike,
    broadcast,
    broadcast_shapes,
    from_any,
    integer_of,
    operand,
    shape_of,
)
from rtorch.ops.base import reshape_p
from rtorch.ops.creation import full_p

__all__ = [
    "array",
    "asarray",
    "copy",
    "empty",
    "empty_like",
    "from_dlpack",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


# ---- from what the user has ----------------------------------------------------------------------


@api
def asarray(
    obj: ArrayLike,
    dtype: Any = None,
    order: str | None = None,
    *,
    copy: bool | None = None,
    device: Any = None,
) -> Array:
    """An Array of `obj`: itself if it is one, else a copy of a foreign array, a number, a list.

    What has a dtype keeps it; Python floats get `default_dtype()`, Python integers int64.

    Args:
        obj: An Array, an array of NumPy, CuPy or any library with DLPack, a number, or nested
            lists and tuples of them.
        dtype: The dtype wanted; None keeps that of `obj`.
        order: Exists for NumPy's sake; how arrays lie in memory is rtorch's affair.
        copy: None copies foreign arrays, whose owner may change them. False shares the memory of
            a NumPy, CuPy or DLPack array: later changes of it are seen, so promise not to make
            them. True copies always.
        device: Where the result is to be, such as ``"cpu"`` or ``"cuda:0"``.

    Raises:
        ArgumentError: if `obj` is no array, or ``copy=False`` and the memory cannot be shared.

    Example:
        >>> import rtorch as rt
        >>> rt.asarray([[1, 2], [3, 4]], dtype=rt.float32)
        Array([[1., 2.],
               [3., 4.]], dtype=float32)
    """
    wanted = None if dtype is None else dtypes.canonical(dtype)
    if copy is False:
        x = _share(obj, wanted)
    else:
        x = from_any(obj, wanted, "asarray")
        if copy and x is obj:
            x = _copy(x)
    return _to(x, device)


@api
def array(
    obj: ArrayLike,
    dtype: Any = None,
    *,
    copy: bool = True,
    order: str | None = None,
    ndmin: int = 0,
    device: Any = None,
) -> Array:
    """As `asarray`, copying unless told otherwise.

    Args:
        obj: As in `asarray`.
        dtype: As in `asarray`.
        copy: False leaves what is an Array already as it is.
        order: Exists for NumPy's sake.
        ndmin: How many axes the result has at least; new ones of length 1 are in front.
        device: As in `asarray`.

    Example:
        >>> import rtorch as rt
        >>> rt.array([1.0, 2.0])
        Array([1., 2.], dtype=float32)
    """
    x = asarray(obj, dtype, copy=True if copy else None, device=device)
    shape = (1,) * (integer_of(ndmin, "array", "ndmin") - x.ndim) + x.shape
    return x if shape == x.shape else reshape_p(x, shape=shape)


@api
def copy(x: ArrayLike, order: str | None = None) -> Array:
    """A copy of `x` in memory of its own.

    Arrays are immutable, so this matters only for those that share memory with foreign arrays.
    `order` exists for NumPy's sake.

    Example:
        >>> import rtorch as rt
        >>> rt.copy(rt.ones(2))
        Array([1., 1.], dtype=float32)
    """
    return _copy(x) if isinstance(x, Array) else operand(x, "copy")


@api
def from_dlpack(x: Any, *, device: Any = None, copy: bool | None = None) -> Array:
    """An Array that shares the memory of `x`, an array of any library that speaks DLPack.

    Args:
        x: The foreign array; not to be changed as long as the result is used.
        device: Where the result is to be; another device than that of `x` copies.
        copy: True copies always, False refuses to.

    Example:
        >>> import numpy as np
        >>> import rtorch as rt
        >>> rt.from_dlpack(np.arange(3))
        Array([0, 1, 2], dtype=int64)
    """
    if not hasattr(x, "__dlpack__"):
        raise ArgumentError(f"[from_dlpack] expected an array with __dlpack__, got {describe(x)}")
    shared = _share(x, None, "from_dlpack")
    target = shared.device if device is None else backend.as_device(device)
    if copy is False and target != shared.device:
        raise ArgumentError(f"[from_dlpack] copy=False: {shared.device} to {target} copies")
    return _copy(shared) if copy else _to(shared, target)


def _to(x: Array, device: Any) -> Array:
    if device is None or x.device == backend.as_device(device):
        return x
    return x.to(device)


def _copy(x: Array) -> Array:
    return x if isinstance(x, Tracer) else wrap(x._data.copy(), x.weak_type)


def _share(obj: Any, dtype: DType | None, name: str = "asarray") -> Array:
    """An Array over the memory of `obj`."""
    if isinstance(obj, Array):
        x = obj
    elif isinstance(obj, ndarray):
        x = Array(_read_only_alias(obj, name))
    elif backend.is_raw_array(obj):
        x = wrap(obj)
    elif hasattr(obj, "__dlpack__"):
        x = _from_dlpack(obj, name)
    else:
        raise ArgumentError(f"[{name}] copy=False: {describe(obj)} has no memory to share")
    if dtype is not None and x.dtype is not dtype:
        raise ArgumentError(
            f"[{name}] copy=False: {x.dtype} to {dtype} copies; drop copy=False or the dtype"
        )
    return x


def _from_dlpack(obj: Any, name: str) -> Array:
    kind, _ = obj.__dlpack_device__()
    if kind == 2:  # CUDA
        return wrap(backend.cupy().from_dlpack(obj))
    return Array(_read_only_alias(np.from_dlpack(obj), name))


def _read_only_alias(data: Any, name: str) -> ndarray[Any, Any]:
    # Through a read-only memoryview: the owner's own flags stay as they are, also when the alias
    # is handed out again and everything below it is locked.
    dtype = dtypes.canonical(data.dtype)
    if dtypes.is_bfloat16(dtype):  # unknown to the buffer protocol
        data = data.view(np.uint16)
    if not data.dtype.isnative:
        raise ArgumentError(f"[{name}] copy=False: the bytes of {data.dtype} must be swapped")
    return np.asarray(memoryview(data).toreadonly()).view(dtype)


# ---- filled --------------------------------------------------------------------------------------


def float_dtype(dtype: Any) -> DType:
    return dtypes.default_dtype() if dtype is None else dtypes.canonical(dtype)


def place_of(device: Any) -> Device:
    return backend.CPU if device is None else backend.as_device(device)


@api
def zeros(shape: int | Sequence[int], dtype: Any = None, *, device: Any = None) -> Array:
    """Zeros.

    Args:
        shape: The lengths of the axes.
        dtype: By default `default_dtype()`.
        device: By default the CPU.

    Example:
        >>> import rtorch as rt
        >>> rt.zeros((2, 3))
        Array([[0., 0., 0.],
               [0., 0., 0.]], dtype=float32)
    """
    return _fill("zeros", shape, 0, dtype, device)


@api
def ones(shape: int | Sequence[int], dtype: Any = None, *, device: Any = None) -> Array:
    """Ones; the arguments are those of `zeros`.

    Example:
        >>> import rtorch as rt
        >>> rt.ones(3)
        Array([1., 1., 1.], dtype=float32)
    """
    return _fill("ones", shape, 1, dtype, device)


@api
def empty(shape: int | Sequence[int], dtype: Any = None, *, device: Any = None) -> Array:
    """As `zeros`: Arrays are immutable, so that there would be no way to fill an empty one.

    Example:
        >>> import rtorch as rt
        >>> rt.empty((2, 0)).shape
        (2, 0)
    """
    return _fill("empty", shape, 0, dtype, device)


def _fill(name: str, shape: Any, value: int, dtype: Any, device: Any) -> Array:
    return full_p(
        shape=shape_of(shape, name), value=value, dtype=float_dtype(dtype), device=place_of(device)
    )


@api
def full(
    shape: int | Sequence[int], fill_value: ArrayLike, dtype: Any = None, *, device: Any = None
) -> Array:
    """An array of `fill_value` everywhere.

    Args:
        shape: The lengths of the axes.
        fill_value: A number, or an array that broadcasts to `shape`.
        dtype: By default that of `fill_value`.
        device: By default the CPU.

    Example:
        >>> import rtorch as rt
        >>> rt.full((2,), 7)
        Array([7, 7], dtype=int64)
    """
    return _full("full", shape_of(shape, "full"), fill_value, dtype, place_of(device))


def _full(name: str, shape: tuple[int, ...], value: Any, dtype: Any, device: Device) -> Array:
    if type(value) in dtypes.PYTHON_SCALARS:
        dtype = dtypes.python_dtype(value) if dtype is None else dtypes.canonical(dtype)
        _check_fits(value, dtype, name)
        return full_p(shape=shape, value=value, dtype=dtype, device=device)
    x = from_any(value, None if dtype is None else dtypes.canonical(dtype), name)
    if broadcast_shapes(name, x.shape, shape) != shape:
        raise ShapeError(f"[{name}] fill_value of shape {x.shape} does not broadcast to {shape}")
    return _to(broadcast(x, shape), device)


def _check_fits(value: Any, dtype: DType, name: str) -> None:
    if dtype in dtypes.INTEGERS and type(value) is int:
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            raise DTypeError(f"[{name}] fill_value: {value} does not fit into {dtype}")


@api
def zeros_like(x: ArrayLike, dtype: Any = None, *, shape: Any = None, device: Any = None) -> Array:
    """Zeros with the shape, dtype and device of `x`, save for what is given.

    Example:
        >>> import rtorch as rt
        >>> rt.zeros_like(rt.arange(3))
        Array([0, 0, 0], dtype=int64)
    """
    return _like("zeros_like", x, 0, dtype, shape, device)


@api
def ones_like(x: ArrayLike, dtype: Any = None, *, shape: Any = None, device: Any = None) -> Array:
    """Ones with the shape, dtype and device of `x`, save for what is given.

    Example:
        >>> import rtorch as rt
        >>> rt.ones_like(rt.arange(3), dtype=rt.float32)
        Array([1., 1., 1.], dtype=float32)
    """
    return _like("ones_like", x, 1, dtype, shape, device)


@api
def empty_like(x: ArrayLike, dtype: Any = None, *, shape: Any = None, device: Any = None) -> Array:
    """As `zeros_like`.

    Example:
        >>> import rtorch as rt
        >>> rt.empty_like(rt.ones((2, 0))).shape
        (2, 0)
    """
    return _like("empty_like", x, 0, dtype, shape, device)


@api
def full_like(
    x: ArrayLike, fill_value: ArrayLike, dtype: Any = None, *, shape: Any = None, device: Any = None
) -> Array:
    """An array of `fill_value` with the shape, dtype and device of `x`, save for what is given.

    Example:
        >>> import rtorch as rt
        >>> rt.full_like(rt.ones(2), 3)
        Array([3., 3.], dtype=float32)
    """
    return _like("full_like", x, fill_value, dtype, shape, device)


def _like(name: str, x: Any, value: Any, dtype: Any, shape: Any, device: Any) -> Array:
    x = operand(x, name)
    dtype = x.dtype if dtype is None else dtypes.canonical(dtype)
    shape = x.shape if shape is None else shape_of(shape, name)
    return _full(name, shape, value, dtype, x.device if device is None else place_of(device))
