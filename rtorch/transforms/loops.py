"""Loops over arrays: `scan`, `fori_loop` and `map`.

In eager mode they are Python loops: print, pdb and ``if`` on values work in the body. Inside
`jit` each is one operation, `scan_p`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import tree
from rtorch.core.array import Array, wrap
from rtorch.core.aval import Aval
from rtorch.core.trace import is_staging
from rtorch.core.tree import mismatch
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.numpy.joining import concatenate, stack
from rtorch.numpy.manipulation import reshape
from rtorch.ops.shape import unstack_p
from rtorch.transforms.arguments import (
    argument_path,
    check_callable,
    flatten_arrays,
    named_after,
)
from rtorch.transforms.carry import Carry, carry_of, stage_step
from rtorch.transforms.concrete import concrete_integer
from rtorch.transforms.derive import closed
from rtorch.transforms.programs import Staged
from rtorch.transforms.scan import scan_of
from rtorch.transforms.vmap import vmap
from rtorch.transforms.while_loop import while_loop


@api
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
    *,
    checkpoint: int | str | None = None,
) -> tuple[Any, Any]:
    """Apply a function to slices of arrays in turn, with a carry from step to step.

    It computes what this loop does, and is one operation of the compiled program under `jit`::

        carry, ys = init, []
        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, rt.stack(ys)

    Args:
        f: From ``(carry, x)`` to ``(carry, y)``, pytrees of arrays; the carry keeps its structure,
            shapes and dtypes.
        init: The carry of the first step.
        xs: A pytree of arrays that are sliced along their first axis, all of one length; None for
            none, with `length`.
        length: The number of steps, if `xs` does not say it.
        reverse: Whether to begin with the last slice; results stay in the order of `xs`.
        unroll: How many steps one round of the compiled loop takes; True for all of them.
        checkpoint: For derivatives in less memory: the loop is cut into segments of so many steps,
            or of the square root of their number for ``"sqrt"``. Only the carry between segments
            is kept; a segment is computed again when its derivative is needed.

    Returns:
        ``(carry, ys)``: the last carry, and the results of the steps, stacked.

    Raises:
        ShapeError: if lengths differ, or the carry changes its shape.
        DTypeError: if the carry changes its dtype.
        TreeError: if the carry changes its structure.

    Example:
        >>> import rtorch as rt
        >>> total, sums = rt.scan(lambda c, x: (c + x, c + x), 0, rt.arange(1, 5))
        >>> int(total), sums.tolist()
        (10, [1, 3, 6, 10])
    """
    check_callable(f, "scan")
    leaves, xs_tree = flatten_arrays(xs, "scan", "xs")
    n = _length("scan", leaves, xs, length)
    carry = carry_of(init, "scan")
    if checkpoint is not None:
        return _in_segments(f, carry, leaves, xs_tree, n, reverse, _segment(checkpoint, n))
    rounds = _unrolled("scan", unroll, n)
    if is_staging() and rounds < n:
        if rounds > 1:
            return _by_rounds(f, init, xs, n, reverse, rounds)
        return _staged(f, carry, leaves, xs_tree, n, reverse)
    if n == 0:
        return _no_steps(f, carry, leaves, xs_tree)
    return _eager(f, carry, leaves, xs_tree, n, reverse)


def _length(name: str, leaves: list[Array], xs: Any, length: int | None = None) -> int:
    if length is not None and (type(length) is bool or not isinstance(length, int) or length < 0):
        raise ArgumentError(f"[{name}] length: expected a non-negative integer, got {length!r}")
    sizes = {} if length is None else {length: "length"}
    for i, x in enumerate(leaves):
        where = "xs" + argument_path(i, (xs,), {}).removeprefix("args[0]")
        if not x.shape:
            raise ShapeError(f"[{name}] {where} has no axis to slice: it is a {describe(x)}")
        sizes.setdefault(x.shape[0], where)
    if not sizes:
        cure = ": pass length" if name == "scan" else ""
        raise ArgumentError(f"[{name}] there is nothing to slice in xs{cure}")
    if len(sizes) > 1:
        said = ", ".join(f"{where} says {n}" for n, where in sizes.items())
        raise ShapeError(f"[{name}] the number of steps is not clear: {said}")
    return next(iter(sizes))


def _unrolled(name: str, unroll: Any, n: int) -> int:
    if unroll is True:
        return max(n, 1)
    if unroll is False:
        return 1
    if not isinstance(unroll, int) or unroll < 1:
        raise ArgumentError(
            f"[{name}] unroll: expected a positive integer or a bool, got {unroll!r}"
        )
    return unroll


def _pair(out: Any) -> Any:
    if not isinstance(out, tuple) or len(out) != 2:
        raise ArgumentError(
            f"[scan] the function must return a pair (carry, y), got {describe(out)}"
        )
    return out


def _eager(
    f: Any, carry: Carry, leaves: list[Array], xs_tree: Any, n: int, reverse: bool
) -> tuple[Any, Any]:
    slices = [unstack_p(x, axis=0) for x in leaves]
    ys: list[Any] = [None] * n
    y_tree: Any = None
    for i in range(n - 1, -1, -1) if reverse else range(n):
        value, y = _pair(f(carry.value, xs_tree.unflatten([s[i] for s in slices])))
        carry = carry.next(value)
        ys[i], found = flatten_arrays(y, "scan", "y")
        if y_tree is not None and found != y_tree:
            raise mismatch("scan", ("y of the first step", "y of a later one"), y_tree, found)
        y_tree = found
    return carry.value, y_tree.unflatten([stack(column) for column in zip(*ys)])


def _no_steps(f: Any, carry: Carry, leaves: list[Array], xs_tree: Any) -> tuple[Any, Any]:
    """What a loop without steps gives: the carry in its final types, and empty arrays."""
    return _staged(f, carry, leaves, xs_tree, 0, False)


def _staged(
    f: Any, carry: Carry, leaves: list[Array], xs_tree: Any, n: int, reverse: bool
) -> tuple[Any, Any]:
    staged, carry, consts = _stage(f, carry, leaves, xs_tree)
    last, ys = scan_of(staged.program, consts, carry.leaves, leaves, n, reverse)
    return staged.out_tree.unflatten([*last, *ys])


def _stage(
    f: Any, carry: Carry, leaves: list[Array], xs_tree: Any
) -> tuple[Staged, Carry, list[Array]]:
    """The body, the carry with the types that it takes, and what the body closes over."""

    def step(value: Any, x: Any) -> Any:
        return _pair(f(value, x))

    named_after(f, step)
    in_tree = tree.structure(((carry.value, xs_tree.unflatten(leaves)), {}))
    slices = [Aval(x.shape[1:], x.dtype, x._weak, x._varies) for x in leaves]
    staged, carry = stage_step(step, carry, slices, in_tree)
    program, consts = closed(staged.program)
    return staged._replace(program=program), carry, consts


# ---- loops made of loops -------------------------------------------------------------------------


def _cut(xs: Any, start: int, stop: int) -> Any:
    return tree.map(lambda x: x[start:stop], xs)


def _in_groups(xs: Any, size: int) -> Any:
    """Every array with its first axis as groups of `size`; it must be a multiple."""
    return tree.map(lambda x: reshape(x, (x.shape[0] // size, size, *x.shape[1:])), xs)


def _joined(first: Any, second: Any) -> Any:
    return tree.map(lambda x, y: concatenate([x, y]), first, second)


def _nested(
    f: Any, init: Any, xs: Any, n: int, reverse: bool, size: int, inner: Callable[..., Any]
) -> tuple[Any, Any]:
    """A scan over groups of `size` slices, and the rest; `inner` runs one group or the rest."""
    whole = n - n % size
    xs = tree.map(lambda x: flatten_arrays(x, "scan", "xs")[0][0], xs)

    def groups(carry: Any) -> Any:
        grouped = _in_groups(_cut(xs, 0, whole), size)
        group = named_after(f, lambda c, x: inner(c, x, size))
        carry, ys = scan(group, carry, grouped, n // size, reverse)
        return carry, tree.map(lambda y: reshape(y, (whole, *y.shape[2:])), ys)

    if whole == n:
        return groups(init)
    rest = _cut(xs, whole, n)
    if reverse:
        carry, second = inner(init, rest, n - whole)
        carry, first = groups(carry)
    else:
        carry, first = groups(init)
        carry, second = inner(carry, rest, n - whole)
    return carry, _joined(first, second)


def _by_rounds(f: Any, init: Any, xs: Any, n: int, reverse: bool, rounds: int) -> tuple[Any, Any]:
    """Several steps per round of the loop."""

    def inner(carry: Any, x: Any, size: int) -> Any:
        leaves, xs_tree = flatten_arrays(x, "scan", "xs")
        return _eager(f, carry_of(carry, "scan"), leaves, xs_tree, size, reverse)

    return _nested(f, init, xs, n, reverse, rounds, inner)


def _segment(checkpoint: Any, n: int) -> int:
    if checkpoint == "sqrt":
        return max(1, round(n**0.5))
    if type(checkpoint) is not int or checkpoint < 1:
        raise ArgumentError(
            f"[scan] checkpoint: expected a positive integer, 'sqrt' or None, got {checkpoint!r}"
        )
    return min(checkpoint, max(n, 1))


def _in_segments(
    f: Any, carry: Carry, leaves: list[Array], xs_tree: Any, n: int, reverse: bool, size: int
) -> tuple[Any, Any]:
    """Segments whose inside is computed again for the derivative; the body is recorded once."""
    from rtorch.transforms.checkpoint import checkpoint

    staged, carry, consts = _stage(f, carry, leaves, xs_tree)

    def segment(values: Any, slices: Any, consts: Any, steps: int) -> Any:
        return scan_of(staged.program, consts, values, slices, steps, reverse)

    run = checkpoint(named_after(f, segment), static_argnums=3)

    def inner(values: Any, slices: Any, steps: int) -> Any:
        return run(values, slices, consts, steps)

    last, ys = _nested(f, carry.leaves, leaves, n, reverse, size, inner)
    return staged.out_tree.unflatten([*last, *ys])


# ---- other loops ---------------------------------------------------------------------------------


@api
def fori_loop(
    lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any,
    *, unroll: int | bool | None = None,
) -> Any:  # fmt: skip
    """Apply ``value = body_fun(i, value)`` for every integer from `lower` up to `upper`.

    Args:
        lower: The first index.
        upper: The index after the last one. If either is not known while the function is staged,
            the loop is a `while_loop`.
        body_fun: From ``(i, value)`` to the next value, a pytree of arrays of the same types.
        init_val: The first value.
        unroll: As for `scan`.

    Returns:
        The last value; `init_val` if there are no steps.

    Example:
        >>> import rtorch as rt
        >>> int(rt.fori_loop(1, 6, lambda i, product: product * i, 1))
        120
    """
    check_callable(body_fun, "fori_loop")
    rounds = _unrolled("fori_loop", 1 if unroll is None else unroll, sys.maxsize)
    first, stop = concrete_integer(lower, "fori_loop"), concrete_integer(upper, "fori_loop")
    if first is None or stop is None:
        step = named_after(body_fun, lambda state: (state[0] + 1, body_fun(*state)))
        return while_loop(lambda state: state[0] < upper, step, (lower, init_val))[1]
    stop = max(first, stop)
    if is_staging():
        steps = wrap(np.arange(first, stop), True)  # weak, as the Python integers of eager mode
        step = named_after(body_fun, lambda value, i: (body_fun(i, value), None))
        if rounds > 1:
            return scan(step, init_val, steps, unroll=rounds)[0]
        leaves, one = flatten_arrays(steps, "fori_loop", "the indices")
        carry = carry_of(init_val, "fori_loop")
        return _staged(step, carry, leaves, one, stop - first, False)[0]
    carry = carry_of(init_val, "fori_loop")
    for i in range(first, stop):
        carry = carry.next(body_fun(i, carry.value))
    return carry.value


@api
def map(f: Callable[[Any], Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """Apply a function to slices of arrays, one after the other.

    Like `vmap`, but in the memory of one step, or of `batch_size` of them.

    Args:
        f: From a slice to a pytree of arrays.
        xs: A pytree of arrays that are sliced along their first axis.
        batch_size: Work on so many slices at once, with `vmap`.

    Returns:
        The results, stacked.

    Example:
        >>> import rtorch as rt
        >>> rt.map(lambda x: x * x, rt.arange(4)).tolist()
        [0, 1, 4, 9]
    """
    check_callable(f, "map")
    leaves, _ = flatten_arrays(xs, "map", "xs")
    n = _length("map", leaves, xs)
    if batch_size is None:
        return scan(named_after(f, lambda _, x: ((), f(x))), (), xs)[1]
    if type(batch_size) is not int or batch_size < 1:
        raise ArgumentError(f"[map] batch_size: expected a positive integer, got {batch_size!r}")
    if n <= batch_size:
        return vmap(f)(xs)

    def inner(carry: Any, x: Any, size: int) -> Any:
        return carry, vmap(f)(x)

    return _nested(f, (), xs, n, False, batch_size, inner)[1]
