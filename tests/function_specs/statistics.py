"""Averages, spreads and order statistics."""

from typing import Any

import numpy as np

from function_specs import F32, F64, FLOATS, I32, I64, INEXACT, Fn, x

SPECS: list[Fn] = []


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


def several(name: str, *args: Any, dtypes: Any = FLOATS, **more: Any) -> None:
    """All elements, one axis, several axes that are kept; integers."""
    add(name, (x(2, 3), *args), dtypes=dtypes, order=2, **more)
    add(name, (x(2, 3), *args), kwargs={"axis": 0}, case="axis", order=2)
    add(name, (x(2, 3, 2), *args), kwargs={"axis": (0, 2), "keepdims": True}, case="axes", order=2)
    add(name, (x(2, 3), *args), dtypes=(I32, I64), case="integers", same_dtype=False,
        why_not_smooth="integers")  # fmt: skip


several("mean", dtypes=INEXACT)
several("var", dtypes=FLOATS)
several("std", dtypes=FLOATS)
for name in ("var", "std"):
    add(name, (x(2, 3),), kwargs={"axis": 1, "ddof": 1}, case="ddof", order=2)
    add(name, (x(2, 3),), kwargs={"axis": 1, "correction": 1}, case="correction", order=2)
add("mean", (x(2, 3),), kwargs={"axis": 1, "dtype": F64}, dtypes=(F32,), case="dtype", order=1)
several("median")
several("quantile", 0.3)
add("quantile", (x(2, 5), [0.1, 0.5, 1.0]), kwargs={"axis": 1}, case="shares", dtypes=(F64,),
    order=2)  # fmt: skip
several("nanmean")
several("average")
add("average", (x(2, 3),), kwargs={"axis": 1, "weights": np.asarray([1.0, 2.0, 3.0])},
    case="weights", dtypes=(F64,), order=2)  # fmt: skip
