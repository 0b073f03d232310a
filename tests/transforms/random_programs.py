"""Many random programs, from the command line.

    python tests/transforms/random_programs.py --examples 2000 --seed 1

prints each failure with the shortest program found that fails in the same check, and totals.
"""

import argparse
import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import program_checks
from program_checks import Outcome, examine
from programs import NAME, Program, generate

import rtorch as rt


def shortest(program: Program, fails: Callable[[Program], bool], seconds: float) -> Program:
    """A program that still fails, with nothing that `_shorter` could leave out."""
    end, found = time.monotonic() + seconds, True
    while found and time.monotonic() < end:
        found = False
        for candidate in _shorter(program):
            if time.monotonic() > end:
                break
            if fails(candidate):
                program, found = candidate, True
                break
    return program


def _shorter(program: Program) -> Iterator[Program]:
    """Programs with fewer results, or with less on the right of one line."""
    for name in [NAME.match(line)[0] for line in program.lines if re.match(r"v\d+ =", line)]:
        if program.results != (name,):
            yield replace(program, results=(name,)).cleaned()
    values = _values(program)
    for i, line in reversed(list(enumerate(program.lines))):
        found = re.fullmatch(r"( *)(return|v\d+ =|r\d+ =) (.*)", line)
        if not found:
            continue
        indent, start, text = found.groups()
        for other in (*_constants(program, values.get(start[:-2])), *_parts(text)):
            if len(other) < len(text):
                lines = [*program.lines]
                lines[i] = f"{indent}{start} {other}"
                yield replace(program, lines=tuple(lines)).cleaned()


def _parts(text: str) -> list[str]:
    """What an expression is made of: names of arrays."""
    return [name for name in dict.fromkeys(NAME.findall(text)) if name[0] in "avx"]


def _values(program: Program) -> dict[str, Any]:
    """Example values of the outer function's names."""
    names = [line.split()[0] for line in program.lines if re.match(r"v\d+ =", line)]
    everything = replace(program, results=tuple(names))
    return dict(zip(names, everything.function()(*program.inputs.values())))


def _constants(program: Program, value: Any) -> Iterator[str]:
    if value is None:
        return
    for name, x in program.inputs.items():
        if x.shape == value.shape and value.dtype.kind == "f":
            yield name
    if value.size == 1 or value.dtype.kind != "f":
        yield f"rt.asarray({value.tolist()})"
    if value.dtype.kind == "f":
        yield f"rt.zeros({value.shape})"
        yield f"rt.sum({next(iter(program.inputs))}) + rt.zeros({value.shape})"


def failing(check: str, error: str, seed: int) -> Callable[[Program], bool]:
    """Whether a program fails in a check, with the same kind of error."""
    function = getattr(program_checks, check)

    def fails(program: Program) -> bool:
        try:
            found = examine(program, seed, [function]).failures
        except Exception:
            return False
        return any(f.check == check and f.text.split(":")[0] == error for f in found)

    return fails


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first program")
    parser.add_argument("--steps", type=int, default=9, help="about so many lines each")
    parser.add_argument("--jax", type=int, default=0, help="compare every n-th with JAX")
    parser.add_argument("--stop", type=float, default=1e9, help="after so many seconds")
    parser.add_argument("--as-drawn", action="store_true", help="do not shorten failures")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    start, counts, kinds = time.monotonic(), Counter[str](), Counter[str]()
    rt.default_dtype(rt.float64)
    for seed in range(args.seed, args.seed + args.examples):
        if time.monotonic() - start > args.stop:
            break
        program = generate(Random(seed), args.steps)
        checks = list(program_checks.CHECKS)
        if args.jax and seed % args.jax == 0:
            checks.append(program_checks.jax)
        outcome = examine(program, seed, checks)
        flags = {name: getattr(outcome, name) for name in ("rough", "unsuitable", "in_jax")}
        failed = bool(outcome.failures)
        counts.update(programs=1, lines=len(program.lines), failed=failed, **flags)
        if outcome.failures:
            kinds.update(f.check for f in outcome.failures)
            report(seed, program, outcome, args.as_drawn)
    print(dict(counts), dict(kinds), f"{time.monotonic() - start:.0f} s")
    return 1 if counts["failed"] else 0


def report(seed: int, program: Program, outcome: Outcome, as_drawn: bool) -> None:
    failed = [f.check for f in outcome.failures]
    check, text = outcome.failures[0]
    if not as_drawn:
        program = shortest(program, failing(check, text.split(":")[0], seed), 60)
        text = next(iter(examine(program, seed, [getattr(program_checks, check)]).failures))[1]
    print(f"==== seed {seed}: {', '.join(failed)}\n{text}\n{program.regression}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
