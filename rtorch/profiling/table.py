"""Events added up: by operation or by line, and as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rtorch.errors import ArgumentError, SourceLine
from rtorch.profiling.events import Event

_COLUMNS = ("calls", "total ms", "self ms", "self %", "MB", "GFLOP/s", "GB/s")
_SORTS = ("self", "total", "calls", "bytes", "flops")


class Row(NamedTuple):
    """One row.

    Attributes:
        name: The operation, or ``file:line``.
        calls: How often it ran.
        total: Seconds.
        self: Seconds without the operations inside.
        bytes: Of operands and results.
        flops: As far as they are known.
        line: The line that took most of the time; of a line its text.
    """

    name: str
    calls: int
    total: float
    self: float
    bytes: int
    flops: float
    line: str

    @property
    def flops_per_second(self) -> float:
        """Of the self time; 0 where no flops are known."""
        return self.flops / self.self if self.self else 0.0

    @property
    def bytes_per_second(self) -> float:
        """Of the self time."""
        return self.bytes / self.self if self.self else 0.0


class _Sum:
    __slots__ = ("bytes", "calls", "flops", "self_ns", "total_ns")

    def __init__(self) -> None:
        self.calls, self.total_ns, self.self_ns, self.bytes, self.flops = 0, 0, 0, 0, 0.0

    def add(self, event: Event, outermost: bool) -> None:
        self.calls += 1
        self.total_ns += event.total if outermost else 0
        self.self_ns += event.self
        self.bytes += event.bytes
        self.flops += event.flops

    def row(self, name: str, line: str) -> Row:
        return Row(name, self.calls, self.total_ns / 1e9, self.self_ns / 1e9, self.bytes,
                   self.flops, line)  # fmt: skip


class Sums:
    """Running sums over events."""

    def __init__(self) -> None:
        self.calls = 0
        self.busy = 0  # nanoseconds
        self._by_op: dict[str, _Sum] = {}
        self._by_line: dict[tuple[str, int], _Sum] = {}
        self._where: dict[str, dict[tuple[str, int], int]] = {}  # nanoseconds of an op's lines
        self._sources: dict[tuple[str, int], SourceLine] = {}

    def add(self, event: Event) -> None:
        """Count one more."""
        self.calls += 1
        self.busy += event.self
        self._by_op.setdefault(event.name, _Sum()).add(event, event.first_of_name)
        if event.source is None:
            return
        line = event.source.file, event.source.line
        self._sources.setdefault(line, event.source)
        self._by_line.setdefault(line, _Sum()).add(event, event.first_of_line)
        times = self._where.setdefault(event.name, {})
        times[line] = times.get(line, 0) + event.self

    def table(self, by: str, sort: str, limit: int | None, footer: str) -> Table:
        """The sums, sorted."""
        if by not in ("op", "line"):
            raise ArgumentError(f"[profile] by: expected 'op' or 'line', got {by!r}")
        if sort not in _SORTS:
            raise ArgumentError(f"[profile] sort: expected one of {_SORTS}, got {sort!r}")
        if by == "op":
            rows = [found.row(name, self._line_of(name)) for name, found in self._by_op.items()]
        else:
            rows = [found.row(f"{short(line[0])}:{line[1]}", self._sources[line].text)
                    for line, found in self._by_line.items()]  # fmt: skip
        rows.sort(key=lambda row: getattr(row, sort), reverse=True)
        return Table("operation" if by == "op" else "line", rows, limit, footer)

    def _line_of(self, name: str) -> str:
        times = self._where.get(name)
        if not times:
            return ""
        line = max(times, key=times.__getitem__)
        return f"{short(line[0])}:{line[1]} {self._sources[line].text}".rstrip()


def short(file: str) -> str:
    """The name of a file without its folders."""
    return file.replace("\\", "/").rsplit("/", 1)[-1]


class Table:
    """Rows to print; `rows` has all of them."""

    def __init__(self, title: str, rows: Sequence[Row], limit: int | None, footer: str) -> None:
        self.rows = list(rows)
        self._title, self._limit, self._footer = title, limit, footer

    def __str__(self) -> str:
        shown = self.rows if self._limit is None else self.rows[: self._limit]
        whole = sum(row.self for row in self.rows) or 1.0
        width = min(44, max([len(self._title), *[len(row.name) for row in shown]]))
        columns = zip(_COLUMNS, (7, 10, 10, 6, 10, 8, 8))
        heads = " ".join(f"{column:>{n}}" for column, n in columns)
        head = f"{self._title:<{width}} {heads}  {'text' if self._title == 'line' else 'line'}"
        lines = [head, "-" * len(head)]
        lines += [_text(row, width, whole) for row in shown]
        if len(shown) < len(self.rows):
            lines.append(f"... {len(self.rows) - len(shown)} more rows")
        return "\n".join([*lines, self._footer])

    __repr__ = __str__


def _text(row: Row, width: int, whole: float) -> str:
    name = row.name if len(row.name) <= width else row.name[: width - 1] + "…"
    line = row.line if len(row.line) <= 60 else row.line[:59] + "…"
    return (
        f"{name:<{width}} {row.calls:>7} {row.total * 1e3:>10.3f} {row.self * 1e3:>10.3f} "
        f"{100 * row.self / whole:>6.1f} {row.bytes / 1e6:>10.3f} "
        f"{_rate(row.flops_per_second)} {_rate(row.bytes_per_second)}  {line}"
    ).rstrip()


def _rate(per_second: float) -> str:
    return f"{per_second / 1e9:>8.2f}" if per_second else f"{'':>8}"
