"""The contract that every optimizer and every optimizer of optimizers keeps."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optimizer_cases import ALL, LIKE_TORCH, OURS, WRAPPED

import rtorch as rt
from rtorch import errors, optim
from rtorch.optim import schedules


def public_optimizers() -> dict[str, Callable[..., Any]]:
    """The functions that make optimizers."""
    found = {name: getattr(optim, name) for name in optim.__all__}
    return {
        name: f for name, f in found.items()
        if inspect.isfunction(f) and "Optimizer" in str(f.__annotations__["return"])
    }  # fmt: skip


def test_none_is_missing() -> None:
    first_words = {name.split()[0] for name in ALL}
    first_words |= {"muon", "clip_by_global_norm"}  # below, and in the chain
    assert set(public_optimizers()) - first_words == set()
    bases = set(public_optimizers()) - set(WRAPPED) - {"muon", "lbfgs", "clip_by_global_norm"}
    assert bases == set(RATES) - {"muon"} == set(ROSENBROCK) & bases


def run(opt: optim.Optimizer, params: Any, grads: list[Any], state: Any = None) -> Any:
    state = opt.init(params) if state is None else state
    for g in grads:
        updates, state = opt.update(g, state, params)
        params = optim.apply_updates(params, updates)
    return params, state


def some(t: int, dtype: Any = rt.float64) -> Any:
    """Parameters, or gradients."""
    x = np.sin(np.arange(6.0) * 1.3 + t)
    return {"w": rt.asarray(x.reshape(2, 3), dtype=dtype), "b": [rt.asarray(x[:3], dtype=dtype)]}


def same(a: Any, b: Any) -> None:
    rt.tree.map(lambda x, y: np.testing.assert_array_equal(np.asarray(x), np.asarray(y)), a, b)


@pytest.mark.parametrize("name", ALL)
def test_scanned_like_looped(name: str) -> None:
    opt, params = ALL[name], some(0)
    grads = rt.tree.map(lambda *gs: rt.stack(gs), *(some(t) for t in range(1, 4)))

    def body(carry: Any, g: Any) -> Any:
        return run(opt, carry[0], [g], carry[1]), None

    (together, _), _ = rt.scan(body, (params, opt.init(params)), grads)
    alone, _ = run(opt, params, [some(t) for t in range(1, 4)])
    rt.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), together, alone)


@pytest.mark.parametrize("name", ALL)
def test_pytrees_of_all_kinds(name: str) -> None:
    opt = ALL[name]
    params = {
        "w": rt.ones((2, 3)), "empty": {}, "none": None, "scalar": rt.asarray(2.0),
        "nothing": rt.zeros((0, 3)), "count": rt.asarray(5), "nested": [(rt.ones(2),), ()],
    }  # fmt: skip
    grads = rt.tree.map(rt.ones_like, params)
    moved, state = run(opt, params, [grads] * 3)
    assert rt.eval_shape(lambda p: p, moved) == rt.eval_shape(lambda p: p, params)
    assert bool(optim.all_finite(moved))
    assert bool(optim.all_finite(state))
    assert int(moved["count"]) == 5


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [rt.float32, rt.bfloat16])
def test_saved_and_loaded_it_goes_on_the_same(name: str, dtype: Any, tmp_path: Path) -> None:
    opt = ALL[name]
    params, state = run(opt, some(0, dtype), [some(t, dtype) for t in (1, 2, 3)])
    rt.save(tmp_path / "state", (params, state))
    like = some(0, dtype), opt.init(some(0, dtype))
    there, there_state = rt.load(tmp_path / "state", like=like)
    rest = [some(t, dtype) for t in (4, 5)]
    same(run(opt, params, rest, state), run(opt, there, rest, there_state))


@pytest.mark.parametrize("name", OURS)
def test_accumulated_like_the_big_batch(name: str) -> None:
    opt = OURS[name]
    params = {"a": some(0)["w"], "b": rt.ones(3, dtype=rt.float64)}
    halves = [{"a": some(t)["w"], "b": some(t)["b"][0]} for t in range(1, 7)]
    pairs = zip(halves[::2], halves[1::2], strict=True)
    whole = [rt.tree.map(lambda g, h: g / 2 + h / 2, *pair) for pair in pairs]
    small, state = run(optim.accumulate(opt, 2), params, halves)
    big, inner = run(opt, params, whole)
    for a, b in ((small, big), (state.inner, inner)):
        rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-12), a, b)


@pytest.mark.parametrize("name", ["muon"])
def test_muon_in_matrices(name: str, tmp_path: Path) -> None:
    opt, params = optim.muon(0.1), some(0)["w"]
    grads = [some(t)["w"] for t in range(1, 4)]
    alone, state = run(opt, params, grads)

    def body(carry: Any, g: Any) -> Any:
        return run(opt, carry[0], [g], carry[1]), None

    (together, _), _ = rt.jit(lambda p, gs: rt.scan(body, (p, opt.init(p)), gs))(
        params, rt.stack(grads)
    )
    np.testing.assert_allclose(together, alone, rtol=1e-10)
    many = rt.vmap(lambda p: run(opt, p, grads)[0])(rt.stack([params, params]))
    np.testing.assert_allclose(many[1], alone, rtol=1e-10)
    rt.save(tmp_path / "state", state)
    same(rt.load(tmp_path / "state", like=state), state)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "dampening", "asgd"])
def test_complex_parameters_like_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours, cls, options = LIKE_TORCH[name]
    x = np.asarray([1 + 2j, 3 - 1j])
    theirs = torch.tensor(x, requires_grad=True)
    optimizer = getattr(torch.optim, cls)([theirs], **options)
    params, state = rt.asarray(x), ours.init(rt.asarray(x))
    for t in range(20):
        g = np.exp(1j * np.asarray([t, 2.0 * t]))
        theirs.grad = torch.tensor(g)
        optimizer.step()
        updates, state = ours.update(rt.asarray(g), state, params)
        params = optim.apply_updates(params, updates)
    np.testing.assert_allclose(params, theirs.detach(), rtol=1e-7 if name == "asgd" else 1e-12)


NOT_NEGATIVE = [
    (name, key)
    for name, f in public_optimizers().items()
    for key, p in inspect.signature(f).parameters.items()
    if (type(p.default) in (int, float) or key in ("learning_rate", "max_norm", "limit", "steps"))
    # Which may be negative:
    if key not in ("beta2_decay", "r", "weight_lr_power", "dampening")
]


@pytest.mark.parametrize(("name", "key"), NOT_NEGATIVE)
@pytest.mark.parametrize("bad", [-1.0, float("nan")])
def test_bad_hyperparameters_are_named(name: str, key: str, bad: float) -> None:
    f = public_optimizers()[name]
    fitting = {
        "optimizer": optim.sgd(0.1), "learning_rate": 0.1, "key": rt.random.key(0), "steps": 2,
        "weight_decay": 0.1, "max_norm": 1.0, "limit": 1.0,
    }  # fmt: skip
    needed = {
        k: fitting[k] for k, p in inspect.signature(f).parameters.items() if p.default is p.empty
    }
    with pytest.raises(errors.ArgumentError, match=rf"\[{name}\] {key}.*: expected .*{key}|"
                       rf"\[{name}\] {key}.*: expected .*(0|than)"):  # fmt: skip
        f(**(needed | {key: bad}))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [rt.float32, rt.float64, rt.bfloat16])
def test_structure_shapes_and_dtypes_stay(name: str, dtype: Any) -> None:
    opt = ALL[name]
    params = {"w": rt.ones((2, 3), dtype=dtype), "more": [rt.ones((), dtype=dtype), None]}
    state = opt.init(params)
    step = rt.jit(lambda g, s, p: opt.update(g, s, p))
    for _ in range(3):
        updates, new = step(rt.tree.map(rt.ones_like, params), state, params)
        assert rt.eval_shape(lambda s: s, new) == rt.eval_shape(lambda s: s, state)
        assert rt.eval_shape(lambda u: u, updates) == rt.eval_shape(lambda p: p, params)
        params, state = optim.apply_updates(params, updates), new
    assert step.cache_info().misses == 1


@pytest.mark.parametrize("name", ALL)
def test_jitted_with_donation_like_eager(name: str, rng: np.random.Generator) -> None:
    opt = ALL[name]

    def step(params: Any, state: Any, grads: Any) -> Any:
        updates, state = opt.update(grads, state, params)
        return optim.apply_updates(params, updates), state

    fast = rt.jit(step, donate_argnums=(0, 1))
    one = {"w": rt.asarray(rng.normal(size=(3, 2)))}
    other = rt.tree.map(lambda p: p + 0, one)
    one_state, other_state = opt.init(one), opt.init(other)
    for _ in range(4):
        grads = {"w": rt.asarray(rng.normal(size=(3, 2)))}
        one, one_state = step(one, one_state, grads)
        other, other_state = fast(other, other_state, grads)
    np.testing.assert_allclose(one["w"], other["w"], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ALL)
def test_many_models_at_once(name: str) -> None:
    opt = ALL[name]

    def two_steps(params: Any, grads: Any) -> Any:
        state = opt.init(params)
        for g in (grads, rt.cos(grads)):
            updates, state = opt.update(g, state, params)
            params = optim.apply_updates(params, updates)
        return params

    params = rt.asarray(np.sin(np.arange(18.0)).reshape(3, 2, 3))
    grads = rt.asarray(np.cos(np.arange(18.0)).reshape(3, 2, 3))
    together = rt.vmap(two_steps)(params, grads)
    alone = rt.stack([two_steps(p, g) for p, g in zip(params, grads, strict=True)])
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("rprop", "lbfgs")])
def test_complex_parameters_keep_their_dtype(name: str) -> None:
    opt = ALL[name]
    params = rt.asarray([1 + 2j, 3 - 1j], dtype=rt.complex64)
    first = state = opt.init(params)
    for _ in range(2):
        updates, state = opt.update(params * 1j, state, params)
    assert updates.dtype == rt.complex64
    assert bool(rt.all(rt.isfinite(updates)))
    assert rt.eval_shape(lambda s: s, first) == rt.eval_shape(lambda s: s, state)


@pytest.mark.parametrize("name", ALL)
def test_leaves_that_are_not_floating_stay(name: str) -> None:
    opt = ALL[name]
    params = {"w": rt.ones(2), "seen": rt.asarray(7), "mask": rt.asarray([True])}
    grads = rt.grad(lambda p: rt.sum(p["w"] ** 2))(params)
    updates, state = opt.update(grads, opt.init(params), params)
    moved = optim.apply_updates(params, updates)
    assert moved["seen"] is params["seen"]
    assert moved["mask"] is params["mask"]
    opt.update(grads, state, moved)


@pytest.mark.parametrize("name", ALL)
def test_goes_down_a_parabola(name: str) -> None:
    opt = ALL[name]
    params = rt.asarray([3.0, -2.0])
    state = opt.init(params)
    step = rt.jit(opt.update)
    for _ in range(150):
        updates, state = step(2 * (params - 1), state, params)
        params = optim.apply_updates(params, updates)
    left = float(rt.max(rt.abs(params - 1)))
    slow = {"centralize": 0.5, "lion": 0.5, "schedule_free_adamw": 0.5, "lars": 0.6, "radam": 0.7}
    exact = not any(word in name for word in ("decay", "nesterov", "options"))
    assert left < slow.get(name, 0.2 if exact else 0.6)


ROSENBROCK = {
    "sgd": optim.sgd(1e-3),
    "nesterov": optim.sgd(1e-3, 0.9, nesterov=True),
    "adam": optim.adam(0.05),
    "amsgrad": optim.adam(0.05, amsgrad=True),
    "adamw": optim.adamw(0.05),
    "nadam": optim.nadam(0.05),
    "radam": optim.radam(2e-3, b2=0.9),
    "adamax": optim.adamax(0.05),
    "adan": optim.adan(0.02),
    "lion": optim.lion(0.005),
    "adagrad": optim.adagrad(0.3),
    "adadelta": optim.adadelta(20.0),
    "rmsprop": optim.rmsprop(0.005),
    "rprop": optim.rprop(0.01),
    "asgd": optim.asgd(1e-3),
    "adafactor": optim.adafactor(0.05),
    "lamb": optim.lamb(0.02),
    "lars": optim.lars(1.0),
    "schedule_free_sgd": optim.schedule_free_sgd(2e-3),
    "schedule_free_adamw": optim.schedule_free_adamw(0.05),
    "yogi": optim.yogi(0.05),
    "adabelief": optim.adabelief(0.05),
    "ademamix": optim.ademamix(0.02),
    "novograd": optim.novograd(0.01),
    "dog": optim.dog(initial=1e-3),
    "dowg": optim.dowg(0.3),
    "prodigy": optim.prodigy(initial=1e-3),
}


@pytest.mark.parametrize("name", ROSENBROCK)
def test_goes_down_the_valley_of_rosenbrock(name: str) -> None:
    def loss(p: rt.Array) -> rt.Array:
        return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2

    opt = ROSENBROCK[name]

    def step(params: Any, state: Any) -> Any:
        updates, state = opt.update(rt.grad(loss)(params), state, params)
        return optim.apply_updates(params, updates), state

    fast = rt.jit(step)
    params = rt.asarray([-1.2, 1.0])
    state = opt.init(params)
    for _ in range(200):
        params, state = fast(params, state)
    assert float(loss(params)) < 4.5  # 24.2 at first, about 4 at the bottom of the valley


@pytest.mark.parametrize("name", [name for name in ALL if name not in WRAPPED])
def test_leaves_without_gradient_stay(name: str) -> None:
    opt = ALL[name]
    params = {"w": rt.ones(2), "b": rt.ones((2, 3)), "none": None}
    grads = {"w": None, "b": rt.ones((2, 3)), "none": None}
    updates, _ = opt.update(grads, opt.init(params), params)
    assert updates["w"].tolist() == [0.0, 0.0]
    assert float(rt.max(rt.abs(updates["b"]))) > 0


RATES: dict[str, Callable[[Any], optim.Optimizer]] = {
    "sgd": optim.sgd, "adam": optim.adam, "adamw": optim.adamw, "nadam": optim.nadam,
    "radam": optim.radam, "adamax": optim.adamax, "adan": optim.adan, "lion": optim.lion,
    "adagrad": optim.adagrad, "adadelta": optim.adadelta, "rmsprop": optim.rmsprop,
    "rprop": optim.rprop, "asgd": optim.asgd, "adafactor": optim.adafactor, "lamb": optim.lamb,
    "lars": optim.lars, "muon": optim.muon, "schedule_free_sgd": optim.schedule_free_sgd,
    "schedule_free_adamw": optim.schedule_free_adamw, "yogi": optim.yogi,
    "adabelief": optim.adabelief, "ademamix": optim.ademamix, "novograd": optim.novograd,
    "dog": optim.dog, "dowg": optim.dowg, "prodigy": optim.prodigy,
}  # fmt: skip


@pytest.mark.parametrize("name", RATES)
def test_a_constant_schedule_is_a_number_is_an_injected_number(name: str) -> None:
    kinds = [
        RATES[name](0.01),
        RATES[name](schedules.constant(0.01)),
        optim.inject_hyperparams(RATES[name])(0.01),
    ]
    params = rt.asarray(np.cos(np.arange(6.0)).reshape(2, 3))
    moved = []
    for opt in kinds:
        p, state = params, opt.init(params)
        step = rt.jit(opt.update)
        for t in range(3):
            updates, state = step(rt.sin(params + t), state, p)
            p = optim.apply_updates(p, updates)
        moved.append(p)
    np.testing.assert_allclose(moved[1], moved[0], rtol=1e-13)
    np.testing.assert_allclose(moved[2], moved[0], rtol=1e-13)


@pytest.mark.parametrize("name", [name for name in RATES if name != "rprop"])
def test_a_schedule_is_honoured(name: str) -> None:
    """As rates set by hand before each step; `rprop` has sizes of its own after the first."""
    rate = schedules.linear(0.01, 0.03, 4)
    opt, by_hand = RATES[name](rate), optim.inject_hyperparams(RATES[name])(learning_rate=0.5)
    params = other = some(0)["w"]
    state, other_state = opt.init(params), by_hand.init(params)
    for t in range(5):
        params, state = run(opt, params, [some(t)["w"]], state)
        other_state.hyperparams["learning_rate"] = rate(t)
        other, other_state = run(by_hand, other, [some(t)["w"]], other_state)
    np.testing.assert_allclose(params, other, rtol=1e-12)


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16])
def test_half_precision_is_computed_in_float32(name: str, dtype: Any) -> None:
    opt = RATES[name](0.01)
    params = rt.asarray([[0.5, -1.0], [1.5, 2.0]])
    grads = rt.asarray([[0.25, -0.5], [1.0, -0.125]])
    half = params.astype(dtype)
    wanted, _ = opt.update(grads, opt.init(params), params)
    updates, _ = opt.update(grads.astype(dtype), opt.init(half), half)
    assert updates.dtype == dtype
    np.testing.assert_allclose(
        np.asarray(updates, np.float32), np.asarray(wanted), rtol=1e-2, atol=1e-6
    )
