"""What can go wrong around checkpoints: full disks, damage, other programs, kills."""

import errno
import io
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

import rtorch as rt
from rtorch import atomic
from rtorch.errors import FileFormatError
from rtorch.io import Checkpointer, checkpoint_folder, manifest, npz


def filled(folder: Path, *steps: int, **options: Any) -> Checkpointer:
    ck = Checkpointer(folder, asynchronous=False, **options)
    for step in steps:
        ck.save(step, {"x": rt.full(100, float(step)), "step": step})
    return ck


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name != ".lock")


# ---- a full disk ---------------------------------------------------------------------------------


class Full:
    """After so many operations on the disk, every one that needs room on it fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
        self.left = left
        for owner, name in [(os, "fsync"), (Path, "rename"), (Path, "mkdir"), (npz, "write"),
                            (checkpoint_folder, "sync_directory"), (atomic, "sync_directory"),
                            (checkpoint_folder, "checksum")]:  # fmt: skip
            monkeypatch.setattr(owner, name, self.limited(getattr(owner, name)))

    def limited(self, function: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*args, **options)

        return call


@pytest.mark.parametrize("step", [3, 2], ids=["new", "replaced"])
def test_a_full_disk_takes_nothing_away(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 0
    for left in range(100):
        folder = tmp_path / str(left)
        ck = filled(folder, 1, 2, keep=2)
        with monkeypatch.context() as patch:
            Full(patch, left)
            try:
                ck.save(step, {"x": rt.zeros(100), "step": 30})
            except OSError as error:
                failures += f"while saving step {step}" in error.__notes__[0]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ck.close()
            ck = Checkpointer(folder, keep=2, asynchronous=False)
            now = ck.restore()
            assert now is not None
            assert now["step"] in (2, 30)
            assert len(ck.steps()) >= 2
            assert not [name for name in names(folder) if name.startswith(".")]
            assert ck.save(4, {"step": 4})
            assert ck.restore() == {"step": 4}
        ck.close()
        if now["step"] == 30 and failures < left:
            break
    assert failures > 10


def test_a_file_that_can_be_written_in_part_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ck = filled(tmp_path, 1)

    def partly(stream: Any, content: npz.Packed) -> None:
        whole = io.BytesIO()
        npz_write(whole, content)
        stream.write(whole.getvalue()[:200])
        raise OSError(errno.ENOSPC, "No space left on device")

    npz_write = npz.write
    with monkeypatch.context() as patch:
        patch.setattr(npz, "write", partly)
        with pytest.raises(OSError, match="No space left"):
            ck.save(2, {"x": 1})
    assert names(tmp_path) == ["step_00000001"]


def test_all_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(handle: int) -> None:
        done.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real_sync(handle)

    def rename(self: Path, target: Path) -> Path:
        done.append(f"rename to {target.name}")
        return real_rename(self, target)

    ck = filled(tmp_path)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    ck.save(1, {"x": 1, "y": 2})
    draft = done[3]
    assert draft.startswith(".step_00000001.")
    assert done == ["x.npz", "y.npz", "manifest.json", draft, "rename to step_00000001",
                    tmp_path.name]  # fmt: skip


# ---- a directory that cannot be written to -------------------------------------------------------


def test_a_directory_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path, 1).close()
    real = os.open

    def refused(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, flags, *args, **options)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(PermissionError) as raised:
        Checkpointer(tmp_path)
    assert "read_only=True) only reads" in raised.value.__notes__[0]
    assert Checkpointer(tmp_path, read_only=True).restore(like={"step": 0}) == {"step": 1}


def test_what_may_not_be_read_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ck = filled(tmp_path, 1, 2)

    def refused(file: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    monkeypatch.setattr(checkpoint_folder, "checksum", refused)
    with pytest.raises(PermissionError):
        ck.restore()
    assert names(tmp_path) == ["step_00000001", "step_00000002"]


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        Checkpointer(tmp_path / "file")


# ---- damage --------------------------------------------------------------------------------------


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 8
    file.write_bytes(content)


def become_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES = {
    "cut": (cut, "bytes instead of|is cut short"),
    "flip": (flip, "was changed: its checksum is another"),
    "gone": (Path.unlink, r"is not there"),
    "directory": (become_a_directory, "is not there|bytes instead of"),
    "empty": (lambda file: file.write_bytes(b""), "0 bytes instead of|is cut short"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", ["x.npz", "manifest.json"])
def test_the_newest_good_one_is_taken(damage: str, file: str, tmp_path: Path) -> None:
    ck = filled(tmp_path, 1, 2, 3)
    change, reason = DAMAGES[damage]
    change(tmp_path / "step_00000003" / file)
    reader = Checkpointer(tmp_path, read_only=True)
    with pytest.warns(RuntimeWarning, match=f"step_00000003: {file} .*Step 2 is the newest good"):
        assert reader.restore(like={"step": 0}) == {"step": 2}
    assert "step_00000003" in names(tmp_path)
    with pytest.warns(RuntimeWarning, match=rf"({reason}).* \(now damaged_00000003\)") as caught:
        assert ck.restore(like={"step": 0}) == {"step": 2}
    assert caught[0].filename == __file__
    assert ck.steps() == [1, 2]
    ck.save(3, {"step": 3})  # the damaged one takes nobody's place
    assert ck.steps() == [1, 2, 3]


def test_damage_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    ck = filled(tmp_path, 1, 2)
    flip(tmp_path / "step_00000002" / "x.npz")
    with pytest.raises(FileFormatError, match=r"step_00000002: x\.npz was changed"):
        ck.restore(step=2)


def test_if_none_is_good_training_does_not_begin_anew(tmp_path: Path) -> None:
    ck = filled(tmp_path, 1, 2)
    for step in (1, 2):
        flip(tmp_path / f"step_0000000{step}" / "x.npz")
    for _ in range(2):  # the second time too
        with pytest.raises(FileFormatError, match=r"step_00000002.*step_00000001.*No other"):
            ck.restore()


def test_the_best_good_one_is_taken(tmp_path: Path) -> None:
    with Checkpointer(tmp_path, best=("loss", "min"), keep_best=2) as ck:
        for step, loss in enumerate([0.1, 0.2, 0.3, 0.4]):
            ck.save(step, {"step": step}, metrics={"loss": loss})
        ck.wait()
        flip(tmp_path / "step_00000000" / "step.npz")
        with pytest.warns(RuntimeWarning, match="Step 1 is the best good one"):
            assert ck.restore(best=True) == {"step": 1}


def test_a_later_version_is_not_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(manifest, "VERSION", 2)
        filled(tmp_path, 1).close()
    with pytest.raises(FileFormatError, match=r"version 2 of the format .* reads version 1"):
        Checkpointer(tmp_path).restore()
    assert names(tmp_path) == ["step_00000001"]
