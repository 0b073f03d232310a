"""Clipping against PyTorch, parameters of all kinds, messages."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, optim
from rtorch.optim import schedules


def test_clipping_like_torch(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    for scale in (0.01, 10.0):
        grads = [scale * rng.normal(size=(3, 2)), scale * rng.normal(size=4)]
        theirs = [torch.zeros(g.shape, dtype=torch.float64) for g in grads]
        for t, g in zip(theirs, grads, strict=True):
            t.grad = torch.tensor(g)
        norm = torch.nn.utils.clip_grad_norm_(theirs, 1.0)
        ours = rt.tree.map(rt.asarray, grads)
        clipped, _ = optim.clip_by_global_norm(1.0).update(ours, ())
        np.testing.assert_allclose(optim.global_norm(ours), norm, rtol=1e-12)
        for t, g in zip(theirs, clipped, strict=True):
            np.testing.assert_allclose(g, t.grad, rtol=1e-12)


def test_python_numbers_are_parameters() -> None:
    opt = optim.adamw(0.1)
    params = {"w": 1.0, "n": 3}
    updates, _ = opt.update({"w": rt.asarray(1.0), "n": 0}, opt.init(params), params)
    moved = optim.apply_updates(params, updates)
    assert moved["n"] == 3
    assert abs(float(moved["w"]) - 0.899) < 1e-6


def test_clipping_of_half_precision_does_not_overflow() -> None:
    grads = rt.full((4,), 60000.0, dtype=rt.float16)
    clipped, _ = optim.clip_by_global_norm(2.0).update(grads, ())
    assert clipped.dtype == rt.float16
    np.testing.assert_allclose(np.asarray(clipped, np.float32), 1.0, rtol=1e-3)


def test_the_first_update_is_at_step_0() -> None:
    seen = []

    def schedule(step: Any) -> float:
        seen.append(int(step))
        return 0.5

    opt = optim.sgd(schedule)
    updates, state = opt.update(rt.ones(1), opt.init(rt.ones(1)))
    opt.update(rt.ones(1), state)
    assert seen == [0, 1]
    assert updates.tolist() == [-0.5]


ONE = rt.ones(2)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optim.sgd(-1.0), errors.ArgumentError, r"\[sgd\] learning_rate: .* got -1.0"),
        (lambda: optim.sgd(1.0, nesterov=True), errors.ArgumentError, "nesterov needs momentum"),
        (lambda: optim.adam(b2=1.0), errors.ArgumentError, r"\[adam\] b2: expected 0 <= b2 < 1"),
        (
            lambda: optim.adamw().update(ONE, optim.adamw().init(ONE)),
            errors.ArgumentError, r"\[adamw with weight_decay\] update needs the parameters",
        ),
        (lambda: optim.chain(optim.sgd), errors.ArgumentError, "argument 0: expected an Optim"),
        (
            lambda: optim.apply_updates({"w": ONE}, {"b": ONE}), errors.TreeError,
            "missing key 'w', extra key 'b'",
        ),
        (
            lambda: optim.sgd(1.0).update({"b": ONE}, optim.sgd(1.0).init({"w": ONE}), {"w": ONE}),
            errors.TreeError, "missing key 'w', extra key 'b'",
        ),
        (lambda: schedules.cosine(1.0, 0), errors.ArgumentError, "steps: expected more than 0"),
        (lambda: schedules.warmup_cosine(1.0, 5, 5), errors.ArgumentError, "warm-up and decay"),
    ],
)  # fmt: skip
def test_messages(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
