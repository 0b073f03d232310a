"""Evaluation that looks on: `watch` puts subclasses of `EvalTrace` in its place.

`EVAL` is one object that all threads share; its class is what changes. While something watches,
the short cuts past `EVAL` are closed; when nothing does, this costs nothing.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from rtorch.core.trace import EVAL, EvalTrace
from rtorch.numpy import at, operators
from rtorch.transforms import jit

# Modules with short cuts, which they take if ``state.trace is EVAL`` by their own name for it.
SHORT_CUTS: tuple[ModuleType, ...] = (operators, at, jit)

_watching: list[type[EvalTrace]] = []


def watch(kind: type[EvalTrace], on: bool) -> None:
    """Let `kind` see every operation that is computed, in all threads, or no longer.

    Args:
        kind: A class whose ``bind`` calls that of ``super()``; it has no slots of its own.
        on: Whether it watches from now on.
    """
    if on != (kind in _watching):
        (_watching.append if on else _watching.remove)(kind)
    EVAL.__class__ = _class_of(tuple(_watching))
    for module in SHORT_CUTS:
        module.EVAL = None if _watching else EVAL  # type: ignore[attr-defined]


@functools.cache
def _class_of(kinds: tuple[type[EvalTrace], ...]) -> Any:
    if len(kinds) > 1:
        return type("WatchingEval", kinds, {"__slots__": ()})
    return kinds[0] if kinds else EvalTrace
