"""Pictures, and the images that need no library."""

import io
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, monitor
from rtorch.monitor.png import as_images, encode

COLUMNS = {"step": np.arange(50), "train_loss": np.linspace(3, 1, 50),
           "valid_loss": np.linspace(3, 2, 50), "rate": np.linspace(1, 0, 50)}  # fmt: skip


@pytest.fixture
def _matplotlib() -> None:
    pytest.importorskip("matplotlib")


@pytest.mark.usefixtures("_matplotlib")
def test_curves(tmp_path: Path) -> None:
    figure = monitor.plot(COLUMNS, tmp_path / "a.png", smoothing=0.9, log=["train_loss"], title="x")
    loss, rate = figure.axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["train", "valid"]
    assert (loss.get_yscale(), rate.get_yscale()) == ("log", "linear")
    assert (loss.get_title(), rate.get_title()) == ("loss", "rate")
    assert len(rate.lines) == 2  # the values and their running mean
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    monitor.plot(COLUMNS, tmp_path / "a.svg", names=["rate"])
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "a.svg"]


@pytest.mark.usefixtures("_matplotlib")
def test_other_pictures(tmp_path: Path, rng: np.random.Generator) -> None:
    figures = [
        monitor.plot_confusion(rng.integers(0, 9, (3, 3)), "abc", tmp_path / "1.png"),
        monitor.plot_heatmap(rng.random((50, 4)), path=tmp_path / "2.png"),
        monitor.plot_images(rng.random((5, 3, 4, 4)), range(5), tmp_path / "3.png", columns=3),
        monitor.plot_histogram(rng.normal(size=(9, 9)), tmp_path / "4.png"),
    ]
    assert [len(figure.axes) for figure in figures] == [1, 2, 5, 1]
    assert all((tmp_path / f"{i}.png").stat().st_size > 1000 for i in range(1, 5))


@pytest.mark.usefixtures("_matplotlib")
def test_live_plots_keep_their_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []

    class Handle:
        def update(self, image: Any) -> None:
            shown.append(("again", image))

    def display(image: Any, display_id: bool) -> Handle:
        shown.append(("first", image))
        return Handle()

    notebook = types.SimpleNamespace(display=display, Image=lambda data: data[:4])
    with monitor.Run(tmp_path, progress=False) as run:
        run.log(0, loss=1.0)
        run.plot(tmp_path / "a.png", every=60)
        before = (tmp_path / "a.png").stat().st_mtime_ns
        run.plot(tmp_path / "a.png", every=60)
        assert (tmp_path / "a.png").stat().st_mtime_ns == before
        run.plot()  # outside of a notebook: nothing to see
        monkeypatch.setitem(sys.modules, "IPython.display", notebook)  # type: ignore[arg-type]
        run.plot()
        run.plot()
    assert shown == [("first", b"\x89PNG"), ("again", b"\x89PNG")]


@pytest.mark.usefixtures("_matplotlib")
@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: monitor.plot([1, 2]), errors.ArgumentError, r"\[plot\] records is list"),
        (lambda: monitor.plot({"step": [1], "a": [1, 2]}), errors.ArgumentError, "column 'a'"),
        (lambda: monitor.plot(COLUMNS, smoothing=1), errors.ArgumentError, "0 <= smoothing < 1"),
        (lambda: monitor.plot(COLUMNS, names=["zz"]), errors.ArgumentError, "no column 'zz'"),
        (lambda: monitor.plot(COLUMNS, "a.zz"), errors.ArgumentError, r"ends in '\.zz'"),
        (lambda: monitor.plot_confusion([[1, 2]], "ab"), errors.ShapeError, "2 and 2 names"),
        (lambda: monitor.plot_images(np.ones((2, 2))), errors.ShapeError, r"shape \(2, 2\)"),
        (lambda: monitor.plot_histogram([np.nan]), errors.ArgumentError, "0 finite values"),
    ],
)
def test_errors(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(errors.MissingDependencyError, match=r"pip install 'rtorch\[monitor\]'"):
        monitor.plot(COLUMNS)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_files_are_read_by_others(channels: int, rng: np.random.Generator) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = rng.integers(0, 256, (5, 7, channels), dtype=np.uint8)
    with image.open(io.BytesIO(encode(pixels))) as read:
        np.testing.assert_array_equal(np.asarray(read).reshape(pixels.shape), pixels)


def test_images_of_all_forms() -> None:
    assert as_images("f", rt.ones((2, 3, 4, 5)), "NCHW").shape == (2, 4, 5, 3)
    assert as_images("f", rt.ones((2, 4, 5, 3), "bfloat16"), "NHWC").shape == (2, 4, 5, 3)
    assert as_images("f", np.array([[[0.0, 0.5, 1.0]]]), "NCHW").ravel().tolist() == [0, 128, 255]
    assert as_images("f", np.array([[[-1.0, 3.0]]]), "NCHW").ravel().tolist() == [0, 255]
    assert as_images("f", np.array([[[True, False]]]), "NCHW").ravel().tolist() == [255, 0]


def test_tensorboard_files(tmp_path: Path, rng: np.random.Generator) -> None:
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with monitor.Run(tmp_path, progress=False, tensorboard=True) as run:
        run.log(0, loss=2.0)
        run.log(1, {"train": {"loss": 1.5}}, loss=float("nan"))
        run.images(1, "digits", rng.random((2, 8, 8)))
        run.heatmap(1, "attention", rng.random((4, 4)))
        run.histogram(1, "weights", rng.normal(size=100))
        run.text(1, "poem", "to be")
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert {"loss", "train/loss"} <= set(tags["scalars"])
    assert events.Scalars("loss")[0].value == 2.0
    assert set(tags["images"]) == {"digits", "attention"}
    assert tags["histograms"] == ["weights"]


def test_without_tensorboard_there_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.warns(UserWarning, match=r"pip install 'rtorch\[monitor\]'"):
        run = monitor.Run(tmp_path, progress=False, tensorboard=True)
    with run:
        run.log(0, loss=1.0)
    assert monitor.read(tmp_path)["loss"][0] == 1.0


@pytest.mark.usefixtures("_matplotlib")
@pytest.mark.parametrize("name", ["$x^", "$$", "a\x00\x1b\ud800", "long" * 5000, "<b>&"])
@pytest.mark.filterwarnings("error")
def test_any_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    columns = {"step": [0, 1], f"train_{name}": [1, 2], f"valid_{name}": [1, 2]}
    monitor.plot(columns, tmp_path / "a.png", title=name)
    monitor.plot_confusion(np.eye(2), [name, "b"], tmp_path / "b.png")
    monitor.plot_images(np.eye(4)[None], [name], tmp_path / "c.png")


def test_tensorboard_takes_any_text(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    with monitor.Run(tmp_path, progress=False, tensorboard=True) as run:
        run.log(0, {"a\ud800": 1.0})
        run.text(0, "\udfff", "b\ud800")
