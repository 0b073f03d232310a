"""`custom_batching`: a function that the user says how to run for a whole batch.

Derivatives are functions with a rule again: that of `vmap` of the derivative is the derivative of
the rule. Reverse mode keeps the arguments and runs the function once more on the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import tree_prefix
from rtorch.core.dtypes import INEXACT
from rtorch.core.trace import run, state
from rtorch.errors import ArgumentError, BatchAxisError, MissingRuleError, api, describe
from rtorch.ops.base import batched_front, instantiate
from rtorch.transforms.arguments import check_callable
from rtorch.transforms.batch import BatchTrace, BatchTracer
from rtorch.transforms.custom import Custom, Staged, captured_error
from rtorch.transforms.custom_function import CustomFunction, UserCall
from rtorch.transforms.derive import depends
from rtorch.transforms.jvp import JVPTrace, JVPTracer
from rtorch.transforms.linearize import LinearizeTrace


class CustomBatchingCall(Custom):
    """A function and its rule for batches."""

    name = "custom_batching"

    def bind_batched(self, trace: BatchTrace, args: Any, call: Any) -> Any:
        pairs = [trace.split(x) for x in args]
        flags = [d is not None for _, d in pairs]
        state.trace = trace.parent
        try:
            if not any(flags):
                return self(*args, call=call)
            values = [x if d is None else batched_front(x, d, trace.size) for x, d in pairs]
            outs, batched = call.rule(trace.size, flags, values)
        finally:
            state.trace = trace
        return tuple([BatchTracer(trace, y, 0) if b else y for y, b in zip(outs, batched)])

    def depends(self, active: Any, smooth: bool, *, call: Any, program: Any) -> Any:
        return depends(program, active, False) if smooth else None  # a rule may batch all results

    def _moving(self, outs: Sequence[Any], tangents: Sequence[Any], program: Any) -> list[bool]:
        """Which results have a tangent: primals among those of a derivative have none."""
        active = tuple([t is not None for t in tangents])
        reached = (True,) * len(outs) if program is None else depends(program, active, False)
        return [r and y.dtype in INEXACT for r, y in zip(reached, outs)]

    def jvp(self, primals: Any, tangents: Any, *, call: Any, program: Any) -> tuple[Any, Any]:
        pushed = _Pushed(call, [t is not None for t in tangents])
        results = self(*primals, *[t for t in tangents if t is not None], call=pushed)
        outs, found = results[: pushed.count], iter(results[pushed.count :])
        dots = [next(found) if y.dtype in INEXACT else None for y in outs]
        moving = self._moving(outs, tangents, program)
        return outs, tuple([t if moves else None for t, moves in zip(dots, moving)])

    def linearize(self, tape: Any, primals: Any, tangents: Any, *, call: Any, program: Any) -> Any:
        outs = self(*primals, call=call, program=program)
        smooth = [y for y in outs if y.dtype in INEXACT]
        entry = LinearCustom(self, call, [t is not None for t in tangents], smooth)
        operands = (*primals, *[t for t in tangents if t is not None])
        found = iter(tape.record(entry, operands, {}, smooth))
        nodes = [next(found) if y.dtype in INEXACT else None for y in outs]
        moving = self._moving(outs, tangents, program)
        return outs, tuple([n if moves else None for n, moves in zip(nodes, moving)])

    @staticmethod
    def staged(*args: Any) -> Any:
        return _StagedBatching(*args)


custom_batching_p = CustomBatchingCall()


class LinearCustom:
    """The entry of a tape for such a function; quacks like a linear primitive."""

    name = "custom_batching"
    multiple = True

    def __init__(self, prim: Custom, call: Any, active: list[bool], smooth: Sequence[Any]) -> None:
        self.prim = prim
        self.call = call
        self.active = active
        self.avals = [y.aval for y in smooth]

    def __call__(self, *operands: Any) -> Any:
        pushed = _Pushed(self.call, self.active)
        return self.prim(*operands, call=pushed)[pushed.count :]

    def transpose(self, ct: Any, *operands: Any) -> list[Any]:
        n = len(self.active)
        cts = map(instantiate, ct, self.avals)
        pulled = _Pulled(self.call, self.active)
        return [None] * n + list(self.prim(*operands[:n], *cts, call=pulled))


class _StagedBatching(Staged):
    def rule(self, size: int, flags: Sequence[bool], args: Sequence[Any]) -> tuple[Any, Any]:
        if any(flags[: self.captured]):
            raise captured_error(self.kind, self.name, "the function", "a batched value", "vmap")
        return self.inner.rule(size, self.arguments(flags), self.arguments(args))


class _UserBatching(UserCall):
    custom: CustomBatching
    captured = 0

    def rule(self, size: int, flags: Sequence[bool], args: Sequence[Any]) -> tuple[Any, Any]:
        """The results for all lanes, and which of them have a batch axis, at 0."""
        rule = self.custom.rule
        if rule is None:
            raise MissingRuleError(
                f"[custom_batching] {self.name} has no rule for vmap: give it one with "
                f"{self.name}.def_vmap(rule)"
            )
        in_batched = list(self.in_tree.unflatten(flags))
        out = self.run("the rule", rule, size, in_batched, *self.in_tree.unflatten(args))
        if not isinstance(out, (tuple, list)) or len(out) != 2:
            raise ArgumentError(
                f"[custom_batching] the rule of {self.name} must return a pair (result, "
                f"out_batched), got {describe(out)}"
            )
        outs = self.flat_result(out[0], "the rule")
        batched = tree_prefix.flatten_prefix(out[1], self.out_tree, "out_batched",
                                             function="custom_batching")  # fmt: skip
        for y, b in zip(outs, batched):
            if b and (not y.shape or y.shape[0] != size):
                raise BatchAxisError(
                    f"[custom_batching] the rule of {self.name} says that its result {y.aval} is "
                    f"batched; axis 0 must have length {size}"
                )
        return outs, batched


# ---- derivatives ---------------------------------------------------------------------------------


class _Derived:
    """A derivative of a function with a rule: such a function too."""

    def __init__(self, inner: Any, active: list[bool]) -> None:
        self.inner = inner
        self.active = active  # which of the arguments are differentiated by
        self.captured = inner.captured
        self.kind, self.name, self.__name__ = inner.kind, inner.name, inner.__name__

    def check_active(self) -> None:
        if any(self.active[: self.captured]):
            raise captured_error(self.kind, self.name, "the function", "a value", "jit")


class _Pushed(_Derived):
    """From arguments and tangents of the active ones to results and their tangents."""

    count = 0  # of the results, when the function or the rule has run

    def function(self, *args: Any) -> list[Any]:
        return self._push(self.inner.function, args)

    def rule(self, size: int, flags: Sequence[bool], args: Sequence[Any]) -> tuple[Any, Any]:
        self.check_active()
        n = len(self.active)
        own = iter(flags[n:])
        of_dots = [active and next(own) for active in self.active]
        both = [f or g for f, g in zip(flags, of_dots)]
        out_flags: list[bool] = []

        def for_all(*primals: Any) -> list[Any]:
            outs, found = self.inner.rule(size, both, primals)
            out_flags.extend(found)
            return list(outs)

        wanted = both + [f for f, active in zip(both, self.active) if active]
        outs = self._push(for_all, _all_lanes(args, flags, wanted, size))
        smooth = [f for f, y in zip(out_flags, outs) if y.dtype in INEXACT]
        return outs, out_flags + smooth

    def _push(self, function: Callable[..., Any], args: Sequence[Any]) -> list[Any]:
        n = len(self.active)
        trace = JVPTrace(state.trace, "jvp", None)
        dots = iter(args[n:])
        inputs = [JVPTracer(trace, x, next(dots)) if active else x
                  for x, active in zip(args, self.active)]  # fmt: skip
        pairs = [trace.split(y) for y in run(trace, function, *inputs)]
        self.count = len(pairs)
        smooth = [(y, t) for y, t in pairs if y.dtype in INEXACT]
        return [y for y, _ in pairs] + [instantiate(t, y) for y, t in smooth]


class _Pulled(_Derived):
    """From arguments and cotangents of the results to cotangents of the active arguments."""

    def function(self, *args: Any) -> list[Any]:
        return self._pull(self.inner.function, args)

    def rule(self, size: int, flags: Sequence[bool], args: Sequence[Any]) -> tuple[Any, Any]:
        # Everything gets a batch axis: each lane has a cotangent of its own for what all share.
        self.check_active()
        n = len(self.active)

        def for_all(*primals: Any) -> list[Any]:
            outs, found = self.inner.rule(size, [True] * n, primals)
            return _all_lanes(outs, found, [True] * len(outs), size)

        cts = self._pull(for_all, _all_lanes(args, flags, [True] * len(args), size))
        return cts, [True] * len(cts)

    def _pull(self, function: Callable[..., Any], args: Sequence[Any]) -> list[Any]:
        n = len(self.active)
        trace = LinearizeTrace(state.trace, "vjp", None)
        inputs = [trace.variable(x) if active else x for x, active in zip(args, self.active)]
        outs = [y for y in run(trace, function, *inputs) if y.dtype in INEXACT]
        env: dict[Any, Any] = {}
        for y, ct in zip(outs, args[n:]):
            if (node := trace.node_of(y)) is not None:
                env[node] = ct if node not in env else env[node] + ct
        trace.tape.pull(env)
        return [instantiate(env.get(x.node), x) for x, a in zip(inputs, self.active) if a]


def _all_lanes(
    values: Sequence[Any], flags: Sequence[bool], wanted: Sequence[bool], size: int
) -> list[Any]:
    """`values` with a batch axis in front where it is wanted."""
    return [batched_front(x, 0 if f else None, size) if w else x
            for x, f, w in zip(values, flags, wanted, strict=True)]  # fmt: skip


# ---- the decorator -------------------------------------------------------------------------------


class CustomBatching(CustomFunction):
    """What `custom_batching` returns."""

    kind = "custom_batching"
    cure = "Bind what is no array first, with functools.partial, and decorate the result"
    primitive = custom_batching_p
    user_call = _UserBatching
    rule: Callable[..., Any] | None = None

    @api
    def def_vmap(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule for batches; returns it, so that this can be a decorator.

        Args:
            rule: ``rule(axis_size, in_batched, *args)``. The arrays in `args` that are batched have
                the batch as axis 0; `in_batched` is a list with an entry for each argument, of its
                structure, that says which ones are. It returns ``(result, out_batched)`` in the
                same way; one truth value may stand for a whole subtree of the result.

        Example:
            >>> import rtorch as rt
            >>> solve = rt.custom_batching(lambda a, b: rt.linalg.solve(a, b))
            >>> @solve.def_vmap
            ... def rule(axis_size, in_batched, a, b):
            ...     if in_batched == [False, True]:  # one matrix: all right-hand sides at once
            ...         return rt.linalg.solve(a, b.T).T, True
            ...     a = a if in_batched[0] else rt.broadcast_to(a, (axis_size, *a.shape))
            ...     b = b if in_batched[1] else rt.broadcast_to(b, (axis_size, *b.shape))
            ...     return rt.linalg.solve(a, b[..., None])[..., 0], True
            >>> rt.vmap(solve, (None, 0))(2 * rt.eye(2), rt.ones((3, 2))).tolist()
            [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]
        """
        check_callable(rule, "def_vmap")
        self.rule = rule
        return rule


@api
def custom_batching(function: Callable[..., Any]) -> CustomBatching:
    """Say how a function runs under `vmap`.

    The rule is set with ``f.def_vmap(rule)``. Without `vmap` the function itself runs. Derivatives
    under `vmap` are derivatives of the rule; reverse mode runs function or rule again on the way
    back instead of keeping what it needs. For a reverse mode of your own put `custom_vjp` around.

    Args:
        function: From and to pytrees of arrays.

    Returns:
        A function like `function`, with the method ``def_vmap``.

    Raises:
        MissingRuleError: when it is batched and has no rule.
        BatchAxisError: when what the rule returns has no batch axis of the right length.

    Example:
        >>> import rtorch as rt
        >>> @rt.custom_batching
        ... def f(x, y):
        ...     return x + y
        >>> @f.def_vmap
        ... def rule(axis_size, in_batched, x, y):
        ...     return x * y, any(in_batched)
        >>> rt.vmap(f)(rt.arange(3), rt.arange(1, 4)).tolist()
        [0, 2, 6]
    """
    return CustomBatching(function)
