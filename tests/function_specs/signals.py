"""Convolution, correlation, window functions."""

import importlib.util
from typing import Any

import numpy as np

from function_specs import C128, F32, F64, FLOATS, NUMBERS, Fn, x

SPECS: list[Fn] = []


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


add("convolve", (x(5), x(3)), dtypes=NUMBERS, order=2, tolerance=4.0)
for mode in ("full", "same", "valid"):
    for n, m in ((5, 3), (3, 5), (4, 4), (2, 5), (6, 1)):
        for name in ("convolve", "correlate"):
            add(name, (x(n), x(m)), kwargs={"mode": mode}, dtypes=(F64, C128), order=1,
                case=f"{mode} {n} {m}")  # fmt: skip
add("correlate", (x(5), x(3)), dtypes=FLOATS, order=2, tolerance=4.0)
for name in ("hanning", "hamming", "blackman", "bartlett"):
    for n in (0, 1, 6):
        add(name, (n,), dtypes=(F32,), same_dtype=False, case=str(n), why_not_smooth="a constant")
if importlib.util.find_spec("rtorch.special"):  # Bessel functions are its
    add("i0", (x(2, 3),), dtypes=(F32, F64), order=2)
    for n in (0, 1, 6):
        add("kaiser", (n, x()), lambda k, beta: np.kaiser(k, float(beta)), dtypes=(F64,),
            case=str(n), order=1, same_dtype=False)  # fmt: skip
