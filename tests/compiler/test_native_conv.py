"""Convolutions by native code against NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.compiler import fused
from rtorch.compiler.native import pool
from rtorch.ops.conv import conv_p

pytest.importorskip("llvmlite")

TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


def geometry(n: int, **given: Any) -> dict[str, Any]:
    plain = {"strides": (1,) * n, "padding": ((0, 0),) * n, "lhs_dilation": (1,) * n,
             "rhs_dilation": (1,) * n, "groups": 1}  # fmt: skip
    return plain | given


def same(k: int, n: int = 2) -> tuple[tuple[int, int], ...]:
    return ((k // 2, k // 2),) * n


# Input, kernel, and what is not plain.
CASES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((2, 64, 16, 16), (64, 64, 3, 3), {"padding": same(3)}),
    ((1, 1, 28, 28), (32, 1, 3, 3), {"padding": same(3)}),
    ((2, 3, 33, 31), (32, 3, 5, 5), {"padding": same(5)}),
    ((2, 32, 14, 14), (3, 32, 3, 3), {"padding": same(3)}),
    ((2, 17, 7, 7), (70, 17, 3, 3), {"padding": same(3)}),
    ((3, 300, 4, 5), (33, 300, 3, 3), {"padding": same(3)}),
    ((2, 3, 40, 40), (16, 3, 7, 7), {"padding": same(7), "strides": (2, 2)}),
    ((2, 19, 15, 13), (21, 19, 3, 2), {"strides": (2, 3)}),
    ((2, 8, 20, 20), (24, 8, 3, 3), {"rhs_dilation": (2, 3), "padding": ((2, 2), (3, 3))}),
    ((2, 32, 14, 14), (32, 1, 3, 3), {"padding": same(3), "groups": 32}),
    ((2, 32, 14, 14), (64, 1, 3, 3), {"padding": same(3), "groups": 32, "strides": (2, 2)}),
    ((2, 32, 9, 9), (64, 8, 3, 3), {"padding": same(3), "groups": 4}),
    ((2, 6, 12, 12), (6, 6, 3, 3), {"padding": ((2, 0), (-1, 3))}),
    ((2, 6, 12, 12), (6, 6, 3, 3), {"padding": ((-2, -1), (-1, -3))}),
    ((2, 20, 17, 17), (20, 20, 1, 1), {}),
    ((2, 20, 17, 17), (40, 20, 1, 1), {"strides": (2, 2)}),
    ((5, 40, 1, 1), (20, 40, 1, 1), {}),
    ((2, 12, 8, 8), (16, 12, 3, 3), {"padding": ((1, 2), (1, 2)), "lhs_dilation": (2, 2)}),
    ((2, 12, 8, 7), (16, 12, 2, 2), {"padding": ((1, 2), (0, 1)), "lhs_dilation": (3, 3)}),
    ((2, 12, 8, 7), (3, 12, 4, 5), {"padding": ((3, 3), (4, 4)), "lhs_dilation": (2, 1),
                                    "rhs_dilation": (3, 2)}),
    ((2, 12, 9, 9), (16, 12, 3, 3), {"padding": ((-1, 2), (3, -2)), "lhs_dilation": (2, 3)}),
    ((40, 9, 30, 31), (12, 9, 30, 31), {"padding": same(3)}),  # the gradient by a kernel
    ((4, 300, 30, 31), (20, 300, 30, 31), {"padding": same(3)}),
    ((1, 64, 20, 20), (8, 8, 20, 20), {"padding": same(3), "groups": 8}),
    ((8, 64, 16, 16), (64, 64, 5, 5), {"padding": same(5)}),  # lines at the edge for themselves
    ((8, 64, 7, 7), (128, 64, 3, 3), {"padding": same(3)}),
    ((9, 64, 16, 16), (64, 64, 3, 3), {"padding": ((3, 2), (1, 2)), "strides": (1, 2)}),
    ((2, 20, 300), (20, 20, 5), {"padding": same(5, 1)}),
    ((2, 4, 37), (20, 4, 3), {"strides": (2,)}),
    ((2, 20, 5, 6, 7), (20, 20, 3, 3, 3), {"padding": same(3, 3)}),
    ((1, 5, 6, 7, 8), (7, 5, 2, 3, 1), {"strides": (2, 1, 2), "padding": ((1, 0), (0, 1), (1, 1))}),
]  # fmt: skip


def arrays(case: Any, dtype: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return tuple([rng.standard_normal(shape).astype(dtype) for shape in case[:2]])  # type: ignore[return-value]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The native calls that convolutions become."""
    found: list[Any] = []
    rule = fused._CALLS["conv"]

    def noted(eqn: Any, groups: Any) -> Any:
        found.append(rule(eqn, groups))
        return found[-1]

    monkeypatch.setitem(fused._CALLS, "conv", noted)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv_is_that_of_numpy(case: Any, dtype: str, calls: list[Any]) -> None:
    x, w = arrays(case, dtype)
    params = geometry(x.ndim - 2, **case[2])
    found = rt.jit(lambda x, w: conv_p(x, w, **params))(rt.asarray(x), rt.asarray(w))
    expected = conv_p.impl(np, x.astype("float64"), w.astype("float64"), **params)
    assert calls
    assert None not in calls
    assert found.dtype == dtype
    scale = np.abs(expected).max() if dtype == "float32" else np.abs(expected).max() + 1
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_those_of_steps(case: Any) -> None:
    x, w = (rt.asarray(a) for a in arrays(case, "float64"))
    params = geometry(len(x.shape) - 2, **case[2])

    def loss(x: Any, w: Any) -> Any:
        return rt.sum(conv_p(x, w, **params) ** 2)

    expected = rt.grad(loss, argnums=(0, 1))(x, w)
    found = rt.jit(rt.grad(loss, argnums=(0, 1)))(x, w)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10 * float(rt.max(rt.abs(b))))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_threads_do_not_change_a_bit(case: Any) -> None:
    x, w = (rt.asarray(a) for a in arrays(case, "float32"))
    params = geometry(len(x.shape) - 2, **case[2])

    def loss(x: Any, w: Any) -> Any:
        return rt.sum(conv_p(x, w, **params))

    before, found = pool.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            pool.set_num_threads(threads)
            run = rt.jit(
                lambda x, w: (conv_p(x, w, **params), *rt.grad(loss, argnums=(0, 1))(x, w))
            )
            found.append([np.asarray(a) for a in run(x, w)])
    finally:
        pool.set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("n", "channels"), [(0, 0), (0, 2), (1, 0), (1, 2)])
def test_arrays_without_elements(n: int, channels: int) -> None:
    x, w = np.ones((n, channels, 5, 5), "float32"), np.ones((3, channels, 3, 3), "float32")
    params = geometry(2)
    found = rt.jit(lambda x, w: conv_p(x, w, **params))(rt.asarray(x), rt.asarray(w))
    np.testing.assert_array_equal(found, conv_p.impl(np, x, w, **params))


def test_strides_of_a_dilated_input_are_left_to_numpy(calls: list[Any]) -> None:
    x, w = arrays(((2, 4, 9, 9), (4, 4, 3, 3)), "float64")
    params = geometry(2, strides=(2, 2), lhs_dilation=(2, 2), padding=same(3))
    found = rt.jit(lambda x, w: conv_p(x, w, **params))(rt.asarray(x), rt.asarray(w))
    assert calls == [None]
    np.testing.assert_allclose(found, conv_p.impl(np, x, w, **params), rtol=1e-12)


def test_views_are_read_where_they_lie(calls: list[Any]) -> None:
    x, w = arrays(((16, 9, 2, 20), (9, 20, 3, 3)), "float64")
    params = geometry(2, padding=same(3))

    def f(x: Any, w: Any) -> Any:
        x = rt.flip(rt.permute_dims(x, (2, 1, 0, 3)), axis=3)[:, :, 2:14:2, 1:]
        return conv_p(x, rt.permute_dims(w, (1, 0, 3, 2)), **params)

    found = rt.jit(f)(rt.asarray(x), rt.asarray(w))
    assert None not in calls
    np.testing.assert_allclose(found, f(rt.asarray(x), rt.asarray(w)), rtol=1e-10, atol=1e-12)
