"""What datasets are: things with a length and samples by index, or things to iterate over.

A sample is any pytree of NumPy arrays and Python numbers (rtorch arrays work too, and cost more).
Lists are datasets, and so is every class with ``__len__`` and ``__getitem__``. What else a dataset
may have, to be faster or to take part in more:

- ``gather(indices)``: the samples of an array of indices, stacked already, in memory that is new.
  The loader asks for whole batches then. Where an object has the method but not always the means,
  ``can_gather`` says.
- ``fetch(index, key)`` with ``keyed = True``: a sample that needs a random key.
- ``start`` and ``resume(state, key)``, of a dataset to iterate over: see `ResumableDataset`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np

from rtorch.errors import ArgumentError, OutOfBoundsError, api, describe

__all__ = ["Dataset", "IterableDataset", "ResumableDataset", "fetch"]


@runtime_checkable
class Dataset(Protocol):
    """Samples by index: anything with a length and ``dataset[index]``.

    Example:
        >>> from rtorch import data
        >>> isinstance([1, 2, 3], data.Dataset)
        True
    """

    def __len__(self) -> int:
        """The number of samples."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """The sample at `index`, from 0 to the length less one."""
        ...


@runtime_checkable
class IterableDataset(Protocol):
    """Samples one after the other, from the beginning in every epoch.

    Example:
        >>> from rtorch import data
        >>> isinstance(range(3), data.IterableDataset)
        True
    """

    def __iter__(self) -> Iterator[Any]:
        """All samples in order, from the first one."""
        ...


@runtime_checkable
class ResumableDataset(Protocol):
    """Samples one after the other, from any point.

    ``start`` is the state at the beginning of an epoch, a small pytree of numbers;
    ``resume(state, key)`` gives pairs of a sample and the state behind it. `key` is a key of the
    epoch, or None. All states have the structure of ``start``, so that a checkpoint can hold them.

    Example:
        >>> from rtorch import data
        >>> class Squares:
        ...     start = 0
        ...     def resume(self, state, key):
        ...         for i in range(state, 5):
        ...             yield i * i, i + 1
        >>> [sample for sample, state in Squares().resume(3, None)]
        [9, 16]
        >>> isinstance(Squares(), data.ResumableDataset)
        True
    """

    start: Any

    def resume(self, state: Any, key: Any, /) -> Iterator[tuple[Any, Any]]:
        """Pairs of the samples behind `state` and their states."""
        ...


class Indexed:
    """Base of the datasets here: indices from the end, slices, bounds, all in one place.

    A subclass has ``__len__``, and ``_sample`` for indices that are checked already.
    """

    keyed = False

    def __len__(self) -> int:
        raise NotImplementedError

    def _sample(self, index: int) -> Any:
        raise NotImplementedError

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            from rtorch.data.combine import Subset

            return Subset(self, range(*index.indices(len(self))))
        place = position(index, len(self), type(self).__name__)
        if self.keyed:
            raise ArgumentError(
                f"[{type(self).__name__}] a sample needs a random key: give the DataLoader a key, "
                "or call data.fetch(dataset, index, key)"
            )
        return self._sample(place)

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} samples)"


def position(index: Any, size: int, name: str) -> int:
    """`index` as a number from 0 to ``size - 1``."""
    try:
        place = operator.index(index)
    except TypeError:
        raise ArgumentError(
            f"[{name}] index: expected an integer or a slice, got {describe(index)}"
        ) from None
    if not -size <= place < size:
        raise OutOfBoundsError(f"[{name}] index {place} is out of bounds for {size} samples")
    return place % size


@api
def fetch(dataset: Any, index: int, key: Any = None) -> Any:
    """The sample at `index`, also of a dataset whose samples need a random key.

    Args:
        dataset: A `Dataset`.
        index: From 0 to its length less one.
        key: The key of this sample; not looked at where none is needed.

    Raises:
        ArgumentError: if a key is needed and None is given.

    Example:
        >>> import rtorch as rt
        >>> from rtorch import data
        >>> noisy = data.map(lambda x, key: x + rt.random.normal(key), [0.0, 1.0], keyed=True)
        >>> data.fetch(noisy, 1, rt.random.key(0)).shape
        ()
    """
    if not getattr(dataset, "keyed", False):
        return dataset[index]
    if key is None:
        raise ArgumentError("[fetch] key: the samples of this dataset need a random key, got None")
    return dataset.fetch(position(index, len(dataset), "fetch"), key)


def can_gather(dataset: Any) -> bool:
    """Whether `dataset` gives whole batches by ``gather(indices)``."""
    return hasattr(dataset, "gather") and bool(getattr(dataset, "can_gather", True))


def is_dataset(x: Any) -> bool:
    """Whether `x` has samples by index; a dict has not."""
    return hasattr(x, "__len__") and hasattr(x, "__getitem__") and not isinstance(x, dict)


def is_stream(x: Any) -> bool:
    """Whether `x` is to be iterated over."""
    return hasattr(x, "resume") or (hasattr(x, "__iter__") and not is_dataset(x))


def check_dataset(x: Any, name: str, *, stream: bool = False, argument: str = "dataset") -> Any:
    """`x`, if it is a dataset (or one to iterate over, where `stream` allows that)."""
    if isinstance(x, dict):
        raise ArgumentError(
            f"[{name}] {argument}: expected a dataset, got a dict; a dict of arrays becomes one by "
            "data.ArrayDataset(arrays)"
        )
    if is_dataset(x) or (stream and is_stream(x)):
        return x
    raise ArgumentError(
        f"[{name}] {argument}: expected a dataset, something with __len__ and __getitem__"
        f"{' or with __iter__' if stream else ''}, got {describe(x)}"
    )


def count_of(value: Any, name: str, argument: str, least: int = 1) -> int:
    """`value`, if it is a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ArgumentError(f"[{name}] {argument}: expected an integer of {least} or more, got "
                            f"{describe(value)}")  # fmt: skip
    return int(value)
