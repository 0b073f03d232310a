"""Looking into functions while they run: `print`, `check`, `callback` and `breakpoint`.

They work as they stand, under every transformation and in compiled code. Under `grad` they see
the primal values, once, in the forward pass; under `vmap` one lane after the other; under `jit`
the values of each call, in the order of the program.
"""

from __future__ import annotations

import builtins
import os
import string
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import numpy as np

from rtorch.core import tree
from rtorch.core.array import Array
from rtorch.core.trace import Trace, Tracer, state
from rtorch.errors import (
    ArgumentError,
    CheckError,
    SourceLine,
    api,
    describe,
    is_user_code,
    user_line,
)
from rtorch.numpy.operands import operand
from rtorch.ops.effects import effect_p
from rtorch.transforms.arguments import check_callable
from rtorch.transforms.stage import StageTrace

__all__ = ["breakpoint", "callback", "check", "print"]


@api
def print(fmt: str, *args: Any, **kwargs: Any) -> None:
    """Print ``fmt.format(*args, **kwargs)`` when the function runs.

    Python's own ``print`` does for eager code and under `grad`. This one also shows values under
    `vmap` (each lane by itself) and `jit` (at every call, not while the function is recorded).

    Args:
        fmt: A format string with a place such as ``{}`` or ``{loss:.3f}`` for every argument.
        *args: Pytrees of arrays, or anything else.
        **kwargs: Likewise.

    Example:
        >>> import rtorch as rt
        >>> @rt.jit
        ... def f(x):
        ...     rt.debug.print("x = {}, {name}", x, name="in f")
        ...     return 2 * x
        >>> _ = rt.vmap(f)(rt.arange(2))
        x = 0, in f
        x = 1, in f
    """
    _check_format("debug.print", fmt, args, kwargs)
    _act(_Print(fmt), args, kwargs)


@api
def check(condition: Any, message: str, *args: Any, **kwargs: Any) -> None:
    """Raise `CheckError` unless `condition` holds, when the function runs.

    Args:
        condition: A truth value, or an array of which all elements must be true.
        message: What is wrong otherwise; a format string for the other arguments.
        *args: Pytrees of arrays, or anything else.
        **kwargs: Likewise.

    Example:
        >>> import rtorch as rt
        >>> @rt.jit
        ... def root(x):
        ...     rt.debug.check(x >= 0, "root of {}", x)
        ...     return rt.sqrt(x)
        >>> float(root(4.0))
        2.0
        >>> root(-4.0)
        Traceback (most recent call last):
        ...
        rtorch.errors.CheckError: [debug.check] root of -4.0 ...
    """
    _check_format("debug.check", message, args, kwargs)
    _act(_Check(message, user_line()), (operand(condition, "debug.check"), *args), kwargs)


@api
def callback(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Call ``function(*args, **kwargs)`` with the values, when the function around it runs.

    Args:
        function: Gets Arrays where arrays were given; what it returns is dropped.
        *args: Pytrees of arrays, or anything else.
        **kwargs: Likewise.

    Example:
        >>> import rtorch as rt
        >>> norms = []
        >>> @rt.jit
        ... def f(x):
        ...     rt.debug.callback(lambda y: norms.append(float(y)), rt.sum(x * x))
        ...     return 2 * x
        >>> _ = f(rt.ones(3)), f(rt.zeros(3))
        >>> norms
        [3.0, 0.0]
    """
    check_callable(function, "debug.callback")
    _act(_Callback(function), args, kwargs)


@api
def breakpoint(*args: Any, **kwargs: Any) -> None:
    """Enter Python's debugger.

    In eager code, under `grad` and under `vmap` it stops in the function that called it. In a
    jitted function it stops when the compiled code gets there, with the values of the arguments
    by their names (``arg0``, ``arg1``, ... if given by position) or, without any, with the arrays
    that were local variables of the function at that place.

    Args:
        *args: Arrays to look at.
        **kwargs: Arrays to look at, by name.

    Example:
        >>> import rtorch as rt
        >>> def f(x):
        ...     rt.debug.breakpoint(x=x)
        ...     return 2 * x
    """
    if os.environ.get("PYTHONBREAKPOINT") == "0":
        return
    frame = _caller()
    if not _is_staged(state.trace):
        import pdb  # slow to import

        pdb.Pdb().set_trace(frame)
        return
    named = {f"arg{i}": x for i, x in enumerate(args)} | kwargs
    _act(_Stop(user_line()), (), named or _array_locals(frame))


# ---- what happens at run time --------------------------------------------------------------------


class _Print:
    """Prints."""

    def __init__(self, fmt: str) -> None:
        self.fmt = fmt

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        builtins.print(self.fmt.format(*args, **kwargs))

    def __repr__(self) -> str:
        return f"print {self.fmt!r}"


class _Check:
    """Raises unless its first argument is true."""

    def __init__(self, message: str, where: SourceLine | None) -> None:
        self.message = message
        self.where = where

    def __call__(self, condition: Array, *args: Any, **kwargs: Any) -> None:
        if not np.all(condition._data):
            error = CheckError(f"[debug.check] {self.message.format(*args, **kwargs)}")
            error.where = self.where
            raise error

    def __repr__(self) -> str:
        return f"check {self.message!r}"


class _Callback:
    """Calls a function of the user's."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"callback {getattr(self.function, '__name__', self.function)}"


class _Stop:
    """Enters the debugger."""

    def __init__(self, where: SourceLine | None) -> None:
        self.where = where

    def __call__(self, **values: Any) -> None:
        import pdb  # slow to import

        builtins.print(f"breakpoint at {self.where}\nvalues: {', '.join(values) or 'none'}")
        pdb.run("pass", values)

    def __repr__(self) -> str:
        return "breakpoint"


class _Applied:
    """An action of pytrees as one of arrays: what else the pytrees hold is kept here."""

    def __init__(self, action: Callable[..., None], leaves: list[Any], treedef: Any) -> None:
        self.action = action
        self.leaves = [None if isinstance(x, Array) else x for x in leaves]
        self.places = [i for i, x in enumerate(leaves) if isinstance(x, Array)]
        self.treedef = treedef

    def __call__(self, *arrays: Array) -> None:
        leaves = list(self.leaves)
        for place, x in zip(self.places, arrays):
            leaves[place] = x
        args, kwargs = self.treedef.unflatten(leaves)
        self.action(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self.action)


def _act(action: Callable[..., None], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    leaves, treedef = tree.flatten((args, dict(kwargs)))
    arrays = [x for x in leaves if isinstance(x, Array)]
    effect_p(*arrays, action=_Applied(action, leaves, treedef))


# ---- arguments -----------------------------------------------------------------------------------


class _Anything:
    """Formats as nothing, whatever the format string asks of it."""

    def __format__(self, how: str) -> str:
        return ""

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __getitem__(self, key: Any) -> _Anything:
        return self


class _Formatter(string.Formatter):
    """Notes which arguments a format string uses."""

    def check_unused_args(self, used: Any, args: Any, kwargs: Any) -> None:
        unused = [repr(k) for k in kwargs if k not in used]
        unused += [str(i) for i in range(len(args)) if i not in used]
        if unused:
            raise ValueError(f"no place for argument {', '.join(unused)}; write {{}} where it goes")


def _check_format(name: str, fmt: Any, args: Any, kwargs: Any) -> None:
    """Refuse now what could not be formatted when the program runs."""
    if not isinstance(fmt, str):
        raise ArgumentError(
            f"[{name}] expected a format string, got {describe(fmt)}; write "
            f'rt.{name}("x = {{}}", x)'
        )
    blanks = [_Anything() for _ in args], {key: _Anything() for key in kwargs}
    try:
        _Formatter().vformat(fmt, *blanks)
    except KeyError as error:
        problem = f"no argument is named {error}"
    except IndexError:
        problem = f"it has more places than the {len(args)} arguments"
    except ValueError as error:
        problem = str(error)
    else:
        return
    raise ArgumentError(f"[{name}] the format string {fmt!r}: {problem}")


def _caller() -> FrameType:
    frame = sys._getframe(1)
    while not is_user_code(frame.f_code) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _is_staged(trace: Trace) -> bool:
    """Whether operations are recorded, not done: values come later."""
    while not isinstance(trace, StageTrace):
        if not hasattr(trace, "parent"):
            return False
        trace = trace.parent
    return True


def _array_locals(frame: FrameType) -> dict[str, Array]:
    return {
        name: x
        for name, x in frame.f_locals.items()
        if isinstance(x, Array) and (not isinstance(x, Tracer) or x._trace.alive)
    }
