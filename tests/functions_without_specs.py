"""Which functions the table of functions holds, and which not, with the reason."""

from typing import Any

import rtorch as rt
from rtorch import numpy as namespace

NO_ARRAYS = "it returns no arrays: tests/numpy/test_types.py"

EXEMPT: dict[str, str] = {
    **dict.fromkeys(
        ["array2string", "array_repr", "array_str", "can_cast", "get_printoptions", "issubdtype",
         "iterable", "ndim", "printoptions", "set_printoptions", "shape", "size"],
        NO_ARRAYS,
    ),
    "einsum_path": "it returns no arrays: tests/numpy/test_einsum.py",
    "fromfile": "it reads a file: tests/numpy/test_creation.py",
}  # fmt: skip

MODULES = ("linalg", "fft", "special")


def is_function(value: Any) -> bool:
    """Classes of results, of errors and of dtypes are none."""
    return callable(value) and not isinstance(value, type)


def table_names() -> set[str]:
    """The functions of the array namespace and of its submodules, as reached from ``rt``."""
    names = {n for n in namespace.__all__ if is_function(getattr(rt, n))}
    for module in MODULES:
        if hasattr(rt, module):
            inside = getattr(rt, module)
            names |= {f"{module}.{n}" for n in inside.__all__ if is_function(getattr(inside, n))}
    return names
