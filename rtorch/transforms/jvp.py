"""Forward mode: every value carries its tangent."""

from __future__ import annotations

from typing import Any

from rtorch.core.primitive import Primitive
from rtorch.core.trace import Trace, state
from rtorch.transforms.primal import PrimalTracer


class JVPTracer(PrimalTracer):
    """A primal and its tangent."""

    __slots__ = ("tangent",)

    def __init__(self, trace: Trace, primal: Any, tangent: Any) -> None:
        self._trace = trace
        self.primal = primal
        self.tangent = tangent
        self.shape = primal.shape
        self.dtype = primal.dtype
        self._weak = primal._weak


class JVPTrace(Trace):
    """Runs the ``jvp`` rules."""

    __slots__ = ()

    def split(self, x: Any) -> tuple[Any, Any]:
        """The primal and the tangent of `x`; None is a zero tangent."""
        if type(x) is JVPTracer and x._trace is self:
            return x.primal, x.tangent
        return x, None

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        pairs = [self.split(a) for a in args]
        primals = [p for p, _ in pairs]
        tangents = [t for _, t in pairs]
        state.trace = self.parent
        try:
            if not prim.differentiable or all(t is None for t in tangents):
                return prim(*primals, **params)
            out, tangent = prim.jvp(primals, tangents, **params)
        finally:
            state.trace = self
        if prim.multiple:
            return tuple([self._pair(o, t) for o, t in zip(out, tangent)])
        return self._pair(out, tangent)

    def _pair(self, out: Any, tangent: Any) -> Any:
        return out if tangent is None else JVPTracer(self, out, tangent)
