"""Choosing among arrays element by element, and updates of elements as functions."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.numpy.access import as_value
from rtorch.numpy.at import Place
from rtorch.numpy.cumulative import cumsum
from rtorch.numpy.elementwise import where
from rtorch.numpy.joining import stack
from rtorch.numpy.layout import index_array
from rtorch.numpy.manipulation import broadcast_arrays, ravel
from rtorch.numpy.operands import (
    ArrayLike,
    axis_of,
    broadcast,
    broadcast_shapes,
    convert,
    operand,
    promote,
)
from rtorch.numpy.repeating import resize
from rtorch.numpy.searching import truth
from rtorch.numpy.ufuncs import remainder
from rtorch.ops.base import reshape_p
from rtorch.ops.creation import iota_p
from rtorch.ops.indexing import gather_p

__all__ = [
    "choose", "masked_fill", "piecewise", "place", "put", "put_along_axis", "select",
]  # fmt: skip

# ---- choosing ------------------------------------------------------------------------------------


@api
def choose(
    x: ArrayLike, choices: Sequence[ArrayLike] | Array, out: None = None, mode: str = "raise"
) -> Array:
    """At every element, the choice whose number `x` has there.

    Args:
        x: Integer array.
        choices: Arrays; all broadcast together, and with `x`.
        out: Exists for NumPy's sake.
        mode: What a number outside does: ``"raise"``, ``"clip"`` or ``"wrap"``.

    Example:
        >>> import rtorch as rt
        >>> rt.choose(rt.asarray([1, 0]), [rt.asarray([1, 2]), rt.asarray([10, 20])])
        Array([10,  2], dtype=int64)
    """
    if mode not in ("raise", "clip", "wrap"):
        raise ArgumentError(f"[choose] mode: expected 'raise', 'clip' or 'wrap', got {mode!r}")
    number, *arrays = broadcast_arrays(index_array(x), *promote("choose", *choices))
    if not arrays:
        raise ShapeError("[choose] expected at least one array to choose from")
    table = stack(arrays)
    if mode != "wrap":  # negative numbers do not count from the end
        low = -1 - len(arrays) if mode == "raise" else 0
        number = where(number < 0, low, number)
    grid = [
        iota_p(shape=number.shape, dtype=dtypes.int64, axis=a, device=number.device)
        for a in range(number.ndim)
    ]
    return gather_p(table, number, *grid, axes=tuple(range(table.ndim)), mode=mode, fill=0)


@api
def select(
    condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0
) -> Array:
    """At every element, the choice of the first condition that holds there.

    Args:
        condlist: Arrays of truth values.
        choicelist: As many arrays; all broadcast together.
        default: Where no condition holds.

    Example:
        >>> import rtorch as rt
        >>> x = rt.arange(5)
        >>> rt.select([x < 2, x > 3], [x, 10 * x], default=-1)
        Array([ 0,  1, -1, -1, 40], dtype=int64)
    """
    for given, name in ((condlist, "condlist"), (choicelist, "choicelist")):
        if not hasattr(given, "__len__"):
            raise ArgumentError(f"[select] {name}: expected a list of arrays, got {given!r}")
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ArgumentError(
            f"[select] expected as many conditions as choices, one or more; got {len(condlist)} "
            f"and {len(choicelist)}"
        )
    *choices, out = promote("select", *choicelist, default)
    conditions = [truth(c, "select") for c in condlist]
    for condition, choice in zip(conditions[::-1], choices[::-1]):
        out = where(condition, choice, out)
    shape = broadcast_shapes("select", *[z.shape for z in (*conditions, *choices)], out.shape)
    return broadcast(out, shape)


@api
def piecewise(
    x: ArrayLike, condlist: Any, funclist: Sequence[Any], *args: Any, **kwargs: Any
) -> Array:
    """A function given in pieces: ``funclist[i](x)`` where ``condlist[i]`` holds.

    Every function gets the whole of `x`, unlike in NumPy, so that it works under `jit`. Where
    several conditions hold, the last one counts.

    Args:
        x: Array.
        condlist: Arrays of truth values, of the shape of `x`; or a single one.
        funclist: As many functions or numbers, perhaps one more for where no condition holds.
        *args: Passed to the functions, after `x`.
        **kwargs: Passed to the functions.

    Returns:
        Shape and dtype of `x`; 0 where no condition holds and there is no function for that.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([-2.0, 3.0])
        >>> rt.piecewise(x, [x < 0, x >= 0], [lambda x: -x, lambda x: x * x])
        Array([2., 9.], dtype=float32)
    """
    x = operand(x, "piecewise")
    single = isinstance(condlist, Array) and (condlist.ndim == x.ndim or not condlist.ndim)
    listed = [condlist] if single or not hasattr(condlist, "__len__") else list(condlist)
    if listed and isinstance(listed[0], bool) and x.ndim:
        listed = [listed]
    if not isinstance(funclist, (list, tuple)):
        raise ArgumentError(f"[piecewise] funclist: expected a list, got {describe(funclist)}")
    conditions = [truth(c, "piecewise") for c in listed]
    rest = len(funclist) - len(conditions)
    if rest not in (0, 1):
        raise ArgumentError(
            f"[piecewise] {len(funclist)} functions for {len(conditions)} conditions: expected as "
            "many, or one more"
        )
    default = funclist[-1] if rest else 0
    out = _piece(default, x, args, kwargs)
    for condition, function in zip(conditions, funclist):
        out = where(condition, _piece(function, x, args, kwargs), out)
    return out


def _piece(function: Callable[..., Any] | Any, x: Array, args: Any, kwargs: Any) -> Array:
    value = function(x, *args, **kwargs) if callable(function) else function
    return broadcast(convert(operand(value, "piecewise"), x.dtype), x.shape)


# ---- updates -------------------------------------------------------------------------------------


def _refuse_inplace(name: str, inplace: bool) -> None:
    if inplace:
        raise ArgumentError(
            f"[{name}] Arrays are immutable: inplace=True is not possible; use the result"
        )


@api
def put(
    x: ArrayLike,
    ind: ArrayLike,
    v: ArrayLike,
    mode: str | None = None,
    *,
    inplace: bool = False,
) -> Array:
    """A copy of `x` with the values `v` at the indices `ind` of the flattened array.

    Args:
        x: Array.
        ind: Integer array.
        v: Values, repeated or cut off to be as many as the indices.
        mode: What an index outside does: ``"raise"`` (as None), ``"clip"``, ``"wrap"`` or
            ``"drop"``.
        inplace: Must be False; for JAX's sake.

    Example:
        >>> import rtorch as rt
        >>> rt.put(rt.zeros((2, 2)), [0, 3], 5.0)
        Array([[5., 0.],
               [0., 5.]], dtype=float32)
    """
    _refuse_inplace("put", inplace)
    x, index = operand(x, "put"), ravel(index_array(ind))
    if not index.size:
        return x
    value = resize(as_value(x, v, "put"), index.shape)
    return reshape_p(Place(ravel(x), index).set(value, mode=mode), shape=x.shape)


@api
def put_along_axis(
    x: ArrayLike,
    indices: ArrayLike,
    values: ArrayLike,
    axis: int | None,
    inplace: bool = False,
    *,
    mode: str | None = None,
) -> Array:
    """A copy of `x` with ``out[.., indices[.., i, ..], ..] = values[.., i, ..]`` along `axis`.

    Args:
        x: Array.
        indices: Integer array with as many axes as x; the other axes broadcast with those of x.
        values: Broadcasts to the shape of `indices`.
        axis: The axis that `indices` indexes; None flattens x.
        inplace: Must be False; for JAX's sake.
        mode: What an index outside does, as in ``x.at[...]``.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([[3, 1, 2], [4, 6, 5]])
        >>> rt.put_along_axis(x, rt.argmax(x, axis=1, keepdims=True), 0, axis=1)
        Array([[0, 1, 2],
               [4, 0, 5]], dtype=int64)
    """
    _refuse_inplace("put_along_axis", inplace)
    name = "put_along_axis"
    x, index = operand(x, name), index_array(indices)
    if axis is None:
        return reshape_p(put_along_axis(ravel(x), index, values, 0, mode=mode), shape=x.shape)
    if x.ndim != index.ndim:
        raise ShapeError(
            f"[{name}] x has {x.ndim} axes and indices have {index.ndim}; they must agree"
        )
    place = axis_of(axis, x.ndim, name)
    lengths = (*x.shape[:place], index.shape[place], *x.shape[place + 1 :])
    if broadcast_shapes(name, index.shape, lengths) != lengths:
        raise ShapeError(f"[{name}] indices of shape {index.shape} do not fit x of {x.shape}")
    index = broadcast(index, lengths)
    grid = tuple(
        [
            index
            if a == place
            else iota_p(shape=lengths, dtype=dtypes.int64, axis=a, device=index.device)
            for a in range(x.ndim)
        ]
    )
    return Place(x, grid).set(values, mode=mode)


@api
def place(x: ArrayLike, mask: ArrayLike, vals: ArrayLike, *, inplace: bool = False) -> Array:
    """A copy of `x` with `vals`, in their order, where `mask` holds.

    Args:
        x: Array.
        mask: Truth values, as many as x has elements.
        vals: As many as are needed are used, repeated from the first if there are fewer.
        inplace: Must be False; for JAX's sake.

    Example:
        >>> import rtorch as rt
        >>> rt.place(rt.arange(5), rt.asarray([1, 0, 1, 0, 1]), [10, 20])
        Array([10,  1, 20,  3, 10], dtype=int64)
    """
    _refuse_inplace("place", inplace)
    x, chosen = operand(x, "place"), truth(mask, "place")
    if chosen.size != x.size:
        raise ShapeError(f"[place] mask of shape {chosen.shape} on an array of {x.shape}")
    values = ravel(as_value(x, vals, "place"))
    if not values.size:
        raise ShapeError("[place] vals: there are none to place")
    if not x.size:
        return x
    number = cumsum(convert(ravel(chosen), dtypes.int64)) - 1
    placed = Place(values, remainder(number, values.size)).get(mode="clip")
    return reshape_p(where(ravel(chosen), placed, ravel(x)), shape=x.shape)


@api
def masked_fill(x: ArrayLike, mask: ArrayLike, value: ArrayLike) -> Array:
    """`x` with `value` where `mask` holds; the dtype stays that of `x`.

    Args:
        x: Array.
        mask: Truth values; broadcasts with x.
        value: A number, or an array that broadcasts with x.

    Example:
        >>> import rtorch as rt
        >>> rt.masked_fill(rt.arange(3), rt.asarray([True, False, True]), -1)
        Array([-1,  1, -1], dtype=int64)
    """
    x, chosen = operand(x, "masked_fill"), operand(mask, "masked_fill")
    if chosen.dtype is not dtypes.bool_:
        raise ArgumentError(f"[masked_fill] mask: expected bool, got {describe(chosen)}")
    return where(chosen, as_value(x, value, "masked_fill"), x)
