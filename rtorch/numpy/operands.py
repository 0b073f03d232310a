"""What users pass becomes what primitives take: arrays of one dtype and one shape.

Primitives do not promote, broadcast or normalise axes; the functions of `rtorch.numpy` do it with
the helpers here.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray

from rtorch.core import backend, dtypes
from rtorch.core.array import Array, WeakArray, wrap
from rtorch.core.dtypes import PYTHON_SCALARS, DType
from rtorch.core.primitive import Primitive
from rtorch.core.trace import state
from rtorch.errors import (
    ArgumentError,
    AxisError,
    DTypeError,
    ShapeError,
    TracerError,
    api,
    describe,
)
from rtorch.ops.base import broadcast_p, sub_p
from rtorch.ops.convert import convert_p, promote_p

# For a type checker `complex` includes float, int and bool.
ArrayLike: TypeAlias = "Array | np.ndarray[Any, Any] | np.generic | complex | Sequence[Any]"
Shape: TypeAlias = tuple[int, ...]
Axis: TypeAlias = int | Sequence[int] | None

_SCALARS = frozenset(PYTHON_SCALARS)


def operand(x: Any, name: str = "array") -> Array:
    """`x` as an Array; Python scalars become weak ones. `name` is the function, for messages."""
    if isinstance(x, Array):
        return x
    if type(x) in _SCALARS:
        return WeakArray(np.asarray(x, scalar_dtype(x, name)))
    return from_foreign(x, None, name)


def scalar_array(x: Any, dtype: DType, weak: bool = False) -> Array:
    """A Python scalar as an array without axes; a complex number loses its imaginary part."""
    real = x.real if type(x) is complex and dtype not in dtypes.COMPLEXES else x
    return wrap(np.asarray(real).astype(dtype), weak)


def scalar_dtype(x: Any, name: str) -> DType:
    """The dtype of a Python scalar; an error for an integer beyond 64 bits."""
    if type(x) is int and not -(2**63) <= x < 2**63:
        raise DTypeError(f"[{name}] the integer {x} does not fit into int64")
    return dtypes.python_dtype(x)


def from_foreign(x: Any, dtype: DType | None, name: str) -> Array:
    """A copy of a NumPy or CuPy array, a NumPy scalar, or nested sequences, as an Array."""
    if isinstance(x, (ndarray, np.generic)) or backend.is_raw_array(x):
        return wrap(x.astype(dtype or supported(x, name), copy=True))
    if isinstance(x, (list, tuple)):
        return _from_sequence(x, dtype, name)
    for method in ("__array__", "__array_interface__", "__cuda_array_interface__"):
        if hasattr(x, method):
            return from_foreign(np.asarray(x), dtype, name)
    if hasattr(x, "__dlpack__"):
        return from_foreign(np.from_dlpack(x), dtype, name)
    raise ArgumentError(f"[{name}] expected an array or a number, got {describe(x)}")


def supported(x: Any, name: str) -> DType:
    """The dtype of a foreign array, if rtorch has it."""
    try:
        return dtypes.canonical(x.dtype)
    except DTypeError as error:
        raise DTypeError(f"[{name}] {error.args[0]}") from None


def _from_sequence(x: Sequence[Any], dtype: DType | None, name: str) -> Array:
    kinds: set[type] = set()
    _leaf_types(x, kinds)
    if any(issubclass(kind, Array) for kind in kinds):
        return _stack([from_any(item, dtype, name) for item in x], name)
    try:
        data = np.asarray(x)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"[{name}] the nested sequence is not an array: {error}") from None
    if dtype is None:
        if kinds <= _SCALARS:  # nothing in it has a dtype of its own
            widest = max(kinds, key=PYTHON_SCALARS.index, default=float)
            dtype = dtypes.python_dtype(widest(0))
            _check_values(data, dtype, name)
        else:
            dtype = supported(data, name)
    elif dtype in dtypes.INTEGERS and data.dtype in dtypes.INTEGERS and data.size:
        limits = np.iinfo(dtype)
        if data.min() < limits.min or data.max() > limits.max:
            raise DTypeError(f"[{name}] a number in the sequence does not fit into {dtype}")
    if data.dtype == object:
        raise ArgumentError(f"[{name}] expected numbers, got a sequence of {_names(kinds)}")
    return wrap(data.astype(dtype))


def _check_values(data: ndarray[Any, Any], dtype: DType, name: str) -> None:
    """Refuse Python integers that do not fit into `dtype`."""
    if dtype is dtypes.int64 and data.dtype not in dtypes.INTEGERS - {dtypes.uint64} and data.size:
        raise DTypeError(f"[{name}] the integer {data.max()} does not fit into int64")


def _names(kinds: set[type]) -> str:
    return ", ".join(sorted(k.__name__ for k in kinds))


def _leaf_types(x: Any, found: set[type]) -> None:
    for item in x:
        if isinstance(item, (list, tuple)):
            _leaf_types(item, found)
        else:
            found.add(type(item))


def _stack(items: list[Array], name: str) -> Array:
    from rtorch.ops.base import reshape_p
    from rtorch.ops.shape import concat_p

    items = list(promote(name, *items))
    if any(i.shape != items[0].shape for i in items):
        raise ShapeError(f"[{name}] the items have different shapes: {[i.shape for i in items]}")
    return concat_p(*[reshape_p(i, shape=(1, *i.shape)) for i in items], axis=0)


def from_any(x: Any, dtype: DType | None, name: str) -> Array:
    """`x` as an Array of `dtype` (if given); Python scalars get their own dtype, not a weak one."""
    if isinstance(x, Array):
        return x if dtype is None else convert(x, dtype)
    if type(x) in _SCALARS:
        if type(x) is int and dtype in dtypes.INTEGERS:
            check_range(x, dtype, name)
        return scalar_array(x, dtype or scalar_dtype(x, name))
    return from_foreign(x, dtype, name)


# ---- dtypes --------------------------------------------------------------------------------------


def convert(x: Array, dtype: DType) -> Array:
    """`x` as `dtype`, itself if it has it and not weakly."""
    if x.dtype is dtype and not x._weak:
        return x
    return convert_p(x, dtype=dtype)


def common_dtype(*xs: Any) -> DType:
    """The dtype that arrays and Python scalars are promoted to together."""
    return dtypes.promote(*[
        (x.dtype, x._weak) if isinstance(x, Array) else (dtypes.python_dtype(x), True) for x in xs
    ])[0]  # fmt: skip


def promote(name: str, *xs: Any) -> list[Array]:
    """All of `xs` as Arrays of their common dtype; shapes stay.

    Python scalars go to that dtype directly: by way of the default dtype, a float beside a
    float64 array would lose half of its digits.
    """
    operands = [x if type(x) in _SCALARS else operand(x, name) for x in xs]
    dtype = common_dtype(*operands)
    weak = all(not isinstance(x, Array) or x._weak for x in operands)
    arrays = []
    for x in operands:
        if not isinstance(x, Array):
            if type(x) is int and dtype in dtypes.INTEGERS:
                check_range(x, dtype, name)
            x = scalar_array(x, dtype, weak)
        arrays.append(x if x.dtype is dtype else promote_p(x, dtype=dtype))
    return arrays


@api
def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype that arrays, Python scalars and dtypes are promoted to together.

    Example:
        >>> import rtorch as rt
        >>> rt.result_type(rt.ones(2, dtype=rt.int32), 1.5)
        dtype('float32')
    """
    pairs: list[tuple[DType, bool]] = []
    for x in arrays_and_dtypes:
        if isinstance(x, Array):
            pairs.append((x.dtype, x._weak))
        elif type(x) in _SCALARS:
            pairs.append((dtypes.python_dtype(x), True))
        elif isinstance(x, (ndarray, np.generic)):
            pairs.append((supported(x, "result_type"), False))
        else:
            pairs.append((dtypes.canonical(x), False))
    if not pairs:
        raise ArgumentError("[result_type] expected at least one array or dtype")
    return dtypes.promote(*pairs)[0]


def floating(x: Any, name: str) -> Array:
    """`x` as an Array of a floating or complex dtype."""
    x = operand(x, name)
    return x if x.dtype in dtypes.INEXACT else promote_p(x, dtype=dtypes.to_float(x.dtype))


# ---- shapes --------------------------------------------------------------------------------------


def broadcast_shapes(name: str, *shapes: Shape) -> Shape:
    """The shape that all `shapes` broadcast to."""
    ndim = max(map(len, shapes), default=0)
    out = [1] * ndim
    for shape in shapes:
        for i, n in enumerate(shape, ndim - len(shape)):
            if n != 1:
                if out[i] not in (1, n):
                    texts = " and ".join(map(str, shapes))
                    raise ShapeError(
                        f"[{name}] shapes {texts} do not broadcast: axis {i - ndim} has lengths "
                        f"{out[i]} and {n}; lengths must be equal, or one of them 1"
                    )
                out[i] = n
    return tuple(out)


def broadcast(x: Array, shape: Shape) -> Array:
    """`x` with `shape`, which it is known to broadcast to."""
    if x.shape == shape:
        return x
    first = len(shape) - len(x.shape)
    return broadcast_p(x, shape=shape, axes=tuple(range(first, len(shape))))


def shape_of(shape: Any, name: str) -> Shape:
    """A shape from an integer or a sequence of integers, all >= 0."""
    try:
        dims = (operator.index(shape),) if not isinstance(shape, (tuple, list)) else tuple(
            operator.index(n) for n in shape)  # fmt: skip
    except TracerError:
        raise
    except TypeError:
        if isinstance(shape, Array) and shape.ndim == 1:
            return shape_of(tuple(shape), name)
        raise ArgumentError(
            f"[{name}] shape: expected an integer or a tuple of them, got {shape!r}"
        ) from None
    if any(n < 0 for n in dims):
        raise ShapeError(f"[{name}] shape: lengths must not be negative, got {dims}")
    if any(n >= 2**63 for n in dims):
        raise ShapeError(f"[{name}] shape: no array is as long as {dims}")
    return dims


def integer_of(x: Any, name: str, argument: str) -> int:
    """`x` as a Python integer; `argument` is what the function calls it."""
    try:
        i = operator.index(x)
    except TracerError:
        raise
    except TypeError:
        raise ArgumentError(f"[{name}] {argument}: expected an integer, got {x!r}") from None
    if not -(2**63) <= i < 2**63:
        raise ArgumentError(f"[{name}] {argument}: {i} is too large")
    return i


def items_of(x: Any, name: str, argument: str) -> list[Any]:
    """The items of a sequence; `argument` is what the function calls it."""
    try:
        return list(x)
    except TypeError:
        raise ArgumentError(
            f"[{name}] {argument}: expected a sequence, got {describe(x)}"
        ) from None


def axis_of(axis: Any, ndim: int, name: str, argument: str = "axis") -> int:
    """`axis` as a number from 0 to ``ndim - 1``."""
    index = integer_of(axis, name, argument)
    if not -ndim <= index < ndim:
        raise AxisError(f"[{name}] {argument} {index} is out of range for an array of {ndim} axes")
    return index % ndim


def axes_of(axis: Any, ndim: int, name: str, argument: str = "axis") -> Shape:
    """`axis` as sorted, distinct numbers; None means all axes."""
    if axis is None:
        return tuple(range(ndim))
    if not isinstance(axis, (tuple, list)):
        return (axis_of(axis, ndim, name, argument),)
    axes = [axis_of(a, ndim, name, argument) for a in axis]
    if len(set(axes)) != len(axes):
        raise AxisError(f"[{name}] {argument} {tuple(axis)} names an axis twice")
    return tuple(sorted(axes))


# ---- binary operations ---------------------------------------------------------------------------


def binary(prim: Primitive, x: Any, y: Any, name: str, *, inexact: bool = False) -> Any:
    """``prim(x, y)`` after promotion and broadcasting; a Python scalar stays a scalar."""
    if isinstance(x, Array):
        if type(y) in _SCALARS:
            return _with_scalar(prim, x, y, name, inexact, swapped=False)
        if not isinstance(y, Array):
            y = operand(y, name)
    elif isinstance(y, Array) and type(x) in _SCALARS:
        return _with_scalar(prim, y, x, name, inexact, swapped=True)
    else:
        x, y = operand(x, name), operand(y, name)
    if x.dtype is not y.dtype or (inexact and x.dtype not in dtypes.INEXACT):
        dtype = common_dtype(x, y)
        if inexact:
            dtype = dtypes.to_float(dtype)
        if x.dtype is not dtype:
            x = promote_p(x, dtype=dtype)
        if y.dtype is not dtype:
            y = promote_p(y, dtype=dtype)
    if x.shape != y.shape:
        shape = broadcast_shapes(name, x.shape, y.shape)
        x, y = broadcast(x, shape), broadcast(y, shape)
    if prim is sub_p and x.dtype is dtypes.bool_:
        raise DTypeError(f"[{name}] is not defined for bool; use rt.logical_xor, or .astype(...)")
    return state.trace.bind(prim, (x, y), {})


def _with_scalar(prim: Primitive, x: Array, scalar: Any, name: str, inexact: bool,
                 swapped: bool) -> Any:  # fmt: skip
    dtype = x.dtype
    if dtype not in dtypes.INEXACT or type(scalar) is complex:
        dtype = common_dtype(x, scalar)
        if inexact:
            dtype = dtypes.to_float(dtype)
        if x.dtype is not dtype:
            x = promote_p(x, dtype=dtype)
        if dtype in dtypes.INTEGERS:
            check_range(scalar, dtype, name)
    return prim(scalar, x) if swapped else prim(x, scalar)


def check_range(scalar: int, dtype: DType, name: str) -> None:
    """Refuse a Python integer that an integer dtype does not hold."""
    limits = np.iinfo(dtype)
    if not limits.min <= scalar <= limits.max:
        raise DTypeError(
            f"[{name}] the integer {scalar} does not fit into {dtype}; use a wider dtype, "
            "or convert the other operand first with x.astype(...)"
        )
