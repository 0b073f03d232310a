"""Checkpoints: saved, kept, found again."""

import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DonatedError, TreeError
from rtorch.io import Checkpointer, npz


class State(NamedTuple):
    mean: Any
    count: int


def tree(step: int) -> dict[str, Any]:
    return {
        "params": {"w": rt.full((3, 2), float(step)), "b": rt.zeros(2, dtype=rt.bfloat16)},
        "state": State(rt.arange(step % 7), step),
        "key": rt.random.key(step),
        "step": step,
    }


def equal(a: Any, b: Any) -> bool:
    pairs = zip(rt.tree.leaves(a), rt.tree.leaves(b), strict=True)
    return rt.tree.structure(a) == rt.tree.structure(b) and all(
        type(x) is type(y) and bool(np.array_equal(np.asarray(x), np.asarray(y))) for x, y in pairs
    )


@pytest.fixture(params=[True, False], ids=["thread", "waiting"])
def asynchronous(request: pytest.FixtureRequest) -> bool:
    return request.param


def test_round_trip(tmp_path: Path, asynchronous: bool) -> None:
    with Checkpointer(tmp_path / "a" / "b", asynchronous=asynchronous) as ck:
        assert ck.restore(like=tree(0)) is None
        assert ck.save(5, tree(5), metrics={"loss": rt.asarray(0.5)}, metadata={"note": [1]})
        assert equal(ck.restore(like=tree(5)), tree(5))
        assert ck.metrics(5) == {"loss": 0.5}
        assert ck.metadata(5) == {"note": [1]}
    again = Checkpointer(tmp_path / "a" / "b", read_only=True)
    assert equal(again.restore(like=tree(5), step=5), tree(5))
    assert again.restore(like={"step": 0}) == {"step": 5}  # some of the items


def test_items_are_files_of_load(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as ck:
        ck.save(12, tree(12))
    assert bool((rt.load(tmp_path / "step_00000012" / "params.npz")["w"] == 12).all())


@pytest.mark.parametrize("step", [3, np.int64(3), rt.asarray(3)])
def test_steps_are_integers_of_any_kind(step: Any, tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as ck:
        assert ck.save(step, {"x": 1})
        assert ck.steps() == [3]


# ---- which stay ----------------------------------------------------------------------------------


def test_the_last_the_best_and_every_fifth_stay(tmp_path: Path, asynchronous: bool) -> None:
    accuracy = [0.1, 0.9, 0.3, 0.8, 0.2, float("nan"), 0.9, 0.5, 0.4, 0.3, 0.2, 0.1]
    with Checkpointer(
        tmp_path, keep=2, best=("accuracy", "max"), keep_best=3, keep_every=5,
        asynchronous=asynchronous,
    ) as ck:  # fmt: skip
        for step, value in enumerate(accuracy, start=1):
            ck.save(step, {"x": step}, metrics={"accuracy": value})
        assert ck.steps() == [2, 4, 5, 7, 10, 11, 12]
        assert ck.best_step() == 7  # of equal ones the newer
        assert ck.restore(best=True) == {"x": 7}
        assert (
            repr(ck) == f"Checkpointer({str(tmp_path)!r}, steps {ck.steps()}, best 7 by accuracy)"
        )
        ck.delete(7)
        assert ck.best_step() == 2


def test_the_least_may_be_the_best(tmp_path: Path) -> None:
    with Checkpointer(tmp_path, keep=1, best=("loss", "min")) as ck:
        for step, value in enumerate([3.0, -np.inf, 1.0, np.inf]):
            ck.save(step, {"x": step}, metrics={"loss": value})
        assert ck.steps() == [1, 3]
        assert (ck.metrics(1), ck.metrics(3)) == ({"loss": -np.inf}, {"loss": np.inf})


def test_all_may_stay(tmp_path: Path) -> None:
    with Checkpointer(tmp_path, keep=None) as ck:
        for step in range(6):
            ck.save(step, {"x": step})
        assert ck.steps() == list(range(6))


def test_the_newest_can_be_replaced_but_nothing_before_it_added(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as ck:
        ck.save(10, {"x": 1})
        ck.save(10, {"x": 2})
        assert ck.restore() == {"x": 2}
        with pytest.raises(ArgumentError, match=r"step: 9 is before 10, .* restore\(\)"):
            ck.save(9, {"x": 3})
        ck.delete(10)
        assert ck.save(9, {"x": 3})


# ---- when ----------------------------------------------------------------------------------------


def test_intervals_in_steps(tmp_path: Path) -> None:
    with Checkpointer(tmp_path, every=4, keep=None) as ck:
        saved = [step for step in range(1, 11) if ck.save(step, {"x": step})]
        assert saved == ck.steps() == [4, 8]
        assert ck.should_save(12)
        assert not ck.should_save(9)
        assert ck.save(9, {"x": 9}, force=True)


def test_intervals_in_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Checkpointer(tmp_path, seconds=60, every=1000, asynchronous=False) as ck:
        assert not ck.save(1, {"x": 1})
        now[0] += 60
        assert ck.save(2, {"x": 2})
        assert not ck.save(3, {"x": 3})
        assert ck.save(1000, {"x": 4})


# ---- beside the program --------------------------------------------------------------------------


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing is written before it is set."""
    opened, write = threading.Event(), npz.write

    def late(*args: Any, **options: Any) -> None:
        assert opened.wait(30)
        write(*args, **options)

    monkeypatch.setattr(npz, "write", late)
    return opened


def test_what_changes_while_it_is_written_is_saved_as_it_was(
    tmp_path: Path, gate: threading.Event
) -> None:
    double = rt.jit(lambda x: x * 2, donate_argnums=0)
    x, foreign, note = rt.ones(10_000), np.ones(3), {"a": 1}
    with Checkpointer(tmp_path) as ck:
        ck.save(1, {"x": x, "foreign": foreign}, metadata=note)
        assert "writing" in repr(ck)
        y = double(x)
        y = double(y)  # which may take the memory of the first
        foreign[:], note["a"] = 7, 2
        with pytest.raises(DonatedError):
            ck.save(2, {"x": x})
        gate.set()
        now = ck.restore()
        assert now is not None
        assert bool((now["x"] == 1).all())
        assert bool((now["foreign"] == 1).all())
        assert ck.metadata(1) == {"a": 1}
        assert bool((y == 4).all())


def test_saving_copies_no_memory_of_arrays(tmp_path: Path) -> None:
    x = rt.ones((100, 100))
    content = npz.packed({"x": x})
    assert np.shares_memory(content.arrays["x"], np.asarray(x))


def test_the_error_of_the_thread_comes_with_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    ck = Checkpointer(tmp_path)
    ck.save(1, {"x": 1})
    ck.wait()
    with monkeypatch.context() as patch:
        patch.setattr(npz, "write", full)
        ck.save(2, {"x": 2})
        with pytest.raises(OSError, match="No space left") as raised:
            ck.save(3, {"x": 3})
        assert "while saving step 2" in raised.value.__notes__[0]
        ck.wait()  # once is enough
        ck.save(3, {"x": 3})
        with pytest.raises(OSError, match="No space left"), ck:
            pass
        ck = Checkpointer(tmp_path)
        ck.save(3, {"x": 3})
        with pytest.raises(KeyError) as other, ck:
            raise KeyError("the program's own")
        assert "No space left" in other.value.__notes__[0]
    with Checkpointer(tmp_path) as ck:
        assert ck.steps() == [1]


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"keep": 0}, {"keep": 1.5}, {"keep_best": None}, {"every": -1}, {"every": True},
     {"seconds": 0}, {"best": "loss"}, {"best": ("loss", "least")}, {"keep_every": "x"}],
)  # fmt: skip
def test_wrong_options(options: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=rf"^\[Checkpointer\] {next(iter(options))}: expected"):
        Checkpointer(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("step", "items", "options", "message"),
    [(-1, {"x": 1}, {}, "step: expected an int from 0 on, got int -1"),
     (1.5, {"x": 1}, {}, "step: expected an int"),
     (True, {"x": 1}, {}, "step: expected an int"),
     (1, {}, {}, "items: expected a dict from names to pytrees"),
     (1, [1], {}, "items: expected a dict"),
     (1, {1: 2}, {}, "items: expected a dict"),
     (1, {"x": {"y": object()}}, {}, r"items\['x'\]: tree\['y'\]: expected an array, a number"),
     (1, {"x": 1}, {"metrics": {"a": "b"}}, r"metrics\['a'\]: expected a number"),
     (1, {"x": 1}, {"metrics": 3}, "metrics: expected a dict"),
     (1, {"x": 1}, {"metrics": {"a": 1}}, "metrics: 'loss', of best, is missing"),
     (1, {"x": 1}, {"metadata": {1j}}, "metadata: JSON cannot hold it")],
)  # fmt: skip
def test_what_cannot_be_saved_is_told_at_once(
    step: Any, items: Any, options: Any, message: str, tmp_path: Path
) -> None:
    best = ("loss" if "of best" in message else "a", "min")
    with Checkpointer(tmp_path, best=best) as ck:
        with pytest.raises(ArgumentError, match=rf"\[Checkpointer(\.save)?\] {message}"):
            ck.save(step, items, **options)
        assert ck.steps() == []


def test_what_cannot_be_restored(tmp_path: Path) -> None:
    with Checkpointer(tmp_path) as ck:
        ck.save(4, tree(4))
        with pytest.raises(ArgumentError, match=r"no checkpoint of step 5 in .* there are \[4\]"):
            ck.restore(step=5)
        with pytest.raises(TreeError, match="step 4 has no 'weights'; it has 'params', 'state'"):
            ck.restore(like={"weights": 1})
        with pytest.raises(TreeError) as raised:
            ck.restore(like={"params": {"w": rt.zeros(1), "b": rt.zeros(2)}})
        assert raised.value.__notes__ == ["[Checkpointer.restore] in the item 'params' of step 4"]
        with pytest.raises(ArgumentError, match=r"best: Checkpointer.* names none"):
            ck.restore(best=True)
        fits = ck.restore(like={"params": {"w": rt.zeros(1), "c": rt.ones(2)}}, strict=False)
        assert fits is not None
        assert fits["params"]["w"].shape == (1,)
    with pytest.raises(
        ArgumentError, match=r"\[Checkpointer.save\] it was closed, or is read_only"
    ):
        ck.save(5, tree(5))
    assert ck.steps() == [4]


def test_reading_makes_nothing(tmp_path: Path) -> None:
    ck = Checkpointer(tmp_path / "none", read_only=True)
    assert (ck.steps(), ck.restore(), ck.best_step()) == ([], None, None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ArgumentError, match="read_only"):
        ck.delete(1)


NAMES = ["a", "A", "con", "NUL.txt", "../up", "/root", "C:\\x", "", ".", "..", "é", "a b",
         "x" * 300, "x" * 299 + "y", "\ud800", "lpt1"]  # fmt: skip


def test_names_of_items_are_safe_on_every_system(tmp_path: Path) -> None:
    items = {name: i for i, name in enumerate(NAMES)}
    with Checkpointer(tmp_path) as ck:
        ck.save(1, items)
        assert ck.restore() == items
    files = [f.stem for f in (tmp_path / "step_00000001").glob("*.npz")]
    assert len({f.casefold() for f in files}) == len(NAMES)
    assert all(f.isascii() and len(f) < 120 and not set(f) & set('<>:"/\\|?*') for f in files)
    assert not {f.casefold().partition(".")[0] for f in files} & {"con", "nul", "lpt1"}


def test_weak_dtypes_go_on_as_they_were(tmp_path: Path, asynchronous: bool) -> None:
    step = rt.jit(lambda x: x * 2)
    whole = step(step(3.0))
    with Checkpointer(tmp_path, asynchronous=asynchronous) as ck:
        ck.save(1, {"x": step(3.0)})
        saved = ck.restore(like={"x": step(0.0)})
    assert saved is not None
    rest = step(saved["x"])
    assert (rest.weak_type, float(rest)) == (whole.weak_type, float(whole))
