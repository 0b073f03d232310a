"""Normalisation and dropout of channels against PyTorch."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

# name, positional arguments of PyTorch, options of both, shape of the input
BATCH: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("BatchNorm1d", {}, (6, 3)),
    ("BatchNorm1d", {"momentum": None}, (4, 3, 5)),
    ("BatchNorm2d", {}, (4, 3, 2, 5)),
    ("BatchNorm2d", {"momentum": 0.3, "eps": 1e-3}, (4, 3, 2, 5)),
    ("BatchNorm2d", {"affine": False}, (4, 3, 2, 5)),
    ("BatchNorm2d", {"track_running_stats": False}, (4, 3, 2, 5)),
    ("BatchNorm3d", {}, (2, 3, 2, 3, 2)),
    ("InstanceNorm1d", {"affine": True}, (4, 3, 5)),
    ("InstanceNorm2d", {"affine": True, "track_running_stats": True}, (4, 3, 2, 5)),
    ("InstanceNorm3d", {}, (2, 3, 2, 3, 2)),
]
EXAMPLE: list[tuple[str, tuple[Any, ...], tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("LayerNorm", (5,), (), {}, (4, 3, 5)),
    ("LayerNorm", ((3, 5),), ((3, 5),), {"eps": 1e-3}, (4, 3, 5)),
    ("LayerNorm", (5,), (5,), {"bias": False}, (4, 5)),
    ("LayerNorm", (5,), (5,), {"elementwise_affine": False}, (4, 5)),
    ("GroupNorm", (2, 6), (2,), {}, (4, 6, 3, 2)),
    ("GroupNorm", (6, 6), (6,), {"affine": False}, (4, 6, 3)),
    ("RMSNorm", (5,), (), {}, (4, 3, 5)),
    ("RMSNorm", ((3, 5),), ((3, 5),), {"eps": 1e-3}, (4, 3, 5)),
]


def from_torch(module: Any) -> tuple[Any, Any]:
    """Parameters and state with other numbers than the first ones."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        for i, p in enumerate(module.parameters()):
            p.add_(torch.arange(p.numel(), dtype=p.dtype).reshape(p.shape) / 10 + i)
    params = {k: rt.asarray(p.detach().numpy()) for k, p in module.named_parameters()}
    return params, {k: rt.asarray(b.numpy()) for k, b in module.named_buffers()}


def close(a: Any, b: Any, tol: float) -> None:
    np.testing.assert_allclose(a, b.detach().numpy(), rtol=tol, atol=tol)


def train_beside(layer: Any, theirs: Any, shape: Any, dtype: Any, rng: Any) -> None:
    """Five steps of both; then the same in evaluation."""
    torch = pytest.importorskip("torch")
    tol = 1e-10 if dtype == np.float64 else 1e-5
    params, state = from_torch(theirs)
    mine, my_state = layer.init(None, rt.spec(shape, dtype))
    for one, other in ((mine, params), (my_state, state)):
        assert {k: (v.shape, v.dtype) for k, v in one.items()} == {
            k: (v.shape, v.dtype) for k, v in other.items()
        }
    optimizer = torch.optim.SGD([*theirs.parameters(), torch.zeros(1, requires_grad=True)], lr=0.1)

    @rt.jit
    def step(params: Any, state: Any, x: Any) -> Any:
        def loss(params: Any, x: Any) -> Any:
            y, new_state = layer.apply(params, state, x, train=True)
            return rt.mean(rt.tanh(y) * (y + 1.0)), (y, new_state)

        (_, (y, state)), grads = rt.value_and_grad(loss, argnums=(0, 1), has_aux=True)(params, x)
        params = rt.tree.map(lambda p, g: p - 0.1 * g, params, grads[0])
        return y, grads[1], params, state

    for i in range(5):
        x = (rng.normal(size=shape) * (i + 1) + i).astype(dtype)
        t = torch.tensor(x, requires_grad=True)
        optimizer.zero_grad()
        expected = theirs(t)
        (torch.tanh(expected) * (expected + 1)).mean().backward()
        optimizer.step()
        y, x_bar, params, state = step(params, state, rt.asarray(x))
        assert y.dtype == dtype
        close(y, expected, tol)
        close(x_bar, t.grad, tol)
    for k, p in theirs.named_parameters():
        close(params[k], p, tol)
    for k, b in theirs.named_buffers():
        if k == "num_batches_tracked":  # PyTorch's InstanceNorm does not count
            assert int(state[k]) == 5
        else:
            close(state[k], b, tol)
    x = rng.normal(size=shape).astype(dtype)
    y, same = layer.apply(params, state, rt.asarray(x))
    assert rt.tree.structure(same) == rt.tree.structure(state)
    close(y, theirs.eval()(torch.tensor(x)), tol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "options", "shape"), BATCH, ids=str)
def test_layers_with_statistics_train_as_in_torch(
    name: str, options: Any, shape: Any, dtype: Any, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, name)(
        shape[1], dtype=torch.float64 if dtype == np.float64 else torch.float32, **options
    )
    train_beside(getattr(nn, name)(**options), theirs, shape, dtype, rng)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "torch_args", "args", "options", "shape"), EXAMPLE, ids=str)
def test_layers_of_examples_train_as_in_torch(
    name: str, torch_args: Any, args: Any, options: Any, shape: Any, dtype: Any,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, name)(
        *torch_args, dtype=torch.float64 if dtype == np.float64 else torch.float32, **options
    )
    train_beside(getattr(nn, name)(*args, **options), theirs, shape, dtype, rng)


def test_golden_numbers() -> None:
    x = rt.asarray([[0.0, 1.0], [2.0, 5.0]])
    layer = nn.BatchNorm1d(eps=0.0)
    params, state = layer.init(None, x)
    y, state = layer.apply(params, state, x, train=True)
    np.testing.assert_allclose(y, [[-1, -1], [1, 1]], rtol=1e-6)
    np.testing.assert_allclose(state["running_mean"], [0.1, 0.3], rtol=1e-6)
    np.testing.assert_allclose(state["running_var"], [1.1, 1.7], rtol=1e-6)
    assert state["num_batches_tracked"].tolist() == 1
    z, _ = layer.apply(params, state, x)
    np.testing.assert_allclose(z[0], [-0.1 / 1.1**0.5, 0.7 / 1.7**0.5], rtol=1e-6)
    params, _ = nn.LayerNorm().init(None, x)
    y, _ = nn.LayerNorm(eps=0.0).apply(params, {}, x)
    np.testing.assert_allclose(y, [[-1, 1], [-1, 1]], rtol=1e-6)


@pytest.mark.parametrize(("name", "options", "shape"), BATCH, ids=str)
def test_channels_last(name: str, options: Any, shape: Any, rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=shape))
    first, last = (getattr(nn, name)(**options, data_format=f) for f in ("NCHW", "NHWC"))
    params, state = first.init(None, x)
    y, one = first.apply(params, state, x, train=True)
    z, other = last.apply(params, state, rt.moveaxis(x, 1, -1), train=True)
    np.testing.assert_allclose(rt.moveaxis(z, -1, 1), y, rtol=1e-10, atol=1e-12)
    rt.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), one, other)


def test_group_norm_channels_last(rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(2, 6, 3, 2)))
    params, _ = nn.GroupNorm(3).init(None, x)
    y, _ = nn.GroupNorm(3).apply(params, {}, x)
    z, _ = nn.GroupNorm(3, data_format="NHWC").apply(params, {}, rt.moveaxis(x, 1, -1))
    np.testing.assert_allclose(rt.moveaxis(z, -1, 1), y, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "layer",
    [nn.BatchNorm2d(), nn.InstanceNorm2d(), nn.GroupNorm(2), nn.LayerNorm(), nn.RMSNorm()],
    ids=["batch", "instance", "group", "layer", "rms"],
)
def test_transformed(layer: Any, rng: np.random.Generator) -> None:
    xs = rt.asarray(rng.normal(size=(3, 2, 4, 3, 5)))
    params, state = layer.init(None, xs[0])

    def call(x: rt.Array) -> rt.Array:
        return layer.apply(params, state, x, train=True)[0]

    expected = rt.stack([call(x) for x in xs])
    np.testing.assert_allclose(rt.vmap(call)(xs), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(rt.jit(call)(xs[0]), expected[0], rtol=1e-9, atol=1e-12)
    rt.check_grads(lambda x: rt.sum(rt.tanh(call(x))), (xs[0],), order=2)
    for dtype in (rt.float16, rt.bfloat16):
        half_params, half_state = layer.init(None, rt.spec(xs.shape[1:], dtype))
        y, new = layer.apply(half_params, half_state, xs[0].astype(dtype), train=True)
        assert y.dtype == dtype
        assert rt.tree.map(lambda a: a.dtype, new) == rt.tree.map(lambda a: a.dtype, half_state)


def test_synchronised_statistics(rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(6, 3, 2, 2)))
    plain, synced = nn.BatchNorm2d(), nn.BatchNorm2d(axis_name="devices")
    params, state = plain.init(None, x)
    y, new = plain.apply(params, state, x, train=True)

    def lane(x: rt.Array) -> Any:
        return synced.apply(params, state, x, train=True)

    parts, news = rt.vmap(lane, axis_name="devices")(rt.reshape(x, (3, 2, 3, 2, 2)))
    np.testing.assert_allclose(rt.reshape(parts, x.shape), y, rtol=1e-10, atol=1e-12)
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(news[name][0], new[name], rtol=1e-12)


def test_statistics_have_no_derivative(rng: np.random.Generator) -> None:
    layer = nn.BatchNorm1d()
    x = rt.asarray(rng.normal(size=(5, 2)))
    params, state = layer.init(None, x)

    def total(x: rt.Array) -> rt.Array:
        return rt.sum(layer.apply(params, state, x, train=True)[1]["running_mean"])

    assert not bool(rt.any(rt.grad(total)(x)))


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm2d(), nn.InstanceNorm2d(affine=True, track_running_stats=True)]
)
def test_parameters_and_state_can_be_donated_together(layer: Any) -> None:
    x = rt.ones((2, 3, 4, 4))
    params, state = layer.init(None, x)
    step = rt.jit(
        lambda params, state: (params, layer.apply(params, state, x, train=True)[1]),
        donate_argnums=(0, 1),
    )
    params, state = step(*step(params, state))
    assert int(state["num_batches_tracked"]) == 2


# ---- dropout of channels -------------------------------------------------------------------------


@pytest.mark.reuses_keys
@pytest.mark.parametrize("n", [1, 2, 3])
def test_dropout_of_channels(n: int) -> None:
    layer = getattr(nn, f"Dropout{n}d")(0.25)
    x, key = rt.ones((40, 50, *[2] * n)), rt.random.key(0)
    y = np.asarray(layer.apply({}, {}, x, key=key, train=True)[0])
    flat = y.reshape(40, 50, -1)
    assert (flat == flat[..., :1]).all()
    assert abs((flat[..., 0] != 0).mean() - 0.75) < 0.05
    np.testing.assert_allclose(np.unique(flat), [0, 4 / 3], rtol=1e-6)
    assert layer.apply({}, {}, x)[0] is x
    last = getattr(nn, f"Dropout{n}d")(0.25, data_format="NHWC")
    z, _ = last.apply({}, {}, rt.moveaxis(x, 1, -1), key=key, train=True)
    assert (np.asarray(z) == np.asarray(z)[(slice(None), *[slice(1)] * n)]).all()
    one, _ = layer.apply({}, {}, x[0], key=key, train=True)
    assert one.shape == x.shape[1:]
    with pytest.raises(errors.ArgumentError, match=rf"\[Dropout{n}d\].*key"):
        layer.apply({}, {}, x, train=True)


@pytest.mark.reuses_keys
def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = rt.random.normal(rt.random.key(0), (50000,))
    layer = nn.AlphaDropout(0.3)
    y, _ = layer.apply({}, {}, x, key=rt.random.key(1), train=True)
    assert abs(float(y.mean())) < 0.03
    assert abs(float(y.std()) - 1) < 0.03
    assert layer.apply({}, {}, x)[0] is x
    assert not bool(rt.any(nn.AlphaDropout(1.0).apply({}, {}, x, key=rt.random.key(1),
                                                      train=True)[0]))  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.BatchNorm2d(eps=-1.0), errors.ArgumentError, r"\[BatchNorm2d\] eps"),
        (lambda: nn.BatchNorm2d().init(None, rt.spec((2, 3))), errors.ShapeError,
         r"\[BatchNorm2d\] x: expected shape \(batch, channels, height, width\)"),
        (lambda: nn.BatchNorm1d(affine=False, track_running_stats=False).apply(
            {}, {}, rt.ones((1, 3)), train=True), errors.ShapeError, "more than one value"),
        (lambda: nn.BatchNorm1d().apply({}, {}, rt.ones((2, 3))), errors.TreeError,
         r"\[BatchNorm1d\] params"),
        (lambda: nn.BatchNorm1d().apply(*nn.BatchNorm1d().init(None, rt.spec((2, 3))),
                                        rt.ones((2, 4))),
         errors.ShapeError, r"\[BatchNorm1d\] x: expected 3 channels"),
        (lambda: nn.LayerNorm((2, 3)).init(None, rt.spec((4, 3))), errors.ShapeError,
         r"\[LayerNorm\] x: expected shape \(\.\.\., 2, 3\)"),
        (lambda: nn.LayerNorm("3"), errors.ArgumentError, "normalized_shape"),
        (lambda: nn.GroupNorm(2).init(None, rt.spec((4, 3))), errors.ShapeError, "num_groups=2"),
        (lambda: nn.InstanceNorm1d().apply({}, {}, rt.ones((2, 3, 1)), train=True),
         errors.ShapeError, r"\[InstanceNorm1d\] x: training"),
        (lambda: nn.Dropout2d(1.5), errors.ArgumentError, r"\[Dropout2d\] rate"),
        (lambda: nn.AlphaDropout(-0.1), errors.ArgumentError, r"\[AlphaDropout\] rate"),
    ],
)  # fmt: skip
def test_errors_name_the_layer(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
