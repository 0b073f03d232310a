"""Order statistics."""

from typing import Any

import numpy as np

from function_specs import F64, FLOATS, I32, I64, Fn, x

SPECS: list[Fn] = []
NAN = np.nan
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
)  # fmt: skip


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, **kwargs))


def several(name: str, *args: Any) -> None:
    """All elements, one axis, several axes that are kept; integers."""
    add(name, (x(2, 3), *args), dtypes=FLOATS, order=2, same_dtype=not args)
    add(name, (x(2, 3), *args), kwargs={"axis": 0}, case="axis", order=2)
    add(name, (x(2, 3, 2), *args), kwargs={"axis": (0, 2), "keepdims": True}, case="axes", order=2)
    add(name, (x(2, 3), *args), dtypes=(I32, I64), case="integers", same_dtype=False,
        why_not_smooth="integers")  # fmt: skip


several("median")
several("nanmedian")
for name, share in {"quantile": 0.3, "nanquantile": 0.3, "percentile": 30.0,
                    "nanpercentile": 30.0}.items():  # fmt: skip
    several(name, share)
    whole = 100 if "perc" in name else 1
    shares = [0.1 * whole, 0.5 * whole, 1.0 * whole]
    add(name, (x(2, 5), shares), kwargs={"axis": 1}, dtypes=(F64,), case="shares", order=2)
    add(name, (x(2, 7), x(3, domain=(0.05 * whole, 0.95 * whole))), kwargs={"axis": 1},
        dtypes=(F64,), case="traced shares", order=1)  # fmt: skip
    add(name, (x(6), shares), kwargs={"method": "inverted_cdf", "weights": np.arange(6.0)},
        dtypes=(F64,), case="weights", order=1)  # fmt: skip
for method in METHODS:
    add("quantile", (x(2, 6), [0.0, 0.05, 0.25, 0.5, 0.7, 0.75, 0.99, 1.0]), dtypes=(F64,),
        kwargs={"axis": 1, "method": method}, case=method, order=2)  # fmt: skip
    add("nanquantile", (x(2, 6), [0.0, 0.05, 0.25, 0.5, 0.7, 1.0]), dtypes=(F64,),
        kwargs={"axis": 1, "method": method}, case=method, order=1)  # fmt: skip
    add("quantile", (x(2, 6), x(3, domain=(0.1, 0.9))), dtypes=(F64,), order=1,
        kwargs={"axis": 1, "method": method}, case=f"{method} of traced shares")  # fmt: skip
