"""Elementwise mathematics beyond one primitive, numbers taken apart, questions about arrays."""

from typing import Any

import numpy as np

import rtorch as rt
from function_specs import (
    ALL,
    C64,
    C128,
    F16,
    F32,
    F64,
    FLOATS,
    I32,
    I64,
    INEXACT,
    INTS,
    NUMBERS,
    REAL,
    Fn,
    x,
)

SPECS: list[Fn] = []
POSITIVE = (0.4, 3.0)
TWO = (x(2, 3), x(3))


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


for name in ("deg2rad", "radians", "rad2deg", "degrees"):
    add(name, (x(2, 3),), dtypes=FLOATS, order=1)
    add(name, (x(2, 3),), dtypes=(I32, I64), case="integers", same_dtype=False,
        why_not_smooth="integers")  # fmt: skip
add("around", (x(2, 3), 1), dtypes=(F32, F64), order=1)
add("fabs", (x(2, 3),), dtypes=FLOATS, order=2)
add("float_power", (x(2, 3, domain=POSITIVE), x(3)), dtypes=INEXACT, order=2, same_dtype=False,
    tolerance=4.0)  # fmt: skip
add("float_power", (x(2, 3, domain=(1, 3)), -1), dtypes=(I32, I64), case="integers",
    same_dtype=False, why_not_smooth="integers")  # fmt: skip
add("logaddexp2", TWO, dtypes=FLOATS, order=2, tolerance=2.0)
for name in ("fmax", "fmin"):
    add(name, TWO, dtypes=REAL, order=2)
add("heaviside", TWO, dtypes=FLOATS, order=1)
add("nan_to_num", (x(2, 3),), dtypes=NUMBERS, order=2)
add("sinc", (x(2, 3),), dtypes=INEXACT, order=2, tolerance=4.0)
add("sinc", (x(2, 3, domain=(-0.01, 0.01)),), case="near 0", order=2)

# ---- numbers taken apart -------------------------------------------------------------------------

for name in ("gcd", "lcm"):
    add(name, (x(2, 3, domain=(-9, 9)), x(3, domain=(-9, 9))), dtypes=INTS,
        why_not_smooth="integers")  # fmt: skip
add("divmod", (x(2, 3, domain=(3.0, 9.0)), x(3, domain=(1.0, 2.0))), dtypes=INTS,
    case="integers", why_not_smooth="integers")  # fmt: skip
add("divmod", (x(2, 3, domain=(1.1, 1.9)), x(3, domain=(0.6, 0.9))), dtypes=(F16, F32, F64),
    order=1)  # fmt: skip
add("fix", (x(2, 3),), np.trunc, dtypes=FLOATS, order=1)
add("modf", (x(2, 3),), dtypes=FLOATS, order=2)
add("frexp", (x(2, 3),), dtypes=FLOATS, order=2)
add("ldexp", (x(2, 3), x(3, domain=(-3, 3), dtype=I32)), dtypes=FLOATS, order=2)
add("spacing", (x(2, 3),), dtypes=(F32, F64), why_not_smooth="a step function")

# ---- questions -----------------------------------------------------------------------------------

for name in ("isreal", "iscomplex"):
    add(name, (x(2, 3),), dtypes=ALL, why_not_smooth="truth values")
for name in ("iscomplexobj", "isrealobj", "isscalar"):
    add(name, (x(2, 3),), dtypes=ALL, view=rt.asarray, why_not_smooth="truth values")
for name in ("isposinf", "isneginf"):
    add(name, (x(2, 3),), dtypes=REAL, why_not_smooth="truth values")
add("array_equal", (x(2, 3), x(2, 3)), dtypes=ALL, why_not_smooth="truth values")
add("array_equiv", TWO, dtypes=ALL, why_not_smooth="truth values")
add("real_if_close", (x(2, 3),), dtypes=(C64, C128), order=1, no_jit="its dtype depends on values",
    no_vmap="its dtype depends on values")  # fmt: skip
