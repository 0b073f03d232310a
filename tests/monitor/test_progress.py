"""Progress: lines of text where nobody watches a terminal, a bar where somebody does."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from rtorch import monitor
from rtorch.monitor import progress as module
from rtorch.monitor.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 10_000, 4))
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(now)))
    out = io.StringIO()
    items = list(progress(range(6), None, 64, "digits", lambda: {"loss": 0.125}, out))
    assert items == list(range(6))
    lines = out.getvalue().splitlines()
    assert 2 <= len(lines) <= 6
    assert lines[-1].startswith("digits: 6/6 (100%)")
    assert "samples/s" in lines[-1]
    assert lines[-1].endswith("loss 0.125")


def test_a_bar_on_a_terminal() -> None:
    pytest.importorskip("tqdm")
    out = Terminal()
    assert list(progress(iter("abc"), 3, 1, "letters", lambda: {"loss": 0.125}, out)) == [*"abc"]
    assert "letters: 100%" in out.getvalue()
    assert "loss 0.125" in out.getvalue()


def test_without_tqdm_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    out = Terminal()
    assert list(progress([1], None, 1, "one", dict, out)) == [1]
    assert out.getvalue().startswith("one: 1/1")


def test_the_bar_closes_when_the_loop_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    loop = progress(range(100), None, 1, "left", dict, out)
    next(loop), next(loop)
    loop.close()  # type: ignore[attr-defined]
    assert out.getvalue().startswith("left: 1/100 (1%)")


def test_a_run_shows_its_name_or_nothing(tmp_path: Path, capsys: Any) -> None:
    with monitor.Run(tmp_path, "digits") as run:
        for i in run.progress(range(3)):
            run.log(i, loss=i)
    assert "digits: 3/3 (100%)" in capsys.readouterr().err
    with monitor.Run(tmp_path, "digits", progress=False) as run:
        assert list(run.progress(range(3))) == [0, 1, 2]
    assert capsys.readouterr().err == ""
