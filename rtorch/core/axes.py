"""Named axes: which are in scope, and over which of them a value varies.

``vmap(f, axis_name="i")`` runs `f` in lanes that can exchange values along "i". The type of a
value (`Aval.varies`, and `_varies` of tracers) says along which axes its lanes may differ.
Derivatives rest on it: a value that is the same in all lanes is counted once, and where it meets
values that differ, a `pvary` marks that its cotangent must be summed over the lanes.

The types are exact, not bounds: a result varies over what its operands vary over, collectives say
their own, and what holds a Program has the types of that Program's results.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, TypeAlias

from rtorch.core.array import Array
from rtorch.core.aval import NOWHERE, Aval
from rtorch.core.primitive import Primitive
from rtorch.core.program import Program
from rtorch.errors import ArgumentError

Key: TypeAlias = Hashable
Names: TypeAlias = frozenset[Key]
Scope: TypeAlias = tuple[tuple[Key, int], ...]  # keys and sizes of the axes, the outermost first


class Inner:
    """The key of an axis that has `depth` others of its name around it."""

    __slots__ = ("depth", "name")

    def __init__(self, name: Hashable, depth: int) -> None:
        self.name = name
        self.depth = depth

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Inner) and (self.name, self.depth) == (other.name, other.depth)

    def __hash__(self) -> int:
        return hash((Inner, self.name, self.depth))

    def __repr__(self) -> str:
        return f"{self.name}{chr(39) * self.depth}"


def name_of(key: Key) -> Hashable:
    """What the user calls the axis."""
    return key.name if isinstance(key, Inner) else key


def key_for(name: Hashable, scope: Scope) -> Key:
    """A key for a new axis: its name, unless one in `scope` is called so too."""
    depth = sum(name_of(key) == name for key, _ in scope)
    return Inner(name, depth) if depth else name


def find(name: Hashable, scope: Scope) -> tuple[Key, int] | None:
    """The key and the size of the innermost axis called `name`."""
    return next(((k, n) for k, n in reversed(scope) if name_of(k) == name), None)


def varies_of(x: Any) -> Names:
    """The axes that an array or an aval varies over; none for a Python scalar."""
    if isinstance(x, Aval):
        return x.varies
    return x._varies if isinstance(x, Array) else NOWHERE


# ---- types of operations -------------------------------------------------------------------------


def programs_in(params: dict[str, Any]) -> list[Program]:
    """The Programs among the parameters of an operation, also those in tuples."""
    return [p for value in params.values() for p in _programs(value)]


def _programs(value: Any) -> Iterator[Program]:
    if isinstance(value, Program):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _programs(item)


def operand_types(prim: Primitive, types: Sequence[Names], params: dict[str, Any]) -> list[Names]:
    """The axes that operands of `types` must vary over where `prim` is differentiated.

    Operands of one operation must vary over the same axes; those of a collective over its axes;
    those of a Program over what its parameters vary over.
    """
    if isinstance(prim, Collective):
        return [prim.operand_varies(t, frozenset(params["axes"])) for t in types]
    for program in () if prim.opaque else programs_in(params):
        first = len(types) - len(program.in_vars)  # operand 0 may say which Program it is
        if first in (0, 1):
            inner = [v.aval.varies for v in program.in_vars]
            return [*types[:first], *[t | v for t, v in zip(types[first:], inner)]]
    union = NOWHERE.union(*types)
    return [union] * len(types)


def result_types(
    prim: Primitive, types: Sequence[Names], params: dict[str, Any], count: int
) -> list[Names]:
    """The axes that the results of `prim`, `count` of them, vary over."""
    if isinstance(prim, Collective):
        return [prim.result_varies(NOWHERE.union(*types), frozenset(params["axes"]))] * count
    programs = [p for p in programs_in(params) if len(p.out_atoms) == count]
    if not programs:
        return [NOWHERE.union(*types)] * count
    chosen = types[0] if len(types) == len(programs[0].in_vars) + 1 else NOWHERE
    return [chosen.union(*[v.aval.varies for v in column])
            for column in zip(*[p.out_atoms for p in programs])]  # fmt: skip


def typed(prim: Primitive, avals: Sequence[Any], params: dict[str, Any], inferred: Any) -> Any:
    """The avals that `infer` gave, with the axes that they vary over."""
    types = [varies_of(a) for a in avals if not isinstance(a, (bool, int, float, complex))]
    if not prim.multiple:
        return inferred.varying(*result_types(prim, types, params, 1))
    found = result_types(prim, types, params, len(inferred))
    return tuple([aval.varying(names) for aval, names in zip(inferred, found)])


class Collective(Primitive):
    """An operation between the lanes of the named ``axes``, whose ``sizes`` stand beside them."""

    invariant = False  # the result is the same in all lanes
    exchanges = True  # lanes depend on each other, and must all take part
    needs_varying = True  # the derivative is that of operands which may differ between lanes

    def operand_varies(self, names: Names, axes: Names) -> Names:
        return names | axes if self.needs_varying else names

    def result_varies(self, names: Names, axes: Names) -> Names:
        return names - axes if self.invariant else names | axes

    def lanes(self, *args: Any, **params: Any) -> tuple[Any, int | None]:
        """``(x, dim, size, **params)``: compute, the lanes being axis `dim` of `x`.

        Returns the result and its batch axis; None: the same in all lanes. The other `axes` are
        the outer traces' business.
        """
        raise NotImplementedError


def sized(names: Names, scope: Scope) -> dict[str, Any]:
    """The axes `names` of `scope`, as parameters of a collective."""
    chosen = [(k, n) for k, n in scope if k in names]
    return {"axes": tuple([k for k, _ in chosen]), "sizes": tuple([n for _, n in chosen])}


def check_choice(name: str, choice: Names, programs: Sequence[Program]) -> None:
    """Raise if lanes, which run different ones of `programs`, exchange values in them.

    Args:
        name: The function, for the message.
        choice: The axes over which it varies what is run.
        programs: What is chosen from.
    """
    for program in programs:
        for eqn in program.eqns if choice else ():
            prim = eqn.prim
            along = choice.intersection(eqn.params.get("axes", ()))
            if isinstance(prim, Collective) and prim.exchanges and along:
                called = ", ".join(repr(name_of(key)) for key in along)
                raise ArgumentError(
                    f"[{name}] lanes of the axis {called} choose differently, and {prim.name} in "
                    "what they choose needs all of them: call it outside, or choose by a value "
                    "that is the same in all lanes (rt.pmax(flag, axis_name), say)"
                )
            check_choice(name, choice, programs_in(eqn.params))


def collective_sizes(program: Program) -> dict[Key, int]:
    """The axes that the collectives in a Program are about, with their sizes."""
    found: dict[Key, int] = program.cached("collective_sizes", lambda: _collective_sizes(program))
    return found


def _collective_sizes(program: Program) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for eqn in program.eqns:
        if isinstance(eqn.prim, Collective):
            found.update(zip(eqn.params["axes"], eqn.params["sizes"]))
        for inner in programs_in(eqn.params):
            found.update(collective_sizes(inner))
    return found
