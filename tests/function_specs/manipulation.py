"""Other shapes, other orders of axes and elements."""

import numpy as np

import rtorch as rt
from function_specs import ALL, BOOL, F32, F64, I64, NUMBERS, REAL, U8, Fn, index, x

SPECS = [
    # ---- shape -----------------------------------------------------------------------------------
    Fn("reshape", (x(2, 6), (3, -1)), dtypes=ALL, order=2),
    Fn("reshape", (x(2, 6), 3, 4), lambda a, *n: np.reshape(a, n), case="lengths", order=2),
    Fn("ravel", (x(2, 3),), dtypes=ALL, order=2),
    Fn("expand_dims", (x(2, 3), (0, -1)), dtypes=ALL, order=2),
    Fn("squeeze", (x(1, 3, 1),), dtypes=ALL, order=2),
    Fn("squeeze", (x(1, 3, 1), -1), case="axis", order=2),
    Fn("atleast_1d", (x(),), dtypes=ALL, order=2),
    Fn("atleast_2d", (x(3), x()), order=2),
    Fn("atleast_3d", (x(2, 3), x(2), x()), order=2),
    Fn("broadcast_shapes", ((3, 1), (4,)), dtypes=(F64,), view=rt.asarray),
    Fn("broadcast_to", (x(3, 1), (2, 3, 2)), dtypes=ALL, order=2),
    Fn("broadcast_arrays", (x(3, 1), x(2)), order=2),
    # ---- order of axes ---------------------------------------------------------------------------
    Fn("transpose", (x(2, 3, 4),), dtypes=ALL, order=2),
    Fn("transpose", (x(2, 3, 4), (1, 2, 0)), case="axes", order=2),
    Fn("permute_dims", (x(2, 3, 4), (1, 2, 0)), dtypes=ALL, order=2),
    Fn("matrix_transpose", (x(2, 3, 4),), dtypes=ALL, order=2),
    Fn("swapaxes", (x(2, 3, 4), 0, -1), dtypes=ALL, order=2),
    Fn("moveaxis", (x(2, 3, 4), (0, 1), (-1, 0)), dtypes=ALL, order=2),
    # ---- order of elements -----------------------------------------------------------------------
    Fn("flip", (x(2, 3),), dtypes=ALL, order=2),
    Fn("flip", (x(2, 3), 1), case="axis", order=2),
    Fn("flipud", (x(2, 3),), dtypes=ALL, order=2),
    Fn("fliplr", (x(2, 3),), dtypes=ALL, order=2),
    *[Fn("rot90", (x(2, 3), k), case=str(k), dtypes=ALL, order=2) for k in (1, 2, 3)],
    # ---- repeating, shifting, padding ------------------------------------------------------------
    Fn("tile", (x(2, 3), (2, 1, 2)), dtypes=ALL, order=2),
    Fn("repeat", (x(2, 3), 2), dtypes=ALL, order=2),
    Fn("repeat", (x(2, 3), (1, 0, 2)), kwargs={"axis": 1}, case="counts", order=2),
    Fn("roll", (x(2, 3), 1), dtypes=ALL, order=2),
    Fn("roll", (x(2, 3), (1, -2), (0, 1)), case="axes", order=2),
    Fn("roll", (x(2, 3), index(4), 1), case="traced", order=2, dtypes=(F32, F64, I64)),
    Fn("pad", (x(2, 3), ((1, 0), (2, 1))), dtypes=NUMBERS, order=2),
    Fn("pad", (x(2, 3), 1), kwargs={"constant_values": ((1, 2), (3, 4))}, case="values", order=2),
    *[Fn("pad", (x(2, 3), ((1, 2), (4, 0)), mode), case=mode, dtypes=NUMBERS, order=2)
      for mode in ("edge", "reflect", "symmetric", "wrap")],
    *[Fn("pad", (x(2, 3), ((1, 2), (4, 0)), mode), case=mode, dtypes=NUMBERS, order=2)
      for mode in ("mean", "linear_ramp")],
    *[Fn("pad", (x(2, 4), ((1, 2), (3, 0)), mode), kwargs={"stat_length": 2}, case=mode + "-of-2",
         dtypes=(F32, F64, I64), order=2) for mode in ("maximum", "mean", "median", "minimum")],
    *[Fn("pad", (x(2, 3), ((1, 2), (11, 9)), mode), kwargs={"reflect_type": "odd"},
         case=mode + "-odd", dtypes=NUMBERS, order=2) for mode in ("reflect", "symmetric")],
    Fn("pad", (x(3), (3, 4), "linear_ramp"), kwargs={"end_values": (5, -4)}, case="ramp",
       dtypes=(F32, F64, I64), order=2),
    Fn("pad", (x(2, 0), 1, "empty"), case="empty", dtypes=(F64,), view=rt.zeros_like),
    # ---- more of these ---------------------------------------------------------------------------
    Fn("reshape", (x(2, 6), (3, -1)), kwargs={"order": "F"}, case="F", dtypes=ALL, order=2),
    Fn("ravel", (x(2, 3), "F"), case="F", order=2),
    Fn("rollaxis", (x(2, 3, 4), 2, 1), dtypes=ALL, order=2),
    Fn("rollaxis", (x(2, 3, 4), 0, -1), case="back", order=2),
    Fn("resize", (x(2, 3), (2, 2, 2)), dtypes=ALL, order=2),
    Fn("resize", (x(2, 3), 4), case="shorter", order=2),
    Fn("resize", (x(0), (2, 2)), case="empty"),
    Fn("repeat", (x(2, 3), index(1, 0, 2)), lambda a, n, total_repeat_length, axis:
       np.repeat(np.concatenate([a, a[:, -1:]], 1), [1, 0, 2, 2], 1),
       {"axis": 1, "total_repeat_length": 5}, case="length", order=2),
    Fn("astype", (x(2, 3), F64), lambda a, t: a.astype(t), dtypes=REAL, case="wide"),
    # ---- insert, delete, trim --------------------------------------------------------------------
    Fn("insert", (x(2, 3), 1, x()), dtypes=NUMBERS, order=2),
    Fn("insert", (x(2, 3), 1, x(3)), kwargs={"axis": 0}, case="row", order=2),
    Fn("insert", (x(2, 3), 1, x(2, 2)), kwargs={"axis": 1}, case="block", order=2),
    Fn("insert", (x(2, 3), [3, 0, -1], x(3)), kwargs={"axis": 1}, case="places", order=2),
    Fn("insert", (x(2, 3), index(3, 0, -1, 0), x(2, 4)), kwargs={"axis": 1}, case="traced",
       order=2),
    Fn("insert", (x(4), index(-1), x(2)), lambda a, i, v: np.insert(a, int(i), v),
       case="traced-place", order=2),
    Fn("insert", (x(4), slice(1, None, 2), x()), case="slice", order=2),
    Fn("delete", (x(2, 3), 1), dtypes=ALL, order=2),
    Fn("delete", (x(2, 5), [0, -1, 0]), kwargs={"axis": 1}, case="places", order=2),
    Fn("delete", (x(5), slice(None, None, 2)), case="slice", order=2),
    Fn("delete", (x(5), [True, False, False, True, False]), case="mask", order=2),
    Fn("delete", (x(2, 5), index(0, -2)), lambda a, i, **_: np.delete(a, i, 1),
       {"axis": 1, "assume_unique_indices": True}, case="traced", order=2),
    Fn("delete", (x(5), index(3)), case="traced-place", order=2),
    Fn("trim_zeros", (index([0, 0, 1, 0, 2, 0]),), no_jit="it reads the values",
       no_vmap="the same"),
    Fn("trim_zeros", (index([[0, 0, 0], [0, 1, 0]]), "b", 1), no_jit="it reads the values",
       case="axis", no_vmap="the same"),
    # ---- bits ------------------------------------------------------------------------------------
    Fn("packbits", (x(2, 9),), dtypes=(BOOL, U8)),
    Fn("packbits", (x(2, 9, 2), 1, "little"), dtypes=(BOOL, U8), case="axis"),
    Fn("unpackbits", (x(2, 3, domain=(0, 255)),), dtypes=(U8,)),
    *[Fn("unpackbits", (x(2, 3, domain=(0, 255)), 0, n, "little"), dtypes=(U8,), case=str(n))
      for n in (5, 20, -3)],
]  # fmt: skip
