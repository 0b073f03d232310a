"""Schedules along half a cosine: once, after a warm-up, again and again."""

from __future__ import annotations

import math
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError
from rtorch.optim.schedules.base import Schedule, check_positive, time


def cosine(initial: float, steps: int, final: float = 0.0) -> Schedule:
    """From `initial` down to `final` along half a cosine, over `steps`; then constant.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.cosine(1.0, 100)
        >>> [round(float(rate(t)), 3) for t in (0, 50, 100, 200)]
        [1.0, 0.5, 0.0, 0.0]

    References:
        Loshchilov & Hutter 2017 (arXiv:1608.03983).
    """
    check_positive("cosine", steps=steps)

    def rate(step: Any) -> rt.Array:
        done = rt.minimum(time(step) / steps, 1.0)
        return (rt.cos(done * math.pi) + 1) * (0.5 * (initial - final)) + final

    return rate


def warmup_cosine(
    peak: float, warmup_steps: int, steps: int, initial: float = 0.0, final: float = 0.0
) -> Schedule:
    """Up in a straight line over `warmup_steps`, then down along half a cosine until `steps`.

    Args:
        peak: The highest rate, reached at step `warmup_steps`.
        warmup_steps: Length of the way up.
        steps: Length of both together.
        initial: The rate at step 0.
        final: The rate from `steps` on.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.warmup_cosine(1.0, 10, 110)
        >>> [round(float(rate(t)), 3) for t in (0, 5, 10, 60, 110)]
        [0.0, 0.5, 1.0, 0.5, 0.0]

    References:
        Goyal et al. 2017 (arXiv:1706.02677); Loshchilov & Hutter 2017 (arXiv:1608.03983).
    """
    check_positive("warmup_cosine", warmup_steps=warmup_steps)
    if steps <= warmup_steps:
        raise ArgumentError(
            f"[warmup_cosine] steps is the length of warm-up and decay together: expected more "
            f"than warmup_steps={warmup_steps}, got {steps}"
        )
    down = cosine(peak, steps - warmup_steps, final)

    def rate(step: Any) -> rt.Array:
        t = time(step)
        up = t * ((peak - initial) / warmup_steps) + initial
        return rt.where(t < warmup_steps, up, down(t - warmup_steps))

    return rate


def cosine_restarts(initial: float, first: int, factor: int = 1, final: float = 0.0) -> Schedule:
    """`cosine` over `first` steps, then again from the top, each time `factor` times as long.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.cosine_restarts(1.0, 10, factor=2)
        >>> [round(float(rate(t)), 3) for t in (0, 5, 10, 20, 30)]
        [1.0, 0.5, 1.0, 0.5, 1.0]

    References:
        Loshchilov & Hutter 2017 (arXiv:1608.03983).
    """
    check_positive("cosine_restarts", first=first)
    if factor < 1:
        raise ArgumentError(f"[cosine_restarts] factor: expected 1 or more, got {factor!r}")

    def rate(step: Any) -> rt.Array:
        t = time(step)
        if factor == 1:
            done = t / first - rt.floor(t / first)
        else:
            # Restart n comes at first * (factor**n - 1) / (factor - 1). The half step keeps the
            # logarithm off the integers, where rounding would decide.
            n = rt.floor(rt.log((t + 0.5) / first * (factor - 1) + 1) / math.log(factor))
            scale = float(factor) ** n
            done = (t - first * (scale - 1) / (factor - 1)) / (first * scale)
        return (rt.cos(done * math.pi) + 1) * (0.5 * (initial - final)) + final

    return rate
