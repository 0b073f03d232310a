"""Names that are imported when they are first asked for.

A program that needs no quantiles does not wait for them: what few programs use at their start is
left out of ``import rtorch``, which stays short however much there is.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def late(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """A ``__getattr__`` for the module `package`.

    Args:
        package: The module's name.
        names: The public names of each module that is to be imported late, by its full name.
    """
    home = {name: module for module, public in names.items() for name in public}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = importlib.import_module(home[name])
        if value.__name__ != f"{package}.{name}":
            value = getattr(value, name)
        setattr(sys.modules[package], name, value)  # this function is not asked again
        return value

    return get
