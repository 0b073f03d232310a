"""What is known of a value now: under the tracers of eager transformations there are arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array
from rtorch.core.trace import Tracer
from rtorch.errors import ArgumentError, DTypeError, ShapeError, describe
from rtorch.numpy.operands import operand
from rtorch.transforms.batch import BatchTracer
from rtorch.transforms.primal import PrimalTracer


def all_lanes(x: Array) -> np.ndarray[Any, Any]:
    """The values of `x` in all lanes of the transformations around it, in eager mode."""
    while isinstance(x, (BatchTracer, PrimalTracer)):
        x = x.value if isinstance(x, BatchTracer) else x.primal
    return backend.to_numpy(x._data)


def is_batched(x: Array) -> bool:
    """Whether `x` may differ between lanes of a `vmap` around it, in eager mode."""
    while isinstance(x, PrimalTracer):
        x = x.primal
    return isinstance(x, BatchTracer)


def predicate(x: Any, name: str, what: str) -> Array:
    """`x` as an array of one truth value."""
    array = operand(x, name)
    if array.shape != ():
        raise ShapeError(f"[{name}] {what} must be a scalar, got {describe(array)}")
    if array.dtype is not dtypes.bool_:
        raise DTypeError(f"[{name}] {what} must be a bool, got {describe(array)}")
    return array


def concrete_integer(x: Any, name: str) -> int | None:
    """`x` as a Python integer, None if its value is not known now or differs between lanes."""
    array = operand(x, name)
    if array.shape != () or array.dtype not in dtypes.INTEGERS:
        raise ArgumentError(f"[{name}] expected an integer, got {describe(x)}")
    return None if isinstance(array, Tracer) else int(array)
