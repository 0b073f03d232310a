"""One file per transformation."""

from __future__ import annotations

import importlib


def load_all() -> None:
    """Import every module here, so that `Primitive.registry` has those that hold Programs too."""
    import pkgutil  # slow to import, and few programs come here

    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
