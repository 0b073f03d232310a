"""Keys, what is derived from them, and their bits."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import api
from rtorch.numpy import random_bits as raw

__all__ = ["PRNGKey", "bits", "fold_in", "key", "split"]


@api
def key(seed: Any) -> rt.Array:
    """The key of a seed: its high and its low 32 bits.

    Args:
        seed: An integer of 64 bits, also a traced one. What `jax.random.key` gives for it, except
            that JAX without 64-bit mode drops the high half.

    Returns:
        uint32 of shape (2,).

    Raises:
        ArgumentError: if `seed` is not one integer.

    Example:
        >>> import rtorch as rt
        >>> rt.random.key(42)
        Array([ 0, 42], dtype=uint32)
    """
    return raw.key_of(seed)


PRNGKey = key


@api
def split(key: rt.Array, num: int | tuple[int, ...] = 2) -> rt.Array:
    """New keys made of one, which is not to be used afterwards.

    Args:
        key: A key, uint32 of shape (2,).
        num: How many keys, or a shape of them.

    Returns:
        uint32 of shape ``(num, 2)`` or ``(*num, 2)``.

    Raises:
        ArgumentError: if `key` is no key (ShapeError for an array of keys).

    Example:
        >>> import rtorch as rt
        >>> rt.random.split(rt.random.key(0), 3).shape
        (3, 2)
    """
    return raw.split(key, num)


@api
def fold_in(key: rt.Array, data: Any) -> rt.Array:
    """The key that belongs to one integer, such as the number of a step, under `key`.

    Args:
        key: A key, uint32 of shape (2,).
        data: An integer of 32 bits, also a traced one.

    Returns:
        uint32 of shape (2,).

    Raises:
        ArgumentError: if `data` is not one integer from 0 to 2**32 - 1.

    Example:
        >>> import rtorch as rt
        >>> rt.random.fold_in(rt.random.key(0), 7).shape
        (2,)
    """
    return raw.fold_in(key, data)


@api
def bits(key: rt.Array, shape: Any = (), dtype: Any = rt.uint32) -> rt.Array:
    """Unsigned integers, all bits of which are random.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: uint8, uint16, uint32 or uint64.

    Raises:
        DTypeError: if `dtype` is not an unsigned integer type.

    Example:
        >>> import rtorch as rt
        >>> rt.random.bits(rt.random.key(0), (2,)).tolist()
        [4070199207, 4202968722]

    References:
        Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3
    """
    return raw.random_bits(key, shape, dtype)
