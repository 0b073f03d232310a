"""Order: sorting and places in sorted arrays."""

from typing import Any

import numpy as np

from function_specs import C64, C128, F32, F64, I32, I64, REAL, Fn, x

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
add("searchsorted", (x(7), x(2, 3)), lambda a, v: np.searchsorted(np.sort(a), v),
    prepare=line, dtypes=(F64,), case="default", why_not_smooth=PLACES)  # fmt: skip


def by_sorter(*arrays: Any) -> Any:
    import rtorch as rt

    return arrays[0], arrays[1], rt.argsort(arrays[0])


add("searchsorted", (x(7), x(2, 3), "left", x(7, dtype=I64)), prepare=by_sorter, dtypes=(F32, F64),
    case="sorter", why_not_smooth=PLACES)  # fmt: skip
KEYS = (x(2, 5, domain=(0, 2)), x(2, 5, domain=(0, 2)))
add("lexsort", (KEYS,), dtypes=(I32, F64), why_not_smooth=PLACES)
add("lexsort", (KEYS,), kwargs={"axis": 0}, dtypes=(I32,), case="axis", why_not_smooth=PLACES)
add("sort_complex", (x(2, 4),), dtypes=(C64, C128), order=2)
add("sort_complex", (x(2, 4),), dtypes=(I32, F32), case="real", same_dtype=False,
    why_not_smooth="tested above")  # fmt: skip


def parts(out: Any) -> Any:
    """What a partition by place 2 promises."""
    np_or_rt = np if isinstance(out, np.ndarray) else __import__("rtorch")
    return out[..., 2], np_or_rt.sort(out[..., :2]), np_or_rt.sort(out[..., 3:])


add("partition", (x(2, 5), 2), view=parts, dtypes=REAL, order=2)
add("argpartition", (x(2, 5), 2), view=parts, dtypes=(F32, F64, I32), why_not_smooth=PLACES)
