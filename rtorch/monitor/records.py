"""Records of a run, read back: columns of numbers, and the series that are drawn."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rtorch.errors import ArgumentError, FileFormatError, api, describe
from rtorch.monitor.journal import read_lines

HUGE = 1e300  # what is drawn is smaller, so that differences are finite
RECORDS = "records.jsonl"
# train_loss, valid/loss, loss_test: the part of the data, and what was measured on it.
_PART = re.compile(r"^(train|training|valid|validation|val|test|eval)[_/. ](.+)$", re.IGNORECASE)
_PART_LAST = re.compile(r"^(.+)[_/. ](train|training|valid|validation|val|test|eval)$", re.I)


@api
def read(path: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """The records of a run, as columns.

    Args:
        path: The directory of the run, or the file ``records.jsonl`` in it.

    Returns:
        A dict of arrays of one length: ``"step"`` (int64), ``"time"`` (seconds since 1970) and
        every logged name (float64), sorted by step. What was logged for one step is one row, the
        last value of a name counts; nan where nothing was logged.

    Raises:
        FileNotFoundError: if there is no such file.
        FileFormatError: for a damaged line other than the last one, which a crash may tear.

    Example:
        >>> import rtorch as rt, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with rt.monitor.Run(folder, progress=False) as run:
        ...         run.log(0, loss=2.5)
        ...         run.log(1, loss=1.5, accuracy=0.75)
        ...     columns = rt.monitor.read(folder)
        >>> columns["step"], columns["loss"], columns["accuracy"]
        (array([0, 1]), array([2.5, 1.5]), array([ nan, 0.75]))
    """
    file = Path(path)
    file = file / RECORDS if file.is_dir() else file
    if not file.exists():
        raise FileNotFoundError(f"[read] there is no {file}: was a Run of rt.monitor in it?")
    rows: dict[int, dict[str, float]] = {}
    for entry in read_lines(file):
        row = rows.setdefault(entry["step"], {})
        try:
            row["time"] = float(entry["time"])
            row.update((name, float(value)) for name, value in entry["values"].items())
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            raise FileFormatError(
                f"[read] {file}: the record of step {entry['step']} has no 'time' and 'values' "
                "that are numbers"
            ) from None
    return _columns(rows)


def _columns(rows: dict[int, dict[str, float]]) -> dict[str, np.ndarray[Any, Any]]:
    steps = sorted(rows)
    names = dict.fromkeys(name for step in steps for name in rows[step])
    found = {"step": np.asarray(steps, np.int64), "time": np.empty(0)}
    for name in names:
        found[name] = np.asarray([rows[step].get(name, np.nan) for step in steps], np.float64)
    return found


class Series(NamedTuple):
    """One curve: its full name, a short one for the legend, steps and values that can be drawn."""

    name: str
    label: str
    steps: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]


def groups(columns: Mapping[str, Any]) -> dict[str, list[Series]]:
    """The curves by what they measure: ``train_loss`` and ``valid_loss`` stand under ``loss``."""
    found: dict[str, list[Series]] = {}
    for name in columns:
        if name not in ("step", "time"):
            title, label = _title(name)
            steps, values = np.asarray(columns["step"]), np.asarray(columns[name])
            keep = np.abs(values) < HUGE
            found.setdefault(title, []).append(Series(name, label, steps[keep], values[keep]))
    return found


def _title(name: str) -> tuple[str, str]:
    """What is measured, and on which part of the data."""
    if match := _PART.match(name):
        return match[2], match[1].lower()
    if match := _PART_LAST.match(name):
        return match[1], match[2].lower()
    return name, name


def checked_columns(function: str, records: Any) -> Mapping[str, Any]:
    """Columns as `read` gives them, from those or from a path.

    Raises:
        ArgumentError: if `records` is neither.
    """
    if isinstance(records, str | os.PathLike):
        return read(records)
    if not isinstance(records, Mapping) or "step" not in records:
        raise ArgumentError(
            f"[{function}] records is {describe(records)}, expected the columns of "
            "rt.monitor.read, with 'step' among them, or the directory of a run"
        )
    n = np.shape(records["step"])
    for name, column in records.items():
        if name != "time" and np.shape(column) != n:
            raise ArgumentError(
                f"[{function}] column {name!r} has shape {np.shape(column)}, 'step' has {n}; "
                "they must be equal"
            )
    return records


def smooth(values: np.ndarray[Any, Any], weight: float) -> np.ndarray[Any, Any]:
    """Exponential running mean without bias towards zero at its start.

    ``m_t = w m_{t-1} + (1 - w) x_t``, divided by ``1 - w^t`` (Kingma and Ba, 2015, section 3).
    """
    means, mean = [], 0.0
    for t, value in enumerate(values.tolist(), 1):
        mean = weight * mean + (1 - weight) * value
        means.append(mean / (1 - weight**t))
    return np.asarray(means)


def thinned(steps: Any, values: Any, most: int = 600) -> tuple[Any, Any]:
    """At most `most` points that look the same: least and greatest of every stretch."""
    n = len(steps)
    if n <= most:
        return steps, values
    edges = np.linspace(0, n, most // 2 + 1).astype(int)
    pairs = itertools.pairwise(edges.tolist())
    picked: Iterable[int] = (
        a + i
        for a, b in pairs
        for i in sorted({int(np.argmin(values[a:b])), int(np.argmax(values[a:b]))})
    )
    index = sorted({0, n - 1, *picked})
    return steps[index], values[index]
