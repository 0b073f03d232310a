"""The tape: how the tangents of a linearized function depend on each other.

A variable of the tape is a `Tangent`: an input, a sum of other tangents times factors (`Scaled`)
or a sum of linear operations on them (`Image`). The tape lists them in order of creation and can
be run forwards (`Tape.push`: tangents) and backwards (`Tape.pull`: cotangents). As a trace it
interprets those rules of primitives that compute with tangents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from rtorch.core.array import Array
from rtorch.core.aval import NOWHERE, Aval
from rtorch.core.primitive import Primitive
from rtorch.core.program import Program, Var, eval_program
from rtorch.core.trace import Trace, Tracer, state
from rtorch.ops.base import add_p, mul_p, scale, zeros


class Tangent(Tracer):
    """A variable of a tape."""

    __slots__ = ("varies",)  # which is set where named axes are in scope
    what = "the tangent"
    _weak = False
    varies: frozenset[Any]
    _varies = property(lambda self: getattr(self, "varies", NOWHERE))

    def __init__(self, tape: Tape, shape: tuple[int, ...], dtype: Any) -> None:
        self._trace = tape
        self.shape = shape
        self.dtype = dtype

    __hash__ = object.__hash__  # a key of the environments below


Env: TypeAlias = dict[Tangent, Any]
Operands: TypeAlias = Sequence[Any]


class Scaled(Tangent):
    """The sum of ``factor * source`` over `terms`: what elementwise operations record."""

    __slots__ = ("singular", "terms")

    def __init__(self, tape: Tape, shape: tuple[int, ...], dtype: Any,
                 terms: list[tuple[Tangent, Any]], singular: bool) -> None:  # fmt: skip
        self._trace = tape
        self.shape = shape
        self.dtype = dtype
        self.terms = terms
        self.singular = singular

    def pull(self, cts: Env) -> None:
        ct = cts.pop(self, None)
        if ct is None:
            return
        bind = state.trace.bind
        for source, factor in self.terms:
            if type(factor) is int and factor == 1:
                part = ct
            elif isinstance(factor, Array) and not self.singular:
                part = bind(mul_p, (ct, factor), {})
            else:
                part = scale(ct, factor, self.singular)
            before = cts.get(source)
            cts[source] = part if before is None else bind(add_p, (before, part), {})

    def push(self, tangents: Env) -> None:
        for source, factor in self.terms:
            t = tangents.get(source)
            if t is not None:
                _accumulate(tangents, self, scale(t, factor, self.singular))

    @property
    def sources(self) -> list[Tangent]:
        return [source for source, _ in self.terms]

    @property
    def outs(self) -> Sequence[Tangent | None]:
        return (self,)

    @property
    def constants(self) -> list[Any]:
        return [factor for _, factor in self.terms]


class Image(Tangent):
    """The sum of ``prim(*operands, **params)`` over `parts`, the operands of each part.

    A part is linear in those of its operands that are tangents of the tape, together. Operands
    that are Avals are zero.
    """

    __slots__ = ("params", "parts", "prim")

    def __init__(self, tape: Tape, shape: tuple[int, ...], dtype: Any, prim: Primitive,
                 params: dict[str, Any], parts: Sequence[Operands]) -> None:  # fmt: skip
        self._trace = tape
        self.shape = shape
        self.dtype = dtype
        self.prim = prim
        self.params = params
        self.parts = parts

    def pull(self, cts: Env) -> None:
        ct = cts.pop(self, None)
        if ct is not None:
            for operands in self.parts:
                _transpose(self._trace, self.prim, ct, operands, self.params, cts)

    def push(self, tangents: Env) -> None:
        for operands in self.parts:
            if _reached(self._trace, operands, tangents):
                values = [_value(self._trace, x, tangents) for x in operands]
                _accumulate(tangents, self, self.prim(*values, **self.params))

    @property
    def sources(self) -> list[Tangent]:
        return [x for operands in self.parts for x in _tangents(self._trace, operands)]

    @property
    def outs(self) -> Sequence[Tangent | None]:
        return (self,)

    @property
    def constants(self) -> list[Any]:
        return [x for operands in self.parts for x in operands if type(x) is not Aval]


class Images:
    """The results `outs` of ``prim(*operands, **params)``, which has several."""

    __slots__ = ("operands", "outs", "params", "prim", "tape")

    def __init__(self, tape: Tape, prim: Primitive, operands: Operands, params: dict[str, Any],
                 outs: Sequence[Tangent | None]) -> None:  # fmt: skip
        self.tape = tape
        self.prim = prim
        self.operands = operands
        self.params = params
        self.outs = outs

    def pull(self, cts: Env) -> None:
        ct = [None if out is None else cts.pop(out, None) for out in self.outs]
        if any(c is not None for c in ct):
            _transpose(self.tape, self.prim, ct, self.operands, self.params, cts)

    def push(self, tangents: Env) -> None:
        if _reached(self.tape, self.operands, tangents):
            values = [_value(self.tape, x, tangents) for x in self.operands]
            for out, t in zip(self.outs, self.prim(*values, **self.params)):
                if out is not None:
                    tangents[out] = t

    @property
    def sources(self) -> list[Tangent]:
        return _tangents(self.tape, self.operands)

    @property
    def constants(self) -> list[Any]:
        return list(self.operands)


def _tangents(tape: Trace, operands: Operands) -> list[Tangent]:
    return [x for x in operands if isinstance(x, Tangent) and x._trace is tape]


def _reached(tape: Trace, operands: Operands, tangents: Env) -> bool:
    return any(x in tangents for x in _tangents(tape, operands))


def _transpose(tape: Trace, prim: Primitive, ct: Any, operands: Operands,
               params: dict[str, Any], cts: Env) -> None:  # fmt: skip
    """Add to `cts` the cotangents of those `operands` that are tangents of `tape`."""
    holes: list[Any] = []
    for x in operands:
        linear = isinstance(x, Tangent) and x._trace is tape
        holes.append(Aval(x.shape, x.dtype) if linear else x)
    for x, hole, x_ct in zip(operands, holes, prim.transpose(ct, *holes, **params)):
        if x is not hole and x_ct is not None:
            before = cts.get(x)
            cts[x] = x_ct if before is None else state.trace.bind(add_p, (before, x_ct), {})


def _accumulate(env: Env, node: Tangent, value: Any) -> None:
    before = env.get(node)
    env[node] = value if before is None else add_p(before, value)


def _value(tape: Trace, x: Any, tangents: Env) -> Any:
    if isinstance(x, Tangent) and x._trace is tape:
        t = tangents.get(x)
        return zeros(x.aval) if t is None else t
    return zeros(x) if isinstance(x, Aval) else x


class Tape(Trace):
    """Variables and how they came about; as a trace, the interpreter that records them."""

    __slots__ = ("entries",)

    def __init__(self, parent: Trace) -> None:
        self.parent = parent
        self.transform = "linearization"
        self.function = None
        self.alive = True
        self.entries: list[Any] = []  # Scaled, Image, Images, or those as `noted.Noted`
        if parent.axes:
            from rtorch.transforms.varying import varying_tape

            self.__class__ = varying_tape(type(self))

    def variable(self, like: Any) -> Tangent:
        """A new input with the shape and dtype of `like`."""
        return Tangent(self, like.shape, like.dtype)

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """A rule computes with tangents: record it; or with primals only: not for the tape."""
        state.trace = self.parent
        try:
            if not _tangents(self, args):
                return prim(*args, **params)
            if prim.inlines and not self._is_linear(params["program"], args):
                state.trace = self
                return tuple(eval_program(params["program"], *args))
            if prim.multiple and not prim.inlines and prim.sub_programs(**params):
                return self._linearized(prim, args, params)
            avals = [a.aval if isinstance(a, Array) else a for a in args]
            return self.record(prim, args, params, prim.infer(*avals, **params))
        finally:
            state.trace = self

    def _linearized(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Record a loop or a branch, of whose results some may not depend on the tape's variables.

        It is linear in these, and so its own derivative there.
        """
        own = [isinstance(x, Tangent) and x._trace is self for x in args]
        at_zero = [zeros(x.aval) if linear else x for x, linear in zip(args, own)]
        tangents = [x if linear else None for x, linear in zip(args, own)]
        outs, nodes = prim.linearize(self, at_zero, tangents, **params)
        return tuple([out if node is None else node for out, node in zip(outs, nodes)])

    def _is_linear(self, program: Program, args: Operands) -> bool:
        """Whether all results of a called Program depend on tangents among `args`."""
        own = _tangents(self, args)
        live = {v for v, x in zip(program.in_vars, args) if any(x is t for t in own)}
        for eqn in program.eqns:
            if any(type(a) is Var and a in live for a in eqn.args):
                live.update(eqn.outs)
        return live.issuperset(program.out_atoms)

    def scaled(self, terms: list[tuple[Tangent, Any]], singular: bool, like: Any) -> Tangent:
        """A variable like the primal `like`: the sum of ``factor * source`` over `terms`."""
        raw = like._data if type(like) is Array else like  # whose shape is faster to ask for
        node = Scaled(self, raw.shape, raw.dtype, terms, singular)
        self.entries.append(node)
        return node

    def image(self, prim: Primitive, parts: Sequence[Operands], params: dict[str, Any],
              like: Any) -> Tangent:  # fmt: skip
        """A variable like the primal `like`: the sum of ``prim(*operands)`` over `parts`."""
        raw = like._data if type(like) is Array else like
        node = Image(self, raw.shape, raw.dtype, prim, params, parts)
        self.entries.append(node)
        return node

    def record(self, prim: Primitive, operands: Operands, params: dict[str, Any], like: Any) -> Any:
        """The variable, or tuple of variables, ``prim(*operands)``, like the primal `like`."""
        if not prim.multiple:
            return self.image(prim, (operands,), params, like)
        outs = tuple([self.variable(x) for x in like])
        self.entries.append(Images(self, prim, operands, params, outs))
        return outs

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
        return tangent if isinstance(tangent, Tangent) and tangent._trace is self else None

    def pull(self, cts: Env) -> None:
        """Propagate cotangents in `cts` from results to inputs."""
        for entry in reversed(self.entries):
            entry.pull(cts)

    def pull_once(self, cts: Env) -> None:
        """As `pull`, for the last time: the memory that an entry holds is free when it is done.

        Tangents and their tape refer to each other, so that it would wait for Python's collector.
        """
        entries = self.entries
        while entries:
            entries.pop().pull(cts)

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
