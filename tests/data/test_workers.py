"""Workers that raise, die, hang or are left: what the caller sees, and what stays behind."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loader_samples import (
    Dying,
    Failing,
    FailingStream,
    Numbers,
    PeculiarError,
    Rows,
    Slow,
    fail_to_collate,
)

import rtorch as rt
from rtorch import data
from rtorch.data.failure import exception_of, failure_of
from rtorch.errors import ArgumentError, WorkerError

SHARED = Path("/dev/shm")
ROOT = Path(__file__).parent.parent.parent
PROCESS = {"workers": 1, "kind": "process", "prefetch": 2}
POOLS: list[dict[str, Any]] = [{}, {"workers": 2}, PROCESS]
IDS = ["inline", "threads", "processes"]


def segments(pid: int) -> set[str]:
    """The shared memory that the loaders of a process have made."""
    return {f.name for f in SHARED.glob(f"rt{pid}-*")} if SHARED.is_dir() else set()


def worker_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("rtorch-data")]


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    yield
    gc.collect()
    assert not segments(os.getpid())
    assert not multiprocessing.active_children()
    assert not worker_threads()


# ---- exceptions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", POOLS, ids=IDS)
def test_an_exception_comes_as_it_is_with_the_index(options: dict[str, Any]) -> None:
    loader = data.DataLoader(Failing(10, 5, ZeroDivisionError("by nought")), 2, **options)
    seen: list[Any] = []
    with pytest.raises(ZeroDivisionError, match="by nought") as caught:
        seen.extend(batch.tolist()[0][0] for batch in loader)
    notes = "\n".join(caught.value.__notes__)
    assert seen == [0, 2]
    assert "while loading the sample at index 5" in notes
    if options is PROCESS:
        assert "in worker process 0 (pid" in notes
        assert "loader_samples.py" in notes


def test_an_exception_of_rtorch_keeps_its_class() -> None:
    loader = data.DataLoader(Failing(4, 0, ArgumentError("[f] no")), 2, **PROCESS)
    with pytest.raises(ArgumentError, match=r"\[f\] no"):
        list(loader)


def test_an_exception_that_cannot_be_pickled_is_told() -> None:
    loader = data.DataLoader(Failing(4, 1, TypeError(lambda: 0)), 2, workers=1, kind="thread")
    with pytest.raises(TypeError):
        list(loader)
    failure = failure_of(PeculiarError(1, 2))
    error = exception_of(failure, "worker process 1")
    assert isinstance(error, WorkerError)
    assert "worker process 1 raised loader_samples.PeculiarError: 1 and 2" in str(error)


@pytest.mark.parametrize("options", POOLS, ids=IDS)
def test_stop_iteration_of_a_sample_is_no_end(options: dict[str, Any]) -> None:
    loader = data.DataLoader(Failing(10, 5, StopIteration("here")), 2, **options)
    with pytest.raises(RuntimeError, match="the sample at index 5 raised StopIteration"):
        list(loader)


@pytest.mark.parametrize("options", POOLS, ids=IDS)
def test_an_exception_of_a_batch_names_its_samples(options: dict[str, Any]) -> None:
    loader = data.DataLoader(Numbers(20), 10, collate=fail_to_collate, **options)
    with pytest.raises(ValueError, match="no batch") as caught:
        list(loader)
    assert "the samples at index 0, 1, 2, 3, 4, 5, 6, 7, ..." in "\n".join(caught.value.__notes__)
    arrays = data.ArrayDataset(np.arange(4))
    wrong = data.Sampler(2, lambda key, epoch: [1, 9])
    with pytest.raises(IndexError) as caught:
        list(data.DataLoader(arrays, 2, sampler=wrong, **options))
    assert "the samples at index 1, 9" in "\n".join(caught.value.__notes__)


def test_an_exception_of_a_transform_names_the_batch() -> None:
    loader = data.DataLoader(Numbers(6), 2, transform=lambda batch, key: 1 / len(batch[2:]))
    with pytest.raises(ZeroDivisionError) as caught:
        list(loader)
    assert caught.value.__notes__ == ["[DataLoader] while transforming batch 0 of epoch 0"]


@pytest.mark.parametrize("options", POOLS, ids=IDS)
def test_an_exception_in_a_stream_comes_in_its_turn(options: dict[str, Any]) -> None:
    seen: list[Any] = []
    loader = data.DataLoader(FailingStream(20), 3, **options)
    with pytest.raises(KeyError, match="the seventh") as caught:
        seen.extend(batch["y"].tolist() for batch in loader)
    assert seen == [[0, 1, 2], [3, 4, 5]]
    assert sum("sample 7 of the stream" in n for n in caught.value.__notes__) == 1 + (
        options is PROCESS  # the traceback of the worker has it too
    )


@pytest.mark.parametrize("options", POOLS, ids=IDS)
def test_samples_that_do_not_fit_together(options: dict[str, Any]) -> None:
    with pytest.raises(rt.errors.ShapeError, match="pad_collate pads sequences"):
        list(data.DataLoader([np.ones(2), np.ones(3)], 2, **options))


def test_a_persistent_loader_goes_on_after_an_exception() -> None:
    for options in POOLS[1:]:
        with data.DataLoader(Failing(4, 3, ValueError()), 2, persistent=True, **options) as loader:
            for _ in range(2):
                with pytest.raises(ValueError):  # noqa: PT011 - the one above
                    list(loader)


# ---- deaths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("exit", "ended with exit code 3"),
        ("kill", "was killed by SIGKILL"),
        ("segfault", "was killed by SIGSEGV"),
    ],
)
def test_a_death_is_told_at_once(how: str, message: str) -> None:
    loader = data.DataLoader(Dying(12, 9, how), 2, workers=2, kind="process")
    seen: list[Any] = []
    begin = time.monotonic()
    with pytest.raises(WorkerError, match=message) as caught:
        seen.extend(int(batch[0, 0, 0]) for batch in loader)
    assert time.monotonic() - begin < 20
    assert "the samples at index 8, 9" in str(caught.value)
    assert seen == [0, 2, 4, 6]


def test_a_worker_killed_from_outside() -> None:
    with data.DataLoader(Rows(400), 2, persistent=True, workers=2, kind="process") as loader:
        iterator = iter(loader)
        next(iterator)
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match="was killed by SIGKILL"):
            list(iterator)
        assert len(list(loader)) == 200  # with new workers


@pytest.mark.parametrize("options", POOLS[1:], ids=IDS[1:])
def test_a_worker_that_hangs(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    if options is PROCESS:
        dataset: Any = Dying(8, 2, "hang")
    else:
        dataset = data.map(lambda x: release.wait(30) if x == 2 else x, range(8))
        monkeypatch.setattr("rtorch.data.pools._PATIENCE", 0.1)
    iterator = iter(data.DataLoader(dataset, 1, timeout=3, **options))
    next(iterator)
    begin = time.monotonic()
    with pytest.raises(WorkerError, match="within timeout=3 seconds"):
        list(iterator)
    assert time.monotonic() - begin < 10
    release.set()
    time.sleep(0.2)


# ---- leaving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", POOLS[1:], ids=IDS[1:])
def test_leaving_early_ends_the_workers(options: dict[str, Any]) -> None:
    for batch in data.DataLoader(Rows(100), 2, **options):
        assert batch["x"].shape == (2, 40, 50)
        break
    if options is PROCESS:
        return
    iterator = iter(data.DataLoader(Slow(100), 2, **options))
    next(iterator)
    iterator.close()
    with pytest.raises(ZeroDivisionError):
        [1 / 0 for _ in data.DataLoader(Rows(100), 2, **options)]


@pytest.mark.parametrize("options", POOLS[1:], ids=IDS[1:])
def test_persistent_workers_stay_and_end_with_the_loader(options: dict[str, Any]) -> None:
    def who() -> Any:
        threads = {t for t in threading.enumerate() if t.name.startswith("rtorch-data")}
        return {p.pid for p in multiprocessing.active_children()} or threads

    loader = data.DataLoader(Rows(10), 2, persistent=True, **options)
    first = [b["y"].tolist() for b in loader]
    workers = who()
    assert len(workers) == options["workers"]
    for _ in loader:  # left early: what was asked for is thrown away
        break
    assert [b["y"].tolist() for b in loader] == first
    assert who() == workers
    del loader


def test_two_iterations_of_one_loader_at_once() -> None:
    with data.DataLoader(Rows(6), 2, persistent=True, workers=2) as loader:
        pairs = [(a["y"].tolist(), b["y"].tolist()) for a, b in zip(loader, loader, strict=True)]
    assert pairs == [([i, i + 1], [i, i + 1]) for i in (0, 2, 4)]


def test_batches_stay_as_they_are() -> None:
    """The memory that they came through is used again."""
    batches = list(data.DataLoader(Rows(40), 2, **PROCESS))
    assert [b["x"][1, 3, 4].tolist() for b in batches] == list(range(1, 40, 2))


def run(tmp_path: Path, code: str, *args: str, **options: Any) -> subprocess.Popen[str]:
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(code))
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    return subprocess.Popen(
        [sys.executable, str(file), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": path}, start_new_session=True, **options,
    )  # fmt: skip


MAIN = """
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    from rtorch import data
    from loader_samples import Rows, Slow
    {before}
    if __name__ == "__main__":
        for batch in data.DataLoader(Slow(4000), 1, workers=2, kind="process"):
            print("batch", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
def test_ctrl_c_ends_all(tmp_path: Path) -> None:
    program = run(tmp_path, MAIN.format(before=""))
    assert program.stdout is not None
    assert program.stdout.readline() == "batch\n"
    os.killpg(program.pid, signal.SIGINT)  # as the terminal does: workers get it too
    _, errors = program.communicate(timeout=20)
    assert errors.count("Traceback") == 1, errors
    assert "KeyboardInterrupt" in errors
    assert "leaked" not in errors
    assert not segments(program.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    program = run(tmp_path, MAIN.format(before=""))
    assert program.stdout is not None
    assert program.stdout.readline() == "batch\n"
    os.kill(program.pid, signal.SIGKILL)
    program.communicate(timeout=20)  # ends when the last process with its pipes has ended
    end = time.monotonic() + 10
    while segments(program.pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not segments(program.pid)


def test_a_main_module_without_a_guard_is_told(tmp_path: Path) -> None:
    code = MAIN.replace('if __name__ == "__main__":', "if True:").format(before="")
    program = run(tmp_path, code)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 1
    assert 'put that under `if __name__ == "__main__":`' in errors


def test_a_killed_training_goes_on_where_it_was(tmp_path: Path) -> None:
    code = """
        import sys, numpy as np, rtorch as rt
        from rtorch import data
        from loader_samples import Slow, with_noise

        if __name__ == "__main__":
            noisy = data.map(with_noise, Slow(12), keyed=True)
            loader = data.DataLoader(noisy, 2, shuffle=True, key=rt.random.key(5), workers=2,
                                     kind="process")
            state = loader.state()
            if sys.argv[1:] == ["again"]:
                state = rt.load("place", like=state)
            while state.epoch < 2:
                for batch, state in loader.batches(state):
                    rt.save("place", state)
                    print(np.asarray(batch).tobytes().hex(), flush=True)
    """
    whole, errors = run(tmp_path, code, cwd=tmp_path).communicate(timeout=60)
    assert len(whole.split()) == 12, errors
    killed = run(tmp_path, code, cwd=tmp_path)
    assert killed.stdout is not None
    begin = [killed.stdout.readline() for _ in range(4)]
    os.kill(killed.pid, signal.SIGKILL)
    begin += killed.communicate(timeout=20)[0].splitlines(keepends=True)  # what was printed since
    again = run(tmp_path, code, "again", cwd=tmp_path).communicate(timeout=60)[0]
    assert ("".join(begin) + again).split() == whole.split()


def test_classes_that_a_worker_does_not_find(tmp_path: Path) -> None:
    program = subprocess.run(
        [sys.executable, "-c", "class A(list): pass\nfrom rtorch import data\n"
         "list(data.DataLoader(A([1]), 1, workers=1, kind='process'))"],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "AttributeError: Can't get attribute 'A'" in program.stderr
    assert 'put them into a module, or use kind="thread"' in program.stderr


def test_a_program_may_end_while_persistent_workers_wait(tmp_path: Path) -> None:
    code = """
        from rtorch import data
        from loader_samples import Rows

        if __name__ == "__main__":
            loader = data.DataLoader(Rows(8), 2, workers=2, kind="process", persistent=True)
            print(len(list(loader)))
    """
    out, errors = run(tmp_path, code).communicate(timeout=60)
    assert (out, errors) == ("4\n", "")
