"""Look for keys that are used twice: the numbers would be the same ones, or related."""

from __future__ import annotations

from typing import Self

import rtorch as rt
from rtorch.errors import KeyReuseError, SourceLine, user_line
from rtorch.numpy import random_bits as raw

__all__ = ["check_key_reuse"]

_REMEMBERED = 1 << 16  # keys; older ones are forgotten


_CURE = (
    ". The same key gives the same numbers: use new ones, as in `key, subkey = "
    "rt.random.split(key)`, or rt.random.clone(key) where they shall be the same"
)


class _Uses:
    """Which keys have been used, by what and where."""

    def __init__(self) -> None:
        self.first: dict[tuple[int, ...], tuple[str, SourceLine | None]] = {}

    def __call__(self, key: rt.Array, name: str) -> None:
        lanes = [tuple(words) for words in raw.known_words(key) or ()]
        here = user_line()
        if len(set(lanes)) < len(lanes):
            twice = next(words for i, words in enumerate(lanes) if words in lanes[:i])
            raise KeyReuseError(f"[{name}] two lanes of vmap have the key {list(twice)}{_CURE}")
        for words in lanes:
            if words in self.first:
                before, line = self.first[words]
                raise KeyReuseError(
                    f"[{name}] the key {list(words)} was used before, by {before}"
                    + (f" at {line}" if line else "")
                    + _CURE
                )
        for words in lanes:
            if len(self.first) >= _REMEMBERED:
                del self.first[next(iter(self.first))]
            self.first[words] = name, here

    def forget(self, key: rt.Array) -> None:
        for words in raw.known_words(key) or ():
            self.first.pop(tuple(words), None)


class check_key_reuse:  # noqa: N801 - reads as a function: rt.random.check_key_reuse()
    """Raise `KeyReuseError` where a key is used twice, from now on or within a ``with`` block.

    Samplers and `split` use a key up; `fold_in` does not. Two keys of the same two words are the
    same key. What runs eagerly is checked, also under `vmap` and `grad`; what `jit` compiled is
    not. Each call begins with no key used. Keys that are used again on purpose are passed
    through `clone`.

    Args:
        check: Whether to check, or to stop it.

    Example:
        >>> import rtorch as rt
        >>> key = rt.random.key(0)
        >>> with rt.random.check_key_reuse():
        ...     x = rt.random.normal(key, (2,))
        ...     y = rt.random.uniform(key, (2,))
        Traceback (most recent call last):
            ...
        rtorch.errors.KeyReuseError: [uniform] the key [0, 0] was used before, by normal at ...
    """

    def __init__(self, check: bool = True) -> None:
        self._before = raw.watchers[:]
        raw.watchers[:] = [_Uses()] if check else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        raw.watchers[:] = self._before


def forget(key: rt.Array) -> None:
    """Let the next use of `key` pass."""
    for uses in raw.watchers:
        if isinstance(uses, _Uses):
            uses.forget(key)
