"""Trainings that are killed end as if they had not been (`kill_training.py` does it 200 times)."""

import sys
from pathlib import Path

import kill_training
import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
@pytest.mark.parametrize(
    ("wait", "damage"), [(True, False), (False, True)], ids=["waiting", "thread, damage"]
)
def test_killed_trainings_end_the_same(
    wait: bool, damage: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill_training, "STEPS", 60)
    counts = kill_training.kill(times=4, seed=0, wait=wait, damage=damage, folder=tmp_path)
    assert counts["kills"] == 4
