"""What samplers that reject candidates share: a key and parameters, and a stream per element.

A candidate that is rejected is drawn again with another key, and only for the elements that are
not finished. Which numbers an element gets depends on its key and its place alone, so neither the
others in the batch nor the device change them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core.dtypes import uint32
from rtorch.core.primitive import Primitive
from rtorch.ops.base import batch_size, batched_front
from rtorch.ops.random_bits import FEW, blocks, scramble, scramble_ints
from rtorch.ops.random_floats import normal_into, unit_into


def cipher(xp: Any, k0: Any, k1: Any, counters: Any) -> tuple[Any, Any]:
    """The words of `counters` under the keys ``(k0, k1)``; all of them broadcast."""
    shape = np.broadcast_shapes(k0.shape, counters.shape)
    if xp is np and math.prod(shape) <= FEW:
        all_words = [xp.broadcast_to(x, shape).ravel().tolist() for x in (k0, k1, counters)]
        pairs = [scramble_ints(a, b, 0, c) for a, b, c in zip(*all_words)]
        both = np.array(pairs, uint32).reshape(*shape, 2)
        return both[..., 0], both[..., 1]
    x0, x1 = xp.zeros(shape, uint32), xp.empty(shape, uint32)
    x1[...] = counters
    scramble(xp, k0, k1, x0, x1)
    return x0, x1


def children(xp: Any, k0: Any, k1: Any, count: int) -> tuple[Any, Any]:
    """The first words and the second words of `count` new keys of each, along a new first axis."""
    return cipher(xp, k0, k1, xp.arange(count, dtype=uint32).reshape(-1, *(1,) * k0.ndim))


def unit(xp: Any, k0: Any, k1: Any, counters: Any, dtype: Any) -> Any:
    """Uniform numbers in [0, 1) at the places `counters` of streams."""
    x0, x1 = cipher(xp, k0, k1, counters)
    out = xp.empty(x0.shape, dtype)
    unit_into(xp, x0, x1, out)
    return out


def normal(xp: Any, k0: Any, k1: Any, counters: Any, dtype: Any) -> Any:
    """Normal numbers at the places `counters` of streams."""
    x0, x1 = cipher(xp, k0, k1, counters)
    out = xp.empty(x0.shape, dtype)
    normal_into(xp, x0, x1, out)
    return out


class FromKeyAndParameters(Primitive):
    """A number for every element of the parameters, which have one shape.

    For a key of shape ``(*lead, 2)`` the parameters begin with the axes of `lead`. A subclass has
    ``draw``, which gets a block of rows, a key and parameters for each, and their places in them.
    """

    def draw(self, xp: Any, keys: Any, places: Any, *parameters: Any, **params: Any) -> Any:
        raise NotImplementedError

    def impl(self, xp: Any, key: Any, *parameters: Any, **params: Any) -> Any:
        first = parameters[0]
        out = xp.empty(first.shape, self.infer(key, *parameters, **params).dtype)
        rows = math.prod(key.shape[:-1])
        size = math.prod(first.shape[key.ndim - 1 :])
        keys, table = key.reshape(rows, 2), out.reshape(rows, size)
        values = [x.reshape(rows, size) for x in parameters]
        with np.errstate(all="ignore"):
            for part in blocks(xp, rows, size):
                places = xp.arange(part[1].start, part[1].stop, dtype=uint32)
                some = [x[part] for x in values]
                table[part] = self.draw(xp, keys[part[0]], places, *some, **params)
        return out

    def batch(self, args: Any, dims: Any, **params: Any) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        return self(*[batched_front(x, d, size) for x, d in zip(args, dims)], **params), 0
