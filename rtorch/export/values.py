"""Values of parameters as JSON, exactly: floats bit by bit, tuples, dtypes, slices, devices.

None, truth values, text and whole numbers are written as they are; everything else as an object
with one key that says what it is, such as ``{"float": "0x1.8p+0"}``.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.backend import Device, as_device
from rtorch.core.program import Program
from rtorch.errors import FileFormatError, RtorchError

Json: TypeAlias = Any

MAX_BYTES = 1 << 44  # of one array: no machine has as much, and no length overflows
_AVAL = re.compile(r"([a-z0-9]+)(\*?)\[((?:[0-9]{1,15}(?:,[0-9]{1,15})*)?)\]", re.ASCII)


class CannotHoldError(Exception):
    """A value that a file cannot hold."""


def damaged(path: str, why: str) -> FileFormatError:
    """The error of an entry that is not what it should be."""
    return FileFormatError(f"[export.load] {path}: {why}")


def shown(x: Json) -> str:
    """A piece of a file as messages show it."""
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "..."


# Named tuples among parameters, and where they are defined.
RECORDS = {
    "LinearMap": "rtorch.transforms.linear_call",
    "Loop": "rtorch.transforms.while_loop",
    "LoopShape": "rtorch.compiler.loop",
    "Problem": "rtorch.transforms.root",
    "System": "rtorch.transforms.linear_solve",
}


def _is_record(x: Any) -> bool:
    return RECORDS.get(type(x).__name__) == type(x).__module__


# ---- types of arrays -----------------------------------------------------------------------------


def aval_text(aval: Aval) -> str:
    """``float32[2,3]``, with a star after the dtype if it is weak."""
    weak = "*" if aval.weak else ""
    return f"{aval.dtype}{weak}[{','.join(map(str, aval.shape))}]"


def read_aval(text: Json, path: str) -> Aval:
    """The aval that `aval_text` wrote."""
    match = _AVAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise damaged(path, f"expected a type such as 'float32[2,3]', got {shown(text)}")
    name, weak, lengths = match.groups()
    dtype = read_dtype(name, path)
    shape = tuple([int(n) for n in lengths.split(",")]) if lengths else ()
    if math.prod(n for n in shape if n) * dtype.itemsize > MAX_BYTES:
        raise damaged(path, f"an array of type {text} is larger than any memory")
    return Aval(shape, dtype, bool(weak))


def read_dtype(name: Json, path: str) -> Any:
    """The dtype of a name."""
    if isinstance(name, str) and (name == "bfloat16" or name in map(str, dtypes.ALL)):
        return dtypes.canonical(name)
    raise damaged(path, f"expected the name of a dtype, got {shown(name)}")


# ---- values --------------------------------------------------------------------------------------


def encode(x: Any, program: Callable[[Program], int]) -> Json:
    """`x` as JSON; ``program(p)`` gives the number of a Program."""
    if x is None or type(x) in (bool, int, str):
        return x
    if type(x) is float:
        return {"float": x.hex()}
    if type(x) is complex:
        return {"complex": [x.real.hex(), x.imag.hex()]}
    if isinstance(x, Device):
        return {"device": str(x)}
    if type(x) is tuple:
        return {"tuple": [encode(y, program) for y in x]}
    if _is_record(x):
        return {"record": [type(x).__name__, [encode(y, program) for y in x]]}
    if type(x) is slice:
        return {"slice": [encode(y, program) for y in (x.start, x.stop, x.step)]}
    if x is Ellipsis:
        return {"ellipsis": True}
    if isinstance(x, np.dtype):
        return {"dtype": str(x)}
    if isinstance(x, np.generic):
        return {"number": [str(x.dtype), encode(_python_number(x), program)]}
    if isinstance(x, Aval):
        return {"aval": aval_text(x)}
    if isinstance(x, Program):
        return {"program": program(x)}
    raise CannotHoldError(x)


def _python_number(x: Any) -> Any:
    value = x.item()
    return value if type(value) in (bool, int, float, complex) else float(value)


def decode(node: Json, program: Callable[[Json, str], Program], path: str) -> Any:
    """The value that `encode` wrote."""
    if node is None or type(node) in (bool, int, str):
        return node
    if not isinstance(node, dict) or len(node) != 1:
        raise damaged(path, f"expected a value, got {shown(node)}")
    ((kind, content),) = node.items()
    try:
        return _READERS[kind](content, program, f"{path}/{kind}")
    except RtorchError as error:
        raise damaged(path, str(error.args[0])) if not _is_ours(error) else error from None
    except (KeyError, ValueError, TypeError, OverflowError):
        raise damaged(path, f"expected a value, got {shown(node)}") from None


def _is_ours(error: RtorchError) -> bool:
    return isinstance(error, FileFormatError)


def _read_float(x: Json) -> float:
    if not isinstance(x, str):
        raise TypeError
    return float.fromhex(x)


def _read_tuple(nodes: Json, program: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(nodes, list):
        raise TypeError
    return tuple([decode(node, program, f"{path}[{i}]") for i, node in enumerate(nodes)])


def _read_slice(nodes: Json, program: Any, path: str) -> slice:
    start, stop, step = _read_tuple(nodes, program, path)
    return slice(start, stop, step)


def _read_record(parts: Json, program: Any, path: str) -> Any:
    name, values = parts
    cls = getattr(importlib.import_module(RECORDS[name]), name)
    return cls(*_read_tuple(values, program, path))


def _read_complex(parts: Json, program: Any, path: str) -> complex:
    real, imag = parts
    return complex(_read_float(real), _read_float(imag))


def _read_number(parts: Json, program: Any, path: str) -> Any:
    name, value = parts
    return read_dtype(name, path).type(decode(value, program, path))


def _read_ellipsis(x: Json, program: Any, path: str) -> Any:
    if x is not True:
        raise ValueError
    return ...


_READERS: dict[str, Callable[[Json, Any, str], Any]] = {
    "float": lambda x, program, path: _read_float(x),
    "complex": _read_complex,
    "device": lambda x, program, path: as_device(x),
    "tuple": _read_tuple,
    "record": _read_record,
    "slice": _read_slice,
    "ellipsis": _read_ellipsis,
    "dtype": lambda x, program, path: read_dtype(x, path),
    "number": _read_number,
    "aval": lambda x, program, path: read_aval(x, path),
    "program": lambda x, program, path: program(x, path),
}
