"""Keys, what is derived from them, and their bits."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api, describe
from rtorch.numpy import random_bits as raw
from rtorch.random.reuse import forget

__all__ = [
    "PRNGKey",
    "bits",
    "clone",
    "fold_in",
    "key",
    "key_data",
    "key_impl",
    "split",
    "wrap_key_data",
]

_IMPL = "threefry2x32"


def _check_impl(impl: Any, name: str) -> None:
    if impl not in (None, _IMPL):
        raise ArgumentError(
            f"[{name}] impl: there is one generator, {_IMPL!r}, got {describe(impl)}"
        )


@api
def key(seed: Any, *, impl: str | None = None) -> rt.Array:
    """The key of a seed: its high and its low 32 bits.

    Args:
        seed: An integer of 64 bits, also a traced one. What `jax.random.key` gives for it, except
            that JAX without 64-bit mode drops the high half.
        impl: The generator; None and ``"threefry2x32"`` are the same, there are no others.

    Returns:
        uint32 of shape (2,).

    Raises:
        ArgumentError: if `seed` is not one integer, or there is no such generator.

    Example:
        >>> import rtorch as rt
        >>> rt.random.key(42)
        Array([ 0, 42], dtype=uint32)
    """
    _check_impl(impl, "key")
    return raw.key_of(seed)


PRNGKey = key


@api
def key_data(keys: rt.Array) -> rt.Array:
    """The words of keys, which are arrays of them: `keys` itself. For programs written for JAX.

    Args:
        keys: Keys, uint32 of shape (..., 2).

    Raises:
        ArgumentError: if that is not what they are.

    Example:
        >>> import rtorch as rt
        >>> rt.random.key_data(rt.random.key(7)).tolist()
        [0, 7]
    """
    return _keys(keys, "key_data")


@api
def wrap_key_data(key_bits_array: rt.Array, *, impl: str | None = None) -> rt.Array:
    """Keys of their words: the array itself, checked. For programs written for JAX.

    Args:
        key_bits_array: uint32 of shape (..., 2).
        impl: The generator; None and ``"threefry2x32"`` are the same, there are no others.

    Raises:
        ArgumentError: if the array is none of keys, or there is no such generator.

    Example:
        >>> import rtorch as rt
        >>> words = rt.asarray([0, 7], dtype=rt.uint32)
        >>> rt.random.wrap_key_data(words).tolist() == rt.random.key(7).tolist()
        True
    """
    _check_impl(impl, "wrap_key_data")
    return _keys(key_bits_array, "wrap_key_data")


@api
def key_impl(keys: rt.Array) -> str:
    """The name of the generator that keys are for: ``"threefry2x32"``, the only one.

    Args:
        keys: Keys, uint32 of shape (..., 2).

    Example:
        >>> import rtorch as rt
        >>> rt.random.key_impl(rt.random.key(0))
        'threefry2x32'
    """
    _keys(keys, "key_impl")
    return _IMPL


def _keys(x: Any, name: str) -> rt.Array:
    x = rt.asarray(x)
    if x.dtype != rt.uint32 or x.shape[-1:] != (2,):
        raise ArgumentError(f"[{name}] expected keys, uint32[..., 2], got {describe(x)}")
    return x


@api
def clone(key: rt.Array) -> rt.Array:
    """The same key, to be used again on purpose: the numbers will be the same ones.

    It matters to `check_key_reuse` alone, which lets the next use pass.

    Args:
        key: A key, uint32 of shape (2,).

    Example:
        >>> import rtorch as rt
        >>> key = rt.random.key(0)
        >>> with rt.random.check_key_reuse():
        ...     x = rt.random.normal(key, (2,))
        ...     y = rt.random.normal(rt.random.clone(key), (2,))
        >>> bool((x == y).all())
        True
    """
    key = raw.check_key(key, "clone")
    forget(key)
    return key


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
def bits(key: rt.Array, shape: Any = (), dtype: Any = None) -> rt.Array:
    """Unsigned integers, all bits of which are random.

    Args:
        key: A key, uint32 of shape (2,).
        shape: Shape of the result.
        dtype: uint8, uint16, uint32 (the default) or uint64.

    Raises:
        DTypeError: if `dtype` is not an unsigned integer type.

    Example:
        >>> import rtorch as rt
        >>> rt.random.bits(rt.random.key(0), (2,)).tolist()
        [4070199207, 4202968722]

    References:
        Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3
    """
    return raw.random_bits(key, shape, rt.uint32 if dtype is None else dtype)
