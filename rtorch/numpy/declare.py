"""How elementwise functions are declared: promotion and broadcasting in front of one primitive.

Integers become floats where the result is one; operands of several dtypes are promoted
(`promote_types`), shapes broadcast.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Set as AbstractSet
from typing import Any, NoReturn, TypeAlias

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.core.trace import state
from rtorch.errors import DTypeError, api, hide_internal_frames
from rtorch.numpy.operands import (
    ArrayLike,
    binary,
    common_dtype,
    convert,
    floating,
    operand,
    promote,
)

Unary: TypeAlias = Callable[[ArrayLike], Array]
Binary: TypeAlias = Callable[[ArrayLike, ArrayLike], Array]

_INEXACT = dtypes.INEXACT


def document(function: Any, name: str, summary: str, example: str, takes: str) -> None:
    """Give `function` its name and docstring."""
    call, _, result = example.partition(" -> ")
    function.__name__ = function.__qualname__ = name
    function.__module__ = sys._getframe(2).f_globals["__name__"]  # where `pickle` finds it
    function.__doc__ = (
        f"{summary}\n\n{takes}\n\n"
        f"Example:\n    >>> import rtorch as rt\n    >>> {call}\n    {result}\n"
    )


def math_function(
    name: str, prim: Primitive, summary: str, example: str, complexes: bool = True
) -> Unary:
    """A function of one floating or complex array; integers become floats."""

    def function(x: Any, /) -> Any:
        try:
            if not isinstance(x, Array) or x.dtype not in _INEXACT:
                x = floating(x, name)
            if not complexes and x.dtype in dtypes.COMPLEXES:
                raise DTypeError(f"[{name}] is not defined for {x.dtype}: it takes real numbers")
            return state.trace.bind(prim, (x,), {})
        except Exception as error:
            hide_internal_frames(error)
            raise

    takes = "Args:\n    x: Array of any shape; integers and booleans become the default float."
    document(function, name, summary, example, takes)
    return function


def same_dtype(name: str, prim: Primitive, summary: str, example: str, integers: bool = True,
          booleans: bool = False, floats: bool = True,
          complexes: bool = True) -> Unary:  # fmt: skip
    """A function of one array of any dtype, which the result keeps."""

    @api
    def function(x: Any, /) -> Any:
        x = operand(x, name)
        if x.dtype is dtypes.bool_ and not booleans:
            raise DTypeError(f"[{name}] is not defined for bool; convert with x.astype(...) first")
        if not floats and x.dtype in _INEXACT:
            raise DTypeError(f"[{name}] is not defined for {x.dtype}: it takes integers")
        if not complexes and x.dtype in dtypes.COMPLEXES:
            raise DTypeError(
                f"[{name}] is not defined for {x.dtype}: complex numbers have no order"
            )
        if not integers and x.dtype not in _INEXACT:
            return x
        return prim(x)

    document(function, name, summary, example, "Args:\n    x: Array of any shape.")
    return function


def binary_function(
    name: str, prim: Primitive, summary: str, example: str, *, inexact: bool = False,
    only: AbstractSet[Any] | None = None, literals: bool = True,
) -> Binary:  # fmt: skip
    """A function of two arrays that are promoted and broadcast."""

    def function(x: Any, y: Any, /) -> Any:
        try:
            if not literals:
                x, y = promote(name, x, y)
            if only is not None:
                x, y = _allowed(name, only, x, y)
            return binary(prim, x, y, name, inexact=inexact)
        except Exception as error:
            hide_internal_frames(error)
            raise

    takes = "Args:\n    x: Array or number.\n    y: Array or number; shapes broadcast."
    document(function, name, summary, example, takes)
    return function


def _allowed(name: str, only: AbstractSet[Any], x: Any, y: Any) -> tuple[Any, Any]:
    """The operands, refused if their joint dtype is not in `only`; two booleans may be numbers."""
    dtype = common_dtype(operand(x, name), operand(y, name))
    if dtype is dtypes.bool_ and dtypes.int8 in only and dtype not in only:
        return convert(operand(x), dtypes.int8), convert(operand(y), dtypes.int8)
    if dtype not in only:
        _refuse(name, dtype, only)
    return x, y


def require(name: str, allowed: AbstractSet[Any], *xs: Any) -> None:
    """Refuse operands whose joint dtype is not in `allowed`."""
    dtype = common_dtype(*[operand(x, name) for x in xs])
    if dtype not in allowed:
        _refuse(name, dtype, allowed)


def _refuse(name: str, dtype: Any, allowed: AbstractSet[Any]) -> NoReturn:
    kinds = ", ".join(sorted(map(str, allowed)))
    raise DTypeError(f"[{name}] is not defined for {dtype}; it takes {kinds}")
