"""What is in a directory of checkpoints, and how to go on from it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtorch.errors import ArgumentError, FileFormatError, TreeError, api
from rtorch.io import (
    checkpoint_arguments as arguments,
    checkpoint_folder as disk,
    checkpoint_search as search,
)
from rtorch.io.background import Background
from rtorch.io.manifest import Manifest
from rtorch.io.rotation import Policy


class CheckpointReader:
    """The half of a `Checkpointer` that reads; it waits for what is being written."""

    def __init__(self, directory: Path, policy: Policy, may_rename: bool) -> None:
        self.directory = directory
        self._root = directory.resolve()  # the program may change its working directory
        self._policy = policy
        self._may_rename = may_rename
        self._writer = Background()

    # ---- what is there ---------------------------------------------------------------------------

    @api
    def steps(self) -> list[int]:
        """The steps of the checkpoints, in order, but for those that are seen to be damaged.

        Their files are there in the right sizes; `restore` compares the checksums.
        """
        self._writer.wait()
        return [about.step for about in search.sound(self._root)]

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
        return next(iter(self._ranked()), None)

    def _ranked(self) -> list[int]:
        return self._policy.ranked({m.step: m.metrics for m in search.sound(self._root)})

    def _about(self, step: int) -> Manifest:
        self._writer.wait()
        step = arguments.step_number(step)
        if step not in search.steps(self._root):
            raise self._no_such(step)
        return disk.read_manifest(self._root, step)

    def _no_such(self, step: int) -> ArgumentError:
        return ArgumentError(
            f"[Checkpointer] step: there is no checkpoint of step {step} in "
            f"{str(self.directory)!r}; there are {[m.step for m in search.sound(self._root)]}"
        )

    # ---- restoring -------------------------------------------------------------------------------

    @api
    def restore(
        self,
        like: Mapping[str, Any] | None = None,
        *,
        step: int | None = None,
        best: bool = False,
        strict: bool = True,
    ) -> dict[str, Any] | None:
        """The newest checkpoint that is good, compared with its checksums.

        One that is damaged is passed over with a warning, and renamed, unless `read_only`.

        Args:
            like: A dict of pytrees to build, of some or all of the items; see `rtorch.load`.
                Without it only plain containers can be built, no named tuples.
            step: Another one than the newest; then no other stands in for it.
            best: The one that is best by the metric of `best`.
            strict: False takes what fits `like`, as that of `rtorch.load`.

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
            return self._load(about, like, strict)
        if best and self._policy.best is None:
            raise ArgumentError("[Checkpointer.restore] best: Checkpointer(..., best=) names none")
        candidates = self._ranked() if best else search.steps(self._root)[::-1]
        good, damaged = search.first_good(self._root, candidates)
        if good is None and damaged:
            raise FileFormatError("; ".join(damaged.values()) + ". No other checkpoint is good")
        if good is None:
            return None
        if damaged:
            which = f"Step {good.step} is the {'best' if best else 'newest'} good one"
            reasons = "; ".join(self._put_away(damaged))
            warnings.warn(f"{reasons}. {which}", RuntimeWarning, stacklevel=3)
        return self._load(good, like, strict)

    def _put_away(self, damaged: Mapping[int, str]) -> list[str]:
        """Rename what is damaged, if this may be, lest it is counted; what is wrong with each.

        Not if all is: the next start must not take the directory for an empty one.
        """
        if not self._may_rename:
            return list(damaged.values())
        return [f"{why}{search.put_away(self._root, step)}" for step, why in damaged.items()]

    def _load(self, about: Manifest, like: Any, strict: bool) -> dict[str, Any]:
        names = about.files if like is None else arguments.named(like, "like")
        missing = [name for name in names if name not in about.files]
        if missing:
            raise TreeError(
                f"[Checkpointer.restore] like: the checkpoint of step {about.step} has no "
                f"{', '.join(map(repr, missing))}; it has {', '.join(map(repr, about.files))}"
            )
        trees = dict.fromkeys(names) if like is None else like
        return {
            name: disk.load(self._root, about, name, trees[name], strict or like is None)
            for name in names
        }
