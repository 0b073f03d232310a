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
from rtorch.core.axes import Collective
from rtorch.core.backend import Device
from rtorch.core.dtypes import INTEGERS, bool_
from rtorch.core.primitive import Primitive
from rtorch.core.program import Eqn, Program, Var
from rtorch.core.trace import literal
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
        if _wrong_kind(name, value):
            return f"has {name}={shown(value)}"
    if why := _places(eqn, avals):
        return why
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
    "complete": bool,
    "device": Device,
    "dtype": np.dtype,
    "fill": (bool, int, float, complex, np.generic),
    "full_matrices": bool,
    "inverse": bool,
    "k": int,
    "kind": str,
    "loop": tuple,
    "lower": bool,
    "mode": str,
    "n": int,
    "op": str,
    "program": Program,
    "reverse": bool,
    "rows": int,
    "scaled": bool,
    "shape": tuple,
    "transposed": bool,
    "unit": bool,
    "value": (bool, int, float, complex, np.generic),
    "which": str,
}
_WHOLE = ("high", "interior", "limits", "low", "sizes", "starts", "strides")  # tuples of integers
_CHOICES = {
    "mode": ("raise", "clip", "wrap", "fill"),
    "norm": (None, "backward", "ortho", "forward"),
    "op": ("set", "add", "mul", "min", "max"),
}
_ALONG = ("fft", "flip", "gather", "scatter")  # and reductions: axes of the first operand


def _wrong_kind(name: str, value: Any) -> bool:
    if name in _WHOLE:
        return not _integers(value) or (name == "strides" and min(value, default=1) < 1)
    if not isinstance(value, _KINDS.get(name, object)):
        return True
    if _KINDS.get(name) is int:
        return type(value) is not int
    return name in _CHOICES and value not in _CHOICES[name]


def _integers(xs: Any) -> bool:
    return type(xs) is tuple and all(type(x) is int for x in xs)


def _places(eqn: Eqn, avals: list[Aval]) -> str | None:
    """What is wrong with the axes that parameters name, and with numbers that fill an array."""
    name, params = eqn.prim.name, eqn.params
    shape = params.get("shape", ())
    if type(shape) is tuple and not (_integers(shape) and min(shape, default=0) >= 0):
        return f"has shape={shown(shape)}"
    if name in _ALONG or name.startswith("reduce_"):
        ndim, axes = avals[0].ndim, params["axes"]
        if not _integers(axes) or len({*axes, *range(ndim)}) != ndim or len({*axes}) < len(axes):
            return f"has axes {axes} for {avals[0]}"
    if "axis" in params and not isinstance(eqn.prim, Collective):
        ndim = avals[0].ndim if avals else len(shape)
        if not 0 <= params["axis"] < ndim:
            return f"has axis {params['axis']} of {ndim}"
    for key in ("fill", "value"):
        if key in params:
            np.asarray(params[key], eqn.outs[0].aval.dtype)  # raises if it is none of the dtype
    return None


def _elementwise(eqn: Eqn, avals: list[Aval]) -> str | None:
    alike = avals[1:] if eqn.prim.name == "select" else avals
    if len({v.shape for v in avals}) > 1 or len({v.dtype for v in alike}) > 1:
        return f"needs operands of one shape and dtype, got {avals}"
    if eqn.prim.name == "select" and avals[0].dtype is not bool_:
        return f"chooses by {avals[0]}"
    for a in eqn.args:
        if type(a) is not Var:
            literal(a, avals[-1].dtype)  # raises if it is no number of the dtype
    if eqn.prim.name == "integer_pow" and (type(y := eqn.params["y"]) is not int or y < 0):
        return f"has the power {shown(y)}"
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


def _gather(avals: list[Aval], axes: Any, **_: Any) -> str | None:
    indices = avals[1:]
    fits = len(indices) == len(axes) and len({v.shape for v in indices}) == 1
    fits = fits and all(v.dtype in INTEGERS for v in indices)
    return None if fits else f"has the indices {indices} for {len(axes)} axes"


def _scatter(avals: list[Aval], axes: Any, **_: Any) -> str | None:
    x, updates, *indices = avals
    rest = tuple([n for i, n in enumerate(x.shape) if i not in axes])
    if why := _gather([x, *indices], axes):
        return why
    fits = updates.shape == indices[0].shape + rest and updates.dtype is x.dtype
    return None if fits else f"cannot write {updates} to {x} at {indices}"


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
    "gather": _gather,
    "scatter": _scatter,
    "call": _call,
    "switch": _switch,
    "scan": _scan,
    "while_loop": _while_loop,
}
