"""weight_norm and spectral_norm: weights, gradients and training as PyTorch has them."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn, optim

CASES: list[tuple[str, tuple[Any, ...], tuple[Any, ...], tuple[int, ...]]] = [
    ("Linear", (4,), (5, 4), (3, 5)),
    ("Conv2d", (4, 3), (2, 4, 3), (2, 2, 5, 5)),
    ("ConvTranspose1d", (3, 2), (4, 3, 2), (2, 4, 5)),
]


def torch_layer(name: str, args: Any, x: Any, dtype: Any) -> Any:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    return getattr(torch.nn, name)(*args).to(dtype), torch.tensor(x, dtype=dtype)


def as_arrays(tensors: Any) -> dict[str, Any]:
    return {name: rt.asarray(t.detach().numpy().copy()) for name, t in tensors}


def check_training(ours: Any, theirs: Any, x: Any, tx: Any, tol: float) -> None:
    """Values, gradients and 20 steps of SGD (in float32 some)."""
    torch = pytest.importorskip("torch")
    params, state = as_arrays(theirs.named_parameters()), as_arrays(theirs.named_buffers())
    specs, _ = rt.eval_shape(ours.init, rt.random.key(0), x)
    assert {n: p.shape for n, p in specs.items()} == {n: p.shape for n, p in params.items()}
    opt, theirs_opt = optim.sgd(0.05), torch.optim.SGD(theirs.parameters(), 0.05)
    opt_state = opt.init(params)

    def step(params: Any, state: Any, opt_state: Any) -> Any:
        def loss(params: Any) -> Any:
            y, new = ours.apply(params, state, x, train=True)
            return rt.mean(rt.sin(y)), (y, new)

        (_, (y, state)), grads = rt.value_and_grad(loss, has_aux=True)(params)
        updates, opt_state = opt.update(grads, opt_state, params)
        return optim.apply_updates(params, updates), state, opt_state, y, grads

    for _ in range(20 if tol < 1e-6 else 3):
        params, state, opt_state, y, grads = step(params, state, opt_state)
        expected = theirs(tx)
        theirs_opt.zero_grad()
        expected.sin().mean().backward()
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tol, atol=tol)
        for name, p in theirs.named_parameters():
            np.testing.assert_allclose(grads[name], p.grad.numpy(), rtol=tol, atol=tol)
        theirs_opt.step()
    for ours_now, now in ((params, theirs.named_parameters()), (state, theirs.named_buffers())):
        for name, t in now:
            np.testing.assert_allclose(ours_now[name], t.detach().numpy(), rtol=tol, atol=tol)
    theirs.eval()
    y, same = ours.apply(params, state, x)
    assert all(bool(rt.all(same[name] == state[name])) for name in state)
    np.testing.assert_allclose(y, theirs(tx).detach().numpy(), rtol=tol, atol=tol)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize(("name", "args", "theirs", "shape"), CASES, ids=str)
def test_weight_norm_is_that_of_torch(
    name: str, args: Any, theirs: Any, shape: Any, axis: Any, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    x = rng.normal(size=shape)
    for dtype, tol in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        layer, tx = torch_layer(name, theirs, x, dtype)
        layer = torch.nn.utils.weight_norm(layer, dim=axis)
        ours = nn.weight_norm(getattr(nn, name)(*args), axis=axis)
        check_training(ours, layer, rt.asarray(tx.numpy()), tx, tol)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize(("name", "args", "theirs", "shape"), CASES, ids=str)
def test_spectral_norm_is_that_of_torch(
    name: str, args: Any, theirs: Any, shape: Any, iterations: int, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    x = rng.normal(size=shape)
    for dtype, tol in ((torch.float64, 1e-10), (torch.float32, 2e-5)):
        layer, tx = torch_layer(name, theirs, x, dtype)
        layer = torch.nn.utils.spectral_norm(layer, n_power_iterations=iterations)
        ours = nn.spectral_norm(getattr(nn, name)(*args), n_power_iterations=iterations)
        check_training(ours, layer, rt.asarray(tx.numpy()), tx, tol)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_weight_norm_of_an_lstm(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(4, 2, 3))
    theirs = torch.nn.LSTM(3, 5).double()
    names = ("weight_ih_l0", "weight_hh_l0")
    for name in names:
        theirs = torch.nn.utils.weight_norm(theirs, name)
    params = as_arrays(theirs.named_parameters())
    layer = nn.weight_norm(nn.LSTM(5), names)
    assert params.keys() == layer.init(rt.random.key(0), x)[0].keys()
    y, _ = layer.apply(params, {}, rt.asarray(x))
    np.testing.assert_allclose(y, theirs(torch.tensor(x))[0].detach().numpy(), rtol=1e-10)


@pytest.mark.reuses_keys
def test_they_begin_where_the_layer_begins() -> None:
    x = rt.random.normal(rt.random.key(1), (3, 4))
    plain, normed = nn.Linear(2), nn.weight_norm(nn.Linear(2))
    key = rt.random.key(0)
    y, _ = plain.apply(*plain.init(key, x), x)
    z, _ = normed.apply(*normed.init(key, x), x)
    np.testing.assert_allclose(z, y, rtol=1e-6)
    spectral = nn.spectral_norm(nn.Linear(2))
    params, state = spectral.init(rt.random.key(2), x)
    largest = rt.linalg.svdvals(params["weight_orig"])[0]
    y, _ = spectral.apply(params, state, x)
    weight = params["weight_orig"] / largest
    np.testing.assert_allclose(y, x @ weight.T + params["bias"], rtol=1e-3)


def test_state_of_the_layer_stays() -> None:
    layer = nn.weight_norm(nn.BatchNorm1d(), axis=None)
    params, state = layer.init(None, rt.spec((4, 3)))
    _, after = layer.apply(params, state, rt.reshape(rt.arange(12.0), (4, 3)), train=True)
    assert after["num_batches_tracked"] == 1


@pytest.mark.parametrize("wrap", [nn.weight_norm, nn.spectral_norm])
def test_transformed(wrap: Any, rng: np.random.Generator) -> None:
    layer = wrap(nn.Linear(3))
    xs = rt.asarray(rng.normal(size=(2, 4, 5)))
    params, state = layer.init(rt.random.key(0), xs[0])

    def loss(params: Any, x: Any) -> Any:
        return rt.sum(rt.tanh(layer.apply(params, state, x)[0]))

    if wrap is nn.weight_norm:  # for spectral_norm, u and v are constants by definition
        rt.check_grads(loss, (params, xs[0]), order=2)
    each = [rt.grad(loss)(params, x) for x in xs]
    for i, lane in enumerate(each):
        batched = rt.vmap(rt.jit(rt.grad(loss)), (None, 0))(params, xs)
        for name, grad in lane.items():
            np.testing.assert_allclose(batched[name][i], grad, rtol=1e-10, atol=1e-12)
    for name, spec in rt.eval_shape(layer.init, rt.random.key(0), xs[0])[0].items():
        assert params[name].shape == spec.shape


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.weight_norm(nn.Linear(2), "w").init(rt.random.key(0), rt.ones((1, 2))),
         errors.TreeError, r"\[weight_norm\] params: expected a dict with \['w'\]"),
        (lambda: nn.weight_norm(nn.Linear(2), 3), errors.ArgumentError, r"\[weight_norm\] names"),
        (lambda: nn.weight_norm(nn.Linear(2), axis=2).init(rt.random.key(0), rt.ones((1, 2))),
         errors.AxisError, "no axis 2"),
        (lambda: nn.weight_norm(nn.Linear(2)).apply({"weight": rt.ones((2, 2))}, {}, rt.ones(2)),
         errors.TreeError, "weight_g"),
        (lambda: nn.spectral_norm(nn.Linear(2)).init(None, rt.ones((1, 2))),
         errors.ArgumentError, r"\[spectral_norm\] init draws"),
        (lambda: nn.spectral_norm(nn.Linear(2), "bias").init(rt.random.key(0), rt.ones((1, 2))),
         errors.AxisError, "two axes"),
        (lambda: nn.spectral_norm(nn.Linear(2), n_power_iterations=0),
         errors.ArgumentError, "n_power_iterations"),
        (lambda: nn.spectral_norm(nn.Linear(2)).apply(
            {"weight_orig": rt.ones((2, 2)), "bias": rt.ones(2)}, {}, rt.ones(2)),
         errors.TreeError, r"\[spectral_norm\] state"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
