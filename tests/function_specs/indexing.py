"""Reading and writing at computed places, as functions."""

import numpy as np

from function_specs import ALL, BOOL, F64, FLOATS, I64, NUMBERS, Fn, index, x
from function_specs.creation import in_place

AROUND = index(-7, -1, 0, 5)


def update(a, block, starts):
    out = a.copy()
    out[tuple(slice(i, i + n) for i, n in zip(starts, block.shape, strict=True))] = block
    return out


IDS, ALL_IDS = index(0, 2, 2, -1, 0, 7), index(0, 2, 1, -1, 0, 7)
LENGTH = "the length of the result depends on the values"
LATER = {"no_jit": LENGTH, "no_vmap": LENGTH}


def segments(ufunc, start):
    """Segments one by one."""

    def call(data, ids, n):
        parts = [data[ids == i] for i in range(n)]
        return np.stack([ufunc.reduce(p, 0, initial=start, dtype=p.dtype) if len(p) else
                         np.full(data.shape[1:], start, data.dtype) for p in parts])  # fmt: skip

    return call


def padded(found, n, fill):
    """`found` cut off or filled up to `n`."""
    return np.concatenate([found, np.full(n, fill, found.dtype)])[:n]


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
    *[Fn("take_along_axis", (x(4), AROUND, 0, mode), lambda a, i, axis, m: np.take(a, i, mode=m),
         case=mode, order=2) for mode in ("wrap",)],
    # ---- where something holds -------------------------------------------------------------------
    Fn("nonzero", (x(3, 4),), dtypes=(I64, BOOL), **LATER),
    *[Fn("nonzero", (x(3, 4),), lambda a, size, fill_value:
         tuple(padded(i, size, f) for i, f in zip(a.nonzero(), fill_value, strict=True)),
         {"size": n, "fill_value": (-1, 9)}, case=str(n), dtypes=(I64, BOOL)) for n in (0, 3, 14)],
    Fn("flatnonzero", (x(3, 4),), dtypes=(I64, BOOL), **LATER),
    Fn("flatnonzero", (x(3, 4),), lambda a, size: padded(np.flatnonzero(a), size, 0), {"size": 9},
       case="size", dtypes=(I64, BOOL)),
    Fn("argwhere", (x(3, 4),), dtypes=(I64, BOOL), **LATER),
    Fn("argwhere", (x(),), dtypes=(BOOL,), case="0d", **LATER),
    Fn("where", (x(3, 4),), dtypes=(I64, BOOL), case="places", **LATER),
    Fn("compress", ([True, False, True], x(2, 3), 1), dtypes=ALL, order=2),
    Fn("compress", (index(1, 0, 1, 1), x(2, 3)), lambda c, a, size, fill_value:
       padded(np.compress(c, a), size, fill_value), {"size": 5, "fill_value": 7}, case="size",
       order=2),
    Fn("extract", ([[True, False], [False, True]], x(2, 2)), dtypes=ALL, order=2),
    Fn("extract", (index(1, 0, 1, 1), x(2, 2)), lambda c, a, size: np.extract(c, a)[:size],
       {"size": 2}, case="size", order=2),
    # ---- choosing --------------------------------------------------------------------------------
    Fn("choose", (index([1, 0, 2], [2, 2, 0]), [x(2, 3), x(3), x()]), dtypes=NUMBERS, order=2),
    *[Fn("choose", (index(-4, 5, 1), [x(3), x(3)]), kwargs={"mode": mode}, case=mode, order=2)
      for mode in ("clip", "wrap")],
    Fn("select", ([x(3, dtype=BOOL), x(2, 3, dtype=BOOL)], [x(2, 3), x(3)], x()), dtypes=NUMBERS,
       order=2),
    Fn("piecewise", (x(4), [x(4, dtype=BOOL), x(4, dtype=BOOL)],
                     [lambda a: a * a, 3, lambda a: -a]), order=2),
    Fn("piecewise", (x(4), x(4, dtype=BOOL), [lambda a, b: a * b], 5), case="single", order=2,
       dtypes=(F64, I64)),
    Fn("masked_fill", (x(2, 3), x(3, dtype=BOOL), x()), lambda a, m, v: np.where(m, v, a),
       dtypes=NUMBERS, order=2),
    # ---- writing ---------------------------------------------------------------------------------
    Fn("put", (x(2, 3), index(0, -1, 4), x(2)), in_place(np.put), dtypes=NUMBERS, order=2),
    *[Fn("put", (x(2, 3), index(9, -7, 1), x(3), mode), in_place(np.put), case=mode, order=2)
      for mode in ("wrap",)],
    Fn("put_along_axis", (x(2, 3), index([2, 0], [1, 2]), x(2, 2), 1),
       in_place(np.put_along_axis), dtypes=NUMBERS, order=2),
    Fn("put_along_axis", (x(2, 3), index(4, 0), x(), None), in_place(np.put_along_axis),
       case="flat", order=2),
    Fn("place", (x(2, 3), x(2, 3, dtype=BOOL), x(2)), in_place(np.place), dtypes=NUMBERS,
       order=2),
    # ---- indices of the flattened array ----------------------------------------------------------
    Fn("unravel_index", (index([0, 23], [7, 13]), (2, 3, 4))),
    Fn("unravel_index", (index(0, 23, 7), (2, 3, 4), "F"), case="F"),
    Fn("ravel_multi_index", ((index(1, 0), index(2, 2)), (2, 3)), no_jit="it checks the values",
       no_vmap="the same"),
    Fn("ravel_multi_index", ((index(5, -1, 0), index(-1, 2, 7)), (2, 3), ("clip", "wrap"), "F"),
       case="modes"),
    # ---- slices with traced starts ---------------------------------------------------------------
    Fn("dynamic_slice_in_dim", (x(4, 3), index(-3), 2), lambda a, i, n: a[1:3], dtypes=NUMBERS,
       order=2),
    Fn("dynamic_index_in_dim", (x(4, 3), index(1), 1, False), lambda a, *_: a[:, 1], order=2),
    Fn("dynamic_update_slice_in_dim", (x(4, 3), x(2, 3), index(1), 0),
       lambda a, u, *_: np.concatenate([a[:1], u, a[3:]]), dtypes=NUMBERS, order=2),
    Fn("dynamic_update_index_in_dim", (x(4, 3), x(4), index(-1), 1),
       lambda a, u, *_: np.column_stack([a[:, :2], u]), dtypes=NUMBERS, order=2),
    # ---- segments --------------------------------------------------------------------------------
    Fn("segment_sum", (x(6, 2), IDS, 4), segments(np.add, 0), dtypes=NUMBERS, order=2),
    Fn("segment_prod", (x(6, 2), IDS, 4), segments(np.multiply, 1), dtypes=NUMBERS, order=2),
    Fn("segment_max", (x(6, 2), ALL_IDS, 3), segments(np.maximum, -np.inf), dtypes=FLOATS, order=2),
    Fn("segment_min", (x(6), ALL_IDS, 3), segments(np.minimum, np.inf), dtypes=FLOATS, order=2),
    Fn("segment_max", (x(3), index(0, 1, 0)), lambda a, i: np.array([max(a[0], a[2]), a[1]]),
       case="int", dtypes=(I64, F64), order=2, no_jit=LENGTH, no_vmap=LENGTH),
    Fn("one_hot", (index([0, 2], [5, -1]), 3), lambda i, n: (i[..., None] == np.arange(n)) * 1.0,
       same_dtype=False),
    Fn("one_hot", (index(0, 2), 3), lambda i, n, axis, dtype: np.eye(n, dtype=dtype)[:, i],
       {"axis": 0, "dtype": I64}, case="axis"),
]  # fmt: skip
