"""Schedules that go up and down: triangles, and one cycle for a whole training."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError
from rtorch.optim.schedules.base import Schedule, check_positive, time
from rtorch.optim.schedules.pieces import piecewise_interpolate


def cyclic(
    low: float,
    high: float,
    steps_up: int = 2000,
    steps_down: int | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
) -> Schedule:
    """Triangles between `low` and `high`.

    Args:
        low: The rate at step 0.
        high: The rate at step `steps_up`.
        steps_up: Length of the way up.
        steps_down: Length of the way down; that of the way up by default.
        mode: ``"triangular"``; ``"triangular2"``: each triangle half as high as the one before;
            ``"exp_range"``: the height is multiplied by ``gamma ** step``.
        gamma: See `mode`.

    Raises:
        ArgumentError: if a length is not positive or the mode unknown.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.cyclic(0.0, 1.0, 10)
        >>> [float(rate(t)) for t in (0, 5, 10, 15, 20)]
        [0.0, 0.5, 1.0, 0.5, 0.0]

    References:
        Smith 2017 (arXiv:1506.01186).
    """
    steps_down = steps_up if steps_down is None else steps_down
    check_positive("cyclic", steps_up=steps_up, steps_down=steps_down, gamma=gamma)
    heights: dict[str, Callable[[rt.Array, rt.Array], rt.Array]] = {
        "triangular": lambda t, n: rt.ones_like(t),
        "triangular2": lambda t, n: 0.5**n,
        "exp_range": lambda t, n: gamma**t,
    }
    if mode not in heights:
        raise ArgumentError(f"[cyclic] mode: expected one of {sorted(heights)}, got {mode!r}")
    length = steps_up + steps_down

    def rate(step: Any) -> rt.Array:
        t = time(step)
        n = rt.floor(t / length)
        inside = t - n * length
        height = rt.minimum(inside / steps_up, (length - inside) / steps_down)
        return height * heights[mode](t, n) * (high - low) + low

    return rate


def one_cycle(
    peak: float,
    steps: int,
    pct_start: float = 0.3,
    *,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    anneal: str = "cosine",
    three_phase: bool = False,
) -> Schedule:
    """Up to `peak`, and down to almost nothing in the last step, as PyTorch's ``OneCycleLR``.

    It begins at ``peak / div_factor`` and ends, at step ``steps - 1``, at this divided by
    `final_div_factor`.

    Args:
        peak: The highest rate.
        steps: Number of steps of the whole training.
        pct_start: The part of them that leads up.
        div_factor: How far below the peak it begins.
        final_div_factor: How far below the beginning it ends.
        anneal: ``"cosine"`` or ``"linear"``.
        three_phase: First down to where it began, as slowly as up, and then to the end.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.one_cycle(1.0, 101, pct_start=0.2)
        >>> [round(float(rate(t)), 3) for t in (0, 10, 100)]
        [0.04, 0.551, 0.0]

    References:
        Smith & Topin 2019 (arXiv:1708.07120).
    """
    check_positive("one_cycle", steps=steps, pct_start=pct_start)
    first, last = peak / div_factor, peak / div_factor / final_div_factor
    top = pct_start * steps - 1
    if three_phase:
        points = [(0.0, first), (top, peak), (2 * top, first), (steps - 1, last)]
    else:
        points = [(0.0, first), (top, peak), (steps - 1, last)]
    if not all(a < b for (a, _), (b, _) in pairwise(points)):
        raise ArgumentError(
            f"[one_cycle] no room for the phases: steps={steps}, pct_start={pct_start}"
        )
    return piecewise_interpolate(dict(points), anneal)
