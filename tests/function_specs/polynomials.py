"""Polynomials; what needs eigenvalues or least squares is here once rtorch.linalg is."""

import importlib.util
from typing import Any

import numpy as np

import rtorch as rt
from function_specs import C128, F32, F64, I32, I64, INEXACT, NUMBERS, Fn, x

SPECS: list[Fn] = []
POSITIVE = (1.0, 2.0)


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


add("polyval", (x(4), x(2, 3)), dtypes=NUMBERS, order=2, tolerance=4.0)
for name in ("polyadd", "polysub"):
    add(name, (x(4), x(2)), dtypes=NUMBERS, order=2)
    add(name, (x(2), x(4)), order=2, case="short first")
add("polymul", (x(4, domain=POSITIVE), x(2, domain=POSITIVE)), dtypes=NUMBERS, order=2,
    tolerance=4.0)  # fmt: skip
add("polydiv", (x(5, domain=POSITIVE), x(3, domain=POSITIVE)), dtypes=(F32, F64, C128),
    order=1, tolerance=100.0)  # fmt: skip
add("polydiv", (x(2), x(3, domain=POSITIVE)), order=1, case="short")
add("polydiv", (x(3), x(1, domain=POSITIVE)), dtypes=(F64,), order=1, case="number")
add("polyder", (x(4),), dtypes=NUMBERS, order=2, same_dtype=False)
add("polyder", (x(4), 2), order=2, dtypes=(F64,), case="twice")
add("polyint", (x(4),), dtypes=INEXACT, same_dtype=False, order=2)
add("polyint", (x(4), 2, [1.0, 2.0]), dtypes=(F64,), order=2, case="twice")
add("polyint", (x(4),), dtypes=(I32, I64), case="integers", same_dtype=False,
    why_not_smooth="integers")  # fmt: skip
add("poly", (x(4),), dtypes=(F32, F64), order=2, tolerance=4.0)
add("poly", (x(4),), dtypes=(C128,), order=2, case="complex", tolerance=4.0)
add("vander", (x(4),), dtypes=NUMBERS, order=2, same_dtype=False, tolerance=2.0)
for n, increasing in ((2, False), (6, True), (0, False)):
    add("vander", (x(4), n, increasing), dtypes=(F64, I64), order=1, case=f"{n} {increasing}")

if importlib.util.find_spec("rtorch.linalg"):

    def in_order(found: Any) -> Any:
        """Zeros in the order of their real, then imaginary parts."""
        module: Any = np if isinstance(found, np.ndarray) else rt
        return module.sort_complex(found)

    KNOWN = {"kwargs": {"strip_zeros": False}, "reference": lambda p, strip_zeros: np.roots(p)}
    REASON = "the degree depends on values; works with strip_zeros=False"
    add("roots", (x(4, domain=POSITIVE),), view=in_order, no_jit=REASON, no_vmap=REASON,
        dtypes=(F64, C128), order=1, same_dtype=False, tolerance=1e3)  # fmt: skip
    add("roots", (x(4, domain=POSITIVE),), view=in_order, case="all", dtypes=(F64,), order=1,
        same_dtype=False, tolerance=1e3, **KNOWN)  # fmt: skip
    add("poly", (x(3, 3),), dtypes=(F64,), case="matrix", order=1, tolerance=1e3)
    POINTS = (x(7), x(7))
    add("polyfit", (*POINTS, 2), dtypes=(F64,), order=1, tolerance=1e3)
    add("polyfit", (*POINTS, 2), kwargs={"w": np.linspace(1, 2, 7)}, dtypes=(F64,), order=1,
        case="weights", tolerance=1e3)  # fmt: skip
    add("polyfit", (x(7), x(7, 2), 2), kwargs={"cov": True}, dtypes=(F64,), order=1, case="cov",
        tolerance=1e3)  # fmt: skip
    add("polyfit", (*POINTS, 2), kwargs={"cov": "unscaled"}, dtypes=(F64,), order=1,
        case="unscaled", tolerance=1e3)  # fmt: skip
    add("polyfit", (*POINTS, 2), kwargs={"full": True}, dtypes=(F64,), case="full", tolerance=1e3,
        view=lambda out: out[:2], order=1)  # fmt: skip
