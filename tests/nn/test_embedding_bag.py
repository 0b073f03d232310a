"""EmbeddingBag as PyTorch has it."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

IDS = np.asarray([3, 1, 4, 1, 5, 0, 2, 0])
OFFSETS = np.asarray([0, 3, 3, 5])


@pytest.mark.parametrize("padding_idx", [None, 0, -2])
@pytest.mark.parametrize("kind", ["rows", "offsets", "weights"])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_it_is_that_of_torch(
    mode: str, kind: str, padding_idx: Any, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    if kind == "weights" and mode != "sum":
        return
    weight, w = rng.normal(size=(6, 3)), rng.normal(size=(8,))
    inputs = {"x": IDS.reshape(2, 4)} if kind == "rows" else {"x": IDS, "offsets": OFFSETS}
    theirs: dict[str, Any] = {name: torch.tensor(value) for name, value in inputs.items()}
    ids = theirs.pop("x")
    ours = {name: rt.asarray(value) for name, value in inputs.items()}
    t = torch.tensor(weight, requires_grad=True)
    if kind == "weights":
        theirs["per_sample_weights"], ours["per_sample_weights"] = torch.tensor(w), rt.asarray(w)
    expected = torch.nn.functional.embedding_bag(
        ids, t, mode=mode, padding_idx=padding_idx, **theirs
    )
    layer = nn.EmbeddingBag(6, 3, mode, padding_idx)
    params, _ = layer.init(rt.random.key(0), ours)
    assert params["weight"].shape == (6, 3)

    def f(weight: Any) -> Any:
        return layer.apply({"weight": weight}, {}, ours)[0]

    y, back = rt.vjp(f, rt.asarray(weight))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10)
    expected.sin().sum().backward()
    np.testing.assert_allclose(back(rt.cos(y))[0], t.grad.numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(rt.jit(f)(rt.asarray(weight)), y, rtol=1e-12)
    lanes = rt.vmap(f)(rt.stack([rt.asarray(weight), rt.asarray(weight) * 2]))
    np.testing.assert_allclose(lanes[0], y, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.EmbeddingBag(3, 2, "min"), errors.ArgumentError, r"\[EmbeddingBag\] mode"),
        (lambda: bag(rt.ones((2, 3))), errors.DTypeError, r"\[EmbeddingBag\] x"),
        (lambda: bag(rt.arange(3)), errors.ShapeError, "with offsets"),
        (lambda: bag((rt.arange(3), rt.ones(1))), errors.ShapeError, "offsets: expected integers"),
        (lambda: bag({"x": rt.ones((1, 2), dtype=int), "per_sample_weights": rt.ones((1, 2))}),
         errors.ShapeError, "mode='sum'"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def bag(x: Any) -> Any:
    return nn.EmbeddingBag(3, 2).apply({"weight": rt.ones((3, 2))}, {}, x)
