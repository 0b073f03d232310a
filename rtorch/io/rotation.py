"""Which checkpoints stay, and when the next is due."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from rtorch.errors import ArgumentError, describe


class Policy(NamedTuple):
    """What a `Checkpointer` was told to keep and to save."""

    keep: int | None
    best: tuple[str, str] | None
    keep_best: int
    keep_every: int | None
    every: int | None
    seconds: float | None

    def check(self) -> None:
        """Raise an ArgumentError that names the wrong option."""
        for name in ("keep", "keep_best", "keep_every", "every"):
            value = getattr(self, name)
            optional = name != "keep_best"
            if not (optional and value is None) and (type(value) is not int or value < 1):
                raise _wrong(name, "a positive int" + " or None" * optional, value)
        if self.seconds is not None and not (
            isinstance(self.seconds, int | float) and self.seconds > 0
        ):
            raise _wrong("seconds", "a positive number or None", self.seconds)
        match self.best:
            case None | (str(), "min" | "max"):
                return
        raise _wrong("best", '(name of a metric, "min" or "max")', self.best)

    def ranked(self, metrics: Mapping[int, Mapping[str, float]]) -> list[int]:
        """The steps with the metric of `best`, the best first; of equal ones the newest."""
        if self.best is None:
            return []
        name, mode = self.best
        sign = -1 if mode == "max" else 1
        rated = {
            s: sign * m[name] for s, m in metrics.items() if not math.isnan(m.get(name, math.nan))
        }
        return sorted(rated, key=lambda step: (rated[step], -step))

    def kept(self, metrics: Mapping[int, Mapping[str, float]]) -> set[int]:
        """The steps that stay, of those with these metrics."""
        steps = sorted(metrics)
        kept = set(steps if self.keep is None else steps[-self.keep :])
        kept.update(self.ranked(metrics)[: self.keep_best])
        if self.keep_every is not None:
            kept.update(step for step in steps if step % self.keep_every == 0)
        return kept

    def due(self, step: int, elapsed: float) -> bool:
        """Whether to save, so many seconds after the last time."""
        if self.every is None and self.seconds is None:
            return True
        in_time = self.seconds is not None and elapsed >= self.seconds
        return in_time or (self.every is not None and step % self.every == 0)


def _wrong(name: str, wanted: str, value: object) -> ArgumentError:
    return ArgumentError(f"[Checkpointer] {name}: expected {wanted}, got {describe(value)}")
