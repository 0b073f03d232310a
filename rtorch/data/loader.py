"""`DataLoader`: batches of a dataset, in an order that a key decides.

Who makes the batches (`crew`), what a batch is made of (`fetching`, `collating`), in which order
(`samplers`) and what a place among them is (`places`) are the affairs of those modules; here they
are put together.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from itertools import count, islice, repeat
from typing import Any, Self

import numpy as np

import rtorch as rt
from rtorch.data.arrays import ArrayDataset
from rtorch.data.crew import Crew
from rtorch.data.fetching import IndexTask, StreamTask
from rtorch.data.indexed import check_dataset, is_dataset
from rtorch.data.options import Options, progress_bar
from rtorch.data.places import (
    LoaderState,
    batch_key_of,
    checked,
    epoch_words,
    keys_of,
    no_batch,
)
from rtorch.data.placing import one_ahead, placer
from rtorch.data.pools import Pool
from rtorch.data.samplers import Sampler, batched, sequential, shuffled
from rtorch.data.streams import resumable
from rtorch.errors import ArgumentError

__all__ = ["DataLoader"]

_runs = count()


class DataLoader:
    """Batches of a dataset as pytrees of rtorch arrays.

    ``for batch in loader`` is one epoch, the next one each time. ``loader.epoch(n)`` is the epoch
    ``n``; ``for batch, state in loader.batches(state)`` begins anywhere and tells where it is.
    What comes depends on the dataset, the key and the place alone, not on workers.

    Args:
        dataset: A `Dataset`, an `IterableDataset`, or one array.
        batch_size: Samples in a batch. With None each sample comes by itself, as arrays and not
            stacked: for samples that are batches already.
        shuffle: Whether each epoch has a random order; needs a key.
        key: A key for the order, for `data.map(..., keyed=True)` and for `transform`.
        sampler: The order of samples, instead of `shuffle`.
        batch_sampler: The batches as vectors of indices, instead of `batch_size`, `shuffle`,
            `sampler` and `drop_last`; see `bucketed`.
        drop_last: Whether to leave out a last batch that is smaller.
        collate: Makes a batch of a list of samples, instead of `data.collate`; with
            ``batch_size=None`` of one sample.
        transform: ``transform(batch, key)`` changes a whole batch, in the caller; may be jitted.
            The key is another for each batch, or None if the loader has none.
        workers: How many workers load ahead; with 0 the caller loads, when a batch is asked for.
            A dataset to iterate over is read by one.
        kind: ``"thread"``, or ``"process"`` for datasets that compute in Python. Processes are
            spawned; the dataset must be picklable, and the program's main module importable.
        prefetch: How many batches the workers are ahead; 2 for each by default.
        device: Where the arrays go; one batch more is then on its way there.
        timeout: Seconds to wait for a batch of a worker; None is for ever (the death of a worker
            is noticed at once).
        persistent: Whether workers stay for the next epoch; `close`, a ``with`` block or the end
            of the loader ends them.
        progress: Whether to show a bar of tqdm.

    Raises:
        ArgumentError: if options contradict each other, randomness has no key, or the dataset
            cannot be pickled for processes.
        WorkerError: (iteration) if a worker dies, or no batch comes within `timeout`. What a
            dataset raises comes through as it is, with a note of the sample's index and, from a
            process, of its traceback.

    Example:
        >>> import numpy as np, rtorch as rt
        >>> from rtorch import data
        >>> ds = data.ArrayDataset({"x": np.arange(10), "y": np.arange(10) ** 2})
        >>> loader = data.DataLoader(ds, 4, shuffle=True, key=rt.random.key(0))
        >>> [batch["x"].shape for batch in loader]
        [(4,), (4,), (2,)]
        >>> state = loader.state()
        >>> for batch, state in loader.batches(state):
        ...     break
        >>> state.step, len(list(loader.batches(state)))
        (1, 2)
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        *,
        shuffle: bool = False,
        key: Any = None,
        sampler: Sampler | None = None,
        batch_sampler: Sampler | None = None,
        drop_last: bool = False,
        collate: Callable[[Any], Any] | None = None,
        transform: Callable[[Any, Any], Any] | None = None,
        workers: int = 0,
        kind: str = "thread",
        prefetch: int | None = None,
        device: Any = None,
        timeout: float | None = None,
        persistent: bool = False,
        progress: bool = False,
    ) -> None:
        if isinstance(dataset, np.ndarray | rt.Array):
            dataset = ArrayDataset(dataset)
        self.dataset = check_dataset(dataset, "DataLoader", stream=True)
        self.key = None if key is None else rt.random.wrap_key_data(key).to("cpu")
        self.batch_size = batch_size
        self._by_index = is_dataset(dataset)
        self._options = Options(
            workers, kind, prefetch, timeout, persistent, progress, shuffle, drop_last,
            sampler, batch_sampler,
        )  # fmt: skip
        self._options.check(batch_size, self._by_index)
        keyed = getattr(dataset, "keyed", False)
        if self.key is None and (shuffle or keyed):
            what = "shuffle=True" if shuffle else "the dataset's random samples"
            raise ArgumentError(f"[DataLoader] key: expected a key for {what}, got None")
        self._keyed = keyed or (not self._by_index and self.key is not None)
        self._sampler = self._batch_order()
        self._collate, self._transform = collate, transform
        self._place, self._device = placer(device), device
        self._epochs = count()
        self._crew = Crew(self.dataset, collate, self._options, self._by_index, batch_size is None)
        weakref.finalize(self, self._crew.close)

    def _batch_order(self) -> Sampler | None:
        """The batches of an epoch, for a dataset by index."""
        options = self._options
        if not self._by_index or options.batch_sampler is not None:
            return options.batch_sampler
        size = len(self.dataset)
        order = options.sampler or (shuffled(size) if options.shuffle else sequential(size))
        return batched(order, self.batch_size or 1, options.drop_last)

    def __len__(self) -> int:
        """Batches in an epoch."""
        if self._sampler is None:
            raise TypeError("[DataLoader] a dataset to iterate over has no length")
        return self._sampler.size

    def __repr__(self) -> str:
        if self.batch_size is None:
            return f"DataLoader(single samples, {self.dataset!r})"
        size = f"{len(self)} batches" if self._sampler else "batches"
        return f"DataLoader({size} of {self.batch_size}, {self.dataset!r})"

    # ---- places ----------------------------------------------------------------------------------

    def state(self, epoch: int = 0) -> LoaderState:
        """The beginning of an epoch."""
        source = None if self._by_index else resumable(self.dataset).start
        return LoaderState(epoch, 0, self.key, source)

    def _begin(self, state: LoaderState | None) -> LoaderState:
        batches = self._sampler.size if self._sampler else None
        return self.state() if state is None else checked(state, batches, self.key is not None)

    # ---- iteration -------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        return self.epoch(next(self._epochs))

    def epoch(self, number: int) -> Iterator[Any]:
        """The batches of one epoch.

        Args:
            number: Which one, from 0.
        """
        return (batch for batch, _ in self._run(self._begin(self.state(number))))

    def batches(self, state: LoaderState | None = None) -> Iterator[tuple[Any, LoaderState]]:
        """Pairs of a batch and the place behind it, from `state` to the end of its epoch.

        The place behind the last batch is the beginning of the next epoch, so that a loop ``while
        state.epoch < epochs: for batch, state in loader.batches(state): ...`` can be left and
        taken up anywhere.

        Args:
            state: From `state`, or from an earlier iteration; by default the beginning.

        Raises:
            ArgumentError: if there is no such place, or the epoch is empty.
        """
        state = self._begin(state)
        if self._sampler is not None and not self._sampler.size:
            raise no_batch()
        return self._run(state, may_be_empty=False)

    def _run(
        self, state: LoaderState, may_be_empty: bool = True
    ) -> Iterator[tuple[Any, LoaderState]]:
        begin = state
        order_key, sample_key, batch_key = keys_of(state.key)
        tasks = self._tasks(state, order_key, epoch_words(sample_key, state, self._keyed))
        total = self._sampler.size if self._sampler else None
        bar = progress_bar(state, total) if self._options.progress else None
        pool, healthy = self._crew.take(), False
        try:
            for batch, source, last in self._results(pool, tasks):
                if self._transform is not None:
                    batch = self._transformed(batch, batch_key_of(batch_key, state), state)
                state = self._behind(state, source, last or state.step + 1 == total)
                if bar is not None:
                    bar.update()
                yield batch, state
            healthy = True
            if state is begin and not may_be_empty:
                raise no_batch()
        except GeneratorExit:
            healthy = True
            raise
        finally:
            if bar is not None:
                bar.close()
            self._crew.put_back(pool, healthy)

    def _transformed(self, batch: Any, key: Any, state: LoaderState) -> Any:
        assert self._transform is not None
        try:
            return self._transform(batch, key)
        except Exception as error:
            where = f"batch {state.step} of epoch {state.epoch}"
            error.add_note(f"[DataLoader] while transforming {where}")
            raise

    def _behind(self, state: LoaderState, source: Any, last: bool) -> LoaderState:
        """The place behind the batch at `state`."""
        if last:
            return self.state(state.epoch + 1)._replace(key=state.key)
        return state._replace(step=state.step + 1, source=source)

    def _tasks(self, state: LoaderState, order_key: Any, words: Any) -> Iterator[Any]:
        if self._sampler is None:
            return repeat(StreamTask(next(_runs), state.source, words, self.batch_size or 1))
        # On purpose the same order, and so the same keys, as often as an epoch is taken up.
        with rt.random.check_key_reuse(False):
            order = self._sampler.order(order_key, state.epoch)
        if len(order) != self._sampler.size:
            raise ArgumentError(f"[DataLoader] batch_sampler: it has the size {self._sampler.size},"
                                f" and its order {len(order)} batches")  # fmt: skip
        return (IndexTask(np.asarray(i), words) for i in islice(order, state.step, None))

    def _results(self, pool: Pool, tasks: Iterator[Any]) -> Iterator[tuple[Any, Any, bool]]:
        """Placed batches, the state of the stream behind each, and whether it was the last."""
        results = self._placed(pool, tasks)
        return one_ahead(results) if self._device is not None else results

    def _placed(self, pool: Pool, tasks: Iterator[Any]) -> Iterator[tuple[Any, Any, bool]]:
        for task in islice(tasks, self._options.ahead):
            pool.submit(task)
        while pool.waiting:
            result = pool.result()
            if not self._by_index and result is None:
                return
            batch, source, last = (result, None, False) if self._by_index else result
            mine = pool.owns and self._collate is None and self.batch_size is not None
            batch = self._place(batch, mine)
            del result  # whose memory may be that of a worker
            for task in islice(tasks, 0 if last else 1):
                pool.submit(task)
            yield batch, source, last
            if last:
                return

    def close(self) -> None:
        """End persistent workers; the next iteration starts new ones."""
        self._crew.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
