"""Losses against PyTorch, and what they refuse."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

REDUCTIONS = ("mean", "sum", "none")
OPTIONS = list(itertools.product(REDUCTIONS, [False, True], [0.0, 0.1]))


def compare(ours: Callable[..., rt.Array], theirs: Callable[..., Any], x: np.ndarray) -> None:
    """Values and gradients of two losses of `x`."""
    import torch

    t = torch.tensor(x, requires_grad=True)
    wanted = theirs(t)
    wanted.sum().backward()
    np.testing.assert_allclose(ours(rt.asarray(x)), wanted.detach(), rtol=1e-10, atol=1e-12)
    slope = rt.grad(lambda x: rt.sum(ours(x)))(rt.asarray(x))
    np.testing.assert_allclose(slope, t.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("reduction", "weighted", "smoothing"), OPTIONS)
@pytest.mark.parametrize("shape", [(6, 5), (5,), (6, 5, 3)])
def test_cross_entropy_of_class_numbers(
    reduction: str, weighted: bool, smoothing: float, shape: Any, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    axis = min(1, len(shape) - 1)  # where PyTorch has it
    labels = rng.integers(0, 5, size=shape[:axis] + shape[axis + 1 :])
    if labels.ndim:
        labels[0] = -100
    weight = rng.uniform(0.5, 2, size=5) if weighted else None
    options = {"reduction": reduction, "label_smoothing": smoothing}
    compare(
        lambda x: nn.cross_entropy(x, labels, weight=weight, axis=axis, **options),
        lambda t: torch.nn.functional.cross_entropy(
            t, torch.tensor(labels), None if weight is None else torch.tensor(weight), **options
        ),
        3 * rng.normal(size=shape),
    )


@pytest.mark.parametrize(("reduction", "weighted", "smoothing"), OPTIONS)
def test_cross_entropy_of_probabilities(
    reduction: str, weighted: bool, smoothing: float, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    probs = rng.dirichlet(np.ones(5), size=6)
    weight = rng.uniform(0.5, 2, size=5) if weighted else None
    options = {"reduction": reduction, "label_smoothing": smoothing}
    compare(
        lambda x: nn.cross_entropy(x, probs, weight=weight, **options),
        lambda t: torch.nn.functional.cross_entropy(
            t, torch.tensor(probs), None if weight is None else torch.tensor(weight), **options
        ),
        3 * rng.normal(size=(6, 5)),
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nll_loss(reduction: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    labels, weight = np.array([0, 2, 1, 1]), rng.uniform(0.5, 2, size=3)
    options = {"reduction": reduction, "ignore_index": 2}
    compare(
        lambda x: nn.nll_loss(x, labels, weight=weight, **options),
        lambda t: torch.nn.functional.nll_loss(
            t, torch.tensor(labels), torch.tensor(weight), **options
        ),
        rng.normal(size=(4, 3)),
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_of_pairs(reduction: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    functional, options = torch.nn.functional, {"reduction": reduction}
    x, y = rng.normal(size=(4, 3)), rng.uniform(size=(4, 3))
    weight, pos_weight = rng.uniform(size=(4, 1)), rng.uniform(size=3)
    t, w, p = torch.tensor(y), torch.tensor(weight), torch.tensor(pos_weight)
    compare(
        lambda x: nn.mse_loss(x, y, **options), lambda s: functional.mse_loss(s, t, **options), x
    )
    compare(lambda x: nn.l1_loss(x, y, **options), lambda s: functional.l1_loss(s, t, **options), x)
    compare(
        lambda x: nn.binary_cross_entropy_with_logits(
            x, y, weight=weight, pos_weight=pos_weight, **options
        ),
        lambda s: functional.binary_cross_entropy_with_logits(
            s, t, weight=w, pos_weight=p, **options
        ),
        x,
    )


def test_large_scores() -> None:
    logits, labels = rt.asarray([[1e4, -1e4], [-1e4, 1e4]]), rt.asarray([0, 0])
    value, slope = rt.value_and_grad(nn.cross_entropy)(logits, labels)
    assert float(value) == 1e4
    assert slope.tolist() == [[0, 0], [-0.5, 0.5]]
    binary = rt.value_and_grad(nn.binary_cross_entropy_with_logits)
    value, slope = binary(rt.asarray([200.0, -200.0]), rt.asarray([0.0, 0.0]))
    assert float(value) == 100
    assert slope.tolist() == [0.5, 0]


def test_under_jit_and_vmap(rng: np.random.Generator) -> None:
    logits, labels = rt.asarray(rng.normal(size=(4, 3))), rt.asarray([0, 1, 2, 2])
    whole = nn.cross_entropy(logits, labels, reduction="none")
    np.testing.assert_allclose(rt.vmap(nn.cross_entropy)(logits, labels), whole, rtol=1e-12)
    np.testing.assert_allclose(rt.jit(nn.cross_entropy)(logits, labels), rt.mean(whole), rtol=1e-12)


def test_accuracy() -> None:
    logits = rt.asarray([[3.0, 1.0], [0.0, 1.0], [5.0, 1.0], [0.0, 9.0]])
    assert float(nn.accuracy(logits, rt.asarray([0, 1, 1, 1]))) == 0.75
    assert float(nn.accuracy(logits.T, rt.asarray([0, 1, 1, 1]), axis=0)) == 0.75


X = rt.ones((4, 3))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: nn.cross_entropy(X, rt.asarray([0, 1])), errors.ShapeError,
            r"labels: expected shape \(4,\) for scores of shape \(4, 3\) with the classes along "
            r"axis 1, got int64\[2\]",
        ),
        (lambda: nn.cross_entropy(X, rt.ones(4)), errors.ShapeError, "must have the same shape"),
        (
            lambda: nn.cross_entropy(X, rt.asarray([True] * 4)), errors.DTypeError,
            "class numbers",
        ),
        (lambda: nn.cross_entropy(X, rt.asarray([0, 1, 2, 3])), errors.OutOfBoundsError, "index 3"),
        (
            lambda: nn.cross_entropy(X, rt.asarray([0] * 4), weight=rt.ones(4)),
            errors.ShapeError, r"weight: expected one number per class, shape \(3,\)",
        ),
        (
            lambda: nn.cross_entropy(X, rt.asarray([0] * 4), label_smoothing=2),
            errors.ArgumentError, "label_smoothing: expected 0 to 1, got 2",
        ),
        (
            lambda: nn.mse_loss(X, X, reduction="avg"), errors.ArgumentError,
            r"\[mse_loss\] reduction: expected 'mean', 'sum' or 'none', got 'avg'",
        ),
        (lambda: nn.mse_loss(X, rt.ones(4)), errors.ShapeError, r"float32\[4, 3\] and"),
        (lambda: nn.nll_loss(X, rt.asarray([0] * 4), axis=2), errors.AxisError, "axis 2"),
        (lambda: nn.accuracy(X, rt.asarray([0])), errors.ShapeError, r"expected shape \(4,\)"),
    ],
)  # fmt: skip
def test_messages(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("dtype", [rt.uint8, rt.uint64, rt.int8])
def test_labels_of_any_integers(dtype):
    logits = rt.asarray([[2.0, 0.0], [0.0, 2.0]])
    labels = rt.asarray([0, 1], dtype=dtype)
    want = nn.cross_entropy(logits, rt.asarray([0, 1]))
    assert nn.cross_entropy(logits, labels) == want
    assert nn.nll_loss(nn.log_softmax(logits), labels) == want
    metric = nn.metrics.Accuracy()
    assert metric.result(metric.update(metric.init(), logits, labels)) == 1
