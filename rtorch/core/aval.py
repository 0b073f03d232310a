"""What is known of an array without its values: shape and dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core.dtypes import SHORT_NAMES, DType, canonical
from rtorch.errors import ArgumentError, ShapeError

NOWHERE: frozenset[Any] = frozenset()


class Aval:
    """An abstract value: shape, dtype, and whether the dtype is weak (of a Python scalar).

    Inside ``vmap(axis_name=...)``, `varies` says over which named axes the value differs between
    lanes (see `core/axes.py`).

    Example:
        >>> import rtorch as rt
        >>> rt.spec((3, 4))
        f32[3,4]
    """

    __slots__ = ("dtype", "shape", "varies", "weak")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: DType,
        weak: bool = False,
        varies: frozenset[Any] = NOWHERE,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.weak = weak
        self.varies = varies

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
        shape = self.shape if shape is None else shape
        return Aval(shape, dtype or self.dtype, varies=self.varies)

    def varying(self, names: frozenset[Any]) -> Aval:
        """This aval, varying over the named axes `names`."""
        return self if names == self.varies else Aval(self.shape, self.dtype, self.weak, names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Aval):
            return NotImplemented
        mine = (self.shape, self.dtype, self.weak, self.varies)
        return mine == (other.shape, other.dtype, other.weak, other.varies)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.weak, self.varies))

    def __repr__(self) -> str:
        name = SHORT_NAMES.get(self.dtype, str(self.dtype))
        axes = f"{{{','.join(sorted(map(str, self.varies)))}}}" if self.varies else ""
        return f"{name}{'*' if self.weak else ''}[{','.join(map(str, self.shape))}]{axes}"


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
