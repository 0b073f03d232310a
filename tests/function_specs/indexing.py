"""Reading and writing at computed places, as functions."""

import numpy as np

from function_specs import ALL, NUMBERS, Fn, index, x

AROUND = index(-7, -1, 0, 5)


def update(a, block, starts):
    out = a.copy()
    out[tuple(slice(i, i + n) for i, n in zip(starts, block.shape, strict=True))] = block
    return out


SPECS = [
    Fn("take", (x(4, 3), index([2, 0], [-1, 2])), dtypes=ALL, order=2),
    Fn("take", (x(4, 3), index(2, 0, 0)), kwargs={"axis": 1}, case="axis", dtypes=ALL, order=2),
    *[Fn("take", (x(4), AROUND), kwargs={"mode": m}, case=m, order=2)
      for m in ("wrap",)],
    Fn("take", (x(4), AROUND), lambda a, i, **_: np.where(np.abs(i + 0.5) < 4, a[i % 4], 7),
       {"mode": "fill", "fill_value": 7.0}, case="fill", order=2),
    Fn("take_along_axis", (x(2, 3), index([[2, 0], [1, 1]])), kwargs={"axis": 1}, dtypes=ALL,
       order=2),
    Fn("dynamic_slice", (x(4, 3), (index(1), 0), (2, 3)), lambda a, *_: a[1:3], dtypes=NUMBERS,
       order=2),
    Fn("dynamic_update_slice", (x(4, 3), x(2, 2), (index(1), 1)), update, dtypes=NUMBERS, order=2),
]  # fmt: skip
