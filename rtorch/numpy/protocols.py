"""NumPy's own functions on rtorch arrays: ``np.sin(x)`` is ``rt.sin(x)``, traced like it.

NumPy asks the arguments of its functions whether one of them wants to take over, by two protocols:
``__array_ufunc__`` (NEP 13) and ``__array_function__`` (NEP 18). The function of the same name is
looked up when it is called, and arguments are matched by NumPy's signature. What rtorch does not
have raises: no function here may return a NumPy array, for derivatives would be lost.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any, NamedTuple

import numpy as np

from rtorch.core.array import Array
from rtorch.errors import ArgumentError
from rtorch.numpy import elementwise, manipulation
from rtorch.numpy.operands import operand

CONVERT = "convert with np.asarray(x) if no derivative is needed"

# Functions of other names. Those of SciPy are of `scipy.special`.
_NUMPY = {"around": "round", "fix": "trunc"}
_SCIPY = {"gammaln": "lgamma", "psi": "digamma", "expit": "sigmoid", "erfinv": "erf_inv"}
# Parameters of other names, and those that change no value.
_PARAMETERS = {"a_min": "min", "a_max": "max"}
_HINTS = {"kind", "overwrite_input", "subok", "optimize", "stable"}

_SET = "x = x.at[index].set(values)"
_WRITING = {
    "copyto": _SET, "put": "x = x.at[indices].set(values)", "put_along_axis": _SET,
    "putmask": "x = rt.where(mask, values, x)", "place": "x = rt.where(mask, values, x)",
    "fill_diagonal": "x = x.at[i, i].set(values) with i = rt.arange(n)",
}  # fmt: skip
_INSTEAD = {
    "common_type": "rt.result_type", "min_scalar_type": "x.dtype",
    "sliding_window_view": "indexing",
}  # fmt: skip
# These write or show the values and return no array: they get them from NumPy arrays.
_SHOWING = {
    "array2string", "array_repr", "array_str", "save", "savetxt", "savez", "savez_compressed",
}  # fmt: skip
_TYPES: dict[str, Callable[..., Any]] = {
    "shape": lambda x: operand(x, "shape").shape,
    "ndim": lambda x: operand(x, "ndim").ndim,
    "size": lambda x, axis=None: x.size if axis is None else x.shape[axis],
    "iscomplexobj": lambda x: x.dtype.kind == "c",
    "isrealobj": lambda x: x.dtype.kind != "c",
    "can_cast": lambda x, to, casting="safe": np.can_cast(x.dtype, to, casting),
}

# Methods of ufuncs, and ``np.add.at``.
_REDUCTIONS = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all",
    "logical_or": "any", "logaddexp": "logsumexp",
}  # fmt: skip
_ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod", "maximum": "cummax", "minimum": "cummin"}
_UPDATES = {"add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide",
            "power": "power", "maximum": "max", "minimum": "min"}  # fmt: skip
_DEFAULTS = {"where": True, "casting": "same_kind", "order": "K", "subok": True, "dtype": None,
             "keepdims": False, "initial": None, "out": None}  # fmt: skip


def array_ufunc(ufunc: Any, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """``np.sin(x)`` is ``rt.sin(x)``; ``np.add.reduce(x)`` is ``rt.sum(x, axis=0)``."""
    return _ufunc(ufunc, method, inputs, kwargs)


def array_function(func: Any, types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """``np.concatenate([x, y])`` is ``rt.concatenate([x, y])``."""
    if not all(issubclass(kind, (Array, np.ndarray, np.generic)) for kind in types):
        return NotImplemented
    return _function(func, args, kwargs)


# ---- finding the function ------------------------------------------------------------------------


def _refuse(what: str, advice: str) -> ArgumentError:
    return ArgumentError(f"[{what}] does not work on rtorch arrays: {advice}")


def _find(name: str, *modules: str) -> Any:
    """``rt.name``, or the one of a module of rtorch; None if there is none."""
    import rtorch

    target: Any = rtorch
    for module in modules:
        target = getattr(target, module, None)
    found = getattr(target, name, None)
    return found if callable(found) else None


def _has(module: Any, ufunc: Any) -> bool:
    return getattr(module, ufunc.__name__, None) is ufunc


def _of_ufunc(ufunc: Any) -> tuple[str, Any]:
    """How messages call a ufunc, and rtorch's function; a ufunc of a third party has none."""
    name = ufunc.__name__
    if _has(np, ufunc):
        return f"np.{name}", divmod if name == "divmod" else _find(name)
    special = sys.modules.get("scipy.special")
    if _has(special, ufunc):
        name = _SCIPY.get(name, name)
        return f"scipy.special.{ufunc.__name__}", _find(name, "special") or _find(name)
    return name, None


# ---- ufuncs --------------------------------------------------------------------------------------


def _ufunc(ufunc: Any, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    what, function = _of_ufunc(ufunc)
    what += "" if method == "__call__" else f".{method}"
    name = ufunc.__name__
    if kwargs.get("out") is not None:
        rest = ", ".join("xyz"[: len(inputs)])
        raise _refuse(what, f"out= would write into an array. Write  x = np.{name}({rest})  (and  "
                            "a = a + x  instead of  a += x  for a NumPy array a)")  # fmt: skip
    if method == "at":
        update = f"{_UPDATES[name]}(values)" if name in _UPDATES else f"apply(rt.{name})"
        raise _refuse(what, f"it would write into an array. Write  x = x.at[index].{update}")
    if function is None:
        raise _refuse(what, f"rtorch has no such function; {CONVERT}")
    kwargs = {k: v for k, v in kwargs.items() if k not in _DEFAULTS or v is not _DEFAULTS[k]}
    if method == "reduce":
        return _along_axis(what, _REDUCTIONS.get(name), inputs, kwargs)
    if method == "accumulate":
        return _along_axis(what, _ACCUMULATIONS.get(name), inputs, kwargs)
    if method not in ("__call__", "outer"):
        raise _refuse(what, CONVERT)
    dtype = kwargs.pop("dtype", None)
    if "where" in kwargs:
        raise _refuse(what, "where= leaves elements undefined; use rt.where(condition, x, y)")
    if kwargs:
        raise _refuse(what, f"its arguments {sorted(kwargs)} are not supported")
    if method == "outer":
        inputs = _crossed(inputs, what)
    if dtype is not None:
        inputs = [elementwise.astype(operand(x, what), dtype) for x in inputs]
    return function(*inputs)


def _along_axis(what: str, name: str | None, inputs: Any, kwargs: dict[str, Any]) -> Any:
    function = None if name is None else _find(name)
    if function is None:
        raise _refuse(what, f"rtorch has no such function; {CONVERT}")
    known = inspect.signature(function).parameters
    for key in kwargs:
        if key not in known:
            raise _unsupported(what, key, function)
    return function(*inputs, **{"axis": 0, **kwargs})


def _crossed(inputs: Any, what: str) -> list[Any]:
    """The operands of ``ufunc.outer``, so shaped that they broadcast to all pairs."""
    x, y = [operand(v, what) for v in inputs]
    return [manipulation.reshape(x, x.shape + (1,) * y.ndim), y]


# ---- functions -----------------------------------------------------------------------------------


def _function(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name, module = func.__name__, func.__module__
    what = f"np{module.removeprefix('numpy')}.{name}"
    if module == "numpy":
        if name in _WRITING:
            raise _refuse(what, f"it would write into an array. Write  {_WRITING[name]}")
        if name in _SHOWING:
            return func(*map(_plain, args), **{k: _plain(v) for k, v in kwargs.items()})
        if name in _TYPES:
            return _TYPES[name](*args, **kwargs)
    function = None
    if module in ("numpy", "numpy.linalg", "numpy.fft"):
        where = module.split(".")[1:]
        function = _find(name, *where) or _find(_NUMPY.get(name, name), *where)
    if function is None:
        raise _refuse(what, f"use {_INSTEAD[name]}" if name in _INSTEAD else
                      f"rtorch has no such function; {CONVERT}")  # fmt: skip
    return _adapter(func, function)(what, args, kwargs)


def _plain(x: Any) -> Any:
    return np.asarray(x) if isinstance(x, Array) else x


def _unsupported(what: str, key: str, function: Any) -> ArgumentError:
    if key == "out":
        return _refuse(what, "out= would write into an array, and arrays of rtorch are immutable. "
                             "Leave it out and use the result")  # fmt: skip
    names = ", ".join(inspect.signature(function).parameters)
    return ArgumentError(
        f"[{what}] its argument {key!r} has no counterpart: rtorch has {function.__name__}({names})"
    )


_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class _Move(NamedTuple):
    """Where an argument comes from and goes to."""

    source: int | str  # its place or name in the call
    name: str  # NumPy's name of it
    own: str | None  # ours; None: only the default value will do
    default: Any


class _Adapter:
    """Calls a function of rtorch with the arguments of NumPy's function of that name.

    Parameters that are not optional in NumPy correspond by position, others by name. A default of
    NumPy's that is not ours is passed; one that we do not know may only have its default value.
    """

    def __init__(self, theirs: Any, ours: Any) -> None:
        self.ours = ours
        self.signature = inspect.signature(theirs)
        self.own: Mapping[str, Parameter] = inspect.signature(ours).parameters
        self.takes_any = any(p.kind is Parameter.VAR_KEYWORD for p in self.own.values())
        self.names = self._correspondence()
        self.defaults = self._other_defaults()
        self.leading = [p.name for p in self.own.values() if p.kind is Parameter.POSITIONAL_ONLY]
        self.required = {p.name for p in self.own.values()
                         if p.default is Parameter.empty and p.kind in _POSITIONAL}  # fmt: skip
        self.plans: dict[Any, tuple[list[_Move], tuple[int, ...]]] = {}

    def _correspondence(self) -> dict[str, str]:
        by_place = [p.name for p in self.own.values() if p.kind in _POSITIONAL]
        names = {}
        for i, (name, parameter) in enumerate(self.signature.parameters.items()):
            same = _PARAMETERS.get(name, name)
            if same in self.own:
                names[name] = same
            elif parameter.default is Parameter.empty and i < len(by_place):
                names[name] = by_place[i]
        return names

    def _other_defaults(self) -> dict[str, Any]:
        """NumPy's defaults of our parameters, where they differ from ours."""
        found = {}
        for name, own in self.names.items():
            theirs, ours = self.signature.parameters[name].default, self.own[own].default
            if theirs in (Parameter.empty, np._NoValue) or name in _HINTS or theirs == ours:
                continue
            if not (theirs is None and ours is Parameter.empty):
                found[own] = theirs
        return found

    def __call__(self, what: str, args: Any, kwargs: dict[str, Any]) -> Any:
        form = len(args), *kwargs
        if form not in self.plans:
            self.plans[form] = self._plan(what, len(args), kwargs)
        moves, spread = self.plans[form]
        named = dict(self.defaults)
        for source, name, own, default in moves:
            value = args[source] if isinstance(source, int) else kwargs[source]
            if _is_default(value, default):
                continue
            if own is not None:
                named[own] = value
            elif name not in _HINTS:
                raise _unsupported(what, name, self.ours)
        if not spread and (missing := self.required - named.keys()):
            raise ArgumentError(f"[{what}] rt.{self.ours.__name__} needs {sorted(missing)}")
        positional = [args[i] for i in spread]
        positional += [named.pop(name) for name in self.leading if name in named]
        return self.ours(*positional, **named)

    def _plan(self, what: str, n: int, keys: Any) -> tuple[list[_Move], tuple[int, ...]]:
        """What becomes of `n` positional arguments and those named `keys`."""
        try:
            sources = self.signature.bind(*range(n), **{key: key for key in keys}).arguments
        except TypeError as error:
            raise ArgumentError(f"[{what}] {error}") from None
        moves: list[_Move] = []
        spread: tuple[int, ...] = ()
        for name, source in sources.items():
            parameter = self.signature.parameters[name]
            if parameter.kind is Parameter.VAR_POSITIONAL:
                spread = source
            elif parameter.kind is Parameter.VAR_KEYWORD:
                known = source if self.takes_any else self.own
                moves += [_Move(k, k, k if k in known else None, parameter) for k in source]
            else:
                moves.append(_Move(source, name, self.names.get(name), parameter.default))
        return moves, spread


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (type(value) in (str, int, float) and value == default)


@functools.lru_cache(1024)
def _adapter(theirs: Any, ours: Any) -> _Adapter:
    return _Adapter(theirs, ours)
