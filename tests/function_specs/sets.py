"""Arrays as sets."""

from typing import Any

import numpy as np

from function_specs import ALL, BOOL, F64, I32, I64, REAL, Fn, x

SPECS: list[Fn] = []
SHAPE = "how many elements there are depends on values; works with size="
DRAWN = x(3, 4, domain=(-2, 2))
TWO = (x(2, 3, domain=(-2, 2)), x(4, domain=(-2, 2)))


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


def eager(*args: Any, **kwargs: Any) -> None:
    add(*args, no_vmap=SHAPE, no_jit=SHAPE, **kwargs)


def padded(name: str, size: int, fill: Any, **kwargs: Any) -> Any:
    """NumPy's function, its results cut or filled up."""

    def reference(*arrays: Any, **_: Any) -> Any:
        out = getattr(np, name)(*arrays, **kwargs)
        parts = out if isinstance(out, tuple) else (out,)
        fills = (fill, 0, 0)
        filled = [
            np.concatenate([p, np.full(size, f, p.dtype)])[:size] for p, f in zip(parts, fills)
        ]
        return filled if isinstance(out, tuple) else filled[0]

    return reference


WITH_ALL = {"return_index": True, "return_inverse": True, "return_counts": True}
eager("unique", (DRAWN,), dtypes=ALL, order=1)
eager("unique", (DRAWN,), kwargs=WITH_ALL, dtypes=(I64, F64, BOOL), case="all", order=1)
eager("unique", (x(4, 2, domain=(0, 1)),), kwargs={"axis": 0, **WITH_ALL}, dtypes=(I64, BOOL),
      case="rows", why_not_smooth="integers")  # fmt: skip
eager("unique", (x(2, 6, domain=(0, 1)),), kwargs={"axis": 1}, dtypes=(I64,), case="columns",
      why_not_smooth="integers")  # fmt: skip
for size in (2, 9):
    add("unique", (x(7, domain=(0, 5)),), padded("unique", size, -1), dtypes=(I64, F64),
        kwargs={"size": size, "fill_value": -1}, order=1, case=f"size {size}")  # fmt: skip
add("unique", (x(7, domain=(0, 5)),), padded("unique", 7, -1, return_counts=True), dtypes=(I64,),
    kwargs={"size": 7, "fill_value": -1, "return_counts": True}, case="size counts",
    why_not_smooth="integers")  # fmt: skip


def ordered(v: Any) -> Any:
    return np.sort(np.unique_values(v))  # NumPy's has no order


for name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    reference = ordered if name == "unique_values" else getattr(np, name)
    eager(name, (DRAWN,), reference, dtypes=REAL if name == "unique_all" else (I64, F64), order=1)
    add(name, (x(3),), lambda v, size, f=reference: f(v), kwargs={"size": 3},
        case="size", dtypes=(F64,), order=1)  # fmt: skip
for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
    eager(name, TWO, dtypes=(*REAL[:2], *REAL[4:]), order=1)
    add(name, TWO, padded(name, 8, -9), kwargs={"size": 8, "fill_value": -9}, dtypes=(I32, F64),
        case="size", order=1)  # fmt: skip
eager("intersect1d", TWO, kwargs={"return_indices": True}, dtypes=(I64,), case="places",
      why_not_smooth="integers")  # fmt: skip
eager("setdiff1d", (x(5), x(3)), kwargs={"assume_unique": True}, case="unordered", order=1)
for invert in (False, True):
    add("isin", TWO, kwargs={"invert": invert}, dtypes=ALL, case=f"invert {invert}",
        why_not_smooth="truth values")  # fmt: skip
