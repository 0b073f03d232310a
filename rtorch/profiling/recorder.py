"""`profile`: what a block of code spends its time on."""

from __future__ import annotations

import threading
from pathlib import Path
from time import perf_counter_ns as now
from typing import Self

from rtorch.errors import ArgumentError, api
from rtorch.profiling.chrome import PathLike, write_trace
from rtorch.profiling.evaluation import start, stop
from rtorch.profiling.events import Event
from rtorch.profiling.table import Sums, Table


class Profile:
    """What `profile` gives; print it, or ask for tables, while it records or afterwards.

    Attributes:
        events: What ran, in the order in which it ended, up to ``max_events``.
        dropped: How many more ran; the tables count them.
        seconds: How long the blocks took, recording included.
        peak_bytes: The most bytes of arrays made in the block that were alive at once.
    """

    def __init__(self, max_events: int) -> None:
        self.events: list[Event] = []
        self.dropped = 0
        self.seconds = 0.0
        self.peak_bytes = 0
        self._max_events = max_events
        self._sums = Sums()
        self._lock = threading.Lock()
        self._base = 0
        self._began: int | None = None

    @api
    def __enter__(self) -> Self:
        if self._began is not None:
            raise ArgumentError("[profile] this profile records already: make another one")
        self._began = now()
        self._base = start(self)
        return self

    def __exit__(self, *exc: object) -> None:
        stop(self)
        if self._began is not None:
            self.seconds += (now() - self._began) / 1e9
        self._began = None

    def _add(self, event: Event) -> None:
        with self._lock:
            self._sums.add(event)
            self.peak_bytes = max(self.peak_bytes, event.alive - self._base)
            if len(self.events) < self._max_events:
                self.events.append(event)
            else:
                self.dropped += 1

    @api
    def table(self, by: str = "op", *, sort: str = "self", limit: int | None = 40) -> Table:
        """Calls, times, bytes and flops of every operation, or of every line of the user's.

        Args:
            by: ``"op"`` or ``"line"``.
            sort: What comes first: ``"self"``, ``"total"``, ``"calls"``, ``"bytes"``, ``"flops"``.
            limit: How many rows are printed; None for all. ``rows`` has all of them.

        Returns:
            A table to print, with ``rows``: named tuples of ``name``, ``calls``, ``total`` and
            ``self`` (seconds), ``bytes``, ``flops``, ``line``.

        Raises:
            ArgumentError: if `by` or `sort` is none of these.

        Example:
            >>> import rtorch as rt
            >>> with rt.profile() as p:
            ...     y = rt.sum(rt.ones(1000) * 2)
            >>> {row.name: row.calls for row in p.table(by="op").rows}["reduce_sum"]
            1
        """
        with self._lock:
            return self._sums.table(by, sort, limit, self._footer())

    def _footer(self) -> str:
        busy = self._sums.busy / 1e6
        return (
            f"{self._sums.calls} operations, {busy:.3f} ms in all; "
            f"at most {self.peak_bytes / 1e6:.3f} MB of their results alive at once"
        )

    @api
    def chrome_trace(self, path: PathLike) -> Path:
        """Write the events as a Chrome trace, for chrome://tracing and https://ui.perfetto.dev.

        Operations lie within the calls and loops that ran them, a track for each thread, and the
        bytes that are alive are a curve. Times are those of the clock, recording included.

        Args:
            path: The JSON file to write.

        Returns:
            The path.

        Example:
            >>> import rtorch as rt, tempfile, json
            >>> with rt.profile() as p:
            ...     y = rt.sin(rt.ones(3))
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     trace = json.loads(p.chrome_trace(folder + "/trace.json").read_text())
            >>> [e["name"] for e in trace["traceEvents"] if e["ph"] == "X"][-1]
            'sin'
        """
        with self._lock:
            return write_trace(path, self.events)

    def __str__(self) -> str:
        return str(self.table())

    def __repr__(self) -> str:
        return str(self)


@api
def profile(*, max_events: int = 200_000) -> Profile:
    """Measure every operation that is computed in a ``with`` block, in all threads.

    For each operation: calls, total time, self time (without the operations inside), bytes of
    operands and results, flops as far as its primitive states them (a fused pair counts two, a
    value of exp one), the rates that follow, and the user's line. ``print(p)`` shows a table,
    ``p.table(by="line")`` another one, and ``p.chrome_trace(path)`` writes a file for Perfetto.

    Jitted functions, and loops in them, are run equation by equation, so that each one is
    measured: their optimized Programs, but with new memory for every result, so that the sum
    may be more than the compiled plan takes, and results differ from it in the last bit. Their
    own self time is zero. Steps of eager loops are operations like any other. On a GPU, every
    operation is waited for.

    The memory peak counts the bytes of results of operations from when they are made until they
    are collected, each piece of memory once; arrays that were there before, and memory that an
    operation uses inside, are not counted. On a GPU it is what CuPy's pool has given out.

    Recording takes 20 to 60 microseconds for an operation, which the times in tables leave out.
    When no profile is on, nothing is slower.

    Args:
        max_events: How many single events are kept for the trace. Tables count all.

    Returns:
        A `Profile` for ``with``. Several may be on at once; each sees its own block.

    Example:
        >>> import rtorch as rt
        >>> f = rt.jit(lambda x: rt.sum(rt.sin(x) * 2))
        >>> with rt.profile() as p:
        ...     y = f(rt.ones(1000))
        >>> {row.name for row in p.table().rows} >= {"call <lambda>", "sin", "reduce_sum"}
        True
        >>> p.peak_bytes >= 4000
        True
    """
    if type(max_events) is not int or max_events < 0:
        raise ArgumentError(f"[profile] max_events: expected an integer >= 0, got {max_events!r}")
    return Profile(max_events)
