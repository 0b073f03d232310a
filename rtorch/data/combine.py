"""Datasets of datasets: a part of one, several behind or beside each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

import rtorch as rt
from rtorch.data.indexed import Indexed, can_gather, check_dataset, fetch
from rtorch.errors import ArgumentError, OutOfBoundsError, ShapeError, api, describe

__all__ = ["concat", "subset", "zip"]


class Subset(Indexed):
    """Some samples of a dataset, in a given order; `subset` makes it."""

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray[Any, Any]) -> None:
        self.dataset, self.indices = dataset, np.asarray(indices, dtype=np.int64)
        self.keyed = getattr(dataset, "keyed", False)

    def __len__(self) -> int:
        return len(self.indices)

    def _sample(self, index: int) -> Any:
        return self.dataset[int(self.indices[index])]

    def fetch(self, index: int, key: Any) -> Any:
        """The sample at `index` with this key."""
        return fetch(self.dataset, int(self.indices[index]), key)

    @property
    def can_gather(self) -> bool:
        """Whether the dataset can."""
        return can_gather(self.dataset)

    def gather(self, indices: Any) -> Any:
        """The samples at an array of indices, as one batch."""
        return self.dataset.gather(self.indices[indices])


@api
def subset(dataset: Any, indices: Any) -> Subset:
    """Some samples of a dataset, in the order of `indices`.

    Args:
        dataset: A `Dataset`.
        indices: Integers, which may repeat and may count from the end; or a vector of bools, one
            for each sample.

    Raises:
        OutOfBoundsError: if an index is outside the dataset.
        ShapeError: if `indices` is not a vector, or has not one bool for each sample.

    Example:
        >>> from rtorch import data
        >>> list(data.subset("abcdef", [0, -1]))
        ['a', 'f']
    """
    size = len(check_dataset(dataset, "subset"))
    places = np.asarray(indices)
    if places.size == 0:
        places = places.astype(np.int64)
    if places.ndim != 1 or places.dtype.kind not in "iub":
        raise ShapeError(f"[subset] indices: expected a vector of integers, got {describe(places)}")
    if places.dtype == np.bool_:
        if len(places) != size:
            raise ShapeError(f"[subset] indices: expected a bool for each of {size} samples, got "
                             f"{len(places)}")  # fmt: skip
        places = np.flatnonzero(places)
    outside = (places < -size) | (places >= size)
    if outside.any():
        raise OutOfBoundsError(
            f"[subset] index {places[outside][0]} is out of bounds for {size} samples"
        )
    return Subset(dataset, np.where(places < 0, places + size, places))


class Concat(Indexed):
    """Datasets one behind the other; `concat` makes it."""

    def __init__(self, datasets: Sequence[Any]) -> None:
        self.datasets = tuple(datasets)
        self.ends = list(accumulate(len(d) for d in self.datasets))
        self.keyed = any(getattr(d, "keyed", False) for d in self.datasets)

    def __len__(self) -> int:
        return self.ends[-1]

    def _find(self, index: int) -> tuple[Any, int]:
        part = bisect_right(self.ends, index)
        return self.datasets[part], index - (self.ends[part - 1] if part else 0)

    def _sample(self, index: int) -> Any:
        dataset, place = self._find(index)
        return dataset[place]

    def fetch(self, index: int, key: Any) -> Any:
        """The sample at `index` with this key."""
        dataset, place = self._find(index)
        return fetch(dataset, place, key)


@api
def concat(*datasets: Any) -> Concat:
    """The samples of all datasets, one dataset behind the other.

    Args:
        *datasets: One or more.

    Example:
        >>> from rtorch import data
        >>> list(data.concat([1, 2], range(3)))
        [1, 2, 0, 1, 2]
    """
    if not datasets:
        raise ArgumentError("[concat] datasets: expected at least one, got none")
    return Concat([check_dataset(d, "concat", argument="datasets") for d in datasets])


class Zip(Indexed):
    """Datasets side by side; `zip` makes it."""

    def __init__(self, datasets: Sequence[Any]) -> None:
        self.datasets = tuple(datasets)
        self.keyed = any(getattr(d, "keyed", False) for d in self.datasets)

    def __len__(self) -> int:
        return len(self.datasets[0])

    def _sample(self, index: int) -> Any:
        return tuple(d[index] for d in self.datasets)

    def fetch(self, index: int, key: Any) -> Any:
        """The sample at `index`; each dataset gets a key of its own."""
        return tuple(
            fetch(d, index, rt.random.fold_in(key, i)) for i, d in enumerate(self.datasets)
        )

    @property
    def can_gather(self) -> bool:
        """Whether all datasets can."""
        return all(can_gather(d) for d in self.datasets)

    def gather(self, indices: Any) -> Any:
        """The samples at an array of indices, as one batch."""
        return tuple(d.gather(indices) for d in self.datasets)


@api
def zip(*datasets: Any) -> Zip:
    """Tuples of the samples that datasets of one length have at the same index.

    Args:
        *datasets: One or more.

    Raises:
        ShapeError: if their lengths differ.

    Example:
        >>> from rtorch import data
        >>> list(data.zip("ab", [1, 2]))
        [('a', 1), ('b', 2)]
    """
    if not datasets:
        raise ArgumentError("[zip] datasets: expected at least one, got none")
    sizes = [len(check_dataset(d, "zip", argument="datasets")) for d in datasets]
    if len(set(sizes)) > 1:
        raise ShapeError(
            f"[zip] the datasets have {', '.join(map(str, sizes))} samples: expected one length; "
            "data.subset cuts the longer ones"
        )
    return Zip(datasets)
