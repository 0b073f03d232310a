"""Policies of `rt.checkpoint`: which values of the forward pass are kept for the backward pass.

A policy is a function ``(primitive, *avals, **params) -> bool`` that is asked for each operation
whose result the backward pass needs: True keeps the result, False computes it again. Give one as
``rt.checkpoint(f, policy=rt.checkpoint_policies.dots_saveable)``, or write your own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from rtorch.errors import ArgumentError, api, describe

__all__ = [
    "dots_saveable",
    "dots_with_no_batch_dims_saveable",
    "everything_saveable",
    "nothing_saveable",
    "save_any_names_but_these",
    "save_from_both_policies",
    "save_only_these_names",
]

Policy: TypeAlias = Callable[..., bool]


def nothing_saveable(prim: Any, *avals: Any, **params: Any) -> bool:
    """Keep nothing but the arguments: least memory. The default.

    Example:
        >>> import rtorch as rt
        >>> f = rt.checkpoint(rt.sin, policy=rt.checkpoint_policies.nothing_saveable)
        >>> float(rt.grad(f)(0.0))
        1.0
    """
    return False


def everything_saveable(prim: Any, *avals: Any, **params: Any) -> bool:
    """Keep all that the backward pass reads, as without `checkpoint`.

    Example:
        >>> import rtorch as rt
        >>> f = rt.checkpoint(rt.sin, policy=rt.checkpoint_policies.everything_saveable)
        >>> float(rt.grad(f)(0.0))
        1.0
    """
    return True


def dots_saveable(prim: Any, *avals: Any, **params: Any) -> bool:
    """Keep the results of matrix products and convolutions; compute elementwise work again.

    Example:
        >>> import rtorch as rt
        >>> f = rt.checkpoint(rt.dot, policy=rt.checkpoint_policies.dots_saveable)
        >>> rt.grad(f)(rt.ones(2), rt.ones(2)).tolist()
        [1.0, 1.0]
    """
    return prim.name in ("dot_general", "convolve")


def dots_with_no_batch_dims_saveable(prim: Any, *avals: Any, **params: Any) -> bool:
    """Keep the results of matrix products without batch axes.

    Those of weights and activations, that is: in attention the products of queries and keys,
    which have batch axes, are large and cheap to compute again.

    Example:
        >>> import rtorch as rt
        >>> policy = rt.checkpoint_policies.dots_with_no_batch_dims_saveable
        >>> rt.grad(rt.checkpoint(rt.dot, policy=policy))(rt.ones(2), rt.ones(2)).tolist()
        [1.0, 1.0]
    """
    return prim.name == "dot_general" and not params["axes"][1][0]


@api
def save_only_these_names(*names: str) -> Policy:
    """Keep the values that `rt.checkpoint_name` gave one of these names, and nothing else.

    Example:
        >>> import rtorch as rt
        >>> def f(x):
        ...     return rt.sin(rt.checkpoint_name(rt.exp(x), "e"))
        >>> policy = rt.checkpoint_policies.save_only_these_names("e")
        >>> round(float(rt.grad(rt.checkpoint(f, policy=policy))(0.0)), 4)
        0.5403
    """
    chosen = _names("save_only_these_names", names)

    def policy(prim: Any, *avals: Any, **params: Any) -> bool:
        return prim.name == "checkpoint_name" and params["name"] in chosen

    return policy


@api
def save_any_names_but_these(*names: str) -> Policy:
    """Keep the values that have a name by `rt.checkpoint_name`, except these names.

    Example:
        >>> import rtorch as rt
        >>> policy = rt.checkpoint_policies.save_any_names_but_these("large")
        >>> float(rt.grad(rt.checkpoint(rt.sin, policy=policy))(0.0))
        1.0
    """
    refused = _names("save_any_names_but_these", names)

    def policy(prim: Any, *avals: Any, **params: Any) -> bool:
        return prim.name == "checkpoint_name" and params["name"] not in refused

    return policy


@api
def save_from_both_policies(first: Policy, second: Policy) -> Policy:
    """Keep what either of two policies keeps.

    Example:
        >>> import rtorch as rt
        >>> policies = rt.checkpoint_policies
        >>> policy = policies.save_from_both_policies(
        ...     policies.dots_saveable, policies.save_only_these_names("e"))
        >>> float(rt.grad(rt.checkpoint(rt.sin, policy=policy))(0.0))
        1.0
    """
    for policy in (first, second):
        if not callable(policy):
            raise ArgumentError(
                f"[save_from_both_policies] expected two policies, got {describe(policy)}"
            )

    def both(prim: Any, *avals: Any, **params: Any) -> bool:
        return first(prim, *avals, **params) or second(prim, *avals, **params)

    return both


def _names(function: str, names: tuple[Any, ...]) -> frozenset[str]:
    for name in names:
        if not isinstance(name, str):
            raise ArgumentError(
                f"[{function}] expected names as separate strings, got {describe(name)}"
            )
    return frozenset(names)
