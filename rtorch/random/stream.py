"""A stream of keys, for programs and notebooks that would thread one key through many lines."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Iterator
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.errors import ArgumentError, ConcretizationError, api, describe
from rtorch.numpy import random_bits as raw

__all__ = ["KeyStream"]


class KeyStream(Iterator[rt.Array]):
    """Fresh keys, one after the other: ``next(keys)``, ``keys()``, ``keys(n)``.

    The i-th key is ``fold_in(key, i)``, whether it is taken alone or with others. The stream is
    the key and how many have been taken; it can be pickled, and goes on where it was.

    It is a tool for eager code, and state that is seen: not a pytree, but a leaf that `jit` and
    other transformations refuse as an argument. Under `jit` it refuses to give keys if it was made
    outside, since the compiled function would use the same ones in every call: pass a key and
    make the stream inside.

    Args:
        seed_or_key: An integer, or a key, uint32 of shape (2,).

    Raises:
        ArgumentError: if it is neither, or `n` is not an integer >= 0.
        ConcretizationError: under `jit`, for a stream that was made outside.

    Example:
        >>> import rtorch as rt
        >>> keys = rt.random.KeyStream(0)
        >>> x = rt.random.normal(next(keys), (2,))
        >>> w, b = (rt.random.normal(key, (2,)) for key in keys(2))
        >>> keys
        KeyStream([0, 0], taken=3)
    """

    def __init__(self, seed_or_key: Any) -> None:
        if isinstance(seed_or_key, (int, np.integer)) or not getattr(seed_or_key, "shape", ()):
            self._key = raw.key_of(seed_or_key)
        else:
            self._key = raw.check_key(seed_or_key, "KeyStream")
        self._taken = 0
        self._lock = allocate_lock()

    @property
    def taken(self) -> int:
        """How many keys have been taken."""
        return self._taken

    def __iter__(self) -> Iterator[rt.Array]:
        return self

    @api
    def __next__(self) -> rt.Array:
        self._check()
        return raw.fold_in(self._key, self._take(1))

    @api
    def __call__(self, n: int | None = None) -> rt.Array:
        """The next key, or the next `n` of them, uint32 of shape (n, 2)."""
        if n is None:
            return next(self)
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
            raise ArgumentError(f"[KeyStream] n: expected an integer >= 0, got {describe(n)}")
        n = int(n)
        self._check()
        first = self._take(n)
        places = rt.arange(first, first + n, dtype=rt.uint32)
        return rt.vmap(lambda i: raw.fold_in(self._key, i))(places)

    def _take(self, n: int) -> int:
        """The place of the first of `n` keys, which no other thread gets."""
        with self._lock:
            first = self._taken
            self._taken += n
        return first

    def _check(self) -> None:
        if type(self._key) is rt.Array and raw.is_staged():
            raise ConcretizationError(
                "[KeyStream] keys of a stream that was made outside are asked for under jit: the "
                "compiled function would use the same ones in every call. Pass it a key, "
                "next(keys), and make a KeyStream of that inside"
            )

    def __repr__(self) -> str:
        key = self._key.tolist() if type(self._key) is rt.Array else self._key
        return f"KeyStream({key}, taken={self._taken})"

    def __getstate__(self) -> tuple[Any, int]:
        return np.asarray(self._key), self._taken

    def __setstate__(self, state: tuple[Any, int]) -> None:
        words, self._taken = state
        self._lock = allocate_lock()
        self._key = rt.asarray(words)
