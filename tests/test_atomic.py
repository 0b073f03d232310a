"""A file is there whole or not at all."""

import os
from pathlib import Path
from typing import Any

import pytest

from rtorch import atomic


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"old")
    with atomic.replacing(file) as stream:
        stream.write(b"new")
        assert file.read_bytes() == b"old"
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there(kind: Any, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"old")

    def fail() -> None:
        with atomic.replacing(file) as stream:
            stream.write(b"new")
            raise kind

    with pytest.raises(kind):
        fail()
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with atomic.replacing(tmp_path / "link") as stream:
        stream.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_library_may_write_the_draft_itself(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    with atomic.draft(tmp_path / "x") as path:
        path.unlink()
        path.write_bytes(b"other")
        path.chmod(0o600)
    assert (tmp_path / "x").read_bytes() == b"other"
    assert (tmp_path / "x").stat().st_mode == usual.stat().st_mode


def test_file_and_directory_are_brought_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(handle: int) -> None:
        done.append("directory" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")  # noqa: PTH112
        real_sync(handle)

    def replace(self: Path, target: Path) -> Path:
        done.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    with atomic.replacing(tmp_path / "x") as stream:
        stream.write(b"new")
    assert done == ["file", "rename", "directory"]


def test_checksums(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert atomic.checksum(tmp_path / "x").startswith("ba7816bf8f01cfea414140de5dae2223")
