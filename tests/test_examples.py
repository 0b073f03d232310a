"""The examples run from a command line and do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def run(example: str, *arguments: object, cwd: Path) -> str:
    """What the example prints to its standard output."""
    # One BLAS thread: beside other tests on all cores, small products would wait for each other.
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / example), *map(str, arguments)],
        env={"PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(cwd), "OPENBLAS_NUM_THREADS": "1"},
        cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_examples_are_short_and_say_what_they_are(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert text.startswith('"""')


def test_digits_quick(tmp_path: Path) -> None:
    for package in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(package, reason=f"the example needs {package}")
    out = run("digits.py", "--quick", "--out", tmp_path / "results", cwd=tmp_path)
    test, again = (float(number) for number in re.findall(r"test.*?([\d.]+)%", out))
    assert test == again
    assert test > 80  # three epochs; the whole run is above 97
    assert (tmp_path / "results" / "digits_loss.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "results" / "digits.npz").stat().st_size > 100_000


def test_digits_names_the_missing_package(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.modules['sklearn'] = None; "
        f"runpy.run_path({str(EXAMPLES / 'digits.py')!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if "matplotlib" in done.stderr.splitlines()[-1]:
        pytest.skip("matplotlib is missing too")
    assert "MissingDependencyError: [digits] the example needs sklearn" in done.stderr
    assert "pip install 'rtorch[examples]'" in done.stderr
