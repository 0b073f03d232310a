"""Floats made of random bits: uniform numbers in [0, 1) and normal numbers.

What could be written with other primitives is one primitive here, so that all of it happens to a
block of words while that is in the cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.dtypes import DType, uint32, uint64
from rtorch.ops.random_bits import Finish, FromKeys, join, xor
from rtorch.ops.special import erf_inv_block

# Per dtype: the bits that are drawn, the integers of its own width, by how much they are shifted
# so that they fill the mantissa, and the bits of 1.0.
_LAYOUTS: dict[str, tuple[DType, DType, int, int]] = {
    "bfloat16": (dtypes.uint8, dtypes.uint16, 1, 0x3F80),
    "float16": (dtypes.uint16, dtypes.uint16, 6, 0x3C00),
    "float32": (uint32, uint32, 9, 0x3F800000),
    "float64": (uint64, uint64, 12, 0x3FF0000000000000),
}


def unit_into(xp: Any, x0: Any, x1: Any, out: Any) -> None:
    """Floats in [0, 1) of the words of counters.

    The bits fill the mantissa of numbers in [1, 2), from which 1 is taken.
    """
    drawn, integer, shift, one = _LAYOUTS[out.dtype.name]
    bits = xp.empty(x0.shape, drawn)
    (join if drawn == uint64 else xor)(xp, x0, x1, bits)
    bits = bits.astype(integer, copy=False)
    xp.right_shift(bits, integer.type(shift), bits)
    xp.bitwise_or(bits, integer.type(one), bits)
    xp.subtract(bits.view(out.dtype), out.dtype.type(1), out)


def symmetric_into(xp: Any, x0: Any, x1: Any, out: Any) -> None:
    """Floats in (-1, 1) of the words of counters."""
    unit_into(xp, x0, x1, out)
    kind = out.dtype.type
    low = kind(-1.0 + float(dtypes.finfo(out.dtype).epsneg))  # the least above -1
    xp.multiply(out, kind(1) - low, out)
    xp.add(out, low, out)


def normal_into(xp: Any, x0: Any, x1: Any, out: Any) -> None:
    """Normal numbers of the words of counters."""
    u = xp.empty(out.shape, out.dtype)
    symmetric_into(xp, x0, x1, u)
    if out.dtype in dtypes.HALVES:
        wide = xp.empty(out.shape, dtypes.float32)
        _erf_inv(xp, u.astype(dtypes.float32), wide)
        out[...] = wide
    else:
        _erf_inv(xp, u, out)
    xp.multiply(out, out.dtype.type(math.sqrt(2)), out)


def _erf_inv(xp: Any, x: Any, out: Any) -> None:
    value = xp.empty(x.size, x.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        erf_inv_block(xp, x.reshape(-1), value)
    out[...] = value.reshape(x.shape)


class _Floats(FromKeys):
    def infer(self, key: Any, *, shape: Any, dtype: Any) -> Aval:
        return Aval((*key.shape[:-1], *shape), dtype)


class RandomUnit(_Floats):
    """``shape`` floats of ``dtype``, distributed evenly over [0, 1)."""

    name = "random_unit"

    def finisher(self, dtype: DType) -> Finish:
        return unit_into


class RandomNormal(_Floats):
    """``shape`` floats of ``dtype``, normally distributed with mean 0 and variance 1."""

    name = "random_normal"

    def finisher(self, dtype: DType) -> Finish:
        return normal_into


random_unit_p, random_normal_p = RandomUnit(), RandomNormal()
