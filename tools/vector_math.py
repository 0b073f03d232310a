"""Measures the errors of the native code's functions and writes ``docs/vector_math.md``.

``PYTHONPATH=.:tests/compiler python tools/vector_math.py``, on x86-64, whose long doubles the
references need. With ``--speed`` it prints nanoseconds for each element beside NumPy's instead.
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import vector_math_specs as specs
from scalar_kernels import BINARY, compiled, run
from vector_math_specs import Long, Spec, points, ulps

PAGE = Path(__file__).parent.parent / "docs" / "vector_math.md"
HEAD = """# Errors of elementary functions

Compiled kernels compute functions of mathematics by their own polynomials
(`rtorch/compiler/native/vector_math.py` and the files beside it). The instructions are the same in
every lane and at every width of vectors, so results do not depend on where an element lies.
Infinities, nan, signs of zeros and denormal numbers are as in C99.

The table shows the largest error found, in units in the last place (ulp); 0.5 is correctly rounded.
It was measured against long doubles, on random numbers of all magnitudes, more of them where
functions bend, and for `float32` on {every} evenly spaced bit patterns.
`tests/compiler/test_vector_math.py` keeps the errors below a limit for each function;
`tools/vector_math.py` writes this page.

| function | float32 | float64 |
|---|---:|---:|
"""
TAIL = """
Errors of `logaddexp` are in ulp of the larger operand, and those of `lgamma` of negative numbers in
ulp of its terms: where the result is near 0, digits cancel.
Half precision is computed in `float32` and rounded after each operation.

Divisions of integers by 0 are 0, shifts by all bits or more leave what NumPy leaves, and floats
that do not fit an integer become what they become on x86-64; nothing traps.
"""


def worst(name: str, spec: Spec, dtype: Any, n: int, stride: int) -> float:
    """The largest error of a function."""
    n = n // 20 if spec.slow else n
    xs = [points(dtype, n, seed) for seed in range(2 if name in BINARY else 1)]
    if dtype == np.float32 and len(xs) == 1 and not spec.slow:
        xs = [np.concatenate([xs[0], specs.every(np.float32, stride)])]
    wide = [x.astype(Long) for x in xs]
    scale = spec.conditioned(*wide) if spec.conditioned else None
    return float(ulps(run(name, *xs), spec.reference(*wide), scale).max())


def accuracy() -> None:
    """Write the page."""
    stride = 10007
    rows = []
    with np.errstate(all="ignore"):
        for name, spec in sorted({**specs.UNARY, **specs.BINARY}.items()):
            errors = [worst(name, spec, dtype, 40000, stride) for dtype in (np.float32, np.float64)]
            rows.append(f"| `{name}` | {errors[0]:.2f} | {errors[1]:.2f} |")
    every = f"{(1 << 32) // stride:,}"
    PAGE.write_text(HEAD.format(every=every) + "\n".join(rows) + "\n" + TAIL)


NUMPY = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
    "acosh": "arccosh", "atanh": "arctanh", "pow": "power", "round": "rint",
}  # fmt: skip


def nanoseconds(function: Any, n: int) -> float:
    """The least time of a few calls, for each of `n` elements."""
    best = float("inf")
    for _ in range(9):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best / n * 1e9


def speed() -> None:
    """Print nanoseconds for each of 100,000 elements."""
    n, rng = 102400, np.random.default_rng(0)
    print("| function | float32 | NumPy | float64 | NumPy |\n|---|---:|---:|---:|---:|")
    for name in sorted({**specs.UNARY, **specs.BINARY}):
        row = [f"`{name}`"]
        for dtype, lanes in (("float32", 16), ("float64", 8)):
            xs = [rng.uniform(0.1, 0.9, n).astype(dtype) for _ in range(2 if name in BINARY else 1)]
            arrays = [*xs, np.empty_like(xs[0])]
            table = (ctypes.c_void_p * len(arrays))(*[x.ctypes.data for x in arrays])
            function = compiled(name, (dtype,) * len(xs), dtype, lanes, None, None)
            address = ctypes.addressof(table)
            row.append(f"{nanoseconds(lambda: function(address, 0, n), n):.2f}")  # noqa: B023
            ufunc = getattr(np, NUMPY.get(name, name), None)
            given = arrays
            row.append("" if ufunc is None else f"{nanoseconds(lambda: ufunc(*given), n):.2f}")  # noqa: B023
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    speed() if "--speed" in sys.argv else accuracy()
