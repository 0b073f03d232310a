"""Who interprets an operation: the current trace.

A transformation is an interpreter, a `Trace`, that knows its parent. `Primitive.__call__` asks the
current one (per thread) to `bind` the operation; its rules run with the parent current. The
outermost is `EVAL`, which computes. There are no levels and nothing is lifted: a value that is not
a trace's own is a constant to it.
"""

from __future__ import annotations

from _thread import _local as local  # `threading` takes a millisecond to import
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy import asarray, generic, ndarray

from rtorch.core import backend
from rtorch.core.array import Array, WeakArray, wrap
from rtorch.core.aval import Aval
from rtorch.core.dtypes import PYTHON_SCALARS, DType, bool_
from rtorch.errors import ArgumentError, ConcretizationError, EscapedTracerError

if TYPE_CHECKING:
    from rtorch.core.primitive import Primitive


class Trace:
    """An interpreter of primitives."""

    __slots__ = ("alive", "function", "parent", "transform")
    parent: Trace

    def __init__(self, parent: Trace | None, transform: str, function: Any = None) -> None:
        if parent is not None:
            self.parent = parent
        self.transform = transform
        self.function = function  # what is being transformed, for messages
        self.alive = True

    @property
    def origin(self) -> str:
        """What made this trace, such as ``grad of loss (train.py:12)``."""
        if self.function is None:
            return self.transform
        user = self.function
        while hasattr(user, "__wrapped__"):
            user = user.__wrapped__
        code = getattr(user, "__code__", None)
        place = f" ({code.co_filename}:{code.co_firstlineno})" if code else ""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{self.transform} of {name}{place}"

    @property
    def axes(self) -> Any:
        """The named axes in scope (`axes.Scope`)."""
        return self.parent.axes

    @property
    def keeps_lines(self) -> bool:
        """Whether tapes note the user's line of every operation (see `transforms/noted.py`)."""
        return self.parent.keeps_lines

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        raise NotImplementedError


class Tracer(Array):
    """An Array that stands for a value inside one transformation."""

    __slots__ = ("_trace", "_weak", "dtype", "shape")
    _trace: Trace
    shape: tuple[int, ...]
    dtype: DType

    # How messages call the value, and what to do instead of asking for it.
    what: ClassVar[str] = "a traced value"
    cure: ClassVar[str] = ""

    @property
    def aval(self) -> Aval:
        return Aval(self.shape, self.dtype, self._weak, self._varies)

    def _no_value(self) -> Any:
        if not self._trace.alive:
            raise EscapedTracerError(
                f"[tracer] {self.aval} was made by {self._trace.origin}, which has ended: the "
                "value was kept in an outer variable, an attribute or a global. Return it from "
                "the function instead"
            )
        raise ConcretizationError(
            f"[tracer] the data of {self.what} {self.aval} of {self._trace.origin} was asked for. "
            f"{self.cure}"
        )

    _data = property(_no_value)

    def _concrete(self, use: str) -> Any:
        if not self._trace.alive:
            self._no_value()
        raise ConcretizationError(
            f"[{use}] the value of {self.what} {self.aval} is not known inside "
            f"{self._trace.origin}. {self.cure}"
        )

    @property
    def device(self) -> backend.Device:
        return backend.CPU

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if not self._trace.alive:
            self._no_value()
        raise ConcretizationError(
            f"[np.asarray] {self.what} {self.aval} inside {self._trace.origin} cannot become a "
            "NumPy array: derivatives and batching would be lost. Use the rtorch function of the "
            "same name, or rt.stop_gradient(x) first where the value is meant as a constant"
        )

    def __copy__(self) -> Array:
        return self

    def __reduce__(self) -> Any:
        raise ConcretizationError(
            f"[pickle] {self.what} {self.aval} of {self._trace.origin} cannot be pickled"
        )

    def __repr__(self) -> str:
        return f"Traced<{self.aval}> in {self._trace.origin}"

    def __str__(self) -> str:
        return repr(self)


class EvalTrace(Trace):
    """The outermost interpreter: computes with NumPy or CuPy."""

    __slots__ = ()
    keeps_lines = False
    axes: ClassVar[Any] = ()

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute. One or two plain arrays or numbers, the common case, take the short way."""
        direct = prim.direct
        if len(args) == 2:
            x, y = args
            if type(x) is Array:
                data = x._data
                if type(y) is Array:
                    if direct is not None:
                        out = direct(data, y._data)
                    else:
                        out = prim.impl(np, data, y._data, **params)
                elif direct is not None and type(y) in PYTHON_SCALARS:
                    out = direct(data, literal(y, data.dtype))
                else:
                    return self._bind(prim, args, params)
            elif type(y) is Array and direct is not None and type(x) in PYTHON_SCALARS:
                data = y._data
                out = direct(literal(x, data.dtype), data)
            else:
                return self._bind(prim, args, params)
        elif len(args) == 1 and type(args[0]) is Array:
            data = args[0]._data
            out = direct(data) if direct is not None else prim.impl(np, data, **params)
        else:
            return self._bind(prim, args, params)
        if type(out) is ndarray:
            return Array(out)
        return Array(asarray(out)) if isinstance(out, generic) else _wrapped(prim, out)

    def _bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        xp: Any = np
        weak, strong = False, not prim.keeps_weak
        literals = False
        raw: list[Any] = []
        for a in args:
            if isinstance(a, Array):
                data = a._data  # a tracer that got here has escaped, and says so
                if type(a) is WeakArray:
                    weak = True
                elif data.dtype != bool_:  # a condition decides nothing
                    strong = True
                if type(data) is not ndarray:
                    xp = backend.module_of(data)
                raw.append(data)
            elif isinstance(a, Aval):
                raise not_linear(prim)
            else:
                literals = True
                raw.append(a)
        if literals:
            dtype = next(d.dtype for d, a in zip(reversed(raw), reversed(args)) if d is not a)
            raw = [d if d is not a else literal(a, dtype, xp) for d, a in zip(raw, args)]
        if xp is not np and not prim.any_device:
            raw = on_one_device(prim, raw, params)
        out = prim.impl(xp, *raw, **params)
        return wrap(out, True) if weak and not strong else _wrapped(prim, out)


def not_linear(prim: Primitive) -> ArgumentError:
    """What to raise if a rule of `prim` is given an operand that stands for no value."""
    return ArgumentError(
        f"[linear_transpose] the function is not linear: '{prim.name}' of two values "
        "that depend on its arguments, or by one"
    )


def _wrapped(prim: Primitive, out: Any) -> Any:
    return tuple([wrap(o) for o in out]) if prim.multiple else wrap(out)


_literals: dict[tuple[Any, DType], ndarray[Any, Any]] = {}


def literal(value: Any, dtype: DType, xp: Any = np) -> Any:
    """A Python scalar beside arrays of `dtype`, as an array without axes.

    NumPy reads a typed array faster than a Python scalar, and would give float32 for a bfloat16
    array and a Python float.
    """
    if xp is not np:
        return dtype.type(value)  # CuPy takes scalars of NumPy but not its arrays
    if not value:  # 0.0 and -0.0 are equal as keys
        return np.asarray(value, dtype)
    found = _literals.get((value, dtype))
    if found is None:
        if len(_literals) >= 4096:
            _literals.clear()
        found = _literals[value, dtype] = np.asarray(value, dtype)
    return found


def on_one_device(prim: Primitive, raw: list[Any], params: dict[str, Any]) -> list[Any]:
    """Operands for a GPU that some are on: numbers and indices move there from the CPU.

    Other arrays are refused: to move them at every operation would be slow, and not be seen.
    """
    if not any(isinstance(d, ndarray) for d in raw):
        return raw
    device = next(backend.device_of(d) for d in raw if not isinstance(d, (ndarray, generic)))
    out = []
    for i, d in enumerate(raw):
        if not isinstance(d, ndarray):
            out.append(d)
        elif is_one_number(d):
            number = backend.transfer(d[(slice(0, 1),) * d.ndim].reshape(()), device)
            out.append(backend.module_for(device).broadcast_to(number, d.shape))
        elif prim.takes_index(i, **params):
            out.append(backend.transfer(d, device))
        else:
            raise ArgumentError(
                f"[{prim.name}] operands are on different devices: "
                f"{', '.join(str(backend.device_of(d)) for d in raw)}. Move them with x.to(device)"
            )
    return out


def is_one_number(data: ndarray[Any, Any]) -> bool:
    """Whether all elements are one in memory: a number, maybe broadcast."""
    return data.size > 0 and all(s == 0 or n == 1 for s, n in zip(data.strides, data.shape))


EVAL = EvalTrace(None, "evaluation")


class _State(local):
    """The current trace of each thread."""

    trace: Trace = EVAL


state = _State()


def run(trace: Trace, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call `function` with `trace` interpreting; the trace ends with the call."""
    before = state.trace
    state.trace = trace
    try:
        return function(*args, **kwargs)
    finally:
        state.trace = before
        trace.alive = False


def quietly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call `function` without NumPy's warnings, if this is where evaluation is left.

    Derivatives divide by zero on branches that are not taken: warnings would mislead.
    """
    if state.trace is EVAL:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)
    return function(*args, **kwargs)


def is_staging() -> bool:
    """Whether what runs now is recorded in the end, as in `jit`, rather than computed."""
    trace: Trace | None = state.trace
    while (parent := getattr(trace, "parent", None)) is not None:
        trace = parent
    return not isinstance(trace, EvalTrace)


def aval_of(x: Any) -> Aval:
    """The aval of an operand: an Array, or an Aval already."""
    return x if isinstance(x, Aval) else x.aval
