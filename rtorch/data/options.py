"""The options of a loader: what may be given together, and what follows from it."""

from __future__ import annotations

from typing import Any, NamedTuple

from rtorch.data.samplers import Sampler
from rtorch.errors import ArgumentError, MissingDependencyError, describe

_KINDS = ("thread", "process")


class Options(NamedTuple):
    """See `DataLoader`."""

    workers: int
    kind: str
    prefetch: int | None
    timeout: float | None
    persistent: bool
    progress: bool
    shuffle: bool
    drop_last: bool
    sampler: Sampler | None
    batch_sampler: Sampler | None

    @property
    def ahead(self) -> int:
        """How many batches are asked for before the first one is used."""
        if not self.workers:
            return 1
        return self.prefetch or 2 * self.workers

    def check(self, batch_size: Any, by_index: bool) -> None:
        """Raise `ArgumentError` where options are wrong, or contradict each other."""
        if batch_size is not None:
            _check_int("batch_size", batch_size, 1)
        elif self.drop_last:
            raise _wrong("drop_last", "without batches (batch_size=None) there is no smaller one")
        _check_int("workers", self.workers, 0)
        if self.kind not in _KINDS:
            raise _wrong("kind", f"expected one of {_KINDS}, got {self.kind!r}")
        if self.prefetch is not None:
            _check_int("prefetch", self.prefetch, 1 if self.workers else 0)
            if self.prefetch and not self.workers:
                raise _wrong("prefetch", "nobody loads ahead without workers; give workers=1")
        number = isinstance(self.timeout, int | float) and not isinstance(self.timeout, bool)
        if self.timeout is not None and not (number and self.timeout > 0):
            raise _wrong("timeout", f"expected seconds or None, got {describe(self.timeout)}")
        for name in ("sampler", "batch_sampler"):
            sampler = getattr(self, name)
            if sampler is not None and not isinstance(sampler, Sampler):
                raise _wrong(name, "expected a Sampler, such as data.shuffled(size), got "
                                   f"{describe(sampler)}")  # fmt: skip
            if sampler is not None and not by_index:
                raise _wrong(name, "a dataset to iterate over has its own order")
        if self.shuffle and not by_index:
            raise _wrong("shuffle", "a dataset to iterate over has its own order")
        if self.shuffle and self.sampler is not None:
            raise _wrong("shuffle", "the sampler decides on the order; give one of the two")
        if self.batch_sampler is not None and (
            batch_size != 1 or self.shuffle or self.sampler is not None or self.drop_last
        ):
            raise _wrong("batch_sampler", "it decides on the batches: leave out batch_size, "
                                          "shuffle, sampler and drop_last")  # fmt: skip


def _wrong(argument: str, what: str) -> ArgumentError:
    return ArgumentError(f"[DataLoader] {argument}: {what}")


def _check_int(argument: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _wrong(argument, f"expected an integer of {least} or more, got {describe(value)}")


def progress_bar(state: Any, total: int | None) -> Any:
    """A bar of tqdm for the rest of an epoch."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise MissingDependencyError(
            "[DataLoader] progress=True needs tqdm: pip install 'rtorch[monitor]'"
        ) from None
    return tqdm(total=total, initial=state.step, desc=f"epoch {state.epoch}", unit="batch")
