"""Depthwise and separable convolutions, and LocalResponseNorm."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

OPTIONS: list[dict[str, Any]] = [
    {},
    {"multiplier": 2, "padding": 1, "stride": 2},
    {"multiplier": 3, "dilation": 2, "bias": False},
    {"padding": "same", "padding_mode": "circular"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_depthwise_is_a_convolution_in_groups(
    n: int, options: dict[str, Any], rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    shape = (2, 4, 7, 6, 5)[: n + 2]
    x = rng.normal(size=shape)
    layer = getattr(nn, f"DepthwiseConv{n}d")(3, **options)
    params, state = layer.init(rt.random.key(0), rt.asarray(x))
    rest = {name: value for name, value in options.items() if name != "multiplier"}
    theirs = getattr(torch.nn, f"Conv{n}d")(
        4, 4 * options.get("multiplier", 1), 3, groups=4, **rest
    ).double()
    weights = {name: torch.tensor(np.asarray(p), dtype=torch.float64) for name, p in params.items()}
    theirs.load_state_dict(weights)
    y, back = rt.vjp(lambda p, x: layer.apply(p, state, x)[0], params, rt.asarray(x))
    t = torch.tensor(x, requires_grad=True)
    expected = theirs(t)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    expected.sin().sum().backward()
    grads, bar = back(rt.cos(y))
    np.testing.assert_allclose(bar, t.grad.numpy(), rtol=1e-10, atol=1e-12)
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(grads[name], p.grad.numpy(), rtol=1e-10, atol=1e-12)

    last = getattr(nn, f"DepthwiseConv{n}d")(3, data_format="NHWC", **options)
    z, _ = last.apply(params, state, rt.moveaxis(rt.asarray(x), 1, -1))
    np.testing.assert_allclose(rt.moveaxis(z, -1, 1), y, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        rt.jit(layer.apply)(params, state, rt.asarray(x))[0], y, rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_separable_is_one_after_the_other(n: int, rng: np.random.Generator) -> None:
    shape = (2, 4, 5, 4, 5)[: n + 2]
    x = rt.asarray(rng.normal(size=shape))
    layer = getattr(nn, f"SeparableConv{n}d")(6, 3, padding=1, multiplier=2)
    params, state = layer.init(rt.random.key(0), x)
    shapes = rt.tree.map(lambda p: p.shape[:2], params)
    assert shapes == {
        "depthwise": {"weight": (8, 1)},
        "pointwise": {"weight": (6, 8), "bias": (6,)},
    }
    conv = getattr(nn, f"conv{n}d")
    y = conv(x, params["depthwise"]["weight"], padding=1, groups=4)
    y = conv(y, params["pointwise"]["weight"], params["pointwise"]["bias"])
    np.testing.assert_allclose(layer.apply(params, state, x)[0], y, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 5, 3, 2), (1, 3, 2, 2, 2)])
def test_response_norm_is_that_of_torch(
    size: int, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    options = {"alpha": 0.5, "beta": 0.7, "k": 1.3}
    layer = nn.LocalResponseNorm(size, **options)
    for dtype, tol in ((np.float64, 1e-10), (np.float32, 1e-5)):
        x = rng.normal(size=shape).astype(dtype)
        t = torch.tensor(x, requires_grad=True)
        expected = torch.nn.functional.local_response_norm(t, size, **options)
        expected.sin().sum().backward()
        y, back = rt.vjp(lambda x: layer.apply({}, {}, x)[0], rt.asarray(x))
        assert y.dtype == dtype
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tol, atol=tol)
        np.testing.assert_allclose(back(rt.cos(y))[0], t.grad.numpy(), rtol=tol, atol=tol)
    last = nn.LocalResponseNorm(size, **options, data_format="NHWC")
    z, _ = last.apply({}, {}, rt.moveaxis(rt.asarray(x), 1, -1))
    np.testing.assert_allclose(rt.moveaxis(z, -1, 1), y, rtol=1e-6)
    rt.check_grads(lambda x: layer.apply({}, {}, x)[0], (rt.asarray(rng.normal(size=shape)),))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.DepthwiseConv2d(3, multiplier=0), errors.ArgumentError,
         r"\[DepthwiseConv2d\] multiplier"),
        (lambda: nn.DepthwiseConv2d(0), errors.ArgumentError, r"\[DepthwiseConv2d\] kernel_size"),
        (lambda: nn.DepthwiseConv1d(3).apply(
            {"weight": rt.ones((4, 1, 3)), "bias": rt.ones(4)}, {}, rt.ones((1, 5, 8))),
         errors.ShapeError, r"\[DepthwiseConv1d\] x: expected 4 channels"),
        (lambda: nn.DepthwiseConv2d(3).init(rt.random.key(0), rt.ones((2, 2))),
         errors.ShapeError, r"\[DepthwiseConv2d\] x"),
        (lambda: nn.SeparableConv2d(3, 3).init(None, rt.ones((2, 2, 5, 5))),
         errors.ArgumentError, r"\['depthwise'\] SeparableConv2d\] init"),
        (lambda: nn.LocalResponseNorm(0), errors.ArgumentError, "size"),
        (lambda: nn.LocalResponseNorm(2, data_format="?"), errors.ArgumentError, "data_format"),
        (lambda: nn.LocalResponseNorm(2).apply({}, {}, rt.ones((2, 2))), errors.ShapeError,
         r"\[LocalResponseNorm\] x"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
