"""Runs the public conformance suite of the array API standard, data-apis/array-api-tests.

    python tests/array_api/run.py                 fetch the suite (once) and run it
    python tests/array_api/run.py --suite DIR     use a checkout that is there already
    python tests/array_api/run.py --module numpy  the same of another library

What the suite asks and rtorch does otherwise is in xfails.txt, each with the reason.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SUITE = "https://github.com/data-apis/array-api-tests"
COMMIT = "c629835ad28ad1f4fcb4668d9c4c028416f2d54c"
VERSION = "2024.12"


def fetch(where: Path) -> None:
    """A checkout of the suite, with the specification that it reads, at a fixed commit."""
    if (where / "array_api_tests").exists():
        return
    subprocess.run(["git", "clone", "--quiet", SUITE, str(where)], check=True)
    subprocess.run(["git", "-C", str(where), "checkout", "--quiet", COMMIT], check=True)
    update = ["submodule", "--quiet", "update", "--init"]
    subprocess.run(["git", "-C", str(where), *update], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--suite", type=Path, default=ROOT / "out" / "array-api-tests")
    parser.add_argument("--module", default="rtorch", help="the array library")
    parser.add_argument("--examples", type=int, default=100, help="drawn for each test")
    options, more = parser.parse_known_args()
    fetch(options.suite)
    command = [
        sys.executable, "-m", "pytest", "array_api_tests", "-q", "-W", "ignore",
        "-p", "no:cacheprovider", "--disable-deadline", "--max-examples", str(options.examples),
    ]  # fmt: skip
    if options.module == "rtorch":
        command += ["--xfails-file", str(HERE / "xfails.txt")]
    env = os.environ | {
        "ARRAY_API_TESTS_MODULE": options.module,
        "ARRAY_API_TESTS_VERSION": VERSION,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.run([*command, *more], cwd=options.suite, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
