"""The measuring of the benchmarks, not the figures."""

import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])


def test_the_slower_side_takes_longer() -> None:
    from _timing import Effort, paired

    sides = {"short": lambda: time.sleep(1e-4), "long": lambda: time.sleep(2e-3)}
    samples = paired(sides, Effort(rounds=3, slot=1e-3))
    assert samples["short"].minimum < 2e-3 <= samples["long"].minimum
    assert 2e-3 <= samples["long"].minimum <= samples["long"].median
    assert samples["long"].count == 3


def test_calls_that_count_once_are_made_anew_for_each_sample() -> None:
    from _timing import paired_once

    made: list[int] = []

    def maker():
        made.append(0)
        mine = len(made) - 1

        def call() -> None:
            made[mine] += 1

        return call

    paired_once({"side": maker}, rounds=4)
    assert made == [1] * 5  # one to warm up


def test_calls_that_take_long_are_samples_themselves() -> None:
    from _timing import paired_calls

    called: list[str] = []
    sides = {"a": lambda: called.append("a"), "b": lambda: called.append("b")}
    samples = paired_calls(sides, rounds=3)
    assert called == ["a", "b", "b", "a", "a", "b"]
    assert samples["a"].count == 3


def test_all_sides_of_the_loader_see_all_images() -> None:
    from _arrays import images, sides

    assert images(3)[0].shape == (3, 28, 28)
    assert {side() for side in sides(200).values()} == {200}


def test_the_augmentation_shifts_and_mirrors() -> None:
    import numpy as np
    from _arrays import REACH, augment_by_rtorch, images

    import rtorch as rt

    x, y = images(40)
    found, labels = augment_by_rtorch((rt.asarray(x), y), rt.random.key(0))
    padded = np.pad(x, ((0, 0), (REACH, REACH), (REACH, REACH)))
    for image, padding in zip(np.asarray(found), padded, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(padding, image.shape).reshape(
            -1, *image.shape
        )
        assert any((w == image).all() or (w[:, ::-1] == image).all() for w in windows)
    assert labels is y
    assert len({bool((a == b).all()) for a, b in zip(np.asarray(found), x, strict=True)}) <= 2


def test_all_sides_of_the_loader_read_all_files() -> None:
    from contextlib import ExitStack

    from _files import folder_of_files, sides

    with folder_of_files(20) as paths, ExitStack() as stack:
        assert {side() for side in sides(paths, 0, stack).values()} == {20}


def test_targets_say_ok_short_or_not_measured() -> None:
    from _table import at_most, faster_than, ratio_at_most
    from _timing import Sample

    samples = {"a": Sample(1e-6, 1e-6, 1), "b": Sample(3e-6, 3e-6, 1)}
    assert at_most(samples, "a", 2e-6).ok is True
    assert at_most(samples, "b", 2e-6).ok is False
    assert at_most(samples, "b", 2.5e-6, over="a").ok is True
    assert at_most(samples, "missing", 2e-6).ok is None
    assert ratio_at_most(samples, "b", "a", 2.0).ok is False
    assert faster_than(samples, "a", "b", 2.5).ok is True
    assert faster_than(samples, "a", "missing").ok is None


def test_the_table_shows_units_and_verdicts() -> None:
    from _table import Row, at_most, lines, show_time, summary
    from _timing import Sample

    assert [show_time(s) for s in (2.0, 1.5e-3, 2e-6, 3e-9)] == ["2 s", "1.5 ms", "2 us", "3 ns"]
    samples = {"rtorch": Sample(5e-6, 4e-6, 9)}
    row = Row("a row", samples, [at_most(samples, "rtorch", 1e-6)])
    text = "\n".join(lines(row))
    assert "a row" in text
    assert "SHORT" in text
    assert summary([row]) == "0 targets ok, 1 short, 0 not measured"


def test_optimizers_of_all_libraries_make_the_same_step() -> None:
    import optim  # benchmarks/optim.py

    params, grads = optim.problem([(3, 2), (2,)])
    found = optim.sides("AdamW", params, grads)
    assert next(iter(found)) == "rtorch jit"
    optim.check(found)


def test_the_hand_written_step_has_the_right_gradients() -> None:
    from _mlp import BATCH, HandWritten

    step = HandWritten()
    step.forward()
    before = step.loss_and_logit_gradient()
    step.backward()
    weight, slope = step.params[2], step.grads[2]
    nudge = 1e-2 * slope / float((slope**2).sum()) ** 0.5
    weight += nudge
    step.forward()
    after = step.loss_and_logit_gradient()
    weight -= 2 * nudge
    step.forward()
    below = step.loss_and_logit_gradient()
    want = 2 * float((slope * nudge).sum())
    assert step.x.shape[0] == BATCH
    assert below < before < after
    assert after - below == pytest.approx(want, rel=1e-2)
