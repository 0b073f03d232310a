"""What ignores nan; without and with some."""

from typing import Any

import numpy as np

import rtorch as rt
from function_specs import F64, FLOATS, I32, I64, NUMBERS, Fn, x

SPECS: list[Fn] = []


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


def holes(a: Any) -> Any:
    """nan in some places, but not in all of a row or column."""
    return (rt.where(np.asarray([[True, False, False], [False, False, True]]), rt.nan, a),)


def several(name: str, order: int = 2, **kwargs: Any) -> None:
    """All elements, one axis, kept axes; with nan."""
    add(name, (x(2, 3),), order=order, **kwargs)
    more = {k: v for k, v in kwargs.items() if k != "dtypes"}
    for axis in (None, 0, 1):
        add(name, (x(2, 3),), kwargs={"axis": axis}, prepare=holes, case=f"holes {axis}",
            order=order, **more)  # fmt: skip


for name in ("nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"):
    several(name, dtypes=FLOATS)
    add(name, (x(2, 3),), kwargs={"axis": 1, "keepdims": True}, case="keepdims", order=2)
    where = {"where": np.asarray([True, True, False])}
    if name in ("nansum", "nanprod", "nanmax", "nanmin"):
        where["initial"] = 1  # type: ignore[assignment]
        add(name, (x(2, 3),), dtypes=(I32, I64), case="integers", why_not_smooth="integers")
    else:
        add(name, (x(2, 3),), dtypes=(I32, I64), case="integers", same_dtype=False,
            why_not_smooth="integers")  # fmt: skip
    add(name, (x(2, 3),), kwargs={"axis": 1, **where}, prepare=holes, case="where", order=2)
for name in ("nansum", "nanprod"):
    add(name, (x(2, 3),), dtypes=NUMBERS[4:6], case="complex", order=2)
for name in ("nanargmax", "nanargmin"):
    several(name, order=0, dtypes=(*FLOATS, I32), why_not_smooth="places")
for name in ("nancumsum", "nancumprod"):
    several(name, dtypes=FLOATS, tolerance=2.0)
for name in ("nanmedian", "nanquantile"):
    q = (0.3,) if name == "nanquantile" else ()
    for axis in (0, 1):
        add(name, (x(2, 3), *q), kwargs={"axis": axis}, prepare=holes, case=f"holes {axis}",
            order=1, dtypes=(F64,))  # fmt: skip
