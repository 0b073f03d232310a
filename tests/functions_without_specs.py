"""Which functions the table of functions holds, and which not, with the reason."""

import rtorch as rt
from rtorch import numpy as namespace

EXEMPT: dict[str, str] = {
    f"linalg.{name}": "a class"
    for name in ("EigResult", "EighResult", "LinAlgError", "QRResult", "SVDResult", "SlogdetResult")
}

MODULES = ("linalg", "fft", "special")


def table_names() -> set[str]:
    """The functions of the array namespace and of its submodules, as reached from ``rt``."""
    names = {n for n in namespace.__all__ if callable(getattr(rt, n))}
    for module in MODULES:
        if hasattr(rt, module):
            inside = getattr(rt, module)
            names |= {f"{module}.{n}" for n in inside.__all__ if callable(getattr(inside, n))}
    return names
