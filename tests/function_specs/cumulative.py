"""Running sums, products and extremes; differences of neighbours."""

from typing import Any

import numpy as np

from function_specs import F32, F64, FLOATS, I32, INEXACT, NUMBERS, REAL, Fn, x

SPECS: list[Fn] = []


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


RUNNING = {"cummax": np.maximum.accumulate, "cummin": np.minimum.accumulate}

for name in ("cumsum", "cumprod"):
    add(name, (x(2, 3),), dtypes=NUMBERS, order=2, tolerance=2.0)
    add(name, (x(2, 3),), kwargs={"axis": 0}, dtypes=INEXACT, case="axis", order=2)
    add(name, (x(2, 3),), kwargs={"axis": 0, "dtype": F64}, dtypes=(F32, I32), case="dtype",
        order=1)  # fmt: skip
for name, reference in RUNNING.items():
    add(name, (x(2, 3),), lambda v, axis, f=reference: f(v, axis), kwargs={"axis": 1},
        dtypes=REAL, order=2)  # fmt: skip
    add(name, (x(2, 3),), lambda v, f=reference: f(v.ravel()), case="flat", order=2)
for name in ("cumulative_sum", "cumulative_prod"):
    add(name, (x(3),), dtypes=NUMBERS, order=2, tolerance=2.0)
    add(name, (x(2, 3),), kwargs={"axis": 1, "include_initial": True}, case="initial", order=2)
add("diff", (x(2, 4),), dtypes=NUMBERS, order=2)
add("diff", (x(4, 2), 2), kwargs={"axis": 0}, case="twice", order=2)


def logcumsumexp(v: Any, axis: Any = None, reverse: bool = False) -> Any:
    line = np.flip(v, axis) if reverse else v
    out = np.logaddexp.accumulate(line.ravel() if axis is None else line, axis or 0)
    return np.flip(out, axis) if reverse else out


add("logcumsumexp", (x(2, 3),), logcumsumexp, dtypes=FLOATS, order=2, tolerance=2.0)
add("logcumsumexp", (x(2, 4),), logcumsumexp, kwargs={"axis": 1, "reverse": True}, order=2,
    case="reverse")  # fmt: skip
add("logcumsumexp", (x(2, 4, domain=(-900.0, 900.0)),), logcumsumexp, kwargs={"axis": 1},
    dtypes=(F64,), order=1, case="far")  # fmt: skip
