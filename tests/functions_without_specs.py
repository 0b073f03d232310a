"""Which functions the table of functions holds, and which not, with the reason."""

import rtorch as rt
from rtorch import numpy as namespace

NO_ARRAYS = "it returns no arrays: tests/numpy/test_types.py"
KIND = "NumPy's own class"

EXEMPT: dict[str, str] = {
    **dict.fromkeys(
        ["array2string", "array_repr", "array_str", "can_cast", "get_printoptions", "issubdtype",
         "iterable", "ndim", "printoptions", "set_printoptions", "shape", "size"],
        NO_ARRAYS,
    ),
    **dict.fromkeys(
        [ "complexfloating", "dtype", "floating", "generic", "inexact",
         "integer", "number", "signedinteger", "unsignedinteger"],
        KIND,
    ),
    "einsum_path": "it returns no arrays: tests/numpy/test_einsum.py",
    "fromfile": "it reads a file: tests/numpy/test_creation.py",
}  # fmt: skip

MODULES = ("linalg", "fft", "special")


def table_names() -> set[str]:
    """The functions of the array namespace and of its submodules, as reached from ``rt``."""
    names = {n for n in namespace.__all__ if callable(getattr(rt, n))}
    for module in MODULES:
        if hasattr(rt, module):
            inside = getattr(rt, module)
            names |= {f"{module}.{n}" for n in inside.__all__ if callable(getattr(inside, n))}
    return names
