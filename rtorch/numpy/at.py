"""``x[index]`` and ``x.at[index].set(value)`` and its relatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy import ndarray

from rtorch.core import dtypes
from rtorch.core.array import Array, wrap
from rtorch.core.trace import EVAL, state
from rtorch.errors import (
    ArgumentError,
    api,
    describe,
)
from rtorch.numpy import elementwise, ufuncs
from rtorch.numpy.access import getitem, setitem
from rtorch.numpy.layout import mode_of
from rtorch.ops.creation import full_p

__all__ = ["At"]

_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def _raw_index(index: Any) -> Any:
    """What NumPy takes for `index` and reads as we do; None if there is more to it."""
    kind = type(index)
    if kind is Array:
        return index._data if index.shape or index.dtype is not dtypes.bool_ else None
    if kind is int or kind is slice:
        return index
    if kind is tuple and _BASIC.issuperset(map(type, index)):
        return index
    return None


@api
def array_getitem(x: Array, index: Any) -> Array:
    """``x[index]`` as an entry point."""
    return getitem(x, index)


def fast_getitem(x: Array, index: Any) -> Array:
    """``x[index]``: directly by NumPy where nothing is traced."""
    if type(x) is Array and state.trace is EVAL and (raw := _raw_index(index)) is not None:
        try:
            out = x._data[raw]
        except (IndexError, TypeError, ValueError):
            pass  # the long way round has the better message
        else:
            return Array(out) if type(out) is ndarray else wrap(out)
    return array_getitem(x, index)


class At:
    """``x.at``: index it, then say what to do there."""

    __slots__ = ("_x",)

    def __init__(self, x: Array) -> None:
        self._x = x

    def __getitem__(self, index: Any) -> Place:
        return Place(self._x, index)

    def __repr__(self) -> str:
        return f"{self._x!r}.at"


class Place:
    """``x.at[index]``: methods that return a new array, updated at `index`.

    `mode` says what an index out of bounds does: ``"raise"`` (the default), ``"clip"``,
    ``"wrap"``, ``"fill"`` or ``"drop"`` (nothing is written); ``"promise_in_bounds"`` says that
    there is none. Updates of one place named several times all count; of `set`, the last.
    `indices_are_sorted` and `unique_indices` are promises that JAX makes use of.

    Example:
        >>> import rtorch as rt
        >>> x = rt.zeros(3)
        >>> x.at[rt.asarray([0, 0, 2])].add(1.0).tolist()
        [2.0, 0.0, 1.0]
    """

    __slots__ = ("_index", "_x")

    def __init__(self, x: Array, index: Any) -> None:
        self._x = x
        self._index = index

    @api
    def _apply(self, value: Any, how: str, mode: str | None) -> Array:
        return setitem(self._x, self._index, value, how, mode_of(mode, f"at[].{how}"))

    def set(
        self, value: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:  # fmt: skip
        """x with x[index] replaced by `value`."""
        x = self._x
        if type(x) is Array and state.trace is EVAL and mode in (None, "raise"):
            raw = _raw_index(self._index)
            kind = type(value)
            plain = kind is Array and value.dtype is x.dtype
            if raw is not None and (plain or (kind is float and x.dtype in dtypes.FLOATS)):
                out = x._data.copy()
                try:
                    out[raw] = value._data if plain else value
                    return Array(out)
                except (IndexError, TypeError, ValueError):
                    pass  # the long way round has the better message
        return self._apply(value, "set", mode)

    def add(
        self, value: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:  # fmt: skip
        """x with `value` added to x[index]."""
        return self._apply(value, "add", mode)

    def subtract(
        self, value: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:  # fmt: skip
        """x with `value` subtracted from x[index]."""
        return self._apply(ufuncs.negative(value), "add", mode)

    def multiply(
        self, value: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:  # fmt: skip
        """x with x[index] multiplied by `value`."""
        return self._apply(value, "mul", mode)

    mul = multiply

    def divide(
        self, value: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:  # fmt: skip
        """x with x[index] divided by `value`."""
        divisor = ones_like(self._x).at[self._index].multiply(value, mode=mode)
        return ufuncs.divide(self._x, divisor)

    def power(
        self, value: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:  # fmt: skip
        """x with x[index] to the power `value`."""
        exponent = ones_like(self._x).at[self._index].multiply(value, mode=mode)
        return elementwise.power(self._x, exponent)

    def min(
        self, value: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:  # fmt: skip
        """x with the smaller of x[index] and `value`."""
        return self._apply(value, "min", mode)

    def max(
        self, value: Any, *, mode: str | None = None, indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:  # fmt: skip
        """x with the larger of x[index] and `value`."""
        return self._apply(value, "max", mode)

    def apply(
        self,
        function: Callable[[Array], Array],
        *,
        mode: str | None = None,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:
        """x with x[index] replaced by ``function(x[index])``."""
        if not callable(function):
            raise ArgumentError(f"[at[].apply] expected a function, got {describe(function)}")
        return self.set(function(self.get(mode=mode)), mode=mode)

    @api
    def get(
        self,
        *,
        mode: str | None = None,
        fill_value: Any = None,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
    ) -> Array:
        """x[index], where `mode` "fill" gives `fill_value` (default: nan, or 0 of integers)."""
        mode = mode_of(mode, "at[].get")
        if fill_value is None:
            fill_value = float("nan") if self._x.dtype in dtypes.INEXACT else 0
        return getitem(self._x, self._index, mode, fill_value)


def ones_like(x: Array) -> Array:
    """Ones of the shape and dtype of `x`."""
    return full_p(shape=x.shape, value=1, dtype=x.dtype, device=x.device)
