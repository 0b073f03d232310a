"""CTC: PyTorch's numbers, all alignments counted one by one, and the edges."""

import itertools
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

T, C = 7, 5
# targets, input lengths, target lengths
BATCHES: dict[str, tuple[Any, Any, Any]] = {
    "plain": ([[1, 2, 3], [4, 1, 2]], [7, 6], [3, 2]),
    "repeated labels": ([[1, 1, 1], [2, 2, 3]], [7, 5], [3, 3]),
    "empty targets": ([[1, 2], [3, 1]], [7, 4], [0, 2]),
    "no targets at all": (np.zeros((2, 0), int), [7, 3], [0, 0]),
    "just fits": ([[1, 1, 1], [1, 2, 3]], [5, 3], [3, 3]),
    "too long": ([[1, 1, 1, 1], [1, 2, 3, 4]], [6, 7], [4, 4]),
    "no steps": ([[1, 2], [3, 4]], [0, 7], [0, 2]),
    "rows beyond the lengths": ([[1, -7, 99], [1, 2, 3]], [7, 7], [1, 3]),
    "one after the other": ([1, 2, 3, 4, 4], [7, 6], [2, 3]),
}


@pytest.fixture
def logits(rng: np.random.Generator) -> np.ndarray:
    return 2 * rng.normal(size=(T, 2, C))


def loss_of(logits: Any, *args: Any, **options: Any) -> rt.Array:
    return nn.ctc_loss(nn.log_softmax(rt.asarray(logits)), *args, **options)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("blank", [0, 4])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", BATCHES)
def test_pytorchs_numbers(
    batch: str, dtype: str, blank: int, reduction: str, logits: np.ndarray
) -> None:
    torch = pytest.importorskip("torch")
    targets, steps, sizes = map(np.asarray, BATCHES[batch])
    targets = targets if blank == 0 else np.where(targets == 4, 0, targets)
    options = {"blank": blank, "reduction": reduction, "zero_infinity": True}
    t = torch.tensor(logits.astype(dtype), requires_grad=True)
    wanted = torch.nn.functional.ctc_loss(
        t.log_softmax(-1), *map(torch.tensor, (targets, steps, sizes)), **options
    )
    wanted.sum().backward()
    x = rt.asarray(logits.astype(dtype))
    close = {"rtol": 1e-10, "atol": 1e-10} if dtype == "float64" else {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(
        loss_of(x, targets, steps, sizes, **options), wanted.detach(), **close
    )
    slope = rt.grad(lambda x: rt.sum(loss_of(x, targets, steps, sizes, **options)))(x)
    np.testing.assert_allclose(slope, t.grad, **close)


def test_all_alignments(rng: np.random.Generator) -> None:
    """The probability is the sum over all sequences that collapse to the labels."""
    probs = rng.dirichlet(np.ones(3), size=4)
    for target in ([1], [1, 2], [1, 1], [2, 1, 2], []):
        total = 0.0
        for path in itertools.product(range(3), repeat=4):
            if [c for c, _ in itertools.groupby(path) if c] == target:
                total += np.prod(probs[np.arange(4), path])
        labels = np.asarray(target, int)
        loss = nn.ctc_loss(rt.asarray(np.log(probs)), labels, 4, len(target), reduction="sum")
        np.testing.assert_allclose(np.exp(-np.asarray(loss)), total, rtol=1e-12)


def test_infinite_losses(logits: np.ndarray) -> None:
    batch = BATCHES["too long"]
    value = loss_of(logits, *batch, reduction="none")
    assert np.isinf(value[0])
    assert np.isfinite(value[1])
    slope = rt.grad(lambda x: rt.sum(loss_of(x, *batch)))(rt.asarray(logits))
    assert bool(rt.all(slope[:, 0] == 0))
    assert bool(rt.any(slope[:, 1] != 0))


def test_impossible_symbols_have_finite_slopes() -> None:
    """Probabilities of exactly 0, as a mask makes them."""
    probs = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    with np.errstate(divide="ignore"):
        log_probs = rt.asarray(np.log(probs))
    value, slope = rt.value_and_grad(lambda x: nn.ctc_loss(x, rt.asarray([1, 2]), 3, 2))(log_probs)
    np.testing.assert_allclose(float(value) * 2, -np.log(0.25), rtol=1e-6)
    assert bool(rt.all(rt.isfinite(slope)))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_one_sequence(reduction: str, logits: np.ndarray) -> None:
    one = loss_of(logits[:, 0], rt.asarray([1, 2, 2]), 6, 3, reduction=reduction)
    row = loss_of(logits[:, :1], rt.asarray([[1, 2, 2]]), [6], [3], reduction=reduction)
    assert one.shape == ()
    np.testing.assert_allclose(one, row.reshape(()), rtol=1e-12)


@pytest.mark.parametrize("batch", ["plain", "too long", "one after the other"])
def test_jit_and_finite_differences(batch: str, logits: np.ndarray) -> None:
    args, x = [rt.asarray(a) for a in BATCHES[batch]], rt.asarray(logits)
    loss = rt.value_and_grad(lambda x, *args: loss_of(x, *args, zero_infinity=True))
    np.testing.assert_allclose(rt.jit(loss)(x, *args)[1], loss(x, *args)[1], rtol=1e-12, atol=1e-14)
    rt.check_grads(lambda x: loss_of(x, *args, zero_infinity=True), (x,), order=2)


def test_vmap_over_batches(logits: np.ndarray) -> None:
    x = rt.stack([logits, 0.5 * logits])
    args = [rt.asarray([a, a]) for a in BATCHES["plain"]]
    together = rt.vmap(loss_of)(x, *args)
    for i in range(2):
        np.testing.assert_allclose(together[i], loss_of(x[i], *BATCHES["plain"]), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sixteen_bits(dtype: str, logits: np.ndarray) -> None:
    x = rt.asarray(logits).astype(dtype)
    loss = nn.ctc_loss(nn.log_softmax(x), *BATCHES["plain"])
    assert str(loss.dtype) == dtype
    wide = nn.ctc_loss(nn.log_softmax(x).astype(rt.float32), *BATCHES["plain"])
    np.testing.assert_allclose(float(loss), float(wide), rtol=1e-2)


def test_sure_of_the_wrong_thing() -> None:
    """Scores of any size: no overflow and no nan."""
    logits = rt.zeros((5, 1, 3)).at[:, :, 2].set(1e5)
    value, slope = rt.value_and_grad(loss_of)(logits, rt.asarray([[1]]), [5], [1])
    np.testing.assert_allclose(float(value), 5e5 - np.log(15), rtol=1e-6)
    assert bool(rt.all(rt.isfinite(slope)))


X = rt.zeros((4, 2, 3))
Y, N, S = rt.asarray([[1, 2], [2, 1]]), rt.asarray([4, 4]), rt.asarray([2, 2])


@pytest.mark.parametrize(
    ("args", "options", "error", "text"),
    [
        ((X[..., None], Y, N, S), {}, errors.ShapeError, r"log_probs: expected shape \(T, N, C\)"),
        ((X, Y[:1], N, S), {}, errors.ShapeError, r"targets: expected shape \(2, S\)"),
        ((X, Y * 1.0, N, S), {}, errors.DTypeError, "targets: expected integers"),
        ((X, Y, N * 1.0, S), {}, errors.DTypeError, "input_lengths: expected integers"),
        ((X, Y, N[:1], S), {}, errors.ShapeError, r"input_lengths: expected shape \(2,\)"),
        ((X, Y, N + 1, S), {}, errors.OutOfBoundsError, "input_lengths: .* from 0 to 4"),
        ((X, Y, N, S + 1), {}, errors.OutOfBoundsError, "target_lengths: .* from 0 to 2"),
        ((X, Y, N, S - 3), {}, errors.OutOfBoundsError, "target_lengths"),
        ((X, Y + 1, N, S), {}, errors.OutOfBoundsError, "targets: .* from 0 to 2"),
        (
            (X, rt.asarray([1, 2, 1]), N, S),
            {},
            errors.ShapeError,
            "targets: 3 labels one",
        ),
        ((X, Y, N, S), {"blank": 3}, errors.ArgumentError, "blank: expected a class from 0 to 2"),
        ((X, Y, N, S), {"reduction": "avg"}, errors.ArgumentError, "reduction: expected"),
    ],
)
def test_messages(args: Any, options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=r"^\[ctc_loss\] " + text):
        nn.ctc_loss(*args, **options)
