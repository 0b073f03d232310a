"""Linearization: the function now, its derivative as a tape of linear equations.

`LinearizeTrace` computes the primal side at once (in eager use it is concrete: ``if x > 0``,
``print`` and ``pdb`` work) and records on a `Tape` how tangents depend on each other.

The usual two interpreters, jvp and partial evaluation, are one here for the common families:
elementwise primitives record their partial derivatives, linear ones themselves. For the rest
`Tape.record_jvp` runs the ``jvp`` rule with the tape as the interpreter of tangents.

Radul, Paszke, Frostig, Johnson, Maclaurin 2023, "You only linearize once".
"""

from __future__ import annotations

from typing import Any

from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.core.trace import Trace, state
from rtorch.transforms.noted import NotedTape
from rtorch.transforms.primal import PrimalTracer
from rtorch.transforms.tape import Tangent, Tape


class LinearizeTracer(PrimalTracer):
    """A primal value with its variable on the tape."""

    __slots__ = ("node",)
    _weak = property(lambda self: self.primal._weak)

    def __init__(self, trace: LinearizeTrace, primal: Any, node: Tangent) -> None:
        self._trace = trace
        self.primal = primal
        self.node = node
        self.shape = node.shape
        self.dtype = node.dtype


class LinearizeTrace(Trace):
    """Computes primals in the parent trace and records tangents on `tape`."""

    __slots__ = ("tape",)

    def __init__(self, parent: Trace, transform: str, function: Any = None) -> None:
        self.parent = parent
        self.transform = transform
        self.function = function
        self.alive = True
        self.tape = (NotedTape if parent.keeps_lines else Tape)(parent)
        if parent.axes:  # a subclass sees to the types; nothing else pays for it
            from rtorch.transforms.varying import VaryingLinearizeTrace

            self.__class__ = VaryingLinearizeTrace

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
        if not prim.multiple:
            return out if node is None else LinearizeTracer(self, out, node)
        return tuple([o if n is None else LinearizeTracer(self, o, n) for o, n in zip(out, node)])
