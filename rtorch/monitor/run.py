"""`Run`: what is written down while a model trains."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from rtorch import atomic
from rtorch.errors import ArgumentError, api, describe
from rtorch.monitor import samples
from rtorch.monitor.about import ABOUT, environment, read_about
from rtorch.monitor.journal import Journal, keep_until, read_lines
from rtorch.monitor.keeping import KeepsSamples
from rtorch.monitor.notebook import show_figure
from rtorch.monitor.plots import plot
from rtorch.monitor.progress import progress
from rtorch.monitor.records import RECORDS, read
from rtorch.monitor.report import report
from rtorch.monitor.tensorboard import board
from rtorch.monitor.values import as_step, named_scalars, plain_tree, to_json

__all__ = ["Run"]

T = TypeVar("T")

_FLUSH_SECONDS = 1.0
_FLUSH_RECORDS = 1000


class Run(KeepsSamples):
    """A directory that takes down what happens while a model trains; a context manager.

    In the directory stand ``run.json`` (name, configuration, environment, model, how it ended),
    ``records.jsonl`` (the numbers), ``samples.jsonl`` (images, texts, ...) and, if wanted,
    ``tensorboard/``. The lines are complete whatever stops the program; at most a second of
    records is lost when it is killed.

    A directory that is opened again continues: what stands there for steps after that of the
    first new record is dropped, so a training taken up from a checkpoint overwrites what came
    after it, and one begun anew overwrites all.

    Args:
        directory: Where to write; made if it is not there.
        name: What reports call the run; by default the name of the directory.
        config: A dict of whatever the run was started with, nested as you like.
        progress: Whether `Run.progress` shows anything.
        tensorboard: Whether to write TensorBoard's event files as well; without tensorboardX
            there is a warning in their place.

    Attributes:
        directory: Of the run, a `pathlib.Path`.
        config: What it was started with.
        latest: The value of every name that was written last, as the progress bar shows it.

    Raises:
        ArgumentError: for a `config` that is no mapping.

    Example:
        >>> import rtorch as rt, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> with rt.monitor.Run(folder.name, config={"rate": 0.1}, progress=False) as run:
        ...     for step in run.progress(range(3)):
        ...         run.log(step, loss=1 / (step + 1))
        >>> rt.monitor.read(folder.name)["loss"].round(3)
        array([1. , 0.5 , 0.333])
        >>> folder.cleanup()
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        name: str | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        progress: bool = True,
        tensorboard: bool = False,
    ) -> None:
        if config is not None and not isinstance(config, Mapping):
            raise ArgumentError(f"[Run] config is {describe(config)}, expected a dict; try vars(x)")
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = dict(config or {})
        self.latest: dict[str, float] = {}
        self._shows_progress = progress
        self._records = Journal(self.directory / RECORDS)
        self._samples = Journal(self.directory / samples.SAMPLES)
        self._waiting: list[tuple[int, float, dict[str, Any]]] = []
        self._flushed = time.monotonic()
        self._drawn: dict[str, Any] = {}
        self._is_new, self._is_closed = True, False
        self._board = board(tensorboard, self.directory / "tensorboard")
        self._about = {
            **read_about(self.directory),
            "name": str(name or self.directory.resolve().name),
            "config": plain_tree(self.config),
            "environment": environment(),
            "status": "running",
            "started": time.time(),
            "ended": None,
        }
        self._write_about()

    @property
    def step(self) -> int:
        """The greatest step with a record, -1 without one."""
        self.flush()
        return max((entry["step"] for entry in read_lines(self.directory / RECORDS)), default=-1)

    @api
    def log(self, step: int, tree: Any = None, /, **values: Any) -> None:
        """Write down numbers of one step.

        Nothing waits for the device: arrays on a GPU are copied there, and read when the record
        is written, about once a second.

        Args:
            step: A whole number.
            tree: A pytree of scalars, named by their paths: ``{"train": {"loss": x}}`` becomes
                ``train/loss``.
            values: More of them by name: ``loss=x``.

        Raises:
            ShapeError: for an array of more than one element.
            ArgumentError: for what is no number, a name that is taken, a run that is closed.
        """
        step = self._begin("log", step)
        self._waiting.append((step, time.time(), named_scalars(tree, values)))
        self._flush_if_late()

    @api
    def model(self, summary: Any) -> None:
        """Keep the table of `nn.summary`, or any text, for the report."""
        self._check_open("model")
        self._about["model"] = str(summary)
        self._write_about()

    def progress(
        self,
        iterable: Iterable[T],
        total: int | None = None,
        *,
        samples: int = 1,
        label: str | None = None,
    ) -> Iterator[T]:
        """The items of `iterable`, while a progress bar shows metrics and throughput.

        Without a terminal or tqdm there is a line of text every ten seconds.

        Args:
            iterable: What to loop over.
            total: How many items it has, if it has no length.
            samples: In one item, for the rate: the size of a batch.
            label: In front of the bar; by default the name of the run.
        """
        if not self._shows_progress:
            return iter(iterable)
        label = self._about["name"] if label is None else label
        return progress(iterable, total, samples, str(label), lambda: self.latest)

    @api
    def plot(
        self, path: str | os.PathLike[str] | None = None, *, every: float = 0.0, **options: Any
    ) -> None:
        """Draw all curves into a file, or show them in a notebook, in place of what it shows.

        Args:
            path: The picture, replaced at once; None for the notebook.
            every: Do nothing if less than so many seconds have passed since the last time: for
                a plot that follows a loop.
            options: Of `rt.monitor.plot`.
        """
        if self._is_due(f"plot {path}", every):
            self.flush()
            figure = plot(read(self.directory), path, title=self._about["name"], **options)
            if path is None:
                show_figure(figure, self._drawn)

    @api
    def report(self, path: str | os.PathLike[str], *, every: float = 0.0) -> None:
        """Write the HTML page of `rt.monitor.report`; `every` as in `Run.plot`.

        After the ``with`` block it says how the run has ended.
        """
        if self._is_due(f"report {path}", every):
            self.flush()
            report(self.directory, path)

    def flush(self) -> None:
        """Hand all records to the operating system, waiting for the device where they need it."""
        waiting, self._waiting = self._waiting, []
        for step, when, held in waiting:
            values = to_json(held)
            self._records.add({"step": step, "time": round(when, 3), "values": values})
            self._board.scalars(step, when, values)
            self.latest.update((name, float(value)) for name, value in values.items())
        self._records.flush()
        self._samples.flush()
        self._flushed = time.monotonic()

    def _flush_if_late(self) -> None:
        late = time.monotonic() - self._flushed > _FLUSH_SECONDS
        if late or len(self._waiting) >= _FLUSH_RECORDS:
            self.flush()

    def close(self, status: str = "finished") -> None:
        """Bring all to the disk; the ``with`` statement does it."""
        if not self._is_closed:
            self.flush()
            self._records.close()
            self._samples.close()
            self._board.close()
            self._about.update(status=status, ended=time.time())
            self._write_about()
            self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close("finished" if kind is None else f"stopped by {kind.__name__}: {error}"[:500])

    def _sample(self, method: str, step: int, name: str, entry: samples.Entry) -> None:
        step = self._begin(method, step)
        entry = {"step": step, "time": round(time.time(), 3), "name": str(name), **entry}
        self._samples.add(entry)
        self._board.sample(entry)
        self._flush_if_late()

    def _begin(self, method: str, step: Any) -> int:
        """The step as an int; before the first record, what is left from after it goes."""
        self._check_open(method)
        step = as_step(method, step)
        if self._is_new:
            for file in (RECORDS, samples.SAMPLES):
                keep_until(self.directory / file, step)
            self._is_new = False
        return step

    def _check_open(self, method: str) -> None:
        if self._is_closed:
            raise ArgumentError(f"[Run.{method}] the run is closed; open its directory again")

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if every and now - self._drawn.get(what, -every) < every:
            return False
        self._drawn[what] = now
        return True

    def _write_about(self) -> None:
        text = json.dumps(self._about, indent=1) + "\n"
        atomic.write(self.directory / ABOUT, text.encode())
