"""The convolution of two vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import is_linear
from rtorch.ops.base import Bilinear, batch_size, batched_front
from rtorch.ops.shape import flip_p, slice_p


class Convolve(Bilinear):
    """``out[k] = sum x[i] y[k - i]`` along the last axis, for all k; the axes before it agree."""

    name = "convolve"

    def impl(self, xp: Any, x: Any, y: Any) -> Any:
        wide = np.float32 if x.dtype in dtypes.HALVES else x.dtype
        rows, columns = (z.reshape(-1, z.shape[-1]).astype(wide, copy=False) for z in (x, y))
        n = x.shape[-1] + y.shape[-1] - 1
        out = xp.empty((len(rows), n), wide)
        for i, (row, column) in enumerate(zip(rows, columns)):
            out[i] = xp.convolve(row, column)
        return out.reshape((*x.shape[:-1], n)).astype(x.dtype, copy=False)

    def infer(self, x: Any, y: Any) -> Aval:
        return Aval((*x.shape[:-1], x.shape[-1] + y.shape[-1] - 1), x.dtype)

    def flops(self, x: Any, y: Any) -> float:
        return 2.0 * x.size * y.shape[-1]

    def transpose(self, ct: Any, x: Any, y: Any) -> Any:
        if is_linear(x):
            return _correlated(ct, y), None
        return None, _correlated(ct, x)

    def batch(self, args: Any, dims: Any) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        return self(*[batched_front(a, d, size) for a, d in zip(args, dims)]), 0


def _correlated(ct: Any, y: Any) -> Any:
    """``out[i] = sum ct[i + j] y[j]`` where that lies within `ct`."""
    last, m = len(y.shape) - 1, y.shape[-1]
    whole = convolve_p(ct, flip_p(y, axes=(last,)))
    return slice_p(whole, starts=(*(0,) * last, m - 1), limits=ct.shape, strides=(1,) * (last + 1))


convolve_p = Convolve()
