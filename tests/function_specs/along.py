"""Functions along axes."""

from function_specs import F32, F64, I64, Fn, x

SPECS = [
    Fn("apply_along_axis", (lambda v: v * v.sum(), 0, x(3, 2)), dtypes=(F32, F64, I64), order=2),
    Fn("apply_along_axis", (lambda v: v.sum(), 1, x(2, 3, 2)), case="numbers", order=2),
    Fn("apply_along_axis", (lambda v: v[:, None] * v, -1, x(2, 3)), case="matrices", order=2),
    Fn("apply_along_axis", (lambda v, a: v * a, 0, x(3), 2.0), dtypes=(F64,), case="argument",
       order=1),
    Fn("apply_over_axes", (lambda v, axis: v.sum(axis), x(2, 3, 4), [0, 2]), order=2),
    Fn("apply_over_axes", (lambda v, axis: v.sum(axis, keepdims=True), x(2, 3), 1), case="kept",
       order=2),
]  # fmt: skip
