"""interpolate and Upsample as PyTorch has them."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

SPACES = ((7,), (5, 6), (4, 3, 5))
HOW: list[dict[str, Any]] = [
    {"size": 3}, {"size": 12}, {"size": 1}, {"scale_factor": 2}, {"scale_factor": 1.7},
    {"scale_factor": 0.6}, {"scale_factor": 2.3, "recompute_scale_factor": True},
]  # fmt: skip
MODES: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("nearest", (1, 2, 3), {}), ("nearest-exact", (1, 2, 3), {}), ("area", (1, 2, 3), {}),
    ("linear", (1,), {}), ("linear", (1,), {"align_corners": True}),
    ("bilinear", (2,), {}), ("bilinear", (2,), {"align_corners": True}),
    ("trilinear", (3,), {}), ("trilinear", (3,), {"align_corners": True}),
    ("bicubic", (2,), {}), ("bicubic", (2,), {"align_corners": True}),
    ("bilinear", (2,), {"antialias": True}), ("bicubic", (2,), {"antialias": True}),
    ("bilinear", (2,), {"antialias": True, "align_corners": True}),
    ("bicubic", (2,), {"antialias": True, "align_corners": True}),
]  # fmt: skip


def compare(x: Any, options: dict[str, Any], tol: float, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    t = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.interpolate(t, **options)
    y, back = rt.vjp(lambda x: nn.interpolate(x, **options), rt.asarray(x))
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tol, atol=tol)
    ct = rng.normal(size=y.shape).astype(x.dtype)
    (bar,) = torch.autograd.grad(expected, t, torch.tensor(ct))
    np.testing.assert_allclose(back(rt.asarray(ct))[0], bar.numpy(), rtol=tol, atol=tol)


@pytest.mark.parametrize(("mode", "axes", "options"), MODES, ids=str)
@pytest.mark.parametrize("how", HOW, ids=str)
def test_interpolate_is_that_of_torch(
    mode: str, axes: Any, options: Any, how: Any, rng: np.random.Generator
) -> None:
    for n in axes:
        x = rng.normal(size=(2, 3, *SPACES[n - 1]))
        compare(x, {"mode": mode, **options, **how}, 1e-10, rng)
        compare(x.astype(np.float32), {"mode": mode, **options, **how}, 1e-5, rng)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_the_nearest_element_is_that_of_torch(mode: str) -> None:
    torch = pytest.importorskip("torch")
    for n in (1, 3, 7, 10, 49):
        x = rt.arange(n)[None, None]
        t = torch.arange(n, dtype=torch.float32)[None, None]
        for m in range(1, 100):
            expected = torch.nn.functional.interpolate(t, m, mode=mode)
            y = nn.interpolate(x, m, mode=mode)
            np.testing.assert_array_equal(y, expected.numpy().astype(np.int64), f"{n} -> {m}")
            assert y.dtype == rt.int64
        for scale in (0.5, 0.3, 1.1, 2.5, 3, 7.9):
            if n * scale < 1:
                continue
            expected = torch.nn.functional.interpolate(t, scale_factor=scale, mode=mode)
            y = nn.interpolate(x, scale_factor=scale, mode=mode)
            np.testing.assert_array_equal(y, expected.numpy().astype(np.int64), f"{n} * {scale}")


@pytest.mark.parametrize("options", [
    {"size": (4, 9)}, {"scale_factor": 2, "mode": "bilinear"}, {"size": 3, "mode": "area"},
    {"scale_factor": (0.5, 1.5), "mode": "bicubic", "antialias": True},
], ids=str)  # fmt: skip
def test_the_layer_and_transforms(options: Any, rng: np.random.Generator) -> None:
    xs = rt.asarray(rng.normal(size=(3, 2, 2, 5, 4)))
    first, last = nn.Upsample(**options), nn.Upsample(**options, data_format="NHWC")
    assert first.init(None, xs[0]) == ({}, {})
    y, _ = first.apply({}, {}, xs[0])
    np.testing.assert_array_equal(y, nn.interpolate(xs[0], **options))
    z, _ = last.apply({}, {}, rt.moveaxis(xs[0], 1, -1))
    np.testing.assert_allclose(rt.moveaxis(z, -1, 1), y, rtol=1e-12, atol=1e-12)

    def loss(x: Any) -> Any:
        return rt.sum(first.apply({}, {}, x)[0] ** 2)

    grads = [rt.grad(loss)(x) for x in xs]
    for f in (rt.vmap(rt.grad(loss)), rt.jit(rt.vmap(rt.grad(loss)))):
        np.testing.assert_allclose(f(xs), rt.stack(grads), rtol=1e-10, atol=1e-12)
    rt.check_grads(loss, (xs[0],), order=2)
    assert first.apply({}, {}, xs[0].astype(rt.bfloat16))[0].dtype == rt.bfloat16


def test_modes_of_any_number_of_axes(rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(1, 2, 3, 4)))
    for any_mode, mode in (("linear", "bilinear"), ("cubic", "bicubic")):
        np.testing.assert_array_equal(
            nn.interpolate(x, 6, mode=any_mode), nn.interpolate(x, 6, mode=mode)
        )


X = rt.ones((1, 2, 4, 4))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.interpolate(X), errors.ArgumentError, "either size or scale_factor"),
        (lambda: nn.interpolate(X, 2, 2), errors.ArgumentError, "either size or scale_factor"),
        (lambda: nn.Upsample(2, mode="spline"), errors.ArgumentError, r"\[Upsample\] mode"),
        (lambda: nn.interpolate(X, 2, align_corners=True), errors.ArgumentError, "align_corners"),
        (lambda: nn.interpolate(X, 2, mode="trilinear"), errors.ShapeError, "3 spatial axes"),
        (lambda: nn.interpolate(X[0, 0], 2), errors.ShapeError, "1 to 3 spatial axes"),
        (lambda: nn.interpolate(X, (2, 0)), errors.ArgumentError, r"\[interpolate\] size"),
        (lambda: nn.interpolate(X, scale_factor=0.1), errors.ShapeError, "nothing would be left"),
        (lambda: nn.interpolate(X.astype(int), 2, mode="bilinear"), errors.DTypeError, "floating"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
