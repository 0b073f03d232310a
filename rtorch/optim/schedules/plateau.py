"""A rate that falls when a measured value stops getting better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, api
from rtorch.optim.schedules.base import check_positive, time


class PlateauState(NamedTuple):
    """State of `reduce_on_plateau`.

    Attributes:
        rate: The learning rate, float64.
        best: The best value so far, float64.
        bad: How many values in a row were not better, int32.
        cooldown: How many more values are not counted, int32.

    Example:
        >>> import rtorch as rt
        >>> float(rt.optim.schedules.reduce_on_plateau(0.1).init().rate)
        0.1
    """

    rate: rt.Array
    best: rt.Array
    bad: rt.Array
    cooldown: rt.Array


class Plateau(NamedTuple):
    """A pair of functions: ``state = init()``, ``state = update(value, state)``.

    Example:
        >>> import rtorch as rt
        >>> plateau = rt.optim.schedules.reduce_on_plateau(0.1)
        >>> float(plateau.update(2.5, plateau.init()).best)
        2.5
    """

    init: Callable[[], PlateauState]
    update: Callable[[Any, PlateauState], PlateauState]


def reduce_on_plateau(
    initial: float,
    factor: float = 0.1,
    patience: int = 10,
    *,
    mode: str = "min",
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_rate: float = 0.0,
    eps: float = 1e-8,
) -> Plateau:
    """The rate times `factor`, whenever a value was not better `patience` times and once more.

    Args:
        initial: The rate at first.
        factor: Between 0 and 1.
        patience: How many values may be no better.
        mode: Whether better is ``"min"`` or ``"max"``.
        threshold: By how much a value must be better.
        threshold_mode: Whether that is ``"rel"``, a part of the best value, or ``"abs"``.
        cooldown: How many values after a reduction are not counted.
        min_rate: The smallest rate.
        eps: A smaller change than this is not made.

    Returns:
        Functions ``init`` and ``update``; the rate is ``state.rate``, which goes into an optimizer
        by `optim.inject_hyperparams`.

    Raises:
        ArgumentError: if an argument is out of its range.

    Example:
        >>> import rtorch as rt
        >>> plateau = rt.optim.schedules.reduce_on_plateau(1.0, factor=0.5, patience=1)
        >>> state = plateau.init()
        >>> for loss in (3.0, 2.0, 2.0, 2.0):
        ...     state = plateau.update(loss, state)
        >>> float(state.rate)
        0.5
    """
    check_positive("reduce_on_plateau", initial=initial, factor=factor)
    if factor >= 1:
        raise ArgumentError(f"[reduce_on_plateau] factor: expected less than 1, got {factor!r}")
    for name, value, known in (
        ("mode", mode, ("min", "max")),
        ("threshold_mode", threshold_mode, ("rel", "abs")),
    ):
        if value not in known:
            raise ArgumentError(f"[reduce_on_plateau] {name}: expected {known}, got {value!r}")
    sign = -1.0 if mode == "max" else 1.0

    @api
    def init() -> PlateauState:
        zero = rt.asarray(0, dtype=rt.int32)
        return PlateauState(time(initial), time(sign * float("inf")), zero, zero)

    def is_better(value: rt.Array, best: rt.Array) -> rt.Array:
        if threshold_mode == "rel":
            return value * sign < best * (sign - threshold)
        return value * sign < best * sign - threshold

    @api
    def update(value: Any, state: PlateauState) -> PlateauState:
        value = time(value)
        better = is_better(value, state.best)
        bad = rt.where(better | (state.cooldown > 0), 0, state.bad + 1)
        reduce = bad > patience
        lower = rt.maximum(state.rate * factor, min_rate)
        moves = reduce & (state.rate - lower > eps)
        left = rt.maximum(state.cooldown - 1, 0)
        return PlateauState(
            rt.where(moves, lower, state.rate),
            rt.where(better, value, state.best),
            rt.where(reduce, 0, bad).astype(rt.int32),
            rt.where(reduce, cooldown, left).astype(rt.int32),
        )

    return Plateau(init, update)
