"""Batches between processes: arrays through shared memory, the rest through a pipe.

A segment belongs to the parent. It chooses the name, and unlinks it in the end; a worker only
creates it under that name, when it knows how large it must be. So no segment outlives the parent's
pool, whenever a worker dies.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
from multiprocessing.shared_memory import SharedMemory
from typing import Any

_ALIGNMENT = 64
_SMALL = 4096  # bytes; a batch with less in its arrays goes through the pipe

_still_open: list[SharedMemory] = []

Spans = list[tuple[int, int]]


def pack(batch: Any) -> tuple[bytes, list[pickle.PickleBuffer], Spans, int]:
    """A pickle without the arrays, their buffers, the places for them, and the size of all."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(batch, protocol=5, buffer_callback=buffers.append)
    spans, end = [], 0
    for buffer in buffers:
        size = buffer.raw().nbytes
        spans.append((end, size))
        end += -(-size // _ALIGNMENT) * _ALIGNMENT
    return head, buffers, spans, end


class Writer:
    """The worker's side: segments by name, kept open to be used again."""

    def __init__(self) -> None:
        self._segments: dict[str, SharedMemory] = {}

    def write(self, batch: Any, name: str, spare: str) -> tuple[bytes, Spans, str | None]:
        """Put the arrays of `batch` into the segment `name`, or a new one called `spare`."""
        head, buffers, spans, size = pack(batch)
        if size < _SMALL:
            return pickle.dumps(batch, protocol=5), [], None
        segment = self._segments.get(name)
        if segment is None or segment.size < size:
            if segment is not None:
                self._segments.pop(name).close()
            name = spare
            segment = SharedMemory(name, create=True, size=size + size // 8)
            self._segments[name] = segment
        for buffer, (start, length) in zip(buffers, spans, strict=True):
            _memory(segment)[start : start + length] = buffer.raw()
        return head, spans, name

    def close(self) -> None:
        """Let go of the memory, which the parent unlinks."""
        for segment in self._segments.values():
            segment.close()


class Slot:
    """The parent's side: memory for the result of one task at a time."""

    def __init__(self) -> None:
        self.name = ""
        self.spare = _new_name()
        self._segment: SharedMemory | None = None

    def read(self, head: bytes, spans: Spans, name: str | None) -> Any:
        """The batch that a worker wrote; its arrays are views of the memory."""
        if name is None:
            return pickle.loads(head)
        if name != self.name:
            self._drop()
            self._segment, self.name, self.spare = SharedMemory(name), name, _new_name()
        assert self._segment is not None
        memory = _memory(self._segment)
        return pickle.loads(head, buffers=[memory[a : a + size] for a, size in spans])

    def _drop(self) -> None:
        if self._segment is not None:
            self._segment.unlink()
            _still_open.append(self._segment)
        self._segment = None
        _close_what_can_be()

    def unlink(self) -> None:
        """Give the memory back."""
        self._drop()
        self.forget_spare()

    def forget_spare(self) -> None:
        """Give back what a worker made and did not tell of."""
        with contextlib.suppress(FileNotFoundError):
            forgotten = SharedMemory(self.spare)
            forgotten.unlink()
            forgotten.close()
        self.spare = _new_name()


def _close_what_can_be() -> None:
    """Close unlinked segments, but not under arrays that someone has kept."""
    for segment in _still_open[:]:
        with contextlib.suppress(BufferError):
            segment.close()
            _still_open.remove(segment)


def _memory(segment: SharedMemory) -> memoryview[int]:
    assert segment.buf is not None  # it is open
    return segment.buf


def _new_name() -> str:
    """A name that says whose it is; macOS allows 31 characters."""
    return f"rt{os.getpid()}-{secrets.token_hex(6)}"
