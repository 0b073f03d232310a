"""`named_scope`: names for parts of a function, shown with their operations."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Self, TypeVar

from rtorch.errors import ArgumentError, api, describe, scopes

F = TypeVar("F", bound=Callable[..., Any])


class named_scope:  # noqa: N801 - reads as a function: with rt.named_scope("encoder")
    """Give the operations within a ``with`` block, or a decorated function, a name.

    Staged Programs show it beside each equation, error messages beside the user's line; the
    derivative of an operation has the scope of the operation. Scopes nest: ``encoder/attention``.
    Operations do not become slower.

    Args:
        name: What to call the part; slashes nest.

    Raises:
        ArgumentError: if `name` is no text, or empty.

    Example:
        >>> import rtorch as rt
        >>> def f(x):
        ...     with rt.named_scope("head"):
        ...         return rt.sin(x)
        >>> rt.make_program(f)(rt.spec(3)).eqns[0].source.scope
        'head'
    """

    @api
    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise ArgumentError(f"[named_scope] name: expected text, got {describe(name)}")
        self.name = name
        self._outer: list[str] = []

    def __enter__(self) -> Self:
        outer = scopes.current
        self._outer.append(outer)
        scopes.current = f"{outer}/{self.name}" if outer else self.name
        return self

    def __exit__(self, *exc: object) -> None:
        scopes.current = self._outer.pop()

    def __call__(self, function: F) -> F:
        """Decorate: each call of `function` is in the scope."""
        name = self.name

        @functools.wraps(function)
        def rtorch_call(*args: Any, **kwargs: Any) -> Any:
            with named_scope(name):
                return function(*args, **kwargs)

        return rtorch_call  # type: ignore[return-value]
