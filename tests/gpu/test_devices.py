"""With a GPU: every primitive, and the transformations, against the CPU."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.core import dtypes
from rtorch.testing import assert_close
from tests.op_specs import SPECS, OpSpec
from tests.special_op_specs import NOT_ON_GPU

pytestmark = pytest.mark.gpu


def on_gpu(x: Any) -> Any:
    return rt.device_put(x, "cuda")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_primitive_agrees_with_cpu(spec: OpSpec) -> None:
    for dtype in spec.dtypes:
        arrays = spec.arrays(dtype)
        expected = spec.call(*arrays)
        try:
            actual = spec.call(*map(on_gpu, arrays))
        except rt.errors.MissingDependencyError:
            assert spec.name in NOT_ON_GPU
            return
        several = spec.prim.multiple
        for a, e in zip(actual if several else (actual,), expected if several else (expected,)):
            assert_close(np.asarray(a), np.asarray(e))


def test_arrays_move() -> None:
    x = rt.arange(3)
    y = x.to("cuda")
    assert y.device == rt.Device("cuda", 0)
    assert (y + 1).device == y.device
    assert (y + 1).to("cpu").tolist() == [1, 2, 3]


def test_two_devices_in_one_operation_are_refused() -> None:
    with pytest.raises(rt.errors.ArgumentError, match="different devices"):
        rt.ones(2) + rt.ones(2).to("cuda")


def loss(params: Any, x: Any) -> Any:
    return rt.sum(rt.tanh(x @ params["w"] + params["b"]) ** 2)


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64])
def test_transformations_agree_with_cpu(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    params = {"w": rng.normal(size=(4, 3)).astype(dtype), "b": rng.normal(size=3).astype(dtype)}
    x = rng.normal(size=(5, 4)).astype(dtype)
    per_example = rt.vmap(rt.grad(loss), in_axes=(None, 0))
    for function in (rt.grad(loss), rt.jit(rt.grad(loss)), per_example, rt.jit(per_example)):
        expected = function(rt.tree.map(rt.asarray, params), rt.asarray(x))
        actual = function(on_gpu(params), on_gpu(x))
        for key in params:
            assert_close(np.asarray(actual[key]), np.asarray(expected[key]))


def test_random_bits_agree_with_cpu() -> None:
    key = rt.random.key(7)
    expected = rt.random.normal(key, (100,))
    assert_close(np.asarray(rt.random.normal(on_gpu(key), (100,))), np.asarray(expected))
