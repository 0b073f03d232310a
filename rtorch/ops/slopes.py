"""Derivatives by parameters that have no closed form, computed in float64.

A `Slope` is such a derivative, computed from numbers. Its own derivatives are expressions where a
formula is known, else difference quotients of it; those have no derivative themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.ops.base import Elementwise, Partial, broadcast_p, wrap_scalar

_STEP = 1e-4  # relative, of a difference quotient of numbers with 11 digits or more


def in_float64(function: Callable[..., Any], xp: Any, *xs: Any, **params: Any) -> Any:
    """``function(xp, *vectors of float64)`` in the shape and the dtype of the operands."""
    like = next(x for x in xs if hasattr(x, "dtype"))
    wide = xp.broadcast_arrays(*[xp.asarray(x, np.float64) for x in xs])
    with np.errstate(all="ignore"):
        flat = function(xp, *[x.ravel() for x in wide], **params)
    return flat.reshape(wide[0].shape).astype(like.dtype)


def of_arrays(partial: Partial) -> Partial:
    """`partial` with operands that are Python numbers made arrays."""

    def full(out: Any, *xs: Any, **params: Any) -> Any:
        def array(x: Any) -> Any:
            if isinstance(x, Array):
                return x
            return broadcast_p(wrap_scalar(x, out.dtype), shape=out.shape, axes=())

        return partial(out, *map(array, xs), **params)

    return full


class Slope(Elementwise):
    """A derivative that is computed from numbers by ``compute(xp, *vectors, by=...)``."""

    compute: ClassVar[Callable[..., Any]]
    least_step: ClassVar[float] = 0.0  # of difference quotients; 0 where operands are positive

    def impl(self, xp: Any, *xs: Any, **params: Any) -> Any:
        return in_float64(type(self).compute, xp, *xs, **params)


class SlopeQuotient(Primitive):
    """The derivative of a `Slope` by an operand, a difference quotient."""

    name = "slope_quotient"

    def impl(self, xp: Any, *xs: Any, of: str, by: int, again: int) -> Any:
        slope = type(Primitive.registry[of])
        return in_float64(_quotient, xp, *xs, slope=slope, by=by, again=again)

    infer = Elementwise.infer
    batch = Elementwise.batch


def _quotient(xp: Any, *xs: Any, slope: Any, by: int, again: int) -> Any:
    step = xp.maximum(_STEP * xp.abs(xs[again]), slope.least_step)
    above, below = (
        slope.compute(xp, *xs[:again], xs[again] + s * step, *xs[again + 1 :], by=by)
        for s in (1, -1)
    )
    return (above - below) / (2 * step)


slope_quotient_p = SlopeQuotient()


def quotient(of: str, again: int) -> Partial:
    """The partial of the slope named `of` by operand `again`."""
    return lambda out, *xs, by: slope_quotient_p(*xs, of=of, by=by, again=again)
