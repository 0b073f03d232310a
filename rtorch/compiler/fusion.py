"""Equations grouped into kernels.

A group has a *domain*, the extents of its elements, and perhaps *inner* axes, those that its
reductions remove. Every value in it is defined on the whole domain, or on the rows that are left
without the inner axes. `Groups` grows them in the order of the program: an equation joins the group
of its operands, and so makes one of several groups, where the domains fit and no cycle arises.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from rtorch.compiler.views import VIEWS, View, views
from rtorch.core.program import Atom, Eqn, Program, Var

Axes: TypeAlias = tuple[int | None, ...]  # for each axis of a value the axis of the domain

REDUCTIONS = frozenset({"reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "reduce_and",
                        "reduce_or"})  # fmt: skip
MOST_EQUATIONS = 64  # in a group
FEW_ROWS = 8  # fewer do not keep the threads busy
LONG_ROW = 1 << 14  # elements; a row up to here is not worth more than one thread


class Group:
    """Equations that one kernel computes.

    Attributes:
        extents: Of the domain.
        inner: The axes that its reductions remove; None if it has none.
        eqns: The numbers of its equations.
        maps: For each result the axes of the domain along which it runs.
        depends_on_rows: The results that wait for a reduction.
    """

    def __init__(self, extents: Sequence[int]) -> None:
        self.extents = tuple(extents)
        self.inner: frozenset[int] | None = None
        self.eqns: list[int] = []
        self.maps: dict[Var, Axes] = {}
        self.late: set[Var] = set()

    @property
    def axes(self) -> frozenset[int]:
        """The axes of the domain that matter."""
        return frozenset([i for i, n in enumerate(self.extents) if n != 1])

    @property
    def rows(self) -> frozenset[int]:
        return self.axes - (self.inner or frozenset())

    def is_full(self, axes: Axes) -> bool:
        """Whether a value along `axes` has all elements of the domain."""
        return frozenset([a for a in axes if a is not None]) == self.axes

    def is_row(self, axes: Axes) -> bool:
        used = frozenset([a for a in axes if a is not None])
        return self.inner is not None and used == self.rows

    def size(self, axes: Iterable[int]) -> int:
        return math.prod([self.extents[a] for a in axes])

    def can_loop_again(self) -> bool:
        """Whether another pass over the elements, after a reduction, leaves enough to share out."""
        assert self.inner is not None
        return self.size(self.rows) >= FEW_ROWS or self.size(self.inner) <= LONG_ROW


class Groups:
    """The groups of a Program.

    Args:
        program: Which one.
        supports: Whether kernels can compute an equation.
    """

    def __init__(self, program: Program, supports: Any) -> None:
        self.program = program
        self.views = views(program)
        self.supports = supports
        self.of: dict[int, Group] = {}  # by the number of the equation
        self.made = {v: i for i, eqn in enumerate(program.eqns) for v in eqn.outs}
        # Sets of equations as bits of a number: what each must wait for, and itself.
        self.before: list[int] = []
        self.bits: dict[Group, int] = {}
        self.waits: dict[Group, int] = {}
        for i, eqn in enumerate(program.eqns):
            self._add(i, eqn)

    def scalar(self, var: Var) -> Any:
        """The number that all elements of a constant are, where that is known; else None."""
        return None

    def all(self) -> list[Group]:
        """Every group once."""
        return list(dict.fromkeys(self.of.values()))

    # -- order ---------------------------------------------------------------------------------

    def _unit(self, var: Var) -> Group | int | None:
        """What computes the root of a variable: a group, an equation; None for a parameter."""
        i = self.made.get(self.views[var].root)
        return None if i is None else self.of.get(i, i)

    def _waits(self, unit: Group | int | None) -> int:
        """The equations that come before a unit is done, its own among them."""
        if unit is None:
            return 0
        return self.waits[unit] if isinstance(unit, Group) else self.before[unit]

    def _join(self, i: int, group: Group) -> None:
        """Note that equation `i` is part of a group."""
        group.eqns.append(i)
        self.of[i] = group
        self._grown(group, self.before[i], 1 << i)

    def _grown(self, group: Group, waits: int, bits: int) -> None:
        """A group waits for more now; so does all that waits for it."""
        self.bits[group] = self.bits.get(group, 0) | bits
        self.waits[group] = all_of_it = self.waits.get(group, 0) | waits | bits
        mine = self.bits[group]
        for other, others in self.waits.items():
            if others & mine and other is not group:
                self.waits[other] = others | all_of_it
        for i in range(group.eqns[0] if group.eqns else 0, len(self.before)):
            if self.before[i] & mine:
                self.before[i] |= all_of_it

    def _may_wait(self, group: Group, unit: Group | int | None) -> bool:
        """Whether a group may read what `unit` computes: not if that waits for the group."""
        return unit is group or not self._waits(unit) & self.bits[group]

    # -- growth --------------------------------------------------------------------------------

    def _add(self, i: int, eqn: Eqn) -> None:
        before = 1 << i
        for a in eqn.args:
            if type(a) is Var:
                before |= self._waits(self._unit(a))
        self.before.append(before)
        if eqn.prim.name in VIEWS or not self.supports(eqn):
            return
        if eqn.prim.name in REDUCTIONS:
            self._add_reduction(i, eqn)
        else:
            self._add_elementwise(i, eqn)

    def _inside(self, a: Atom) -> tuple[Group, Axes] | None:
        """The group that computes `a`, and the axes of the domain along which it runs there."""
        if type(a) is not Var:
            return None
        view = self.views[a]
        i = self.made.get(view.root)
        group = None if i is None else self.of.get(i)
        if group is None or view.axes is None:
            return None
        of_root = group.maps[view.root]
        return group, tuple([None if k is None else of_root[k] for k in view.axes])

    def _add_reduction(self, i: int, eqn: Eqn) -> None:
        (x,) = eqn.args
        axes = eqn.params["axes"]
        shape = x.aval.shape
        place = self._inside(x)
        if place is not None:
            group, along = place
            inner = frozenset([along[a] for a in axes if along[a] is not None])
            repeats = None in [a for a, n in zip(along, shape) if n != 1]
            fits = group.is_full(along) and not repeats
            if fits and inner and group.inner in (None, inner) and self._has_room(group):
                group.inner = inner
                self._place(i, eqn, group, tuple([m for a, m in enumerate(along) if a not in axes]))
                return
        group = Group(shape)
        group.inner = frozenset([a for a in axes if shape[a] != 1])
        self._place(i, eqn, group, tuple([a if n != 1 else None for a, n in enumerate(shape)
                                          if a not in axes]))  # fmt: skip

    def _add_elementwise(self, i: int, eqn: Eqn) -> None:
        (out,) = eqn.outs
        shape = out.aval.shape
        places = [p for p in map(self._inside, eqn.args) if p is not None]
        for group, along in sorted(places, key=lambda p: -len(p[0].eqns)):
            axes = self._try(eqn, group, along, shape)
            if axes is not None:
                self._place(i, eqn, group, axes)
                return
        group = Group(shape)
        self._place(i, eqn, group, tuple([a if n != 1 else None for a, n in enumerate(shape)]))

    def _place(self, i: int, eqn: Eqn, group: Group, axes: Axes) -> None:
        (out,) = eqn.outs
        group.maps[out] = axes
        if eqn.prim.name in REDUCTIONS or any(
            self.views[a].root in group.late for a in eqn.args if type(a) is Var
        ):
            group.late.add(out)
        self._join(i, group)

    def _has_room(self, group: Group) -> bool:
        return len(group.eqns) < MOST_EQUATIONS

    def _try(self, eqn: Eqn, group: Group, along: Axes, shape: tuple[int, ...]) -> Axes | None:
        """The axes of the result of an elementwise equation if it can join `group`, else None.

        Other groups that compute operands become part of `group` where that is possible.
        """
        if not self._has_room(group):
            return None
        axes = along
        for a in eqn.args:
            if type(a) is not Var:
                continue
            place = self._inside(a)
            if place is not None and place[0] is not group \
                    and not self._merge(place[0], place[1], group, axes):  # fmt: skip
                place = None
            if place is not None:
                place = self._inside(a)  # it may be in `group` now
            if place is not None and place[0] is group:
                both = _agreed(axes, place[1])
                if both is None:
                    return None
                axes = both
            elif not self._may_wait(group, self._unit(a)) or self._unit(a) is group:
                return None
        return self._fitted(eqn, group, axes, shape)

    def _fitted(self, eqn: Eqn, group: Group, axes: Axes, shape: tuple[int, ...]) -> Axes | None:
        """`axes` with the axes added along which all operands only repeat."""
        free = [a for a in sorted(group.axes) if a not in axes]
        result = list(axes)
        for k, n in enumerate(shape):
            if result[k] is None and n != 1:
                fitting = [a for a in free if group.extents[a] == n]
                if not fitting:
                    return None
                result[k] = fitting[0]
                free.remove(fitting[0])
        found = tuple(result)
        if group.is_full(found):
            late = any(self.views[a].root in group.late for a in eqn.args if type(a) is Var)
            return found if not late or group.can_loop_again() else None
        return found if group.is_row(found) else None

    # -- merging -------------------------------------------------------------------------------

    def _merge(self, other: Group, theirs: Axes, group: Group, ours: Axes) -> bool:
        """Make `other` part of `group` so that axes `theirs` become `ours`, if that is possible."""
        turned = _translation(other, theirs, group, ours)
        if turned is None or len(other.eqns) + len(group.eqns) > MOST_EQUATIONS:
            return False
        if self._waits_through(other, group) or self._waits_through(group, other):
            return False
        inner = None if other.inner is None else frozenset([turned[a] for a in other.inner])
        if group.inner is not None and inner is not None and group.inner != inner:
            return False
        moved = {v: tuple([None if a is None else turned[a] for a in m])
                 for v, m in other.maps.items()}  # fmt: skip
        if not (self._sees(group, group.maps, moved) and self._sees(other, moved, group.maps)):
            return False
        both = inner or group.inner
        has_late = any(group.is_full(m) for v, m in group.maps.items() if v in group.late) or any(
            other.is_full(m) for v, m in other.maps.items() if v in other.late
        )
        if both is not None and has_late and group.size(group.axes - both) < FEW_ROWS \
                and group.size(both) > LONG_ROW:  # fmt: skip
            return False
        group.inner = both
        group.maps |= moved
        group.late |= other.late
        group.eqns = sorted(group.eqns + other.eqns)
        for i in other.eqns:
            self.of[i] = group
        waits, bits = self.waits.pop(other), self.bits.pop(other)
        self._grown(group, waits, bits)
        return True

    def _sees(self, reader: Group, maps: dict[Var, Axes], others: dict[Var, Axes]) -> bool:
        """Whether all that `reader` reads of another group lies where it reads it.

        Args:
            reader: The group that reads.
            maps: Of its results, in the axes that both groups have in common.
            others: The same of the other group.
        """
        for i in reader.eqns:
            eqn = self.program.eqns[i]
            for a in eqn.args:
                if type(a) is not Var or self.views[a].root not in others:
                    continue
                view = self.views[a]
                if view.axes is None or eqn.prim.name in REDUCTIONS:
                    return False
                of_root = others[view.root]
                there = [None if k is None else of_root[k] for k in view.axes]
                if any(p not in (None, q) for p, q in zip(there, maps[eqn.outs[0]])):
                    return False
        return True

    def _waits_through(self, a: Group, b: Group) -> bool:
        """Whether `b` waits for something else that waits for `a`."""
        between = self.waits[b] & ~self.bits[b] & ~self.bits[a]
        while between:
            low = between & -between
            i = low.bit_length() - 1
            unit = self.of.get(i, i)
            if self._waits(unit) & self.bits[a]:
                return True
            between ^= low
        return False


def _agreed(axes: Axes, others: Axes) -> Axes | None:
    """Both as one, where each may leave out what it only repeats along; None if they differ."""
    result = []
    for a, b in zip(axes, others, strict=True):
        if a is not None and b is not None and a != b:
            return None
        result.append(b if a is None else a)
    used = [a for a in result if a is not None]
    return tuple(result) if len(used) == len(set(used)) else None


def _translation(other: Group, theirs: Axes, group: Group, ours: Axes) -> dict[int, int] | None:
    """For each axis of the domain of `other` that of `group`; None if they do not fit."""
    turned: dict[int, int] = {}
    for a, b in zip(theirs, ours, strict=True):
        if a is None and b is None:
            continue
        if a is None or b is None:
            return None
        turned[a] = b
    left = [a for a in sorted(other.axes) if a not in turned]
    free = [b for b in sorted(group.axes) if b not in turned.values()]
    if len(left) != len(free):
        return None
    turned |= dict(zip(left, free))
    if any(other.extents[a] != group.extents[b] for a, b in turned.items()):
        return None
    return turned


def groups(program: Program, supports: Any) -> Groups:
    """The groups of a Program; `supports` says of an equation whether kernels can compute it."""
    return Groups(program, supports)


__all__ = ["Group", "Groups", "View", "groups"]
