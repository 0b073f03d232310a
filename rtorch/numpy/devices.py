"""Moving pytrees between devices, and pytrees as one vector."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rtorch.core import backend, tree
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, ShapeError, api
from rtorch.numpy.operands import convert, from_any, operand, promote
from rtorch.ops.base import reshape_p
from rtorch.ops.shape import concat_p, slice_p


@api
def device_put(x: Any, device: Any = "cpu") -> Any:
    """The arrays of a pytree on `device`.

    Args:
        x: Pytree of arrays and numbers.
        device: A `Device`, or ``"cpu"``, ``"cuda"``, ``"cuda:1"``.

    Example:
        >>> import rtorch as rt
        >>> rt.device_put({"w": rt.ones(2)}, "cpu")["w"].device
        Device('cpu')
    """
    place = backend.as_device(device)
    return tree.map(lambda leaf: from_any(leaf, None, "device_put").to(place), x)


@api
def block_until_ready(x: Any) -> Any:
    """Wait until all arrays of a pytree have their values (at once on the CPU); returns `x`.

    Example:
        >>> import rtorch as rt
        >>> float(rt.block_until_ready(rt.ones(())))
        1.0
    """
    for leaf in tree.leaves(x):
        if isinstance(leaf, Array):
            leaf.block_until_ready()
    return x


@api
def ravel_pytree(x: Any) -> tuple[Array, Callable[[Array], Any]]:
    """All arrays of a pytree as one vector, and the function that undoes it.

    Args:
        x: Pytree of arrays and numbers; they are promoted to one dtype.

    Returns:
        A vector, and a function from such vectors to pytrees with the structure, shapes and
        dtypes of `x`.

    Example:
        >>> import rtorch as rt
        >>> vector, restore = rt.tree.ravel_pytree({"a": rt.ones(2), "b": 3.0})
        >>> vector.tolist()
        [1.0, 1.0, 3.0]
        >>> restore(2 * vector)["b"].tolist()
        6.0
    """
    leaves, treedef = tree.flatten(x)
    arrays = [operand(leaf, "ravel_pytree") for leaf in leaves]
    avals = [a.aval for a in arrays]
    sizes = [aval.size for aval in avals]
    if not arrays:
        vector = from_any([], None, "ravel_pytree")
    else:
        flat = [reshape_p(a, shape=(a.size,)) for a in promote("ravel_pytree", *arrays)]
        vector = concat_p(*flat, axis=0) if len(flat) > 1 else flat[0]
    dtype = vector.dtype

    @api
    def restore(vector: Array) -> Any:
        """The pytree that `vector` holds."""
        vector = operand(vector, "ravel_pytree")
        if vector.shape != (sum(sizes),):
            raise ShapeError(
                f"[ravel_pytree] expected a vector of {sum(sizes)} elements, got {vector.shape}"
            )
        if vector.dtype is not dtype:
            raise ArgumentError(
                f"[ravel_pytree] expected a vector of dtype {dtype}, got {vector.dtype}"
            )
        out, start = [], 0
        for aval in avals:
            stop = start + math.prod(aval.shape)
            piece = slice_p(vector, starts=(start,), limits=(stop,), strides=(1,))
            out.append(convert(reshape_p(piece, shape=aval.shape), aval.dtype))
            start = stop
        return treedef.unflatten(out)

    return vector, restore
