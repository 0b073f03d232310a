"""Kill a training at random moments, let it go on, and compare the end bit by bit.

    python tests/io/kill_training.py --times 200 --seed 0 [--wait] [--damage]

The training (`training.py`) is killed with SIGKILL: while it starts, computes, writes, removes old
checkpoints. After each kill it must go on from the newest sound checkpoint, which is at most one
interval behind (two, if a thread writes: the newest may not have been complete), and its last
numbers must be those of a training that nobody killed. With ``--damage`` files of the newest
checkpoint are cut or changed between kill and restart; then the one before must be taken.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

TRAINING = Path(__file__).with_name("training.py")
STEPS, INTERVAL = 300, 10


class Killed:
    """A training in `folder` that is started and killed until it gets to its end."""

    def __init__(self, folder: Path, rng: random.Random, wait: bool, damage: bool) -> None:
        self.folder, self.rng, self.wait, self.damage = folder, rng, wait, damage
        self.counts: Counter[str] = Counter()
        self.damaged: set[int] = set()  # steps; restored or written anew, they are sound again
        self.most_lost = 0

    def command(self) -> list[str]:
        wait = ["--wait"] if self.wait else []
        return [sys.executable, str(TRAINING), str(self.folder), f"--steps={STEPS}",
                f"--interval={INTERVAL}", *wait]  # fmt: skip

    def log(self) -> list[list[str]]:
        file = self.folder / "log"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def checkpoints(self) -> dict[int, Path]:
        folders = self.folder.glob("checkpoints/step_*")
        return {int(f.name[5:]): f for f in folders if int(f.name[5:]) not in self.damaged}

    def run(self, delay: float | None) -> str:
        """Start it, and kill it after `delay` seconds from the moment that it began to train.

        Negative delays count from its start. What it printed, nothing if it was killed.
        """
        before = self.log()
        newest = self._recoverable()
        process = subprocess.Popen(
            self.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            if delay is not None:
                self._kill(process, delay, len(before))
            printed, errors = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode in (0, -signal.SIGKILL), errors
        self._check_resumed(before, self.log()[len(before) :], newest, errors)
        return printed

    def _recoverable(self) -> int:
        """The step that must be restored, also that of a folder which was being replaced."""
        sound = set(self.checkpoints())
        for old in self.folder.glob("checkpoints/.step_*.old"):
            sound.add(int(old.name[6:].partition(".")[0]))
        return max(sound - self.damaged, default=0)

    def _kill(self, process: subprocess.Popen[str], delay: float, lines: int) -> None:
        if delay >= 0:
            while len(self.log()) == lines and process.poll() is None:
                time.sleep(0.002)
        time.sleep(abs(delay))
        process.send_signal(signal.SIGKILL)

    def _check_resumed(
        self, before: list[list[str]], new: list[list[str]], newest: int, errors: str
    ) -> None:
        if not new:
            self.counts["before it had begun"] += 1
            return
        assert new[0] == ["resumed", str(newest)], (new[0], newest, errors)
        if self.damaged:
            assert "RuntimeWarning: [Checkpointer]" in errors, errors
            assert f"Step {newest} is the newest good one" in errors, errors
        reached = int(before[-1][1]) if before else 0
        lost = reached - newest - (INTERVAL if self.damaged else 0)
        self.most_lost = max(self.most_lost, lost)
        assert lost <= INTERVAL * (1 if self.wait else 2), f"lost {lost} steps"
        self.counts["lost more than an interval"] += lost > INTERVAL
        self.damaged.clear()  # the training has put them away

    def count_places(self) -> None:
        """Where the kill hit."""
        left = [f.name for f in self.folder.glob("checkpoints/.step_*")]
        if any(name.endswith(".old") for name in left):
            self.counts["while replacing"] += 1
        elif left:
            self.counts["while writing or removing"] += 1
        else:
            self.counts["between writes"] += 1

    def spoil(self) -> None:
        """Cut or change a file of the newest checkpoint, if there is another."""
        sound = self.checkpoints()
        if self.damaged or len(sound) < 2 or self.rng.random() < 0.5:
            return
        step = max(sound)
        file = self.rng.choice(sorted(sound[step].iterdir()))
        content = bytearray(file.read_bytes())
        kind = self.rng.choice(["cut", "bit", "gone"])
        if kind == "bit":
            content[self.rng.randrange(len(content))] ^= 1 << self.rng.randrange(8)
        elif kind == "cut":
            del content[self.rng.randrange(len(content)) :]
        file.write_bytes(content)
        if kind == "gone":
            file.unlink()
        self.damaged.add(step)
        self.counts[f"damage: {kind}"] += 1


def kill(times: int, seed: int, wait: bool, damage: bool, folder: Path) -> dict[str, int]:
    """Kill trainings until `times` kills are done; what happened how often."""
    rng = random.Random(seed)
    expected = Killed(folder / "whole", rng, wait, damage).run(None)
    counts: Counter[str] = Counter()
    most_lost, kills, round = 0, 0, 0
    while kills < times:
        round += 1
        killed, printed = Killed(folder / f"round{round}", rng, wait, damage), ""
        while not printed:
            if kills >= times:
                printed = killed.run(None)
                break
            delay = -rng.uniform(0, 0.6) if rng.random() < 0.1 else rng.uniform(0, 0.8)
            printed = killed.run(delay)
            if not printed:
                kills += 1
                killed.count_places()
                if damage:
                    killed.spoil()
        assert printed == expected, f"round {round}: {printed} instead of {expected}"
        counts += killed.counts
        most_lost = max(most_lost, killed.most_lost)
    return {"kills": kills, "trainings": round, "most steps lost": most_lost, **counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wait", action="store_true", help="the training waits for its writes")
    parser.add_argument("--damage", action="store_true", help="change files between the runs")
    options = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        counts = kill(options.times, options.seed, options.wait, options.damage, Path(folder))
    for what, count in counts.items():
        print(f"{count:5} {what}")
    print(f"all ends bit-identical; {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
