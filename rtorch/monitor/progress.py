"""How far a loop is: a bar where someone watches a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, TextIO, TypeVar

from rtorch.monitor.values import show

T = TypeVar("T")

BAR_SECONDS = 0.5  # between two looks at the metrics
LINE_SECONDS = 10.0
# A short bar, and no steps per second, leave room for the metrics.
_BAR_FORMAT = (
    "{desc}: {percentage:3.0f}%|{bar:12}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
)


def progress(
    iterable: Iterable[T],
    total: int | None,
    samples: int,
    label: str,
    metrics: Callable[[], dict[str, float]],
    stream: TextIO | None = None,
) -> Iterator[T]:
    """The items of `iterable`, while the loop over them is shown with `metrics`."""
    if total is None:
        total = len(iterable) if isinstance(iterable, Sized) else None
    view = _Bar.made(label, total, stream) or _Lines(label, total, stream or sys.stderr)
    pace = _Pace(samples)
    try:
        for item in iterable:
            yield item
            pace.done += 1
            view.advance(lambda: "  ".join([*pace.text(), *_texts(metrics())]))
    finally:
        view.close()


def _texts(metrics: dict[str, float]) -> list[str]:
    return [f"{name} {show(value)}" for name, value in metrics.items()]


class _Pace:
    """Samples per second, without the first step: it may compile."""

    def __init__(self, samples: int) -> None:
        self.samples, self.done = samples, 0
        self._start: float | None = None

    def text(self) -> list[str]:
        now = time.perf_counter()
        if self._start is None:
            self._start, self._before = now, self.done
            return []
        rate = (self.done - self._before) * self.samples / max(now - self._start, 1e-9)
        return [f"{show(rate)} {'samples' if self.samples > 1 else 'steps'}/s"]


class _Bar:
    """A bar by tqdm."""

    def __init__(self, bar: Any) -> None:
        self._bar, self._next = bar, 0.0

    @staticmethod
    def made(label: str, total: int | None, stream: TextIO | None) -> _Bar | None:
        """A bar, None without tqdm or somebody who watches."""
        notebook = stream is None and "ipykernel" in sys.modules
        if not (notebook or (stream or sys.stderr).isatty()):
            return None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return None
        form = _BAR_FORMAT if total else None
        return _Bar(tqdm(total=total, desc=label, file=stream, dynamic_ncols=True, bar_format=form))

    def advance(self, text: Callable[[], str]) -> None:
        if time.perf_counter() >= self._next:
            self._bar.set_postfix_str(text(), refresh=False)
            self._next = time.perf_counter() + BAR_SECONDS
        self._bar.update()

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """A line of text every ten seconds, and one at the end."""

    def __init__(self, label: str, total: int | None, stream: TextIO) -> None:
        self._label, self._total, self._stream = label, total, stream
        self._start = time.perf_counter()
        self._next, self._done = self._start + 1.0, 0
        self._text: Callable[[], str] | None = None

    def advance(self, text: Callable[[], str]) -> None:
        self._done += 1
        self._text = text
        if time.perf_counter() >= self._next:
            self._write()

    def _write(self) -> None:
        self._next = time.perf_counter() + LINE_SECONDS
        of = f"/{self._total} ({self._done / self._total:.0%})" if self._total else ""
        seconds = int(time.perf_counter() - self._start)
        text = self._text() if self._text else ""
        self._text = None
        line = f"{self._label}: {self._done}{of}  {seconds // 60}:{seconds % 60:02}  {text}"
        self._stream.write(line.strip() + "\n")
        self._stream.flush()

    def close(self) -> None:
        if self._text is not None:
            self._write()
