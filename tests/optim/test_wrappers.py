"""Clipping, and optimizers made of optimizers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, optim
from rtorch.optim import schedules


def run(opt: optim.Optimizer, params: Any, grads: list[Any]) -> tuple[Any, Any]:
    """The parameters and the state after updates, each of which is one call of a jitted step."""

    def step(params: Any, state: Any, g: Any) -> Any:
        updates, state = opt.update(g, state, params)
        return optim.apply_updates(params, updates), state

    fast = rt.jit(step)
    state = opt.init(params)
    for g in grads:
        params, state = fast(params, state, g)
    assert fast.cache_info().misses == 1
    return params, state


PARAMS = {"weight": rt.asarray([[1.0, -2.0], [0.5, 3.0]], dtype=rt.float64), "bias": rt.ones(2)}
GRADS = [rt.tree.map(lambda p, t=t: rt.sin(p * 3 + t), PARAMS) for t in range(8)]


def close(a: Any, b: Any) -> None:
    rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6), a, b)


def test_clip_by_value_like_torch() -> None:
    torch = pytest.importorskip("torch")
    p = torch.zeros(3)
    p.grad = torch.tensor([3.0, -0.2, -5.0])
    torch.nn.utils.clip_grad_value_(p, 0.5)
    clipped, _ = optim.clip_by_value(0.5).update(rt.asarray([3.0, -0.2, -5.0]), ())
    assert clipped.tolist() == p.grad.tolist()


def test_clip_by_norm_takes_leaves_alone() -> None:
    grads = {"big": rt.asarray([30.0, 40.0]), "small": rt.asarray([0.3])}
    clipped, _ = optim.clip_by_norm(1.0).update(grads, ())
    np.testing.assert_allclose(clipped["big"], [0.6, 0.8], rtol=1e-6)
    assert clipped["small"].tolist() == grads["small"].tolist()


def test_adaptive_clip_of_convolutions_is_by_output() -> None:
    rng = np.random.default_rng(0)
    p, g = rng.normal(size=(4, 3, 5, 5)), rng.normal(size=(4, 3, 5, 5))
    g[1] *= 1e-4
    clipped, _ = optim.adaptive_clip(0.1).update(rt.asarray(g), (), rt.asarray(p))
    norm = np.linalg.norm(np.asarray(clipped).reshape(4, -1), axis=1)
    limit = 0.1 * np.linalg.norm(p.reshape(4, -1), axis=1)
    np.testing.assert_allclose(norm[[0, 2, 3]], limit[[0, 2, 3]])
    np.testing.assert_array_equal(np.asarray(clipped)[1], g[1])


def test_groups_are_what_each_optimizer_does_alone() -> None:
    parts = {"*bias": optim.sgd(0.1, 0.9), "*": optim.adam(0.1)}
    together, state = run(optim.groups(parts), PARAMS, GRADS)
    for name, part in (("bias", "*bias"), ("weight", "*")):
        alone, _ = run(parts[part], PARAMS[name], [g[name] for g in GRADS])
        close(together[name], alone)
    assert set(state) == {"*bias", "*"}
    assert len(rt.tree.leaves(state["*"].m)) == 1


def test_the_first_pattern_counts_and_names_are_joined_by_dots() -> None:
    params = {"0": {"bias": rt.ones(1)}, "1": [rt.ones(1), {"bias": rt.ones(1)}]}
    opt = optim.groups({"0.*": optim.sgd(1.0), "*.bias": optim.sgd(2.0), "1.?": None})
    moved, _ = opt.update(params, opt.init(params), params)
    assert [x.tolist() for x in rt.tree.leaves(moved)] == [[-1.0], [0.0], [-2.0]]


def test_frozen_groups_have_no_state() -> None:
    opt = optim.groups({"weight": None, "bias": optim.adam(0.1)})
    moved, state = run(opt, PARAMS, GRADS)
    np.testing.assert_array_equal(moved["weight"], PARAMS["weight"])
    assert state["weight"] == ()


@pytest.mark.parametrize(
    "mask", ["*bias", ["*bias", "none"], {"bias": True, "weight": False}, lambda p: p is not p]
)
def test_masks(mask: Any) -> None:
    opt = optim.masked(optim.sgd(0.5), mask)
    updates, _ = opt.update(PARAMS, opt.init(PARAMS), PARAMS)
    np.testing.assert_array_equal(updates["weight"], PARAMS["weight"])
    factor = 1.0 if callable(mask) else -0.5
    np.testing.assert_array_equal(updates["bias"], factor * np.ones(2))


def test_decayed_weights_make_adam_adamw() -> None:
    rate = schedules.cosine(0.1, 20)
    parts = optim.chain(optim.adam(rate), optim.decay_weights(0.3, rate))
    close(run(parts, PARAMS, GRADS)[0], run(optim.adamw(rate, weight_decay=0.3), PARAMS, GRADS)[0])
    some = optim.chain(optim.adam(rate), optim.decay_weights(0.3, rate, "*weight"))
    moved, _ = run(some, PARAMS, GRADS)
    close(moved["bias"], run(optim.adam(rate), PARAMS, GRADS)[0]["bias"])
    close(moved["weight"], run(parts, PARAMS, GRADS)[0]["weight"])


def test_accumulated_gradients_are_their_mean() -> None:
    small, state = run(optim.accumulate(optim.adamw(0.1), 4), PARAMS, GRADS)
    means = [
        rt.tree.map(lambda *gs: sum(gs[1:], start=gs[0]) / 4, *GRADS[i : i + 4]) for i in (0, 4)
    ]
    close(small, run(optim.adamw(0.1), PARAMS, means)[0])
    assert int(state.inner.step) == 2
    assert int(state.collected) == 0


def test_small_gradients_are_accumulated_in_float32() -> None:
    opt = optim.accumulate(optim.sgd(1.0), 100)
    params = rt.zeros(1, dtype=rt.bfloat16)
    moved, _ = run(opt, params, [rt.ones(1, dtype=rt.bfloat16)] * 100)
    assert moved.tolist() == [-1.0]


def test_averages_like_torch() -> None:
    torch = pytest.importorskip("torch")
    utils = torch.optim.swa_utils
    for opt, average in (
        (optim.ema(optim.sgd(0.1), 0.9), {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.9)}),
        (optim.swa(optim.sgd(0.1)), {}),
    ):
        model = torch.nn.Linear(2, 2).double()
        with torch.no_grad():
            model.weight.copy_(torch.tensor(np.asarray(PARAMS["weight"])))
        theirs = utils.AveragedModel(model, **average)
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        for g in GRADS:
            model.weight.grad = torch.tensor(np.asarray(g["weight"]))
            sgd.step()
            theirs.update_parameters(model)
        _, state = run(opt, PARAMS, GRADS)
        np.testing.assert_allclose(
            state.average["weight"], theirs.module.weight.detach(), rtol=1e-12
        )


def test_swa_counts_what_it_should() -> None:
    params, state = rt.zeros(1), None
    for start, every, wanted in ((0, 1, -4.5), (2, 3, -(3 + 6) / 2), (7, 1, -8.0), (20, 1, -8.0)):
        _, state = run(optim.swa(optim.sgd(1.0), start, every), params, [rt.ones(1)] * 8)
        assert state.average.tolist() == [wanted]


def test_an_average_of_half_precision_moves() -> None:
    params = rt.ones(1, dtype=rt.bfloat16)
    moved, state = run(optim.ema(optim.sgd(0.1), 0.99), params, [params] * 5)
    assert moved.dtype == rt.bfloat16
    assert state.average.dtype == rt.float32
    assert 0.8 < float(state.average[0]) < 1.0


def test_lookahead_is_its_definition() -> None:
    moved, _ = run(optim.lookahead(optim.sgd(0.1), 3, 0.5), PARAMS, GRADS)
    slow = fast = PARAMS["weight"]
    for t, g in enumerate(GRADS, 1):
        fast = fast - 0.1 * g["weight"]
        if t % 3 == 0:
            slow = fast = slow + 0.5 * (fast - slow)
    close(moved["weight"], fast)


def test_a_step_that_is_not_finite_is_skipped_whole() -> None:
    bad = rt.tree.map(lambda g: g, GRADS[0]) | {"bias": rt.asarray([1.0, float("nan")])}
    opt = optim.skip_nonfinite(optim.adam(0.1))
    skipped, state = run(opt, PARAMS, [GRADS[0], bad, bad, GRADS[1]])
    plain, inner = run(optim.adam(0.1), PARAMS, GRADS[:2])
    close(skipped, plain)
    close(state.inner, inner)
    assert (int(state.in_a_row), int(state.total)) == (0, 2)


def test_skipping_ends() -> None:
    opt = optim.skip_nonfinite(optim.sgd(1.0), max_in_a_row=2)
    moved, state = run(opt, rt.ones(1), [rt.asarray([float("inf")])] * 2)
    assert moved.tolist() == [1.0]
    moved, state = run(opt, rt.ones(1), [rt.asarray([float("inf")])] * 3)
    assert moved.tolist() == [-float("inf")]
    assert int(state.in_a_row) == 3


def test_hyperparameters_are_in_the_state() -> None:
    opt = optim.inject_hyperparams(optim.adamw)(
        schedules.linear(0.1, 0.0, 10), b1=0.8, weight_decay=0.01, amsgrad=True
    )
    step, params = rt.jit(opt.update), rt.ones(2)
    state = opt.init(params)
    assert sorted(state.hyperparams) == ["b1", "learning_rate", "weight_decay"]
    for t in range(3):
        _, state = step(params, state, params)
        assert float(state.hyperparams["learning_rate"]) == pytest.approx(0.1 - 0.01 * t, abs=1e-15)
    changed = dict(state.hyperparams, weight_decay=rt.asarray(100.0, dtype=rt.float64))
    updates, state = step(params, state._replace(hyperparams=changed), params)
    assert float(updates[0]) < -1
    assert float(state.hyperparams["weight_decay"]) == 100.0
    assert step.cache_info().misses == 1


def test_noise_is_new_in_every_step_and_falls() -> None:
    opt = optim.add_noise(rt.random.key(3), eta=0.04, gamma=2.0)
    zeros = {"a": rt.zeros(2000), "n": rt.asarray(3), "b": rt.zeros(2000)}
    state, step, seen = opt.init(zeros), rt.jit(opt.update), []
    for _ in range(3):
        noise, state = step(zeros, state)
        assert int(noise["n"]) == 3
        seen += [np.asarray(noise["a"]), np.asarray(noise["b"])]
    np.testing.assert_allclose(
        [x.std() for x in seen], [0.2, 0.2, 0.1, 0.1, 0.2 / 3, 0.2 / 3], rtol=0.1
    )
    correlation = np.corrcoef(seen)
    assert abs(correlation - np.eye(6)).max() < 0.1


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: optim.groups({"*bias": optim.sgd(0.1)}).init(PARAMS), errors.ArgumentError,
            r"no pattern fits the leaf 'weight': .* add \"\*\"",
        ),
        (lambda: optim.groups({"*": 3}), errors.ArgumentError, "expected an Optimizer, got"),
        (lambda: optim.masked(optim.sgd, "*"), errors.ArgumentError, "expected an Optimizer"),
        (
            lambda: optim.masked(optim.sgd(0.1), {"weight": 1, "bias": 0}).init(PARAMS),
            errors.ArgumentError, "mask: expected bools or patterns",
        ),
        (lambda: optim.accumulate(optim.sgd(0.1), 0), errors.ArgumentError, "steps: expected more"),
        (
            lambda: optim.ema(optim.sgd(0.1)).update(
                GRADS[0], optim.ema(optim.sgd(0.1)).init(PARAMS)
            ),
            errors.ArgumentError, r"\[ema\] update needs the parameters",
        ),
        (
            lambda: optim.inject_hyperparams(optim.sgd)(-1.0), errors.ArgumentError,
            "learning_rate: expected 0 or more",
        ),
        (
            lambda: optim.muon().init({"w": rt.ones(3)}), errors.ShapeError,
            "expected matrices, got a leaf of shape",
        ),
        (lambda: optim.muon(adjust_lr_fn="x"), errors.ArgumentError, "adjust_lr_fn: expected one"),
        (
            lambda: optim.rprop().init(rt.ones(1, dtype=rt.complex64)), errors.DTypeError,
            "expected real parameters",
        ),
        (lambda: optim.rprop(etas=(1.0, 1.0)), errors.ArgumentError, "etas: expected 0 < "),
        (
            lambda: optim.schedule_free_params((), PARAMS), errors.ArgumentError,
            "state: expected that of schedule_free",
        ),
    ],
)  # fmt: skip
def test_messages(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
