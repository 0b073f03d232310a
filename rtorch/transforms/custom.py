"""What functions with rules of their own share: `custom_jvp`, `custom_vjp`, `custom_batching`.

Each kind has one primitive, a `Custom`. Its parameter `call` holds the user's functions as
functions of flat arrays, in the form that the place needs:

- at first they are the Python functions themselves, so that in eager use `print`, `pdb` and ``if``
  work in them; what a transformation has no use for is never run;
- under `vmap` a `Batched` runs them for all lanes at once;
- under `jit` the function is staged, and a `Staged` knows its Program. The rules stay Python.

Nothing but the Program is left when all transformations are done: `compiler.passes.inline`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rtorch.compiler.plan import executable
from rtorch.core.primitive import Primitive
from rtorch.core.program import Program
from rtorch.core.trace import EvalTrace, Trace, run, state
from rtorch.errors import ArgumentError, DTypeError, EscapedTracerError, ShapeError
from rtorch.ops.base import batched_front
from rtorch.transforms.batch import BatchTrace, BatchTracer, NamedBatchTrace
from rtorch.transforms.call import call as call_program
from rtorch.transforms.derive import closed
from rtorch.transforms.stage import StageTrace, stage
from rtorch.transforms.tape import Tangent, Tape


class Custom(Primitive):
    """A function of arrays with a rule of the user's."""

    multiple = True
    inlines = True
    opaque = True
    batched: ClassVar[Callable[..., Any]]  # (call, trace, dims): the call for a batch
    staged: ClassVar[Callable[..., Any]]  # (call, program, number of captured operands)

    def __call__(self, *args: Any, call: Any, program: Program | None = None) -> Any:
        trace = state.trace
        if isinstance(trace, EvalTrace) or _is_linear_in(trace, args):
            return tuple(call.function(*args))
        if isinstance(trace, BatchTrace):
            return self.bind_batched(trace, args, call)
        if isinstance(trace, StageTrace) and program is None:
            program, captured = closed(stage(call.function, [x.aval for x in args], named=call))
            check_captured(call, captured, trace)
            args, call = (*captured, *args), self.staged(call, program, len(captured))
        return trace.bind(self, args, {"program": program, "call": call})

    def bind_batched(self, trace: BatchTrace, args: Any, call: Any) -> Any:
        pairs = [trace.split(x) for x in args]
        batched = self.batched(call, trace, tuple([d for _, d in pairs]))
        state.trace = trace.parent
        try:
            outs = self(*[x for x, _ in pairs], call=batched)
            own = any(value is not x for (value, _), x in zip(pairs, args))
            dims = batched.out_dims(len(outs))
            varies = batched.varies if batched.batched else [own] * len(outs)
            return tuple([trace.tracer(*one) for one in zip(outs, dims, varies)])
        finally:
            state.trace = trace

    def impl(self, xp: Any, *raw: Any, call: Any, program: Program) -> Any:
        return executable(program, xp)(*raw)

    def infer(self, *avals: Any, call: Any, program: Program) -> Any:
        return program.out_avals


def _is_linear_in(trace: Trace, args: Any) -> bool:
    """Whether `trace` records what is linear in `args`: a rule has no say in that."""
    return isinstance(trace, Tape) and any(
        isinstance(x, Tangent) and x._trace is trace for x in args
    )


# ---- batches -------------------------------------------------------------------------------------


class LanesTrace(NamedBatchTrace):
    """A `BatchTrace` again, with another parent: for functions that run somewhere else, or later.

    It takes the tracers of the original for its own, so that the functions may close over them.
    """

    __slots__ = ("owners",)

    def __init__(self, original: BatchTrace, parent: Trace) -> None:
        super().__init__(parent, original.size, original.transform, original.function, original.key)
        self.owners = {original, *getattr(original, "owners", ())}
        self.parent = parent
        self.alive = True

    def _own(self, x: Any) -> Any:
        foreign = isinstance(x, BatchTracer) and x._trace in self.owners
        return self.tracer(x.value, x.dim, True) if foreign else x

    def split(self, x: Any) -> tuple[Any, int | None]:
        return super().split(self._own(x))

    def vary(self, xs: Sequence[Any]) -> list[bool]:
        """Which of `xs` may differ between the lanes: all, where the axis has no name."""
        owners = {self, *self.owners}
        return [self.key is None or (isinstance(x, BatchTracer) and x._trace in owners) for x in xs]

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        return super().bind(prim, tuple(map(self._own, args)), params)


class Batched:
    """The functions of a call for all lanes: arrays with a batch axis at `dims`.

    Results have the batch in front, all or none of them: the rules of a function must agree with
    it, and which of them runs first is not known.
    """

    varies: Sequence[bool] = ()  # which results may differ between lanes; others are one value

    def __init__(self, inner: Any, trace: BatchTrace, dims: tuple[int | None, ...]) -> None:
        self.inner = inner
        self.trace = trace
        self.dims = dims
        self.batched = True if any(d is not None for d in dims) else None
        self.__name__ = f"vmap_{inner.__name__}"

    def __repr__(self) -> str:
        return self.__name__

    def out_dims(self, count: int) -> list[int | None]:
        return [0 if self.batched else None] * count

    def function(self, *args: Any) -> list[Any]:
        trace, outs = self.run(lambda xs: self.inner.function(*xs), (args, self.dims))
        self.varies = trace.vary(outs)
        return self.results(trace, outs)

    def run(self, function: Any, *groups: tuple[Any, Any]) -> tuple[LanesTrace, Any]:
        """Call `function` with each group of values as lanes; None stays None."""
        trace = LanesTrace(self.trace, state.trace)
        lanes = [[x if d is None or x is None else BatchTracer(trace, x, d)
                  for x, d in zip(values, dims)] for values, dims in groups]  # fmt: skip
        return trace, run(trace, function, *lanes)

    def results(self, trace: LanesTrace, outs: Sequence[Any]) -> list[Any]:
        """The results with all lanes; None stays None."""
        pairs = [(None, None) if y is None else trace.split(y) for y in outs]
        found = any(d is not None for _, d in pairs)
        found = found or (trace.key is not None and any(trace.vary(outs)))
        if self.batched is None:
            self.batched = found
        if not self.batched:
            if found:
                raise ArgumentError(
                    f"[{self.inner.kind}] the rule of {self.inner.name} gives results that differ "
                    "between the examples of vmap, the function does not: pass it as an argument "
                    "what both depend on"
                )
            return [y for y, _ in pairs]
        return [None if y is None else batched_front(y, d, trace.size) for y, d in pairs]

    @property
    def kind(self) -> str:
        return str(self.inner.kind)

    @property
    def name(self) -> str:
        return str(self.inner.name)


# ---- staged calls --------------------------------------------------------------------------------


class Staged:
    """The functions of a call whose function is `program`.

    The first operands are what the function closed over: its rules know nothing of them.
    """

    def __init__(self, inner: Any, program: Program, captured: int) -> None:
        self.inner = inner
        self.program = program
        self.captured = captured
        self.__name__ = inner.__name__
        self.kind, self.name = inner.kind, inner.name

    def __repr__(self) -> str:
        return str(self.__name__)

    def function(self, *args: Any) -> Sequence[Any]:
        return call_program(self.program, args)

    def arguments(self, values: Sequence[Any]) -> Sequence[Any]:
        """The part of `values` that belongs to arguments."""
        return values[self.captured :]

    def check_tangents(self, tangents: Sequence[Any]) -> None:
        """Raise if there is a tangent for what the function closes over."""
        if any(t is not None for t in tangents[: self.captured]):
            raise captured_error(self.kind, self.name, "the function", "a value", "jit")

    def check_results(self, outs: Sequence[Any]) -> None:
        """Raise unless the results of a rule are of the function's shapes and dtypes."""
        for i, (y, aval) in enumerate(zip(outs, self.program.out_avals)):
            text = (
                f"[{self.kind}] the rule of {self.name} returns {y.aval} for result {i}, the "
                f"function {aval}"
            )
            if y.shape != aval.shape:
                raise ShapeError(text)
            if y.dtype is not aval.dtype:
                raise DTypeError(text)


def captured_error(kind: str, name: str, role: str, what: str, origin: str) -> EscapedTracerError:
    """The error for a function or rule that closes over a value of a transformation."""
    return EscapedTracerError(
        f"[{kind}] {role} of {name} closes over {what} of {origin}, for which its rule gives no "
        "derivative. Pass it as an argument; rt.closure_convert(function, *args) makes arguments "
        "of what a function closes over"
    )


def check_captured(call: Any, captured: Sequence[Any], root: Trace) -> None:
    """Raise for values of transformations that the call has left already."""
    for x in captured:
        if x._trace is not root and root in chain(x._trace):
            what = f"a value {x.aval}"
            raise captured_error(call.kind, call.name, "the function", what, x._trace.origin)


def chain(trace: Trace | None) -> list[Trace]:
    """`trace` and those around it, with those whose tracers they take for their own."""
    found: list[Trace] = []
    while trace is not None:
        found += [trace, *getattr(trace, "owners", ())]
        trace = getattr(trace, "parent", None)
    return found
