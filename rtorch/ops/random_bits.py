"""Counter-based random bits: Threefry-2x32 with 20 rounds.

A key is two words of 32 bits. Element ``i`` of what a key gives is the cipher of the 64-bit
counter ``i`` under that key, so the values depend on nothing but key and place: not on the
device, not on `jit`, not on how many others are drawn beside them.

References:
    Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3 (SC '11)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.dtypes import DType, uint32
from rtorch.ops.base import Nondifferentiable, align, move_dim

_PARITY = 0x1BD11BDA
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_MASK = 0xFFFFFFFF

# NumPy reads a typed array faster than a Python scalar; CuPy takes scalars only.
_SHIFTS_OF_ARRAYS = tuple(
    tuple((np.asarray(r, uint32), np.asarray(32 - r, uint32)) for r in group)
    for group in _ROTATIONS
)
_SHIFTS = tuple(tuple((r, 32 - r) for r in group) for group in _ROTATIONS)

BLOCK = 1 << 15  # elements per pass on the CPU: three blocks of words stay in the L2 cache
FEW = 6  # up to so many elements Python's integers are faster than 112 calls of NumPy

# ---- the cipher ----------------------------------------------------------------------------------


def scramble(xp: Any, k0: Any, k1: Any, x0: Any, x1: Any) -> None:
    """Encrypt the words ``(x0, x1)`` in place; key words may have axes of length 1."""
    add, xor = xp.add, xp.bitwise_xor
    shl, shr, both = xp.left_shift, xp.right_shift, xp.bitwise_or
    keys = (k0, k1, xor(xor(k0, k1), uint32.type(_PARITY)))
    shifts = _SHIFTS_OF_ARRAYS if xp is np else _SHIFTS
    spare = xp.empty_like(x1)
    add(x0, k0, x0)
    add(x1, k1, x1)
    for i in range(5):
        for left, right in shifts[i % 2]:
            add(x0, x1, x0)
            shl(x1, left, spare)
            shr(x1, right, x1)
            both(x1, spare, x1)
            xor(x1, x0, x1)
        add(x0, keys[(i + 1) % 3], x0)
        add(x1, add(keys[(i + 2) % 3], uint32.type(i + 1)), x1)


def scramble_ints(k0: int, k1: int, x0: int, x1: int) -> tuple[int, int]:
    """As `scramble`, of one pair of words as Python integers."""
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    x0, x1 = x0 + k0 & _MASK, x1 + k1 & _MASK
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            x0 = x0 + x1 & _MASK
            x1 = (x1 << r & _MASK | x1 >> 32 - r) ^ x0
        x0 = x0 + keys[(i + 1) % 3] & _MASK
        x1 = x1 + keys[(i + 2) % 3] + i + 1 & _MASK
    return x0, x1


def words(xp: Any, keys: Any, start: int, stop: int) -> tuple[Any, Any]:
    """The words of the counters from `start` to `stop`, a row for each of `keys`."""
    shape = (len(keys), stop - start)
    if xp is np and shape[0] * shape[1] <= FEW:
        pairs = [
            scramble_ints(k0, k1, 0, i) for k0, k1 in keys.tolist() for i in range(start, stop)
        ]
        both = np.array(pairs, uint32).reshape(*shape, 2)
        return both[..., 0], both[..., 1]
    x0, x1 = xp.empty(shape, uint32), xp.empty(shape, uint32)
    x0[...] = start >> 32
    x1[...] = xp.arange(start & _MASK, (start & _MASK) + stop - start)
    scramble(xp, keys[:, :1], keys[:, 1:], x0, x1)
    return x0, x1


def blocks(xp: Any, rows: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Parts of a table of `rows` times `size` elements that fit the cache.

    They start at multiples of a power of two: the high word of the counter is the same in one.
    """
    block = BLOCK if xp is np else 1 << 28
    step = max(1, block // max(size, 1))
    for row in range(0, rows if size else 0, step):
        for start in range(0, size, block):
            yield slice(row, min(row + step, rows)), slice(start, min(start + block, size))


# What becomes of the two words of a counter: ``(xp, x0, x1, out) -> None``.
Finish = Callable[[Any, Any, Any, Any], None]


def _fill(xp: Any, out: Any, keys: Any, finish: Finish) -> None:
    """Row ``i`` of `out` from key ``i``, in blocks that fit the cache."""
    for rows, columns in blocks(xp, *out.shape[:2]):
        x0, x1 = words(xp, keys[rows], columns.start, columns.stop)
        finish(xp, x0, x1, out[rows, columns])


def xor(xp: Any, x0: Any, x1: Any, out: Any) -> None:
    if out.dtype == uint32:
        xp.bitwise_xor(x0, x1, out)
    else:
        out[...] = xp.bitwise_xor(x0, x1)  # the low bits


def join(xp: Any, x0: Any, x1: Any, out: Any) -> None:
    out[...] = x0
    xp.left_shift(out, out.dtype.type(32), out)
    xp.bitwise_or(out, x1, out)


def _pair(xp: Any, x0: Any, x1: Any, out: Any) -> None:
    out[..., 0], out[..., 1] = x0, x1


# ---- primitives ----------------------------------------------------------------------------------


class Threefry2x32(Nondifferentiable):
    """The cipher of each pair of words ``(x0, x1)`` under the key ``(k0, k1)``, all uint32."""

    name = "threefry2x32"
    multiple = True

    def impl(self, xp: Any, k0: Any, k1: Any, x0: Any, x1: Any) -> Any:
        shape = np.broadcast_shapes(k0.shape, k1.shape, x0.shape, x1.shape)
        words = [xp.broadcast_to(x, shape).reshape(-1) for x in (k0, k1, x0, x1)]
        size = words[0].size
        if xp is np and size <= FEW:
            pairs = [scramble_ints(*four) for four in zip(*[w.tolist() for w in words])]
            out = np.array(pairs, uint32).reshape(*shape, 2)
            return out[..., 0], out[..., 1]
        y0, y1 = words[2].copy(), words[3].copy()
        for part in _parts(size, BLOCK if xp is np else max(size, 1)):
            scramble(xp, words[0][part], words[1][part], y0[part], y1[part])
        return y0.reshape(shape), y1.reshape(shape)

    def infer(self, *operands: Any) -> Any:
        shape = next(x.shape for x in operands if isinstance(x, Aval))
        return Aval(shape, uint32), Aval(shape, uint32)

    def batch(self, args: Any, dims: Any) -> tuple[Any, Any]:
        args, dim = align(args, dims)
        return self(*args), (dim, dim)


def _parts(size: int, block: int) -> Iterator[slice]:
    return (slice(i, i + block) for i in range(0, size, block))


class FromKeys(Nondifferentiable):
    """Bits for a key of shape (2,), or for each of an array of keys (..., 2)."""

    extra: ClassVar[tuple[int, ...]] = ()  # axes of the result after those of ``shape``

    def impl(self, xp: Any, key: Any, *, shape: Any, **params: Any) -> Any:
        aval = self.infer(key, shape=shape, **params)
        out = xp.empty(aval.shape, aval.dtype)
        self.into(out, key, shape=shape, xp=xp)
        return out

    def into(self, out: Any, key: Any, *, shape: Any, xp: Any = np, **params: Any) -> None:
        rows = math.prod(key.shape[:-1])
        finish = self.finisher(out.dtype)
        _fill(xp, out.reshape(rows, math.prod(shape), *self.extra), key.reshape(rows, 2), finish)

    def finisher(self, dtype: DType) -> Finish:
        raise NotImplementedError

    def flops(self, key: Any, **params: Any) -> float:
        return 50.0 * self.infer(key, **params).size  # 20 rounds of 5 operations for two words

    def batch(self, args: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
        return self(move_dim(args[0], dims[0], 0), **params), 0


class RandomBits(FromKeys):
    """``shape`` unsigned integers of ``dtype``, all bits of which are random."""

    name = "random_bits"

    def finisher(self, dtype: DType) -> Finish:
        return join if dtype == dtypes.uint64 else xor

    def infer(self, key: Any, *, shape: Any, dtype: Any) -> Aval:
        return Aval((*key.shape[:-1], *shape), dtype)


class RandomSplit(FromKeys):
    """``shape`` new keys, the words of which are along the last axis."""

    name = "random_split"
    extra = (2,)

    def finisher(self, dtype: DType) -> Finish:
        return _pair

    def infer(self, key: Any, *, shape: Any) -> Aval:
        return Aval((*key.shape[:-1], *shape, 2), uint32)


threefry2x32_p = Threefry2x32()
random_bits_p, random_split_p = RandomBits(), RandomSplit()
