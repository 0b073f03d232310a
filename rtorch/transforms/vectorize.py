"""Functions of vectors, applied along axes of larger arrays: loops that are written as `vmap`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api, describe
from rtorch.numpy.manipulation import expand_dims, moveaxis, reshape
from rtorch.numpy.operands import ArrayLike, Shape, axis_of, broadcast_shapes, operand
from rtorch.transforms.vmap import vmap

__all__ = ["apply_along_axis", "apply_over_axes", "vectorize"]


@api
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: ArrayLike, *args: Any, **kwargs: Any
) -> Array:
    """`func1d` of every vector along `axis`.

    Args:
        func1d: Takes a vector, then `args` and `kwargs`, and returns an array.
        axis: The axis of `arr`.
        arr: An array.
        *args: Passed on to `func1d`.
        **kwargs: Passed on to `func1d`.

    Returns:
        `arr` with the axis replaced by those of the results.

    Example:
        >>> import rtorch as rt
        >>> rt.apply_along_axis(lambda row: row / rt.sum(row), 1, rt.ones((2, 4)))[0].tolist()
        [0.25, 0.25, 0.25, 0.25]
    """
    x = operand(arr, "apply_along_axis")
    place = axis_of(axis, x.ndim, "apply_along_axis")

    def function(row: Any) -> Any:
        return func1d(row, *args, **kwargs)

    for _ in range(x.ndim - 1):
        function = vmap(function)
    out = operand(function(moveaxis(x, place, -1)), "apply_along_axis")
    new = out.ndim - (x.ndim - 1)
    return moveaxis(out, tuple(range(x.ndim - 1, out.ndim)), tuple(range(place, place + new)))


@api
def apply_over_axes(
    func: Callable[[Array, int], Any], a: ArrayLike, axes: int | Sequence[int]
) -> Array:
    """`func` applied along one axis after the other; the axes stay, with length 1.

    Args:
        func: Takes an array and an axis, as reductions do.
        a: An array.
        axes: The axes, in order.

    Example:
        >>> import rtorch as rt
        >>> rt.apply_over_axes(rt.sum, rt.ones((2, 3, 4)), [0, 2]).tolist()
        [[[8.0], [8.0], [8.0]]]
    """
    x = operand(a, "apply_over_axes")
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        place = axis_of(axis, x.ndim, "apply_over_axes")
        out = operand(func(x, place), "apply_over_axes")
        if out.ndim == x.ndim - 1:
            out = expand_dims(out, axis=place)
        if out.ndim != x.ndim:
            raise ShapeError(
                f"[apply_over_axes] func returned shape {out.shape} for an array of shape {x.shape}"
            )
        x = out
    return x


# ---- vectorize -----------------------------------------------------------------------------------


@api
def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Collection[int | str] = frozenset(),
    signature: str | None = None,
) -> Callable[..., Any]:
    """`pyfunc` with broadcasting: it is written for scalars, or for the axes of a signature.

    All axes before those of the signature broadcast, and `vmap` goes along them.

    Args:
        pyfunc: A function of arrays.
        excluded: Positions and names of arguments that are passed on as they are.
        signature: The axes of arguments and results, as ``"(m,n),(n)->(m)"``; by default none.

    Example:
        >>> import rtorch as rt
        >>> multiply = rt.vectorize(lambda a, x: a @ x, signature="(m,n),(n)->(m)")
        >>> multiply(rt.ones((5, 2, 3)), rt.ones(3)).shape
        (5, 2)
    """
    if not callable(pyfunc):
        raise ArgumentError(f"[vectorize] expected a function, got {describe(pyfunc)}")
    inputs, outputs = (None, None) if signature is None else _parse(signature)

    @api
    @functools.wraps(pyfunc)
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        free = [i for i in range(len(args)) if i not in excluded]
        named = {k: v for k, v in kwargs.items() if k not in excluded}
        if named and signature is not None:
            raise ArgumentError(
                f"[vectorize] arguments {sorted(named)} by keyword: pass them by position, or "
                "name them in excluded"
            )
        fixed = {k: v for k, v in kwargs.items() if k in excluded}

        def call(*arrays: Any) -> Any:
            whole = list(args)
            for i, a in zip(free, arrays):
                whole[i] = a
            return pyfunc(*whole, **fixed, **dict(zip(named, arrays[len(free) :])))

        arrays = [operand(a, "vectorize") for a in (*[args[i] for i in free], *named.values())]
        core = [()] * len(arrays) if inputs is None else inputs
        if len(core) != len(arrays):
            raise ArgumentError(
                f"[vectorize] {signature} has {len(core)} arguments, {len(arrays)} came"
            )
        return _mapped(call, arrays, core, outputs)

    return vectorized


_NAMES = r"\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)"


def _parse(signature: str) -> tuple[list[Shape], list[Any]]:
    """The names of the axes of every argument and every result."""
    text = signature.replace(" ", "")
    if not re.fullmatch(rf"({_NAMES}(,{_NAMES})*)?->{_NAMES}(,{_NAMES})*", text):
        raise ArgumentError(
            f"[vectorize] signature: expected something like '(m,n),(n)->(m)', got {signature!r}"
        )
    sides = [re.findall(_NAMES, side) for side in text.split("->")]
    inputs, outputs = ([tuple(re.findall(r"\w+", group)) for group in side] for side in sides)
    return inputs, outputs


def _mapped(call: Any, arrays: list[Array], core: Any, outputs: Any) -> Any:
    """`call` along all axes of `arrays` that come before those named in `core`."""
    sizes: dict[str, int] = {}
    for a, names in zip(arrays, core):
        _match(a, names, sizes)
    loops = [a.shape[: a.ndim - len(names)] for a, names in zip(arrays, core)]
    shape = broadcast_shapes("vectorize", *loops)
    checked = call if outputs is None else _checked(call, outputs, sizes)
    # An axis of length 1 is not gone along: it is taken away.
    squeezed = [
        reshape(a, (*[n for n in loop if n != 1], *a.shape[len(loop) :]))
        for a, loop in zip(arrays, loops)
    ]
    function = checked
    for i in reversed(range(len(shape))):
        axes = tuple([
            0 if (j := i - len(shape) + len(loop)) >= 0 and loop[j] != 1 else None for loop in loops
        ])  # fmt: skip
        if any(axis is not None for axis in axes):
            function = vmap(function, in_axes=axes)
        else:
            function = _with_axis(function)
    return function(*squeezed)


def _with_axis(function: Callable[..., Any]) -> Callable[..., Any]:
    from rtorch.core import tree

    return lambda *xs: tree.map(lambda y: expand_dims(operand(y), axis=0), function(*xs))


def _match(a: Array, names: Shape, sizes: dict[str, int]) -> None:
    """Note what the names in a signature stand for, and refuse a second meaning."""
    if a.ndim < len(names):
        raise ShapeError(f"[vectorize] shape {a.shape} has fewer axes than {names}")
    for name, n in zip(names, a.shape[a.ndim - len(names) :]):
        if sizes.setdefault(str(name), n) != n:
            raise ShapeError(f"[vectorize] axis {name} has lengths {sizes[str(name)]} and {n}")


def _checked(call: Callable[..., Any], outputs: Any, sizes: dict[str, int]) -> Callable[..., Any]:
    def function(*arrays: Any) -> Any:
        out = call(*arrays)
        parts = out if isinstance(out, (tuple, list)) else (out,)
        if len(parts) != len(outputs):
            raise ShapeError(f"[vectorize] expected {len(outputs)} results, got {len(parts)}")
        for part, names in zip(parts, outputs):
            result = operand(part)
            if result.ndim != len(names):
                raise ShapeError(f"[vectorize] a result of shape {result.shape} for axes {names}")
            _match(result, names, sizes)
        return out

    return function
