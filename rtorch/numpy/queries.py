"""Questions about numbers and arrays: real or complex, equal or not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.dtypes import PYTHON_SCALARS
from rtorch.errors import DTypeError, RtorchError, api
from rtorch.numpy.elementwise import imag, isnan, logical_and, logical_or, real
from rtorch.numpy.operands import (
    ArrayLike,
    broadcast_shapes,
    operand,
    promote,
)
from rtorch.numpy.reductions import all
from rtorch.numpy.ufuncs import equal, not_equal

__all__ = [
    "array_equal",
    "array_equiv",
    "iscomplex",
    "iscomplexobj",
    "isneginf",
    "isposinf",
    "isreal",
    "isrealobj",
    "isscalar",
    "real_if_close",
]


@api
def isreal(x: ArrayLike) -> Array:
    """Whether the imaginary part is 0, element by element.

    Example:
        >>> import rtorch as rt
        >>> rt.isreal(rt.asarray([1j, 2])).tolist()
        [False, True]
    """
    return equal(imag(x), 0)


@api
def iscomplex(x: ArrayLike) -> Array:
    """Whether the imaginary part is not 0, element by element.

    Example:
        >>> import rtorch as rt
        >>> rt.iscomplex(rt.asarray([1j, 2])).tolist()
        [True, False]
    """
    return not_equal(imag(x), 0)


@api
def iscomplexobj(x: ArrayLike) -> bool:
    """Whether the dtype is complex, whatever the values.

    Example:
        >>> import rtorch as rt
        >>> rt.iscomplexobj(rt.asarray([1j])), rt.iscomplexobj(2.0)
        (True, False)
    """
    return operand(x, "iscomplexobj").dtype in dtypes.COMPLEXES


@api
def isrealobj(x: ArrayLike) -> bool:
    """Whether the dtype is not complex, whatever the values.

    Example:
        >>> import rtorch as rt
        >>> rt.isrealobj(rt.asarray([1j])), rt.isrealobj(2.0)
        (False, True)
    """
    return not iscomplexobj(x)


@api
def isscalar(x: Any) -> bool:
    """Whether x is a number: Python's, NumPy's, or an array without axes.

    Example:
        >>> import rtorch as rt
        >>> rt.isscalar(1.5), rt.isscalar([1.5]), rt.isscalar(rt.asarray(1.5))
        (True, False, True)
    """
    if isinstance(x, (*PYTHON_SCALARS, np.number, np.bool_)):
        return True
    return isinstance(x, (Array, np.ndarray)) and x.ndim == 0


def _is_infinity(name: str, x: Any, value: float) -> Array:
    a = operand(x, name)
    if a.dtype in dtypes.COMPLEXES:
        raise DTypeError(f"[{name}] x: expected real numbers, got {a.dtype}")
    if a.dtype not in dtypes.FLOATS:
        return not_equal(a, a)
    return equal(a, value)


@api
def isposinf(x: ArrayLike, /) -> Array:
    """Whether x is inf.

    Example:
        >>> import rtorch as rt
        >>> rt.isposinf(rt.asarray([rt.inf, -rt.inf])).tolist()
        [True, False]
    """
    return _is_infinity("isposinf", x, math.inf)


@api
def isneginf(x: ArrayLike, /) -> Array:
    """Whether x is -inf.

    Example:
        >>> import rtorch as rt
        >>> rt.isneginf(rt.asarray([rt.inf, -rt.inf])).tolist()
        [False, True]
    """
    return _is_infinity("isneginf", x, -math.inf)


@api
def array_equal(x: ArrayLike, y: ArrayLike, equal_nan: bool = False) -> Array:
    """Whether two arrays have one shape and the same elements.

    Args:
        x: An array.
        y: An array.
        equal_nan: Whether nan equals nan.

    Example:
        >>> import rtorch as rt
        >>> bool(rt.array_equal([1, 2], [1, 2])), bool(rt.array_equal([1, 2], [1, 2, 3]))
        (True, False)
    """
    a, b = promote("array_equal", x, y)
    if a.shape != b.shape:
        return operand(np.asarray(False))
    same = equal(a, b)
    return all(logical_or(same, logical_and(isnan(a), isnan(b))) if equal_nan else same)


@api
def array_equiv(x: ArrayLike, y: ArrayLike) -> Array:
    """Whether two arrays broadcast to the same elements.

    Example:
        >>> import rtorch as rt
        >>> bool(rt.array_equiv([1, 1], 1)), bool(rt.array_equiv([1, 1], [1, 1, 1]))
        (True, False)
    """
    a, b = promote("array_equiv", x, y)
    try:
        broadcast_shapes("array_equiv", a.shape, b.shape)
    except RtorchError:
        return operand(np.asarray(False))
    return all(equal(a, b))


@api
def real_if_close(x: ArrayLike, tol: float = 100) -> Array:
    """The real part, if all imaginary parts are nearly 0; else x as it is.

    The result's dtype depends on values, so they must be known: not under `jit` or `vmap`.

    Args:
        x: An array.
        tol: The bound: in machine epsilons if above 1, else as it is.

    Example:
        >>> import rtorch as rt
        >>> rt.real_if_close(rt.asarray([1 + 0j])).dtype
        dtype('float32')
    """
    a = operand(x, "real_if_close")
    if a.dtype not in dtypes.COMPLEXES:
        return a
    bound = tol * float(dtypes.finfo(a.dtype).eps) if tol > 1 else tol
    largest = abs(imag(a)._concrete("real_if_close")).max(initial=0.0)
    return real(a) if largest < bound else a
