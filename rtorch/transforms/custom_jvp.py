"""`custom_jvp`: a function with a derivative that the user states, for both modes.

The rule maps tangents linearly. Forward mode runs it; reverse mode runs it with a tape as the
interpreter of tangents, and goes back over what it recorded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import tree
from rtorch.errors import ArgumentError, MissingRuleError, api, describe
from rtorch.numpy.operands import operand
from rtorch.ops.base import instantiate
from rtorch.transforms.arguments import check_callable, name_of
from rtorch.transforms.custom import Batched, Custom, Staged
from rtorch.transforms.custom_function import CustomFunction, UserCall


class CustomJVPCall(Custom):
    """A function and its rule for tangents."""

    name = "custom_jvp"

    def jvp(self, primals: Any, tangents: Any, *, call: Any, program: Any) -> tuple[Any, Any]:
        return call.jvp(primals, tangents)

    @staticmethod
    def batched(*args: Any) -> Any:
        return _BatchedJVP(*args)

    @staticmethod
    def staged(*args: Any) -> Any:
        return _StagedJVP(*args)


custom_jvp_p = CustomJVPCall()


class _BatchedJVP(Batched):
    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        trace, (outs, dots) = self.run(self.inner.jvp, (primals, self.dims), (tangents, self.dims))
        self.varies = trace.vary(outs)
        return self.results(trace, outs), self.results(trace, dots)


class _StagedJVP(Staged):
    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        self.check_tangents(tangents)
        outs, dots = self.inner.jvp(self.arguments(primals), self.arguments(tangents))
        self.check_results(outs)
        return outs, dots


class _UserJVP(UserCall):
    custom: CustomJVP

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        rule = self.custom.rule
        if rule is None:
            raise MissingRuleError(
                f"[custom_jvp] {self.name} has no rule to be differentiated by: give it one with "
                f"{self.name}.defjvp(rule)"
            )
        dots = [instantiate(t, x) for x, t in zip(primals, tangents)]
        out = self.run(
            "the rule", rule, *self.static,
            self.in_tree.unflatten(primals), self.in_tree.unflatten(dots),
        )  # fmt: skip
        if not isinstance(out, (tuple, list)) or len(out) != 2:
            raise ArgumentError(
                f"[custom_jvp] the rule of {self.name} must return a pair (result, tangent), got "
                f"{describe(out)}"
            )
        outs = self.flat_result(out[0], "the rule")
        what, other = f"the tangent that the rule of {self.name} returns", "the result"
        return outs, self.like(out[1], self.out_tree, outs, what, other)


# ---- the decorator -------------------------------------------------------------------------------


class CustomJVP(CustomFunction):
    """What `custom_jvp` returns."""

    kind = "custom_jvp"
    primitive = custom_jvp_p
    user_call = _UserJVP
    rule: Callable[..., Any] | None = None

    @api
    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule for derivatives; returns it, so that this can be a decorator.

        Args:
            rule: ``rule(*nondiff_args, primals, tangents)`` returns the result and its tangent,
                which must be linear in the tangents. Both are tuples with an entry for each
                argument. The tangent may be None, as a whole or for a part: zero.

        Example:
            >>> import rtorch as rt
            >>> @rt.custom_jvp
            ... def f(x, y):
            ...     return rt.sin(x) * y
            >>> @f.defjvp
            ... def f_jvp(primals, tangents):
            ...     (x, y), (x_dot, y_dot) = primals, tangents
            ...     return f(x, y), rt.cos(x) * x_dot * y + rt.sin(x) * y_dot
            >>> float(rt.grad(f)(0.0, 2.0))
            2.0
        """
        check_callable(rule, "defjvp")
        self.rule = rule
        return rule

    @api
    def defjvps(self, *rules: Callable[..., Any] | None) -> None:
        """Set a rule for each argument; the tangents that they give are added.

        Args:
            *rules: One for each argument: ``rule(tangent, result, *args)`` returns the tangent of
                the result. None: the result does not depend on this argument.

        Example:
            >>> import rtorch as rt
            >>> square = rt.custom_jvp(lambda x: x * x)
            >>> square.defjvps(lambda t, y, x: 2 * x * t)
            >>> float(rt.grad(square)(3.0))
            6.0
        """
        if self._nondiff:
            raise ArgumentError(
                "[defjvps] it does not go with nondiff_argnums: use defjvp, whose rule gets them "
                "as its first arguments"
            )
        for rule in rules:
            if rule is not None:
                check_callable(rule, "defjvps")

        def summed(primals: Any, tangents: Any) -> tuple[Any, Any]:
            if len(primals) != len(rules):
                raise ArgumentError(
                    f"[defjvps] {name_of(self.function)} was called with {len(primals)} "
                    f"arguments and has {len(rules)} rules: give one, or None, for each"
                )
            out = self(*primals)
            parts = [r(t, out, *primals) for r, t in zip(rules, tangents) if r is not None]
            return out, functools.reduce(_add_trees, parts) if parts else None

        self.rule = summed


def _add_trees(left: Any, right: Any) -> Any:
    return tree.map(lambda a, b: operand(a, "defjvps") + b, left, right)


@api
def custom_jvp(
    function: Callable[..., Any] | None = None,
    nondiff_argnums: int | Sequence[int] = (),
    nondiff_argnames: str | Sequence[str] = (),
) -> Any:
    """Give a function a derivative of its own, for forward and reverse mode.

    The rule is set with ``f.defjvp(rule)``, or ``f.defjvps(*rules)`` with one for each argument. It
    is not used where nothing is differentiated.

    Args:
        function: From and to pytrees of arrays. Without it a decorator is returned.
        nondiff_argnums: Positions of arguments that are no arrays or have no derivative (functions,
            options): the rule gets them first, as they are.
        nondiff_argnames: The same by name.

    Returns:
        A function like `function`, with the methods ``defjvp`` and ``defjvps``.

    Raises:
        MissingRuleError: when it is differentiated and has no rule.
        ShapeError, DTypeError, TreeError: when what the rule returns does not fit the result.

    Example:
        ``log(1 + exp(x))``, whose slope is right for large ``x`` as well:

        >>> import rtorch as rt
        >>> @rt.custom_jvp
        ... def log1pexp(x):
        ...     return rt.log1p(rt.exp(x))
        >>> @log1pexp.defjvp
        ... def rule(primals, tangents):
        ...     (x,), (x_dot,) = primals, tangents
        ...     return log1pexp(x), x_dot * (1 - 1 / (1 + rt.exp(x)))
        >>> float(rt.grad(log1pexp)(100.0))
        1.0
    """
    if function is None:
        return functools.partial(
            custom_jvp, nondiff_argnums=nondiff_argnums, nondiff_argnames=nondiff_argnames
        )
    return CustomJVP(function, nondiff_argnums, nondiff_argnames)
