"""Policies of mixed precision around layers."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn


def spy(seen: list[Any]) -> nn.Layer:
    """A layer that notes the dtypes it computes with, and counts in a floating state."""

    def init(key: Any, spec: Any) -> Any:
        return {"w": rt.ones(2, dtype=spec.dtype), "n": rt.asarray(1)}, {"count": rt.zeros(())}

    def apply(params: Any, state: Any, x: Any, *, key: Any = None, train: bool = False) -> Any:
        seen.append((params["w"].dtype, params["n"].dtype, x.dtype))
        return x * params["w"], {"count": (state["count"] + 1).astype(rt.float16)}

    return nn.Layer(init, apply)


@pytest.mark.parametrize("compute", [rt.float16, rt.bfloat16, rt.float64])
def test_dtypes_inside_and_outside(compute: Any) -> None:
    seen: list[Any] = []
    layer = nn.Policy(rt.float32, compute, rt.float64).wrap(spy(seen))
    params, state = layer.init(None, rt.spec((3, 2), rt.float16))
    assert params["w"].dtype == rt.float32
    y, new = layer.apply(params, state, rt.ones((3, 2)))
    assert seen == [(compute, rt.int64, compute)]
    assert y.dtype == rt.float64
    assert new["count"].dtype == rt.float32
    assert float(new["count"]) == 1.0


def test_gradients_come_in_the_dtype_of_the_parameters() -> None:
    layer = nn.Policy(compute_dtype=rt.bfloat16).wrap(nn.Linear(3))
    x = rt.random.normal(rt.random.key(0), (4, 2))
    params, state = layer.init(rt.random.key(1), x)

    def loss(p: Any, layer: nn.Layer) -> rt.Array:
        return rt.sum(layer.apply(p, state, x)[0] ** 2)

    grads = rt.jit(rt.grad(lambda p: loss(p, layer)))(params)
    assert grads["weight"].dtype == rt.float32
    exact = rt.grad(lambda p: loss(p, nn.Linear(3)))(params)
    np.testing.assert_allclose(grads["weight"], exact["weight"], rtol=0.1, atol=0.1)


def test_a_policy_of_one_layer_inside_another() -> None:
    half = nn.Policy(compute_dtype=rt.float16, output_dtype=rt.float16)
    whole = nn.Policy()
    net = nn.serial(half.wrap(nn.Linear(4)), nn.relu, whole.wrap(nn.Linear(2)))
    params, state = net.init(rt.random.key(0), rt.spec((1, 3)))
    assert {x.dtype for x in rt.tree.leaves(params)} == {np.dtype("float32")}
    assert net.apply(params, state, rt.ones((1, 3)))[0].dtype == rt.float32


def test_integers_pass() -> None:
    layer = nn.Policy(compute_dtype=rt.float16).wrap(lambda x: x)
    y, _ = layer.apply({}, {}, rt.asarray([3]))
    assert y.dtype == rt.int64


def test_messages() -> None:
    with pytest.raises(errors.DTypeError, match="compute_dtype: expected a floating dtype"):
        nn.Policy(compute_dtype=rt.int32).wrap(nn.relu)
