"""What random numbers are made of: keys checked, keys derived, bits, and floats in [0, 1).

`rtorch.random` builds its samplers on these and on the public functions. The bits, and what
becomes of them, are those of `jax.random` with its threefry keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array
from rtorch.core.dtypes import DType, uint32, uint64
from rtorch.core.trace import EVAL, state
from rtorch.errors import ArgumentError, DTypeError, ShapeError, describe
from rtorch.numpy.operands import Shape, convert, operand, shape_of
from rtorch.ops.base import reshape_p, sub_p
from rtorch.ops.comparison import shift_right_p
from rtorch.ops.convert import convert_p
from rtorch.ops.random_bits import random_bits_p, random_split_p, threefry2x32_p
from rtorch.ops.random_floats import random_normal_p, random_unit_p
from rtorch.ops.shape import concat_p, slice_p

__all__ = [
    "broadcasts_to",
    "check_key",
    "check_shape",
    "consume_key",
    "floating_dtype",
    "fold_in",
    "is_staged",
    "key_of",
    "known_words",
    "normal",
    "random_bits",
    "split",
    "unit",
    "watchers",
]

# ---- arguments -----------------------------------------------------------------------------------


def check_key(key: Any, name: str) -> Array:
    """`key` as one key, uint32 of shape (2,); `name` is the function, for messages."""
    if not isinstance(key, Array) and backend.is_raw_array(key):
        key = operand(key, name)
    if isinstance(key, Array) and key.dtype is uint32:
        if key.shape == (2,):
            return key
        if key.ndim > 1 and key.shape[-1] == 2:
            raise ShapeError(
                f"[{name}] key: expected one key, uint32[2], got an array of keys, "
                f"{describe(key)}. Take one of them, or draw with all by rt.vmap"
            )
    if isinstance(key, int):
        raise ArgumentError(f"[{name}] key: expected a key, got the number {key}: make a key of "
                            f"it with rt.random.key({key})")  # fmt: skip
    kind = ShapeError if isinstance(key, Array) and key.dtype is uint32 else ArgumentError
    raise kind(
        f"[{name}] key: expected uint32[2], as rt.random.key(seed) gives, got {describe(key)}"
    )


# What is called with a key that is used up, besides `check_key`: nothing, unless reuse is looked
# for (see `rtorch.transforms.key_reuse`).
watchers: list[Callable[[Array, str], None]] = []


def consume_key(key: Any, name: str) -> Array:
    """`check_key` of a key that the call uses up."""
    key = check_key(key, name)
    if watchers:
        watchers[-1](key, name)
    return key


def check_shape(shape: Any, name: str) -> Shape:
    """A shape from an integer or a sequence of integers."""
    if type(shape) is tuple and all(type(n) is int and n >= 0 for n in shape):
        return shape
    return shape_of(shape, name)


def floating_dtype(dtype: Any, name: str) -> DType:
    """`dtype`, by default the default dtype, if it is a real floating one."""
    kind = dtypes.default_dtype() if dtype is None else dtypes.canonical(dtype)
    if kind not in dtypes.FLOATS:
        raise DTypeError(f"[{name}] dtype: expected a real floating dtype, got {kind}")
    return kind


def broadcasts_to(shape: Shape, target: Shape) -> bool:
    """Whether an array of `shape` broadcasts to `target`."""
    tail = target[len(target) - len(shape) :]
    return len(shape) <= len(target) and all(n in (1, m) for n, m in zip(shape, tail))


def is_staged() -> bool:
    """Whether what runs now is recorded as a Program, by jit or the like."""
    trace: Any = state.trace
    while trace is not EVAL:
        trace = getattr(trace, "parent", None)
        if trace is None:  # what records has nothing above it
            return True
    return False


def known_words(key: Array) -> list[list[int]] | None:
    """The words of a key, of all lanes under vmap; None while they are not known."""
    if is_staged():
        return None
    value: Any = key
    axis = 0  # of the two words
    while type(value) is not Array:
        if not hasattr(value, "dim"):
            return None
        axis += value.dim <= axis
        value = value.value
    return np.moveaxis(np.asarray(value.to("cpu")), axis, -1).reshape(-1, 2).tolist()


# ---- keys ----------------------------------------------------------------------------------------


def key_of(seed: Any) -> Array:
    """The key whose words are the high and the low half of a 64-bit seed."""
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        number = int(seed)
        if not -(2**63) <= number < 2**64:
            raise ArgumentError(f"[key] seed: {number} does not fit into 64 bits")
        return Array(np.array([number >> 32 & 0xFFFFFFFF, number & 0xFFFFFFFF], uint32))
    x = operand(seed, "key")
    if x.shape or x.dtype not in dtypes.INTEGERS:
        raise ArgumentError(f"[key] seed: expected one integer, got {describe(seed)}")
    low = convert(x, uint32)
    if x.dtype.itemsize < 8:
        high = sub_p(low, low)
    else:
        high = convert_p(shift_right_p(convert(x, uint64), 32), dtype=uint32)
    return _pair(high, low)


def _pair(x: Array, y: Array) -> Array:
    return concat_p(reshape_p(x, shape=(1,)), reshape_p(y, shape=(1,)), axis=0)


def split(key: Any, num: Any, name: str = "split") -> Array:
    """`num` keys, or a shape of them."""
    shape = (num,) if type(num) is int and num >= 0 else check_shape(num, name)
    return random_split_p(consume_key(key, name), shape=shape)


def fold_in(key: Any, data: Any) -> Array:
    """The key for one integer of 32 bits under `key`."""
    key = check_key(key, "fold_in")
    if isinstance(data, (int, np.integer)) and not isinstance(data, bool):
        number = int(data)
        if not 0 <= number < 2**32:
            raise ArgumentError(f"[fold_in] data: expected 0 <= data < 2**32, got {number}")
        word = Array(np.array([number], uint32))
    else:
        x = operand(data, "fold_in")
        if x.shape or x.dtype not in dtypes.INTEGERS:
            raise ArgumentError(
                f"[fold_in] data: expected one integer, got {describe(data)}; fold several in "
                "with rt.vmap"
            )
        word = reshape_p(convert(x, uint32), shape=(1,))
    k0 = slice_p(key, starts=(0,), limits=(1,), strides=(1,))
    k1 = slice_p(key, starts=(1,), limits=(2,), strides=(1,))
    return concat_p(*threefry2x32_p(k0, k1, 0, word), axis=0)


# ---- numbers -------------------------------------------------------------------------------------


def random_bits(key: Any, shape: Any, dtype: Any, name: str = "bits") -> Array:
    """Unsigned integers, all bits of which are random."""
    kind = dtypes.canonical(dtype)
    if kind not in dtypes.UNSIGNED:
        raise DTypeError(f"[{name}] dtype: expected an unsigned integer, got {kind}")
    key = consume_key(key, name)
    return random_bits_p(key, shape=check_shape(shape, name), dtype=kind)


def unit(key: Any, shape: Any, dtype: Any, name: str) -> Array:
    """Floats in [0, 1)."""
    kind = floating_dtype(dtype, name)
    return random_unit_p(consume_key(key, name), shape=check_shape(shape, name), dtype=kind)


def normal(key: Any, shape: Any, dtype: Any, name: str) -> Array:
    """Normal numbers with mean 0 and variance 1."""
    kind = floating_dtype(dtype, name)
    return random_normal_p(consume_key(key, name), shape=check_shape(shape, name), dtype=kind)
