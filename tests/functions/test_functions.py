"""Every function of the table: values, derivatives in both modes, vmap and jit."""

from typing import Any

import numpy as np
import pytest
from function_specs import BF16, C128, F16, F64, Fn, specs

import rtorch as rt

SPECS = specs()
EXACT = {F64, C128}  # in which finite differences are taken


def short(dtype: Any) -> str:
    return repr(rt.spec((), dtype)).removesuffix("[]")


def cases(*, of: Any = lambda f: f.dtypes, where: Any = lambda f: True) -> list[Any]:
    """Entries with each of their dtypes."""
    return [pytest.param(f, d, id=f"{f.id}-{short(d)}") for f in SPECS if where(f) for d in of(f)]


def one_dtype(f: Fn) -> list[Any]:
    return [F64 if F64 in f.dtypes else f.dtypes[0]]


def leaves(tree: Any) -> list[Any]:
    return rt.tree.leaves(tree)


@pytest.mark.parametrize(("f", "dtype"), cases(where=lambda f: f.reference is not None))
def test_value(f: Fn, dtype: Any) -> None:
    arrays = f.draw(dtype)
    got, want = leaves(f.call(*arrays)), leaves(f.expected(arrays))
    assert len(got) == len(want)
    for y, w in zip(got, want, strict=True):
        assert isinstance(y, rt.Array) or np.isscalar(y)
        known = f.same_dtype and dtype not in (F16, BF16)
        rt.testing.assert_close(
            y, w, check_dtype=known, rtol=f.tolerance * rt.testing.tolerance(dtype, y.dtype)
        )


@pytest.mark.parametrize(
    ("f", "dtype"),
    cases(of=lambda f: [d for d in f.differentiable_dtypes if d in EXACT]),
)
def test_gradients(f: Fn, dtype: Any) -> None:
    arrays = f.draw(dtype)
    rt.testing.check_grads(*closed(f, arrays), order=f.order, rtol=2e-5, atol=2e-5)


def closed(f: Fn, arrays: list[Any]) -> tuple[Any, list[Any]]:
    """The call as a function of the smooth operands, and these."""

    def call(*some: Any) -> Any:
        merged = list(arrays)
        for i, a in zip(f.smooth, some, strict=True):
            merged[i] = a
        out = leaves(f.call(*merged))
        return [y for y in out if rt.isdtype(y.dtype, ("real floating", "complex floating"))]

    return call, [arrays[i] for i in f.smooth]


@pytest.mark.parametrize(("f", "dtype"), cases(of=one_dtype, where=lambda f: not f.no_jit))
def test_jit(f: Fn, dtype: Any) -> None:
    arrays = f.draw(dtype)
    rt.testing.assert_close(rt.jit(f.call)(*arrays), f.call(*arrays))


@pytest.mark.parametrize(
    ("f", "dtype"), cases(of=one_dtype, where=lambda f: not f.no_vmap and f.operands)
)
def test_vmap(f: Fn, dtype: Any) -> None:
    """A batch of three equals a loop; each operand in turn may be the same for all lanes."""
    batches = [f.draw(dtype, seed) for seed in range(3)]
    stacked = [rt.stack(column) for column in zip(*batches, strict=True)]
    shared: list[int | None] = [None, *range(len(stacked))] if len(stacked) > 1 else [None]
    for i in shared:
        axes = [None if j == i else 0 for j in range(len(stacked))]
        args = [batches[0][j] if j == i else a for j, a in enumerate(stacked)]
        lanes = [[batches[0][j] if j == i else a for j, a in enumerate(b)] for b in batches]
        outs = [f.call(*lane) for lane in lanes]
        want = rt.tree.map(lambda *ys: rt.stack([rt.asarray(y) for y in ys]), *outs)
        got = rt.vmap(f.call, in_axes=tuple(axes))(*args)
        rt.testing.assert_close(got, want)


@pytest.mark.parametrize(
    "f", [f for f in SPECS if f.order and not f.no_jit and not f.no_vmap], ids=lambda f: f.id
)
def test_gradients_of_batches_under_jit(f: Fn) -> None:
    """jit(vmap(grad)) equals the gradients one by one."""
    dtype = f.differentiable_dtypes[0] if F64 not in f.dtypes else F64

    def loss(*arrays: Any) -> Any:
        call, some = closed(f, list(arrays))
        return sum(rt.sum(rt.abs(y) ** 2) for y in call(*some))

    batches = [f.draw(dtype, seed) for seed in range(2)]
    stacked = [rt.stack(column) for column in zip(*batches, strict=True)]
    slopes = rt.grad(loss, argnums=tuple(f.smooth))
    got = rt.jit(rt.vmap(slopes))(*stacked)
    want = rt.tree.map(lambda *gs: rt.stack(gs), *[slopes(*b) for b in batches])
    rtol = 1e-6 if dtype in (F64, C128) else 1e-2
    rt.testing.assert_close(got, want, rtol=rtol, atol=rtol)
