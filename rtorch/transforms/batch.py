"""Batching: every value carries the place of its batch axis; rules move and use it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from rtorch.core.array import Array
from rtorch.core.axes import Collective, collective_sizes, programs_in, result_types, varies_of
from rtorch.core.primitive import Primitive
from rtorch.core.trace import Trace, Tracer, state
from rtorch.errors import MissingRuleError
from rtorch.ops.base import batched_front, reshape_p
from rtorch.ops.shape import concat_p, slice_p


class BatchTracer(Tracer):
    """One lane of `value`, which has the batch as axis `dim`."""

    __slots__ = ("dim", "value")
    _weak = property(lambda self: self.value._weak)
    what = "the batched value"
    cure = (
        "It stands for a whole batch of values: use rt.where(condition, x, y) instead of "
        "`if`, array functions instead of Python's, or a Python loop instead of vmap"
    )

    def __init__(self, trace: Trace, value: Any, dim: int) -> None:
        self._trace = trace
        self.value = value
        self.dim = dim
        raw = value._data if type(value) is Array else value  # whose shape is faster to ask for
        shape = raw.shape
        self.shape = shape[:dim] + shape[dim + 1 :]
        self.dtype = raw.dtype

    @property
    def device(self) -> Any:
        return self.value.device

    @property
    def _varies(self) -> Any:
        inner = self.value._varies
        key = self._trace.key  # type: ignore[attr-defined]
        return inner if key is None else inner | {key}


class SameTracer(BatchTracer):
    """A value that counts as varying between the lanes of a named axis, but is the same in all.

    It is computed once, as if it were not batched; what differs is its derivative.
    """

    __slots__ = ()

    def __init__(self, trace: Trace, value: Any) -> None:
        self._trace = trace
        self.value = value
        self.dim = None  # type: ignore[assignment]
        self.shape = value.shape
        self.dtype = value.dtype


class BatchTrace(Trace):
    """Runs the ``batch`` rules."""

    __slots__ = ("size",)
    key: Any = None  # of the axis, if it has a name

    def __init__(self, parent: Trace, size: int, transform: str, function: Any = None) -> None:
        super().__init__(parent, transform, function)
        self.size = size

    def split(self, x: Any) -> tuple[Any, int | None]:
        """The value with all lanes, and its batch axis; None is the same value in all lanes."""
        if type(x) is BatchTracer and x._trace is self:
            return x.value, x.dim
        return x, None

    def tracer(self, value: Any, dim: int | None, varies: bool = True) -> Any:
        """A result with its batch axis; `varies` matters where the axis has a name."""
        return value if dim is None else BatchTracer(self, value, dim)

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        values: list[Any] = []
        dims: list[int | None] = []
        batched = False
        for a in args:
            if type(a) is BatchTracer and a._trace is self:
                batched = True
                values.append(a.value)
                dims.append(a.dim)
            else:
                values.append(a)
                dims.append(None)
        state.trace = self.parent
        try:
            if not batched:
                return prim(*values, **params)
            rule = prim.batch if prim.batches else _Loop(prim, self.size)
            out, dim = rule(values, dims, **params)
        finally:
            state.trace = self
        if prim.multiple:
            return tuple([o if d is None else BatchTracer(self, o, d) for o, d in zip(out, dim)])
        return BatchTracer(self, out, dim)


class NamedBatchTrace(BatchTrace):
    """Batches along an axis with a name, and computes the collectives along it."""

    __slots__ = ("key", "scope")
    axes = property(lambda self: self.scope)

    def __init__(self, parent: Trace, size: int, transform: str, function: Any, key: Any) -> None:
        super().__init__(parent, size, transform, function)
        self.key = key
        self.scope = parent.axes if key is None else (*parent.axes, (key, size))

    def split(self, x: Any) -> tuple[Any, int | None]:
        if isinstance(x, BatchTracer) and x._trace is self:
            return x.value, x.dim
        return x, None

    def bind(self, prim: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if isinstance(prim, Collective) and self.key in params["axes"]:
            return self._collective(prim, args, params)
        programs = programs_in(params)
        values, dims = map(list, zip(*map(self.split, args))) if args else ([], [])
        state.trace = self.parent
        try:
            if any(d is not None for d in dims):
                rule = prim.batch if prim.batches else _Loop(prim, self.size)
                out, dim = rule(values, dims, **params)
            elif any(self.key in collective_sizes(p) for p in programs):
                out, dim = prim.batch(*self._made_batched(prim, values, dims), **params)
            else:
                out = prim(*values, **params)
                dim = (None,) * len(out) if prim.multiple else None
            count = len(out) if prim.multiple else 1
            if programs:
                types = result_types(prim, [varies_of(a) for a in args], params, count)
                varies = [self.key in names for names in types]
            else:
                varies = [any(isinstance(a, Tracer) and a._trace is self for a in args)] * count
            if not prim.multiple:
                return self.tracer(out, dim, *varies)
            return tuple([self.tracer(*one) for one in zip(out, dim, varies)])
        finally:
            state.trace = self

    def tracer(self, value: Any, dim: int | None, varies: bool = True) -> Any:
        if self.key is None:
            return super().tracer(value, dim)
        if dim is None:
            return SameTracer(self, value) if varies else value
        if varies or not self.size:
            return BatchTracer(self, value, dim)
        return _lane(value, dim, 0)  # a Program gave it a batch axis though all lanes agree

    def _collective(self, prim: Collective, args: Any, params: dict[str, Any]) -> Any:
        value, dim = self.split(args[0]) if args else (None, None)
        own = params["axes"].index(self.key)
        rest = {k: (*v[:own], *v[own + 1 :]) for k, v in params.items() if k in ("axes", "sizes")}
        state.trace = self.parent
        try:
            out, dim = prim.lanes(value, dim, self.size, **params)
            if rest["axes"]:
                out = prim(out, **{**params, **rest})
            return self.tracer(out, dim, not prim.invariant)
        finally:
            state.trace = self

    def _made_batched(self, prim: Primitive, values: Any, dims: Any) -> tuple[Any, Any]:
        """Operands for the rule of what holds collectives though none of its operands is batched.

        Rules expect that one is.
        """
        if prim.batches_nothing or not values:
            return values, dims
        last = batched_front(values[-1], None, self.size)
        return [*values[:-1], last], [*dims[:-1], 0]


def batch_trace(
    parent: Trace, size: int, transform: str, function: Any = None, key: Any = None
) -> BatchTrace:
    """The trace for a batch of `size`; `key` is that of the axis, if it has a name."""
    if key is None:
        return BatchTrace(parent, size, transform, function)
    return NamedBatchTrace(parent, size, transform, function, key)


_warned: set[str] = set()


class _Loop:
    """The batch rule of primitives without one: lane after lane."""

    def __init__(self, prim: Primitive, size: int) -> None:
        self.prim = prim
        self.size = size
        if size == 0:
            raise MissingRuleError(
                f"[vmap] primitive '{prim.name}' has no `batch` rule, and a loop over a batch of "
                f"size 0 has no result: give class {type(prim).__name__} a `batch` method"
            )
        if prim.name not in _warned:
            _warned.add(prim.name)
            warnings.warn(
                f"vmap: primitive '{prim.name}' has no `batch` rule and runs once per lane",
                stacklevel=2,
            )

    def __call__(self, args: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
        lanes = [
            self.prim(*[a if d is None else _lane(a, d, i) for a, d in zip(args, dims)], **params)
            for i in range(self.size)
        ]
        if not self.prim.multiple:
            return _stack(lanes), 0
        return tuple([_stack(outs) for outs in zip(*lanes)]), (0,) * len(lanes[0])


def _lane(x: Any, dim: int, i: int) -> Any:
    starts, limits = [0] * len(x.shape), list(x.shape)
    starts[dim], limits[dim] = i, i + 1
    piece = slice_p(x, starts=tuple(starts), limits=tuple(limits), strides=(1,) * len(starts))
    return reshape_p(piece, shape=x.shape[:dim] + x.shape[dim + 1 :])


def _stack(lanes: Sequence[Array]) -> Any:
    return concat_p(*[reshape_p(x, shape=(1, *x.shape)) for x in lanes], axis=0)
