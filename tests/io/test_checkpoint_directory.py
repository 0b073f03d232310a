"""A directory of checkpoints: who may write to it, what killed programs leave, links."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rtorch as rt
from rtorch.errors import LockedError
from rtorch.io import Checkpointer


def filled(folder: Path, *steps: int, **options: Any) -> Checkpointer:
    ck = Checkpointer(folder, asynchronous=False, **options)
    for step in steps:
        ck.save(step, {"x": rt.full(100, float(step)), "step": step})
    return ck


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name != ".lock")


# ---- other programs ------------------------------------------------------------------------------

HOLD = """
import sys, rtorch as rt
ck = rt.io.Checkpointer(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""


def test_one_program_writes(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        with pytest.raises(LockedError, match=f"written to by process {other.pid} on .*read_only"):
            Checkpointer(tmp_path)
        assert Checkpointer(tmp_path, read_only=True).steps() == []
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    filled(tmp_path, 1).close()  # the lock died with the program


def test_the_lock_ends_with_the_block_or_the_object(tmp_path: Path) -> None:
    with Checkpointer(tmp_path), pytest.raises(LockedError):
        Checkpointer(tmp_path)
    ck = Checkpointer(tmp_path)
    del ck
    Checkpointer(tmp_path).close()


# ---- what is left over ---------------------------------------------------------------------------


def test_what_killed_programs_leave_is_removed(tmp_path: Path) -> None:
    filled(tmp_path, 1, 2, 3).close()
    shutil.copytree(tmp_path / "step_00000001", tmp_path / ".step_00000004.0a1b2c3d.tmp")
    (tmp_path / "step_00000002").rename(tmp_path / ".step_00000002.0a1b2c3d.old")
    shutil.copytree(tmp_path / "step_00000001", tmp_path / ".step_00000003.0a1b2c3d.old")
    mine = ["notes.txt", ".step_mine", "step_7", "step_00000009.tmp"]
    for name in mine:
        (tmp_path / name).write_text("")
    with Checkpointer(tmp_path) as ck:
        assert names(tmp_path) == sorted(["step_00000001", "step_00000002", "step_00000003", *mine])
        assert ck.restore(step=2, like={"step": 0}) == {"step": 2}
        assert ck.restore(step=3, like={"step": 0}) == {"step": 3}


def test_links_are_followed_to_read_and_removed_as_links(tmp_path: Path) -> None:
    filled(tmp_path / "elsewhere", 1).close()
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "step_00000001").symlink_to(tmp_path / "elsewhere" / "step_00000001")
    with Checkpointer(tmp_path / "run", keep=1) as ck:
        assert ck.restore(like={"step": 0}) == {"step": 1}
        ck.save(2, {"step": 2})
        assert ck.steps() == [2]
    assert names(tmp_path / "real") == ["step_00000002"]
    assert (tmp_path / "elsewhere" / "step_00000001" / "x.npz").exists()
