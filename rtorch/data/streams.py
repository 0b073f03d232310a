"""Datasets to iterate over, from any point: what resumes by itself, and what is skipped through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError


class Counted:
    """An iterable whose state is the number of samples taken: resuming skips them."""

    start = 0

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def resume(self, state: Any, key: Any) -> Iterator[tuple[Any, int]]:
        """The samples behind the first ``state`` ones."""
        count = int(state)
        for sample in islice(iter(self.dataset), count, None):
            count += 1
            yield sample, count


def resumable(dataset: Any) -> Any:
    """`dataset` with ``start`` and ``resume``."""
    return dataset if hasattr(dataset, "resume") else Counted(dataset)


class MappedStream:
    """``function(sample)`` for each sample of an iterable; `map` makes it."""

    def __init__(self, function: Callable[..., Any], dataset: Any, keyed: bool) -> None:
        self.function, self.dataset, self.keyed = function, dataset, keyed

    @property
    def start(self) -> Any:
        """How many samples were mapped, and the state of the dataset below."""
        return (0, resumable(self.dataset).start)

    def __iter__(self) -> Iterator[Any]:
        for sample, _ in self.resume(self.start, None):
            yield sample

    def resume(self, state: Any, key: Any) -> Iterator[tuple[Any, Any]]:
        """Pairs of samples and states."""
        if self.keyed and key is None:
            raise ArgumentError("[map] a sample needs a random key: give the DataLoader a key")
        count, place = int(state[0]), state[1]
        inner = own = key
        if self.keyed:
            inner, own = rt.random.split(rt.random.clone(key))
        for sample, below in resumable(self.dataset).resume(place, inner):
            args = (rt.random.fold_in(own, count),) if self.keyed else ()
            count += 1
            yield self.function(sample, *args), (count, below)


class FilteredStream:
    """The samples of an iterable that a predicate takes; `filter` makes it."""

    def __init__(self, predicate: Callable[[Any], Any], dataset: Any) -> None:
        self.predicate, self.dataset = predicate, dataset

    @property
    def start(self) -> Any:
        """The state of the dataset below."""
        return resumable(self.dataset).start

    def __iter__(self) -> Iterator[Any]:
        for sample, _ in self.resume(self.start, None):
            yield sample

    def resume(self, state: Any, key: Any) -> Iterator[tuple[Any, Any]]:
        """Pairs of samples and states."""
        for sample, below in resumable(self.dataset).resume(state, key):
            if self.predicate(sample):
                yield sample, below


class TakenStream:
    """The first samples of an iterable; `take` makes it."""

    def __init__(self, dataset: Any, num: int) -> None:
        self.dataset, self.num = dataset, num

    @property
    def start(self) -> Any:
        """How many were taken, and the state of the dataset below."""
        return (0, resumable(self.dataset).start)

    def __iter__(self) -> Iterator[Any]:
        for sample, _ in self.resume(self.start, None):
            yield sample

    def resume(self, state: Any, key: Any) -> Iterator[tuple[Any, Any]]:
        """Pairs of samples and states."""
        count = int(state[0])
        samples = resumable(self.dataset).resume(state[1], key)
        for sample, below in islice(samples, self.num - count):
            count += 1
            yield sample, (count, below)


class WindowedStream:
    """The samples of an iterable, shuffled window by window; `shuffle_windows` makes it.

    The state is that of the dataset below at the beginning of the window, and the place in it: to
    resume reads the window again, and no sample has to be in the state.
    """

    keyed = True

    def __init__(self, dataset: Any, size: int) -> None:
        self.dataset, self.size = dataset, size

    @property
    def start(self) -> Any:
        """The number of the window, the place in it, and the state of the dataset below."""
        return (0, 0, resumable(self.dataset).start)

    def resume(self, state: Any, key: Any) -> Iterator[tuple[Any, Any]]:
        """Pairs of samples and states."""
        if key is None:
            raise ArgumentError("[shuffle_windows] a random order needs a key: give the DataLoader "
                                "a key")  # fmt: skip
        number, place, begin = int(state[0]), int(state[1]), state[2]
        inner, own = rt.random.split(rt.random.clone(key))
        samples = resumable(self.dataset).resume(begin, inner)
        while window := list(islice(samples, self.size)):
            order = rt.random.permutation(rt.random.fold_in(own, number), len(window)).tolist()
            for done, i in enumerate(order[place:], place + 1):
                yield window[i][0], (number, done, begin)
            number, place, begin = number + 1, 0, window[-1][1]
