"""Concatenations: each piece is copied to its place."""

from __future__ import annotations

from rtorch.compiler.fusion import Groups
from rtorch.compiler.lowering import Call, Launch, Spot, copy_kernel
from rtorch.compiler.native.scalars import NBYTES
from rtorch.compiler.views import packed
from rtorch.core.program import Eqn


def concat_call(eqn: Eqn, groups: Groups) -> Call | None:
    """The call that computes a `concat`."""
    (out,) = eqn.outs
    dtype, axis = str(out.aval.dtype), eqn.params["axis"]
    if dtype not in NBYTES or not out.aval.size:
        return None
    roots = tuple(dict.fromkeys([groups.views[x].root for x in eqn.args]))
    strides = packed(out.aval.shape)
    launches, start = [], 0
    for x in eqn.args:
        view = groups.views[x]
        if x.aval.size:
            kernel = copy_kernel(x.aval.shape, dtype, Spot(view.offset, view.strides),
                                 Spot(start * strides[axis], strides))  # fmt: skip
            if kernel.kernel.stores[0].access.inner[-1] != 1:
                return None  # it would have to be scattered
            launches.append(Launch(kernel, (roots.index(view.root), len(roots))))
        start += x.aval.shape[axis]
    return Call(tuple(launches), roots, (out,), (), ((),))
