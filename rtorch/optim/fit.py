"""Whether gradients and a state are those of the parameters: messages for what does not fit."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, TreeError, describe


def check_state(function: str, state: Any, kind: Any) -> None:
    """Raise unless `state` is one of the NamedTuple type `kind`."""
    if not isinstance(state, kind):
        raise _other_state(function, kind.__name__, state)


def check_states(function: str, state: Any, optimizers: Any) -> None:
    """Raise unless `state` has one for each of `optimizers`, a tuple or a dict."""
    if isinstance(optimizers, dict):
        fits = isinstance(state, dict) and state.keys() == optimizers.keys()
        wanted = f"a dict with the keys {list(optimizers)}"
    else:
        fits = isinstance(state, tuple) and len(state) == len(optimizers)
        wanted = f"a tuple of {len(optimizers)}"
    if not fits:
        raise _other_state(function, wanted, state)


def check_updates(function: str, name: str, params: Any, updates: Any) -> None:
    """Raise unless gradients or updates have the shapes of their parameters; None fits everywhere.

    Broadcasting would make something of a wrong shape, and nobody would notice.
    """
    try:
        found = rt.tree.structure(params).flatten_up_to(updates)
    except TreeError as error:
        why = str(error.args[0]).partition(", ")[2]
        raise TreeError(f"[{function}] {name} have another structure than params, {why}") from None
    for i, (p, u) in enumerate(zip(rt.tree.leaves(params), found, strict=True)):
        if u is not None and hasattr(p, "shape") and _shape(u) != _shape(p):
            path, _ = rt.tree.leaves_with_path(params)[i]
            where = rt.tree.keystr(path, simple=True, separator=".")
            raise ShapeError(
                f"[{function}] {name}{where and f' at {where!r}'}: expected shape {_shape(p)}, as "
                f"the parameter has, got {describe(u)}"
            )


def _other_state(function: str, wanted: str, state: Any) -> ArgumentError:
    return ArgumentError(
        f"[{function}] state: expected {wanted}, as opt.init(params) gives, got {describe(state)}"
    )


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", ()))
