"""Text to machine code: compiled by LLVM, kept on disk, linked into the process.

Objects lie in a directory that only the user can read or write, since they are run. A file's name
is the hash of all that it depends on; it begins with the hash of the object, so that a damaged file
is compiled again rather than run.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rtorch.compiler.native.target import Target, host

VERSION = 1  # of the way in which text is compiled
MOST_BYTES = 256 << 20  # of all objects that are kept on disk

_libraries: list[Any] = []  # what is linked stays: functions in it may be running
_numbers = itertools.count()
_lock = threading.Lock()


def compile_object(text: str, target: Target) -> bytes:
    """The object file of a compilation unit.

    The text has explicit vectors already; LLVM's optimizer would find little and take long. Only
    variables are put into registers (``sroa``); the code generator does the rest.
    """
    from llvmlite import binding as llvm

    unit = llvm.parse_assembly(text)
    machine = _machine(target)
    tuning = llvm.create_pipeline_tuning_options(speed_level=1)
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.run(unit, llvm.create_pass_builder(machine, tuning))
    result: bytes = machine.emit_object(unit)
    return result


@functools.cache
def _machine(target: Target) -> Any:
    from llvmlite import binding as llvm

    if target == host():
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, reloc="pic", codemodel="jitdefault",
        jit=target == host(),
    )  # fmt: skip


@functools.cache
def _linker() -> Any:
    from llvmlite import binding as llvm

    return llvm.create_lljit_compiler(_machine(host()))


def link(code: bytes, names: Sequence[str], imports: Mapping[str, int]) -> dict[str, int]:
    """Put an object into the process, which calls `imports`; the addresses of `names` in it."""
    from llvmlite import binding as llvm

    builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    for name in names:
        builder.export_symbol(name)
    for name, address in imports.items():
        builder.import_symbol(name, address)
    with _lock:
        library = builder.link(_linker(), f"rtorch{next(_numbers)}")
        _libraries.append(library)
        return {name: library[name] for name in names}


def build(
    text: str, names: Sequence[str], imports: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The addresses of the functions `names` of a compilation unit, on this machine.

    `imports` are the addresses of functions of other units that it calls.
    """
    file = _cached(text)
    code = None if file is None else _read(file)
    if code is None:
        code = compile_object(text, host())
        if file is not None:
            _write(file, code)
    return link(code, names, imports or {})


# ---- the cache on disk ---------------------------------------------------------------------------


def _cached(text: str) -> Path | None:
    """Where the object of `text` is kept; None if nothing can be kept."""
    folder = _folder()
    if folder is None:
        return None
    import llvmlite

    machine = host()
    parts = (str(VERSION), llvmlite.__version__, machine.cpu, machine.features, text)
    return folder / hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def _folder() -> Path | None:
    """The directory of objects, private to the user; None if there is none that can be trusted."""
    chosen = os.environ.get("RTORCH_CACHE_DIR")
    if chosen == "":
        return None
    if chosen is not None:
        folder = Path(chosen)
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA", Path.home())) / "rtorch" / "cache"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rtorch"
    folder = folder / "objects"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder if _is_private(folder) else None
    except (OSError, RuntimeError):
        return None


def _is_private(folder: Path) -> bool:
    if sys.platform == "win32":  # the profile of a user is private there
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _read(file: Path) -> bytes | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, code = content[:32], content[32:]
    return code if hashlib.sha256(code).digest() == digest else None


def _write(file: Path, code: bytes) -> None:
    try:
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".")
        with os.fdopen(handle, "wb") as stream:
            stream.write(hashlib.sha256(code).digest() + code)
        Path(draft).replace(file)
        _forget_oldest(file.parent)
    except OSError:
        pass  # the disk is full, or the directory went away: the code is there all the same


def _forget_oldest(folder: Path) -> None:
    files = [(f.stat().st_mtime, f.stat().st_size, f) for f in folder.iterdir() if f.is_file()]
    total = sum(size for _, size, _ in files)
    for _, size, file in sorted(files):
        if total <= MOST_BYTES:
            return
        file.unlink(missing_ok=True)
        total -= size
