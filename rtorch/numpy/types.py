"""Names of dtypes and kinds of dtypes, and questions about dtypes, shapes and printed text."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, api
from rtorch.numpy.operands import Axis, axes_of, operand

__all__ = [
    "array2string", "array_repr", "array_str", "can_cast", "cdouble", "complex_",
    "complexfloating", "csingle", "double", "dtype", "float_", "floating", "generic",
    "get_printoptions", "inexact", "int_", "integer", "issubdtype", "iterable", "ndim",
    "number", "printoptions", "set_printoptions", "shape", "signedinteger", "single", "size",
    "uint", "unsignedinteger",
]  # fmt: skip

# ---- names ---------------------------------------------------------------------------------------

dtype = np.dtype
int_, uint = dtypes.int64, dtypes.uint64
single, double, float_ = dtypes.float32, dtypes.float64, dtypes.float64
csingle, cdouble, complex_ = dtypes.complex64, dtypes.complex128, dtypes.complex128

# Kinds, for `issubdtype`.
generic, number, inexact, integer = np.generic, np.number, np.inexact, np.integer
floating, complexfloating = np.floating, np.complexfloating
signedinteger, unsignedinteger = np.signedinteger, np.unsignedinteger

# ---- dtypes --------------------------------------------------------------------------------------


@api
def issubdtype(arg1: Any, arg2: Any) -> bool:
    """Whether a dtype (or kind) belongs to a kind such as `floating` or `integer`.

    Args:
        arg1: A dtype, or a kind.
        arg2: A kind, or a dtype.

    Example:
        >>> import rtorch as rt
        >>> rt.issubdtype(rt.bfloat16, rt.floating), rt.issubdtype(rt.int8, rt.unsignedinteger)
        (True, False)
    """
    first, second = (_plain(_kind(a)) for a in (arg1, arg2))
    return bool(np.issubdtype(first, second))


def _kind(x: Any) -> Any:
    """A kind as it is, a dtype as rtorch's."""
    if isinstance(x, type) and issubclass(x, np.generic) and x.__subclasses__():
        return x
    return dtypes.canonical(x)


def _plain(x: Any) -> Any:
    # NumPy does not count bfloat16 as a floating dtype; float16 stands for it.
    return dtypes.float16 if isinstance(x, np.dtype) and dtypes.is_bfloat16(x) else x


@api
def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    """Whether one dtype can be converted to another by NumPy's rule `casting`.

    Args:
        from_: A dtype, or an Array.
        to: A dtype.
        casting: ``"no"``, ``"equiv"``, ``"safe"`` (nothing is lost), ``"same_kind"`` or
            ``"unsafe"``.

    Example:
        >>> import rtorch as rt
        >>> rt.can_cast(rt.int16, rt.float32), rt.can_cast(rt.float64, rt.float32)
        (True, False)
    """
    is_array = isinstance(from_, (Array, np.ndarray, np.generic))
    first = from_.dtype if is_array else dtypes.canonical(from_)
    rule: Any = casting
    return bool(np.can_cast(first, dtypes.canonical(to), rule))


# ---- shapes --------------------------------------------------------------------------------------


@api
def shape(x: Any) -> tuple[int, ...]:
    """The lengths of the axes of `x`.

    Example:
        >>> import rtorch as rt
        >>> rt.shape([[1, 2, 3]])
        (1, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else operand(x, "shape").shape


@api
def ndim(x: Any) -> int:
    """The number of axes of `x`.

    Example:
        >>> import rtorch as rt
        >>> rt.ndim([[1, 2, 3]])
        2
    """
    return len(shape(x))


@api
def size(x: Any, axis: Axis = None) -> int:
    """The number of elements of `x`, or along the axes `axis`.

    Example:
        >>> import rtorch as rt
        >>> rt.size(rt.ones((2, 3))), rt.size(rt.ones((2, 3)), 1)
        (6, 3)
    """
    lengths, out = shape(x), 1
    for i in axes_of(axis, len(lengths), "size"):
        out *= lengths[i]
    return out


@api
def iterable(x: Any) -> bool:
    """Whether one can loop over `x`: an array without axes has nothing to loop over.

    Example:
        >>> import rtorch as rt
        >>> rt.iterable(rt.ones(2)), rt.iterable(rt.asarray(1.0))
        (True, False)
    """
    if isinstance(x, Array):
        return x.ndim > 0
    return bool(np.iterable(x))


# ---- text ----------------------------------------------------------------------------------------


def printoptions(**options: Any) -> AbstractContextManager[Any]:
    """How arrays are printed within a ``with`` block; the options are `numpy.printoptions`'s.

    Example:
        >>> import rtorch as rt
        >>> with rt.printoptions(precision=2):
        ...     print(rt.asarray([1.2345]))
        [1.23]
    """
    return np.printoptions(**options)


def set_printoptions(**options: Any) -> None:
    """How arrays are printed from now on; NumPy's arrays too, whose options these are.

    Example:
        >>> import rtorch as rt
        >>> rt.set_printoptions(precision=8)
    """
    np.set_printoptions(**options)


def get_printoptions() -> dict[str, Any]:
    """How arrays are printed, as a dictionary.

    Example:
        >>> import rtorch as rt
        >>> rt.get_printoptions()["threshold"]
        1000
    """
    return dict(np.get_printoptions())


@api
def array_repr(
    x: Any,
    max_line_width: int | None = None,
    precision: int | None = None,
    suppress_small: bool | None = None,
) -> str:
    """The text of `x` with its dtype, as ``repr(x)`` has it.

    Args:
        x: Array.
        max_line_width: Where lines are broken; by default after 75 characters.
        precision: How many digits after the point.
        suppress_small: Print numbers next to 0 as 0.

    Example:
        >>> import rtorch as rt
        >>> rt.array_repr(rt.asarray([1.2345]), precision=2)
        'Array([1.23], dtype=float32)'
    """
    data = _values(x, "array_repr")
    options = (max_line_width, precision, suppress_small, ", ", "Array(")
    return f"Array({_text('array_repr', np.array2string, data, *options)}, dtype={data.dtype})"


@api
def array_str(
    x: Any,
    max_line_width: int | None = None,
    precision: int | None = None,
    suppress_small: bool | None = None,
) -> str:
    """The text of `x`, as ``str(x)`` has it; the arguments are those of `array_repr`.

    Example:
        >>> import rtorch as rt
        >>> rt.array_str(rt.asarray([1.2345]), precision=2)
        '[1.23]'
    """
    options = (max_line_width, precision, suppress_small)
    return _text("array_str", np.array_str, _values(x, "array_str"), *options)


@api
def array2string(x: Any, *args: Any, **options: Any) -> str:
    """The text of `x`; the options are those of `numpy.array2string`.

    Example:
        >>> import rtorch as rt
        >>> rt.array2string(rt.arange(3), separator=", ")
        '[0, 1, 2]'
    """
    return _text("array2string", np.array2string, _values(x, "array2string"), *args, **options)


def _text(name: str, write: Callable[..., str], *args: Any, **options: Any) -> str:
    try:
        return write(*args, **options)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"[{name}] {error}") from None


def _values(x: Any, use: str) -> Any:
    return backend.to_numpy(operand(x, use)._concrete(use))
