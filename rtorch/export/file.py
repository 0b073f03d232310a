"""The file: a zip archive with ``program.json`` and ``constants/0.npy``, ``constants/1.npy``, ...

Members are stored as they are, not compressed, so that none can be larger than the file. NumPy's
``load`` reads the constants.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from rtorch.atomic import replacing
from rtorch.core.aval import Aval
from rtorch.errors import FileFormatError
from rtorch.export.values import Json, damaged, shown

FORMAT = "rtorch.export"
VERSION = 1
HEADER = "program.json"


def path_of(path: str | os.PathLike[str]) -> Path:
    """`path`, with ``.npz`` if it has no suffix."""
    file = Path(path)
    return file if file.suffix else file.with_name(file.name + ".npz")


def member(number: int) -> str:
    """The name of a constant in the archive."""
    return f"constants/{number}.npy"


def write(file: Path, header: dict[str, Json], constants: list[np.ndarray[Any, Any]]) -> None:
    """Write the archive; `file` is replaced when it is complete."""
    text = json.dumps(header, separators=(",", ":"), allow_nan=False)
    with replacing(file) as whole, zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(zipfile.ZipInfo(HEADER), text)  # without the time: equal files
        for i, x in enumerate(constants):
            with archive.open(zipfile.ZipInfo(member(i)), "w", force_zip64=True) as stream:
                np.lib.format.write_array(
                    cast(Any, stream), np.asarray(_plain(x), order="C"), allow_pickle=False
                )


def _plain(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """bfloat16 as the bits that it has: NumPy's format does not know it."""
    return x.view(np.uint16) if x.dtype.kind == "V" else x


def read_header(archive: zipfile.ZipFile) -> dict[str, Json]:
    """The content of ``program.json``, of a version that this rtorch reads."""
    header = json.loads(_member(archive, HEADER).read(), parse_constant=_no_constant)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise damaged(HEADER, f"it has not the format {FORMAT!r}")
    version = header.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise damaged(
            f"{HEADER}/version", f"it has version {shown(version)} of the format, written by "
            f"rtorch {shown(header.get('rtorch'))}; this rtorch reads versions 1 to {VERSION}: "
            "load it with a newer one"
        )  # fmt: skip
    return header


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise damaged(name, "there is no such member: rt.export.save did not write it") from None
    if info.compress_type != zipfile.ZIP_STORED:
        raise damaged(name, "it is compressed, and rt.export.save only stores")
    return archive.open(info)


def read_constant(archive: zipfile.ZipFile, number: int, aval: Aval) -> np.ndarray[Any, Any]:
    """A constant, which must be of type `aval`: its size is checked before memory is taken."""
    name = member(number)
    stored = np.dtype(np.uint16) if aval.dtype.kind == "V" else aval.dtype
    with _member(archive, name) as stream:
        shape, fortran, dtype = _array_header(stream, name)
        if shape != aval.shape or dtype != stored or fortran:
            raise damaged(name, f"it holds {dtype}{list(shape)}, {HEADER} says {aval}")
        data = stream.read()
    if len(data) != math.prod(shape) * stored.itemsize:
        raise damaged(name, f"it has {len(data)} bytes of data, which is wrong for {aval}")
    return np.frombuffer(bytearray(data), stored).view(aval.dtype).reshape(shape)


def _array_header(stream: IO[bytes], name: str) -> tuple[Any, bool, Any]:
    readers = {(1, 0): np.lib.format.read_array_header_1_0,
               (2, 0): np.lib.format.read_array_header_2_0}  # fmt: skip
    try:
        return readers[np.lib.format.read_magic(stream)](stream)
    except Exception as error:  # NumPy reads it with Python's own parser
        raise damaged(name, f"it is no array of NumPy: {error}") from None


def open_archive(file: Path) -> zipfile.ZipFile:
    """The archive of a file that exists."""
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise FileFormatError(f"[export.load] {str(file)!r} is damaged: {error}") from None
