"""Hostile files: each is refused with a FileFormatError, or loads, and nothing else happens.

    python tests/io/fuzz.py --cases 20000 --seed 0
    python tests/io/fuzz.py --format torch --seed 0 --only 1234

Every format runs in a process of its own, with a limit on its memory. A case is made from its
number and the seed alone. What counts as a failure: any other exception, a crash, a call of the
operating system or of the compiler, more memory than twice the file and what was loaded from it
(and 64 MiB for small objects), or more than ten seconds of computing.
"""

import argparse
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzz_files

import rtorch as rt
from rtorch.errors import FileFormatError, TreeError

ALLOWED = 64 << 20  # bytes of memory for small objects
ADDRESS_SPACE = 2 << 30  # bytes that a process may map beyond what it has at the start
SLOWEST = 10  # seconds for one case
FORMATS = ("npz", "safetensors", "torch", "torch-legacy")
DANGEROUS = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "exec",
             "compile", "socket.connect", "shutil.rmtree", "os.remove")  # fmt: skip

_watching = False
_seen: list[str] = []


def audit(event: str, args: Any) -> None:
    """Note what a file that is only read must not lead to."""
    if _watching and event in DANGEROUS:
        _seen.append(f"{event} {args}"[:200])


def too_slow(*args: Any) -> None:
    raise TimeoutError(f"more than {SLOWEST} seconds")


def eager(format: str) -> Callable[..., Any]:
    """What reads a whole file into memory."""
    return {"npz": rt.load, "safetensors": rt.io.load_safetensors}.get(format, rt.io.load_torch)


def loaders(format: str) -> list[Callable[[Path], Any]]:
    load = eager(format)
    found = [load, lambda path: load(path, mmap=True), entries]
    if format == "npz":
        found.append(lambda path: rt.io.compare(path, fuzz_files.TREE))
    return found


def entries(path: Path) -> Any:
    """All arrays of a file, one after the other."""
    return [entry.read() for entry in rt.io.open(path).values()]


def nbytes(value: Any) -> int:
    """What arrays take in memory: one that repeats an element by a stride of 0 takes little."""
    if isinstance(value, dict):
        return sum(map(nbytes, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(nbytes, value))
    return value.nbytes if isinstance(value, rt.Array) else 0


def content_of(value: Any) -> Any:
    """What is to be the same where a damage was not noticed."""
    if isinstance(value, dict):
        return [(key, content_of(child)) for key, child in value.items()]
    if isinstance(value, list | tuple):
        return [content_of(child) for child in value]
    if hasattr(value, "dtype"):
        return str(value.dtype), value.shape, value.tobytes()
    return repr(value)


def attempt(load: Callable[[Path], Any], path: Path) -> tuple[str, Any]:
    """How a load ended, and what it gave."""
    try:
        return "loaded", load(path)
    except (FileFormatError, TreeError):  # a class in a tree, which takes like=
        return "refused", None


def run_case(format: str, seed: int, number: int, path: Path) -> tuple[str, str | None]:
    """How the case ended, and what was wrong about that."""
    global _watching
    rng = random.Random(f"{seed} {format} {number}")
    kind, content = fuzz_files.hostile(format, rng)
    path.write_bytes(content)
    load = rng.choice(loaders(format))
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    _seen.clear()
    start = time.process_time()
    _watching = True
    signal.setitimer(signal.ITIMER_PROF, SLOWEST)
    try:
        outcome, value = attempt(load, path)
    except BaseException as error:
        return kind, f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _watching = False
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1] - before
    size = nbytes(value)
    if _seen:
        return kind, f"did {_seen}"
    if peak > 2 * (len(content) + size) + ALLOWED:
        return kind, f"took {peak} bytes for a file of {len(content)} and arrays of {size}"
    checked = format in ("npz", "torch") and load is eager(format) and kind in fuzz_files.DAMAGE
    if checked and outcome == "loaded" and content_of(value) not in contents:
        return kind, "damage was not noticed, and something else was loaded"
    worst["bytes"] = max(worst["bytes"], peak)
    worst["seconds"] = max(worst["seconds"], seconds)
    return f"{kind}: {outcome}", None


worst = {"bytes": 0, "seconds": 0.0}
contents: list[Any] = []  # of the files before they were damaged


def run_format(format: str, cases: int, seed: int, only: int | None) -> int:
    """The number of failures."""
    sys.addaudithook(audit)
    signal.signal(signal.SIGPROF, too_slow)
    counts: Counter[str] = Counter()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"case.{format}"
        for content in fuzz_files.originals(format):  # also imports what is imported late
            path.write_bytes(content)
            for load in loaders(format):
                assert attempt(load, path)[0] == "loaded"
            contents.append(content_of(eager(format)(path)))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESS_SPACE,) * 2)
        tracemalloc.start()
        for number in [only] if only is not None else range(cases):
            what, wrong = run_case(format, seed, number, path)
            counts[what] += 1
            if wrong:
                failures += 1
                print(f"FAILED {format} --seed {seed} --only {number} ({what}): {wrong}")
        assert [file.name for file in Path(folder).iterdir()] == [path.name]
    print(f"{format}: {cases} cases, {failures} failures; most memory {worst['bytes'] >> 10} KiB, "
          f"slowest {worst['seconds']:.2f} s")  # fmt: skip
    for what, count in sorted(counts.items()):
        print(f"  {count:6} {what}")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=1000, help="for each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=FORMATS, help="only this one, in this process")
    parser.add_argument("--only", type=int, help="only the case of this number")
    options = parser.parse_args()
    if options.format:
        return bool(run_format(options.format, options.cases, options.seed, options.only))
    codes = []
    for format in FORMATS:
        command = [sys.executable, __file__, "--format", format]
        command += ["--cases", str(options.cases), "--seed", str(options.seed)]
        codes.append(subprocess.run(command, check=False).returncode)
        if codes[-1] not in (0, 1):
            print(f"{format}: the process ended with {codes[-1]}")
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
