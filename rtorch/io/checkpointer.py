"""`Checkpointer`: the states of a training in a directory, to go on from the newest good one.

How a checkpoint lies on the disk is the affair of `checkpoint_folder`, what it says of itself that
of `manifest`, which stay that of `rotation`, how one is read that of `checkpoint_reader`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from rtorch.errors import ArgumentError, api
from rtorch.io import (
    checkpoint_arguments as arguments,
    checkpoint_folder as disk,
    checkpoint_search as search,
)
from rtorch.io.checkpoint_reader import CheckpointReader
from rtorch.io.lock import DirectoryLock
from rtorch.io.manifest import Manifest
from rtorch.io.mapped import PathLike
from rtorch.io.rotation import Policy


class Checkpointer(CheckpointReader):
    """Checkpoints in a directory: complete or not there, checked when read, the old ones removed.

    A checkpoint is a dict of named pytrees, each in an ``.npz`` file of `save`. The folder of a
    step appears when all of it is on the disk. Only one program may write to a directory.

    Args:
        directory: Where the checkpoints are; it is made if it is not there.
        keep: How many of the newest stay; None keeps all.
        best: A metric and ``"min"`` or ``"max"``: the checkpoints that are best by it stay too.
        keep_best: How many those are.
        keep_every: Steps that are multiples of it stay for ever.
        every: Save at steps that are multiples of it.
        seconds: Save when so much time has passed since the last; with `every`, what comes first.
            Without either, every call of `save` saves.
        asynchronous: Whether a thread writes while the program goes on.
        read_only: Only read, also beside a program that writes.

    Raises:
        ArgumentError: if an option is wrong.
        LockedError: if another program, or another Checkpointer, writes to the directory.
        OSError: if the directory cannot be made or written to.

    Example:
        >>> import rtorch as rt, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with rt.io.Checkpointer(folder, keep=2, every=10) as ck:
        ...         now = ck.restore() or {"params": rt.zeros(2), "step": 0}
        ...         for step in range(now["step"] + 1, 36):
        ...             now = {"params": now["params"] + 1, "step": step}
        ...             saved = ck.save(step, now)
        ...     ck = rt.io.Checkpointer(folder, read_only=True)
        ...     ck.steps(), ck.restore()
        ([20, 30], {'params': Array([30., 30.], dtype=float32), 'step': 30})
    """

    def __init__(
        self,
        directory: PathLike,
        *,
        keep: int | None = 3,
        best: tuple[str, str] | None = None,
        keep_best: int = 1,
        keep_every: int | None = None,
        every: int | None = None,
        seconds: float | None = None,
        asynchronous: bool = True,
        read_only: bool = False,
    ) -> None:
        policy = Policy(keep, best, keep_best, keep_every, every, seconds)
        policy.check()
        super().__init__(Path(directory), policy, may_rename=not read_only)
        self._asynchronous = asynchronous
        self._saved_at = time.monotonic()
        self._lock: DirectoryLock | None = None
        if not read_only:
            self._lock = self._opened()

    def _opened(self) -> DirectoryLock:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = DirectoryLock(self._root)
            disk.clean(self._root)
        except OSError as error:
            error.add_note(
                f"[Checkpointer] {str(self.directory)!r} cannot be written to; "
                "Checkpointer(..., read_only=True) only reads"
            )
            raise
        return lock

    # ---- saving ----------------------------------------------------------------------------------

    def should_save(self, step: int) -> bool:
        """Whether `save` would save at this step, by `every` and `seconds`."""
        step = arguments.step_number(step)
        return self._policy.due(step, time.monotonic() - self._saved_at)

    @api
    def save(
        self,
        step: int,
        items: Mapping[str, Any],
        *,
        metrics: Mapping[str, Any] | None = None,
        metadata: Any = None,
        force: bool = False,
    ) -> bool:
        """Save named pytrees, if it is time to.

        Arrays are not copied, on the CPU: they are immutable, and one that is donated while it is
        being written keeps its memory. Those on a device and NumPy's are copied first.

        Args:
            step: A number that grows; the newest checkpoint may be saved again.
            items: A dict from names to pytrees, as `rtorch.save` takes them.
            metrics: Numbers by name; that of `best` decides what is kept.
            metadata: Anything that JSON can hold.
            force: Save at this step in any case.

        Returns:
            Whether it is saved, or being saved.

        Raises:
            ArgumentError: if something cannot be saved, or a later step is there.
            OSError: if the checkpoint cannot be written (a full disk); then it is not there, and
                the others are. That of an asynchronous writer is raised by the next call.
        """
        if not (force or self.should_save(step)):
            return False
        step, lock = arguments.step_number(step), self._writable("save")
        best = self._policy.best
        rated = arguments.numbers(metrics, best[0] if best else None)
        about = Manifest(step, time.time(), rated, arguments.json_copy(metadata), {})
        packed = arguments.packed(items)
        self._writer.wait()  # for what it writes, and for its error
        self._check_order(step)

        def write(_: DirectoryLock = lock) -> None:  # which holds the lock until the end
            try:
                disk.write(self._root, about, packed)
                self._rotate()
            except OSError as error:
                error.add_note(
                    f"[Checkpointer] while saving step {step} to {str(self.directory)!r}; the "
                    "checkpoints before it are still there"
                )
                raise

        if self._asynchronous:
            self._writer.start(write, f"checkpoint-{step}")
        else:
            write()
        self._saved_at = time.monotonic()
        return True

    def _check_order(self, step: int) -> None:
        newest = max(disk.steps(self._root), default=-1)
        if step < newest:
            raise ArgumentError(
                f"[Checkpointer.save] step: {step} is before {newest}, the newest checkpoint in "
                f"{str(self.directory)!r}: restore() to go on from there, delete the later ones, "
                "or take another directory"
            )

    def _rotate(self) -> None:
        metrics = {about.step: about.metrics for about in search.sound(self._root)}
        for step in sorted(metrics.keys() - self._policy.kept(metrics)):
            disk.remove(self._root, step)

    def _writable(self, method: str) -> DirectoryLock:
        if self._lock is None:
            raise ArgumentError(f"[Checkpointer.{method}] it was closed, or is read_only")
        return self._lock

    @api
    def wait(self) -> None:
        """Wait until all is on the disk; raise what went wrong there."""
        self._writer.wait()

    @api
    def delete(self, step: int) -> None:
        """Remove the checkpoint of a step."""
        self._writer.wait()
        self._writable("delete")
        step = arguments.step_number(step)
        if not disk.is_there(self._root, step):
            raise self._no_such(step)
        disk.remove(self._root, step)

    # ---- end -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Wait for the writer and let others write to the directory."""
        try:
            self._writer.wait()
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except Exception as failure:
            if error is None:
                raise
            error.add_note(f"[Checkpointer] the last checkpoint was not saved: {failure!r}")

    def __repr__(self) -> str:
        policy = self._policy
        steps = {about.step: about.metrics for about in search.sound(self._root)}
        best = policy.ranked(steps)
        shown = f", best {best[0]} by {policy.best[0]}" if best and policy.best else ""
        busy = ", writing" if self._writer.busy else ""
        return f"Checkpointer({str(self.directory)!r}, steps {list(steps)}{shown}{busy})"
