"""Pooling against PyTorch, and its layers."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

CASES: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("max_pool1d", (2, 3, 9), {"kernel_size": 3}),
    ("max_pool1d", (3, 10), {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
    ("max_pool2d", (2, 3, 7, 8), {"kernel_size": 2}),
    ("max_pool2d", (2, 3, 7, 8), {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
    ("max_pool2d", (2, 3, 7, 8), {"kernel_size": 3, "stride": 2, "dilation": (1, 2)}),
    ("max_pool2d", (2, 3, 7, 8), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("max_pool3d", (1, 2, 5, 4, 6), {"kernel_size": 2, "stride": 2, "ceil_mode": True}),
    ("avg_pool1d", (2, 3, 9), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ("avg_pool2d", (2, 3, 7, 8), {"kernel_size": 2}),
    ("avg_pool2d", (2, 3, 7, 8), {"kernel_size": (3, 4), "stride": 2, "padding": (1, 2)}),
    ("avg_pool2d", (2, 3, 7, 8), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("avg_pool2d", (2, 3, 7, 8), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True,
                                  "count_include_pad": False}),
    ("avg_pool2d", (2, 3, 7, 8), {"kernel_size": 3, "padding": 1, "divisor_override": 5}),
    ("avg_pool3d", (1, 2, 5, 4, 6), {"kernel_size": (2, 3, 2), "padding": (0, 1, 1)}),
    ("lp_pool1d", (2, 3, 9), {"norm_type": 2, "kernel_size": 3}),
    ("lp_pool2d", (2, 3, 7, 8), {"norm_type": 4, "kernel_size": 3, "stride": 2}),
    ("lp_pool2d", (2, 3, 7, 8), {"norm_type": 2, "kernel_size": 3, "stride": 2,
                                 "ceil_mode": True}),
    ("adaptive_avg_pool1d", (2, 3, 9), {"output_size": 4}),
    ("adaptive_avg_pool2d", (2, 3, 7, 8), {"output_size": (3, 4)}),
    ("adaptive_avg_pool2d", (2, 3, 7, 8), {"output_size": (None, 1)}),
    ("adaptive_avg_pool3d", (1, 2, 5, 4, 6), {"output_size": 3}),
    ("adaptive_max_pool1d", (2, 3, 9), {"output_size": 3}),
    ("adaptive_max_pool2d", (2, 3, 7, 8), {"output_size": (3, 5)}),
    ("adaptive_max_pool3d", (1, 2, 5, 4, 6), {"output_size": (2, None, 4)}),
]  # fmt: skip

LAYER_OF = {"max": "MaxPool", "avg": "AvgPool", "lp": "LPPool",
            "adaptive_avg": "AdaptiveAvgPool", "adaptive_max": "AdaptiveMaxPool"}  # fmt: skip


def layer_of(name: str, options: Any, **more: Any) -> Any:
    kind, _, axes = name.rpartition("_pool")
    return getattr(nn, LAYER_OF[kind] + axes)(**options, **more)


@pytest.mark.parametrize(("name", "shape", "options"), CASES, ids=str)
def test_pooling_is_that_of_torch(
    name: str, shape: Any, options: Any, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(nn, name), getattr(torch.nn.functional, name)
    for dtype, tol in ((np.float64, 1e-10), (np.float32, 1e-5)):
        x = rng.normal(size=shape).astype(dtype)
        t = torch.tensor(x, requires_grad=True)
        expected = theirs(t, **options)
        y, back = rt.vjp(lambda x: ours(x, **options), rt.asarray(x))
        assert y.dtype == dtype
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tol, atol=tol)
        ct = rng.normal(size=y.shape).astype(dtype)
        (bar,) = torch.autograd.grad(expected, t, torch.tensor(ct))
        np.testing.assert_allclose(back(rt.asarray(ct))[0], bar.numpy(), rtol=tol, atol=tol)


@pytest.mark.parametrize("case", [c for c in CASES if "max" in c[0]], ids=str)
def test_indices_are_those_of_torch(case: Any, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    name, shape, options = case
    x = rng.integers(0, 3, shape).astype(np.float64)  # with ties
    theirs = getattr(torch.nn.functional, name)
    values, indices = theirs(torch.tensor(x), return_indices=True, **options)
    layer = layer_of(name, options, return_indices=True)
    for y, where in (getattr(nn, name)(x, return_indices=True, **options),
                     layer.apply({}, {}, rt.asarray(x))[0]):  # fmt: skip
        np.testing.assert_array_equal(y, values.numpy())
        np.testing.assert_array_equal(where, indices.numpy())
        assert where.dtype == rt.int64
    last = layer_of(name, options, return_indices=True, data_format="NHWC")
    y, where = last.apply({}, {}, rt.moveaxis(rt.asarray(x), -1 - int(name[-2]), -1))[0]
    np.testing.assert_array_equal(rt.moveaxis(where, -1, -1 - int(name[-2])), indices.numpy())


@pytest.mark.parametrize(("n", "options"), [
    (1, {"kernel_size": 2}), (1, {"kernel_size": 3, "stride": 4, "padding": 1}),
    (2, {"kernel_size": (2, 3)}), (2, {"kernel_size": 2, "stride": (3, 2)}),
    (3, {"kernel_size": 2}),
], ids=str)  # fmt: skip
def test_max_unpool_is_that_of_torch(
    n: int, options: dict[str, Any], rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    x = rng.normal(size=(2, 3, 9, 8, 7)[: n + 2])
    y, where = getattr(f, f"max_pool{n}d")(torch.tensor(x), return_indices=True, **options)
    y.requires_grad_()
    size = x.shape[2:]
    expected = getattr(f, f"max_unpool{n}d")(y, where, output_size=size, **options)
    function = getattr(nn, f"max_unpool{n}d")
    a, b = rt.asarray(y.detach().numpy()), rt.asarray(where.numpy())
    z, back = rt.vjp(lambda a: function(a, b, output_size=size, **options), a)
    _same(z, expected)
    ct = rng.normal(size=z.shape)
    (bar,) = torch.autograd.grad(expected, y, torch.tensor(ct))
    np.testing.assert_array_equal(back(rt.asarray(ct))[0], bar.numpy())
    layer = getattr(nn, f"MaxUnpool{n}d")(output_size=size, **options)
    _same(rt.jit(layer.apply)({}, {}, (a, b))[0], expected)
    last = getattr(nn, f"MaxUnpool{n}d")(output_size=size, data_format="NHWC", **options)
    turned, _ = last.apply({}, {}, (rt.moveaxis(a, 1, -1), rt.moveaxis(b, 1, -1)))
    _same(rt.moveaxis(turned, -1, 1), expected)
    lanes = rt.vmap(lambda a, b: function(a, b, output_size=size, **options))(a, b)
    _same(lanes, expected)


@pytest.mark.parametrize("options", [{"stride": 3}, {"stride": 4, "padding": 1}], ids=str)
def test_max_unpool_knows_the_smallest_size(options: Any) -> None:
    torch = pytest.importorskip("torch")
    y, where = torch.ones(1, 2, 3), torch.tensor([[[0, 2, 4], [1, 3, 5]]])
    expected = torch.nn.functional.max_unpool1d(y, where, 3, **options)
    _same(nn.max_unpool1d(y.numpy(), where.numpy(), 3, **options), expected)


def _same(ours: Any, theirs: Any) -> None:
    np.testing.assert_array_equal(ours, theirs.detach().numpy())


def test_ties_go_to_the_first() -> None:
    x = rt.asarray([[2.0, 2.0, 1.0, 2.0]])
    assert rt.grad(lambda x: rt.sum(nn.max_pool1d(x, 2)))(x).tolist() == [[1.0, 0.0, 0.0, 1.0]]
    assert rt.grad(lambda x: rt.sum(nn.max_pool1d(x, 3, 1)))(x).tolist() == [[1.0, 1.0, 0.0, 0.0]]


def test_golden_numbers() -> None:
    x = rt.reshape(rt.arange(16.0), (1, 4, 4))
    assert nn.max_pool2d(x, 2).tolist() == [[[5.0, 7.0], [13.0, 15.0]]]
    assert nn.avg_pool2d(x, 2).tolist() == [[[2.5, 4.5], [10.5, 12.5]]]
    assert nn.lp_pool2d(x, 1, 2).tolist() == [[[10.0, 18.0], [42.0, 50.0]]]
    assert nn.adaptive_max_pool2d(x, (1, 3)).tolist() == [[[13.0, 14.0, 15.0]]]
    assert nn.adaptive_avg_pool2d(x, (3, 1)).tolist() == [[[3.5], [7.5], [11.5]]]


def test_nan_is_largest() -> None:
    x = rt.asarray([[1.0, rt.nan, 3.0, 2.0]])
    y, where = nn.max_pool1d(x, 2, return_indices=True)
    np.testing.assert_array_equal(y, [[np.nan, 3.0]])
    assert where.tolist() == [[1, 2]]


def test_integers() -> None:
    x = rt.asarray([[[1, -5, 7]]], dtype=rt.int32)
    assert nn.max_pool1d(x, 3, 1, 1).tolist() == [[[1, 7, 7]]]
    with pytest.raises(errors.DTypeError, match=r"\[avg_pool1d\] x"):
        nn.avg_pool1d(x, 2)


@pytest.mark.parametrize(("name", "shape", "options"), CASES, ids=str)
def test_layers(name: str, shape: Any, options: Any, rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=shape))
    n = int(name[-2])
    first, last = (layer_of(name, options, data_format=f) for f in ("NCHW", "NHWC"))
    assert first.init(None, x) == ({}, {})
    y, state = first.apply({}, {}, x)
    assert state == {}
    np.testing.assert_array_equal(y, getattr(nn, name)(x, **options))
    z, _ = last.apply({}, {}, rt.moveaxis(x, -1 - n, -1))
    np.testing.assert_allclose(rt.moveaxis(z, -1, -1 - n), y, rtol=1e-12)

    def call(x: rt.Array) -> rt.Array:
        return first.apply({}, {}, x)[0]

    np.testing.assert_allclose(rt.jit(call)(x), y, rtol=1e-12)
    xs = rt.asarray(rng.normal(size=(3, *shape)))
    np.testing.assert_allclose(rt.vmap(call)(xs), rt.stack([call(x) for x in xs]), rtol=1e-12)

    def loss(x: rt.Array) -> rt.Array:
        return rt.sum(call(x) ** 2)

    grads = rt.stack([rt.grad(loss)(x) for x in xs])
    np.testing.assert_allclose(rt.vmap(rt.grad(loss))(xs), grads, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(rt.jit(rt.grad(loss))(xs[0]), grads[0], rtol=1e-10, atol=1e-12)
    half = call(x.astype(rt.bfloat16))
    assert half.dtype == rt.bfloat16


def test_derivatives_of_all_orders(rng: np.random.Generator) -> None:
    x = rt.asarray(rng.permutation(40).reshape(1, 2, 5, 4) / 10)
    for pool in (
        lambda x: nn.max_pool2d(x, 3, 2, 1),
        lambda x: nn.avg_pool2d(x, 2, 1, 1),
        lambda x: nn.lp_pool2d(x + 1.0, 3, 2),
        lambda x: nn.adaptive_max_pool2d(x, (2, 3)),
    ):
        rt.check_grads(lambda x, pool=pool: rt.sum(rt.tanh(pool(x))), (x,), order=2)


def test_global_pooling(rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(2, 3, 4, 5)))
    turned = rt.moveaxis(x, 1, -1)
    for make, reduce in ((nn.GlobalAvgPool, rt.mean), (nn.GlobalMaxPool, rt.max)):
        expected = reduce(x, axis=(2, 3))
        np.testing.assert_allclose(make().apply({}, {}, x)[0], expected)
        np.testing.assert_allclose(make(data_format="NHWC").apply({}, {}, turned)[0], expected)
        assert make(keepdims=True).apply({}, {}, x)[0].shape == (2, 3, 1, 1)
    with pytest.raises(errors.ShapeError, match=r"\[GlobalAvgPool\]"):
        nn.GlobalAvgPool().apply({}, {}, rt.ones((2, 3)))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.max_unpool1d(rt.ones((1, 2)), rt.ones((1, 2)), 2), errors.DTypeError,
         r"\[max_unpool1d\] indices: expected integers"),
        (lambda: nn.max_unpool1d(rt.ones((1, 2)), rt.asarray([[1]]), 2), errors.ShapeError,
         r"\[max_unpool1d\] indices: expected the shape of x"),
        (lambda: nn.MaxUnpool2d(2).apply({}, {}, rt.ones((1, 2, 2))), errors.ArgumentError,
         r"\[MaxUnpool2d\] input: expected the pair"),
        (lambda: nn.MaxPool2d(0), errors.ArgumentError, r"\[MaxPool2d\] kernel_size"),
        (lambda: nn.MaxPool2d(2, padding=2), errors.ArgumentError, "at most half"),
        (lambda: nn.AvgPool1d(2, data_format="CNL"), errors.ArgumentError, "data_format"),
        (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), errors.ArgumentError, "output_size"),
        (lambda: nn.MaxPool2d(2).apply({}, {}, rt.ones((2, 2))), errors.ShapeError,
         r"\[MaxPool2d\] x: expected shape"),
        (lambda: nn.MaxPool2d(5).apply({}, {}, rt.ones((1, 1, 4, 8))), errors.ShapeError,
         r"\[MaxPool2d\] x: the window \(5, 5\)"),
        (lambda: rt.window_max(rt.ones(3), (2, 2)), errors.ShapeError, r"\[window_max\]"),
        (lambda: rt.window_max(rt.ones(3, dtype=rt.complex64), (2,)), errors.DTypeError, "real"),
        (lambda: rt.window_argmax(rt.ones(3), (2,), (0,)), errors.ArgumentError, "strides"),
    ],
)  # fmt: skip
def test_errors_name_the_layer(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
