"""What a variable is a view of: where each of its elements lies in the memory of another."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple, TypeAlias

from rtorch.core.program import Eqn, Program, Var

Ints: TypeAlias = tuple[int, ...]


class View(NamedTuple):
    """A variable as elements of another one, which is stored in row-major order.

    Attributes:
        root: The variable that has memory of its own.
        offset: The element of `root` that is the first one.
        strides: How far apart neighbours are, in elements, for each axis.
        axes: For each axis the axis of `root` that it is all of, None where it only repeats; None
            as a whole if the view slices, reverses or reshapes.
    """

    root: Var
    offset: int
    strides: Ints
    axes: tuple[int | None, ...] | None


def packed(shape: Ints) -> Ints:
    """The strides of an array in row-major order."""
    strides = [1] * len(shape)
    for k in range(len(shape) - 2, -1, -1):
        strides[k] = strides[k + 1] * shape[k + 1]
    return tuple(strides)


def views(program: Program) -> dict[Var, View]:
    """The view that each variable is; those with memory of their own are views of themselves."""
    found: dict[Var, View] = {}
    for var in (*program.in_vars, *program.consts):
        found[var] = itself(var)
    for eqn in program.eqns:
        if eqn.prim.name in _CUTS:
            (source,) = eqn.args
            cut: Any = _CUTS[eqn.prim.name]
            pieces = cut(found[source], source.aval.shape, **eqn.params)
            found.update(zip(eqn.outs, pieces))
            continue
        view = _through(eqn, found)
        for var in eqn.outs:
            found[var] = view or itself(var)
    return found


def itself(var: Var) -> View:
    shape = var.aval.shape
    return View(var, 0, packed(shape), tuple(range(len(shape))))


def _through(eqn: Eqn, found: dict[Var, View]) -> View | None:
    """What the result of a view is a view of; None if it has memory of its own."""
    rule: Any = _RULES.get(eqn.prim.name)
    if rule is None:
        return None
    (source,) = eqn.args
    return rule(found[source], source.aval.shape, **eqn.params)


def _broadcast(view: View, old: Ints, *, shape: Ints, axes: Ints) -> View:
    strides = [0] * len(shape)
    of_root: list[int | None] = [None] * len(shape)
    for k, axis in enumerate(axes):
        if old[k] == shape[axis]:
            strides[axis] = view.strides[k]
            of_root[axis] = view.axes[k] if view.axes is not None else None
    known = None if view.axes is None else tuple(of_root)
    return view._replace(strides=tuple(strides), axes=known)


def _permute(view: View, old: Ints, *, axes: Ints) -> View:
    of_root = None if view.axes is None else tuple([view.axes[a] for a in axes])
    return view._replace(strides=tuple([view.strides[a] for a in axes]), axes=of_root)


def _slice(view: View, old: Ints, *, starts: Ints, limits: Ints, strides: Ints) -> View:
    offset = view.offset + sum(a * s for a, s in zip(starts, view.strides))
    steps = tuple([s * n for s, n in zip(view.strides, strides)])
    return view._replace(offset=offset, strides=steps, axes=None)


def _flip(view: View, old: Ints, *, axes: Ints) -> View:
    offset = view.offset + sum((old[a] - 1) * view.strides[a] for a in axes)
    strides = tuple([-s if a in axes else s for a, s in enumerate(view.strides)])
    return view._replace(offset=offset, strides=strides, axes=None)


def _reshape(view: View, old: Ints, *, shape: Ints) -> View | None:
    if math.prod(shape) == 0:
        return None
    strides = reshaped(old, view.strides, shape)
    if strides is None:
        return None
    of_root: tuple[int | None, ...] | None = None
    if view.axes is not None and [n for n in old if n != 1] == [n for n in shape if n != 1]:
        longer = iter([a for n, a in zip(old, view.axes) if n != 1])
        of_root = tuple([None if n == 1 else next(longer) for n in shape])
    return view._replace(strides=strides, axes=of_root)


def _split(view: View, old: Ints, *, sizes: Ints, axis: int) -> list[View]:
    starts = itertools.accumulate(sizes, initial=0)
    return [view._replace(offset=view.offset + start * view.strides[axis], axes=None)
            for start, _ in zip(starts, sizes)]  # fmt: skip


def _unstack(view: View, old: Ints, *, axis: int) -> list[View]:
    strides = view.strides[:axis] + view.strides[axis + 1 :]
    return [View(view.root, view.offset + i * view.strides[axis], strides, None)
            for i in range(old[axis])]  # fmt: skip


def reshaped(old: Ints, strides: Ints, new: Ints) -> Ints | None:
    """The strides of a reshaped view; None if there are none, so that it takes a copy."""
    pairs = [(n, s) for n, s in zip(old, strides) if n != 1]
    result: list[int] = []
    i = 0
    pending: tuple[int, int] | None = None  # what is left of an axis that is being split
    for n in new:
        if n == 1:
            result.append(0)
            continue
        if pending is None:
            size, stride = pairs[i]
            i += 1
            while size < n or size % n:  # join it with the next one
                if i == len(pairs) or stride != pairs[i][0] * pairs[i][1]:
                    return None
                size, stride = size * pairs[i][0], pairs[i][1]
                i += 1
            pending = (size, stride)
        size, stride = pending
        if size % n:
            return None
        left = size // n
        result.append(stride * left)
        pending = (left, stride) if left > 1 else None
    return tuple(result)


_RULES = {
    "broadcast": _broadcast, "permute_dims": _permute, "slice": _slice, "flip": _flip,
    "reshape": _reshape,
}  # fmt: skip
_CUTS = {"split": _split, "unstack": _unstack}
VIEWS = frozenset(_RULES) | frozenset(_CUTS)
