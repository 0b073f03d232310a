"""Whether an equation that was read from a file is one that rtorch can run.

``infer`` checks the types of results. It relies on those who call primitives for the rest, which a
file does not deserve: that is checked here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rtorch.core.aval import Aval
from rtorch.core.backend import Device
from rtorch.core.dtypes import INTEGERS, bool_
from rtorch.core.primitive import Primitive
from rtorch.core.program import Eqn, Program, Var
from rtorch.errors import RtorchError
from rtorch.export.values import damaged, shown
from rtorch.ops.base import Elementwise


def check_equation(eqn: Eqn, path: str) -> None:
    """Raise unless operands, parameters and results of an equation fit together."""
    try:
        why = _misfit(eqn) or _wrong_results(eqn)
    except Exception as error:  # rules need not expect parameters of other types
        ours = isinstance(error, RtorchError)
        text = error.args[0] if ours else f"{type(error).__name__} {error}"
        raise damaged(path, f"'{eqn.prim}' does not take what it is given: {text}") from None
    if why:
        raise damaged(path, f"'{eqn.prim}' {why}")


def _wrong_results(eqn: Eqn) -> str | None:
    inferred = eqn.prim.infer(*[a.aval if type(a) is Var else a for a in eqn.args], **eqn.params)
    results: Sequence[Any] = inferred if eqn.prim.multiple else (inferred,)
    found = [v.aval for v in eqn.outs]
    if not _same(results, found):
        return f"has results {list(results)}, the file says {found}"
    return None


def _same(xs: Sequence[Aval], ys: Sequence[Aval]) -> bool:
    return [(v.shape, v.dtype) for v in xs] == [(v.shape, v.dtype) for v in ys]


def _misfit(eqn: Eqn) -> str | None:
    """What is wrong with parameters and operands."""
    avals = [a.aval for a in eqn.args if type(a) is Var]
    if not _takes(eqn.prim, set(eqn.params)):
        return f"has other parameters than {sorted(eqn.params)}"
    for name, value in eqn.params.items():
        if name in _KINDS and not isinstance(value, _KINDS[name]):
            return f"has {name}={shown(value)}"
    if isinstance(eqn.prim, Elementwise):
        return _elementwise(eqn, avals)
    check = _CHECKS.get(eqn.prim.name)
    return check(avals, **eqn.params) if check else None


def _takes(prim: Primitive, names: set[str]) -> bool:
    """Whether a primitive has exactly the parameters `names`, as far as its class says."""
    if type(prim).impl is Elementwise.impl:
        return not names
    parameters = inspect.signature(type(prim).impl).parameters.values()
    known = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    more = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return known <= names if more else known == names


# ---- shapes --------------------------------------------------------------------------------------


# What parameters of these names are, in all primitives.
_KINDS: dict[str, type | tuple[type, ...]] = {
    "axes": tuple,
    "axis": int,
    "branches": tuple,
    "device": Device,
    "dtype": np.dtype,
    "loop": tuple,
    "program": Program,
    "reverse": bool,
    "shape": tuple,
}


def _elementwise(eqn: Eqn, avals: list[Aval]) -> str | None:
    alike = avals[1:] if eqn.prim.name == "select" else avals
    if len({v.shape for v in avals}) > 1 or len({v.dtype for v in alike}) > 1:
        return f"needs operands of one shape and dtype, got {avals}"
    count = len(getattr(eqn.prim, "partials", ()))
    return None if count in (0, len(eqn.args)) else f"takes {count} operands, got {len(eqn.args)}"


def _reshape(avals: list[Aval], shape: Any) -> str | None:
    fits = min(shape, default=0) >= 0 and Aval(shape, avals[0].dtype).size == avals[0].size
    return None if fits else f"cannot make {shape} of {avals[0]}"


def _permute_dims(avals: list[Aval], axes: Any) -> str | None:
    fits = sorted(axes) == list(range(avals[0].ndim))
    return None if fits else f"has axes {axes} for {avals[0]}"


def _broadcast(avals: list[Aval], shape: Any, axes: Any) -> str | None:
    (x,) = avals
    fits = len(set(axes)) == x.ndim and min(axes, default=0) >= 0
    fits = fits and all(n in (1, shape[a]) for n, a in zip(x.shape, axes))
    return None if fits else f"cannot stretch {x} to {shape} along {axes}"


def _dot_general(avals: list[Aval], axes: Any) -> str | None:
    x, y = avals
    (xc, yc), (xb, yb) = axes
    fits = [x.shape[i] for i in (*xc, *xb)] == [y.shape[i] for i in (*yc, *yb)]
    return None if fits else f"multiplies {x} and {y} along axes of other lengths"


# ---- what holds Programs -------------------------------------------------------------------------


def _passes(program: Program, operands: list[Aval]) -> str | None:
    if _same(program.in_avals, operands):
        return None
    return f"passes {operands} to a Program of {program.in_avals}"


def _call(avals: list[Aval], program: Program) -> str | None:
    return _passes(program, avals)


def _switch(avals: list[Aval], branches: tuple[Program, ...]) -> str | None:
    index, *operands = avals
    if index.shape or index.dtype not in (*INTEGERS, bool_) or not branches:
        return f"chooses among {len(branches)} branches by {index}"
    if not all(_same(b.out_avals, branches[0].out_avals) for b in branches):
        return "has branches with results of different types"
    return next((why for b in branches if (why := _passes(b, operands))), None)


def _scan(avals: list[Aval], program: Program, shape: Any) -> str | None:
    consts, carry, xs = shape.split(avals)
    if min(shape.n_consts, shape.n_carry, shape.length) < 0:
        return f"has the lengths {tuple(shape)}"
    if any(x.shape[0] != shape.length for x in xs):
        return f"takes {shape.length} slices of {xs}"
    if not _same(program.out_avals[: shape.n_carry], carry):
        return f"has the carry {carry}, its body returns {program.out_avals[: shape.n_carry]}"
    slices = [Aval(x.shape[1:], x.dtype) for x in xs]
    return _passes(program, [*consts, *carry, *slices])


def _while_loop(avals: list[Aval], loop: Any) -> str | None:
    cond_consts, body_consts, carry = loop.split(avals)
    if min(loop.n_cond, loop.n_body) < 0 or not isinstance(loop.max_steps, int | None):
        return f"has the lengths {loop.n_cond}, {loop.n_body}, {loop.max_steps}"
    if not _same(loop.body.out_avals, carry):
        return f"has the carry {carry}, its body returns {loop.body.out_avals}"
    if not _same(loop.cond.out_avals, [Aval((), bool_)]):
        return f"has a condition with results {loop.cond.out_avals}"
    why = _passes(loop.cond, [*cond_consts, *carry])
    return why or _passes(loop.body, [*body_consts, *carry])


_CHECKS: dict[str, Callable[..., str | None]] = {
    "reshape": _reshape,
    "permute_dims": _permute_dims,
    "broadcast": _broadcast,
    "dot_general": _dot_general,
    "call": _call,
    "switch": _switch,
    "scan": _scan,
    "while_loop": _while_loop,
}
