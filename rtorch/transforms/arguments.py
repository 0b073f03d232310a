"""What the transformations share: choosing arguments, flattening, checking, naming."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import dtypes, tree
from rtorch.core.array import Array
from rtorch.core.axes import Names, sized
from rtorch.core.backend import CPU
from rtorch.core.dtypes import PYTHON_SCALARS
from rtorch.core.trace import state
from rtorch.core.tree_diff import keystr
from rtorch.core.tree_util import leaves_with_path
from rtorch.errors import ArgumentError, DTypeError, RtorchError, ShapeError, describe
from rtorch.numpy.operands import convert, operand
from rtorch.ops.creation import full_p


def name_of(function: Any) -> str:
    """What messages call a function."""
    return getattr(function, "__name__", None) or type(function).__name__


def named_after(function: Any, wrapper: Any) -> Any:
    """`wrapper`, which messages and Programs call as the user's `function` that it runs."""
    wrapper.__name__, wrapper.__wrapped__ = name_of(function), function
    return wrapper


def check_callable(function: Any, transform: str) -> None:
    """Raise unless `function` can be called."""
    if not callable(function):
        raise ArgumentError(f"[{transform}] expected a function, got {describe(function)}")


def wraps(function: Any, transform: str) -> Callable[[Any], Any]:
    """`functools.wraps` that also takes partials and callable objects, and names the transform."""

    def decorate(wrapper: Any) -> Any:
        functools.update_wrapper(wrapper, function)
        wrapper.__name__ = f"{transform}({name_of(function)})"
        return wrapper

    return decorate


def argnums_of(argnums: Any, n_args: int, transform: str) -> tuple[int, ...]:
    """`argnums` as positions from 0 to ``n_args - 1``."""
    if type(argnums) is int and 0 <= argnums < n_args:
        return (argnums,)
    numbers = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    out = []
    for number in numbers:
        try:
            i = operator.index(number)
        except TypeError:
            raise ArgumentError(
                f"[{transform}] argnums: expected integers, got {argnums!r}"
            ) from None
        if not -n_args <= i < n_args:
            raise ArgumentError(
                f"[{transform}] argnums {argnums} does not fit a call with {n_args} positional "
                "arguments (arguments passed by keyword are not differentiated)"
            )
        out.append(i % n_args)
    if len(set(out)) != len(out):
        raise ArgumentError(f"[{transform}] argnums {argnums} names an argument twice")
    return tuple(out)


def as_array(leaf: Any, transform: str, where: str) -> Array:
    """A leaf of an argument or result as an Array; `where` names it in the message."""
    try:
        return operand(leaf, transform)
    except RtorchError as error:
        text = str(error.args[0]).partition("] ")[2] or str(error.args[0])
        raise type(error)(f"[{transform}] {where}: {text}") from None


def flatten_arrays(args: Any, transform: str, what: str) -> tuple[list[Array], Any]:
    """The leaves of `args` as Arrays, and its structure."""
    if isinstance(args, Array):
        return [args], LEAF
    leaves, treedef = tree.flatten(args)
    if all(isinstance(leaf, Array) for leaf in leaves):
        return leaves, treedef
    paths = [keystr(path) for path, _ in leaves_with_path(args)]
    return [as_array(x, transform, what + p) for x, p in zip(leaves, paths)], treedef


LEAF = tree.structure(0)


def argument_path(i: int, args: Any, kwargs: Any) -> str:
    """How messages call the i-th leaf of a call: ``args[0]['w']``."""
    first, *rest = leaves_with_path((args, kwargs))[i][0]
    return ("args", "kwargs")[first.idx] + keystr(tuple(rest))


def is_differentiable(x: Any) -> bool:
    """Whether a leaf has a derivative: floating or complex numbers have one."""
    if isinstance(x, Array):
        return x.dtype in dtypes.INEXACT
    if type(x) in PYTHON_SCALARS:
        return type(x) in (float, complex)
    return getattr(x, "dtype", None) in dtypes.INEXACT


def own_copies(args: Any, transform: str) -> Any:
    """`args` with a copy of every differentiable leaf for each lane of the named axes in scope.

    A derivative inside ``vmap(axis_name=...)`` is by the lane's own copy.
    """
    names = frozenset([key for key, _ in state.trace.axes])

    def copy(x: Any) -> Any:
        return vary(as_array(x, transform, "argument"), names) if is_differentiable(x) else x

    return tree.map(copy, args)


def vary(x: Array, names: Names) -> Array:
    """`x` as a value that varies over the named axes `names`, and what it does already."""
    if names <= x._varies:
        return x
    from rtorch.ops.collectives import pvary_p

    params = sized(names - x._varies, state.trace.axes)
    return pvary_p(x, **params) if params["axes"] else x


def zeros_for(x: Any) -> Array:
    """Zeros like an array (on its device) or an aval, with memory of their own."""
    return full_p(shape=x.shape, value=0, dtype=x.dtype, device=getattr(x, "device", CPU))


def check_like(x: Array, like: Array, transform: str, what: str, other: str) -> None:
    """Raise unless a tangent or cotangent has the shape and dtype of its primal."""
    if x.shape != like.shape:
        raise ShapeError(
            f"[{transform}] {what} has shape {x.shape}, its {other} has shape {like.shape}"
        )
    if x.dtype is not like.dtype:
        raise DTypeError(
            f"[{transform}] {what} has dtype {x.dtype}, its {other} has dtype {like.dtype}"
        )


def like_primal(x: Any, like: Array, transform: str, what: str, other: str) -> Array:
    """A tangent or cotangent given by the user, as an Array that fits its primal."""
    array = as_array(x, transform, what)
    if array._weak and array.dtype is not like.dtype and not array.shape:
        array = convert(array, like.dtype)
    check_like(array, like, transform, what, other)
    return array


def split_aux(out: Any, has_aux: bool, transform: str) -> tuple[Any, Any]:
    """The value and the auxiliary results of a function that returned `out`."""
    if not has_aux:
        return out, None
    if not isinstance(out, tuple) or len(out) != 2:
        raise ArgumentError(
            f"[{transform}] has_aux=True: the function must return a pair (value, aux), got "
            f"{describe(out)}"
        )
    return out


def paths_of(structure: Any, leaves: Sequence[Any]) -> list[str]:
    """The path of every leaf as text."""
    whole = tree.unflatten(structure, leaves)
    return [keystr(path) for path, _ in leaves_with_path(whole)]
