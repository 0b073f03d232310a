"""Averages, spreads and order statistics."""

from typing import Any

import numpy as np

from function_specs import C64, C128, F32, F64, FLOATS, I32, I64, INEXACT, Fn, x

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
several("average")
add("average", (x(2, 3),), kwargs={"axis": 1, "weights": np.asarray([1.0, 2.0, 3.0])},
    case="weights", dtypes=(F64,), order=2)  # fmt: skip

# ---- some elements, weights, variables together --------------------------------------------------

SOME = np.asarray([True, False, True])
for name in ("mean", "var", "std"):
    add(name, (x(2, 3),), kwargs={"axis": 1, "where": SOME}, case="where", order=2)
for name in ("var", "std"):
    add(name, (x(2, 3),), kwargs={"axis": 1, "where": SOME, "ddof": 1}, case="where ddof", order=2)
for name in ("cov", "corrcoef"):
    add(name, (x(2, 4),), dtypes=(F64,), order=2)
    add(name, (x(4),), dtypes=(F64,), case="one variable", order=1)
    add(name, (x(2, 4), x(4)), dtypes=(F64,), case="two", order=2)
    add(name, (x(4, 2),), kwargs={"rowvar": False}, dtypes=(F64,), case="columns", order=2)
    add(name, (x(2, 4),), dtypes=(C128,), case="complex", order=1)
    add(name, (x(2, 4),), dtypes=(F32, C64, I32), case="other dtypes", same_dtype=False,
        why_not_smooth="tested above")  # fmt: skip
add("cov", (x(2, 4),), kwargs={"bias": True}, case="bias", order=2, dtypes=(F64,))
add("cov", (x(2, 4),), kwargs={"ddof": 0}, case="ddof", order=2, dtypes=(F64,))
WEIGHTS = {"fweights": np.asarray([1, 2, 0, 1]), "aweights": np.asarray([0.5, 1.0, 1.0, 0.25])}
add("cov", (x(2, 4),), kwargs=WEIGHTS, dtypes=(F64,), case="weights", order=2)
for kind in WEIGHTS:
    add("cov", (x(2, 4),), kwargs={kind: WEIGHTS[kind]}, dtypes=(F64,), case=kind, order=2)
