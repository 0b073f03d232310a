"""Products of matrices and tensors."""

from typing import Any

import numpy as np

from function_specs import NUMBERS, Fn, x

SPECS: list[Fn] = []


def add(*args: Any, **kwargs: Any) -> None:
    SPECS.append(Fn(*args, order=2, tolerance=2.0, **kwargs))


add("matmul", (x(2, 3), x(3, 4)), dtypes=NUMBERS)
for case, left, right in [
    ("vectors", x(3), x(3)),
    ("row", x(3), x(3, 2)),
    ("column", x(2, 3), x(3)),
    ("stacks", x(2, 1, 2, 3), x(4, 3, 2)),
    ("stack and matrix", x(2, 2, 3), x(3, 2)),
]:
    add("matmul", (left, right), case=case)
add("dot", (x(2, 3), x(3, 4)), dtypes=NUMBERS)
add("dot", (x(2, 3), x(2, 3, 2)), case="tensors")
add("inner", (x(2, 3), x(4, 3)), dtypes=NUMBERS)
add("vdot", (x(2, 3), x(2, 3)), dtypes=NUMBERS)
add("vecdot", (x(2, 3), x(3)), dtypes=NUMBERS)
add("vecdot", (x(3, 2), x(3, 2)), kwargs={"axis": 0}, reference=lambda a, b, axis: np.vecdot(
    a, b, axis=axis), case="axis")  # fmt: skip
add("outer", (x(2), x(3)), dtypes=NUMBERS)
add("kron", (x(2, 2), x(2, 3)), dtypes=NUMBERS)
add("tensordot", (x(2, 3), x(3, 4), 1), dtypes=NUMBERS)
add("tensordot", (x(2, 3, 2), x(3, 4, 2), ((1, 2), (0, 2))), case="pairs")
