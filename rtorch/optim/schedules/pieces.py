"""Schedules of pieces: constants, lines or cosines between given points, other schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError
from rtorch.optim.schedules.base import Schedule, check_boundaries, time


def piecewise_constant(boundaries: Sequence[float], values: Sequence[float]) -> Schedule:
    """``values[0]`` before ``boundaries[0]``, ``values[1]`` from there to ``boundaries[1]``, ...

    Args:
        boundaries: Steps, rising.
        values: One more than boundaries.

    Raises:
        ArgumentError: if boundaries do not rise or the numbers do not fit.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.piecewise_constant([10, 20], [1.0, 0.5, 0.1])
        >>> [float(rate(t)) for t in (0, 10, 25)]
        [1.0, 0.5, 0.1]
    """
    check_boundaries("piecewise_constant", boundaries, values)

    def rate(step: Any) -> rt.Array:
        t = time(step)
        found = rt.full_like(t, values[0])
        for boundary, value in zip(boundaries, values[1:], strict=True):
            found = rt.where(t < boundary, found, value)
        return found

    return rate


def piecewise_interpolate(points: Mapping[float, float], kind: str = "linear") -> Schedule:
    """Through given rates at given steps; constant before the first and after the last.

    Args:
        points: Rates by step.
        kind: ``"linear"``, or ``"cosine"``: half a cosine between each two points.

    Raises:
        ArgumentError: if there is no point or the kind is unknown.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.piecewise_interpolate({0: 0.0, 10: 1.0, 30: 0.0})
        >>> [float(rate(t)) for t in (0, 5, 10, 20, 40)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if not points:
        raise ArgumentError("[piecewise_interpolate] points: expected one or more, got none")
    if kind not in _SHARES:
        raise ArgumentError(
            f"[piecewise_interpolate] kind: expected one of {sorted(_SHARES)}, got {kind!r}"
        )
    known = sorted(points.items())

    def rate(step: Any) -> rt.Array:
        t = time(step)
        found = rt.full_like(t, known[0][1])
        for (a, start), (b, end) in pairwise(known):
            done = rt.clip((t - a) / (b - a), 0.0, 1.0)
            found = rt.where(t < a, found, _SHARES[kind](done) * (end - start) + start)
        return found

    return rate


def join(schedules: Sequence[Schedule], boundaries: Sequence[int]) -> Schedule:
    """One schedule after the other, each counting from 0 at its boundary.

    Args:
        schedules: Functions of the step.
        boundaries: Where the second, third, ... begin, rising.

    Raises:
        ArgumentError: if boundaries do not rise or the numbers do not fit.

    Example:
        >>> from rtorch.optim import schedules
        >>> rate = schedules.join([schedules.linear(0.0, 1.0, 10), schedules.cosine(1.0, 90)], [10])
        >>> [round(float(rate(t)), 3) for t in (0, 5, 10, 55, 100)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    check_boundaries("join", boundaries, schedules)

    def rate(step: Any) -> rt.Array:
        t = time(step)
        found = rt.asarray(schedules[0](step)).astype(rt.float64)
        for boundary, schedule in zip(boundaries, schedules[1:], strict=True):
            # No schedule sees a step below 0.
            later = rt.maximum(rt.asarray(step) - boundary, 0)
            found = rt.where(t < boundary, found, rt.asarray(schedule(later)).astype(rt.float64))
        return found

    return rate


_SHARES: dict[str, Callable[[rt.Array], rt.Array]] = {
    "linear": lambda done: done,
    "cosine": lambda done: (1 - rt.cos(done * math.pi)) * 0.5,
}
