"""Datasets and loaders of the tests; worker processes import them from here."""

import os
import signal
import time
from typing import Any

import numpy as np

import rtorch as rt
from rtorch import data

KEY = rt.random.key(7)
WORKERS: list[dict[str, Any]] = [
    {},
    {"workers": 1},
    {"workers": 3, "prefetch": 1},
    {"workers": 2, "prefetch": 5},
    {"workers": 2, "kind": "process"},
]
IDS = ["inline", "thread", "threads", "threads-ahead", "processes"]


def plain(tree: Any) -> Any:
    """Leaves as lists, to be compared."""
    return rt.tree.map(lambda x: x.tolist() if hasattr(x, "tolist") else x, tree)


def epoch_of(loader: data.DataLoader, number: int = 0) -> list[Any]:
    return [plain(batch) for batch in loader.epoch(number)]


def double(x: Any) -> Any:
    return 2 * x


def with_noise(sample: Any, key: Any) -> Any:
    return sample + np.asarray(rt.random.normal(key, (2,)))


def is_even(x: Any) -> bool:
    return x.item() % 2 == 0


def y_of(sample: Any) -> Any:
    return sample["y"]


def fail_to_collate(samples: Any) -> Any:
    raise ValueError("no batch")


class Rows:
    """Samples that are computed: a dict of arrays, numbers and text."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < self.size:
            raise IndexError(index)
        return {"x": np.full((40, 50), index, np.float32), "y": index, "name": f"row {index}"}


class Numbers:
    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        return np.array([index, index], np.float32)


class Failing(Numbers):
    """Raises at one index."""

    def __init__(self, size: int, at: int, error: Any) -> None:
        super().__init__(size)
        self.at, self.error = at, error

    def __getitem__(self, index: int) -> Any:
        if index == self.at:
            raise self.error
        return super().__getitem__(index)


class PeculiarError(Exception):
    """Cannot be unpickled: its arguments are not those of its class."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


class Dying(Numbers):
    """Ends its process at one index, in one of several ways."""

    def __init__(self, size: int, at: int, how: str) -> None:
        super().__init__(size)
        self.at, self.how = at, how

    def __getitem__(self, index: int) -> Any:
        if index == self.at:
            if self.how == "exit":
                os._exit(3)
            if self.how == "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        return np.full((50, 50), index, np.float32)


class Slow(Numbers):
    """The first samples take longest, so that batches come out of order."""

    def __getitem__(self, index: int) -> Any:
        time.sleep(0.02 if index < 4 else 0.0)
        return super().__getitem__(index)


class Squares:
    """To iterate over, from any point."""

    start = 0

    def __init__(self, size: int) -> None:
        self.size = size

    def resume(self, state: Any, key: Any) -> Any:
        for i in range(int(state), self.size):
            yield np.array([i * i]), i + 1


class Plain:
    """To iterate over, from the beginning."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Any:
        for i in range(self.size):
            yield {"x": np.array([i]), "y": i}


class FailingStream(Plain):
    def __iter__(self) -> Any:
        for i, sample in enumerate(super().__iter__()):
            if i == 7:
                raise KeyError("the seventh")
            yield sample
