"""Records: what is logged comes back, whatever stopped the program."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, monitor
from rtorch.monitor.records import groups, smooth, thinned
from rtorch.monitor.values import show

ROOT = Path(__file__).parent.parent.parent


def start(folder: Path, **options: Any) -> monitor.Run:
    return monitor.Run(folder, progress=False, **options)


def test_scalars_of_every_kind_and_trees_come_back(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        tree = {"train": {"loss": rt.asarray(0.5), "parts": [np.float32(1.5), 2]}, "ok": True}
        run.log(np.int64(3), tree, accuracy=np.ones((1, 1)), half=rt.asarray(0.25, "bfloat16"))
    columns = monitor.read(tmp_path)
    assert columns["step"].tolist() == [3]
    assert columns["time"][0] > 1e9
    assert {name: column[0] for name, column in columns.items()} == {
        "step": 3, "time": columns["time"][0],
        "ok": 1.0, "train/loss": 0.5, "train/parts/0": 1.5, "train/parts/1": 2.0,
        "accuracy": 1.0, "half": 0.25,
    }  # fmt: skip


def test_one_step_is_one_row_and_nan_stands_for_nothing(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.log(1, loss=2.0)
        run.log(1, valid=3.0, loss=2.5)
        run.log(0, loss=9.0)
    columns = monitor.read(tmp_path / "records.jsonl")
    np.testing.assert_array_equal(columns["step"], [0, 1])
    np.testing.assert_array_equal(columns["loss"], [9.0, 2.5])
    np.testing.assert_array_equal(columns["valid"], [np.nan, 3.0])


def test_what_is_not_finite_is_valid_json(tmp_path: Path) -> None:
    values = {"a": float("nan"), "b": rt.asarray(float("inf")), "c": -np.inf}
    with start(tmp_path) as run:
        run.log(0, values)

    def refuse(name: str) -> None:
        raise AssertionError(name)

    line = json.loads((tmp_path / "records.jsonl").read_text(), parse_constant=refuse)
    assert line["values"] == {"a": "nan", "b": "inf", "c": "-inf"}
    assert monitor.read(tmp_path)["c"][0] == -np.inf


def test_a_directory_opened_again_continues_and_drops_what_came_later(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        for step in range(10):
            run.log(step, loss=float(step))
            run.text(step, "poem", f"at {step}")
    assert start(tmp_path).step == 9
    with start(tmp_path) as run:
        run.log(6, loss=60.0)
        run.log(7, loss=70.0)
    assert monitor.read(tmp_path)["loss"].tolist() == [0, 1, 2, 3, 4, 5, 60, 70]
    assert '"at 6"' in (tmp_path / "samples.jsonl").read_text()
    assert '"at 7"' not in (tmp_path / "samples.jsonl").read_text()


def test_only_looking_drops_nothing(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.log(5, loss=1.0)
    with start(tmp_path):
        pass
    assert len(monitor.read(tmp_path)["loss"]) == 1


def test_a_torn_last_line_is_not_read_and_goes_when_the_run_continues(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.log(0, loss=1.0)
    with (tmp_path / "records.jsonl").open("a") as file:
        file.write('{"step": 1, "val')
    assert monitor.read(tmp_path)["step"].tolist() == [0]
    with start(tmp_path) as run:
        run.log(1, loss=2.0)
    assert monitor.read(tmp_path)["loss"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[1]",
        '{"step": "x"}',
        '{"step": 1}',
        '{"step": 1%s}' % ("0" * 30),
        '{"step": 1, "time": 1, "values": {"a": 1%s}}' % ("0" * 400),
        "\x00",
        "[" * 10**5,
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(errors.FileFormatError, match=r"records\.jsonl"):
        monitor.read(file)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_program_leaves_what_was_flushed(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, rtorch as rt\n"
        "run = rt.monitor.Run(sys.argv[1], progress=False)\n"
        "for i in range(1500): run.log(i, loss=i)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert len(monitor.read(tmp_path)["loss"]) >= 1000
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "running"


def test_records_are_buffered_and_flushed(tmp_path: Path) -> None:
    run = start(tmp_path)
    run.log(0, loss=1.0)
    assert not (tmp_path / "records.jsonl").exists()
    run.flush()
    assert run.latest == {"loss": 1.0}
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == 1
    run.close()


@pytest.mark.gpu
def test_numbers_on_a_device_may_be_donated_afterwards(tmp_path: Path) -> None:
    double = rt.jit(lambda x: 2 * x, donate_argnums=0)
    x = rt.device_put(rt.asarray(1.0), "cuda")
    with start(tmp_path) as run:
        for step in range(3):
            run.log(step, x=x)
            x = double(x)
    assert monitor.read(tmp_path)["x"].tolist() == [1.0, 2.0, 4.0]


def test_values_are_those_of_the_moment_of_the_call(tmp_path: Path) -> None:
    value = np.ones(())
    with start(tmp_path) as run:
        run.log(0, loss=value)
        value += 1
    assert monitor.read(tmp_path)["loss"][0] == 1.0


def test_how_a_run_ended_stands_in_its_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), start(tmp_path, config={"x": {"p": Path("a")}}):
        _ = 1 / 0
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["status"].startswith("stopped by ZeroDivisionError")
    assert about["config"] == {"x": {"p": "a"}}
    assert about["environment"]["rtorch"] == rt.__version__


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda run: run.log(0, loss=rt.ones(3)), errors.ShapeError,
         r"\[Run.log\] loss is float32\[3\], expected a scalar"),
        (lambda run: run.log(0, loss="x"), errors.ArgumentError, r"\[Run.log\] loss is str 'x'"),
        (lambda run: run.log(0, loss=1j), errors.ArgumentError, r"\[Run.log\] loss is complex"),
        (lambda run: run.log(0, time=1), errors.ArgumentError, r"'time' is no name for a value"),
        (lambda run: run.log(0, {"a": 1}, a=2), errors.ArgumentError, r"'a' .* given twice"),
        (lambda run: run.log(0, 1.0), errors.ArgumentError, "log it by name"),
        (lambda run: run.log("x", loss=1), errors.ArgumentError, r"\[Run.log\] step is str"),
        (lambda run: run.log(1.5, loss=1), errors.ArgumentError, r"\[Run.log\] step is float"),
        (lambda run: rt.jit(lambda x: run.log(0, loss=x))(1.0), errors.ArgumentError,
         r"\[Run.log\] loss is a traced value; return it"),
        (lambda run: run.images(0, "x", rt.ones((2, 5, 3, 3))), errors.ShapeError,
         r"\[Run.images\] images have shape \(2, 5, 3, 3\)"),
        (lambda run: run.images(0, "x", rt.ones((2, 3, 3)), ["a"]), errors.ShapeError,
         r"\[Run.images\] 2 images, 1 labels"),
        (lambda run: run.confusion(0, "x", rt.ones(3)), errors.ShapeError, "expected a matrix"),
        (lambda run: run.heatmap(0, "x", rt.ones((2, 2)), ["a"]), errors.ShapeError,
         r"\[Run.heatmap\] 1 and 2 names"),
        (lambda run: run.histogram(0, "x", [float("nan")]), errors.ArgumentError, "no finite"),
        (lambda run: (run.close(), run.log(0, loss=1)), errors.ArgumentError, "run is closed"),
    ],
)  # fmt: skip
def test_errors(tmp_path: Path, call: Any, kind: type[Exception], message: str) -> None:
    with start(tmp_path) as run, pytest.raises(kind, match=message):
        call(run)


def test_a_config_is_a_mapping_and_a_run_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentError, match=r"\[Run\] config is int 3"):
        monitor.Run(tmp_path, config=3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match=r"\[read\]"):
        monitor.read(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(errors.FileFormatError, match="damaged"):
        monitor.Run(tmp_path)


def test_pairs_share_their_axes() -> None:
    names = ("train_loss", "valid/loss", "loss_test", "rate", "validation accuracy")
    found = groups({"step": [0], "time": [0], **{name: [1.0] for name in names}})
    assert {title: [one.label for one in series] for title, series in found.items()} == {
        "loss": ["train", "valid", "test"], "rate": ["rate"], "accuracy": ["validation"],
    }  # fmt: skip


def test_smoothing_and_thinning(rng: np.random.Generator) -> None:
    np.testing.assert_allclose(smooth(np.full(5, 3.0), 0.9), 3.0)
    np.testing.assert_allclose(smooth(np.array([0.0, 1.0]), 0.5), [0.0, 2 / 3])
    values = rng.normal(size=10_000)
    steps, kept = thinned(np.arange(10_000), values, 200)
    assert len(kept) <= 202
    assert (kept.min(), kept.max()) == (values.min(), values.max())
    np.testing.assert_array_equal(values[steps], kept)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (12345.0, "12,345"), (0.12345, "0.1235"), (5e-4, "0.0005"), (1e-7, "1e-07"),
     (float("nan"), "nan"), (1234567.0, "1.235e+06")],
)  # fmt: skip
def test_numbers_for_people(value: float, text: str) -> None:
    assert show(value) == text


def test_a_config_that_contains_itself_has_an_end(tmp_path: Path) -> None:
    config: dict[str, Any] = {"rate": 0.1}
    config["self"] = [config]
    with monitor.Run(tmp_path, config=config, progress=False):
        found = json.loads((tmp_path / "run.json").read_text())["config"]
    assert found["rate"] == found["self"][0]["rate"] == 0.1


def test_integers_beyond_all_floats_are_infinite(tmp_path: Path) -> None:
    with monitor.Run(tmp_path, progress=False) as run:
        run.log(0, big=10**400, small=-(10**400))
    columns = monitor.read(tmp_path)
    assert (columns["big"][0], columns["small"][0]) == (np.inf, -np.inf)


@pytest.mark.parametrize("bins", [0, -1, "auto", 1.5, 10**9])
def test_bins_are_checked(tmp_path: Path, bins: Any) -> None:
    with (
        monitor.Run(tmp_path, progress=False) as run,
        pytest.raises(errors.ArgumentError, match=r"\[Run.histogram\] bins is"),
    ):
        run.histogram(0, "x", [1.0, 2.0], bins=bins)
