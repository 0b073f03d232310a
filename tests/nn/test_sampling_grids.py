"""grid_sample and affine_grid as PyTorch has them."""

import itertools
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

MODES = list(itertools.product(
    ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (False, True)
))  # fmt: skip


def places(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Also far outside, and at the outermost elements."""
    grid = rng.uniform(-2.7, 2.7, shape)
    grid[:, 0, :2] = np.asarray([-1.0, 1.0])[:, None]
    return grid


@pytest.mark.parametrize("space", [(4, 5), (3, 1), (3, 4, 2)], ids=str)
@pytest.mark.parametrize(("mode", "padding_mode", "align_corners"), MODES)
def test_grid_sample_is_that_of_torch(
    mode: str, padding_mode: str, align_corners: bool, space: Any, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    n = len(space)
    if mode == "bicubic" and n == 3:
        return
    options = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
    operands = (rng.normal(size=(2, 3, *space)), places(rng, 2, *(5, 4, 2)[:n], n))
    for dtype, tol in ((np.float64, 1e-10), (np.float32, 1e-5)):
        xs = [a.astype(dtype) for a in operands]
        ts = [torch.tensor(a, requires_grad=True) for a in xs]
        expected = torch.nn.functional.grid_sample(*ts, **options)
        y, back = rt.vjp(lambda x, g: nn.grid_sample(x, g, **options), *map(rt.asarray, xs))
        assert y.dtype == dtype
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tol, atol=10 * tol)
        ct = rng.normal(size=y.shape).astype(dtype)
        bars = torch.autograd.grad(expected, ts, torch.tensor(ct))
        for bar, e in zip(back(rt.asarray(ct)), bars, strict=True):
            np.testing.assert_allclose(bar, e.numpy(), rtol=tol, atol=10 * tol)


@pytest.mark.filterwarnings("ignore:Since version 1.3.0")
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 3, 1, 3), (2, 3, 4, 1, 5)], ids=str)
def test_affine_grid_is_that_of_torch(
    size: Any, align_corners: bool, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    n = len(size) - 2
    theta = rng.normal(size=(2, n, n + 1))
    t = torch.tensor(theta, requires_grad=True)
    expected = torch.nn.functional.affine_grid(t, size, align_corners=align_corners)
    y, back = rt.vjp(lambda t: nn.affine_grid(t, size, align_corners), rt.asarray(theta))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    ct = rng.normal(size=y.shape)
    (bar,) = torch.autograd.grad(expected, t, torch.tensor(ct))
    np.testing.assert_allclose(back(rt.asarray(ct))[0], bar.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_transformed(mode: str, rng: np.random.Generator) -> None:
    x, grid = rt.asarray(rng.normal(size=(1, 2, 4, 5))), rt.asarray(places(rng, 1, 3, 2, 2) / 3)

    def f(x: Any, theta: Any) -> Any:
        moved = grid + nn.affine_grid(theta, (1, 2, 3, 2))
        return nn.grid_sample(x, moved, mode, "reflection")

    theta = rt.asarray(rng.normal(size=(1, 2, 3)) / 5)
    rt.check_grads(f, (x, theta), order=2)
    np.testing.assert_allclose(rt.jit(f)(x, theta), f(x, theta), rtol=1e-10, atol=1e-12)
    thetas = rt.stack([theta, theta * 2])
    for g in (f, rt.grad(lambda x, t: rt.sum(f(x, t) ** 2), argnums=1)):
        lanes = rt.vmap(g, (None, 0))(x, thetas)
        each = rt.stack([g(x, t) for t in thetas])
        np.testing.assert_allclose(lanes, each, rtol=1e-10, atol=1e-12)


def test_the_identity_reads_the_image_itself(rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(1, 2, 4, 5)))
    theta = rt.eye(2, 3, dtype=x.dtype)[None]
    for align_corners in (False, True):
        grid = nn.affine_grid(theta, x.shape, align_corners)
        for mode in ("bilinear", "nearest", "bicubic"):
            y = nn.grid_sample(x, grid, mode, "border", align_corners)
            np.testing.assert_allclose(y, x, rtol=1e-10, atol=1e-12)


X, GRID = rt.ones((2, 3, 4, 4)), rt.ones((2, 5, 5, 2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.grid_sample(X, GRID, "linear"), errors.ArgumentError, r"\[grid_sample\] mode"),
        (lambda: nn.grid_sample(X, GRID, padding_mode="wrap"), errors.ArgumentError, "reflection"),
        (lambda: nn.grid_sample(X[0], GRID), errors.ShapeError, r"\[grid_sample\] x"),
        (lambda: nn.grid_sample(X[:1], GRID), errors.ShapeError, r"\[grid_sample\] grid"),
        (lambda: nn.affine_grid(rt.ones((1, 2, 2)), (1, 1, 2, 2)), errors.ShapeError, "theta"),
        (lambda: nn.affine_grid(rt.ones((1, 2, 3)), (2, 1, 2, 2)), errors.ShapeError, "batch of 1"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
