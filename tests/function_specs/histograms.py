"""Counts of values."""

from typing import Any

import numpy as np

from function_specs import F32, F64, I32, I64, U8, Fn, x

SPECS: list[Fn] = []
COUNTS = "counts"


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


LENGTH = "its length depends on values; works with length="
NUMBERS = x(9, domain=(0, 4))
add("bincount", (NUMBERS,), dtypes=(I32, I64, U8), no_vmap=LENGTH, no_jit=LENGTH,
    why_not_smooth=COUNTS)  # fmt: skip
add("bincount", (NUMBERS,), kwargs={"minlength": 7}, dtypes=(I64,), case="minlength",
    no_vmap=LENGTH, no_jit=LENGTH, why_not_smooth=COUNTS)  # fmt: skip


def weighed(v: Any, w: Any, length: int) -> Any:
    return np.bincount(v, w, length)[:length]


add("bincount", (x(9, domain=(0, 4), dtype=I64), x(9)), weighed, kwargs={"length": 4},
    dtypes=(F64,), order=2, case="weights length")  # fmt: skip
for right in (False, True):
    add("digitize", (x(2, 4), [-1.0, 0.0, 0.5]), kwargs={"right": right}, dtypes=(F32, F64),
        case=f"up {right}", why_not_smooth="places")  # fmt: skip
    add("digitize", (x(2, 4, domain=(0, 4)), [3, 2, 0]), kwargs={"right": right}, dtypes=(I32, I64),
        case=f"down {right}", why_not_smooth="places")  # fmt: skip

EDGES = [-2.0, -0.5, 0.25, 1.0]
add("histogram_bin_edges", (x(7),), dtypes=(F32, F64), order=1)
add("histogram_bin_edges", (x(7), 3, (-1.0, 4.0)), case="range", why_not_smooth="constants")
add("histogram_bin_edges", (x(30), "auto"), case="rule", no_jit="the number depends on values",
    dtypes=(F64,), no_vmap="the number depends on values", why_not_smooth=COUNTS)  # fmt: skip
add("histogram", (x(20),), dtypes=(F32, F64), order=1)
add("histogram", (x(4, 5, domain=(0, 9)), 5), dtypes=(I32,), case="integers", same_dtype=False,
    why_not_smooth=COUNTS)  # fmt: skip
add("histogram", (x(20), EDGES), dtypes=(F64,), case="edges", why_not_smooth=COUNTS)
add("histogram", (x(20, dtype=F64), 5, (-2.5, 2.5), None, x(20)), dtypes=(F64,), case="weights",
    order=2)  # fmt: skip
add("histogram", (x(20, dtype=F64), EDGES, None, True, x(20, domain=(0.5, 2.0))), dtypes=(F64,),
    case="density", order=1)  # fmt: skip
POINTS = (x(20, dtype=F64), x(20, dtype=F64))
add("histogram2d", POINTS, dtypes=(F64,), kwargs={"bins": [3, 4]}, why_not_smooth=COUNTS)
add("histogram2d", POINTS, dtypes=(F64,), kwargs={"bins": EDGES}, case="edges",
    why_not_smooth=COUNTS)  # fmt: skip
add("histogram2d", (*POINTS, 3, [[-1, 1], [-2, 2]], True), dtypes=(F64,), case="density",
    why_not_smooth=COUNTS)  # fmt: skip
add("histogramdd", (x(20, 3),), dtypes=(F64,), kwargs={"bins": 3}, order=1)
add("histogramdd", ([x(9), x(9)], (2, EDGES), [None, None]), dtypes=(F64,), case="columns",
    order=1)  # fmt: skip
add("histogramdd", (x(20, 2, dtype=F64), 3, None, True, x(20, domain=(0.5, 2.0))), dtypes=(F64,),
    case="weights", order=1)  # fmt: skip
