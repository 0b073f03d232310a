"""Reductions."""

from function_specs import ALL, FLOATS, NUMBERS, Fn, x

SPECS = [
    Fn("sum", (x(2, 3),), dtypes=NUMBERS, order=2),
    Fn("sum", (x(2, 3, 2),), kwargs={"axis": (0, 2), "keepdims": True}, case="axes", order=2),
    Fn("prod", (x(2, 3),), kwargs={"axis": 1}, dtypes=FLOATS, order=2),
    Fn("any", (x(2, 3),), kwargs={"axis": 0}, dtypes=ALL, why_not_smooth="truth values"),
]
