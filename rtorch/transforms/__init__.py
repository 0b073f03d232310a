"""One file per transformation."""

from __future__ import annotations

import importlib
import pkgutil


def load_all() -> None:
    """Import every module here, so that `Primitive.registry` has those that hold Programs too."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
