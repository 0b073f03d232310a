"""Writes docs/functions.md: what was checked of every function of the array namespace.

    python tests/functions/coverage.py          check everything and write the table
    python tests/functions/coverage.py --only linalg   print the rows of some functions

A tick stands for checks that were run just now, over all entries of the function in
tests/function_specs: they are those of the test-suite. What is not there has its reason below the
table. The exit status is 1 if a check failed.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "functions")]

import test_functions as checks  # noqa: E402
from function_specs import F64, Fn, specs  # noqa: E402
from functions_without_specs import EXEMPT, table_names  # noqa: E402

import rtorch as rt  # noqa: E402

OUT = ROOT / "docs" / "functions.md"
COLUMNS = ("value", "jvp", "vjp", "vmap", "jit")
YES, NO = "✓", "✗"

HEAD = """# Functions of the array namespace

Written by `make coverage`. A tick means: checked, in every way of calling the function that
`tests/function_specs` lists. *value*: equal to NumPy's or SciPy's, in all its dtypes; *jvp* and
*vjp*: derivatives of forward and reverse mode, to second order where there are any, equal to finite
differences in float64; *vmap*: equal to a loop; *jit*: equal to the eager result. Numbers refer to
the reasons below the table.

"""


class Cell(NamedTuple):
    """A tick, a failure with its message, or the reason why there is nothing to check."""

    mark: str
    text: str = ""


def attempt(check: Callable[[], Any]) -> Cell:
    try:
        check()
    except Exception as error:  # whatever it is, the table says that it failed
        return Cell(NO, f"{type(error).__name__}: {str(error).splitlines()[0]}")
    return Cell(YES)


def value(f: Fn) -> Cell:
    if f.reference is None:
        return Cell("", "its values are tested by themselves")

    def check() -> None:
        for dtype in f.dtypes:
            checks.test_value(f, dtype)

    return attempt(check)


def derivative(f: Fn, mode: str) -> Cell:
    if not f.order:
        return Cell("", f.why_not_smooth or "its result does not depend smoothly on its arguments")

    def check() -> None:
        for dtype in {F64, *f.differentiable_dtypes} & set(f.dtypes) & checks.EXACT:
            call, some = checks.closed(f, f.draw(dtype))
            rt.testing.check_grads(
                call, some, order=f.order, modes=(mode,), rtol=2e-5, atol=2e-5
            )  # fmt: skip

    return attempt(check)


def under(f: Fn, transform: str) -> Cell:
    reason = f.no_jit if transform == "jit" else f.no_vmap
    if reason:
        return Cell("", reason)
    if transform == "vmap" and not f.operands:
        return Cell("", "it takes no arrays")
    check = checks.test_jit if transform == "jit" else checks.test_vmap
    return attempt(lambda: check(f, checks.one_dtype(f)[0]))


def row(entries: list[Fn]) -> list[Cell]:
    """One cell per column: of all entries of a function the worst, ticks before reasons."""
    columns = [
        [value(f) for f in entries],
        [derivative(f, "fwd") for f in entries],
        [derivative(f, "rev") for f in entries],
        [under(f, "vmap") for f in entries],
        [under(f, "jit") for f in entries],
    ]
    order = {NO: 0, YES: 1, "": 2}
    return [min(cells, key=lambda c: order[c.mark]) for cells in columns]


def rows(only: str) -> Iterator[tuple[str, list[Cell]]]:
    entries: dict[str, list[Fn]] = {}
    for f in specs():
        entries.setdefault(f.name, []).append(f)
    for name in sorted(table_names() - set(EXEMPT), key=lambda n: (n.count("."), n)):
        if only in name:
            yield name, row(entries[name]) if name in entries else [Cell(NO, "no entry")] * 5


def table(found: list[tuple[str, list[Cell]]]) -> str:
    reasons: dict[str, int] = {}
    lines = [f"| function | {' | '.join(COLUMNS)} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for name, cells in found:
        shown = [c.mark or str(reasons.setdefault(c.text, len(reasons) + 1)) for c in cells]
        lines.append(f"| `{name}` | {' | '.join(shown)} |")
    lines += ["", "Reasons:", ""]
    lines += [f"{number}. {reason}." for reason, number in reasons.items()]
    if EXEMPT:
        lines += ["", "Not in the table:", ""]
        lines += [f"- `{name}`: {reason}." for name, reason in sorted(EXEMPT.items())]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="functions with TEXT in them")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = list(rows(options.only))
    if options.only:
        print(table(found))
    else:
        OUT.write_text(HEAD + table(found), encoding="utf-8")
    failed = [f"{n}, {c}: {x.text}" for n, r in found for c, x in zip(COLUMNS, r) if x.mark == NO]
    print("\n".join(failed) or f"{len(found)} functions, no failure")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
