"""Differences, integrals, interpolation."""

from typing import Any

import rtorch as rt
from function_specs import C128, F32, F64, FLOATS, I32, I64, NUMBERS, Fn, x

SPECS: list[Fn] = []


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


add("ediff1d", (x(2, 3),), dtypes=NUMBERS, order=2)
add("ediff1d", (x(2, 3), x(2), x(1)), order=2, case="ends")
add("diff", (x(2, 4), 2, 0, x(1, 4), x(2, 4)), order=2, case="ends")
add("diff", (x(2, 4),), kwargs={"prepend": 1.0, "append": 2.0}, order=2, case="end numbers",
    dtypes=(F64,))  # fmt: skip
add("trapezoid", (x(2, 4),), dtypes=FLOATS, order=2)
add("trapezoid", (x(2, 4), x(4)), order=2, case="points")
add("trapezoid", (x(2, 4), x(2, 4)), kwargs={"axis": 0}, order=2, case="axis")
add("trapezoid", (x(2, 4),), kwargs={"dx": 0.5}, order=2, case="distance")
add("trapezoid", (x(2, 4),), dtypes=(I32, I64), case="integers", same_dtype=False,
    why_not_smooth="integers")  # fmt: skip


def rising(*arrays: Any) -> Any:
    return *arrays[:-1], rt.sort(arrays[-1])


for edge in (1, 2):
    order = {"edge_order": edge}
    add("gradient", (x(5),), kwargs=order, order=2, case=f"line {edge}", dtypes=(F32, F64, C128))
    add("gradient", (x(3, 4),), kwargs=order, order=1, case=f"plane {edge}")
    add("gradient", (x(3, 4), 0.5, 2.0), kwargs=order, order=1, case=f"distances {edge}")
    add("gradient", (x(3, 5), x(5)), kwargs={"axis": 1, **order}, prepare=rising, order=1,
        case=f"points {edge}", dtypes=(F64,), tolerance=100.0)  # fmt: skip
add("gradient", (x(5),), dtypes=(I32, I64), case="integers", same_dtype=False,
    why_not_smooth="integers")  # fmt: skip


def points(*arrays: Any) -> Any:
    return arrays[0], rt.sort(arrays[1]), *arrays[2:]


LINE = (x(2, 4, domain=(-2.5, 2.5)), x(6), x(6))
add("interp", LINE, prepare=points, order=1, dtypes=(F64,), tolerance=10.0)
add("interp", LINE, prepare=points, dtypes=(F32,), same_dtype=False, case="float32",
    tolerance=10.0, order=0, why_not_smooth="tested above")  # fmt: skip
add("interp", LINE, kwargs={"left": 9.0, "right": -9.0}, prepare=points, order=1, dtypes=(F64,),
    case="outside", tolerance=10.0)  # fmt: skip
add("interp", LINE, kwargs={"period": 1.5}, order=1, dtypes=(F64,), case="period", tolerance=10.0)
add("unwrap", (x(2, 6, domain=(-9.0, 9.0)),), dtypes=(F32, F64), order=1)
add("unwrap", (x(6, 2, domain=(-9.0, 9.0)),), dtypes=(F64,), case="axis", order=1,
    kwargs={"axis": 0, "discont": 4.0})  # fmt: skip
for period in (5, 6):
    add("unwrap", (x(2, 9, domain=(-9, 9)),), kwargs={"period": period}, dtypes=(I32, I64),
        case=f"integers {period}", why_not_smooth="integers")  # fmt: skip
