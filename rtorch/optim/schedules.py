"""Learning rates that change: functions from the step to the rate.

The first update asks for step 0. Steps are integers, or integer arrays inside ``jit``; rates are
float64 scalar arrays. Any function of the step will do in the place of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError

__all__ = ["constant", "cosine", "exponential", "step", "warmup_cosine"]

Schedule: TypeAlias = Callable[[Any], rt.Array]


def constant(value: float) -> Schedule:
    """The same rate always.

    Example:
        >>> import rtorch as rt
        >>> float(rt.optim.schedules.constant(0.5)(7))
        0.5
    """
    return lambda step: rt.full((), value, dtype=rt.float64)


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
    _check_positive("cosine", steps=steps)

    def rate(step: Any) -> rt.Array:
        done = rt.minimum(_time(step) / steps, 1.0)
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
    _check_positive("warmup_cosine", warmup_steps=warmup_steps)
    if steps <= warmup_steps:
        raise ArgumentError(
            f"[warmup_cosine] steps is the length of warm-up and decay together: expected more "
            f"than warmup_steps={warmup_steps}, got {steps}"
        )
    down = cosine(peak, steps - warmup_steps, final)

    def rate(step: Any) -> rt.Array:
        t = _time(step)
        up = t * ((peak - initial) / warmup_steps) + initial
        return rt.where(t < warmup_steps, up, down(t - warmup_steps))

    return rate


def exponential(initial: float, factor: float, steps: int = 1) -> Schedule:
    """``initial * factor ** (step / steps)``.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.exponential(1.0, 0.5, steps=10)
        >>> [round(float(rate(t)), 3) for t in (0, 5, 10)]
        [1.0, 0.707, 0.5]
    """
    _check_positive("exponential", factor=factor, steps=steps)
    return lambda step: rt.exp(_time(step) * (math.log(factor) / steps)) * initial


def step(initial: float, factor: float, steps: int) -> Schedule:
    """Multiplied by `factor` every `steps` steps.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.step(1.0, 0.1, steps=10)
        >>> [round(float(rate(t)), 3) for t in (0, 9, 10, 20)]
        [1.0, 1.0, 0.1, 0.01]
    """
    _check_positive("step", factor=factor, steps=steps)
    return lambda step: rt.exp(rt.floor(_time(step) / steps) * math.log(factor)) * initial


def _time(step: Any) -> rt.Array:
    return rt.asarray(step).astype(rt.float64)


def _check_positive(schedule: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ArgumentError(f"[{schedule}] {name}: expected more than 0, got {value!r}")
