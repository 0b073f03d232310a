"""The command line of the benchmarks: which rows, how much effort, where to."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from _table import Row, heading, lines, summary, write_json
from _timing import QUICK, Effort


def arguments(description: str, rows: Mapping[str, object]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples: a rough picture")
    parser.add_argument("--only", metavar="TEXT", default="", help=f"rows: {', '.join(rows)}")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures to FILE")
    return parser.parse_args()


def run(description: str, rows: Mapping[str, Callable[[Effort], Row]]) -> int:
    """Measure and print row by row; the exit code."""
    options = arguments(description, rows)
    effort = QUICK if options.quick else Effort()
    print(heading())
    measured: list[Row] = []
    for name, measure in rows.items():
        if options.only in name:
            measured.append(measure(effort))
            print("\n".join(lines(measured[-1])), flush=True)
    print(f"\n{summary(measured)}")
    if options.json:
        write_json(measured, options.json)
    return 0
