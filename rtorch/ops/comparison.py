"""Comparisons, logic, bits and selection."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import is_linear
from rtorch.ops.base import Elementwise, Nondifferentiable


class Predicate(Nondifferentiable, Elementwise):
    """An elementwise function with a truth value as result."""

    keeps_weak = False

    def infer(self, *operands: Any, **params: Any) -> Aval:
        return super().infer(*operands).update(dtype=dtypes.bool_)

    def lower(self, scalar: Any, *operands: Any, **params: Any) -> Any:
        return scalar(self.name, *operands, dtype="bool")


class Discrete(Nondifferentiable, Elementwise):
    """An elementwise function of integers or truth values."""


def _declare(family: type[Elementwise], name: str, ufunc: str) -> Elementwise:
    members = {"name": name, "ufunc": ufunc, "__doc__": f"Elementwise {ufunc}."}
    return type(name, (family,), members)()


eq_p = _declare(Predicate, "eq", "equal")
ne_p = _declare(Predicate, "ne", "not_equal")
lt_p = _declare(Predicate, "lt", "less")
le_p = _declare(Predicate, "le", "less_equal")
gt_p = _declare(Predicate, "gt", "greater")
ge_p = _declare(Predicate, "ge", "greater_equal")
is_finite_p = _declare(Predicate, "is_finite", "isfinite")
is_nan_p = _declare(Predicate, "is_nan", "isnan")
is_inf_p = _declare(Predicate, "is_inf", "isinf")
signbit_p = _declare(Predicate, "signbit", "signbit")

and_p = _declare(Discrete, "and", "bitwise_and")
or_p = _declare(Discrete, "or", "bitwise_or")
xor_p = _declare(Discrete, "xor", "bitwise_xor")
not_p = _declare(Discrete, "not", "invert")
shift_left_p = _declare(Discrete, "shift_left", "left_shift")
shift_right_p = _declare(Discrete, "shift_right", "right_shift")


class PopulationCount(Discrete):
    """The number of bits that are set."""

    name = "population_count"

    def impl(self, xp: Any, x: Any) -> Any:
        return xp.bitwise_count(x).astype(x.dtype)


class Step(Discrete):
    """1 where x > y, 1/2 where they are equal, 0 elsewhere: the derivative of ``maximum``."""

    name = "step"

    @staticmethod
    def into(out: Any, x: Any, y: Any) -> None:
        equal = np.equal(x, y)
        np.copyto(out, np.greater(x, y))
        if equal.any():
            out[equal] = 0.5

    def impl(self, xp: Any, x: Any, y: Any) -> Any:
        out = xp.greater(x, y).astype(x.dtype if x.ndim >= y.ndim else y.dtype)
        out += xp.greater_equal(x, y)
        return xp.multiply(out, out.dtype.type(0.5))


class Select(Elementwise):
    """``x`` where ``pred``, elsewhere ``y``."""

    name = "select"

    def impl(self, xp: Any, pred: Any, x: Any, y: Any) -> Any:
        return xp.where(pred, x, y)

    overwrites = (2,)

    @staticmethod
    def into(out: Any, pred: Any, x: Any, y: Any) -> None:
        if out is not y:
            np.copyto(out, y)
        np.copyto(out, x, where=pred)

    def infer(self, pred: Any, x: Any, y: Any) -> Aval:
        return (x if isinstance(x, Aval) else y).update(shape=pred.shape)

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        pred, x, y = primals
        _, x_dot, y_dot = tangents
        out = self(pred, x, y)
        if x_dot is None and y_dot is None:
            return out, None
        return out, self(pred, 0 if x_dot is None else x_dot, 0 if y_dot is None else y_dot)

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        pred, x, y = primals
        _, x_dot, y_dot = tangents
        out = self(pred, x, y)
        if x_dot is None and y_dot is None:
            return out, None
        operands = (pred, 0 if x_dot is None else x_dot, 0 if y_dot is None else y_dot)
        return out, tape.record(self, operands, {}, out)

    def transpose(self, ct: Any, pred: Any, x: Any, y: Any) -> Any:
        return (
            None,
            select_p(pred, ct, 0) if is_linear(x) else None,
            select_p(pred, 0, ct) if is_linear(y) else None,
        )


population_count_p, step_p, select_p = PopulationCount(), Step(), Select()
