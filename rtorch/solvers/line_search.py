"""A line search for the strong Wolfe conditions.

Nocedal, Wright 2006, "Numerical optimization", algorithms 3.5 and 3.6, as one loop with one
evaluation a step: first the interval is widened until it holds a good point, then it is narrowed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt

ARMIJO, CURVATURE = 1e-4, 0.9


class Point(NamedTuple):
    """A step length with the value and the slope there; the gradient by all unknowns too."""

    step: rt.Array
    value: rt.Array
    slope: rt.Array
    grad: rt.Array


class Search(NamedTuple):
    """The state: `low` is the best point so far, `trial` the next step length."""

    low: Point
    high: Point
    trial: rt.Array
    narrowing: rt.Array  # whether `low` and `high` enclose a good point
    done: rt.Array
    evals: rt.Array


def line_search(
    value_and_grad: Callable[[rt.Array], tuple[rt.Array, rt.Array]], x: rt.Array, value: rt.Array,
    grad: rt.Array, direction: rt.Array, first: rt.Array, max_evals: int,
) -> Search:  # fmt: skip
    """Look along `direction` for a point that satisfies the strong Wolfe conditions.

    Args:
        value_and_grad: The function to be made smaller, and its gradient.
        x: Where to begin.
        value: The value there.
        grad: The gradient there.
        direction: A direction of descent.
        first: The first step length to try.
        max_evals: The largest number of evaluations.

    Returns:
        The state at the end; `low` is what was found, and satisfies the conditions if `done`.
    """
    slope = rt.vdot(grad, direction)
    slack = rt.finfo(x.dtype).eps * rt.abs(value)  # differences of values below it mean nothing

    def going(s: Search) -> Any:
        return ~s.done & (s.evals < max_evals)

    def look(s: Search) -> Search:
        f, g = value_and_grad(x + s.trial * direction)
        new = Point(s.trial, f, rt.vdot(g, direction), g)
        low, high = s.low, s.high
        bound = value + ARMIJO * s.trial * slope + slack
        # Not "greater": a nan is a bad value too.
        too_high = ~(f <= bound) | ((f > low.value + slack) & (s.narrowing | (s.evals > 0)))
        good = ~too_high & (rt.abs(new.slope) <= -CURVATURE * slope)
        beyond = ~too_high & ~good & (new.slope * _towards(low, high, s.narrowing) >= 0)
        high = _choose(too_high, new, _choose(beyond, low, high))
        low = _choose(too_high, low, new)
        narrowing = s.narrowing | too_high | beyond
        trial = rt.where(narrowing, _between(low, high), 2.0 * s.trial)
        return Search(low, high, trial, narrowing, good, s.evals + 1)

    start = Point(rt.zeros_like(value), value, slope, grad)
    s = Search(start, start, first, rt.asarray(False), rt.asarray(False), rt.asarray(0))
    return rt.while_loop(going, look, s)


def _choose(condition: rt.Array, a: Point, b: Point) -> Point:
    return Point(*[rt.where(condition, x, y) for x, y in zip(a, b)])


def _towards(low: Point, high: Point, narrowing: rt.Array) -> rt.Array:
    """The sign of the way from `low` to `high`; forward while the interval is widened."""
    return rt.where(narrowing, rt.sign(high.step - low.step), 1.0)


def _between(a: Point, b: Point) -> rt.Array:
    """The minimum of the cubic through both, or the middle if that is not well inside.

    Nocedal, Wright 2006, equation 3.59.
    """
    width = b.step - a.step
    safe = rt.where(width != 0, width, 1.0)
    d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / -safe
    square = d1 * d1 - a.slope * b.slope
    d2 = rt.sign(safe) * rt.sqrt(rt.maximum(square, 0.0))
    down = b.slope - a.slope + 2.0 * d2
    cubic = b.step - width * (b.slope + d2 - d1) / rt.where(down != 0, down, 1.0)
    left, right = rt.minimum(a.step, b.step), rt.maximum(a.step, b.step)
    margin = 0.1 * (right - left)
    inside = (square >= 0) & (down != 0) & (cubic > left + margin) & (cubic < right - margin)
    return rt.where(inside, cubic, 0.5 * (a.step + b.step))
