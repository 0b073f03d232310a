"""sparsemax, gumbel_softmax and standardize; Unflatten; FeatureAlphaDropout."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn


@pytest.mark.parametrize("axis", [0, -1])
def test_sparsemax_is_the_nearest_point(axis: int, rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(4, 5)))
    y = nn.sparsemax(x, axis)
    np.testing.assert_allclose(rt.sum(y, axis=axis), 1.0, rtol=1e-12)
    assert bool(rt.all(y >= 0))
    # Optimality: the same amount is taken off all that is positive, and no more off the others.
    off = np.moveaxis(np.asarray(x - y), axis, -1)
    for line, p in zip(off, np.moveaxis(np.asarray(y), axis, -1), strict=True):
        np.testing.assert_allclose(line[p > 0], line.max(), rtol=1e-9)
    rt.check_grads(lambda x: nn.sparsemax(x, axis), (x,))
    lanes = rt.vmap(nn.sparsemax)(x)
    np.testing.assert_allclose(lanes, nn.sparsemax(x), rtol=1e-12)
    np.testing.assert_allclose(rt.jit(nn.sparsemax)(x), nn.sparsemax(x), rtol=1e-12)


def test_gumbel_softmax() -> None:
    logits = rt.log(rt.asarray([0.2, 0.3, 0.5]))
    y = nn.gumbel_softmax(rt.random.key(0), rt.broadcast_to(logits, (4000, 3)), hard=True)
    assert set(y.ravel().tolist()) == {0.0, 1.0}
    np.testing.assert_allclose(rt.mean(y, axis=0), [0.2, 0.3, 0.5], atol=0.03)

    def loss(logits: Any, hard: bool) -> Any:
        y = nn.gumbel_softmax(rt.random.clone(key), logits, 0.5, hard)
        return rt.sum(y * rt.asarray([1.0, 2.0, 3.0]))

    key = rt.random.key(1)
    np.testing.assert_allclose(rt.grad(loss)(logits, True), rt.grad(loss)(logits, False), rtol=1e-5)


def test_standardize_is_layer_norm(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(3, 4, 5))
    expected = torch.nn.functional.layer_norm(torch.tensor(x), (4, 5))
    np.testing.assert_allclose(nn.standardize(x, (1, 2)), expected.numpy(), rtol=1e-10)


def test_unflatten_is_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    x = rt.reshape(rt.arange(48.0), (2, 24))
    for axis, sizes in ((1, (2, 3, 4)), (-1, (2, -1, 3)), (0, (1, 2))):
        y, _ = nn.Unflatten(axis, sizes).apply({}, {}, x)
        expected = torch.nn.Unflatten(axis, sizes)(torch.tensor(np.array(x)))
        np.testing.assert_array_equal(y, expected.numpy())


@pytest.mark.parametrize("data_format", ["NCHW", "NHWC"])
def test_feature_alpha_dropout(data_format: str) -> None:
    x, last = rt.random.normal(rt.random.key(0), (50, 40, 3)), data_format == "NHWC"
    x = rt.moveaxis(x, 1, -1) if last else x
    layer = nn.FeatureAlphaDropout(0.3, data_format=data_format)
    y, _ = layer.apply({}, {}, x, key=rt.random.key(1), train=True)
    axis = 1 if last else 2
    dropped = np.asarray(rt.all(y == rt.take(y, rt.asarray([0]), axis=axis), axis=axis))
    assert abs(dropped.mean() - 0.3) < 0.05
    assert abs(float(y.mean())) < 0.1
    assert abs(float(y.std()) - 1) < 0.1
    assert layer.apply({}, {}, x)[0] is x


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.sparsemax(rt.ones(3), 1), errors.AxisError, r"\[sparsemax\] axis"),
        (lambda: nn.gumbel_softmax(rt.random.key(0), rt.ones(3), 0.0), errors.ArgumentError, "tau"),
        (lambda: nn.Unflatten(0, (2, -1, -1)), errors.ArgumentError, r"\[Unflatten\] sizes"),
        (lambda: nn.Unflatten(0, (2, 2)).apply({}, {}, rt.ones(5)), errors.ShapeError, "cannot"),
        (lambda: nn.Unflatten(2, (2, 2)).apply({}, {}, rt.ones(4)), errors.AxisError, "axis 2"),
        (lambda: nn.FeatureAlphaDropout(0.5).apply(
            {}, {}, rt.ones(4), key=rt.random.key(0), train=True), errors.ShapeError, "channels"),
        (lambda: nn.FeatureAlphaDropout(2.0), errors.ArgumentError, "rate"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
