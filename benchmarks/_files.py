"""Many small files as batches: rtorch's loader and PyTorch's on the same work."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from _libraries import library
from _table import Row, ratio_at_most
from _timing import Effort, paired_calls

FILES, BATCH = 10_000, 128
SHAPE = (16, 32)  # of float32: 2 KiB


@contextmanager
def folder_of_files(count: int = FILES) -> Iterator[list[str]]:
    """Paths of so many ``.npy`` files."""
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        paths = [f"{folder}/{i:05d}.npy" for i in range(count)]
        for path in paths:
            np.save(path, rng.random(SHAPE, np.float32))
        yield paths


class NumpyLoad:
    """The dataset that one writes by hand, the same for both libraries."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return np.load(self.paths[index])


def epoch(loader: Any) -> int:
    """Go through all batches; how many samples there were."""
    return sum(len(batch) for batch in loader)


def sides(paths: list[str], workers: int, stack: ExitStack) -> dict[str, Callable[[], int]]:
    """An epoch of each library; its workers stay from one epoch to the next."""
    rt: Any = library("rtorch")
    found: dict[str, Callable[[], int]] = {}
    datasets = {"rtorch": rt.data.FileDataset(paths), "rtorch, np.load": NumpyLoad(paths)}
    for name, dataset in datasets.items():
        loader = rt.data.DataLoader(
            dataset, BATCH, workers=workers, kind="process", persistent=True
        )
        stack.callback(loader.close)
        found[name] = lambda loader=loader: epoch(loader)
    if torch := library("torch"):
        other = torch.utils.data.DataLoader(
            NumpyLoad(paths), BATCH, num_workers=workers, persistent_workers=workers > 0
        )
        found["torch, np.load"] = lambda: epoch(other)
    return found


def small_files(workers: int, effort: Effort) -> Row:
    with folder_of_files() as paths, ExitStack() as stack:
        calls = sides(paths, workers, stack)
        for call in calls.values():
            assert call() == FILES
        samples = paired_calls(calls, effort.epochs)
    other = "torch, np.load"
    limits = [ratio_at_most(samples, name, other, 1.0) for name in calls if name != other]
    return Row(f"{FILES} files of 2 KiB, batches of {BATCH}, {workers} workers", samples, limits)


def without_workers(effort: Effort) -> Row:
    return small_files(0, effort)


def with_workers(effort: Effort) -> Row:
    return small_files(2, effort)
