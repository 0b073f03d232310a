"""Reverse mode where named axes are in scope: tapes whose variables know over what they vary.

Where an operation mixes a differentiated operand that is the same in all lanes with others that
are not, a `pvary` is put on it first. Its transpose is `psum`: so the cotangents of all lanes are
summed exactly where the value became varying, and nowhere else.
"""

from __future__ import annotations

from typing import Any

from rtorch.core.axes import operand_types, result_types, sized, varies_of
from rtorch.core.primitive import Primitive
from rtorch.core.trace import Trace, Tracer, state
from rtorch.ops.base import add_tangents
from rtorch.ops.collectives import psum_p, pvary_p
from rtorch.transforms.arguments import vary
from rtorch.transforms.linearize import LinearizeTrace
from rtorch.transforms.noted import NotedTape
from rtorch.transforms.tape import Env, Tangent, Tape


def _joined(trace: Trace, prim: Primitive, args: Any, params: dict[str, Any]) -> tuple[Any, ...]:
    """`args`, those of them that are `trace`'s own varying over what `prim` needs."""
    own = [isinstance(a, Tracer) and a._trace is trace for a in args]
    if not any(own):
        return tuple(args)
    types = [varies_of(a) for a in args]
    out = list(args)
    for i, names in enumerate(operand_types(prim, types, params)):
        if own[i] and not names <= types[i]:
            out[i] = vary(out[i], names)
    return tuple(out)


class VaryingLinearizeTrace(LinearizeTrace):
    """A `LinearizeTrace` inside ``vmap(axis_name=...)``."""

    __slots__ = ()

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if prim.differentiable and prim is not pvary_p:
            args = _joined(self, prim, args, params)
        return super().bind(prim, args, params)


class _Varying(Tape):
    """What varying tapes do besides: note types, and hold cotangents to them."""

    __slots__ = ()

    def variable(self, like: Any) -> Tangent:
        node = super().variable(like)
        node.varies = varies_of(like)
        return node

    def scaled(self, terms: list[tuple[Tangent, Any]], singular: bool, like: Any) -> Tangent:
        node = super().scaled(terms, singular, like)
        node.varies = varies_of(like)
        return node

    def image(self, prim: Primitive, parts: Any, params: dict[str, Any], like: Any) -> Tangent:
        node = super().image(prim, parts, params, like)
        node.varies = varies_of(like)
        return node

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if prim is not pvary_p:
            args = _joined(self, prim, args, params)
        out = super().bind(prim, args, params)
        outs = [x for x in (out if prim.multiple else (out,)) if isinstance(x, Tangent)]
        if outs and outs[0]._trace is self:
            types = result_types(prim, [varies_of(a) for a in args], params, len(outs))
            for node, names in zip(outs, types):
                node.varies = names
        return out

    def pull(self, cts: Env) -> None:
        for entry in reversed(self.entries):
            _pull_typed(entry, cts)

    def pull_once(self, cts: Env) -> None:
        while self.entries:
            _pull_typed(self.entries.pop(), cts)


def _pull_typed(entry: Any, cts: Env) -> None:
    """``entry.pull(cts)``, what it gives each source having the type of that."""
    sources = dict.fromkeys(entry.sources)
    before = {s: cts.pop(s) for s in sources if s in cts}
    entry.pull(cts)
    for source in sources:
        ct = add_tangents(before.get(source), _of_type(source, cts.get(source)))
        if ct is not None:
            cts[source] = ct


def _of_type(source: Tangent, ct: Any) -> Any:
    """What one operation gave `source`; where it varies more than that, the sum of all lanes.

    Rules of the user's, and functions that run elsewhere, give each lane's share.
    """
    if ct is None or ct._varies <= source._varies:
        return ct
    return psum_p(ct, **sized(ct._varies - source._varies, state.trace.axes))


class VaryingTape(_Varying):
    """A `Tape` inside ``vmap(axis_name=...)``."""

    __slots__ = ()


class VaryingNotedTape(_Varying, NotedTape):
    """A `NotedTape` inside ``vmap(axis_name=...)``."""

    __slots__ = ()


def varying_tape(kind: type[Tape]) -> type[Tape]:
    """The kind of tape for where named axes are in scope."""
    return VaryingNotedTape if issubclass(kind, NotedTape) else VaryingTape
