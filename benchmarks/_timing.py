"""Time several implementations of one thing against each other.

The sides run in turn within one process, so that whatever slows the machine down slows all of
them down. A sample is the mean of as many calls as fill `slot` seconds; the garbage collector is
off while a sample is taken. Medians are what is compared; minima stand beside them.
"""

import gc
import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Call = Callable[[], Any]
Sides = Mapping[str, Call]


class Sample(NamedTuple):
    """Seconds per call."""

    median: float
    minimum: float
    count: int


Samples = dict[str, Sample]


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int = 25  # samples of each side
    slot: float = 0.01  # seconds that one sample takes, about
    processes: int = 15  # samples of each side where each is a new process
    epochs: int = 7  # samples of each side where one is a call that takes long


QUICK = Effort(rounds=7, slot=0.003, processes=3, epochs=3)


def paired(sides: Sides, effort: Effort) -> Samples:
    """Time calls that can be repeated."""
    counts = {name: calls_per_sample(call, effort.slot) for name, call in sides.items()}
    return collect(
        {name: lambda n=name: mean_time(sides[n], counts[n]) for name in sides}, effort.rounds
    )


def paired_once(makers: Mapping[str, Callable[[], Call]], rounds: int) -> Samples:
    """Time calls that count only once: each sample calls what `maker()` has just made."""
    for maker in makers.values():
        maker()()
    return collect({name: lambda m=m: mean_time(m(), 1) for name, m in makers.items()}, rounds)


def paired_calls(sides: Sides, rounds: int) -> Samples:
    """Time calls that are long enough to be samples themselves, and are warm already."""
    return collect({name: lambda c=call: mean_time(c, 1) for name, call in sides.items()}, rounds)


def collect(timers: Mapping[str, Callable[[], float]], rounds: int) -> Samples:
    """Take `rounds` samples of each side in turn; every round starts with another side."""
    names = list(timers)
    times: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(rounds):
        gc.collect()
        start = round_number % len(names)
        for name in names[start:] + names[:start]:
            times[name].append(timers[name]())
    return {
        name: Sample(statistics.median(values), min(values), len(values))
        for name, values in times.items()
    }


def mean_time(call: Call, count: int) -> float:
    """Seconds of one call, the mean of `count`."""
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in itertools.repeat(None, count):
            call()
        return (time.perf_counter() - start) / count
    finally:
        gc.enable()


def calls_per_sample(call: Call, slot: float) -> int:
    """How many calls fill `slot` seconds; warms the call up on the way."""
    call()
    count = 1
    while (spent := mean_time(call, count) * count) < slot / 2:
        count = max(2 * count, int(count * 0.5 * slot / max(spent, 1e-9)))
    return max(1, round(count * slot / spent))
