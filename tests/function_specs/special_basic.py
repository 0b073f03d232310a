"""The special functions that are in the array namespace itself.

Their values are the primitives', which `tests/op_specs.py` compares with other sources.
"""

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from function_specs import FLOATS, I32, Fn, x


def each(f: Any) -> Any:
    """`f` of every element."""
    return lambda v: np.vectorize(f, otypes=[v.dtype])(v)


def inverse_of_erf(p: float) -> float:
    return NormalDist(0, math.sqrt(0.5)).inv_cdf((1 + p) / 2)


REFERENCES: dict[str, tuple[Any, tuple[float, float]]] = {
    "erf": (each(math.erf), (-2.0, 2.0)),
    "erfc": (each(math.erfc), (-2.0, 2.0)),
    "erf_inv": (each(inverse_of_erf), (-0.9, 0.9)),
    "lgamma": (each(math.lgamma), (0.3, 4.0)),
    "digamma": (None, (0.4, 4.0)),
}
SPECS = [
    Fn(name, (x(2, 3, domain=domain),), reference, dtypes=FLOATS, order=2, tolerance=8.0)
    for name, (reference, domain) in REFERENCES.items()
] + [
    Fn(name, (x(2, 3, domain=(1, 4)),), lambda v, f=f: f(v.astype(float)), dtypes=(I32,),
       case="integers", same_dtype=False, why_not_smooth="integers")
    for name, f in (("erfc", each(math.erfc)), ("lgamma", each(math.lgamma)))
]  # fmt: skip
