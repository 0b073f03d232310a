"""What rtorch raises, and how little of its own machinery a traceback shows.

Every class inherits the built-in exception that a user would catch::

    RtorchError
    ├── ShapeError (ValueError)                shapes that do not fit together
    │   ├── AxisError (IndexError)             an axis that the array does not have
    │   └── BatchAxisError                     in_axes / out_axes of vmap
    ├── DTypeError (TypeError)                 dtypes that an operation does not take
    ├── ArgumentError (TypeError, ValueError)  an argument that is no array, no axis, no such option
    ├── LinAlgError (np.linalg.LinAlgError)    a singular matrix, one that is not positive definite
    ├── OutOfBoundsError (IndexError)          an index outside the array
    ├── TreeError (ValueError)                 pytrees whose structures differ
    ├── TracerError (TypeError)                a traced value where a concrete one is needed
    │   ├── ConcretizationError                bool(x), int(x) of a value not known yet
    │   └── EscapedTracerError                 a traced value used after its transformation
    ├── MissingRuleError (NotImplementedError) a primitive without the rule that a transform needs
    ├── DeviceError (RuntimeError)             a device that is not there, or two in one call
    ├── DonatedError (RuntimeError)            an array whose memory was given away
    ├── KeyReuseError (RuntimeError)           a random key used a second time, if that is checked
    ├── FileFormatError (ValueError)           a file that is not what it should be
    └── MissingDependencyError (ImportError)   an optional package that is not installed

A message says which function, what came, what was wanted and the cure; the user's own line
stands below it. Frames of rtorch are cut out of tracebacks unless `full_tracebacks` is on.
"""

from __future__ import annotations

import contextlib
import functools
import linecache
import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple, ParamSpec, Self, TypeVar

from numpy.linalg import LinAlgError as _NumPyLinAlgError

__all__ = [
    "ArgumentError",
    "AxisError",
    "BatchAxisError",
    "ConcretizationError",
    "DTypeError",
    "DeviceError",
    "DonatedError",
    "EscapedTracerError",
    "FileFormatError",
    "KeyReuseError",
    "LinAlgError",
    "MissingDependencyError",
    "MissingRuleError",
    "OutOfBoundsError",
    "RtorchError",
    "ShapeError",
    "TracerError",
    "TreeError",
    "full_tracebacks",
]

P = ParamSpec("P")
R = TypeVar("R")

_PACKAGE_DIR = os.path.dirname(os.path.abspath(__file__)) + os.sep


class SourceLine(NamedTuple):
    """A line of the user's program."""

    file: str
    line: int
    function: str

    @property
    def text(self) -> str:
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}, in {self.function}"
        return f"{where}: {self.text}" if self.text else where


@functools.lru_cache(4096)
def _is_internal(code: CodeType) -> bool:
    # Code that Python generates (dataclass methods, our own plans) has a name in angle brackets.
    name = code.co_filename
    return name.startswith((_PACKAGE_DIR, "<rtorch")) or name == contextlib.__file__


def user_line() -> SourceLine | None:
    """The innermost line on the stack that is not rtorch's own, or None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not _is_internal(code):
            return SourceLine(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back
    return None


class RtorchError(Exception):
    """Base of all errors of rtorch; `where` is the user's line that led to it."""

    where: SourceLine | None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.where = user_line()

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message}\n  at {self.where}" if self.where else message


class ShapeError(RtorchError, ValueError):
    """Shapes that do not fit together."""


class AxisError(ShapeError, IndexError):
    """An axis that the array does not have, or one named twice."""


class BatchAxisError(ShapeError):
    """``in_axes``, ``out_axes`` or batch sizes that do not fit the arguments of ``vmap``."""


class DTypeError(RtorchError, TypeError):
    """A dtype that the operation does not take."""


class ArgumentError(RtorchError, TypeError, ValueError):
    """An argument that is not what the function takes."""


class LinAlgError(RtorchError, _NumPyLinAlgError):
    """A matrix without what was asked of it: singular, not positive definite, not finite."""


class OutOfBoundsError(RtorchError, IndexError):
    """An index outside the array."""


class TreeError(RtorchError, ValueError):
    """Pytrees whose structures differ."""


class TracerError(RtorchError, TypeError):
    """A traced value used where only a concrete one makes sense."""


class ConcretizationError(TracerError):
    """The value of a tracer was asked for, and it is not known while tracing."""


class EscapedTracerError(TracerError):
    """A tracer was used after the transformation that made it had ended."""


class MissingRuleError(RtorchError, NotImplementedError):
    """A primitive lacks the rule that a transformation asked for."""


class DeviceError(RtorchError, RuntimeError):
    """A device that is not there, or arrays of two devices in one operation."""


class DonatedError(RtorchError, RuntimeError):
    """An array was used after its memory had been donated to a jitted call."""


class KeyReuseError(RtorchError, RuntimeError):
    """A random key was used a second time, while `rt.random.check_key_reuse` was on."""


class FileFormatError(RtorchError, ValueError):
    """A file that is not in the expected format."""


class MissingDependencyError(RtorchError, ImportError):
    """An optional dependency that is not installed."""


_show_all_frames = False


class full_tracebacks:  # noqa: N801 - reads as a function: rt.full_tracebacks()
    """Show rtorch's own frames in tracebacks, from now on or within a ``with`` block.

    Example:
        >>> import rtorch as rt
        >>> with rt.full_tracebacks():
        ...     y = rt.ones(2) + 1.0
    """

    def __init__(self, show: bool = True) -> None:
        global _show_all_frames
        self._before, _show_all_frames = _show_all_frames, show

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        global _show_all_frames
        _show_all_frames = self._before


def hide_internal_frames(error: BaseException) -> None:
    """Cut rtorch's frames out of the traceback that `error` has so far."""
    if _show_all_frames:
        return
    kept: list[TracebackType] = []
    tb = error.__traceback__
    while tb is not None:
        if not _is_internal(tb.tb_frame.f_code):
            kept.append(tb)
        tb = tb.tb_next
    link: TracebackType | None = None
    for tb in reversed(kept):
        link = TracebackType(link, tb.tb_frame, tb.tb_lasti, tb.tb_lineno)
    error.__traceback__ = link


def api(function: Callable[P, R]) -> Callable[P, R]:
    """Mark an entry point of the library: errors leave it without internal frames."""

    @functools.wraps(function)
    def rtorch_call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            hide_internal_frames(error)
            raise  # rt.full_tracebacks() shows the frames inside rtorch

    return rtorch_call


def describe(x: Any) -> str:
    """`x` as messages show it: ``float32[2, 3]`` for an array, type and value otherwise."""
    shape, dtype = getattr(x, "shape", None), getattr(x, "dtype", None)
    if isinstance(shape, tuple) and dtype is not None:
        return f"{dtype}[{', '.join(map(str, shape))}]"
    text = repr(x)
    return f"{type(x).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
