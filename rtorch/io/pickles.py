"""A reader of pickles that calls nothing but what it is given.

Pickle is a small stack machine: instructions push values, put them into containers, and call
what ``GLOBAL`` names. Here a name is looked up in a table of the caller's, nothing is imported,
and every instruction that this file does not list is refused. The work and the memory for one
pickle are bounded by its length. Instructions: the module ``pickletools`` of Python.
"""

from __future__ import annotations

import pickle as op  # only the names of the instructions
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from rtorch.errors import FileFormatError
from rtorch.io.pickle_values import Allowed, Buildable, checked_key

_LONGEST_INT = 64  # bytes
_HIGHEST_PROTOCOL = 5
_STOP = op.STOP[0]
_COST = {op.EMPTY_SET[0]: 256, op.EMPTY_DICT[0]: 128, op.REDUCE[0]: 512, op.MEMOIZE[0]: 128}
_USUAL_COST = 80  # bytes of memory for an instruction: a number, a short string, a list


_MARK = object()
_TOO_SHORT = "the pickle ends too early: the file is damaged or truncated"


class Machine:
    """Runs one pickle.

    Args:
        data: Where the pickle is.
        at: Where in `data` it begins; after `run`, where it ended.
        names: What the dotted names of the pickle stand for.
        persistent: What a persistent id stands for.
        most: How many bytes the small objects may take.
    """

    def __init__(
        self,
        data: memoryview,
        at: int,
        names: Mapping[str, Any],
        persistent: Callable[[Any], Any],
        most: int,
    ) -> None:
        self.data, self.at, self.names, self.persistent = data, at, names, persistent
        self.left = most
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The value that the pickle describes."""
        while True:
            if self.at >= len(self.data):
                raise FileFormatError(_TOO_SHORT)
            code = self.data[self.at]
            self.at += 1
            if code == _STOP:
                return self.pop()
            step = _STEPS.get(code)
            if step is None:
                raise FileFormatError(f"the pickle has an instruction {code:#x}, not read here")
            self.spend(_COST.get(code, _USUAL_COST))
            step(self)

    def spend(self, n: int) -> None:
        """Count `n` bytes of memory."""
        self.left -= n
        if self.left < 0:
            raise FileFormatError("the pickle makes more objects than its size has room for")

    # -- the stream and the stack --------------------------------------------------------------

    def take(self, n: int) -> memoryview:
        """The next `n` bytes."""
        if n < 0 or n > len(self.data) - self.at:
            raise FileFormatError(_TOO_SHORT)
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, form: str) -> Any:
        """The next number in the format of `struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        """The text up to the end of the line."""
        text = bytes(self.data[self.at : self.at + 1000])
        length = text.find(b"\n")
        if length < 0:
            raise FileFormatError("the pickle has a name that does not end")
        self.at += length + 1
        return text[:length].decode("utf-8", "replace")

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the value on top."""
        value = self.top()
        self.stack.pop()
        return value

    def top(self) -> Any:
        """The value on top, which stays."""
        if not self.stack or self.stack[-1] is _MARK:
            raise FileFormatError("the pickle takes what is not there: the file is damaged")
        return self.stack[-1]

    def pop_many(self, n: int) -> tuple[Any, ...]:
        """The `n` values on top, the lowest first."""
        return tuple([self.pop() for _ in range(n)][::-1])

    def pop_marked(self) -> list[Any]:
        """The values above the last mark, which goes too."""
        values: list[Any] = []
        while self.stack:
            value = self.stack.pop()
            if value is _MARK:
                return values[::-1]
            values.append(value)
        raise FileFormatError("the pickle has no mark where it needs one: the file is damaged")

    # -- what is more than moving values -------------------------------------------------------

    def text(self, n: int) -> None:
        """Push a string of `n` bytes."""
        try:
            self.push(bytes(self.take(n)).decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            raise FileFormatError("the pickle has a string that is not Unicode") from None
        self.spend(sys.getsizeof(self.stack[-1]))

    def latin(self, n: int) -> None:
        """Push a string that Python 2 wrote."""
        self.spend(n)
        self.push(bytes(self.take(n)).decode("latin1"))

    def bytes(self, n: int) -> None:
        """Push a bytes object."""
        self.spend(n)
        self.push(bytes(self.take(n)))

    def long(self, n: int) -> None:
        """Push an integer of `n` bytes."""
        if n > _LONGEST_INT:
            raise FileFormatError(f"the pickle has an integer of {n} bytes")
        self.push(int.from_bytes(self.take(n), "little", signed=True))

    def name(self, dotted: str) -> None:
        """Push what a dotted name stands for."""
        if dotted not in self.names:
            raise FileFormatError(
                f"the pickle asks for {dotted}, which is not read here: only tensors, numbers, "
                "strings and containers are. Nothing was run; save a state_dict instead"
            )
        self.push(self.names[dotted])

    def stack_name(self) -> None:
        """Push what the two strings on top name."""
        module, name = self.pop_many(2)
        self.name(f"{module}.{name}"[:1000])

    def remember(self, number: int) -> None:
        """Keep the value on top under a number."""
        self.memo[number] = self.top()

    def recall(self, number: int) -> None:
        """Push what was kept under a number."""
        if number not in self.memo:
            raise FileFormatError(f"the pickle recalls {number}, which it has not kept")
        self.push(self.memo[number])

    def add_items(self, pairs: list[Any]) -> None:
        """Put keys and values that follow each other into the dict on top."""
        target = self.top()
        if not isinstance(target, dict) or len(pairs) % 2:
            raise FileFormatError("the pickle puts a key and a value into what is no dict")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[checked_key(key)] = value

    def append(self, values: list[Any]) -> None:
        """Put values at the end of the list on top."""
        target = self.top()
        if not isinstance(target, list):
            raise FileFormatError("the pickle appends to what is no list")
        target.extend(values)

    def add(self, values: list[Any]) -> None:
        """Put values into the set on top."""
        target = self.top()
        if not isinstance(target, set):
            raise FileFormatError("the pickle adds to what is no set")
        target.update(map(checked_key, values))

    def reduce(self) -> None:
        """Call the function below the arguments on top."""
        function, arguments = self.pop_many(2)
        if not isinstance(function, Allowed) or not isinstance(arguments, tuple):
            raise FileFormatError(f"the pickle calls what is no function: {type(function)}")
        for argument in arguments:  # which calls may copy, again and again
            if hasattr(argument, "__len__"):
                self.spend(len(argument) * (1 if isinstance(argument, str | bytes) else 256))
        self.push(_called(function.name, function.call, *arguments))

    def build(self) -> None:
        """Complete the value below the state on top."""
        target, state = self.pop_many(2)
        if isinstance(target, Buildable):
            _called("BUILD", target.build, state)
        elif not isinstance(target, OrderedDict) or not isinstance(state, dict):
            raise FileFormatError(f"the pickle sets attributes of a {type(target).__name__}")
        self.push(target)  # attributes of a dict, such as _metadata of a state_dict, are dropped


def _called(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the call gives, if these are arguments of the function."""
    try:
        return function(*arguments)
    except FileFormatError:
        raise
    except (TypeError, ValueError, OverflowError, AttributeError, LookupError) as error:
        raise FileFormatError(
            f"the pickle calls {name} with arguments that it does not take"
        ) from error


_Step = Callable[[Machine], None]

_BY_NAME: dict[bytes, _Step] = {
    op.PROTO: lambda m: _check_protocol(m.number("B")),
    op.FRAME: lambda m: m.number("<Q") and None,
    op.NONE: lambda m: m.push(None),
    op.NEWTRUE: lambda m: m.push(True),
    op.NEWFALSE: lambda m: m.push(False),
    op.BININT: lambda m: m.push(m.number("<i")),
    op.BININT1: lambda m: m.push(m.number("B")),
    op.BININT2: lambda m: m.push(m.number("<H")),
    op.LONG1: lambda m: m.long(m.number("B")),
    op.LONG4: lambda m: m.long(m.number("<I")),
    op.BINFLOAT: lambda m: m.push(m.number(">d")),
    op.SHORT_BINUNICODE: lambda m: m.text(m.number("B")),
    op.BINUNICODE: lambda m: m.text(m.number("<I")),
    op.BINUNICODE8: lambda m: m.text(m.number("<Q")),
    op.SHORT_BINSTRING: lambda m: m.latin(m.number("B")),
    op.BINSTRING: lambda m: m.latin(m.number("<I")),
    op.SHORT_BINBYTES: lambda m: m.bytes(m.number("B")),
    op.BINBYTES: lambda m: m.bytes(m.number("<I")),
    op.BINBYTES8: lambda m: m.bytes(m.number("<Q")),
    op.MARK: lambda m: m.push(_MARK),
    op.POP: lambda m: m.stack.pop() and None if m.stack else m.top(),
    op.POP_MARK: lambda m: m.pop_marked().clear(),
    op.DUP: lambda m: m.push(m.top()),
    op.EMPTY_TUPLE: lambda m: m.push(()),
    op.TUPLE1: lambda m: m.push(m.pop_many(1)),
    op.TUPLE2: lambda m: m.push(m.pop_many(2)),
    op.TUPLE3: lambda m: m.push(m.pop_many(3)),
    op.TUPLE: lambda m: m.push(tuple(m.pop_marked())),
    op.EMPTY_LIST: lambda m: m.push([]),
    op.APPEND: lambda m: m.append([m.pop()]),
    op.APPENDS: lambda m: m.append(m.pop_marked()),
    op.EMPTY_DICT: lambda m: m.push({}),
    op.SETITEM: lambda m: m.add_items(list(m.pop_many(2))),
    op.SETITEMS: lambda m: m.add_items(m.pop_marked()),
    op.EMPTY_SET: lambda m: m.push(set()),
    op.ADDITEMS: lambda m: m.add(m.pop_marked()),
    op.FROZENSET: lambda m: m.push(frozenset(map(checked_key, m.pop_marked()))),
    op.BINPUT: lambda m: m.remember(m.number("B")),
    op.LONG_BINPUT: lambda m: m.remember(m.number("<I")),
    op.MEMOIZE: lambda m: m.remember(len(m.memo)),
    op.BINGET: lambda m: m.recall(m.number("B")),
    op.LONG_BINGET: lambda m: m.recall(m.number("<I")),
    op.GLOBAL: lambda m: m.name(f"{m.line()}.{m.line()}"),
    op.STACK_GLOBAL: Machine.stack_name,
    op.REDUCE: Machine.reduce,
    op.BUILD: Machine.build,
    op.BINPERSID: lambda m: m.push(m.persistent(m.pop())),
}


_STEPS = {code[0]: step for code, step in _BY_NAME.items()}


def _check_protocol(version: int) -> None:
    if version > _HIGHEST_PROTOCOL:
        raise FileFormatError(f"the pickle is of protocol {version}, which is not known")
