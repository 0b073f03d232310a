"""Linearization: the function now, its derivative as a tape of linear equations.

`LinearizeTrace` computes the primal side at once (in eager use it is concrete: ``if x > 0``,
``print`` and ``pdb`` work) and records on a `Tape` how tangents depend on each other. The tape
can be run forwards (`Tape.push`: tangents) and backwards (`Tape.pull`: cotangents).

The usual two interpreters, jvp and partial evaluation, are one here for the common families:
elementwise primitives record their partial derivatives, linear ones themselves. For the rest
`Tape.record_jvp` runs the ``jvp`` rule with the tape as the interpreter of tangents.

Radul, Paszke, Frostig, Johnson, Maclaurin 2023, "You only linearize once".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.core.trace import Trace, Tracer, state
from rtorch.ops.base import add_p, mul_p, scale, zeros
from rtorch.transforms.primal import PrimalTracer


class Tangent(Tracer):
    """A variable of a tape."""

    __slots__ = ()
    what = "the tangent"

    def __init__(self, tape: Tape, shape: tuple[int, ...], dtype: Any) -> None:
        self._trace = tape
        self.shape = shape
        self.dtype = dtype
        self._weak = False

    __hash__ = object.__hash__  # a key of the environments below


Env: TypeAlias = dict[Tangent, Any]


class Scale:
    """``out += factor * source``."""

    __slots__ = ("factor", "first", "out", "singular", "source")

    def __init__(self, source: Tangent, factor: Any, singular: bool, out: Tangent, first: bool):
        self.source = source
        self.factor = factor
        self.singular = singular
        self.out = out
        self.first = first  # whether this entry is the first that adds to `out`

    def pull(self, cts: Env) -> None:
        ct = cts.pop(self.out, None) if self.first else cts.get(self.out)
        if ct is not None:
            factor = self.factor
            if type(factor) is Array and not self.singular:
                ct = state.trace.bind(mul_p, (ct, factor), {})
            else:
                ct = scale(ct, factor, self.singular)
            before = cts.get(self.source)
            cts[self.source] = ct if before is None else add_p(before, ct)

    def push(self, tangents: Env) -> None:
        t = tangents.get(self.source)
        if t is not None:
            _accumulate(tangents, self.out, scale(t, self.factor, self.singular))

    @property
    def sources(self) -> tuple[Tangent, ...]:
        return (self.source,)

    @property
    def outs(self) -> tuple[Tangent, ...]:
        return (self.out,)

    @property
    def constants(self) -> tuple[Any, ...]:
        return (self.factor,)


class LinearEqn:
    """``outs += prim[params](*operands)``, linear in the operands that are tangents.

    Operands that are Avals are zero.
    """

    __slots__ = ("first", "operands", "outs", "params", "prim")

    def __init__(
        self,
        prim: Primitive,
        operands: Sequence[Any],
        params: dict[str, Any],
        outs: Sequence[Tangent | None],
        first: bool,
    ) -> None:
        self.prim = prim
        self.operands = operands
        self.params = params
        self.outs = outs
        self.first = first

    def pull(self, cts: Env) -> None:
        take: Any = cts.pop if self.first else cts.get
        if self.prim.multiple:
            ct: Any = [None if out is None else take(out, None) for out in self.outs]
            if all(c is None for c in ct):
                return
        elif (ct := take(self.outs[0], None)) is None:
            return
        holes = [x.aval if type(x) is Tangent else x for x in self.operands]
        for x, x_ct in zip(self.operands, self.prim.transpose(ct, *holes, **self.params)):
            if x_ct is not None and type(x) is Tangent:
                _accumulate(cts, x, x_ct)

    def push(self, tangents: Env) -> None:
        if all(tangents.get(x) is None for x in self.sources):
            return
        out = self.prim(*[_value(x, tangents) for x in self.operands], **self.params)
        for node, t in zip(self.outs, out if self.prim.multiple else (out,)):
            if node is not None:
                _accumulate(tangents, node, t)

    @property
    def sources(self) -> tuple[Tangent, ...]:
        return tuple([x for x in self.operands if type(x) is Tangent])

    @property
    def constants(self) -> tuple[Any, ...]:
        return tuple([x for x in self.operands if type(x) is not Tangent])


def _accumulate(env: Env, node: Tangent, value: Any) -> None:
    before = env.get(node)
    env[node] = value if before is None else add_p(before, value)


def _value(x: Any, tangents: Env) -> Any:
    if type(x) is Tangent:
        t = tangents.get(x)
        return zeros(x.aval) if t is None else t
    return zeros(x) if isinstance(x, Aval) else x


class Tape(Trace):
    """Linear equations between tangents; as a trace, the interpreter that records them."""

    __slots__ = ("entries",)

    def __init__(self, parent: Trace) -> None:
        super().__init__(parent, "linearization")
        self.entries: list[Scale | LinearEqn] = []

    def variable(self, like: Any) -> Tangent:
        return Tangent(self, like.shape, like.dtype)

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """A rule computes with tangents: record it; or with primals only: not for the tape."""
        state.trace = self.parent
        try:
            if not any(type(a) is Tangent and a._trace is self for a in args):
                return prim(*args, **params)
            avals = [a.aval if isinstance(a, Array) else a for a in args]
            return self.record(prim, args, params, prim.infer(*avals, **params))
        finally:
            state.trace = self

    def record(self, prim: Primitive, operands: Sequence[Any], params: dict[str, Any], out: Any,
               node: Any = None) -> Any:  # fmt: skip
        """Add an equation with results like `out`, or one that adds to `node`."""
        first = node is None
        if first:
            node = tuple(map(self.variable, out)) if prim.multiple else self.variable(out)
        outs = node if prim.multiple else (node,)
        self.entries.append(LinearEqn(prim, operands, params, outs, first))
        return node

    def record_scale(self, source: Tangent, factor: Any, singular: bool, out: Any,
                     node: Tangent | None = None) -> Tangent:  # fmt: skip
        """Add ``factor * source`` to `node`, or to a new variable like `out`."""
        if node is None:
            node = Tangent(self, out.shape, out.dtype)
            self.entries.append(Scale(source, factor, singular, node, True))
        else:
            self.entries.append(Scale(source, factor, singular, node, False))
        return node

    def record_jvp(self, prim: Primitive, primals: Any, tangents: Any, params: Any) -> Any:
        """Run the ``jvp`` rule; what it does with tangents goes on the tape."""
        state.trace = self
        try:
            out, tangent = prim.jvp(primals, tangents, **params)
        finally:
            state.trace = self.parent
        if prim.multiple:
            return out, tuple(map(self._own, tangent))
        return out, self._own(tangent)

    def _own(self, tangent: Any) -> Any:
        # A tangent that does not depend on the tape's variables is zero, the map being linear.
        return tangent if type(tangent) is Tangent and tangent._trace is self else None

    def pull(self, cts: Env) -> None:
        """Propagate cotangents in `cts` from results to inputs."""
        for entry in reversed(self.entries):
            entry.pull(cts)

    def push(self, tangents: Env) -> None:
        """Propagate tangents in `tangents` from inputs to results."""
        for entry in self.entries:
            entry.push(tangents)

    def prune(self, outs: Sequence[Tangent | None]) -> None:
        """Drop the entries that do not reach `outs`."""
        live = {out for out in outs if out is not None}
        kept = []
        for entry in reversed(self.entries):
            if any(out in live for out in entry.outs if out is not None):
                live.update(entry.sources)
                kept.append(entry)
        self.entries = kept[::-1]


class LinearizeTracer(PrimalTracer):
    """A primal value with its variable on the tape."""

    __slots__ = ("node",)

    def __init__(self, trace: LinearizeTrace, primal: Any, node: Tangent) -> None:
        self._trace = trace
        self.primal = primal
        self.node = node
        self.shape = node.shape
        self.dtype = node.dtype
        self._weak = primal._weak


class LinearizeTrace(Trace):
    """Computes primals in the parent trace and records tangents on `tape`."""

    __slots__ = ("tape",)

    def __init__(self, parent: Trace, transform: str, function: Any = None) -> None:
        super().__init__(parent, transform, function)
        self.tape = Tape(parent)

    def variable(self, primal: Array) -> LinearizeTracer:
        """`primal` as a new input of the tape."""
        return LinearizeTracer(self, primal, self.tape.variable(primal))

    def node_of(self, x: Any) -> Tangent | None:
        """The tape's variable for `x`, None for a constant."""
        return x.node if type(x) is LinearizeTracer and x._trace is self else None

    def primal_of(self, x: Any) -> Any:
        return x.primal if type(x) is LinearizeTracer and x._trace is self else x

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        primals: list[Any] = []
        tangents: list[Any] = []
        active = False
        for a in args:
            if type(a) is LinearizeTracer and a._trace is self:
                active = True
                primals.append(a.primal)
                tangents.append(a.node)
            else:
                primals.append(a)
                tangents.append(None)
        state.trace = self.parent
        try:
            if not active or not prim.differentiable:
                return prim(*primals, **params)
            out, node = prim.linearize(self.tape, primals, tangents, **params)
        finally:
            state.trace = self
        if prim.multiple:
            return tuple([o if n is None else LinearizeTracer(self, o, n)
                          for o, n in zip(out, node)])  # fmt: skip
        return out if node is None else LinearizeTracer(self, out, node)
