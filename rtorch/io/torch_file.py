"""A file of ``torch.save``, read without PyTorch: zip archives and the older stream of pickles.

A zip archive holds ``data.pkl``, the pickle of the object, and one file of bytes per storage,
``data/0``, ``data/1``, ... The older format is five pickles one after the other (a magic number,
the version, facts about the machine, the object, the keys of its storages), and then for each
storage its length and its bytes.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from rtorch.errors import FileFormatError
from rtorch.io import zip_reader
from rtorch.io.mapped import budget, mapped
from rtorch.io.pickles import Machine
from rtorch.io.plain import check_size
from rtorch.io.torch_names import names
from rtorch.io.torch_tensors import Storage, StorageType, Tensor, swapped, unit_of

_ZIP = b"PK\3\4"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_LEAF_COST = 64
_ALIGNMENT = 16

_Read = Callable[[Storage, bool], memoryview]  # the bytes of a storage, perhaps checked


class TorchFile:
    """The object that was saved, with tensors that are not read yet."""

    def __init__(self, path: Path) -> None:
        data = mapped(path)
        self._storages: dict[str, Storage] = {}
        self._swaps = False  # whether the bytes are in the other order than the machine's
        # What was read of the storages, as long as an array uses it.
        self._memory: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._units: dict[str, int] = {}  # what is swapped in them
        self._room = budget(data)  # bytes that arrays may take beyond their storages
        if bytes(data[:4]) == _ZIP:
            self.tree, self._read = self._open_zip(data)
        else:
            self.tree, self._read = self._open_stream(data)
        check_size(self.tree, budget(data) // _LEAF_COST)

    def array(self, tensor: Tensor, *, copy: bool) -> np.ndarray[Any, Any]:
        """The elements of a tensor.

        With `copy` its storage is read into memory, once for all tensors that share it, and its
        checksum compared. Otherwise the array lies over the mapped file, if it can.
        """
        key, unit = tensor.storage.key, unit_of(tensor.dtype) if self._swaps else 1
        if self._units.setdefault(key, unit) != unit:
            raise FileFormatError(f"the storage {key[:40]!r} has numbers of two sizes to swap")
        memory = self._memory.get(key)
        if memory is None:
            raw = self._read(tensor.storage, copy)
            memory = np.frombuffer(raw, np.uint8) if raw.nbytes else np.empty(0, np.uint8)
            if copy or unit > 1 or memory.ctypes.data % _ALIGNMENT:
                memory = self._memory[key] = swapped(memory, unit)
        return tensor.array(memory)

    def spend(self, n: int) -> None:
        """Count `n` bytes that an array takes besides its storage."""
        self._room -= n
        if self._room < 0:
            raise FileFormatError("the tensors take more memory than the file has room for")

    # -- zip archives --------------------------------------------------------------------------

    def _open_zip(self, data: memoryview) -> tuple[Any, _Read]:
        members = zip_reader.members(data)
        pickles = [name for name in members if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise FileFormatError("it is not of torch.save: it has no data.pkl, or several")
        root = pickles[0].removesuffix("data.pkl")
        if root + "constants.pkl" in members:
            raise FileFormatError(
                "it is a TorchScript program, which only PyTorch runs; save its state_dict()"
            )
        self._set_order(data, members.get(root + "byteorder"))

        def read(storage: Storage, check: bool) -> memoryview:
            return _content(data, members.get(f"{root}data/{storage.key}"), storage, check)

        machine = self._machine(_content(data, members[pickles[0]], None, True), 0, budget(data))
        tree = machine.run()
        for storage in self._storages.values():
            _member_of(members.get(f"{root}data/{storage.key}"), storage)
        return tree, read

    def _set_order(self, data: memoryview, member: zip_reader.Member | None) -> None:
        order = b"little" if member is None else bytes(_content(data, member, None, True)[:8])
        self._set_little(order == b"little", order == b"big")

    def _set_little(self, little: bool, big: bool) -> None:
        if little == big:
            raise FileFormatError("the order of the bytes is neither little nor big: it is damaged")
        self._swaps = little != (sys.byteorder == "little")

    # -- the older format ----------------------------------------------------------------------

    def _open_stream(self, data: memoryview) -> tuple[Any, _Read]:
        most = budget(data)
        head = self._machine(data, 0, most)
        try:
            magic = head.run()
        except FileFormatError:
            magic = None
        if magic != _MAGIC:
            raise FileFormatError("it is not of torch.save, or older than PyTorch 0.1.12")
        if self._next(head) != _PROTOCOL:
            raise FileFormatError("the version of PyTorch's format is not 1001")
        machine_facts = self._next(head)
        little = machine_facts.get("little_endian") if isinstance(machine_facts, dict) else None
        self._set_little(little is True, little is False)
        tree = self._next(head)
        places = self._places(data, head, self._next(head))

        def read(storage: Storage, check: bool) -> memoryview:
            start = places[storage.key]
            return data[start : start + storage.nbytes]

        return tree, read

    def _next(self, machine: Machine) -> Any:
        """What the pickle after the last one says."""
        machine.stack, machine.memo = [], {}
        return machine.run()

    def _places(self, data: memoryview, machine: Machine, keys: Any) -> dict[str, int]:
        """Where the bytes of each storage begin."""
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise FileFormatError("the list of storages is damaged")
        if len(set(keys)) != len(keys) or not self._storages.keys() <= set(keys):
            raise FileFormatError("the list of storages is not that of the tensors")
        places = {}
        for key in keys:
            (count,) = struct.unpack("<q", machine.take(8))
            storage = self._storages.get(key)
            if storage is None or count * storage.type.dtype.itemsize != storage.nbytes:
                raise FileFormatError(f"the storage {key[:40]!r} has another size than its tensors")
            places[key] = machine.at
            machine.take(storage.nbytes)
        return places

    # -- both ----------------------------------------------------------------------------------

    def _machine(self, data: memoryview, at: int, most: int) -> Machine:
        return Machine(data, at, names(), self._persistent, most)

    def _persistent(self, value: Any) -> Storage:
        """The storage that a persistent id describes."""
        match value:
            case ("storage", StorageType() as kind, str(key), str(), int(count), *rest) if (
                rest in ([], [None]) and 0 <= count < 2**62
            ):
                storage = Storage(key, kind, count * kind.dtype.itemsize)
            case _:
                raise FileFormatError("the pickle has a persistent id that is no storage")
        known = self._storages.setdefault(key, storage)
        if known.nbytes != storage.nbytes:
            raise FileFormatError(f"the storage {key[:40]!r} is said to have two sizes")
        return storage


def _member_of(member: zip_reader.Member | None, storage: Storage) -> zip_reader.Member:
    if member is None or member.size != storage.nbytes:
        found = "is not in the archive" if member is None else f"has {member.size} bytes"
        raise FileFormatError(f"the storage {storage.key[:40]!r} {found}: the file is damaged")
    return member


def _content(
    data: memoryview, member: zip_reader.Member | None, storage: Storage | None, check: bool
) -> memoryview:
    """The bytes of a member, which PyTorch does not compress."""
    if storage is not None:
        member = _member_of(member, storage)
    if member is None or member.compressed:
        raise FileFormatError("a member is missing or compressed: PyTorch compresses none")
    # 0 stands for none: torch.serialization.set_crc32_options(False)
    return zip_reader.content(data, member, check=check and member.crc != 0)
