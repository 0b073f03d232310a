"""``python -m rtorch``: info, usage, exit codes, and the process itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rtorch as rt
from rtorch.cli import main
from tests.cli.test_inspect_and_convert import failure, output


def test_info(capsys):
    found = json.loads(output(capsys, "info", "--json"))
    assert found["rtorch"]["version"] == rt.__version__
    assert found["packages"]["numpy"] == np.__version__
    assert "cpu" in found["devices"]
    assert {"machine", "blas", "compiler", "cache", "python"} <= found.keys()
    text = output(capsys, "info")
    for section, entries in found.items():
        assert f"{section}:" in text
        assert all(name in text for name in entries)


@pytest.mark.parametrize("chosen", ["", "/somewhere"])
def test_the_cache_folder(capsys, monkeypatch, chosen):
    monkeypatch.setenv("RTORCH_CACHE_DIR", chosen)
    found = json.loads(output(capsys, "info", "--json"))["cache"]
    assert found["folder"] == (str(Path(chosen)) if chosen else None)
    assert found["exists"] is False


def test_a_broken_driver_does_not_hide_the_rest(capsys, monkeypatch):
    def broken():
        raise OSError("no driver")

    monkeypatch.setattr(rt, "devices", broken)
    assert "cannot be used: no driver" in output(capsys, "info")


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["inspect"], ["convert", "a.npz"], ["convert", "a.npz", "b.txt"],
     ["convert", "a", "b.npz", "--dtype", "int8"]],
)  # fmt: skip
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: python -m rtorch" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["info", "inspect", "convert"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"usage: python -m rtorch {command}" in capsys.readouterr().out


def test_unforeseen_errors_are_one_line_too(capsys, monkeypatch):
    monkeypatch.setattr("rtorch.cli.inspect_file.look", lambda path: 1 // 0)
    assert "ZeroDivisionError" in failure(capsys, "inspect", "x")
    with pytest.raises(ZeroDivisionError):
        main(["inspect", "x", "--traceback"])


def python(*arguments: str, **options):
    return subprocess.run(
        [sys.executable, "-m", "rtorch", *arguments], capture_output=True, text=True, check=False,
        encoding="utf-8", **options,
    )  # fmt: skip


def test_as_a_process(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    done = python("inspect", str(tmp_path / "x.npy"))
    assert (done.returncode, done.stderr) == (0, "")
    done = python("inspect", str(tmp_path / "missing.npz"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert python("--version").stdout.strip() == f"rtorch {rt.__version__}"


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_has_seen_enough(tmp_path):
    rt.save(tmp_path / "many.npz", {f"array{i}": rt.ones(1) for i in range(3000)})
    command = [sys.executable, "-m", "rtorch", "inspect", str(tmp_path / "many.npz")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, b"")


def test_names_beyond_the_terminal(tmp_path):
    rt.save(tmp_path / "x.npz", {"größe": rt.ones(1)})
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = python("inspect", str(tmp_path / "x.npz"), env=environment)
    assert done.returncode == 0
    assert r"gr\xf6\xdfe" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX closes it")
def test_a_stdout_that_is_closed():
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -m rtorch info >&-', sys.executable],
        capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
