"""Products of stacks of vectors and matrices."""

from function_specs import C128, F32, F64, I64, Fn, x

MANY = (F32, F64, C128, I64)

SPECS = [
    Fn("matvec", (x(2, 2, 3), x(2, 3)), dtypes=MANY, order=2),
    Fn("matvec", (x(2, 3), x(4, 3)), case="broadcast", dtypes=MANY, order=2),
    Fn("matvec", (x(2, 3), x(3)), case="vector", dtypes=MANY, order=2),
    Fn("vecmat", (x(2, 3), x(2, 3, 2)), dtypes=(F32, F64, I64), order=2),
    Fn("vecmat", (x(3), x(2, 3, 2)), case="vector", dtypes=(F32, F64, I64), order=2),
    Fn("vecmat", (x(4, 3), x(3, 2)), case="conjugate", dtypes=(C128,),
       why_not_smooth="the conjugate is not holomorphic"),
    Fn("cross", (x(2, 3), x(3)), dtypes=MANY, order=2),
    Fn("cross", (x(3, 2), x(2, 3)), kwargs={"axisa": 0, "axisc": 0}, case="axes", order=2),
    Fn("einsum", ("i...,j->...", x(2, 3), x(4)), case="sums", dtypes=MANY, order=2),
]  # fmt: skip
