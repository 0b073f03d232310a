"""Every primitive, with all its rules in one place; one file per family of operations."""

from __future__ import annotations

import importlib


def load_all() -> None:
    """Import every module here, so that `Primitive.registry` is complete."""
    import pkgutil  # slow to import, and few programs come here

    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
