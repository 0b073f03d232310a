"""Looking for a good checkpoint in a directory that may have damaged ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rtorch.errors import FileFormatError
from rtorch.io import checkpoint_folder as disk
from rtorch.io.manifest import Manifest, OtherVersionError


class Found(NamedTuple):
    """The first good checkpoint, and what is wrong with those before it."""

    good: Manifest | None
    damaged: dict[int, str]  # by step


def steps(root: Path) -> list[int]:
    """The steps that have a folder; none if the directory is not there."""
    return disk.steps(root) if root.is_dir() else []


def sound(root: Path) -> Iterator[Manifest]:
    """The manifests of the checkpoints that look sound, in order; no checksums are compared."""
    for step in steps(root):
        try:
            yield disk.read_manifest(root, step)
        except FileFormatError:
            continue  # `first_good` tells of it


def first_good(root: Path, candidates: Iterable[int]) -> Found:
    """The first of these steps whose files are those that were written."""
    damaged: dict[int, str] = {}
    for step in candidates:
        try:
            about = disk.read_manifest(root, step)
            disk.check(root, about, about.files)
            return Found(about, damaged)
        except OtherVersionError:
            raise  # it is not damaged, and its owner may want to read it
        except FileFormatError as error:
            if disk.is_there(root, step):  # or else the program that writes has removed it
                damaged[step] = str(error.args[0])
    return Found(None, damaged)


def put_away(root: Path, step: int) -> str:
    """Rename a damaged checkpoint, if that can be done; what a message says of it."""
    try:
        return f" (now {disk.set_aside(root, step).name})"
    except OSError:
        return ""
