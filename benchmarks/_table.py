"""Rows of measurements, their targets, and how both are printed."""

import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from _timing import Samples

PACKAGES = ("rtorch", "numpy", "jax", "torch", "autograd", "optax")


class Target(NamedTuple):
    """What a row must reach; `ok` is None where a side was not installed."""

    text: str
    measured: str
    ok: bool | None


class Row(NamedTuple):
    what: str
    samples: Samples
    targets: list[Target]


def show_time(seconds: float) -> str:
    """`seconds` with a unit that leaves one to three digits before the point."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def at_most(samples: Samples, side: str, limit: float, over: str | None = None) -> Target:
    """`side` takes `limit` seconds or less, or so much more than the side `over`."""
    base = f"{over} + " if over else ""
    text = f"{side} <= {base}{show_time(limit)}"
    needed = [side, over] if over else [side]
    if any(name not in samples for name in needed):
        return Target(text, "-", None)
    value = samples[side].median - (samples[over].median if over else 0.0)
    sign = "+" if over and value >= 0 else ""
    return Target(text, sign + show_time(value), value <= limit)


def ratio_at_most(samples: Samples, side: str, other: str, limit: float) -> Target:
    """`side` takes at most `limit` times as long as `other`."""
    text = f"{side} <= {limit:g} x {other}"
    if side not in samples or other not in samples:
        return Target(text, "-", None)
    value = samples[side].median / samples[other].median
    return Target(text, f"{value:.2f} x", value <= limit)


def faster_than(samples: Samples, side: str, other: str, factor: float = 1.0) -> Target:
    """`side` is at least `factor` times as fast as `other`."""
    text = f"{side} faster than {other}"
    text += f", {factor:g} times or more" if factor != 1.0 else ""
    if side not in samples or other not in samples:
        return Target(text, "-", None)
    value = samples[other].median / samples[side].median
    return Target(text, f"{value:.2f} times", value >= factor)


def lines(row: Row) -> Iterator[str]:
    """The text of one row; ratios are to the first side."""
    yield row.what
    first = next(iter(row.samples.values()), None)
    for name, sample in row.samples.items():
        ratio = sample.median / first.median if first else 1.0
        yield (
            f"    {name:<18} {show_time(sample.median):>9}   min {show_time(sample.minimum):>9}"
            f"   {ratio:8.2f} x"
        )
    for target in row.targets:
        verdict = {True: "ok", False: "SHORT", None: "not measured"}[target.ok]
        yield f"    target: {target.text:<48} {target.measured:>11}   {verdict}"


def summary(rows: list[Row]) -> str:
    """How many targets were reached."""
    verdicts = [target.ok for row in rows for target in row.targets]
    return (
        f"{verdicts.count(True)} targets ok, {verdicts.count(False)} short, "
        f"{verdicts.count(None)} not measured"
    )


def machine() -> dict[str, Any]:
    """Interpreter, processor and versions that the figures belong to."""
    return {
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": cores(),
        "packages": {name: version for name in PACKAGES if (version := version_of(name))},
    }


def version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor()


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def heading() -> str:
    """The machine in three lines."""
    facts = machine()
    versions = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['system']}\n"
        f"Python {facts['python']}, {versions}\n"
        "median time of a call; ratios to the first side of the row\n"
    )


def write_json(rows: list[Row], file: Path) -> None:
    """Everything measured, seconds throughout."""
    record = {
        "machine": machine(),
        "rows": [
            {
                "what": row.what,
                "samples": {name: sample._asdict() for name, sample in row.samples.items()},
                "targets": [target._asdict() for target in row.targets],
            }
            for row in rows
        ],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record, indent=2) + "\n")
