"""Elementwise functions: one primitive each, or a few."""

from typing import Any

import numpy as np

from function_specs import (
    ALL,
    BOOL,
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
ANY, POSITIVE, UNIT = (-2.0, 2.0), (0.4, 3.0), (-0.8, 0.8)
STEPS = "a step function: its derivative is zero"


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


# ---- one floating operand: integers become floats ------------------------------------------------

MATHS = {
    "exp": (ANY, INEXACT),
    "exp2": (ANY, FLOATS),
    "expm1": (ANY, INEXACT),
    "log": (POSITIVE, INEXACT),
    "log2": (POSITIVE, INEXACT),
    "log10": (POSITIVE, INEXACT),
    "log1p": ((-0.7, 3.0), INEXACT),
    "sqrt": (POSITIVE, INEXACT),
    "cbrt": (POSITIVE, FLOATS),
    "sin": (ANY, INEXACT),
    "cos": (ANY, INEXACT),
    "tan": ((-1.2, 1.2), INEXACT),
    "asin": (UNIT, INEXACT),
    "arcsin": (UNIT, INEXACT),
    "acos": (UNIT, INEXACT),
    "arccos": (UNIT, INEXACT),
    "atan": (UNIT, INEXACT),
    "arctan": (UNIT, INEXACT),
    "sinh": (ANY, INEXACT),
    "cosh": (ANY, INEXACT),
    "tanh": (ANY, INEXACT),
    "asinh": (UNIT, INEXACT),
    "arcsinh": (UNIT, INEXACT),
    "acosh": ((1.3, 3.0), INEXACT),
    "arccosh": ((1.3, 3.0), INEXACT),
    "atanh": (UNIT, INEXACT),
    "arctanh": (UNIT, INEXACT),
    "reciprocal": (POSITIVE, INEXACT),
}
for name, (domain, kinds) in MATHS.items():
    add(name, (x(2, 3, domain=domain),), dtypes=kinds, order=2, tolerance=4.0)
    if name != "reciprocal":  # of integers NumPy's is an integer
        small = (0, 0) if domain == UNIT else (1, 3)
        add(name, (x(2, 3, domain=small),), dtypes=(I32, I64), case="integers", same_dtype=False,
            why_not_smooth="integers")  # fmt: skip

add("rsqrt", (x(2, 3, domain=POSITIVE),), lambda v: 1 / np.sqrt(v), dtypes=INEXACT, order=2)
add("sigmoid", (x(2, 3),), lambda v: 1 / (1 + np.exp(-v)), dtypes=INEXACT, order=2, tolerance=4.0)
add("relu", (x(2, 3),), lambda v: np.maximum(v, 0), dtypes=REAL, order=2)

# ---- one operand of any dtype --------------------------------------------------------------------

for name in ("negative", "positive", "conj", "conjugate", "square"):
    add(name, (x(2, 3),), dtypes=NUMBERS, order=2)
for name in ("abs", "absolute"):
    add(name, (x(2, 3),), dtypes=ALL, order=2)
for name in ("real", "imag"):
    add(name, (x(2, 3),), dtypes=NUMBERS, order=1)
add("angle", (x(2, 3, domain=POSITIVE),), dtypes=INEXACT, order=1)
add("sign", (x(2, 3),), dtypes=REAL, order=1, case="real")
add("sign", (x(2, 3),), dtypes=(C64, C128), order=1, case="complex")
for name in ("floor", "ceil", "trunc", "rint", "round"):
    add(name, (x(2, 3),), dtypes=FLOATS, order=1)
for name in ("floor", "ceil", "trunc", "round"):
    add(name, (x(2, 3),), dtypes=INTS, case="integers", why_not_smooth=STEPS)
add("round", (x(2, 3), 1), dtypes=(F32, F64), case="decimals", order=1)
add("round", (x(2, 3, domain=(-200.0, 200.0)), -1), dtypes=(F32, F64), case="tens", order=1)
for name in ("bitwise_invert", "bitwise_not", "invert"):
    add(name, (x(2, 3),), dtypes=(*INTS, BOOL), why_not_smooth="bits")
add("bitwise_count", (x(2, 3),), dtypes=INTS, same_dtype=False, why_not_smooth="bits")
for name in ("isnan", "isinf", "isfinite", "logical_not"):
    add(name, (x(2, 3),), dtypes=ALL, why_not_smooth="truth values")
add("signbit", (x(2, 3),), dtypes=FLOATS, why_not_smooth="truth values")
add("astype", (x(2, 3), F64), lambda v, d: v.astype(d), dtypes=(F32, I32, F16, BOOL), order=1)
add("stop_gradient", (x(2, 3),), lambda v: v, why_not_smooth="a constant to derivatives")

# ---- two operands, which broadcast ---------------------------------------------------------------

TWO = (x(2, 3), x(3))
FAR = (x(2, 3, domain=POSITIVE), x(3, domain=(-3.0, -0.7)))  # no ties, nothing near zero
for name in ("add", "multiply"):
    add(name, TWO, dtypes=ALL, order=2)
    add(name, (x(2, 3), 2.5), dtypes=INEXACT, order=1, case="number")
add("subtract", TWO, dtypes=NUMBERS, order=2)
for name in ("divide", "true_divide"):
    add(name, FAR, dtypes=INEXACT, order=2)
    add(name, (x(2, 3), x(3, domain=(1, 3))), dtypes=(I32, I64), case="integers",
        same_dtype=False, why_not_smooth="integers")  # fmt: skip
for name in ("floor_divide", "remainder", "mod", "fmod"):
    add(name, (x(2, 3, domain=(3.0, 9.0)), x(3, domain=(1.0, 2.0))), dtypes=INTS,
        why_not_smooth="integers", case="integers")  # fmt: skip
    add(name, (x(2, 3, domain=(1.1, 1.9)), x(3, domain=(0.6, 0.9))), dtypes=(F16, F32, F64),
        order=1)  # fmt: skip
for name in ("maximum", "minimum"):
    add(name, TWO, dtypes=REAL, order=2)
for name in ("atan2", "arctan2", "hypot"):
    add(name, FAR, dtypes=FLOATS, order=2, tolerance=2.0)
add("logaddexp", TWO, dtypes=FLOATS, order=2, tolerance=2.0)
add("copysign", FAR, dtypes=FLOATS, order=1)
add("nextafter", FAR, dtypes=(F16, F32, F64), order=0, why_not_smooth=STEPS)
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    add(name, TWO, dtypes=(*INTS, BOOL), why_not_smooth="bits")
for name in ("bitwise_left_shift", "left_shift", "bitwise_right_shift", "right_shift"):
    add(name, (x(2, 3), x(3, domain=(0, 3))), dtypes=INTS, why_not_smooth="bits")
for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    add(name, TWO, dtypes=REAL, why_not_smooth="truth values")
for name in ("logical_and", "logical_or", "logical_xor"):
    add(name, TWO, dtypes=ALL, why_not_smooth="truth values")
for name in ("isclose", "allclose"):
    add(name, TWO, dtypes=(F32, F64, C64, I32), why_not_smooth="truth values")
for name in ("pow", "power"):
    add(name, (x(2, 3, domain=POSITIVE), x(3)), dtypes=INEXACT, order=2, tolerance=4.0)
    add(name, (x(2, 3), 3), dtypes=NUMBERS, order=2, case="integer", tolerance=4.0)
    add(name, (x(2, 3, domain=POSITIVE), -2), dtypes=INEXACT, order=2, case="inverse",
        tolerance=4.0)  # fmt: skip
add("complex", TWO, lambda a, b: a + 1j * b, dtypes=(F32, F64), order=1)

# ---- choices -------------------------------------------------------------------------------------

add("clip", (x(2, 3), -1, 1), dtypes=NUMBERS[:4], order=2)
add("clip", (x(2, 3), x(3, domain=(-1.5, -0.5)), x(3, domain=(0.5, 1.5))), order=1, case="arrays")
add("clip", (x(2, 3), -1, 1), dtypes=(I32, I64), case="integers", why_not_smooth="integers")
add("where", (x(3, dtype=BOOL), x(2, 3), x(1, 3)), dtypes=ALL, order=2)
