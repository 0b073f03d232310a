"""The trace-event format of Chrome, which Perfetto reads too.

Reference: "Trace Event Format", https://chromium.googlesource.com/catapult, docs/tracing: complete
events (``"ph": "X"``) with times in microseconds, counters (``"C"``) and metadata (``"M"``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from rtorch.profiling.events import Event

PathLike: TypeAlias = str | os.PathLike[str]


def write_trace(path: PathLike, events: Sequence[Event]) -> Path:
    """Write the file."""
    target = Path(path)
    trace = {"traceEvents": list(_entries(events)), "displayTimeUnit": "ns"}
    target.write_text(json.dumps(trace), encoding="utf-8")
    return target


def _entries(events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    pid = os.getpid()
    threads = {thread: i for i, thread in enumerate(dict.fromkeys(e.thread for e in events))}
    yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": {"name": "rtorch"}}
    for tid in threads.values():
        name = f"thread {tid}"
        yield {"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": name}}
    zero = min((e.start for e in events), default=0)
    # Those that hold others come first: viewers nest events of one moment in this order.
    for e in sorted(events, key=lambda e: (e.start, -e.wall)):
        begin = (e.start - zero) / 1e3
        yield {
            "ph": "X", "pid": pid, "tid": threads[e.thread], "name": e.name, "cat": e.family,
            "ts": begin, "dur": e.wall / 1e3, "args": _details(e),
        }  # fmt: skip
        if e.family == "operation":
            yield {"ph": "C", "pid": pid, "tid": 0, "name": "bytes alive",
                   "ts": begin + e.wall / 1e3, "args": {"bytes": e.alive}}  # fmt: skip


def _details(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = {"results": " ".join(map(str, event.outs))}
    if event.source:
        found["line"] = str(event.source)
    if event.source and event.source.role:
        found["role"] = event.source.role
    if event.family == "operation":
        found |= {"bytes": event.bytes, "flops": event.flops}
    return found
