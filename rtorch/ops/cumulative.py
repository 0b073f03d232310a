"""Running sums, products and extremes, and the first-order linear recurrence."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rtorch.core import dtypes
from rtorch.core.primitive import Primitive, is_linear
from rtorch.ops.base import (
    Linear,
    add_tangents,
    batch_size,
    batched_front,
    instantiate,
    mul_p,
)
from rtorch.ops.comparison import eq_p, select_p
from rtorch.ops.creation import iota_p
from rtorch.ops.indexing import take_along
from rtorch.ops.shape import pad_p


def _shift(x: Any, axis: int, by: int, value: Any) -> Any:
    """`x` moved by `by` places along `axis`, `value` coming in at the end left free."""
    low, high = [0] * len(x.shape), [0] * len(x.shape)
    low[axis], high[axis] = by, -by
    return pad_p(x, value=value, low=tuple(low), high=tuple(high), interior=(0,) * len(low))


class Cumulative(Primitive):
    """Combines all elements up to each one along ``axis``, or from each one on if ``reverse``."""

    ufunc: ClassVar[str]

    def impl(self, xp: Any, x: Any, *, axis: int, reverse: bool) -> Any:
        if reverse:
            x = xp.flip(x, axis)
        if xp is np:
            out = getattr(np, self.ufunc).accumulate(x, axis, x.dtype)
        else:
            out = self._on_gpu(xp, x, axis)
        return xp.flip(out, axis) if reverse else out

    def flops(self, x: Any, *, axis: int, reverse: bool) -> float:
        return float(x.size)

    def _on_gpu(self, xp: Any, x: Any, axis: int) -> Any:
        return getattr(xp, {"add": "cumsum", "multiply": "cumprod"}[self.ufunc])(x, axis)

    def infer(self, x: Any, *, axis: int, reverse: bool) -> Any:
        return x

    def batch(self, args: Any, dims: Any, *, axis: int, reverse: bool) -> tuple[Any, Any]:
        (dim,) = dims
        return self(args[0], axis=axis + (dim <= axis), reverse=reverse), dim


class Cumsum(Cumulative, Linear):
    """Running sum."""

    name = "cumsum"
    ufunc = "add"

    def transpose(self, ct: Any, x: Any, *, axis: int, reverse: bool) -> Any:
        return (self(ct, axis=axis, reverse=not reverse),)


class Cumprod(Cumulative):
    """Running product."""

    name = "cumprod"
    ufunc = "multiply"

    def jvp(self, primals: Any, tangents: Any, *, axis: int, reverse: bool) -> tuple[Any, Any]:
        # p[i] = p[i-1] x[i], so its tangent obeys t[i] = x[i] t[i-1] + p[i-1] x_dot[i].
        (x,), (t,) = primals, tangents
        out = self(x, axis=axis, reverse=reverse)
        before = _shift(out, axis, -1 if reverse else 1, 1)
        return out, recurrence_p(x, mul_p(t, before), axis=axis, reverse=reverse)


class CumulativeExtreme(Cumulative):
    """Running extreme; at ties the latest element has the derivative."""

    def _on_gpu(self, xp: Any, x: Any, axis: int) -> Any:
        return getattr(xp, self.ufunc).accumulate(x, axis)

    def jvp(self, primals: Any, tangents: Any, *, axis: int, reverse: bool) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        out = self(x, axis=axis, reverse=reverse)
        place = iota_p(shape=x.shape, dtype=dtypes.int64, axis=axis, device=x.device)
        latest = cummin_p if reverse else cummax_p
        record = select_p(eq_p(x, out), place, x.shape[axis] - 1 if reverse else 0)
        where = latest(record, axis=axis, reverse=reverse)
        return out, take_along(t, where, axis)


class Cummax(CumulativeExtreme):
    """Running maximum."""

    name = "cummax"
    ufunc = "maximum"


class Cummin(CumulativeExtreme):
    """Running minimum."""

    name = "cummin"
    ufunc = "minimum"


class Recurrence(Primitive):
    """``y[i] = a[i] * y[i-1] + b[i]`` along ``axis`` with ``y[-1] = 0``; backwards if ``reverse``.

    Discounted sums, exponential averages and the derivative of `Cumprod` are of this form.
    """

    name = "recurrence"

    def impl(self, xp: Any, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
        out = xp.array(b)
        steps, coefficients = (xp.moveaxis(z, axis, 0) for z in (out, a))
        order = range(len(steps) - 2, -1, -1) if reverse else range(1, len(steps))
        before = 1 if reverse else -1
        for i in order:
            steps[i] += coefficients[i] * steps[i + before]
        return out

    def flops(self, a: Any, b: Any, *, axis: int, reverse: bool) -> float:
        return 2.0 * b.size

    def infer(self, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
        return b

    def jvp(self, primals: Any, tangents: Any, *, axis: int, reverse: bool) -> tuple[Any, Any]:
        (a, b), (a_dot, b_dot) = primals, tangents
        out = self(a, b, axis=axis, reverse=reverse)
        if a_dot is not None:
            b_dot = add_tangents(b_dot, mul_p(a_dot, _shift(out, axis, -1 if reverse else 1, 0)))
        return out, self(a, instantiate(b_dot, b), axis=axis, reverse=reverse)

    def transpose(self, ct: Any, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
        assert is_linear(b), "recurrence is linear in its second operand only"
        # b[i] reaches y[i] directly and y[i+1] through a[i+1].
        ahead = _shift(a, axis, 1 if reverse else -1, 0)
        return None, self(ahead, ct, axis=axis, reverse=not reverse)

    def batch(self, args: Any, dims: Any, *, axis: int, reverse: bool) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        args = [batched_front(x, d, size) for x, d in zip(args, dims)]
        return self(*args, axis=axis + 1, reverse=reverse), 0


cumsum_p, cumprod_p, cummax_p, cummin_p = Cumsum(), Cumprod(), Cummax(), Cummin()
recurrence_p = Recurrence()
