"""Datasets whose samples are changed, chosen or kept: `map`, `filter`, `cache`, `random_split`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.data.combine import Subset
from rtorch.data.indexed import Indexed, check_dataset, count_of, fetch, is_dataset
from rtorch.data.streams import FilteredStream, MappedStream, TakenStream, WindowedStream
from rtorch.errors import ArgumentError, api, describe

__all__ = ["cache", "filter", "map", "random_split", "shuffle_windows", "take"]


class Mapped(Indexed):
    """``function(sample)`` for each sample, when it is asked for; `map` makes it."""

    def __init__(self, function: Callable[..., Any], dataset: Any, own_key: bool) -> None:
        self.function, self.dataset, self.own_key = function, dataset, own_key
        self.keyed = own_key or getattr(dataset, "keyed", False)

    def __len__(self) -> int:
        return len(self.dataset)

    def _sample(self, index: int) -> Any:
        return self.function(self.dataset[index])

    def fetch(self, index: int, key: Any) -> Any:
        """The sample at `index`, made with this key."""
        if not self.own_key:
            return self.function(fetch(self.dataset, index, key))
        if not getattr(self.dataset, "keyed", False):
            return self.function(self.dataset[index], key)
        inner, own = rt.random.split(rt.random.clone(key))
        return self.function(fetch(self.dataset, index, inner), own)


@api
def map(function: Callable[..., Any], dataset: Any, *, keyed: bool = False) -> Any:
    """``function(sample)`` for every sample, computed each time it is asked for.

    Args:
        function: Of a sample; of a sample and a key if `keyed`. For worker processes it must be
            picklable, a function at the top of a module.
        dataset: A dataset, by index or to iterate over.
        keyed: Whether the function needs random numbers. The loader gives each sample the key
            ``fold_in(fold_in(key, epoch), index)``, which depends neither on the batch nor on the
            worker.

    Example:
        >>> from rtorch import data
        >>> data.map(lambda x: x / 10, [1, 2, 3])[1]
        0.2
        >>> list(data.map(abs, iter([-1, 2])))
        [1, 2]
    """
    check_dataset(dataset, "map", stream=True)
    if not callable(function):
        raise ArgumentError(f"[map] function: expected a function, got {describe(function)}")
    if is_dataset(dataset):
        return Mapped(function, dataset, keyed)
    return MappedStream(function, dataset, keyed)


@api
def filter(predicate: Callable[[Any], Any], dataset: Any) -> Any:
    """The samples for which ``predicate(sample)`` is true.

    Of a dataset by index all samples are looked at once, here; of one to iterate over each in its
    turn.

    Args:
        predicate: Of a sample.
        dataset: A dataset, by index or to iterate over, whose samples need no key.

    Example:
        >>> from rtorch import data
        >>> list(data.filter(lambda x: x % 2, range(6)))
        [1, 3, 5]
    """
    check_dataset(dataset, "filter", stream=True)
    if not callable(predicate):
        raise ArgumentError(f"[filter] predicate: expected a function, got {describe(predicate)}")
    _needs_no_key("filter", dataset)
    if not is_dataset(dataset):
        return FilteredStream(predicate, dataset)
    return Subset(dataset, [i for i in range(len(dataset)) if predicate(dataset[i])])


def _needs_no_key(name: str, dataset: Any) -> None:
    if getattr(dataset, "keyed", False):
        raise ArgumentError(
            f"[{name}] dataset: its samples are random and new in each epoch; {name} it before "
            "data.map(..., keyed=True)"
        )


@api
def take(dataset: Any, num: int) -> Any:
    """The first `num` samples, or all if there are fewer.

    Args:
        dataset: A dataset, by index or to iterate over.
        num: How many.

    Example:
        >>> from rtorch import data
        >>> list(data.take(range(100), 3)), list(data.take(iter("abc"), 2))
        ([0, 1, 2], ['a', 'b'])
    """
    check_dataset(dataset, "take", stream=True)
    num = count_of(num, "take", "num", 0)
    if is_dataset(dataset):
        return Subset(dataset, range(min(num, len(dataset))))
    return TakenStream(dataset, num)


@api
def shuffle_windows(dataset: Any, size: int) -> WindowedStream:
    """The samples of a dataset to iterate over in random order within each `size` of them.

    What other libraries do with a shuffle buffer, for datasets that are too large or too slow to be
    read in any order; a dataset by index is better shuffled as a whole, by the `DataLoader`. The
    order depends on the loader's key and the epoch, and a loader can resume within a window.

    Args:
        dataset: A dataset to iterate over.
        size: Samples in a window, all of which are in memory at once.

    Raises:
        ArgumentError: if `dataset` has samples by index, or (iteration) there is no key.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import data
        >>> stream = data.shuffle_windows(iter(range(6)), 3)
        >>> first, second = data.DataLoader(stream, 3, key=rt.random.key(0))
        >>> sorted(first.tolist()), sorted(second.tolist())
        ([0, 1, 2], [3, 4, 5])
    """
    check_dataset(dataset, "shuffle_windows", stream=True)
    if is_dataset(dataset):
        raise ArgumentError("[shuffle_windows] dataset: it has samples by index, which "
                            "DataLoader(..., shuffle=True) mixes as a whole")  # fmt: skip
    return WindowedStream(dataset, count_of(size, "shuffle_windows", "size"))


class Cached(Indexed):
    """Samples that are kept once they were asked for; `cache` makes it."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self._kept: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self.dataset)

    def _sample(self, index: int) -> Any:
        if index not in self._kept:
            self._kept[index] = self.dataset[index]
        return self._kept[index]

    def __getstate__(self) -> dict[str, Any]:
        return {"dataset": self.dataset, "_kept": {}}  # each worker process keeps its own


@api
def cache(dataset: Any) -> Cached:
    """Keeps each sample in memory once it was asked for.

    Worker threads share what is kept; worker processes each keep their own, as long as they live
    (see `persistent` of `DataLoader`).

    Args:
        dataset: A `Dataset` whose samples need no key.

    Example:
        >>> from rtorch import data
        >>> slow = data.map(lambda x: print("computed") or x + 1, [1, 2])
        >>> kept = data.cache(slow)
        >>> kept[0] + kept[0]
        computed
        4
    """
    check_dataset(dataset, "cache")
    _needs_no_key("cache", dataset)
    return Cached(dataset)


@api
def random_split(dataset: Any, parts: Sequence[float], key: Any) -> tuple[Subset, ...]:
    """Parts of a dataset that have no sample in common, drawn at random.

    Args:
        dataset: A `Dataset`.
        parts: How many samples each part gets, with the sum ``len(dataset)``; or fractions that
            sum to 1, rounded down, where the first parts get the samples that are left.
        key: A key, uint32 of shape (2,).

    Raises:
        ArgumentError: if the sum is another.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import data
        >>> train, test = data.random_split(range(10), (0.8, 0.2), rt.random.key(0))
        >>> len(train), len(test), sorted([*train, *test]) == list(range(10))
        (8, 2, True)
    """
    size = len(check_dataset(dataset, "random_split"))
    counts = list(_counts(parts, size))
    order = np.asarray(rt.random.permutation(key, size))
    ends = np.cumsum([0, *counts])
    return tuple(Subset(dataset, order[a:b]) for a, b in pairwise(ends))


def _counts(parts: Any, size: int) -> Iterator[int]:
    if not isinstance(parts, Sequence | np.ndarray) or isinstance(parts, str):
        raise ArgumentError(f"[random_split] parts: expected a sequence of sizes or fractions, got "
                            f"{describe(parts)}")  # fmt: skip
    numbers = np.asarray(parts)
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iuf":
        raise ArgumentError(f"[random_split] parts: expected sizes or fractions, got {parts!r}")
    if (numbers < 0).any():
        raise ArgumentError(f"[random_split] parts: expected no negative number, got {parts!r}")
    if numbers.dtype.kind != "f":
        if numbers.sum() != size:
            raise ArgumentError(f"[random_split] parts: the sizes {parts!r} sum to {numbers.sum()},"
                                f" and the dataset has {size} samples")  # fmt: skip
        yield from numbers.tolist()
        return
    if not abs(numbers.sum() - 1) < 1e-6:
        raise ArgumentError(f"[random_split] parts: the fractions {parts!r} sum to "
                            f"{numbers.sum():g}, expected 1")  # fmt: skip
    counts = np.floor(numbers * size + 1e-6).astype(int)
    for i, count in enumerate(counts):
        yield int(count) + (i < size - counts.sum())
