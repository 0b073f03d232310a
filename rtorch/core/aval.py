"""What is known of an array without its values: shape and dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core.dtypes import SHORT_NAMES, DType, canonical
from rtorch.errors import ArgumentError, ShapeError


class Aval:
    """An abstract value: shape, dtype, and whether the dtype is weak (of a Python scalar).

    Example:
        >>> import rtorch as rt
        >>> rt.spec((3, 4))
        f32[3,4]
    """

    __slots__ = ("dtype", "shape", "weak")

    def __init__(self, shape: tuple[int, ...], dtype: DType, weak: bool = False) -> None:
        self.shape = shape
        self.dtype = dtype
        self.weak = weak

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def update(self, shape: tuple[int, ...] | None = None, dtype: DType | None = None) -> Aval:
        """This aval with another shape or dtype (and, then, not weak)."""
        return Aval(self.shape if shape is None else shape, dtype or self.dtype)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Aval):
            return NotImplemented
        return (self.shape, self.dtype, self.weak) == (other.shape, other.dtype, other.weak)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.weak))

    def __repr__(self) -> str:
        name = SHORT_NAMES.get(self.dtype, str(self.dtype))
        return f"{name}{'*' if self.weak else ''}[{','.join(map(str, self.shape))}]"


def spec(shape: Any, dtype: Any = float) -> Aval:
    """A shape and a dtype without data, for `eval_shape`, `make_program` and layers' ``init``.

    Args:
        shape: An integer or a tuple of them.
        dtype: A dtype; by default `default_dtype()`.

    Example:
        >>> import rtorch as rt
        >>> rt.spec((2, 3)), rt.spec(4, rt.int64)
        (f32[2,3], i64[4])
    """
    shape = (shape,) if isinstance(shape, int) else shape
    whole = (int, np.integer)
    if not isinstance(shape, (tuple, list)) or not all(isinstance(n, whole) for n in shape):
        raise ArgumentError(f"[spec] shape: expected an integer or a tuple of them, got {shape!r}")
    shape = tuple([int(n) for n in shape])
    if any(n < 0 for n in shape):
        raise ShapeError(f"[spec] shape: lengths must not be negative, got {shape}")
    return Aval(shape, canonical(dtype))
