"""Operators and methods of `Array`, installed from one table; tracers inherit them.

Between two plain arrays on the CPU, outside all transformations, an operator calls NumPy at once:
that path has a budget of about a microsecond.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.trace import EVAL, state
from rtorch.errors import api, hide_internal_frames
from rtorch.numpy import at, contraction, elementwise, indexing, manipulation, reductions, ufuncs
from rtorch.numpy.operands import binary
from rtorch.ops import comparison
from rtorch.ops.base import add_p, mul_p, sub_p

_FLOATS = frozenset({dtypes.float32, dtypes.float64})
_BOOL = dtypes.bool_
# What may know how to combine itself with an Array; we do not.
_FOREIGN = (str, dict, set, type(None))


def _operator(prim: Any, name: str, ufunc: Callable[..., Any], swapped: bool) -> Any:
    """``x <op> y`` by `prim`, or by `ufunc` at once where that gives the same."""

    def method(self: Any, other: Any) -> Any:
        if type(self) is Array and state.trace is EVAL:
            kind = type(other)
            data = self._data
            if kind is Array:
                right = other._data
                if (
                    data.dtype is right.dtype
                    and data.dtype is not _BOOL
                    and data.shape == right.shape
                    and data.shape
                ):
                    return Array(ufunc(right, data) if swapped else ufunc(data, right))
            elif kind is float and data.dtype in _FLOATS and data.shape:
                return Array(ufunc(other, data) if swapped else ufunc(data, other))
        if isinstance(other, _FOREIGN):
            return NotImplemented
        try:
            if swapped:
                return binary(prim, other, self, name)
            return binary(prim, self, other, name)
        except Exception as error:
            hide_internal_frames(error)
            raise

    return method


def _slow_operator(function: Callable[..., Any], swapped: bool = False) -> Any:
    function = getattr(function, "__wrapped__", function)  # errors are cleaned here

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, _FOREIGN):
            return NotImplemented
        try:
            return function(other, self) if swapped else function(self, other)
        except Exception as error:
            hide_internal_frames(error)
            raise

    return method


# name: (primitive, its name in messages, the NumPy ufunc that equals it on arrays of one dtype)
_BINARY: dict[str, tuple[Any, str, Any]] = {
    "add": (add_p, "add", np.add),
    "sub": (sub_p, "subtract", np.subtract),
    "mul": (mul_p, "multiply", np.multiply),
    "lt": (comparison.lt_p, "less", np.less),
    "le": (comparison.le_p, "less_equal", np.less_equal),
    "gt": (comparison.gt_p, "greater", np.greater),
    "ge": (comparison.ge_p, "greater_equal", np.greater_equal),
    "eq": (comparison.eq_p, "equal", np.equal),
    "ne": (comparison.ne_p, "not_equal", np.not_equal),
}
_SLOW: dict[str, Any] = {
    "truediv": ufuncs.divide,
    "floordiv": ufuncs.floor_divide,
    "mod": ufuncs.remainder,
    "pow": elementwise.power,
    "matmul": contraction.matmul,
    "and": ufuncs.bitwise_and,
    "or": ufuncs.bitwise_or,
    "xor": ufuncs.bitwise_xor,
    "lshift": ufuncs.bitwise_left_shift,
    "rshift": ufuncs.bitwise_right_shift,
    "divmod": lambda x, y: (ufuncs.floor_divide(x, y), ufuncs.remainder(x, y)),
}
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
_UNARY: dict[str, Any] = {
    "neg": ufuncs.negative,
    "pos": elementwise.positive,
    "abs": elementwise.abs,
    "invert": ufuncs.bitwise_invert,
    "round": elementwise.round,
}


def _reshape(self: Array, *shape: Any, order: str = "C") -> Array:
    """The elements in row-major (or `order`) order as `shape`; one length may be -1."""
    return manipulation.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)


def _transpose(self: Array, *axes: Any) -> Array:
    """The axes in the order `axes`; reversed without."""
    if not axes or axes == (None,):
        return manipulation.transpose(self)
    return manipulation.transpose(self, axes[0] if isinstance(axes[0], (tuple, list)) else axes)


def _compress(self: Array, condition: Any, axis: int | None = None, **options: Any) -> Array:
    """See ``rt.compress``."""
    from rtorch.numpy.searching import compress

    return compress(condition, self, axis, **options)


def _copy(self: Array) -> Array:
    """The same values, which stay if this array is donated; as it is immutable, no memory moves."""
    return self.__copy__()


class _late:  # noqa: N801 - reads as a function
    """The function `name` of a module that is imported when the method is first asked for."""

    def __init__(self, module: str, name: str) -> None:
        self.module = f"rtorch.numpy.{module}"
        self.name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        function = getattr(importlib.import_module(self.module), self.name)
        setattr(Array, self.name, function)
        return function.__get__(instance, owner)


_METHODS: dict[str, Any] = {
    "reshape": _reshape,
    "transpose": _transpose,
    "permute": _transpose,
    "astype": elementwise.astype,
    "clip": elementwise.clip,
    "conj": elementwise.conj,
    "conjugate": elementwise.conj,
    "round": elementwise.round,
    "ravel": manipulation.ravel,
    "flatten": manipulation.ravel,
    "squeeze": manipulation.squeeze,
    "swapaxes": manipulation.swapaxes,
    "repeat": _late("repeating", "repeat"),
    "sum": reductions.sum,
    "prod": reductions.prod,
    "mean": _late("statistics", "mean"),
    "var": _late("statistics", "var"),
    "std": _late("statistics", "std"),
    "max": reductions.max,
    "min": reductions.min,
    "all": reductions.all,
    "any": reductions.any,
    "argmax": reductions.argmax,
    "argmin": reductions.argmin,
    "cumsum": _late("cumulative", "cumsum"),
    "cumprod": _late("cumulative", "cumprod"),
    "ptp": reductions.ptp,
    "trace": _late("matrices", "trace"),
    "copy": _copy,
    "dot": contraction.dot,
    "sort": _late("sorting", "sort"),
    "argsort": _late("sorting", "argsort"),
    "take": indexing.take,
    "nonzero": _late("searching", "nonzero"),
    "choose": _late("selecting", "choose"),
    "compress": _compress,
    "diagonal": _late("matrices", "diagonal"),
    "searchsorted": _late("sorting", "searchsorted"),
}
_PROPERTIES: dict[str, tuple[Any, str]] = {
    "T": (manipulation.transpose, "The axes in reverse order."),
    "mT": (manipulation.matrix_transpose, "The last two axes exchanged."),
    "real": (elementwise.real, "The real part."),
    "imag": (elementwise.imag, "The imaginary part."),
    "at": (at.At, "``x.at[index].set(value)`` and its relatives: updated copies."),
}


def install() -> None:
    """Give `Array` its operators, methods and properties."""
    for name, (prim, title, ufunc) in _BINARY.items():
        setattr(Array, f"__{name}__", _operator(prim, title, ufunc, swapped=False))
        if name not in _COMPARISONS:
            setattr(Array, f"__r{name}__", _operator(prim, title, ufunc, swapped=True))
    for name, function in _SLOW.items():
        setattr(Array, f"__{name}__", _slow_operator(function))
        setattr(Array, f"__r{name}__", _slow_operator(function, swapped=True))
    for name, function in _UNARY.items():
        setattr(Array, f"__{name}__", function)
    for name, function in _METHODS.items():
        setattr(Array, name, function)
    for name, (function, doc) in _PROPERTIES.items():
        setattr(Array, name, property(function, doc=doc))
    for name, function in _SPECIAL.items():
        setattr(Array, name, function)


# ---- NumPy's protocols ---------------------------------------------------------------------------


def _namespace() -> Any:
    import rtorch

    return rtorch


def _array_namespace(self: Array, *, api_version: str | None = None) -> Any:
    return _namespace()


@api
def _array_ufunc(self: Array, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """``np.sin(x)`` is ``rt.sin(x)``."""
    from rtorch.numpy import protocols  # which few programs need, and imports `inspect`

    return protocols.array_ufunc(ufunc, method, inputs, kwargs)


@api
def _array_function(self: Array, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """``np.concatenate([x, y])`` is ``rt.concatenate([x, y])``."""
    from rtorch.numpy import protocols

    return protocols.array_function(func, types, args, kwargs)


_SPECIAL: dict[str, Any] = {
    "__getitem__": at.fast_getitem,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "__array_namespace__": _array_namespace,
}

install()
