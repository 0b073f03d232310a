"""`Checkpointer`: the states of a training in a directory, to go on from the newest good one.

How a checkpoint lies on the disk is the affair of `checkpoint_folder`, what it says of itself that
of `manifest`, which stay that of `rotation`; here they are put together.
"""

from __future__ import annotations

import operator
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from rtorch.errors import ArgumentError, FileFormatError, TreeError, api, describe
from rtorch.io import checkpoint_folder as disk
from rtorch.io import npz
from rtorch.io.background import Background
from rtorch.io.lock import DirectoryLock
from rtorch.io.manifest import Manifest, OtherVersionError
from rtorch.io.mapped import PathLike
from rtorch.io.rotation import Policy


class Checkpointer:
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
        self._policy = Policy(keep, best, keep_best, keep_every, every, seconds)
        self._policy.check()
        self.directory = Path(directory)
        self._root = self.directory.resolve()  # the program may change its working directory
        self._asynchronous = asynchronous
        self._writer = Background()
        self._saved_at, self._saved_step = time.monotonic(), -1
        self._lock: DirectoryLock | None = None
        if not read_only:
            self._root.mkdir(parents=True, exist_ok=True)
            self._lock = DirectoryLock(self._root)
            disk.clean(self._root)

    # ---- saving ----------------------------------------------------------------------------------

    def should_save(self, step: int) -> bool:
        """Whether `save` would save at this step, by `every` and `seconds`."""
        step = _step(step)
        elapsed = time.monotonic() - self._saved_at
        return step != self._saved_step and self._policy.due(step, elapsed)

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
        self._writer.wait()  # for what it writes, and for its error
        step, lock = _step(step), self._writable("save")
        self._check_order(step)
        about = Manifest(step, time.time(), self._numbers(metrics), metadata, {})
        _ = _checked(about.encoded, "metadata")  # to be told here, not in the thread
        packed = {name: _packed(name, tree) for name, tree in _items(items).items()}

        def write(_: DirectoryLock = lock) -> None:  # which holds the lock until the end
            try:
                disk.write(self._root, about, packed)
                self._rotate()
            except OSError as error:
                error.add_note(
                    f"[Checkpointer] while saving step {step} to {str(self.directory)!r}; the "
                    "checkpoints that were there are as they were"
                )
                raise

        self._saved_at, self._saved_step = time.monotonic(), step
        if self._asynchronous:
            self._writer.start(write, f"checkpoint-{step}")
        else:
            write()
        return True

    def _check_order(self, step: int) -> None:
        newest = max(disk.steps(self._root), default=-1)
        if step < newest:
            raise ArgumentError(
                f"[Checkpointer.save] step: {step} is before {newest}, the newest checkpoint in "
                f"{str(self.directory)!r}: restore() to go on from there, delete the later ones, "
                "or take another directory"
            )

    def _numbers(self, metrics: Mapping[str, Any] | None) -> dict[str, float]:
        if metrics is None:
            return {}
        best = self._policy.best
        if best is not None and best[0] not in metrics:
            raise ArgumentError(f"[Checkpointer.save] metrics: {best[0]!r}, of best, is missing")
        return {name: _number(name, value) for name, value in metrics.items()}

    def _rotate(self) -> None:
        metrics = {about.step: about.metrics for about in self._sound()}
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
        step = _step(step)
        if step not in disk.steps(self._root):
            raise self._no_such(step)
        disk.remove(self._root, step)

    # ---- what is there ---------------------------------------------------------------------------

    def _sound(self) -> Iterator[Manifest]:
        """The manifests of the checkpoints that look sound, in order."""
        for step in disk.steps(self._root) if self._root.is_dir() else ():
            try:
                yield disk.read_manifest(self._root, step)
            except FileFormatError:
                continue  # restore tells of it

    @api
    def steps(self) -> list[int]:
        """The steps of the checkpoints, in order, but for those that are seen to be damaged.

        Their files are there in the right sizes; `restore` compares the checksums.
        """
        self._writer.wait()
        return [about.step for about in self._sound()]

    @api
    def metrics(self, step: int) -> dict[str, float]:
        """The metrics that a checkpoint was saved with."""
        return self._about(step).metrics

    @api
    def metadata(self, step: int) -> Any:
        """The metadata that a checkpoint was saved with."""
        return self._about(step).metadata

    @api
    def best_step(self) -> int | None:
        """The step that is best by the metric of `best`; None if there is none."""
        self._writer.wait()
        ranked = self._policy.ranked({about.step: about.metrics for about in self._sound()})
        return ranked[0] if ranked else None

    def _about(self, step: int) -> Manifest:
        self._writer.wait()
        step = _step(step)
        if not self._root.is_dir() or step not in disk.steps(self._root):
            raise self._no_such(step)
        return disk.read_manifest(self._root, step)

    def _no_such(self, step: int) -> ArgumentError:
        return ArgumentError(
            f"[Checkpointer] step: there is no checkpoint of step {step} in "
            f"{str(self.directory)!r}; there are {[about.step for about in self._sound()]}"
        )

    # ---- restoring -------------------------------------------------------------------------------

    @api
    def restore(
        self, like: Mapping[str, Any] | None = None, *, step: int | None = None, best: bool = False
    ) -> dict[str, Any] | None:
        """The newest checkpoint that is good, compared with its checksums.

        One that is damaged is passed over with a warning, and renamed, unless `read_only`.

        Args:
            like: A dict of pytrees to build, of some or all of the items; see `rtorch.load`.
                Without it only plain containers can be built, no named tuples.
            step: Another one than the newest; then no other stands in for it.
            best: The one that is best by the metric of `best`.

        Returns:
            The items; None if there is no checkpoint at all.

        Raises:
            FileFormatError: if there are checkpoints and none is good.
            TreeError: if the checkpoint does not fit `like`.
            ArgumentError: if there is none of this step.
        """
        self._writer.wait()
        if step is not None:
            about = self._about(step)
            disk.check(self._root, about, about.files)
            return self._load(about, like)
        if best and self._policy.best is None:
            raise ArgumentError("[Checkpointer.restore] best: Checkpointer(..., best=) names none")
        about = self._first_good(self._candidates(best))
        return None if about is None else self._load(about, like)

    def _candidates(self, best: bool) -> list[int]:
        """Steps in the order in which they are tried."""
        if not best:
            return disk.steps(self._root)[::-1] if self._root.is_dir() else []
        return self._policy.ranked({about.step: about.metrics for about in self._sound()})

    def _first_good(self, steps: list[int]) -> Manifest | None:
        damage: list[str] = []
        for step in steps:
            try:
                about = disk.read_manifest(self._root, step)
                disk.check(self._root, about, about.files)
            except OtherVersionError:
                raise  # it is not damaged, and its owner may want to read it
            except FileFormatError as error:
                damage.append(f"{error.args[0]}{self._put_away(step)}")
                continue
            if damage:
                _warn(f"{'; '.join(damage)}. Step {step} is the newest good one")
            return about
        if damage:
            raise FileFormatError(f"{'; '.join(damage)}. No checkpoint is good")
        return None

    def _put_away(self, step: int) -> str:
        """Rename a damaged checkpoint, if it may be; what a message says of it."""
        if self._lock is None:
            return ""
        try:
            return f" (now {disk.set_aside(self._root, step).name})"
        except OSError:
            return ""

    def _load(self, about: Manifest, like: Mapping[str, Any] | None) -> dict[str, Any]:
        wanted = dict.fromkeys(about.files) if like is None else _items(like)
        missing = [name for name in wanted if name not in about.files]
        if missing:
            raise TreeError(
                f"[Checkpointer.restore] like: the checkpoint of step {about.step} has no "
                f"{', '.join(map(repr, missing))}; it has {', '.join(map(repr, about.files))}"
            )
        return {name: disk.load(self._root, about, name, tree) for name, tree in wanted.items()}

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
        steps = {about.step: about.metrics for about in self._sound()}
        best = policy.ranked(steps)
        shown = f", best {best[0]} by {policy.best[0]}" if best and policy.best else ""
        busy = ", writing" if self._writer.busy else ""
        return f"Checkpointer({str(self.directory)!r}, steps {list(steps)}{shown}{busy})"


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=5)


def _step(step: Any) -> int:
    try:
        number = operator.index(step)
    except TypeError:
        number = -1
    if isinstance(step, bool) or not 0 <= number < 10**18:
        raise ArgumentError(f"[Checkpointer] step: expected an int from 0 on, got {describe(step)}")
    return number


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"[Checkpointer.save] metrics[{name!r}]: expected a number, got {describe(value)}"
        ) from None


def _items(items: Any) -> dict[str, Any]:
    named = isinstance(items, Mapping) and all(isinstance(name, str) for name in items)
    if not named or not items:
        raise ArgumentError(
            "[Checkpointer] items: expected a dict from names to pytrees, such as "
            f"{{'params': params, 'step': 3}}, got {describe(items)}"
        )
    return dict(items)


def _packed(name: str, tree: Any) -> npz.Packed:
    try:
        return npz.packed(tree)
    except ArgumentError as error:
        reason = str(error.args[0]).removeprefix("[save] ")
        raise ArgumentError(f"[Checkpointer.save] items[{name!r}]: {reason}") from error


def _checked(encode: Callable[[], bytes], name: str) -> bytes:
    try:
        return encode()
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"[Checkpointer.save] {name}: JSON cannot hold it: {error}") from None
