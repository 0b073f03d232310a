"""Staging: record what a function does as a `Program` instead of doing it.

Everything that runs under a `StageTrace` is recorded, also what depends on no argument. Arrays
that the function closes over become constants of the Program; so do tracers of transformations
around it, which `call.closed` turns into operands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.axes import typed
from rtorch.core.dtypes import bool_
from rtorch.core.primitive import Primitive
from rtorch.core.program import Eqn, Program, Var
from rtorch.core.trace import Trace, Tracer, not_linear, run, state
from rtorch.errors import EscapedTracerError, SourceLine, scopes, user_line


class StageTracer(Tracer):
    """A variable of the Program that is being recorded."""

    __slots__ = ("_var", "source")
    _varies = property(lambda self: self._var.aval.varies)
    what = "the staged value"
    cure = (
        "It is known only when the compiled function runs. Use rt.where(condition, x, y) "
        "instead of `if`; make the argument static (jit(..., static_argnums=...)) if its values "
        "are few; or run the function eagerly with rt.disable_jit()"
    )

    def __init__(self, trace: StageTrace, var: Var, source: SourceLine | None) -> None:
        self._trace = trace
        self._var = var
        self.source = source
        self.shape = var.aval.shape
        self.dtype = var.aval.dtype
        self._weak = var.aval.weak

    def _concrete(self, use: str) -> Any:
        try:
            return super()._concrete(use)
        except Exception as error:
            if self.source is not None:
                error.args = (f"{error.args[0]}\n  the value was computed at {self.source}",)
            raise


class StageTrace(Trace):
    """Records equations."""

    __slots__ = ("consts", "eqns", "held", "scope")
    keeps_lines = True
    axes = property(lambda self: self.scope)

    def __init__(self, transform: str, function: Any = None) -> None:
        super().__init__(None, transform, function)
        self.scope = state.trace.axes  # which stay in scope though nothing is this trace's parent
        self.eqns: list[Eqn] = []
        self.consts: dict[int, Var] = {}  # by the identity of the array
        self.held: dict[Var, Array] = {}

    def parameter(self, aval: Aval) -> StageTracer:
        return StageTracer(self, Var(aval), None)

    def var_of(self, x: Array) -> Var:
        """The variable of a value: its own, or that of a constant."""
        if type(x) is StageTracer and x._trace is self:
            return x._var
        var = self.consts.get(id(x))
        if var is None:
            if isinstance(x, Tracer):
                self._check(x)
            var = self.consts[id(x)] = Var(x.aval)
            self.held[var] = x
        return var

    def _check(self, x: Tracer) -> None:
        """Raise unless a tracer belongs to a transformation around this one, which goes on."""
        if not x._trace.alive:
            x._no_value()
        trace: Trace | None = x._trace
        while (trace := getattr(trace, "parent", None)) is not None:
            if trace is self:
                raise EscapedTracerError(
                    f"[tracer] {x.aval} of {x._trace.origin} was used outside of it, in a function "
                    "that closes over it. Pass it as an argument"
                )

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        atoms: list[Any] = []
        avals: list[Any] = []
        weak, strong = False, not prim.keeps_weak
        for a in args:
            if isinstance(a, Array):
                var = self.var_of(a)
                weak = weak or var.aval.weak
                # A condition, of bool, decides nothing.
                strong = strong or not (var.aval.weak or var.aval.dtype is bool_)
                atoms.append(var)
                avals.append(var.aval)
            elif isinstance(a, Aval):
                raise not_linear(prim)
            else:
                atoms.append(a)
                avals.append(a)
        inferred = prim.infer(*avals, **params)
        if self.scope:
            inferred = typed(prim, avals, params, inferred)
        source = user_line()
        if prim.multiple:
            outs = [Var(aval) for aval in inferred]
            self.eqns.append(Eqn(prim, atoms, params, outs, source))
            return tuple([StageTracer(self, var, source) for var in outs])
        if inferred.weak != (weak and not strong):
            inferred = Aval(inferred.shape, inferred.dtype, weak and not strong, inferred.varies)
        out = Var(inferred)
        self.eqns.append(Eqn(prim, atoms, params, (out,), source))
        return StageTracer(self, out, source)

    def program(self, inputs: Sequence[StageTracer], outputs: Sequence[Array]) -> Program:
        """What was recorded, as a function of `inputs` with results `outputs`."""
        outs = [self.var_of(x) for x in outputs]
        name = getattr(self.function, "__name__", "program")
        return Program([t._var for t in inputs], self.eqns, outs, self.held, name)


def stage(
    function: Callable[..., Sequence[Any]],
    avals: Sequence[Aval],
    transform: str = "staging",
    named: Any = None,
) -> Program:
    """The Program of a function from arrays to a sequence of arrays.

    Args:
        function: Called once with a tracer for every aval.
        avals: Shapes and dtypes of the arguments.
        transform: What messages say is going on.
        named: The user's function, for messages and the Program's name.
    """
    trace = StageTrace(transform, named or function)
    inputs = [trace.parameter(aval) for aval in avals]

    def body() -> Program:
        return trace.program(inputs, function(*inputs))

    # A Program may be called in other scopes again: `inline` puts theirs before its own.
    outer, scopes.current = scopes.current, ""
    try:
        return run(trace, body)
    finally:
        scopes.current = outer
