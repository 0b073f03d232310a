"""`custom_vjp` and `custom_gradient`: a function whose reverse mode the user states.

In reverse mode the forward half runs in place of the function, and one entry of the tape holds the
backward half with its residuals. There is no forward mode.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from rtorch.core import tree
from rtorch.core.array import Array
from rtorch.core.dtypes import INEXACT
from rtorch.core.trace import EvalTrace, state
from rtorch.errors import ArgumentError, MissingRuleError, api, describe
from rtorch.ops.base import batched_front, instantiate, move_dim, reduce_sum_p
from rtorch.transforms.arguments import check_callable, flatten_arrays, name_of
from rtorch.transforms.call import call as call_program
from rtorch.transforms.custom import Batched, Custom, Staged
from rtorch.transforms.custom_function import CustomFunction, UserCall
from rtorch.transforms.derive import closed
from rtorch.transforms.programs import stage_function

# What the forward half of a call returns: results, residuals, and the backward half, a function of
# the residuals and the cotangents of the results that returns a cotangent or None per argument.
Forward = tuple[list[Any], list[Any], Callable[[Sequence[Any], Sequence[Any]], list[Any]]]


class CustomVJPCall(Custom):
    """A function with its forward and backward half."""

    name = "custom_vjp"

    def jvp(self, primals: Any, tangents: Any, *, call: Any, program: Any) -> NoReturn:
        raise forward_mode_error(call)

    def linearize(self, tape: Any, primals: Any, tangents: Any, *, call: Any, program: Any) -> Any:
        outs, residuals, backward = call.forward(primals, tangents)
        smooth = [y.dtype in INEXACT for y in outs]
        entry = Backward(call, backward, [y.aval for y in outs], smooth, len(residuals),
                         [t is not None for t in tangents])  # fmt: skip
        nodes = iter(
            tape.record(
                entry, (*residuals, *[t for t in tangents if t is not None]), {},
                [y for y, has in zip(outs, smooth) if has],
            )
        )  # fmt: skip
        return tuple(outs), tuple([next(nodes) if has else None for has in smooth])

    @staticmethod
    def batched(*args: Any) -> Any:
        return _BatchedVJP(*args)

    @staticmethod
    def staged(*args: Any) -> Any:
        return _StagedVJP(*args)


custom_vjp_p = CustomVJPCall()


def forward_mode_error(call: Any) -> MissingRuleError:
    """The error for tangents that come to a function with a rule for cotangents alone."""
    return MissingRuleError(
        f"[{call.kind}] forward mode (jvp, jacfwd, hvp, or hessian) of {call.name}, which has a "
        "rule for reverse mode alone. Use grad, vjp or jacrev (for a Hessian jacrev of grad), or "
        "give it a rule for both modes with rt.custom_jvp"
    )


class Backward:
    """The entry of a tape that stands for a backward half; quacks like a linear primitive."""

    name = "custom_vjp"
    multiple = True

    def __init__(self, call: Any, backward: Any, avals: Any, smooth: Any, count: int,
                 active: Any) -> None:  # fmt: skip
        self.call = call
        self.backward = backward
        self.avals = avals  # of the results
        self.smooth = smooth  # which of them have derivatives, and are on the tape
        self.count = count  # of residuals
        self.active = active  # which arguments are on the tape

    def __call__(self, *operands: Any) -> NoReturn:
        raise forward_mode_error(self.call)

    def transpose(self, ct: Any, *operands: Any) -> list[Any]:
        given = iter(ct)
        cts = [instantiate(next(given) if has else None, aval)
               for has, aval in zip(self.smooth, self.avals)]  # fmt: skip
        found = self.backward(operands[: self.count], cts)
        return [None] * self.count + [c for c, active in zip(found, self.active) if active]


class _BatchedVJP(Batched):
    def forward(self, args: Any, tangents: Any) -> Forward:
        trace, (outs, residuals, backward) = self.run(
            lambda xs: self.inner.forward(xs, tangents), (args, self.dims)
        )
        pairs = [trace.split(r) for r in residuals]
        dims = [d for _, d in pairs]
        self.varies = trace.vary(outs)

        def pull(residuals: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
            given = [self._given(ct, varies) for ct, varies in zip(cts, self.varies)]
            places = [d for _, d in given]
            trace, found = self.run(backward, (residuals, dims), ([ct for ct, _ in given], places))
            return [self._cotangent(trace, ct, d) for ct, d in zip(found, self.dims)]

        return self.results(trace, outs), [r for r, _ in pairs], pull

    def _given(self, ct: Any, varies: bool) -> tuple[Any, int | None]:
        """A cotangent for the backward half; of what is one value for all lanes, their sum."""
        if not self.batched:
            return ct, None
        if varies or ct.dtype not in INEXACT:
            return ct, 0
        return reduce_sum_p(ct, axes=(0,)), None

    def _cotangent(self, trace: Any, ct: Any, dim: int | None) -> Any:
        """That of an argument with batch axis `dim`; one that all lanes share gets their sum."""
        if ct is None or (trace.key is None and not self.batched):
            return self.results(trace, [ct])[0]
        value, at = trace.split(ct)
        if dim is None and trace.vary([ct]) == [False]:  # it is their sum already
            return value
        value = batched_front(value, at, trace.size)
        return reduce_sum_p(value, axes=(0,)) if dim is None else move_dim(value, 0, dim)


class _StagedVJP(Staged):
    def forward(self, args: Any, tangents: Any) -> Forward:
        self.check_tangents(tangents)
        outs, residuals, backward = self.inner.forward(
            self.arguments(args), self.arguments(tangents)
        )
        self.check_results(outs)
        return outs, residuals, lambda *a: [None] * self.captured + backward(*a)


class _UserVJP(UserCall):
    custom: CustomVJP

    def forward(self, leaves: Any, tangents: Any) -> Forward:
        forward, backward = self.custom.halves
        if forward is None or backward is None:
            raise MissingRuleError(
                f"[{self.kind}] {self.name} has no rule to be differentiated by: give it one with "
                f"{self.name}.defvjp(fwd, bwd)"
            )
        out = self.run("fwd", forward, *self.all_arguments(leaves))
        if not isinstance(out, (tuple, list)) or len(out) != 2:
            raise ArgumentError(
                f"[{self.kind}] fwd of {self.name} must return a pair (result, residuals), got "
                f"{describe(out)}"
            )
        outs = self.flat_result(out[0], "fwd")
        kept, structure = tree.flatten(out[1])
        parts = [_apart(x) for x in kept]
        likes = [x.aval for x in leaves]

        def pull(residuals: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
            rest = iter(residuals)
            found = structure.unflatten([make(*[next(rest) for _ in xs]) for xs, make in parts])
            ct = self.out_tree.unflatten(cts)
            return self._cotangents(self.run("bwd", backward, *self.static, found, ct), likes)

        return outs, [x for xs, _ in parts for x in xs], pull

    def _cotangents(self, given: Any, likes: Sequence[Any]) -> list[Any]:
        count = len(self.places)
        if not isinstance(given, (tuple, list)) or len(given) != count:
            cure = " (ct,)" if count == 1 else ""
            raise ArgumentError(
                f"[{self.kind}] bwd of {self.name} must return a tuple{cure} with a cotangent or "
                f"None for each of its {count} arguments, got {describe(given)}"
            )
        args = self.in_tree.unflatten(likes)
        found: list[Any] = []
        for place, arg, ct in zip(self.places, args, given):
            leaves, structure = tree.flatten(arg)
            what = f"the cotangent that bwd of {self.name} returns for "
            found += self.like(ct, structure, leaves, what + self.custom.argument(place),
                               "the argument")  # fmt: skip
        return found


def _apart(kept: Any) -> tuple[list[Array], Callable[..., Any]]:
    """A leaf of the residuals as arrays, and the function that makes it of them."""
    if isinstance(kept, Array):
        return [kept], lambda x: x
    if hasattr(kept, "result") and not isinstance(state.trace, EvalTrace):  # a pull
        function, captured = _staged_pull(kept, kept.result)
        return captured, lambda *consts: functools.partial(function, *consts)
    return [], lambda: kept


# ---- the decorators ------------------------------------------------------------------------------


class CustomVJP(CustomFunction):
    """What `custom_vjp` returns."""

    kind = "custom_vjp"
    primitive = custom_vjp_p
    user_call = _UserVJP
    halves: tuple[Callable[..., Any] | None, Callable[..., Any] | None] = (None, None)

    @api
    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Set the rule for reverse mode.

        Args:
            fwd: Takes the arguments of the function and returns ``(result, residuals)``; the
                residuals are what `bwd` needs, a pytree.
            bwd: ``bwd(*nondiff_args, residuals, cotangent)``, with a cotangent like the result,
                returns a tuple with a cotangent like each argument. None stands for zeros, of a
                whole argument or of a part of it.

        Example:
            >>> import rtorch as rt
            >>> f = rt.custom_vjp(lambda x, y: rt.sin(x) * y)
            >>> def fwd(x, y):
            ...     return f(x, y), (rt.sin(x), rt.cos(x), y)
            >>> def bwd(residuals, ct):
            ...     sin_x, cos_x, y = residuals
            ...     return cos_x * ct * y, sin_x * ct
            >>> f.defvjp(fwd, bwd)
            >>> float(rt.grad(f)(0.0, 2.0))
            2.0
        """
        check_callable(fwd, "defvjp")
        check_callable(bwd, "defvjp")
        self.halves = fwd, bwd


@api
def custom_vjp(
    function: Callable[..., Any] | None = None,
    nondiff_argnums: int | Sequence[int] = (),
    nondiff_argnames: str | Sequence[str] = (),
) -> Any:
    """Give a function a reverse mode of its own.

    The rule is set with ``f.defvjp(fwd, bwd)``. Where nothing is differentiated the function itself
    runs. Second derivatives are those of `fwd` and `bwd`. Forward mode is an error; where both are
    wanted use `custom_jvp`.

    Args:
        function: From and to pytrees of arrays. Without it a decorator is returned.
        nondiff_argnums: Positions of arguments that are no arrays or have no derivative (functions,
            options): `fwd` gets them in their places, `bwd` before its other arguments.
        nondiff_argnames: The same by name.

    Returns:
        A function like `function`, with the method ``defvjp``.

    Raises:
        MissingRuleError: when it is differentiated and has no rule, or in forward mode.
        ShapeError, DTypeError, TreeError: when a cotangent does not fit its argument.

    Example:
        A function that changes nothing but clips the gradient that comes back:

        >>> import rtorch as rt
        >>> @rt.custom_vjp
        ... def clip_gradient(low, high, x):
        ...     return x
        >>> def fwd(low, high, x):
        ...     return x, (low, high)
        >>> def bwd(bounds, ct):
        ...     return None, None, rt.clip(ct, *bounds)
        >>> clip_gradient.defvjp(fwd, bwd)
        >>> float(rt.grad(lambda x: 10 * clip_gradient(-1.0, 1.0, x))(2.0))
        1.0
    """
    if function is None:
        return functools.partial(
            custom_vjp, nondiff_argnums=nondiff_argnums, nondiff_argnames=nondiff_argnames
        )
    return CustomVJP(function, nondiff_argnums, nondiff_argnames)


@api
def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function a reverse mode by letting it return it.

    Args:
        function: Returns ``(value, pull)``. ``pull(cotangent)`` may close over anything in the
            function and returns a tuple with a cotangent for each argument, or one cotangent if
            there is one argument. None stands for zeros.

    Returns:
        A function that returns the value alone. Forward mode is an error, as with `custom_vjp`.

    Example:
        >>> import rtorch as rt
        >>> @rt.custom_gradient
        ... def f(x, y):
        ...     product = x * y
        ...     return product, lambda ct: (10 * ct * y, ct * x)
        >>> [float(g) for g in rt.grad(f, (0, 1))(2.0, 3.0)]
        [30.0, 2.0]
    """
    check_callable(function, "custom_gradient")

    @functools.wraps(function)
    def value(*args: Any) -> Any:
        return _value_and_pull(function, args)[0]

    def fwd(*args: Any) -> Any:
        out, pull = _value_and_pull(function, args)
        kept = functools.partial(pull)
        kept.result = out  # type: ignore[attr-defined] # it is staged where it must be: `_apart`
        return out, kept

    def bwd(pull: Callable[..., Any], ct: Any) -> Any:
        found = pull(ct)
        return tuple(found) if isinstance(found, (tuple, list)) else (found,)

    decorated = CustomVJP(value)
    decorated.kind = "custom_gradient"  # type: ignore[misc]
    decorated.defvjp(fwd, bwd)
    return decorated


def _value_and_pull(function: Callable[..., Any], args: Any) -> tuple[Any, Callable[..., Any]]:
    out = function(*args)
    if not isinstance(out, (tuple, list)) or len(out) != 2 or not callable(out[1]):
        raise ArgumentError(
            f"[custom_gradient] {name_of(function)} must return a pair (value, pull) with a "
            f"function pull(cotangent), got {describe(out)}"
        )
    return out[0], out[1]


def _staged_pull(pull: Callable[..., Any], out: Any) -> tuple[Callable[..., Any], list[Array]]:
    """`pull` as a function of what it closes over and the cotangent, and what it closes over."""
    arrays, _ = flatten_arrays(out, "custom_gradient", "value")
    in_tree = tree.structure(((out,), {}))
    staged = stage_function(pull, [x.aval for x in arrays], in_tree, "custom_gradient")
    program, captured = closed(staged.program)

    def closed_pull(*args: Any) -> Any:
        *consts, ct = args
        return staged.out_tree.unflatten(call_program(program, (*consts, *tree.leaves(ct))))

    return closed_pull, captured
