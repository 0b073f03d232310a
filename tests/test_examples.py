"""The examples run from a command line and do what they say.

Their data need a download, so here smaller sets of the same form stand in for them. Where
``RTORCH_DATA`` names a folder that has the real ones, those are used too.
"""

import functools
import gzip
import hashlib
import http.server
import json
import os
import re
import runpy
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
CHARACTERS = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HAS_DATA = all(
    (Path(os.environ.get("RTORCH_DATA", "nowhere")) / name).exists()
    for name in ("fashion-mnist", "tinyshakespeare")
)

# Runs an example with other checksums for the data: those of what stands in for them.
STAND_IN = """
import json, runpy, sys
sys.path.insert(0, sys.argv[1])
import _data
for name, files in json.loads(sys.argv[2]).items():
    setattr(_data, name, getattr(_data, name)._replace(files=files, mirrors=()))
file = sys.argv[1] + "/" + sys.argv[3]
sys.argv = [file, *sys.argv[4:]]
runpy.run_path(file, run_name="__main__")
"""


def run(*command: object, cwd: Path) -> str:
    """What Python prints to its standard output."""
    # One BLAS thread: beside other tests on all cores, small products would wait for each other.
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, command)],
        env={"PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(cwd), "OPENBLAS_NUM_THREADS": "1",
             "RTORCH_DATA": os.environ.get("RTORCH_DATA", "")},
        cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder of small data, and their checksums for `STAND_IN`."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    checksums: dict[str, dict[str, str]] = {"FASHION_MNIST": {}, "SHAKESPEARE": {}}

    def write(data: str, file: str, content: bytes) -> None:
        packed = gzip.compress(content) if file.endswith(".gz") else content
        (folder / file).write_bytes(packed)
        checksums[data][file] = hashlib.sha256(content).hexdigest()

    for part, n in (("train", 640), ("t10k", 128)):
        labels = rng.integers(0, 10, n, dtype=np.uint8)
        images = rng.integers(0, 64, (n, 28, 28), dtype=np.uint8)
        images[np.arange(n), 2 * labels + 4] = 255  # a bright row tells the class
        head = bytes([0, 0, 8, 3]) + np.array(images.shape, ">i4").tobytes()
        write("FASHION_MNIST", f"{part}-images-idx3-ubyte.gz", head + images.tobytes())
        head = bytes([0, 0, 8, 1]) + np.array([n], ">i4").tobytes()
        write("FASHION_MNIST", f"{part}-labels-idx1-ubyte.gz", head + labels.tobytes())
    speech = "First Citizen:\nBefore we proceed any further, hear me speak.\nSpeak, Rome!\n\n"
    write("SHAKESPEARE", "input.txt", (f"All:\n{CHARACTERS[1:]}\n\n" + 500 * speech).encode())
    return folder, json.dumps(checksums)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the examples' data, with one small file in it."""
    pytest.importorskip("tqdm", reason="downloads show a bar of tqdm")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    module = runpy.run_path(str(EXAMPLES / "_data.py"))
    checksum = hashlib.sha256(b"some content").hexdigest()
    return module, module["DataSet"]("small", (), {"file.gz": checksum})


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_examples_are_short_and_say_what_they_are(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert text.startswith('"""')


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("[a-z]*.py")), ids=lambda file: file.name)
def test_examples_explain_their_options(file: Path, tmp_path: Path) -> None:
    for package in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(package, reason=f"the examples need {package}")
    out = run(file, "--help", cwd=tmp_path)
    assert "--quick" in out
    assert "--seed" in out


def test_digits_quick(tmp_path: Path) -> None:
    for package in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(package, reason=f"the example needs {package}")
    out = run(EXAMPLES / "digits.py", "--quick", "--out", tmp_path / "results", cwd=tmp_path)
    test, again = (float(number) for number in re.findall(r"test.*?([\d.]+)%", out))
    assert test == again
    assert test > 80  # three epochs; the whole run is above 98.5
    assert (tmp_path / "results" / "digits_loss.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "results" / "digits.npz").stat().st_size > 100_000


def test_watch_quick(tmp_path: Path) -> None:
    for package in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(package, reason=f"the example needs {package}")
    out = run(EXAMPLES / "watch.py", "--quick", "--out", tmp_path / "run", cwd=tmp_path)
    assert float(re.findall(r"validation accuracy ([\d.]+)%", out)[0]) > 70
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for part in ("Handwritten digits", "mistakes first", "valid/accuracy", "MaxPool2d", "0.003"):
        assert part in page


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_resume_after_a_kill(tmp_path: Path) -> None:
    whole = run(EXAMPLES / "resume.py", "--quick", "--out", tmp_path / "a", cwd=tmp_path)
    with pytest.raises(AssertionError):
        run(EXAMPLES / "resume.py", "--quick", "--die-at", 50, cwd=tmp_path)
    rest = run(EXAMPLES / "resume.py", "--quick", cwd=tmp_path)
    assert re.search(r"at step (20|40), in epoch [01]", rest)
    assert whole.splitlines()[-1] == rest.splitlines()[-1]


def test_digits_names_the_missing_package(tmp_path: Path) -> None:
    code = (
        f"import runpy, sys; sys.modules['sklearn'] = None; sys.path.insert(0, {str(EXAMPLES)!r});"
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


def run_quick(example: str, stand_in: tuple[Path, str], cwd: Path, *arguments: object) -> str:
    for package in ("matplotlib", "tqdm"):
        pytest.importorskip(package, reason=f"the example needs {package}")
    folder, checksums = stand_in
    return run("-c", STAND_IN, EXAMPLES, checksums, example, "--quick", "--data", folder,
               *arguments, cwd=cwd)  # fmt: skip


def test_fashion_mnist_quick(stand_in: tuple[Path, str], tmp_path: Path) -> None:
    out = run_quick("fashion_mnist.py", stand_in, tmp_path)
    assert re.search(r"epoch 1: loss [\d.]+, test accuracy [\d.]+%, [\d.]+ s", out)
    assert (tmp_path / "out" / "fashion_mnist.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "fashion_mnist.npz").stat().st_size > 100_000


@pytest.mark.parametrize("example", ["char_lstm", "gpt"])
def test_text_quick(example: str, stand_in: tuple[Path, str], tmp_path: Path) -> None:
    out = run_quick(f"{example}.py", stand_in, tmp_path, "--prompt", "Rome")
    losses = [float(x) for x in re.findall(r"validation ([\d.]+)", out)]
    assert losses[-1] < np.log(65)  # a character of 65 by chance
    assert len(out.partition("Rome")[2]) >= 400
    assert (tmp_path / "out" / f"{example}.npz").stat().st_size > 100_000


def test_sequence_gru_quick(stand_in: tuple[Path, str], tmp_path: Path) -> None:
    out = run_quick("sequence_gru.py", stand_in, tmp_path)
    rows = {row[:16].strip(): row[16:].split() for row in out.splitlines()}
    assert rows["as it is"][1:] == ["0.000", "0.000"]
    assert float(rows["both directions"][0].strip("%")) > float(rows["as it is"][0].strip("%"))


@pytest.mark.skipif(not HAS_DATA, reason="RTORCH_DATA names no folder with the real data")
@pytest.mark.parametrize("example", ["fashion_mnist", "char_lstm", "gpt", "sequence_gru"])
def test_quick_on_real_data(example: str, tmp_path: Path) -> None:
    assert run(EXAMPLES / f"{example}.py", "--quick", cwd=tmp_path)


# ---- downloads -----------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server of the folder ``served``."""
    (tmp_path / "served").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(tmp_path / "served"))
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}/"
        serving.shutdown()
        thread.join()


def test_download_once(data: Any, server: str, tmp_path: Path) -> None:
    module, small = data
    small = small._replace(mirrors=(server + "wrong/", server))  # the first has nothing
    served = tmp_path / "served" / "file.gz"
    served.write_bytes(gzip.compress(b"some content"))
    assert module["read"](small, "file.gz", tmp_path / "cache") == b"some content"
    served.unlink()
    assert module["read"](small, "file.gz", tmp_path / "cache") == b"some content"
    assert [f.name for f in (tmp_path / "cache" / "small").iterdir()] == ["file.gz"]
    assert module["read"](small, "file.gz", tmp_path / "cache" / "small") == b"some content"


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"other"), gzip.compress(b"some content")[:-9]],
    ids=["no gzip", "other content", "cut"],  # the bytes have the time in them
)
def test_wrong_content_is_no_download(
    data: Any, server: str, content: bytes, tmp_path: Path
) -> None:
    module, small = data
    small = small._replace(mirrors=(server,))
    (tmp_path / "served" / "file.gz").write_bytes(content)
    with pytest.raises(SystemExit, match=r"could not be downloaded(.|\n)*(SHA-256|gzip)"):
        module["read"](small, "file.gz", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_without_a_network(data: Any, tmp_path: Path) -> None:
    module, small = data
    small = small._replace(mirrors=("http://127.0.0.1:9/",))
    with pytest.raises(SystemExit) as raised:
        module["read"](small, "file.gz", tmp_path)
    for words in ("[small] file.gz is not in", "http://127.0.0.1:9/file.gz: ", "--data DIR"):
        assert words in str(raised.value)


def test_a_damaged_file_is_named(data: Any, tmp_path: Path) -> None:
    module, small = data
    (tmp_path / "file.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(SystemExit, match=r"file.gz: the SHA-256 is .* delete this file"):
        module["read"](small, "file.gz", tmp_path)
