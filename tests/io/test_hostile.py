"""Files made to do harm, one kind at a time; `fuzz.py` makes them by the thousand."""

import contextlib
import pickle
import random
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fuzz
import fuzz_pickles as pickles
import pytest

import rtorch as rt
from rtorch.errors import FileFormatError

LONGER = "9" * 5000


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < fuzz.ALLOWED


@pytest.mark.parametrize("format", fuzz.FORMATS)
def test_a_few_hundred_cases(format: str) -> None:
    """In a process of its own, whose memory is limited."""
    done = subprocess.run(
        [sys.executable, fuzz.__file__, "--format", format, "--cases", "200"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


class Runs:
    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def torch_file(path: Path, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", data)
        archive.writestr("x/version", "3")
    return path


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("function", "args", "name"),
    [
        (print, ("x",), r"(builtins|__builtin__)\.print"),
        (eval, ("1",), r"(builtins|__builtin__)\.eval"),
        (getattr, ("x", "upper"), r"(builtins|__builtin__)\.getattr"),
        (subprocess.Popen, (["true"],), r"(subprocess|commands)\.Popen"),
        (Path.unlink, (Path("x"),), r"(pathlib\.Path|builtins\.getattr|__builtin__\.getattr)"),
    ],
)
def test_calls_are_refused_by_name(
    function: Any, args: Any, name: str, protocol: int, tmp_path: Path
) -> None:
    data = pickle.dumps({"a": Runs(function, *args)}, protocol)
    with pytest.raises(FileFormatError, match=rf"asks for {name}.*Nothing was run"):
        rt.io.load_torch(torch_file(tmp_path / "x.pth", data))


@pytest.mark.parametrize("make", [*dict.fromkeys(pickles.KINDS)])
def test_pickles(make: Any, tmp_path: Path) -> None:
    for seed in range(3):
        file = torch_file(tmp_path / "x.pth", make(random.Random(seed)))
        for load in (rt.io.load_torch, rt.io.open):
            with contextlib.suppress(FileFormatError):
                load(file)


def test_a_tree_that_grows_without_end(tmp_path: Path) -> None:
    value: Any = [0]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(FileFormatError, match="too large or too deep"):
        rt.io.load_torch(torch_file(tmp_path / "x.pth", pickle.dumps(value, 2)))


def test_overlapping_members(tmp_path: Path) -> None:
    rt.save(tmp_path / "x.npz", [rt.ones(100), rt.ones(100)])
    data = (tmp_path / "x.npz").read_bytes()
    _, first, second = (i for i in range(len(data)) if data.startswith(b"PK\1\2", i))
    longer = bytearray(data)  # the first array reaches into the second
    for field in (20, 24):
        size = int.from_bytes(data[first + field : first + field + 4], "little") + 200
        longer[first + field : first + field + 4] = size.to_bytes(4, "little")
    moved = bytearray(data)
    moved[second + 42 : second + 46] = data[first + 42 : first + 46]
    for changed, text in [(longer, "overlap"), (moved, "not where the directory says")]:
        (tmp_path / "x.npz").write_bytes(changed)
        with pytest.raises(FileFormatError, match=text):
            rt.load(tmp_path / "x.npz")


def test_bombs(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rtorch.json", b" " * (70 << 20))
    tracemalloc.clear_traces()  # of the writing
    with pytest.raises(FileFormatError, match="says to have"):
        rt.load(tmp_path / "x.npz")


def test_large_expansions_take_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtorch.io.npz_file._MOST_EXPANDED", 1000)
    tree = {"w": rt.zeros(1_000_000)}
    rt.save(tmp_path / "x", tree, compress=True)
    with pytest.raises(FileFormatError, match=r"expand to 4\d+, more than is read unasked"):
        rt.load(tmp_path / "x")
    assert rt.load(tmp_path / "x", like=tree)["w"].shape == (1_000_000,)


@pytest.mark.parametrize(
    "shape", ["(2**62, 4)", f"({LONGER},)", "(9223372036854775807, 0)", "(-1,)"]
)
def test_shapes_beyond_the_file(shape: str, tmp_path: Path) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(FileFormatError, match=r"x.npz': "):
        rt.io.open(tmp_path / "x.npz")["x"].read()


@pytest.mark.parametrize("name", ["../x.npy", "/x.npy", "a/../../x.npy", "a\\x.npy"])
def test_names_that_point_outside(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr(name, b"")
    with pytest.raises(FileFormatError, match="points outside the archive"):
        rt.io.open(tmp_path / "x.npz")


def test_two_members_of_one_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x.npy", b"")
    with pytest.raises(FileFormatError, match=r"two members named 'x\.npy'"):
        rt.io.open(tmp_path / "x.npz")


def test_wrong_byte_order(tmp_path: Path) -> None:
    rt.io.save_torch(tmp_path / "x.pth", {"a": rt.ones(2)})
    data = (tmp_path / "x.pth").read_bytes().replace(b"little", b"middle")
    (tmp_path / "x.pth").write_bytes(data)
    with pytest.raises(FileFormatError, match="byteorder' is damaged"):
        rt.io.load_torch(tmp_path / "x.pth")
