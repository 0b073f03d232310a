"""Reductions: sums, products, extremes and their places, truth values."""

from typing import Any

import numpy as np

from function_specs import (
    ALL,
    C64,
    C128,
    F32,
    F64,
    FLOATS,
    I32,
    NUMBERS,
    REAL,
    Fn,
    x,
)

SPECS: list[Fn] = []
TRUTH, PLACES, COUNTS = "truth values", "places", "counts"


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


def everywhere(name: str, **kwargs: Any) -> None:
    """All elements, one axis, several axes that are kept."""
    add(name, (x(2, 3),), **kwargs)
    kwargs["dtypes"] = kwargs["dtypes"][:2]
    more = kwargs.pop("kwargs", {})
    add(name, (x(2, 3),), kwargs={"axis": -1, **more}, case="axis", **kwargs)
    add(name, (x(2, 3, 2),), kwargs={"axis": (0, 2), "keepdims": True, **more}, case="axes",
        **kwargs)  # fmt: skip


everywhere("sum", dtypes=ALL, order=2)
add("sum", (x(2, 3),), kwargs={"dtype": F64}, dtypes=(F32, I32), case="dtype", order=1)
everywhere("prod", dtypes=NUMBERS, order=2, tolerance=2.0)
for name in ("max", "min", "amax", "amin"):
    everywhere(name, dtypes=REAL, order=2)
everywhere("ptp", dtypes=FLOATS, order=2)
everywhere("any", dtypes=ALL, why_not_smooth=TRUTH)
everywhere("all", dtypes=ALL, why_not_smooth=TRUTH)
everywhere("count_nonzero", dtypes=ALL, why_not_smooth=COUNTS)
for name in ("argmax", "argmin"):
    add(name, (x(2, 3),), dtypes=FLOATS, why_not_smooth=PLACES)
    add(name, (x(2, 3),), kwargs={"axis": 1, "keepdims": True}, dtypes=REAL, case="axis",
        why_not_smooth=PLACES)  # fmt: skip


def logsumexp(v: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(v), axis=axis, keepdims=keepdims))


everywhere("logsumexp", reference=logsumexp, dtypes=(F64, F32, *FLOATS[2:], C64, C128), order=2,
           tolerance=2.0)  # fmt: skip

# ---- some elements, and a value to begin with ----------------------------------------------------

SOME = np.asarray([True, False, True])
for name in ("sum", "prod", "max", "min"):
    add(name, (x(2, 3),), kwargs={"axis": 1, "where": SOME, "initial": 2}, dtypes=REAL, order=2,
        case="where initial")  # fmt: skip
    add(name, (x(2, 3),), kwargs={"initial": 2}, order=2, case="initial")
    add(name, (x(2, 0),), kwargs={"axis": 1, "initial": 2}, case="initial of nothing")
for name in ("sum", "prod", "any", "all"):
    add(name, (x(2, 3),), kwargs={"where": SOME}, dtypes=ALL, case="where",
        why_not_smooth="tested above")  # fmt: skip
