"""The workers of a loader: made for an iteration, or kept from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtorch.data.fetching import IndexFetcher, StreamFetcher
from rtorch.data.options import Options
from rtorch.data.pools import Inline, Pool, Threads


class Crew:
    """Pools of workers for one dataset."""

    def __init__(
        self,
        dataset: Any,
        collate: Callable[[Any], Any] | None,
        options: Options,
        by_index: bool,
        single: bool,
    ) -> None:
        self._dataset, self._collate = dataset, collate
        self._options, self._by_index, self._single = options, by_index, single
        self._idle: list[Pool] = []

    def take(self) -> Pool:
        """A pool with no task; while it is taken, others get another one."""
        while self._idle:
            pool = self._idle.pop()
            try:
                while pool.waiting:  # of an iteration that was left early
                    pool.result()
            except Exception:
                pool.close()
            else:
                return pool
        return self._new_pool()

    def put_back(self, pool: Pool, healthy: bool) -> None:
        """End the workers, or keep them if they are persistent."""
        if healthy and self._options.persistent and not self._idle:
            self._idle.append(pool)
        else:
            pool.close()

    def close(self) -> None:
        """End the workers that are kept."""
        while self._idle:
            self._idle.pop().close()

    def _new_pool(self) -> Pool:
        options = self._options
        fetch: Any
        if self._by_index:
            fetch = IndexFetcher(self._dataset, self._collate, self._single)
        else:
            fetch = StreamFetcher(self._dataset, self._collate, options.drop_last, self._single)
        if not options.workers:
            return Inline(fetch)
        workers = options.workers if self._by_index else 1
        if options.kind == "thread":
            return Threads(fetch, workers, options.timeout)
        from rtorch.data.processes import Processes  # multiprocessing takes long to import

        return Processes(fetch, workers, options.timeout)
