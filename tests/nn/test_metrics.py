"""Metrics against scikit-learn, and streams against all data at once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn
from rtorch.nn import metrics

AVERAGES = ("micro", "macro", "weighted", "none")


def pairs(rng: np.random.Generator, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and labels; the last class is never predicted."""
    return rng.integers(0, classes - 1, size=50), rng.integers(0, classes, size=50)


@pytest.mark.parametrize("zero_division", [0.0, 1.0])
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", ["precision", "recall", "f1_score"])
def test_precision_and_recall(
    name: str, average: str, zero_division: float, rng: np.random.Generator
) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    predictions, labels = pairs(rng, 5)
    labels[labels == 2] = 1  # a class that is not there
    reference = getattr(sklearn, name if name == "f1_score" else name + "_score")
    wanted = reference(
        labels, predictions, labels=range(5), average=None if average == "none" else average,
        zero_division=zero_division,
    )  # fmt: skip
    options = {"num_classes": 5, "average": average, "zero_division": zero_division}
    got = getattr(metrics, name)(predictions, labels, **options)
    np.testing.assert_allclose(got, wanted, rtol=1e-6)
    jitted = rt.jit(lambda p, t: getattr(metrics, name)(p, t, **options))
    np.testing.assert_allclose(jitted(predictions, labels), got, rtol=1e-6)


@pytest.mark.parametrize("name", ["precision", "recall", "f1_score"])
def test_two_classes(name: str, rng: np.random.Generator) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    predictions, labels = rng.integers(0, 2, size=(2, 30))
    reference = getattr(sklearn, name if name == "f1_score" else name + "_score")
    got = getattr(metrics, name)(predictions, labels)
    np.testing.assert_allclose(got, reference(labels, predictions), rtol=1e-6)
    both = getattr(metrics, name)(predictions == 1, labels == 1)
    np.testing.assert_allclose(both, got)


def test_confusion_matrix(rng: np.random.Generator) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    predictions, labels = pairs(rng, 4)
    got = metrics.confusion_matrix(predictions, labels, num_classes=4)
    assert got.dtype == rt.int64
    np.testing.assert_array_equal(got, sklearn.confusion_matrix(labels, predictions))
    two = [rt.asarray(a).reshape(2, 25) for a in (predictions, labels)]
    lanes = rt.vmap(lambda p, t: metrics.confusion_matrix(p, t, num_classes=4))(*two)
    np.testing.assert_array_equal(rt.sum(lanes, axis=0), got)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_k(k: int, rng: np.random.Generator) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    logits, labels = rng.normal(size=(40, 4)), rng.integers(0, 4, size=40)
    wanted = 1.0 if k == 4 else sklearn.top_k_accuracy_score(labels, logits, k=k)
    np.testing.assert_allclose(metrics.top_k_accuracy(logits, labels, k=k), wanted, rtol=1e-6)
    across = metrics.top_k_accuracy(logits.T, labels, k=k, axis=0)
    np.testing.assert_allclose(across, wanted, rtol=1e-6)


@pytest.mark.parametrize("ties", [False, True])
def test_rankings_of_two_classes(ties: bool, rng: np.random.Generator) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    labels = rng.integers(0, 2, size=60)
    scores = rng.integers(0, 5, size=60) * 1.0 if ties else rng.normal(size=60)
    for ours, theirs in (
        (metrics.roc_auc, sklearn.roc_auc_score),
        (metrics.average_precision, sklearn.average_precision_score),
    ):
        wanted = theirs(labels, scores)
        np.testing.assert_allclose(ours(scores, labels), wanted, rtol=1e-6)
        np.testing.assert_allclose(rt.jit(ours)(scores, labels), wanted, rtol=1e-6)


@pytest.mark.parametrize("average", ["macro", "weighted", "none"])
def test_rankings_of_many_classes(average: str, rng: np.random.Generator) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    labels = np.concatenate([np.arange(4), rng.integers(0, 4, size=50)])
    scores = rng.integers(0, 7, size=(54, 4)) * 1.0
    here = np.eye(4, dtype=int)[labels]
    how = None if average == "none" else average
    for ours, theirs in (
        (metrics.roc_auc, sklearn.roc_auc_score),
        (metrics.average_precision, sklearn.average_precision_score),
    ):
        got = ours(scores, labels, average=average)
        np.testing.assert_allclose(got, theirs(here, scores, average=how), rtol=1e-6)


def test_rankings_with_nothing_to_compare() -> None:
    scores = rt.asarray([0.1, 0.7, 0.3])
    assert np.isnan(metrics.roc_auc(scores, rt.ones(3, dtype=rt.int32)))
    assert np.isnan(metrics.roc_auc(scores, rt.zeros(3, dtype=rt.int32)))
    assert np.isnan(metrics.average_precision(scores, rt.zeros(3, dtype=rt.int32)))
    assert float(metrics.average_precision(scores, rt.ones(3, dtype=rt.int32))) == 1


def test_auc_of_many() -> None:
    """Pairs beyond 2 ** 31 neither overflow nor lose digits."""
    labels = np.arange(200_000) % 2
    assert float(metrics.roc_auc(labels.astype(float), labels)) == 1
    assert float(metrics.roc_auc(np.zeros(200_000), labels)) == 0.5


@pytest.mark.parametrize("shape", [(30,), (30, 3)])
def test_numbers(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    targets = rng.normal(size=shape)
    predictions = targets + 0.3 * rng.normal(size=shape)
    for name in ("mean_absolute_error", "mean_squared_error", "r2_score"):
        wanted = getattr(sklearn, name)(targets, predictions)
        got = getattr(metrics, name)(predictions, targets)
        np.testing.assert_allclose(got, wanted, rtol=1e-10)
    for guess, score in ((rt.ones(4), 1.0), (rt.zeros(4), 0.0)):
        assert float(metrics.r2_score(guess, rt.ones(4))) == score


def test_perplexity(rng: np.random.Generator) -> None:
    logits, labels = rng.normal(size=(6, 4)), rng.integers(0, 4, size=6)
    wanted = np.exp(np.asarray(nn.cross_entropy(logits, labels)))
    np.testing.assert_allclose(metrics.perplexity(logits, labels), wanted, rtol=1e-12)


# Each: the metric, a batch for it, and the same of all data at once.
def streams() -> dict[str, tuple[metrics.Metric, Callable[..., tuple[Any, ...]], Any]]:
    def scores(rng: np.random.Generator) -> tuple[Any, ...]:
        return rng.normal(size=(8, 5)), rng.integers(0, 5, size=8)

    def numbers(rng: np.random.Generator) -> tuple[Any, ...]:
        return rng.integers(0, 5, size=8), rng.integers(0, 5, size=8)

    def weighted(rng: np.random.Generator) -> tuple[Any, ...]:
        return rng.normal(size=8), rng.uniform(size=8)

    def mean(x: Any, w: Any) -> Any:
        return np.average(x, weights=w)

    macro = {"num_classes": 5, "average": "macro"}
    return {
        "Mean": (metrics.Mean(), weighted, mean),
        "Accuracy": (metrics.Accuracy(), scores, metrics.accuracy),
        "top 3": (
            metrics.Accuracy(3), scores, lambda x, y: metrics.top_k_accuracy(x, y, k=3),
        ),
        "Perplexity": (metrics.Perplexity(), scores, metrics.perplexity),
        "ConfusionMatrix": (
            metrics.ConfusionMatrix(5), numbers,
            lambda p, t: metrics.confusion_matrix(p, t, num_classes=5),
        ),
        "Precision": (metrics.Precision(**macro), numbers,
                      lambda p, t: metrics.precision(p, t, **macro)),
        "Recall": (metrics.Recall(**macro), numbers, lambda p, t: metrics.recall(p, t, **macro)),
        "F1Score": (metrics.F1Score(**macro), numbers,
                    lambda p, t: metrics.f1_score(p, t, **macro)),
    }  # fmt: skip


@pytest.mark.parametrize("name", streams())
def test_streams(name: str, rng: np.random.Generator) -> None:
    """Batch by batch, in a jitted scan, merged, and over a named axis: what all data give."""
    metric, batch, at_once = streams()[name]
    batches = [batch(rng) for _ in range(4)]
    whole = tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))
    stacked = tuple(rt.asarray(np.stack(parts)) for parts in zip(*batches, strict=True))
    wanted = np.asarray(at_once(*whole))

    def check(state: Any) -> None:
        np.testing.assert_allclose(metric.result(state), wanted, rtol=1e-5)
        kept = rt.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype), state, start)
        assert all(rt.tree.leaves(kept))

    start = metric.init()
    state = start
    for one in batches:
        state = metric.update(state, *one)
    check(state)

    @rt.jit
    def scanned(stacked: Any) -> Any:
        return rt.scan(lambda s, one: (metric.update(s, *one), None), metric.init(), stacked)[0]

    check(scanned(stacked))
    halves = []
    for part in (batches[:1], batches[1:]):
        half = metric.init()
        for one in part:
            half = metric.update(half, *one)
        halves.append(half)
    check(metric.merge(*halves))
    check(metric.merge(metric.init(), state))
    shards = rt.vmap(
        lambda *one: rt.psum(metric.update(metric.init(), *one), "shards"), axis_name="shards"
    )(*stacked)
    check(rt.tree.map(lambda x: x[0], shards))


def test_what_does_not_count() -> None:
    mean = metrics.Mean()
    assert np.isnan(mean.result(mean.init()))
    state = mean.update(mean.init(), rt.asarray([1.0, np.nan]), weight=rt.asarray([1, 0]))
    assert float(mean.result(state)) == 1
    logits, labels = rt.asarray([[0.0, 1.0], [np.nan, np.nan]]), rt.asarray([1, -100])
    for metric, result in ((metrics.Accuracy(), 1.0), (metrics.Perplexity(), None)):
        got = float(metric.result(metric.update(metric.init(), logits, labels)))
        assert got == pytest.approx(result or 1 + np.exp(-1.0))


def test_long_streams() -> None:
    """In float32 nothing would be added."""
    mean = metrics.Mean()
    state = {
        "total": rt.asarray(1e8, dtype=rt.float64),
        "weight": rt.asarray(1e8, dtype=rt.float64),
    }
    state = mean.update(state, rt.ones(3))
    assert float(state["total"]) == 1e8 + 3


P = rt.asarray([0, 1, 2])
Z = rt.zeros((3, 4))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: metrics.precision(P, P), errors.OutOfBoundsError,
         r"\[precision\] predictions: expected class numbers from 0 to 1"),
        (lambda: metrics.recall(P, P, num_classes=3), errors.ArgumentError,
         r"\[recall\] average: 'binary' is for 2 classes, not 3"),
        (lambda: metrics.f1_score(P, P, num_classes=3, average="all"), errors.ArgumentError,
         r"\[f1_score\] average: expected 'binary', 'micro'"),
        (lambda: metrics.confusion_matrix(P, P[:2], num_classes=3), errors.ShapeError,
         r"\[confusion_matrix\] predictions and labels must have the same shape"),
        (lambda: metrics.confusion_matrix(P * 1.0, P, num_classes=3), errors.DTypeError,
         r"predictions: expected integers \(class numbers\), got float32\[3\]"),
        (lambda: metrics.confusion_matrix(P, P, num_classes=0), errors.ArgumentError,
         "num_classes: expected an int of 1 or more"),
        (lambda: metrics.top_k_accuracy(Z, P, k=5), errors.ArgumentError,
         r"\[top_k_accuracy\] k: expected at most 4 classes, got 5"),
        (lambda: metrics.roc_auc(Z, P[:2]), errors.ShapeError, r"\[roc_auc\] scores and labels"),
        (lambda: metrics.roc_auc(Z[0, :3], P), errors.OutOfBoundsError, "from 0 to 1"),
        (lambda: metrics.average_precision(Z, P, average="micro"), errors.ArgumentError,
         r"\[average_precision\] average: expected 'macro'"),
        (lambda: metrics.r2_score(P, P[:2]), errors.ShapeError, r"\[r2_score\] predictions and"),
        (lambda: metrics.Accuracy(0), errors.ArgumentError, r"\[Accuracy\] k: expected an int"),
        (lambda: metrics.Accuracy().update(metrics.Mean().init(), Z, Z), errors.DTypeError,
         r"\[Accuracy\] labels: expected integers"),
        (lambda: metrics.F1Score(2, average="zz"), errors.ArgumentError, r"\[F1Score\] average"),
        (lambda: metrics.Mean().update(metrics.Mean().init(), Z, Z[:2]), errors.ShapeError,
         r"\[Mean\] weight: expected a shape that broadcasts to that of the values \(3, 4\)"),
    ],
)  # fmt: skip
def test_messages(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
