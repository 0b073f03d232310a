"""Named numbers: pytrees of scalars as flat dicts, brought to the host when they are needed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, TracerError, describe

MOST_STEPS = 2**63
_DEEPEST = 20
HUGE_INT = 2**1000
RESERVED = ("step", "time")  # columns that every record has


def as_step(method: str, step: Any) -> int:
    """A whole number of any kind as an int.

    Raises:
        ArgumentError: for anything else.
    """
    try:
        if abs(number := int(step.__index__())) < MOST_STEPS:
            return number
    except (AttributeError, TypeError, TracerError):
        pass
    raise ArgumentError(f"[Run.{method}] step is {describe(step)}, expected a whole number")


def named_scalars(tree: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Path names and scalars, as they came: what lies on a device is not waited for.

    Raises:
        ShapeError: for an array of more than one element.
        ArgumentError: for what is no number, and for a name that is taken.
    """
    found: dict[str, Any] = {}
    for part in ({} if tree is None else tree, values):
        for path, leaf in rt.tree.leaves_with_path(part):
            name = "/".join(rt.tree.keystr((step,), simple=True) for step in path)
            if why := _unfit(name, found):
                raise ArgumentError(f"[Run.log] {name!r} is no name for a value: {why}")
            found[name] = _held(name, leaf)
    return found


def _unfit(name: str, found: dict[str, Any]) -> str | None:
    if not name:
        return "a scalar on its own has none; log it by name, as loss=x"
    if name in RESERVED:
        return "every record has a column of that name"
    return "it is given twice" if name in found else None


def _held(name: str, leaf: Any) -> Any:
    """A number, or a copy that nobody can donate or change until it is written."""
    shape = getattr(leaf, "shape", ())
    if math.prod(shape) != 1:
        raise ShapeError(
            f"[Run.log] {name} is {describe(leaf)}, expected a scalar; log its mean, or use "
            "run.histogram"
        )
    if isinstance(leaf, rt.Array) and leaf.device.kind != "cpu":
        return rt.copy(leaf)
    return _number(name, leaf)


def _number(name: str, leaf: Any) -> float | int:
    try:
        value = np.asarray(leaf).item()
    except TracerError:
        raise ArgumentError(
            f"[Run.log] {name} is a traced value; return it from the transformed function and log "
            "it outside"
        ) from None
    if isinstance(value, int) and abs(value) > HUGE_INT:
        value = math.inf if value > 0 else -math.inf  # no float can hold it, so no column can
    if isinstance(value, bool | int | float):
        return int(value) if isinstance(value, bool) else value
    raise ArgumentError(f"[Run.log] {name} is {describe(leaf)}, expected a real number")


def to_json(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers that JSON has; ``"nan"``, ``"inf"`` and ``"-inf"`` for those that it has not."""
    return {name: _plain(_number(name, value)) for name, value in values.items()}


def _plain(value: float | int) -> float | int | str:
    return value if math.isfinite(value) else str(float(value))


def show(value: float) -> str:
    """A number for people: four digits, all of whole ones below a million."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.4g}"


def plain_tree(value: Any, depth: int = 0) -> Any:
    """A configuration as JSON has it: numbers, texts, lists and dicts; all else by its `repr`.

    What lies deeper than anybody would read is cut, so one that contains itself has an end.
    """
    if isinstance(value, dict | list | tuple) and depth >= _DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {str(key): plain_tree(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_tree(item, depth + 1) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return (
        str(value) if isinstance(value, np.generic) or hasattr(value, "__fspath__") else repr(value)
    )


def flat_items(value: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Names with dots and texts, of nested dicts."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat_items(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value if isinstance(value, str) else str(value)
