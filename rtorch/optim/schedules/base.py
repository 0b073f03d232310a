"""What schedules are, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import rtorch as rt
from rtorch.errors import ArgumentError, describe

Schedule: TypeAlias = Callable[[Any], rt.Array]


def time(step: Any) -> rt.Array:
    """A step, or another number, in float64."""
    if isinstance(step, (int, float)):
        return rt.asarray(step, dtype=rt.float64)
    return rt.asarray(step).astype(rt.float64)


def check_positive(schedule: str, **values: float) -> None:
    """Raise unless every value is above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ArgumentError(f"[{schedule}] {name}: expected more than 0, got {value!r}")


def check_boundaries(schedule: str, boundaries: Any, values: Any) -> None:
    """Raise unless boundaries rise and there is one value more than boundaries."""
    for name, given in (("boundaries", boundaries), ("values", values)):
        if not isinstance(given, (list, tuple)):
            raise ArgumentError(
                f"[{schedule}] {name}: expected a list or tuple, got {describe(given)}"
            )
    if any(b <= a for a, b in pairwise(boundaries)):
        raise ArgumentError(f"[{schedule}] boundaries: expected rising steps, got {boundaries!r}")
    if len(values) != len(boundaries) + 1:
        raise ArgumentError(
            f"[{schedule}] expected {len(boundaries) + 1} values for {len(boundaries)} boundaries, "
            f"got {len(values)}"
        )
