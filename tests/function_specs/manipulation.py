"""Other shapes, other orders of axes and elements."""

import numpy as np

import rtorch as rt
from function_specs import ALL, F32, F64, I64, NUMBERS, Fn, index, x

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
]  # fmt: skip
