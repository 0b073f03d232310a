"""Elements added at the ends of axes, by all of NumPy's rules."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array, wrap
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.numpy.elementwise import round as round_to_even
from rtorch.numpy.joining import concatenate, piece, stack
from rtorch.numpy.manipulation import broadcast_to, flip, moveaxis
from rtorch.numpy.operands import (
    ArrayLike,
    Shape,
    axis_of,
    convert,
    integer_of,
    operand,
)
from rtorch.numpy.quantiles import median
from rtorch.numpy.ranges import linspace
from rtorch.numpy.reductions import max as largest, min as smallest
from rtorch.numpy.statistics import mean
from rtorch.ops.base import add_p, broadcast_p, move_dim, mul_p, reshape_p
from rtorch.ops.indexing import gather_p
from rtorch.ops.shape import pad_p

__all__ = ["pad"]

# The options of each mode, with their defaults.
_OPTIONS: dict[str, dict[str, Any]] = {
    "constant": {"constant_values": 0},
    "edge": {},
    "empty": {},
    "linear_ramp": {"end_values": 0},
    "maximum": {"stat_length": None},
    "mean": {"stat_length": None},
    "median": {"stat_length": None},
    "minimum": {"stat_length": None},
    "reflect": {"reflect_type": "even"},
    "symmetric": {"reflect_type": "even"},
    "wrap": {},
}
_STATISTICS: dict[str, Callable[..., Array]] = {
    "maximum": largest,
    "mean": mean,
    "median": median,
    "minimum": smallest,
}


@api
def pad(
    x: ArrayLike, pad_width: Any, mode: str | Callable[..., Any] = "constant", **options: Any
) -> Array:
    """`x` with elements added at both ends of its axes.

    ==================================== ====================================================
    mode                                 what is added
    ==================================== ====================================================
    ``"constant"``                       `constant_values`, 0 by default
    ``"empty"``                          zeros
    ``"edge"``                           the outermost element again
    ``"linear_ramp"``                    a straight line from it to `end_values`, 0 by default
    ``"maximum"``, ``"minimum"``,        of the `stat_length` elements at that end, of all by
    ``"mean"``, ``"median"``             default
    ``"reflect"``, ``"symmetric"``       the mirror image, without and with the outermost element;
                                         ``reflect_type="odd"`` turns it around that element
    ``"wrap"``                           what stands at the other end
    a function                           what it returns, see below
    ==================================== ====================================================

    Args:
        x: An array.
        pad_width: How many: one number, ``(before, after)``, one such pair for every axis, or a
            dict from axes to numbers or pairs.
        mode: One of the above. A function is called as ``mode(row, (before, after), axis,
            options)`` with every row, padded with zeros, and returns the row to take instead.
        **options: `constant_values`, `end_values`, `stat_length` (given like `pad_width`), or
            `reflect_type`.

    Raises:
        ShapeError: if the widths do not fit the axes, or there is nothing to repeat.

    Example:
        >>> import rtorch as rt
        >>> rt.pad(rt.arange(3), 1, mode="edge")
        Array([0, 0, 1, 2, 2], dtype=int64)
    """
    x = operand(x, "pad")
    widths = _pairs(_by_axis(pad_width, x.ndim), x.ndim, "pad_width")
    if any(integer_of(w, "pad", "pad_width") < 0 for pair in widths for w in pair):
        raise ArgumentError(f"[pad] pad_width must not be negative, got {pad_width}")
    if callable(mode):
        return _pad_by_function(x, widths, mode, options)
    chosen = _options(mode, options)
    if mode == "constant":
        return _pad_constant(
            x, widths, _pairs(chosen["constant_values"], x.ndim, "constant_values")
        )
    if mode == "empty":
        return _pad_constant(x, widths, [(0, 0)] * x.ndim)
    for axis, pair in enumerate(widths):
        if pair == (0, 0):
            continue
        if x.shape[axis] == 0:
            raise ShapeError(f"[pad] mode {mode!r} has nothing to repeat along axis {axis}")
        x = _pad_axis(x, axis, pair, mode, chosen, len(widths))
    return x


def _options(mode: str, given: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(mode, str) or mode not in _OPTIONS:
        raise ArgumentError(f"[pad] mode: expected one of {tuple(_OPTIONS)}, got {mode!r}")
    unknown = given.keys() - _OPTIONS[mode].keys()
    if unknown:
        raise ArgumentError(
            f"[pad] mode {mode!r} takes the options {sorted(_OPTIONS[mode])}, not {sorted(unknown)}"
        )
    return _OPTIONS[mode] | given


def _by_axis(widths: Any, ndim: int) -> Any:
    if not isinstance(widths, dict):
        return widths
    out: list[Any] = [(0, 0)] * ndim
    for axis, width in widths.items():
        pair = width if isinstance(width, (tuple, list)) else (width, width)
        out[axis_of(axis, ndim, "pad", "pad_width")] = pair
    return out


def _pairs(values: Any, ndim: int, argument: str) -> list[tuple[Any, Any]]:
    """``(before, after)`` for every axis, from one number, one pair, or a pair per axis."""
    if isinstance(values, Array) and not values.ndim:  # which may be traced
        return [(values, values)] * ndim
    values = values.tolist() if hasattr(values, "tolist") else values
    try:
        table = np.broadcast_to(_table(values), (ndim, 2))
    except ValueError:
        raise ShapeError(
            f"[pad] {argument} {values!r}: expected one number, one pair, or a pair for each of "
            f"{ndim} axes"
        ) from None
    return [(before, after) for before, after in table.tolist()]


def _table(values: Any) -> Any:
    """Nested sequences as an array of objects, whose Arrays are not taken apart."""
    if not isinstance(values, (tuple, list)):
        out = np.empty((), object)
        out[()] = values
        return out
    return np.stack([_table(v) for v in values])


# ---- constants -----------------------------------------------------------------------------------


def _pad_constant(x: Array, widths: list[tuple[int, int]], values: list[tuple[Any, Any]]) -> Array:
    if any(isinstance(v, Array) for pair in values for v in pair):
        return _pad_arrays(x, widths, values)
    if len({v for pair in values for v in pair}) <= 1:
        low, high = (tuple([pair[side] for pair in widths]) for side in (0, 1))
        return _pad_with(x, values[0][0] if values else 0, low, high)
    none = (0,) * x.ndim
    for axis, (width, value) in enumerate(zip(widths, values)):
        low, high = ((*none[:axis], w, *none[axis + 1 :]) for w in width)
        x = _pad_with(_pad_with(x, value[0], low, none), value[1], none, high)
    return x


def _pad_with(x: Array, value: Any, low: Shape, high: Shape) -> Array:
    return pad_p(x, value=value, low=low, high=high, interior=(0,) * x.ndim)


def _pad_arrays(x: Array, widths: list[tuple[int, int]], values: list[tuple[Any, Any]]) -> Array:
    """With values that may be traced."""
    for axis, (width, pair) in enumerate(zip(widths, values)):
        x = _joined(x, axis, *[
            broadcast_to(convert(operand(v, "pad"), x.dtype), _with_length(x, axis, n))
            for v, n in zip(pair, width)
        ])  # fmt: skip
    return x


def _with_length(x: Array, axis: int, n: int) -> Shape:
    return (*x.shape[:axis], n, *x.shape[axis + 1 :])


def _joined(x: Array, axis: int, before: Array, after: Array) -> Array:
    return concatenate([before, x, after], axis)


# ---- one axis ------------------------------------------------------------------------------------


def _pad_axis(
    x: Array, axis: int, width: tuple[int, int], mode: str, options: dict[str, Any], ndim: int
) -> Array:
    if mode == "linear_ramp":
        ends = _pairs(options["end_values"], ndim, "end_values")[axis]
        return _joined(x, axis, *_ramps(x, axis, width, ends))
    if mode in _STATISTICS:
        lengths = _pairs(options["stat_length"], ndim, "stat_length")[axis]
        parts = _statistics(x, axis, mode, lengths)
        shapes = [_with_length(x, axis, n) for n in width]
        return _joined(x, axis, *[broadcast_to(p, s) for p, s in zip(parts, shapes)])
    kind = options.get("reflect_type", "even")
    if kind not in ("even", "odd"):
        raise ArgumentError(f"[pad] reflect_type: expected 'even' or 'odd', got {kind!r}")
    n = x.shape[axis]
    if kind == "odd" and not (mode == "reflect" and n == 1):
        return _pad_oddly(x, axis, width, mode)
    # NumPy's own rule for which element goes where, asked of the indices.
    index = np.pad(np.arange(n), width, mode=mode)  # type: ignore[call-overload]
    return _take(x, index, axis)


def _take(x: Array, index: Any, axis: int) -> Array:
    """`x` at the places `index`, all inside, along `axis`."""
    raw = backend.transfer(np.asarray(index, dtypes.int64), x.device)
    return move_dim(gather_p(x, wrap(raw), axes=(axis,), mode="clip", fill=0), 0, axis)


def _pad_oddly(x: Array, axis: int, width: tuple[int, int], mode: str) -> Array:
    """The image turned by half a turn about the outermost element, again and again.

    Two such turns, about both ends, move the array along by a period and up by twice the
    difference of its ends. So an element is ``sign * x[index] + 2 * (a * x[0] + b * x[-1])``.
    """
    n = x.shape[axis]
    period = 2 * (n - 1) if mode == "reflect" else 2 * n
    turns, place = np.divmod(np.arange(-width[0], n + width[1]), period)
    image = place >= n
    index = np.where(image, period - place - (mode == "symmetric"), place)
    first, last = (piece(x, axis, i, i + 1) for i in (0, n - 1))
    sign, a, b = (
        _weights(x, w, axis) for w in (np.where(image, -1, 1), -2 * turns, 2 * (turns + image))
    )
    shape = sign.shape
    ends = add_p(mul_p(a, broadcast_to(first, shape)), mul_p(b, broadcast_to(last, shape)))
    return add_p(mul_p(sign, _take(x, index, axis)), ends)


def _weights(x: Array, weights: Any, axis: int) -> Array:
    line = wrap(backend.transfer(weights.astype(x.dtype), x.device))
    return broadcast_p(line, shape=_with_length(x, axis, weights.size), axes=(axis,))


def _ramps(x: Array, axis: int, width: tuple[int, int], ends: tuple[Any, Any]) -> list[Array]:
    """What stands before, and what stands after."""
    n = x.shape[axis]
    ramps = []
    for count, end, place in zip(width, ends, (0, n - 1)):
        edge = piece(x, axis, place, place + 1)
        edge = reshape_p(edge, shape=(*x.shape[:axis], *x.shape[axis + 1 :]))
        end = convert(operand(end, "pad"), x.dtype)
        ramps.append(linspace(end, edge, count, endpoint=False, dtype=x.dtype, axis=axis))
    return [ramps[0], flip(ramps[1], axis)]


def _statistics(x: Array, axis: int, mode: str, lengths: tuple[Any, Any]) -> list[Array]:
    """The statistic of the elements at each end."""
    n = x.shape[axis]
    out = []
    for side, length in enumerate(lengths):
        count = n if length is None else min(integer_of(length, "pad", "stat_length"), n)
        if count < 0 or (count == 0 and mode in ("maximum", "minimum")):
            raise ArgumentError(f"[pad] stat_length must be positive, got {length}")
        part = piece(x, axis, n - count, n) if side else piece(x, axis, 0, count)
        value = _STATISTICS[mode](part, axis=axis, keepdims=True)
        if x.dtype in dtypes.INTEGERS and value.dtype is not x.dtype:
            value = round_to_even(value)
        out.append(convert(value, x.dtype))
    return out


# ---- by a function -------------------------------------------------------------------------------


def _pad_by_function(
    x: Array, widths: list[tuple[int, int]], function: Callable[..., Any], options: dict[str, Any]
) -> Array:
    x = _pad_constant(x, widths, [(0, 0)] * x.ndim)
    for axis, width in enumerate(widths):
        moved = moveaxis(x, axis, -1)
        n = moved.shape[-1]
        rows = reshape_p(moved, shape=(moved.size // max(n, 1), n))
        new = [_row(function(rows[i], width, axis, options), n) for i in range(rows.shape[0])]
        if new:
            x = moveaxis(reshape_p(stack(new), shape=moved.shape), -1, axis)
    return x


def _row(row: Any, n: int) -> Array:
    if row is None or operand(row, "pad").shape != (n,):
        raise ArgumentError(
            f"[pad] the function must return the row, a vector of length {n}, got {describe(row)}; "
            "it cannot change the one it gets: Arrays are immutable"
        )
    return operand(row, "pad")
