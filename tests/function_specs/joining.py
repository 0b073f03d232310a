"""Joining arrays and cutting them up."""

import numpy as np

from function_specs import ALL, F64, I64, Fn, x

SPECS = [
    Fn("concatenate", ([x(2, 3), x(1, 3)],), dtypes=ALL, order=2),
    Fn("concatenate", ([x(2, 3), x(2)],), kwargs={"axis": None}, case="flat", order=2),
    Fn("concat", ([x(2, 3), x(2, 1)], 1), dtypes=ALL, order=2),
    Fn("stack", ([x(2, 3), x(2, 3)], -1), dtypes=ALL, order=2),
    Fn("vstack", ([x(3), x(2, 3)],), dtypes=ALL, order=2),
    Fn("hstack", ([x(2, 3), x(2, 1)],), dtypes=ALL, order=2),
    Fn("dstack", ([x(2, 3), x(2, 3, 2)],), dtypes=ALL, order=2),
    Fn("column_stack", ([x(3), x(3, 2)],), dtypes=ALL, order=2),
    Fn("append", (x(2, 3), x(1, 3), 0), dtypes=ALL, order=2),
    Fn("append", (x(2, 3), x()), case="flat", order=2),
    Fn("split", (x(4, 3), 2), dtypes=ALL, order=2),
    Fn("split", (x(2, 5), (1, 3), 1), case="places", order=2),
    Fn("array_split", (x(5), 3), dtypes=ALL, order=2),
    Fn("vsplit", (x(4, 3), 2), order=2),
    Fn("hsplit", (x(4, 4), 2), order=2),
    Fn("dsplit", (x(1, 2, 4), 2), order=2),
    Fn("unstack", (x(2, 3), 1), lambda a, axis: tuple(np.unstack(a, axis=axis)), dtypes=ALL,
       order=2),
    Fn("concatenate", ([x(2), x(1)],), kwargs={"dtype": F64}, case="dtype", dtypes=(F64, I64)),
    Fn("block", ([[x(2, 2), x(2, 1)], [x(2), x()]],), dtypes=ALL, order=2),
    Fn("block", ([[x(2, 2), x(2, 1)], [x(1, 3)]],), order=2, case="rows"),
    Fn("block", ([x(2), x()],), order=2, case="flat"),
]  # fmt: skip
