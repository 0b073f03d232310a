"""A step length that satisfies the strong Wolfe conditions.

First longer and longer steps until a minimum is bracketed, then smaller and smaller brackets; new
points are minima of cubics. As PyTorch's L-BFGS searches, so that the steps are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt


class Point(NamedTuple):
    """A point on the line: step length, value, gradient, and slope along the line."""

    t: rt.Array
    value: rt.Array
    grad: rt.Array
    slope: rt.Array


class _Bracketing(NamedTuple):
    tries: rt.Array
    last: Point
    new: Point
    outcome: rt.Array


class _Zoom(NamedTuple):
    tries: rt.Array
    low: Point
    high: Point
    stuck: rt.Array
    done: rt.Array


_SEARCHING, _BRACKETED, _FOUND = 0, 1, 2


def strong_wolfe(
    evaluate: Callable[[rt.Array], Point],
    start: Point,
    t: rt.Array,
    *,
    smallest: rt.Array,
    max_tries: int = 25,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> Point:
    """The point of a step length with enough decrease, and a slope flat enough.

    Args:
        evaluate: The point at a step length.
        start: The point at 0, where the slope is negative.
        t: The length to try first.
        smallest: A bracket shorter than this is not divided further.
        max_tries: The largest number of evaluations after the first.
        c1: The decrease wanted, as a part of that of the tangent.
        c2: The largest slope wanted, as a part of that at 0.

    References:
        Nocedal & Wright 2006, Numerical Optimization, algorithms 3.5 and 3.6.
    """

    def too_high(point: Point) -> rt.Array:
        return point.value > start.value + c1 * point.t * start.slope

    def is_flat(point: Point) -> rt.Array:
        return rt.abs(point.slope) <= -c2 * start.slope

    def outcome(tries: rt.Array, last: Point, new: Point) -> rt.Array:
        up = too_high(new) | ((tries > 1) & (new.value >= last.value))
        other = rt.where(new.slope >= 0, _BRACKETED, _SEARCHING)
        found = rt.where(up, _BRACKETED, rt.where(is_flat(new), _FOUND, other))
        return found.astype(rt.int32)

    def longer(s: _Bracketing) -> _Bracketing:
        a, b = s.last.t, s.new.t
        new = evaluate(_cubic_minimum(s.last, s.new, b + 0.01 * (b - a), b * 10))
        return _Bracketing(s.tries + 1, s.new, new, outcome(s.tries + 1, s.new, new))

    def zoom(s: _Zoom) -> _Zoom:
        t, stuck = _inside(s.low, s.high, s.stuck)
        new = evaluate(t)
        worse = too_high(new) | (new.value >= s.low.value)
        done = ~worse & is_flat(new)
        turned = new.slope * (s.high.t - s.low.t) >= 0
        high = _pick(worse, new, _pick(turned & ~done, s.low, s.high))
        low = _pick(worse, s.low, new)
        return _Zoom(s.tries + 1, *_ordered(low, high), stuck, done)

    zero = rt.asarray(0, dtype=rt.int32)
    first = evaluate(t)
    s = rt.while_loop(
        lambda s: (s.outcome == _SEARCHING) & (s.tries < max_tries),
        longer,
        _Bracketing(zero, start, first, outcome(zero, start, first)),
    )
    gave_up = s.tries >= max_tries
    found = (s.outcome == _FOUND) & ~gave_up
    low, high = _ordered(_pick(gave_up, start, s.last), s.new)
    z = rt.while_loop(
        lambda z: ~z.done & (z.tries < max_tries) & (rt.abs(z.high.t - z.low.t) >= smallest),
        zoom,
        _Zoom(s.tries, _pick(found, s.new, low), high, rt.zeros_like(found), found),
    )
    return z.low


def _inside(low: Point, high: Point, stuck: rt.Array) -> tuple[rt.Array, rt.Array]:
    """The next point to try, not too near to the ends if that has happened before."""
    left, right = rt.minimum(low.t, high.t), rt.maximum(low.t, high.t)
    t = _cubic_minimum(low, high, left, right)
    margin = 0.1 * (right - left)
    near = rt.minimum(right - t, t - left) < margin
    moves = near & (stuck | (t >= right) | (t <= left))
    away = rt.where(rt.abs(t - right) < rt.abs(t - left), right - margin, left + margin)
    return rt.where(moves, away, t), near & ~moves


def _cubic_minimum(a: Point, b: Point, left: rt.Array, right: rt.Array) -> rt.Array:
    """Where the cubic through values and slopes of two points has its minimum, within bounds."""
    a, b = _pick(a.t <= b.t, a, b), _pick(a.t <= b.t, b, a)
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    d2 = rt.sqrt(rt.maximum(square, 0.0))
    best = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return rt.where(square >= 0, rt.clip(best, left, right), (left + right) / 2)


def _ordered(a: Point, b: Point) -> tuple[Point, Point]:
    right = a.value <= b.value
    return _pick(right, a, b), _pick(right, b, a)


def _pick(condition: rt.Array, a: Any, b: Any) -> Any:
    return rt.tree.map(lambda x, y: rt.where(condition, x, y), a, b)
