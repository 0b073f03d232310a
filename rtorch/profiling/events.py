"""What a profile holds: one `Event` for every operation, and how many bytes are alive."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from rtorch.core import backend
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.errors import SourceLine


class Event(NamedTuple):
    """One operation that ran.

    Attributes:
        name: Of the primitive; calls and loops have the function's name behind it.
        family: Its kind, such as ``"elementwise"``.
        source: The user's line.
        outs: The types of the results; none if it raised.
        thread: Its thread's number.
        start: When it began, in nanoseconds of `time.perf_counter_ns`.
        wall: How long it took, the recording of operations inside included.
        total: The same without recording.
        self: `total` without the operations inside.
        bytes: Of operands and results; 0 for views and for what only holds other operations.
        flops: How many operations on numbers it takes, as far as that is known.
        alive: Bytes of arrays that were alive when it had ended.
        first_of_name: Whether no operation of this name holds it.
        first_of_line: Whether no operation of this line holds it.
    """

    name: str
    family: str
    source: SourceLine | None
    outs: tuple[Aval, ...]
    thread: int
    start: int
    wall: int
    total: int
    self: int
    bytes: int
    flops: float
    alive: int
    first_of_name: bool
    first_of_line: bool


class Memory:
    """Counts the bytes of arrays made since it was created, and still alive.

    Views count nothing: what they show belongs to another array. On a GPU it is what CuPy's pool
    has given out.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant: an array may be collected at any moment
        self._owners: dict[int, Any] = {}
        self._alive = 0

    def note(self, outs: Iterable[Array], args: Iterable[Any]) -> None:
        """Count results, but not the memory of operands that were there before."""
        before = {id(_owner(x)) for x in args if isinstance(x, Array)}
        for x in outs:
            owner = _owner(x)
            if id(owner) not in before:
                self._add(id(owner), owner)

    def _add(self, key: int, owner: Any) -> None:
        size = int(owner.nbytes)
        with self._lock:
            if key in self._owners:
                return
            try:
                self._owners[key] = weakref.ref(owner, lambda _: self._collected(key, size))
            except TypeError:
                return  # CuPy's arrays cannot be watched; see `alive`
            self._alive += size

    def _collected(self, key: int, size: int) -> None:
        with self._lock:
            if self._owners.pop(key, None) is not None:
                self._alive -= size

    def alive(self, on_gpu: bool) -> int:
        """Bytes at this moment."""
        pool = getattr(backend.cupy(), "get_default_memory_pool", None) if on_gpu else None
        return self._alive + (int(pool().used_bytes()) if pool is not None else 0)


def _owner(x: Array) -> Any:
    """The array that has the memory which `x` shows."""
    owner = x._data
    while type(base := getattr(owner, "base", None)) is type(owner):
        owner = base
    return owner
