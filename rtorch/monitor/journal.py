"""A file of JSON lines that is only ever added to, and can be read whatever stopped its writer.

Each line is one JSON object with the key ``"step"``. Lines are written whole; what a crash leaves
of the last one is no line, and is not read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from rtorch import atomic
from rtorch.errors import FileFormatError
from rtorch.monitor.values import MOST_STEPS


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """The objects in `file`, none if there is no such file.

    Raises:
        FileFormatError: for a line before the last that is not a JSON object with a step.
    """
    if not file.exists():
        return
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.endswith(b"\n"):
                return  # torn: its writer was stopped
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            if not isinstance(entry, dict) or not _is_step(entry.get("step")):
                raise FileFormatError(
                    f"[monitor] {file}, line {number}: expected a JSON object with a whole number "
                    f"as its 'step', found {line[:60]!r}"
                )
            yield entry


def _is_step(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < MOST_STEPS


class Journal:
    """The writer of one such file, which is made with its first entry."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream: TextIO | None = None
        self._waiting: list[str] = []

    def add(self, entry: dict[str, Any]) -> None:
        """Take down `entry`; it is in the file after the next `flush`."""
        self._waiting.append(json.dumps(entry, allow_nan=False) + "\n")

    def flush(self) -> None:
        """Hand all entries to the operating system."""
        if self._waiting:
            if self._stream is None:
                self._stream = self._file.open("a", encoding="ascii", newline="\n")
            self._stream.write("".join(self._waiting))
            self._stream.flush()
            self._waiting.clear()

    def close(self) -> None:
        """Write what waits, and bring it to the disk."""
        self.flush()
        if self._stream is not None:
            os.fsync(self._stream.fileno())
            self._stream.close()
            self._stream = None


def keep_until(file: Path, step: int) -> None:
    """Drop the entries for steps after `step`, and a torn last line."""
    if not file.exists():
        return
    kept = [entry for entry in read_lines(file) if entry["step"] <= step]
    text = "".join(json.dumps(entry) + "\n" for entry in kept)
    atomic.write(file, text.encode("ascii"))
