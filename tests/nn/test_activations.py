"""Activations against PyTorch, and where they could overflow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

# Ours, and the name and arguments in torch.nn.functional.
CASES: dict[str, tuple[Callable[..., Any], str, dict[str, Any]]] = {
    "relu": (nn.relu, "relu", {}),
    "relu6": (nn.relu6, "relu6", {}),
    "leaky_relu": (nn.leaky_relu, "leaky_relu", {}),
    "leaky_relu slope": (nn.leaky_relu, "leaky_relu", {"negative_slope": 0.3}),
    "elu": (nn.elu, "elu", {}),
    "elu alpha": (nn.elu, "elu", {"alpha": 0.4}),
    "celu": (nn.celu, "celu", {"alpha": 0.4}),
    "selu": (nn.selu, "selu", {}),
    "gelu": (nn.gelu, "gelu", {}),
    "gelu tanh": (nn.gelu, "gelu", {"approximate": "tanh"}),
    "silu": (nn.silu, "silu", {}),
    "mish": (nn.mish, "mish", {}),
    "sigmoid": (nn.sigmoid, "sigmoid", {}),
    "log_sigmoid": (nn.log_sigmoid, "logsigmoid", {}),
    "hard_sigmoid": (nn.hard_sigmoid, "hardsigmoid", {}),
    "hard_swish": (nn.hard_swish, "hardswish", {}),
    "hard_tanh": (nn.hard_tanh, "hardtanh", {"min_val": -0.5, "max_val": 2.0}),
    "softplus": (nn.softplus, "softplus", {"threshold": 1000}),
    "softplus beta": (nn.softplus, "softplus", {"beta": 2.0, "threshold": 1000}),
    "softsign": (nn.softsign, "softsign", {}),
    "tanh": (nn.tanh, "tanh", {}),
    "threshold": (nn.threshold, "threshold", {"threshold": 0.7, "value": 20.0}),
    "hard_shrink": (nn.hard_shrink, "hardshrink", {}),
    "hard_shrink lambd": (nn.hard_shrink, "hardshrink", {"lambd": 1.3}),
    "soft_shrink": (nn.soft_shrink, "softshrink", {}),
    "tanh_shrink": (nn.tanh_shrink, "tanhshrink", {}),
}
ALONG_AXIS = {
    "softmax": nn.softmax,
    "softmin": nn.softmin,
    "log_softmax": nn.log_softmax,
    "glu": nn.glu,
}


def without_cut(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Torch's softplus becomes a line at a threshold, ours needs none."""
    left_out = "threshold" if name == "softplus" else ""
    return {key: value for key, value in options.items() if key != left_out}


POINTS = np.concatenate([np.linspace(-8, 8, 33), [-2.9, 2.9, 5.9, -40.0, 40.0, 1e-3, -1e-3]])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_slopes_are_those_of_torch(case: str, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    ours, name, options = CASES[case]
    x = POINTS.astype(dtype)
    t = torch.tensor(x, requires_grad=True)
    theirs = getattr(torch.nn.functional, name)(t, **options)
    theirs.sum().backward()
    options = {
        key: value for key, value in options.items() if name == "threshold" or key != "threshold"
    }
    value = ours(rt.asarray(x), **options)
    slope = rt.grad(lambda x: rt.sum(ours(x, **options)))(rt.asarray(x))
    tolerance = {"float32": 2e-6, "float64": 1e-13}[dtype]
    if case in ("celu", "hard_sigmoid", "hard_swish"):  # torch rounds constants of these to float32
        tolerance = max(tolerance, 2e-7)
    assert value.dtype == x.dtype
    np.testing.assert_allclose(value, theirs.detach(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(slope, t.grad, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ALONG_AXIS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_along_an_axis_like_torch(name: str, axis: int, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x = 5 * rng.normal(size=(4, 6, 2))
    direction = rng.normal(size=(4, 6, 2))
    t = torch.tensor(x, requires_grad=True)
    theirs = getattr(torch.nn.functional, name)(t, dim=axis)
    direction = direction[tuple(slice(n) for n in theirs.shape)]
    (theirs * torch.tensor(direction)).sum().backward()
    ours, back = rt.vjp(lambda x: ALONG_AXIS[name](x, axis=axis), rt.asarray(x))
    (slope,) = back(rt.asarray(direction))
    np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(slope, t.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [rt.float32, rt.float64, rt.float16, rt.bfloat16])
def test_large_numbers_give_finite_values_and_slopes(case: str, dtype: Any) -> None:
    function, name, options = CASES[case]
    options = {
        key: value for key, value in options.items() if name == "threshold" or key != "threshold"
    }
    x = rt.asarray([-200.0, -90.0, 0.0, 90.0, 200.0], dtype=dtype)
    value, slope = rt.vmap(rt.value_and_grad(lambda x: function(x, **options)))(x)
    assert value.dtype == slope.dtype == dtype
    assert bool(rt.all(rt.isfinite(value) & rt.isfinite(slope)))
    assert bool(rt.all(rt.isfinite(function(x, **options))))


def test_softmax_of_large_numbers_and_of_none() -> None:
    x = rt.asarray([1e4, 0.0, -1e4])
    assert nn.softmax(x).tolist() == [1, 0, 0]
    assert nn.log_softmax(x).tolist() == [0, -1e4, -2e4]
    assert nn.softmax(rt.zeros((2, 0))).shape == (2, 0)
    masked = nn.softmax(rt.asarray([0.0, -rt.inf, 0.0]))
    assert masked.tolist() == [0.5, 0, 0.5]


def test_softmax_under_transforms(rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(3, 4)))
    np.testing.assert_allclose(rt.vmap(nn.softmax)(x), nn.softmax(x), rtol=1e-14)
    np.testing.assert_allclose(rt.jit(nn.log_softmax)(x), nn.log_softmax(x), rtol=1e-14)
    p = np.asarray(nn.softmax(x[0]))
    np.testing.assert_allclose(rt.jacrev(nn.softmax)(x[0]), np.diag(p) - np.outer(p, p), atol=1e-14)


def test_integers_become_floats() -> None:
    assert nn.elu(rt.asarray([1, -1])).dtype == rt.float32
    assert nn.softmax(rt.asarray([1, 1])).tolist() == [0.5, 0.5]


def test_one_hot() -> None:
    labels = rt.asarray([[0, 2], [1, 7]])
    expected = np.eye(3)[[[0, 2], [1, 0]]]
    expected[1, 1] = 0  # 7 is no class
    np.testing.assert_array_equal(nn.one_hot(labels, 3), expected)
    np.testing.assert_array_equal(nn.one_hot(labels, 3, axis=0), np.moveaxis(expected, -1, 0))
    assert nn.one_hot(labels, 3, dtype=rt.int32).dtype == rt.int32
    assert nn.one_hot(rt.asarray(1), 3).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.softmax(rt.ones(3), axis=1), errors.AxisError, r"\[softmax\] axis 1 is out"),
        (lambda: nn.softmax(rt.ones(())), errors.AxisError, r"shape \(\)"),
        (lambda: nn.glu(rt.ones(3)), errors.ShapeError, r"even length, got shape \(3,\)"),
        (lambda: nn.gelu(rt.ones(3), "erf"), errors.ArgumentError, "'none' or 'tanh'"),
        (lambda: nn.hard_tanh(rt.ones(3), 2, 1), errors.ArgumentError, "above max_val"),
        (lambda: nn.one_hot(rt.ones(3), 2), errors.DTypeError, "expected integers, got float32"),
        (lambda: nn.one_hot(rt.asarray([1]), 2, axis=2), errors.AxisError, "array of 2 axes"),
    ],
)
def test_messages(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("name", ["relu6", "hard_tanh", "soft_shrink", "hard_shrink"])
def test_nan_is_not_hidden(name: str) -> None:
    assert np.isnan(getattr(nn, name)(rt.asarray([np.nan]))).all()
    assert np.isnan(nn.threshold(rt.asarray([np.nan]), 0.0, 1.0)).all()
