"""What a pickle may contain besides containers and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rtorch.errors import FileFormatError

_SCALARS = (str, bytes, bool, int, float, complex, type(None))


class Allowed(NamedTuple):
    """A function that a pickle may call."""

    name: str
    call: Callable[..., Any]


class Buildable:
    """A value that an instruction ``BUILD`` may complete."""

    def build(self, state: Any) -> None:
        """Take `state` over."""
        raise NotImplementedError


def checked_key(key: Any) -> Any:
    """A key of a dict or member of a set, if it is one whose hash is quickly made."""
    flat = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(part, _SCALARS) for part in flat):
        raise FileFormatError(f"the pickle has a dict or set with a key of {type(key)}")
    return key
