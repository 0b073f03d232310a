"""What a worker does: a batch of the indices or the place that it is given.

These objects are pickled into worker processes, one for each of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import rtorch as rt
from rtorch.data.collating import collate
from rtorch.data.indexed import can_gather
from rtorch.data.streams import resumable

_SHOWN = 8

Words = Any  # a key as NumPy's array of two words: cheap to send


class IndexTask(NamedTuple):
    """The batch of these samples, with the key of the epoch."""

    indices: np.ndarray[Any, Any]
    key: Words


class StreamTask(NamedTuple):
    """The next `size` samples of the run `run`, which began at `state`."""

    run: int
    state: Any
    key: Words
    size: int


class IndexFetcher:
    """Batches of a dataset by index; or, if `single`, its samples one by one, not collated."""

    def __init__(
        self, dataset: Any, collate_samples: Callable[[Any], Any] | None, single: bool = False
    ) -> None:
        self.dataset, self.single = dataset, single
        self.collate = collate_samples or (_same if single else collate)
        self.gathers = collate_samples is None and not single and can_gather(dataset)
        self.keyed = getattr(dataset, "keyed", False)

    def __call__(self, task: IndexTask) -> Any:
        """The batch."""
        samples = None if self.gathers else self._samples(task)
        try:
            if samples is None:
                return self.dataset.gather(task.indices)
            return self.collate(samples[0] if self.single else samples)
        except Exception as error:
            error.add_note(
                f"[DataLoader] while making a batch of the samples at index {shown(task)}"
            )
            raise

    def _samples(self, task: IndexTask) -> list[Any]:
        keys = sample_keys(task) if self.keyed else None
        samples: list[Any] = []
        index = -1
        try:
            for i, index in enumerate(task.indices.tolist()):
                found = self.dataset[index] if keys is None else self.dataset.fetch(index, keys[i])
                samples.append(found)
        except Exception as error:
            error.add_note(f"[DataLoader] while loading the sample at index {index}")
            if isinstance(error, StopIteration):  # which a generator on its way would swallow
                raise RuntimeError(f"[DataLoader] the sample at index {index} raised StopIteration"
                                   ) from error  # fmt: skip
            raise
        return samples


def _same(sample: Any) -> Any:
    return sample


def shown(task: IndexTask) -> str:
    """The indices of a batch, the first ones if there are many."""
    more = ", ..." if len(task.indices) > _SHOWN else ""
    return ", ".join(map(str, task.indices[:_SHOWN].tolist())) + more


def sample_keys(task: IndexTask) -> Any:
    """``fold_in(key, index)`` for each sample of a batch."""
    key = rt.asarray(task.key)
    return rt.vmap(lambda index: rt.random.fold_in(key, index))(rt.asarray(task.indices))


class StreamFetcher:
    """Batches of a dataset to iterate over; it stays where it is between two tasks of one run.

    It reads a little ahead, to know which batch is the last one.
    """

    def __init__(
        self,
        dataset: Any,
        collate_samples: Callable[[Any], Any] | None,
        drop_last: bool,
        single: bool = False,
    ) -> None:
        self.dataset, self.single, self.drop_last = resumable(dataset), single, drop_last
        self.collate = collate_samples or (_same if single else collate)
        self._run = -1
        self._samples: Iterator[tuple[Any, Any]] = iter(())
        self._error: Exception | None = None

    def __call__(self, task: StreamTask) -> Any:
        """A batch, the state behind it, and whether it is the last; None behind the end."""
        if task.run != self._run:
            self._begin(task)
        self._fill(task.size)
        if len(self._buffer) < task.size and self._error is not None:
            raise self._error
        pairs = [self._buffer.popleft() for _ in range(min(task.size, len(self._buffer)))]
        if not pairs or (self.drop_last and len(pairs) < task.size):
            return None
        ahead = task.size if self.drop_last else 1
        self._fill(ahead)
        last = len(self._buffer) < ahead and self._error is None
        return self._batch([sample for sample, _ in pairs]), pairs[-1][1], last

    def _batch(self, samples: list[Any]) -> Any:
        try:
            return self.collate(samples[0] if self.single else samples)
        except Exception as error:
            end = self._count - len(self._buffer)
            error.add_note(f"[DataLoader] while making a batch of the samples {end - len(samples)} "
                           f"to {end - 1} of the stream, counted from where this iteration began"
                           )  # fmt: skip
            raise

    def _begin(self, task: StreamTask) -> None:
        key = None if task.key is None else rt.asarray(task.key)
        self._run, self._count = task.run, 0
        self._samples = iter(self.dataset.resume(task.state, key))
        self._buffer: deque[tuple[Any, Any]] = deque()
        self._ended, self._error = False, None

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size and not self._ended:
            try:
                self._buffer.append(next(self._samples))
                self._count += 1
            except StopIteration:
                self._ended = True
            except Exception as error:  # for the batch that it belongs to
                error.add_note(f"[DataLoader] while loading sample {self._count} of the stream, "
                               "counted from where this iteration began")  # fmt: skip
                self._ended, self._error = True, error
