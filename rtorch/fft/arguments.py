"""The arguments that all transforms share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, AxisError, DTypeError, ShapeError
from rtorch.numpy.operands import convert, floating, integer_of, items_of
from rtorch.ops.fft import SWAPPED
from rtorch.ops.shape import pad_p, slice_p


def numbers(x: Any, name: str) -> Array:
    """`x` in a dtype that transforms compute in; half precision becomes float32."""
    x = floating(x, name)
    return convert(x, dtypes.float32) if x.dtype in dtypes.HALVES else x


def real_numbers(x: Any, name: str) -> Array:
    """`x` for a transform of real numbers; an error for complex ones."""
    x = numbers(x, name)
    if x.dtype in dtypes.COMPLEXES:
        raise DTypeError(f"[{name}] x: expected real numbers, got {x.dtype}; use rt.fft.fft")
    return x


def complex_numbers(x: Any, name: str) -> Array:
    """`x` as complex numbers of its precision."""
    x = numbers(x, name)
    return convert(x, dtypes.complex_dtype(x.dtype))


def norm_of(norm: str | None, name: str) -> str:
    """One of the three norms; None is "backward"."""
    norm = "backward" if norm is None else norm
    if norm not in SWAPPED:
        raise ArgumentError(f"[{name}] norm: expected one of {tuple(SWAPPED)}, got {norm!r}")
    return norm


def length_of(n: Any, default: int, name: str, argument: str = "n") -> int:
    """The length of a transform, which has no empty one."""
    n = default if n is None else integer_of(n, name, argument)
    if n < 1:
        raise ShapeError(f"[{name}] {argument}: a transform needs at least one number, got {n}")
    return n


def places(
    s: Sequence[int] | None, axes: Sequence[int] | None, x: Array, name: str
) -> tuple[list[int | None], list[int]]:
    """The wanted length (None: that of `x`) and the place of each axis to transform, in order."""
    lengths = None if s is None else [integer_of(n, name, "s") for n in items_of(s, name, "s")]
    if axes is None:
        count = x.ndim if lengths is None else len(lengths)
        axes = range(x.ndim - count, x.ndim)
    found = [_axis(a, x.ndim, name) for a in items_of(axes, name, "axes")]
    if len(set(found)) != len(found):
        raise AxisError(f"[{name}] axes {tuple(axes)} names an axis twice")
    if lengths is None:
        return [None] * len(found), found
    if len(lengths) != len(found):
        raise ShapeError(f"[{name}] s has {len(lengths)} lengths for {len(found)} axes")
    return [None if n == -1 else n for n in lengths], found


def _axis(axis: Any, ndim: int, name: str) -> int:
    index = integer_of(axis, name, "axes")
    if not -ndim <= index < ndim:
        raise AxisError(f"[{name}] axes: {index} is out of range for an array of {ndim} axes")
    return index % ndim


def fit(x: Array, lengths: Sequence[int], axes: Sequence[int]) -> Array:
    """`x` cut off or filled up with zeros at the ends of `axes`."""
    shape = list(x.shape)
    for n, axis in zip(lengths, axes):
        shape[axis] = n
    none = (0,) * x.ndim
    if any(n < m for n, m in zip(shape, x.shape)):
        limits = tuple(map(min, shape, x.shape))
        x = slice_p(x, starts=none, limits=limits, strides=(1,) * x.ndim)
    high = tuple([n - m for n, m in zip(shape, x.shape)])
    return pad_p(x, value=0, low=none, high=high, interior=none) if any(high) else x
