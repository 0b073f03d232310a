"""Convolutions against PyTorch and JAX, and their layers."""

import itertools
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

# n axes, input, kernel, arguments
CASES: list[tuple[int, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    (1, (2, 3, 9), (4, 3, 3), {}),
    (1, (2, 4, 9), (6, 2, 3), {"stride": 2, "padding": 1, "groups": 2}),
    (2, (2, 3, 7, 6), (4, 3, 3, 2), {"padding": (1, 0), "stride": (1, 2)}),
    (2, (2, 3, 7, 6), (4, 3, 3, 2), {"padding": "same"}),
    (2, (2, 3, 7, 6), (4, 3, 2, 2), {"padding": "same", "dilation": (2, 3)}),
    (2, (2, 3, 7, 6), (4, 3, 3, 3), {"padding": "valid", "dilation": 2}),
    (2, (2, 4, 8, 8), (4, 1, 3, 3), {"groups": 4, "padding": 1}),
    (2, (2, 4, 8, 8), (8, 1, 3, 3), {"groups": 4, "stride": 2}),
    (2, (2, 4, 9, 9), (5, 4, 1, 1), {}),
    (2, (4, 5, 5), (2, 4, 3, 3), {"padding": 1}),
    (3, (2, 2, 5, 4, 3), (3, 2, 2, 3, 2), {"padding": (0, 1, 1), "stride": (2, 1, 1)}),
]
TRANSPOSED: list[tuple[int, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    (1, (2, 3, 5), (3, 4, 3), {}),
    (1, (2, 4, 5), (4, 3, 4), {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2}),
    (2, (2, 3, 5, 4), (3, 2, 4, 4), {"stride": 2, "padding": 1}),
    (2, (2, 3, 5, 4), (3, 2, 3, 2), {"stride": (2, 1), "dilation": (1, 2), "padding": (2, 0)}),
    (2, (4, 5, 4), (4, 1, 3, 3), {"groups": 4, "stride": 2, "output_padding": 1}),
    (3, (1, 2, 3, 2, 2), (2, 3, 2, 2, 3), {"stride": 2}),
]


def arrays(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [rng.normal(size=shape) for shape in shapes]


def check_against(ours: Any, theirs: Any, operands: list[np.ndarray], rng: Any) -> None:
    """Values and all gradients, in float64 and float32."""
    torch = pytest.importorskip("torch")
    for dtype, tol in ((np.float64, 1e-10), (np.float32, 1e-5)):
        xs = [x.astype(dtype) for x in operands]
        ts = [torch.tensor(x, requires_grad=True) for x in xs]
        expected = theirs(*ts)
        y, back = rt.vjp(ours, *map(rt.asarray, xs))
        assert y.dtype == dtype
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tol, atol=10 * tol)
        ct = rng.normal(size=y.shape).astype(dtype)
        bars = torch.autograd.grad(expected, ts, torch.tensor(ct))
        for bar, e in zip(back(rt.asarray(ct)), bars, strict=True):
            np.testing.assert_allclose(bar, e.numpy(), rtol=tol, atol=10 * tol)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv_is_that_of_torch(case: Any, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    n, x, w, options = case
    name = f"conv{n}d"
    ours, theirs = getattr(nn, name), getattr(torch.nn.functional, name)
    operands = arrays(rng, x, w, (w[0],))
    check_against(lambda *a: ours(*a, **options), lambda *a: theirs(*a, **options), operands, rng)


@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_conv_transpose_is_that_of_torch(case: Any, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    n, x, w, options = case
    name = f"conv_transpose{n}d"
    ours, theirs = getattr(nn, name), getattr(torch.nn.functional, name)
    operands = arrays(rng, x, w, (w[1] * options.get("groups", 1),))
    check_against(lambda *a: ours(*a, **options), lambda *a: theirs(*a, **options), operands, rng)


@pytest.mark.parametrize("padding", ["SAME", "SAME_LOWER", "VALID", ((1, -1), (-1, 2))])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_general_dilated_is_that_of_jax(
    padding: Any, groups: int, rng: np.random.Generator
) -> None:
    jax = pytest.importorskip("jax")
    x, w = arrays(rng, (2, 4, 6, 5), (4, 4 // groups, 3, 2))
    x, w = x.astype(np.float32), w.astype(np.float32)
    for strides, lhs, rhs in itertools.product(
        ((1, 1), (2, 1)), ((1, 1), (2, 3)), ((1, 1), (1, 2))
    ):
        if isinstance(padding, str) and lhs != (1, 1):
            continue  # JAX refuses it
        args = (strides, padding, lhs, rhs)
        expected = jax.lax.conv_general_dilated(x, w, *args, feature_group_count=groups)
        y = rt.conv_general_dilated(x, w, *args, feature_group_count=groups)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_golden_numbers() -> None:
    x = rt.reshape(rt.arange(16.0), (1, 1, 4, 4))
    w = rt.reshape(rt.arange(4.0), (1, 1, 2, 2))
    assert nn.conv2d(x, w, stride=2).tolist() == [[[[24.0, 36.0], [72.0, 84.0]]]]
    assert nn.conv2d(x, w, rt.ones(1), stride=3, padding=1).tolist() == [
        [[[1.0, 14.0], [45.0, 85.0]]]
    ]
    assert nn.conv_transpose2d(x[..., :2, :2], w)[0, 0].tolist() == [
        [0.0, 0.0, 1.0], [0.0, 6.0, 8.0], [8.0, 22.0, 15.0],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("strides", "lhs", "groups"), [((1, 1), (1, 1), 1), ((2, 1), (1, 2), 2), ((1, 1), (2, 2), 1)]
)
def test_derivatives_of_all_orders(
    strides: Any, lhs: Any, groups: int, rng: np.random.Generator
) -> None:
    x, w = map(rt.asarray, arrays(rng, (2, 2, 4, 3), (2, 2 // groups, 2, 2)))

    def f(x: rt.Array, w: rt.Array) -> rt.Array:
        y = rt.conv_general_dilated(
            x, w, strides, ((1, 0), (0, 1)), lhs, feature_group_count=groups
        )
        return rt.sum(rt.tanh(y))

    rt.check_grads(f, (x, w), order=2)


def test_transformed(rng: np.random.Generator) -> None:
    x, w = map(rt.asarray, arrays(rng, (3, 2, 4, 5, 5), (3, 6, 2, 3, 3)))

    def f(x: rt.Array, w: rt.Array) -> rt.Array:
        return nn.conv2d(x, w, padding=1, groups=2)

    def loss(x: rt.Array, w: rt.Array) -> rt.Array:
        return rt.sum(f(x, w) ** 2)

    for axes in ((0, 0), (0, None), (None, 0)):
        args = [a if axis == 0 else a[0] for a, axis in zip((x, w), axes, strict=True)]
        lanes = [
            [a[i] if axis == 0 else a for a, axis in zip(args, axes, strict=True)] for i in range(3)
        ]
        np.testing.assert_allclose(
            rt.vmap(f, axes)(*args), rt.stack([f(*lane) for lane in lanes]), rtol=1e-10, atol=1e-12
        )
        grads = rt.vmap(rt.grad(loss, argnums=1), axes)(*args)
        expected = rt.stack([rt.grad(loss, argnums=1)(*lane) for lane in lanes])
        np.testing.assert_allclose(grads, expected, rtol=1e-10, atol=1e-10)
    for eager, jitted in zip(
        rt.grad(loss, argnums=(0, 1))(x[0], w[0]),
        rt.jit(rt.grad(loss, argnums=(0, 1)))(x[0], w[0]),
        strict=True,
    ):
        np.testing.assert_allclose(jitted, eager, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16])
def test_half_precision_is_accumulated_in_float32(dtype: Any) -> None:
    x, w = rt.ones((1, 1, 70, 70), dtype=dtype), rt.ones((1, 1, 64, 64), dtype=dtype)
    y = nn.conv2d(x, w)
    assert y.dtype == dtype
    assert bool(rt.all(y == 4096))
    small = rt.full((1, 4096, 1), 2.0**-12, dtype=dtype)
    assert nn.conv1d(small, rt.ones((1, 4096, 1), dtype=dtype)).tolist() == [[[1.0]]]


def test_large_input_goes_in_parts(rng: np.random.Generator) -> None:
    x, w = arrays(rng, (5, 8, 64, 64), (4, 8, 3, 3))
    whole = rt.conv_general_dilated(x, w, (1, 1), "SAME")
    parts = [rt.conv_general_dilated(x[i : i + 1], w, (1, 1), "SAME") for i in range(5)]
    np.testing.assert_allclose(whole, rt.concat(parts), rtol=1e-12, atol=1e-12)


# ---- layers --------------------------------------------------------------------------------------

LAYERS = [
    ("Conv1d", (2, 4, 9), {"out_channels": 6, "kernel_size": 3, "groups": 2, "stride": 2}),
    ("Conv2d", (2, 3, 8, 7), {"out_channels": 4, "kernel_size": (3, 2), "padding": "same"}),
    *[
        ("Conv2d", (2, 3, 8, 7), {"out_channels": 4, "kernel_size": 3, "padding": (2, 1),
                                  "padding_mode": mode})
        for mode in ("zeros", "reflect", "replicate", "circular")
    ],
    ("Conv2d", (2, 3, 8, 7), {"out_channels": 4, "kernel_size": 3, "bias": False}),
    ("Conv3d", (1, 2, 4, 5, 4), {"out_channels": 3, "kernel_size": 2, "dilation": 2}),
    ("ConvTranspose1d", (2, 4, 5), {"out_channels": 6, "kernel_size": 3, "groups": 2, "stride": 2}),
    ("ConvTranspose2d", (2, 3, 4, 5), {"out_channels": 4, "kernel_size": 4, "stride": 2,
                                       "padding": 1, "output_padding": 1}),
    ("ConvTranspose3d", (1, 2, 3, 2, 3), {"out_channels": 3, "kernel_size": 2, "stride": 2}),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("name", "shape", "options"), LAYERS, ids=str)
def test_layers_train_as_in_torch(
    name: str, shape: Any, options: Any, rng: np.random.Generator
) -> None:
    """Five steps of gradient descent from PyTorch's weights."""
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, name)(shape[1], dtype=torch.float64, **options)
    layer = getattr(nn, name)(**options)
    mine, _ = layer.init(rt.random.key(0), rt.spec(shape, rt.float64))
    params = {k: rt.asarray(p.detach().numpy()) for k, p in theirs.named_parameters()}
    assert rt.tree.map(lambda p: p.shape, mine) == rt.tree.map(lambda p: p.shape, params)
    bound = max(float(rt.max(rt.abs(p))) for p in mine.values())
    assert bound <= 1 / np.sqrt(np.prod(mine["weight"].shape[1:]))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.01)

    @rt.jit
    def step(params: Any, x: Any) -> Any:
        def loss(params: Any) -> rt.Array:
            return rt.mean(rt.tanh(layer.apply(params, {}, x)[0]) ** 2)

        value, grads = rt.value_and_grad(loss)(params)
        return value, rt.tree.map(lambda p, g: p - 0.01 * g, params, grads)

    for _ in range(5):
        x = rng.normal(size=shape)
        optimizer.zero_grad()
        expected = (torch.tanh(theirs(torch.tensor(x))) ** 2).mean()
        expected.backward()
        optimizer.step()
        value, params = step(params, rt.asarray(x))
        np.testing.assert_allclose(value, expected.item(), rtol=1e-10)
    for k, p in theirs.named_parameters():
        np.testing.assert_allclose(params[k], p.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.reuses_keys
@pytest.mark.parametrize(("name", "shape", "options"), LAYERS, ids=str)
def test_channels_last(name: str, shape: Any, options: Any, rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=shape))
    first, last = (getattr(nn, name)(**options, data_format=f) for f in ("NCHW", "NHWC"))
    params, _ = first.init(rt.random.key(0), x)
    turned = rt.moveaxis(x, 1, -1)
    same, _ = last.init(rt.random.key(0), turned)
    assert rt.tree.all(rt.tree.map(lambda a, b: bool(rt.all(a == b)), params, same))
    y, _ = first.apply(params, {}, x)
    z, _ = last.apply(params, {}, turned)
    np.testing.assert_allclose(rt.moveaxis(z, -1, 1), y, rtol=1e-12)
    assert nn.output_spec(first, params, {}, x).shape == y.shape
    one, _ = first.apply(params, {}, x[0])
    np.testing.assert_allclose(one, y[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.Conv2d(0, 3), errors.ArgumentError, r"\[Conv2d\] out_channels"),
        (lambda: nn.Conv2d(4, (3,)), errors.ArgumentError, r"\[Conv2d\] kernel_size"),
        (lambda: nn.Conv2d(4, 3, padding="full"), errors.ArgumentError, "'same' or 'valid'"),
        (lambda: nn.Conv2d(4, 3, 2, "same"), errors.ArgumentError, "state the padding"),
        (lambda: nn.Conv2d(4, 3, padding_mode="edge"), errors.ArgumentError, "padding_mode"),
        (lambda: nn.Conv2d(4, 3, groups=3), errors.ArgumentError, "multiple of groups=3"),
        (lambda: nn.Conv2d(4, 3, data_format="HWCN"), errors.ArgumentError, "data_format"),
        (lambda: nn.Conv2d(4, 3).init(rt.random.key(0), rt.spec((3,))), errors.ShapeError,
         r"\[Conv2d\] x: expected shape \(batch, channels, height, width\)"),
        (lambda: nn.Conv2d(4, 3, groups=2).init(rt.random.key(0), rt.spec((1, 3, 8, 8))),
         errors.ShapeError, r"\[Conv2d\] x: .*multiple of groups=2"),
        (lambda: nn.Conv2d(4, 3).apply({"weight": rt.ones((4, 3, 3, 3)), "bias": rt.ones(4)}, {},
                                       rt.ones((1, 2, 8, 8))),
         errors.ShapeError, r"\[Conv2d\] x: expected 3 channels"),
        (lambda: nn.Conv2d(4, 3).apply({}, {}, rt.ones((1, 2, 8, 8))), errors.TreeError, "Conv2d"),
        (lambda: nn.conv2d(rt.ones((1, 2, 8, 8)), rt.ones((4, 2, 3))), errors.ShapeError,
         r"\[conv2d\] weight"),
        (lambda: nn.conv2d(rt.ones((1, 2, 8, 8)), rt.ones((4, 2, 3, 3)), rt.ones(3)),
         errors.ShapeError, r"\[conv2d\] bias"),
        (lambda: nn.conv_transpose1d(rt.ones((1, 2, 8)), rt.ones((2, 4, 3)), output_padding=1),
         errors.ArgumentError, "output_padding"),
        (lambda: rt.conv_general_dilated(rt.ones((1, 2, 8)), rt.ones((4, 3, 3)), (1,), "SAME"),
         errors.ShapeError, r"\[conv_general_dilated\]"),
        (lambda: rt.conv_general_dilated(rt.ones((1, 2, 8)), rt.ones((4, 2, 3)), (1, 1), "SAME"),
         errors.ArgumentError, "window_strides"),
        (lambda: rt.conv_general_dilated(rt.ones((1, 2, 8)), rt.ones((4, 2, 3)), (1,), "FULL"),
         errors.ArgumentError, "padding"),
        (lambda: rt.conv_general_dilated(rt.ones((1, 2, 8)), rt.ones((4, 2, 3)), (1,), [1]),
         errors.ArgumentError, "pairs"),
    ],
)  # fmt: skip
def test_errors_name_the_layer(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
