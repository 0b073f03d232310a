"""Schedules of one formula: constant, steps, powers, lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import rtorch as rt
from rtorch.optim.schedules.base import Schedule, check_positive, time


def constant(value: float) -> Schedule:
    """The same rate always.

    Example:
        >>> import rtorch as rt
        >>> float(rt.optim.schedules.constant(0.5)(7))
        0.5
    """
    return lambda step: rt.full((), value, dtype=rt.float64)


def step(initial: float, factor: float, steps: int) -> Schedule:
    """Multiplied by `factor` every `steps` steps.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.step(1.0, 0.1, steps=10)
        >>> [round(float(rate(t)), 3) for t in (0, 9, 10, 20)]
        [1.0, 1.0, 0.1, 0.01]
    """
    check_positive("step", factor=factor, steps=steps)
    return lambda step: rt.exp(rt.floor(time(step) / steps) * math.log(factor)) * initial


def multistep(initial: float, factor: float, milestones: Sequence[int]) -> Schedule:
    """Multiplied by `factor` at each of the `milestones`.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.multistep(1.0, 0.1, [30, 80])
        >>> [round(float(rate(t)), 3) for t in (0, 29, 30, 80)]
        [1.0, 1.0, 0.1, 0.01]
    """
    check_positive("multistep", factor=factor)

    def rate(step: Any) -> rt.Array:
        t = time(step)
        passed = rt.zeros_like(t)
        for milestone in milestones:
            passed = passed + (t >= milestone).astype(rt.float64)
        return rt.exp(passed * math.log(factor)) * initial

    return rate


def exponential(initial: float, factor: float, steps: int = 1) -> Schedule:
    """``initial * factor ** (step / steps)``.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.exponential(1.0, 0.5, steps=10)
        >>> [round(float(rate(t)), 3) for t in (0, 5, 10)]
        [1.0, 0.707, 0.5]
    """
    check_positive("exponential", factor=factor, steps=steps)
    return lambda step: rt.exp(time(step) * (math.log(factor) / steps)) * initial


def polynomial(initial: float, steps: int, power: float = 1.0, final: float = 0.0) -> Schedule:
    """``final + (initial - final) * (1 - step / steps) ** power``; then constant.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.polynomial(1.0, 10, power=2)
        >>> [round(float(rate(t)), 3) for t in (0, 5, 10, 20)]
        [1.0, 0.25, 0.0, 0.0]
    """
    check_positive("polynomial", steps=steps, power=power)

    def rate(step: Any) -> rt.Array:
        left = 1 - rt.minimum(time(step) / steps, 1.0)
        return left**power * (initial - final) + final

    return rate


def linear(initial: float, final: float, steps: int) -> Schedule:
    """From `initial` to `final` in a straight line over `steps`; then constant.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.linear(0.0, 1.0, 10)
        >>> [float(rate(t)) for t in (0, 5, 10, 20)]
        [0.0, 0.5, 1.0, 1.0]
    """
    check_positive("linear", steps=steps)
    return lambda step: rt.minimum(time(step) / steps, 1.0) * (final - initial) + initial


def inverse_sqrt(peak: float, warmup_steps: int) -> Schedule:
    """Up in a straight line from 0 to `peak`; then ``peak * sqrt(warmup_steps / step)``.

    Example:
        >>> import rtorch as rt
        >>> rate = rt.optim.schedules.inverse_sqrt(1.0, 100)
        >>> [float(rate(t)) for t in (0, 50, 100, 400)]
        [0.0, 0.5, 1.0, 0.5]

    References:
        Vaswani et al. 2017 (arXiv:1706.03762), section 5.3.
    """
    check_positive("inverse_sqrt", warmup_steps=warmup_steps)

    def rate(step: Any) -> rt.Array:
        t = time(step)
        down = rt.sqrt(warmup_steps / rt.maximum(t, float(warmup_steps)))
        return rt.minimum(t / warmup_steps, 1.0) * down * peak

    return rate
