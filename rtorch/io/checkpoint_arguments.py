"""What a `Checkpointer` is given, checked before anything is written."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from typing import Any

from rtorch.errors import ArgumentError, describe
from rtorch.io import npz


def step_number(step: Any) -> int:
    """A step as an int."""
    try:
        number = -1 if isinstance(step, bool) else operator.index(step)
    except TypeError:
        number = -1
    if not 0 <= number < 10**18:  # the digits of a folder's name
        raise ArgumentError(f"[Checkpointer] step: expected an int from 0 on, got {describe(step)}")
    return number


def named(items: Any, argument: str) -> dict[str, Any]:
    """A dict from names to trees."""
    is_named = isinstance(items, Mapping) and all(isinstance(name, str) for name in items)
    if not is_named or not items:
        raise ArgumentError(
            f"[Checkpointer] {argument}: expected a dict from names to pytrees, such as "
            f"{{'params': params, 'step': 3}}, got {describe(items)}"
        )
    return dict(items)


def packed(items: Any) -> dict[str, npz.Packed]:
    """The contents of the files of a checkpoint."""
    return {name: _packed(name, tree) for name, tree in named(items, "items").items()}


def _packed(name: str, tree: Any) -> npz.Packed:
    try:
        return npz.packed(tree)
    except ArgumentError as error:
        reason = str(error.args[0]).removeprefix("[save] ")
        raise ArgumentError(f"[Checkpointer.save] items[{name!r}]: {reason}") from error


def numbers(metrics: Mapping[str, Any] | None, needed: str | None) -> dict[str, float]:
    """Metrics as floats; if there are any, `needed` must be among them."""
    if metrics is None:
        return {}
    if not isinstance(metrics, Mapping) or not all(isinstance(name, str) for name in metrics):
        raise ArgumentError(
            "[Checkpointer.save] metrics: expected a dict from names to numbers, got "
            f"{describe(metrics)}"
        )
    if needed is not None and needed not in metrics:
        raise ArgumentError(f"[Checkpointer.save] metrics: {needed!r}, of best, is missing")
    return {name: _number(name, value) for name, value in metrics.items()}


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(
            f"[Checkpointer.save] metrics[{name!r}]: expected a number, got {describe(value)}"
        ) from None


def json_copy(metadata: Any) -> Any:
    """What JSON makes of `metadata`: the caller may change its own while it is written."""
    try:
        return json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"[Checkpointer.save] metadata: JSON cannot hold it: {error}") from None
