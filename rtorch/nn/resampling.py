"""Weights of interpolation along one axis: which elements count, and how much.

Linear and cubic interpolation of an axis are products with a matrix of few entries per row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import rtorch as rt


class Kernel(NamedTuple):
    """How much an element counts at a distance, up to `reach`."""

    reach: int
    weight: Callable[[float], float]


def _triangle(t: float) -> float:
    return max(0.0, 1.0 - abs(t))


def near(t: Any, a: float) -> Any:
    """Keys' piecewise cubic (1981) at a distance of 0 to 1; `a` is its slope at 1."""
    return ((a + 2) * t - (a + 3)) * t * t + 1


def far(t: Any, a: float) -> Any:
    """The same at a distance of 1 to 2."""
    return (((t - 5) * t + 8) * t - 4) * a


def _cubic(t: float, a: float) -> float:
    t = abs(t)
    weight: float = near(t, a) if t <= 1 else far(t, a) if t < 2 else 0.0
    return weight


# PyTorch (as OpenCV) interpolates with a = -0.75, and averages (as Pillow) with -0.5.
SHARP, SMOOTH = -0.75, -0.5

LINEAR = Kernel(1, _triangle)
CUBIC = Kernel(2, lambda t: _cubic(t, SHARP))
SMOOTH_CUBIC = Kernel(2, lambda t: _cubic(t, SMOOTH))

Entry = tuple[int, int, float]


def interpolating(kernel: Kernel, n: int, places: list[float]) -> Iterator[Entry]:
    """Entries ``(row, column, weight)`` for values at `places`; the ends go on as they are."""
    for row, place in enumerate(places):
        low = math.floor(place)
        for j in range(low - kernel.reach + 1, low + kernel.reach + 1):
            yield row, min(max(j, 0), n - 1), kernel.weight(place - j)


def averaging(kernel: Kernel, n: int, m: int, step: float) -> Iterator[Entry]:
    """Entries for `m` values, `step` elements apart, of a kernel as wide as the step."""
    stretch = max(step, 1.0)
    reach = kernel.reach * stretch
    for row in range(m):
        centre = (row + 0.5) * step
        columns = range(max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), n))
        weights = [kernel.weight((j + 0.5 - centre) / stretch) for j in columns]
        total = sum(weights)
        for j, weight in zip(columns, weights, strict=True):
            yield row, j, weight / total


def mixed(x: Any, axis: int, m: int, entries: Iterator[Entry]) -> Any:
    """The product of a matrix of `m` rows with each line of `x` along `axis`."""
    rows, columns, weights = (list(part) for part in zip(*entries, strict=True))
    matrix = rt.zeros((m, x.shape[axis]), dtype=x.dtype, device=x.device)
    place = (rt.asarray(rows, device=x.device), rt.asarray(columns, device=x.device))
    matrix = matrix.at[place].add(rt.asarray(weights, dtype=x.dtype, device=x.device))
    return rt.moveaxis(rt.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
