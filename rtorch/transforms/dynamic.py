"""`dynamic_p`: a Python function of arrays that runs eagerly inside a compiled program.

How many steps a loop takes, and so what its derivative must remember, may be known only when it
runs. The function is then differentiated and batched by the eager machinery at that time: every
rule is the transformation itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from rtorch.core import dtypes
from rtorch.core.array import Array, wrap
from rtorch.core.aval import Aval
from rtorch.core.axes import Key, collective_sizes
from rtorch.core.primitive import Primitive, is_linear
from rtorch.core.program import Program
from rtorch.core.trace import EVAL, quietly, run, state
from rtorch.ops.base import batch_size, instantiate
from rtorch.transforms.derive import Mask, batched_aval
from rtorch.transforms.linear import jvp, linear_transpose
from rtorch.transforms.vjp import vjp
from rtorch.transforms.vmap import vmap

Function: TypeAlias = Callable[..., Sequence[Array]]


class Dynamic(Primitive):
    """The results, of types `avals`, of a function of arrays."""

    name = "dynamic"
    multiple = True
    portable = False

    def impl(self, xp: Any, *raw: Any, function: Function, avals: tuple[Aval, ...]) -> Any:
        # Copies, since a plan writes to its memory again and a tape may keep what it gets.
        return [x._data for x in quietly(evaluate, function, *[wrap(x.copy()) for x in raw])]

    def infer(self, *operands: Any, function: Function, avals: tuple[Aval, ...]) -> Any:
        return avals

    def jvp(self, primals: Any, tangents: Any, *, function: Function, avals: Any) -> Any:
        active = tuple([t is not None for t in tangents])
        dots = [t for t in tangents if t is not None]
        out = dynamic_p(*primals, *dots, function=_Jvp(function, active), avals=avals + avals)
        n = len(avals)
        return out[:n], [t if smooth else None for t, smooth in zip(out[n:], _smooth(avals))]

    def linearize(self, tape: Any, primals: Any, tangents: Any, *, function: Function,
                  avals: Any) -> Any:  # fmt: skip
        out = dynamic_p(*primals, function=function, avals=avals)
        active = tuple([t is not None for t in tangents])
        entry = LinearDynamic(function, active, avals, _smooth(avals))
        dots = [t for t in tangents if t is not None]
        like = [y for y, smooth in zip(out, entry.out_active) if smooth]
        nodes = iter(tape.record(entry, (*primals, *dots), {}, like))
        return out, [next(nodes) if smooth else None for smooth in entry.out_active]

    def transpose(self, ct: Any, *operands: Any, function: Function, avals: Any) -> Any:
        linear = tuple(map(is_linear, operands))
        sources = tuple([Aval(x.shape, x.dtype) for x in operands if is_linear(x)])
        known = [x for x in operands if not is_linear(x)]
        cts = [instantiate(c, v) for c, v in zip(ct, avals)]
        back = _Transposed(function, linear, sources)
        found = iter(dynamic_p(*known, *cts, function=back, avals=sources))
        return [next(found) if lin else None for lin in linear]

    def batch(self, args: Any, dims: Any, *, function: Function, avals: Any) -> Any:
        size = batch_size(args, dims)
        batched = _Batched(function, tuple(dims), size)
        avals = tuple([batched_aval(v, 0, size) for v in avals])
        return dynamic_p(*args, function=batched, avals=avals), [0] * len(avals)


dynamic_p = Dynamic()


def _smooth(avals: Sequence[Aval]) -> Mask:
    """Which results can have a derivative."""
    return tuple([v.dtype in dtypes.INEXACT for v in avals])


def evaluate(function: Function, *args: Any) -> Sequence[Array]:
    """``function(*args)`` computed at once, whatever the current trace is."""
    before = EVAL.alive
    try:
        return run(EVAL, function, *args)
    finally:
        EVAL.alive = before


def _among(active: Mask, given: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """`given` at the places of `active`, `others` at the rest."""
    some, rest = iter(given), iter(others)
    return [next(some) if a else next(rest) for a in active]


def _programs(function: Any) -> tuple[Program, ...]:
    """The Programs that a function runs, if it says so."""
    found: tuple[Program, ...] = getattr(function, "programs", ())
    return found


class _Batched:
    """The function of a batch; along a named axis, if there are collectives in its Programs."""

    def __init__(self, function: Function, dims: Sequence[int | None], size: int) -> None:
        self.programs = _programs(function)
        done: frozenset[Key] = getattr(function, "batched_axes", frozenset())
        known = {key for key, _ in state.trace.axes} | done
        keys = [key for p in self.programs for key in collective_sizes(p) if key not in known]
        self.batched_axes = done | set(keys[:1])
        self.run = vmap(
            lambda *xs: list(function(*xs)), dims, axis_size=size,
            axis_name=keys[0] if keys else None,
        )  # fmt: skip

    def __call__(self, *args: Any) -> list[Array]:
        out: list[Array] = self.run(*args)
        return out


class _Derived:
    """A function made from another one, whose Programs it runs too."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.programs = _programs(function)
        self.batched_axes: frozenset[Key] = getattr(function, "batched_axes", frozenset())


class _Jvp(_Derived):
    """From primals and the tangents of the active ones to results and their tangents."""

    def __init__(self, function: Function, active: Mask) -> None:
        super().__init__(function)
        self.active = active

    def __call__(self, *args: Any) -> list[Array]:
        n = len(self.active)
        chosen = [x for x, a in zip(args, self.active) if a]
        rest = [x for x, a in zip(args, self.active) if not a]

        def of_active(*xs: Any) -> list[Array]:
            return list(self.function(*_among(self.active, xs, rest)))

        out, dots = jvp(of_active, chosen, args[n:])
        return [*out, *dots]


class _Pull(_Derived):
    """From primals and cotangents of the results to cotangents of the active primals."""

    def __init__(self, function: Function, active: Mask) -> None:
        super().__init__(function)
        self.active = active

    def __call__(self, *args: Any) -> list[Array]:
        n = len(self.active)
        rest = [x for x, a in zip(args, self.active) if not a]

        def of_active(*xs: Any) -> list[Array]:
            return list(self.function(*_among(self.active, xs, rest)))

        _, pull = vjp(of_active, *[x for x, a in zip(args, self.active) if a])
        return list(pull(list(args[n:])))


class _Transposed(_Derived):
    """From the operands that are not linear and cotangents of results to cotangents."""

    def __init__(self, function: Function, linear: Mask, sources: Sequence[Aval]) -> None:
        super().__init__(function)
        self.linear = linear
        self.sources = sources

    def __call__(self, *args: Any) -> list[Array]:
        n = self.linear.count(False)

        def of_linear(*xs: Any) -> list[Array]:
            return list(self.function(*_among(self.linear, xs, args[:n])))

        return list(linear_transpose(of_linear, *self.sources)(list(args[n:])))


class LinearDynamic:
    """The entry of a tape for a function that `dynamic_p` runs; quacks like a linear primitive.

    Its operands are the primals and the tangents of the active ones. It computes the primal side
    again, with the residuals of all steps on the tape of that time.
    """

    name = "linear_dynamic"
    multiple = True

    def __init__(
        self, function: Function, active: Mask, avals: tuple[Aval, ...], out_active: Mask
    ) -> None:
        self.function = function
        self.active = active
        self.avals = avals
        self.out_active = out_active

    def __call__(self, *operands: Any) -> Sequence[Any]:
        push = _Jvp(self.function, self.active)
        out = dynamic_p(*operands, function=push, avals=self.avals + self.avals)
        return [t for t, a in zip(out[len(self.avals) :], self.out_active) if a]

    def transpose(self, ct: Any, *operands: Any) -> list[Any]:
        n = len(self.active)
        given = iter(ct)
        cts = [instantiate(next(given) if a else None, v)
               for a, v in zip(self.out_active, self.avals)]  # fmt: skip
        avals = tuple([Aval(x.shape, x.dtype) for x, a in zip(operands, self.active) if a])
        pull = _Pull(self.function, self.active)
        return [None] * n + list(dynamic_p(*operands[:n], *cts, function=pull, avals=avals))
