"""A directory of checkpoints on the disk: one folder for each step.

A checkpoint is written into a folder with a temporary name and renamed when all of it is on the
disk; it is renamed back before it is removed. So a folder called ``step_...`` is complete, unless
something else has damaged it, and what a killed program leaves behind is told by its name::

    step_00000120/          manifest.json, params.npz, ...
    .step_00000130.3f2a.tmp being written, or removed
    .step_00000130.9c01.old to be replaced by another of the same step
    damaged_00000130/       was found damaged, and is out of the way
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from rtorch.atomic import checksum, sync_directory
from rtorch.errors import FileFormatError, RtorchError
from rtorch.io import manifest, npz
from rtorch.io.manifest import File, Manifest

_COMPLETE = re.compile(r"step_(\d{8,18})")
_LEFT_OVER = re.compile(r"\.(step_\d{8,18})\.[0-9a-f]{4,16}\.(tmp|old)")


def folder_of(root: Path, step: int) -> Path:
    """Where the checkpoint of a step is."""
    return root / f"step_{step:08d}"


def steps(root: Path) -> list[int]:
    """The steps that have a folder, in order; whether these are sound is not looked at."""
    found = (_COMPLETE.fullmatch(entry.name) for entry in root.iterdir() if entry.is_dir())
    numbers = sorted(int(match[1]) for match in found if match)
    return [n for n in numbers if folder_of(root, n).is_dir()]


def is_there(root: Path, step: int) -> bool:
    """Whether the step has a folder."""
    return folder_of(root, step).is_dir()


# ---- writing -------------------------------------------------------------------------------------


def write(root: Path, about: Manifest, items: Mapping[str, npz.Packed]) -> None:
    """Add a checkpoint to `root`, all of it or nothing; one of the same step is replaced."""
    folder = folder_of(root, about.step)
    draft = _aside(folder, "tmp")
    try:
        draft.mkdir()
        files = dict(_written(draft, items))
        with _new(draft / manifest.NAME) as stream:
            stream.write(about._replace(files=files).encoded())
        sync_directory(draft)
        _rename(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync_directory(root)


def _written(draft: Path, items: Mapping[str, npz.Packed]) -> Iterator[tuple[str, File]]:
    names = manifest.file_names(items)
    for item, content in items.items():
        file = draft / names[item]
        with _new(file) as stream:
            npz.write(stream, content)
        yield item, File(file.name, file.stat().st_size, checksum(file))


@contextlib.contextmanager
def _new(file: Path) -> Iterator[BinaryIO]:
    """A stream into a new file, brought to the disk at the end."""
    with file.open("xb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def _rename(draft: Path, folder: Path) -> None:
    """Let `draft` take the place of `folder`."""
    if not os.path.lexists(folder):
        draft.rename(folder)
        return
    old = _aside(folder, "old")
    folder.rename(old)
    try:
        draft.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    _delete(old)


def remove(root: Path, step: int) -> None:
    """Remove the checkpoint of a step; killed in between, it is there or left over."""
    folder = folder_of(root, step)
    doomed = _aside(folder, "tmp")
    folder.rename(doomed)
    sync_directory(root)
    _delete(doomed)


def set_aside(root: Path, step: int) -> Path:
    """Rename a damaged checkpoint, so that it is neither found nor counted."""
    target = root / f"damaged_{step:08d}"
    if os.path.lexists(target):
        _delete(target)
    folder_of(root, step).rename(target)
    sync_directory(root)
    return target


def clean(root: Path) -> None:
    """Remove what killed programs left, and put back what they had begun to replace."""
    for entry in list(root.iterdir()):
        if match := _LEFT_OVER.fullmatch(entry.name):
            folder = root / match[1]
            if match[2] == "old" and not os.path.lexists(folder):
                entry.rename(folder)
            else:
                _delete(entry)


def _aside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.{suffix}")


def _delete(path: Path) -> None:
    """Remove a folder, or a link to one, but not what a link leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


# ---- reading -------------------------------------------------------------------------------------


def read_manifest(root: Path, step: int) -> Manifest:
    """The manifest of a checkpoint whose files are there, in their sizes; they are not read.

    Raises:
        FileFormatError: if it is damaged.
    """
    folder = folder_of(root, step)
    with _damage(folder):
        about = manifest.read(lambda: (folder / manifest.NAME).open("rb"))
        if about.step != step:
            raise FileFormatError(f"{manifest.NAME} is that of step {about.step}")
        for file in about.files.values():
            size = (folder / file.name).stat().st_size
            if size != file.size:
                raise FileFormatError(f"{file.name} has {size} bytes instead of {file.size}")
    return about


def check(root: Path, about: Manifest, items: Iterable[str]) -> None:
    """Raise a FileFormatError unless the files of these items are those that were written."""
    folder = folder_of(root, about.step)
    with _damage(folder):
        for file in (about.files[item] for item in items):
            if checksum(folder / file.name) != file.sha256:
                raise FileFormatError(f"{file.name} was changed: its checksum is another")


def load(root: Path, about: Manifest, item: str, like: Any, strict: bool) -> Any:
    """The tree of an item."""
    try:
        return npz.load(folder_of(root, about.step) / about.files[item].name, like, strict=strict)
    except RtorchError as error:
        error.add_note(f"[Checkpointer.restore] in the item {item!r} of step {about.step}")
        raise


@contextlib.contextmanager
def _damage(folder: Path) -> Iterator[None]:
    """Let a FileFormatError name the folder, and make one of files that cannot be read."""
    try:
        yield
    except manifest.OtherVersionError as error:
        raise manifest.OtherVersionError(f"[Checkpointer] {folder}: {error.args[0]}") from None
    except FileFormatError as error:
        raise FileFormatError(f"[Checkpointer] {folder}: {error.args[0]}") from None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        name = Path(error.filename or "").name
        raise FileFormatError(f"[Checkpointer] {folder}: {name} is not there") from error
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise FileFormatError(f"[Checkpointer] {folder}: the disk cannot read it") from error
