"""Reading the files of ``torch.save``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rtorch.errors import FileFormatError, api
from rtorch.io.entry import Archive, Entry, to_array
from rtorch.io.mapped import ALLOWANCE, PathLike, reading
from rtorch.io.pickle_values import Allowed
from rtorch.io.plain import map_leaves, named_leaves
from rtorch.io.torch_file import TorchFile
from rtorch.io.torch_names import NumPyArray, NumPyDType
from rtorch.io.torch_tensors import Storage, StorageType, Tensor


@api
def load_torch(path: PathLike, *, device: Any = None, mmap: bool = False) -> Any:
    """Read what ``torch.save`` wrote, without PyTorch and without running any code of the file.

    Tensors and parameters become Arrays; dicts, lists, tuples, numbers, strings, sets and NumPy
    arrays stay what they are; a ``torch.Size`` is a tuple, a ``torch.device`` a string and a
    ``torch.dtype`` that of NumPy. Arrays whose tensors share a storage share its memory.
    Attributes of dicts (``_metadata`` of a state_dict), hooks and ``requires_grad`` are dropped.

    Args:
        path: The file: a zip archive or of the older format, which ended with PyTorch 1.5.
        device: Where the arrays go to; None leaves them on the CPU.
        mmap: Whether the arrays lie over the mapped file, which is read where it is touched, and
            whose checksums are not compared. Do not change the file while they are in use.

    Returns:
        The object that was saved, often a dict of names and Arrays: a state_dict.

    Raises:
        FileFormatError: if the file is damaged, or holds anything else, such as a class; the
            message names it.

    Example:
        >>> import rtorch as rt, tempfile, os
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "model.pth")
        ...     rt.io.save_torch(file, {"fc.weight": rt.ones((1, 2)), "epoch": 3})
        ...     rt.io.load_torch(file)
        {'fc.weight': Array([[1., 1.]], dtype=float32), 'epoch': 3}
    """
    with reading("load_torch", path):
        file = TorchFile(Path(path))

        def value(leaf: Any) -> Any:
            leaf = _tensor_of(leaf)
            if not isinstance(leaf, Tensor):
                return _plain(leaf)
            if leaf.conj or leaf.neg:
                file.spend(leaf.storage.nbytes)
            x = to_array(file.array(leaf, copy=not mmap), f"storage {leaf.storage.key[:40]}")
            return x if device is None else x.to(device)

        return map_leaves(value, file.tree)


def archive(path: Path) -> Archive:
    """The tensors of a file by their dotted names, none of them read."""
    file = TorchFile(path)
    entries: dict[str, Entry] = {}
    values: dict[str, Any] = {}
    room = ALLOWANCE
    for name, leaf in named_leaves(file.tree):
        room -= len(name)
        if room < 0:
            raise FileFormatError("the names of the leaves are longer than the file has room for")
        leaf = _tensor_of(leaf)
        if isinstance(leaf, Tensor):
            name = _different(name, entries)
            entries[name] = _entry(path, file, name, leaf)
        else:
            values[_different(name, values)] = _plain(leaf)
    return Archive("torch", list(entries.values()), None, values)


def _entry(path: Path, file: TorchFile, name: str, tensor: Tensor) -> Entry:
    def array(copy: bool) -> np.ndarray[Any, Any]:
        return file.array(tensor, copy=copy)

    return Entry(path, name, tensor.dtype, tensor.shape, array)


def _different(name: str, taken: dict[str, Any]) -> str:
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}~{number}", number + 1
    return unique


def _tensor_of(leaf: Any) -> Any:
    """A tensor of the whole storage, if `leaf` is a storage."""
    if not isinstance(leaf, Storage):
        return leaf
    dtype = leaf.type.dtype
    return Tensor(leaf, dtype, 0, (leaf.nbytes // dtype.itemsize,), (1,))


def _plain(leaf: Any) -> Any:
    if isinstance(leaf, NumPyArray):
        return leaf.value
    if isinstance(leaf, StorageType | NumPyDType):
        return leaf.dtype
    if isinstance(leaf, Allowed):
        raise FileFormatError(f"the pickle has the function {leaf.name} for a value")
    return leaf
