"""Order: sorting and places in sorted arrays."""

from typing import Any

import numpy as np

from function_specs import F32, F64, I32, REAL, Fn, x

SPECS: list[Fn] = []
PLACES = "places"


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


def sort(v: Any, axis: Any = -1, descending: bool = False) -> Any:
    out = np.sort(v, axis)
    return np.flip(out, axis) if descending else out


def argsort(v: Any, axis: Any = -1, descending: bool = False) -> Any:
    return np.argsort(-v if descending else v, axis, kind="stable")


def top_k(v: Any, k: int) -> Any:
    places = np.argsort(-v, -1, kind="stable")[..., :k]
    return np.take_along_axis(v, places, -1), places


add("sort", (x(2, 4),), sort, dtypes=REAL, order=2)
add("sort", (x(2, 4),), sort, kwargs={"axis": 0, "descending": True}, case="descending", order=2)
add("sort", (x(2, 4),), lambda v, axis: np.sort(v, axis), kwargs={"axis": None}, case="flat",
    order=2)  # fmt: skip
add("argsort", (x(2, 4),), argsort, dtypes=REAL, why_not_smooth=PLACES)
add("argsort", (x(2, 4),), argsort, kwargs={"axis": 0, "descending": True}, case="descending",
    dtypes=(F32, F64, I32), why_not_smooth=PLACES)  # fmt: skip
add("top_k", (x(2, 4), 2), top_k, order=2)


def line(*arrays: Any) -> Any:
    import rtorch as rt

    return rt.sort(arrays[0]), *arrays[1:]


for side in ("left", "right"):
    add("searchsorted", (x(7), x(2, 3)), kwargs={"side": side}, dtypes=REAL, case=side,
        prepare=line, why_not_smooth=PLACES)  # fmt: skip
