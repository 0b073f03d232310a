"""`debug_nans` and `debug_infs`: stop at the first operation that makes a nan or an infinity.

While one is on, a `CheckingEval` watches evaluation in all threads at once (see `watch.py`); when
none is, nothing here costs anything. Results of jitted functions are checked as a
whole; only where they are bad is the Program run again, equation by equation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, ClassVar, Self

import numpy as np

from rtorch.core import backend, dtypes
from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.core.program import eval_program
from rtorch.core.trace import EvalTrace
from rtorch.errors import NanError, describe, is_user_code
from rtorch.transforms.jvp import JVPTrace
from rtorch.transforms.linearize import LinearizeTrace
from rtorch.transforms.watch import watch


class _Kind:
    """A kind of bad value, and whether it is looked for."""

    def __init__(self, name: str, is_bad: Callable[[Any], Any]) -> None:
        self.name = name
        self.is_bad = is_bad
        self.on = False

    def among(self, values: Sequence[Any]) -> bool:
        """Whether an array or number among `values` has a bad element."""
        return any(map(self._has_bad, values))

    def _has_bad(self, x: Any) -> bool:
        if isinstance(x, Array):
            return x.dtype in dtypes.INEXACT and bool(self.mask(x).any())
        return isinstance(x, (float, complex)) and bool(self.is_bad(x))

    def mask(self, x: Array) -> Any:
        return self.is_bad(backend.to_numpy(x._data))


NAN = _Kind("nan", np.isnan)
INF = _Kind("inf", np.isinf)


class CheckingEval(EvalTrace):
    """Evaluation that looks at what every operation made."""

    __slots__ = ()
    keeps_lines = True

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            out = super().bind(prim, args, params)
        if prim.view:  # which makes no values; bits read as another dtype may be anything
            return out
        for kind in (NAN, INF):
            if kind.on and kind.among(out if prim.multiple else (out,)):
                _complain(kind, prim, args, params, out)
        return out


def _complain(kind: _Kind, prim: Primitive, args: Any, params: dict[str, Any], out: Any) -> None:
    """Raise if the bad value is the operation's fault: it was not given one, nor asked for it."""
    prim.replay(*args, **params)  # the first equation inside that is bad raises, with its line
    creates = not any(isinstance(a, Array) for a in args)
    if creates or kind.among(args) or kind.among(tuple(params.values())):
        return
    outs = out if prim.multiple else (out,)
    error = NanError("")
    role = error.where.role if error.where else ""
    while_ = role or _derivative_of(prim)
    lines = [f"[debug_{kind.name}s] '{prim.name}' made {_count(kind, outs)} from operands without"]
    lines[0] += f" {kind.name}, in {while_ or 'the forward pass'}"
    lines += [f"  {'result':<10} {_summary(x)}" for x in outs]
    lines += [f"  {f'operand {i}':<10} {_summary(x)}" for i, x in enumerate(args)]
    error.args = ("\n".join(lines),)
    raise error


def _derivative_of(prim: Primitive) -> str:
    """Which operation's derivative rule computes with `prim`, if one does."""
    frame: FrameType | None = sys._getframe(2)
    again = eval_program.__code__  # what calls that knows no more than its equations
    while frame is not None and not is_user_code(frame.f_code) and frame.f_code is not again:
        names = frame.f_locals if frame.f_code.co_name == "bind" else {}
        if isinstance(names.get("self"), (LinearizeTrace, JVPTrace)) and names["prim"] is not prim:
            return f"the derivative of '{names['prim'].name}'"
        frame = frame.f_back
    return ""


def _count(kind: _Kind, outs: Sequence[Any]) -> str:
    found = sum(int(kind.mask(x).sum()) for x in outs if x.dtype in dtypes.INEXACT)
    return f"{found} {kind.name} of {sum(x.size for x in outs)} elements"


def _summary(x: Any) -> str:
    """Type and range of an operand: ``float32[3] from -1 to 2, 1 nan``."""
    if not isinstance(x, Array):
        return repr(x)
    data = backend.to_numpy(x._data)
    if x.dtype not in dtypes.INEXACT or not data.size:
        return describe(x) + (f" from {data.min()} to {data.max()}" if data.size else "")
    wide = np.asarray(data, np.complex128 if x.dtype in dtypes.COMPLEXES else np.float64)
    counts = [f"{int(n)} {k.name}" for k in (NAN, INF) if (n := k.is_bad(wide).sum())]
    size = np.abs(wide) if np.iscomplexobj(wide) else wide
    good = size[np.isfinite(size)]
    what = " in magnitude" if size is not wide else ""
    ranges = [f"from {good.min():.6g} to {good.max():.6g}{what}"] if good.size else []
    return f"{describe(x)} {', '.join(ranges + counts)}"


# ---- the switches --------------------------------------------------------------------------------


def _switch(kind: _Kind, on: bool) -> None:
    kind.on = on
    watch(CheckingEval, NAN.on or INF.on)


class _Switch:
    """What both switches do."""

    _looked_for: ClassVar[_Kind]

    def __init__(self, on: bool = True) -> None:
        self._on = on
        self._before = self._looked_for.on
        _switch(self._looked_for, on)

    def __enter__(self) -> Self:
        _switch(self._looked_for, self._on)  # again, where it serves several blocks
        return self

    def __exit__(self, *exc: object) -> None:
        _switch(self._looked_for, self._before)


class debug_nans(_Switch):  # noqa: N801 - reads as a function: rt.debug_nans()
    """Raise `NanError` at the first operation that makes a nan, from now on or in a ``with`` block.

    The error names the operation, whether it ran forward or as the backward step of another, the
    line it belongs to, and the ranges of its operands. Operands that have a nan already, and nans
    that are asked for (``rt.full(n, rt.nan)``), raise nothing. Of a jitted function the results
    are checked; if they are bad, it is run again step by step to find the operation.

    The switch holds for all threads. Every operation takes longer while it is on.

    Args:
        on: False switches it off.

    Example:
        >>> import rtorch as rt
        >>> with rt.debug_nans():
        ...     rt.log(rt.asarray([-1.0, 2.0]))
        Traceback (most recent call last):
        ...
        rtorch.errors.NanError: [debug_nans] 'log' made 1 nan of 2 elements ...
    """

    _looked_for = NAN


class debug_infs(_Switch):  # noqa: N801
    """Raise `NanError` at the first operation that makes an infinity; see `debug_nans`.

    Args:
        on: False switches it off.

    Example:
        >>> import rtorch as rt
        >>> with rt.debug_infs():
        ...     1 / rt.zeros(2)
        Traceback (most recent call last):
        ...
        rtorch.errors.NanError: [debug_infs] 'div' made 2 inf of 2 elements ...
    """

    _looked_for = INF
