"""Kummer's and Gauss's hypergeometric functions, and their derivatives by the parameters.

References:
    DLMF 13.2.2 and 13.2.39, 15.2.1 and 15.8.1, series and transformations to positive arguments
    DLMF 13.3.15 and 15.5.1, derivatives by the argument
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core.dtypes import HALVES
from rtorch.ops.base import Elementwise, add_p, elementwise, mul_p, neg_p
from rtorch.ops.elementwise import div_p
from rtorch.ops.library import by_library
from rtorch.ops.slopes import Slope, of_arrays, quotient

_MOST_TERMS = 20_000
_LEAST_PRECISE = 1e-6  # the relative error beyond which there is no result
_AT_ONCE = 16  # terms between two looks whether that was enough

# ---- series --------------------------------------------------------------------------------------


def _series(
    xp: Any, tops: Sequence[Any], bottoms: Sequence[Any], x: Any, way: Sequence[float]
) -> tuple[Any, Any]:
    """The hypergeometric series and its derivative along `way`, a weight for each parameter.

    Where too many digits cancel, or the terms do not suffice, the derivative is nan.
    """
    value, slope = xp.ones_like(x), xp.zeros_like(x)
    term, term_dot = xp.ones_like(x), xp.zeros_like(x)
    largest = xp.ones_like(x)
    for k in range(_MOST_TERMS):
        factor, factor_dot = _factor(xp, tops, bottoms, x, way, k)
        term_dot = term_dot * factor + term * factor_dot
        term = term * factor
        value, slope = value + term, slope + term_dot
        largest = xp.maximum(largest, xp.maximum(xp.abs(term), xp.abs(term_dot)))
        if k % _AT_ONCE == _AT_ONCE - 1:
            small = xp.abs(term) <= 1e-17 * xp.abs(value)
            # The rest is at most that of a geometric series.
            small &= xp.abs(term_dot) <= 1e-16 * xp.abs(slope) * xp.abs(1 - xp.abs(factor))
            finished = (small & (xp.abs(factor) < 1)) | ~(xp.abs(value) < xp.inf)
            if bool(finished.all()):
                break
    size = xp.maximum(xp.abs(value), xp.abs(slope))
    precise = ~(_LEAST_PRECISE * size < 1e-15 * largest)
    return value, xp.where(finished & precise, slope, xp.nan)


def _factor(xp: Any, tops: Any, bottoms: Any, x: Any, way: Any, k: int) -> tuple[Any, Any]:
    """The quotient of two terms, and its derivative; numerators may be 0."""
    scale = x / (k + 1) / math.prod(b + k for b in bottoms)
    factor = scale * math.prod(a + k for a in tops)
    factor_dot = xp.zeros_like(x)
    for i, weight in enumerate(way[: len(tops)]):
        if weight:
            others = math.prod(a + k for j, a in enumerate(tops) if j != i)
            factor_dot = factor_dot + weight * scale * others
    for b, weight in zip(bottoms, way[len(tops) :]):
        if weight:
            factor_dot = factor_dot - weight * factor / (b + k)
    return factor, factor_dot


def _split(xp: Any, xs: Any, rule: Callable[..., Any], mirrored: Callable[..., Any]) -> Any:
    """`rule` where the last of `xs` is not negative, `mirrored` where it is."""
    out = xp.full(xs[-1].shape, xp.nan)
    for some, function in ((xs[-1] >= 0, rule), (xs[-1] < 0, mirrored)):
        places = xp.flatnonzero(some)
        if len(places):
            out[places] = function(*[x[places] for x in xs])
    return out


def _hyp1f1_slope(xp: Any, *xs: Any, by: int) -> Any:
    def right(a: Any, b: Any, x: Any) -> Any:
        return _series(xp, [a], [b], x, ((1, 0), (0, 1))[by])[1]

    def left(a: Any, b: Any, x: Any) -> Any:
        return xp.exp(x) * _series(xp, [b - a], [b], -x, ((-1, 0), (1, 1))[by])[1]

    return _split(xp, xs, right, left)


def _hyp2f1_slope(xp: Any, *xs: Any, by: int) -> Any:
    def right(a: Any, b: Any, c: Any, x: Any) -> Any:
        slope = _series(xp, [a, b], [c], xp.minimum(x, 1.0), _unit(3, by))[1]
        return xp.where(x < 1, slope, xp.nan)

    def left(a: Any, b: Any, c: Any, x: Any) -> Any:
        way = ((1, 0, 0), (0, -1, 0), (0, 1, 1))[by]
        value, slope = _series(xp, [a, c - b], [c], x / (x - 1), way)
        if by == 0:
            slope = slope - xp.log1p(-x) * value
        return xp.exp(-a * xp.log1p(-x)) * slope

    return _split(xp, xs, right, left)


def _unit(n: int, i: int) -> tuple[int, ...]:
    return tuple([int(j == i) for j in range(n)])


_FAR = 1e9  # SciPy sums for seconds, and then for ever, where the argument is larger


def _hyp1f1(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """SciPy's function; far out the leading term of its asymptotic series (DLMF 13.7.1)."""
    library = by_library("hyp1f1")
    if x.dtype in HALVES:  # which end long before
        return library(xp, a, b, x)
    far = (xp.abs(x) > _FAR) & ~((a <= 0) & (a == xp.floor(a)))  # a polynomial is summed at once
    if not bool(far.any()):
        return library(xp, a, b, x)
    value = library(xp, a, b, xp.where(far, xp.copysign(xp.asarray(_FAR, x.dtype), x), x))
    falls = far & (x < 0)
    return value * xp.where(falls, xp.where(falls, -x / _FAR, 1) ** -a, 1).astype(x.dtype)


# ---- primitives ----------------------------------------------------------------------------------


def _raised(params: Any, tops: int) -> tuple[Any, Any]:
    """The factor of the derivative by the argument, and the parameters it comes with."""
    factor = params[0]
    for p in params[1:tops]:
        factor = mul_p(factor, p)
    return div_p(factor, params[-1]), [add_p(p, 1) for p in params]


def _by_x(function: Callable[..., Any], out: Any, *xs: Any) -> Any:
    factor, raised = _raised(xs[:-1], len(xs) - 2)
    return mul_p(factor, function(*raised, xs[-1]))


def _slope_by_x(function: Any, slope: Any, *xs: Any, by: int) -> Any:
    """The derivative by a parameter of that by the argument."""
    params, x = xs[:-1], xs[-1]
    factor, raised = _raised(params, len(params) - 1)
    along = mul_p(factor, slope(*raised, x, by=by))
    if by == len(params) - 1:
        share = neg_p(div_p(factor, params[-1]))
    elif len(params) == 3:
        share = div_p(params[1 - by], params[-1])
    else:
        share = div_p(1, params[-1])
    return add_p(along, mul_p(share, function(*raised, x)))


class Hyp1F1Slope(Slope):
    """The derivative of `hyp1f1` by a (``by=0``) or b (``by=1``)."""

    name = "hyp1f1_slope"
    compute = staticmethod(_hyp1f1_slope)
    least_step = 1e-4
    partials = (
        *[quotient("hyp1f1_slope", i) for i in range(2)],
        of_arrays(lambda out, *xs, by: _slope_by_x(hyp1f1_p, hyp1f1_slope_p, *xs, by=by)),
    )


class Hyp2F1Slope(Slope):
    """The derivative of `hyp2f1` by a, b or c: ``by`` is 0, 1 or 2."""

    name = "hyp2f1_slope"
    compute = staticmethod(_hyp2f1_slope)
    least_step = 1e-4
    partials = (
        *[quotient("hyp2f1_slope", i) for i in range(3)],
        of_arrays(lambda out, *xs, by: _slope_by_x(hyp2f1_p, hyp2f1_slope_p, *xs, by=by)),
    )


hyp1f1_slope_p: Elementwise = Hyp1F1Slope()
hyp2f1_slope_p: Elementwise = Hyp2F1Slope()
hyp1f1_p: Elementwise = elementwise(
    "hyp1f1",
    _hyp1f1,
    lambda out, *xs: hyp1f1_slope_p(*xs, by=0),
    lambda out, *xs: hyp1f1_slope_p(*xs, by=1),
    of_arrays(lambda *args: _by_x(hyp1f1_p, *args)),
    doc="Kummer's confluent hypergeometric function.",
)
hyp2f1_p: Elementwise = elementwise(
    "hyp2f1",
    by_library("hyp2f1"),
    lambda out, *xs: hyp2f1_slope_p(*xs, by=0),
    lambda out, *xs: hyp2f1_slope_p(*xs, by=1),
    lambda out, *xs: hyp2f1_slope_p(*xs, by=2),
    of_arrays(lambda *args: _by_x(hyp2f1_p, *args)),
    doc="Gauss's hypergeometric function.",
)
