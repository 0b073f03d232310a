"""Places among the batches of a loader, and the keys that belong to them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import rtorch as rt
from rtorch.errors import ArgumentError

__all__ = ["LoaderState"]


class LoaderState(NamedTuple):
    """A place in the batches of a `DataLoader`: a small pytree that a checkpoint holds.

    ``epoch`` and ``step`` count from 0 and name the next batch; ``key`` is the loader's, and
    ``source`` the state of a dataset to iterate over (None for one by index).

    Example:
        >>> from rtorch import data
        >>> data.DataLoader(range(6), 2).state()
        LoaderState(epoch=0, step=0, key=None, source=None)
    """

    epoch: int
    step: int
    key: Any = None
    source: Any = None


def checked(state: Any, batches: int | None, has_key: bool) -> LoaderState:
    """`state`, if a loader with so many batches in an epoch has such a place."""
    if not isinstance(state, LoaderState):
        raise ArgumentError(
            f"[DataLoader] state: expected a LoaderState, got a {type(state).__name__}; "
            "loader.state() is one"
        )
    state = state._replace(epoch=int(state.epoch), step=int(state.step))
    if state.key is None and has_key:
        raise ArgumentError("[DataLoader] state: it has no key, and the loader has one")
    inside = batches is None or state.step < max(1, batches)
    if state.epoch < 0 or state.step < 0 or not inside:
        raise ArgumentError(
            f"[DataLoader] state: there is no batch {state.step} of epoch {state.epoch}; was "
            "it saved with another dataset or batch size?"
        )
    return state


def no_batch() -> ArgumentError:
    """What is raised where an epoch is empty, and a loop over epochs would not end."""
    return ArgumentError(
        "[DataLoader] an epoch has no batch: the dataset is empty, or drop_last leaves nothing"
    )


def keys_of(key: Any) -> tuple[Any, Any, Any]:
    """Keys for the order, for the samples and for the transform."""
    if key is None:
        return None, None, None
    order, samples, batches = rt.random.split(rt.random.clone(rt.asarray(key)), 3)
    return order, samples, batches


def epoch_words(key: Any, state: LoaderState, needed: bool) -> Any:
    """The key of an epoch as NumPy's two words, for the workers."""
    return np.asarray(rt.random.fold_in(key, state.epoch)) if needed else None


def batch_key_of(key: Any, state: LoaderState) -> Any:
    """The key for the transform of the batch at `state`."""
    if key is None:
        return None
    return rt.random.clone(rt.random.fold_in(rt.random.fold_in(key, state.epoch), state.step))
