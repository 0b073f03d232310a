"""Exceptions of worker processes: raised in the parent as what they were, with their traceback."""

from __future__ import annotations

import pickle
import traceback
from typing import NamedTuple

from rtorch.errors import WorkerError


class Failure(NamedTuple):
    """An exception on its way between processes."""

    pickled: bytes | None  # None if it does not survive pickling
    summary: str
    notes: list[str]
    text: str


def failure_of(error: BaseException) -> Failure:
    """What a worker sends."""
    text = "".join(traceback.format_exception(error))
    summary = traceback.format_exception_only(error)[0].strip()
    notes = list(getattr(error, "__notes__", ()))
    return Failure(_pickled(error), summary, notes, text)


def _pickled(error: BaseException) -> bytes | None:
    try:
        data = pickle.dumps(error.with_traceback(None))
        return data if type(pickle.loads(data)) is type(error) else None
    except Exception:
        return None


def exception_of(failure: Failure, worker: str) -> BaseException:
    """The exception to raise in the parent."""
    error: BaseException | None = None
    if failure.pickled is not None:
        try:
            error = pickle.loads(failure.pickled)
        except Exception:  # its class is found in the worker alone
            error = None
    if error is None:
        error = WorkerError(f"[DataLoader] {worker} raised {failure.summary}")
    known = getattr(error, "__notes__", ())
    for note in failure.notes:
        if note not in known:
            error.add_note(note)
    error.add_note(f"[DataLoader] in {worker}, whose traceback was:\n{failure.text}")
    return error
