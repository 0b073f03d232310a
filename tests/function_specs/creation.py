"""Arrays made from nothing, from numbers and from other arrays; ranges, triangles, diagonals."""

import numpy as np

import rtorch as rt
from function_specs import ALL, BOOL, C128, F32, F64, I32, I64, NUMBERS, REAL, Fn, index, x

F32_F64_I64 = (F32, F64, I64)
ONE = (F64,)  # without operands there is one case
LIKE = "the operand gives shape and dtype only"
LENGTH = "the length of the result depends on the values"


def f32(f):
    """NumPy's `f` in the default dtype of rtorch."""
    return lambda *args, **kwargs: np.asarray(f(*args, **kwargs), np.float32)


def in_place(f):
    """NumPy's `f`, which changes its first argument, as a function that returns it."""

    def call(a, *args, **kwargs):
        a = a.copy()
        f(a, *args, **kwargs)
        return a

    return call


SPECS = [
    # ---- from arrays -----------------------------------------------------------------------------
    Fn("asarray", (x(2, 3),), dtypes=ALL, order=2),
    Fn("asarray", ([x(), 1, x()],), case="list", order=2, same_dtype=False),
    Fn("asarray", (x(2, 3), F64), case="dtype", dtypes=REAL),
    Fn("array", ([[x(2)], [x(2)]],), order=2),
    Fn("copy", (x(2, 3),), dtypes=ALL, order=2),
    Fn("from_dlpack", (x(2, 3),), lambda a: a, no_jit="a tracer has no memory", no_vmap="the same"),
    # ---- filled ----------------------------------------------------------------------------------
    Fn("zeros", ((2, 3),), f32(np.zeros), dtypes=ONE),
    Fn("zeros", (3, C128), dtypes=ONE, case="dtype"),
    Fn("ones", ((2, 3),), f32(np.ones), dtypes=ONE),
    Fn("empty", ((2, 0),), f32(np.empty), dtypes=ONE),
    Fn("full", ((2, 3), x()), dtypes=NUMBERS, order=2),
    Fn("full", ((2, 3), x(3)), case="rows", order=2),
    Fn("zeros_like", (x(2, 3),), dtypes=ALL, why_not_smooth=LIKE),
    Fn("ones_like", (x(2, 3),), dtypes=ALL, why_not_smooth=LIKE),
    Fn("ones_like", (x(2, 3),), kwargs={"shape": (4,), "dtype": I64}, case="shape",
       why_not_smooth=LIKE),
    Fn("empty_like", (x(2, 0),), dtypes=ALL, why_not_smooth=LIKE),
    Fn("full_like", (x(2, 3), x()), dtypes=NUMBERS, order=2),
    # ---- ranges ----------------------------------------------------------------------------------
    Fn("arange", (2, 11, 3), dtypes=ONE),
    Fn("arange", (1.5, -2, -0.5), f32(np.arange), dtypes=ONE, case="down"),
    Fn("linspace", (x(), x(3), 5), order=2),
    Fn("linspace", (x(2), 3, 4), kwargs={"endpoint": False, "axis": -1}, case="no-endpoint",
       order=2),
    Fn("linspace", (x(), x(2), 3), kwargs={"retstep": True}, case="step", order=2),
    Fn("logspace", (x(), x(2), 4), order=2, dtypes=(F64,)),
    Fn("logspace", (x(), x(2), 4), kwargs={"base": 2.0, "endpoint": False}, order=2, case="base"),
    Fn("meshgrid", (x(2), x(3)), lambda a, b: list(np.meshgrid(a, b)), dtypes=NUMBERS, order=2),
    Fn("meshgrid", (x(2), x(3), x(2)), lambda *a, **k: list(np.meshgrid(*a, **k)),
       {"indexing": "ij", "sparse": True}, case="sparse", order=2),
    # ---- triangles and diagonals -----------------------------------------------------------------
    Fn("eye", (3, 4), f32(np.eye), {"k": -1}, dtypes=ONE),
    Fn("identity", (3,), f32(np.identity), dtypes=ONE),
    Fn("tri", (3, 4, 1), f32(np.tri), dtypes=ONE),
    Fn("tril", (x(2, 3, 4), 1), dtypes=ALL, order=2),
    Fn("triu", (x(3, 3), -1), dtypes=ALL, order=2),
    Fn("diag", (x(3),), dtypes=ALL, order=2),
    Fn("diag", (x(3, 4), 1), dtypes=ALL, case="of-matrix", order=2),
    Fn("diagonal", (x(3, 2, 4), -1, 0, 2), dtypes=ALL, order=2),
    Fn("trace", (x(3, 4),), dtypes=NUMBERS, order=2),
    Fn("trace", (x(2, 3, 3), 1, 1, 2), case="axes", order=2),
    Fn("diagflat", (x(2, 2), -1), dtypes=ALL, order=2),
    # ---- more ranges and grids -------------------------------------------------------------------
    Fn("geomspace", (x(domain=(1, 2)), x(3, domain=(1, 9)), 4), order=2, same_dtype=False),
    Fn("geomspace", (x(2, domain=(-3, -1)), -7.0, 5, False), case="negative", order=2,
       same_dtype=False),
    Fn("geomspace", (1, 256, 9), f32(np.geomspace), dtypes=ONE, case="numbers"),
    Fn("geomspace", (x(2), x(2), 4), case="complex", dtypes=(C128,), order=2),
    Fn("indices", ((2, 3),), dtypes=ONE),
    Fn("indices", ((2, 3),), kwargs={"sparse": True, "dtype": I32}, case="sparse", dtypes=ONE),
    Fn("ix_", (index(2, 0), index([1]))),
    Fn("ix_", (x(4), index([1])), dtypes=(BOOL,), case="mask", no_jit=LENGTH, no_vmap=LENGTH),
    Fn("fromfunction", (lambda i, j: 10 * i + j, (2, 3)), f32(np.fromfunction), dtypes=ONE),
    Fn("frombuffer", (bytes(range(16)),), dtypes=ONE),
    Fn("frombuffer", (bytes(range(16)), I32, 2, 4), case="part", dtypes=ONE),
    Fn("fromiter", ([1, 2, 3], F64), dtypes=ONE),
    Fn("fromstring", ("1 2 3",), f32(np.fromstring), {"sep": " "}, dtypes=ONE),
    # ---- places of diagonals and triangles -------------------------------------------------------
    Fn("diag_indices", (3, 3), dtypes=ONE),
    Fn("diag_indices_from", (x(3, 3),), why_not_smooth="indices"),
    Fn("tril_indices", (3, 1, 4), dtypes=ONE),
    Fn("triu_indices", (3, -1), dtypes=ONE),
    Fn("tril_indices_from", (x(2, 3), -1), why_not_smooth="indices"),
    Fn("triu_indices_from", (x(2, 3), 1), why_not_smooth="indices"),
    Fn("mask_indices", (3, rt.triu, 1), lambda n, f, k: np.mask_indices(n, np.triu, k), dtypes=ONE,
       no_jit=LENGTH),
    Fn("mask_indices", (3, rt.tril), lambda n, f, size: np.mask_indices(n, np.tril),
       {"size": 6}, case="size", dtypes=ONE),
    Fn("fill_diagonal", (x(3, 4), x()), in_place(np.fill_diagonal), dtypes=NUMBERS, order=2),
    Fn("fill_diagonal", (x(7, 3), x(2), True), in_place(np.fill_diagonal), case="wrap", order=2),
    Fn("fill_diagonal", (x(3, 3, 3), x(3)), in_place(np.fill_diagonal), case="3d", order=2),
]  # fmt: skip
