"""One door to all formats: `open`."""

from __future__ import annotations

from pathlib import Path

from rtorch.errors import FileFormatError, api
from rtorch.io import safetensors, torch_load
from rtorch.io.entry import Archive
from rtorch.io.mapped import PathLike, reading
from rtorch.io.npz_file import NpzFile

_ZIP, _PICKLE = b"PK\3\4", b"\x80"
_EMPTY_ZIP = b"PK\5\6"


@api
def open(path: PathLike) -> Archive:
    """The arrays of a file by name, read when they are asked for.

    The format is told from the first bytes: ``.npz`` (of `save` or of NumPy), safetensors, or
    PyTorch's. The names are those in the file; leaves of PyTorch's trees have dotted ones.

    Args:
        path: The file. It stays mapped as long as the result or one of its arrays is in use.

    Returns:
        A read-only mapping: ``archive[name]`` has ``shape``, ``dtype`` and ``nbytes``;
        ``.read()`` gives an Array and ``.numpy()`` a NumPy array over the mapped file.

    Raises:
        FileFormatError: if the file is damaged or of another format.
        MissingDependencyError: if the package for the format is not installed.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rt.save(os.path.join(folder, "x.npz"), {"w": rt.ones((2, 3)), "b": rt.zeros(3)})
        ...     archive = rt.io.open(os.path.join(folder, "x.npz"))
        ...     list(archive), archive["w"].shape, archive["b"].read()
        (['b', 'w'], (2, 3), Array([0., 0., 0.], dtype=float32))
    """
    with reading("open", path), Path(path).open("rb") as stream:
        start = stream.read(9)
        if start.startswith((_ZIP, _EMPTY_ZIP)):
            return _zip(Path(path))
        if start.startswith(_PICKLE):
            return torch_load.archive(Path(path))
        if start[8:] == b"{":
            return safetensors.archive(Path(path))
        raise FileFormatError("it is neither .npz nor safetensors nor of torch.save")


def _zip(path: Path) -> Archive:
    file = NpzFile(path)
    return torch_load.archive(path) if file.is_torch else file.archive()
