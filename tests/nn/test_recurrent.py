"""Recurrent layers against PyTorch, and what they promise by themselves."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

LAYERS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
STEPS, BATCH, FEATURES, HIDDEN = 6, 3, 4, 5

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "deep": {"num_layers": 3},
    "both ways": {"bidirectional": True},
    "deep both ways": {"num_layers": 2, "bidirectional": True, "batch_first": True},
    "without bias": {"bias": False, "num_layers": 2},
}
CASES = [(kind, options) for kind in LAYERS for options in OPTIONS.values()]
CASES += [
    ("RNN", {"nonlinearity": "relu"}),
    ("LSTM", {"proj_size": 2, "num_layers": 2, "bidirectional": True}),
]


def carried_over(theirs: Any) -> Any:
    """The parameters of a module of torch."""
    return {name: rt.asarray(p.detach().numpy()) for name, p in theirs.named_parameters()}


def leaves(state: Any) -> list[Any]:
    return list(state) if isinstance(state, tuple) else [state]


def start(kind: str, options: dict[str, Any], rng: np.random.Generator) -> list[np.ndarray]:
    n = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    sizes = [options.get("proj_size") or HIDDEN, HIDDEN][: 2 if kind == "LSTM" else 1]
    return [rng.normal(size=(n, BATCH, size)) for size in sizes]


def as_state(parts: list[Any]) -> Any:
    return tuple(parts) if len(parts) > 1 else parts[0]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_values_and_gradients_are_those_of_torch(
    kind: str, options: dict[str, Any], padded: bool, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind)(FEATURES, HIDDEN, dtype=torch.float64, **options)
    batch_first = options.get("batch_first", False)
    x = rng.normal(size=(BATCH, STEPS, FEATURES) if batch_first else (STEPS, BATCH, FEATURES))
    h0, lengths = start(kind, options, rng), np.asarray([4, 6, 1])

    t = torch.tensor(x, requires_grad=True)
    t0 = [torch.tensor(h, requires_grad=True) for h in h0]
    if padded:
        rnn = torch.nn.utils.rnn
        packed = rnn.pack_padded_sequence(t, lengths, batch_first, enforce_sorted=False)
        y, last = theirs(packed, as_state(t0))
        y, _ = rnn.pad_packed_sequence(y, batch_first, total_length=STEPS)
    else:
        y, last = theirs(t, as_state(t0))
    outs = [y, *leaves(last)]
    ways = [rng.normal(size=tuple(out.shape)) for out in outs]
    sum((out * torch.tensor(way)).sum() for out, way in zip(outs, ways, strict=True)).backward()

    layer = LAYERS[kind](HIDDEN, return_state=True, **options)

    def loss(params: Any, x: Any, h0: Any) -> Any:
        given = (x, as_state(h0), rt.asarray(lengths) if padded else None)
        (y, last), _ = layer.apply(params, {}, given)
        outs = [y, *leaves(last)]
        return sum(rt.sum(o * rt.asarray(w)) for o, w in zip(outs, ways, strict=True)), outs

    gradient = rt.grad(loss, argnums=(0, 1, 2), has_aux=True)
    for f in (gradient, rt.jit(gradient)):
        grads, ours = f(carried_over(theirs), rt.asarray(x), [rt.asarray(h) for h in h0])
        for one, other in zip(ours, outs, strict=True):
            np.testing.assert_allclose(one, other.detach(), rtol=1e-10, atol=1e-12)
        for name, p in theirs.named_parameters():
            np.testing.assert_allclose(grads[0][name], p.grad, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(grads[1], t.grad, rtol=1e-9, atol=1e-11)
        for one, other in zip(grads[2], t0, strict=True):
            np.testing.assert_allclose(one, other.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_one_sequence_and_no_states_are_those_of_torch(
    kind: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind)(FEATURES, HIDDEN, **options)
    x = rng.normal(size=(STEPS, FEATURES)).astype(np.float32)
    y, last = theirs(torch.tensor(x))
    params = carried_over(theirs)
    ours, _ = LAYERS[kind](HIDDEN, return_state=True, **options).apply(params, {}, rt.asarray(x))
    for one, other in zip([ours[0], *leaves(ours[1])], [y, *leaves(last)], strict=True):
        assert one.shape == tuple(other.shape)
        np.testing.assert_allclose(one, other.detach(), rtol=1e-5, atol=1e-6)
    alone, _ = LAYERS[kind](HIDDEN, **options).apply(params, {}, rt.asarray(x))
    np.testing.assert_array_equal(alone, ours[0])


@pytest.mark.parametrize("kind", LAYERS)
def test_a_sequence_of_no_steps_keeps_its_states(kind: str, rng: np.random.Generator) -> None:
    """Torch packs none of length 0; those beside it are as in a batch without it."""
    layer = LAYERS[kind](HIDDEN, 2, bidirectional=True, return_state=True)
    x = rt.asarray(rng.normal(size=(STEPS, BATCH, FEATURES)))
    params, _ = layer.init(rt.random.key(0), x)
    h0 = [rt.asarray(h) for h in start(kind, {"num_layers": 2, "bidirectional": True}, rng)]

    def run(x: Any, h0: Any, lengths: Any) -> Any:
        return layer.apply(params, {}, (x, as_state(h0), rt.asarray(lengths)))[0]

    y, last = run(x, h0, [0, 6, 1])
    assert not bool(rt.any(y[:, 0]))
    for now, before in zip(leaves(last), h0, strict=True):
        np.testing.assert_array_equal(now[:, 0], before[:, 0])
    z, others = run(x[:, 1:], [h[:, 1:] for h in h0], [6, 1])
    np.testing.assert_allclose(y[:, 1:], z, rtol=1e-12)
    for one, other in zip(leaves(last), leaves(others), strict=True):
        np.testing.assert_allclose(one[:, 1:], other, rtol=1e-12)
    grads = rt.grad(lambda x: rt.sum(run(x, h0, [0, 6, 1])[0]))(x)
    assert not bool(rt.any(grads[:, 0]))
    assert not bool(rt.any(grads[1:, 2]))


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_the_fraction_that_is_dropped_between_layers(rate: float) -> None:
    """The second layer adds up what it gets of the first, which is 1 everywhere: a survey."""
    n = 400
    layer = nn.RNN(n, 2, "relu", bias=False, dropout=rate)
    none, eye = rt.zeros((n, n)), rt.eye(n)
    params = {
        "weight_ih_l0": eye, "weight_hh_l0": none, "weight_ih_l1": eye, "weight_hh_l1": none,
    }  # fmt: skip
    y, _ = layer.apply(params, {}, rt.ones((5, 20, n)), key=rt.random.key(0), train=True)
    dropped = np.asarray(y == 0)
    assert abs(dropped.mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / y.size) + 1e-12
    if rate < 1:
        np.testing.assert_allclose(np.asarray(y)[~dropped], 1 / (1 - rate), rtol=1e-6)
    assert (dropped[0] != dropped[1]).any() or rate == 1  # each step has a mask of its own


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_cells_are_those_of_torch(kind: str, bias: bool, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind + "Cell")(FEATURES, HIDDEN, bias=bias, dtype=torch.float64)
    layer = getattr(nn, kind + "Cell")(HIDDEN, bias)
    x = rng.normal(size=(BATCH, FEATURES))
    h0 = [h[0] for h in start(kind, {}, rng)]
    params = carried_over(theirs)
    for given in (h0, None):
        state = None if given is None else as_state([torch.tensor(h) for h in given])
        wanted = theirs(torch.tensor(x), state)
        state = None if given is None else as_state([rt.asarray(h) for h in given])
        ours, _ = layer.apply(params, {}, (rt.asarray(x), state))
        for one, other in zip(leaves(ours), leaves(wanted), strict=True):
            np.testing.assert_allclose(one, other.detach(), rtol=1e-12)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_is_its_cell_step_by_step(kind: str, rng: np.random.Generator) -> None:
    layer, cell = LAYERS[kind](HIDDEN), getattr(nn, kind + "Cell")(HIDDEN)
    params, _ = layer.init(rt.random.key(0), rt.spec((STEPS, BATCH, FEATURES), rt.float64))
    of_cell = {name.removesuffix("_l0"): p for name, p in params.items()}
    x = rt.asarray(rng.normal(size=(STEPS, BATCH, FEATURES)))
    state, outs = None, []
    for now in x:
        state, _ = cell.apply(of_cell, {}, (now, state))
        outs.append(leaves(state)[0])
    np.testing.assert_allclose(layer.apply(params, {}, x)[0], rt.stack(outs), rtol=1e-12)


def waves(p: Any) -> rt.Array:
    return rt.reshape(rt.sin(rt.arange(p.size, dtype=p.dtype)), p.shape)


@pytest.mark.reuses_keys
def test_golden_numbers() -> None:
    """Those of torch, for the machines without it."""
    x = rt.reshape(rt.arange(6, dtype=rt.float64), (3, 1, 2)) / 6
    for kind, layer in LAYERS.items():
        params, _ = layer(2).init(rt.random.key(0), x)
        params = rt.tree.map(
            lambda p: rt.reshape(rt.sin(rt.arange(p.size, dtype=p.dtype)), p.shape), params
        )
        y, _ = layer(2).apply(params, {}, x)
        np.testing.assert_allclose(np.ravel(y), GOLDEN[kind], rtol=1e-11)


GOLDEN = {
    "RNN": [0.1393328606909, 0.9362120161072, 0.8362382166642,
            0.9806948051278, 0.9098154776706, 0.9973127789601],
    "LSTM": [-0.1692424352456, -0.5441687754410, -0.2325061116159,
             -0.6935998024289, -0.2568437689504, -0.7939514179402],
    "GRU": [-0.1276172122755, -0.3868893742772, -0.2179036846584,
            -0.6347696802814, -0.2569940961607, -0.7834253085040],
}  # fmt: skip


@pytest.mark.reuses_keys
@pytest.mark.parametrize("kind", LAYERS)
def test_unroll_and_checkpoint_change_nothing(kind: str, rng: np.random.Generator) -> None:
    x = rt.asarray(rng.normal(size=(STEPS, BATCH, FEATURES)))
    results = []
    for options in ({}, {"unroll": 4}, {"checkpoint": 2}, {"checkpoint": "sqrt"}):
        layer = LAYERS[kind](HIDDEN, 2, **options)
        params, _ = layer.init(rt.random.key(0), x)
        results.append(
            rt.jit(rt.grad(lambda p, layer=layer: rt.sum(layer.apply(p, {}, x)[0])))(params)
        )
    for other in results[1:]:
        rt.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10), results[0], other)


@pytest.mark.reuses_keys
def test_vmap_is_a_loop_and_a_single_sequence_needs_no_batch(rng: np.random.Generator) -> None:
    layer = nn.LSTM(HIDDEN, 2, bidirectional=True, return_state=True)
    x = rt.asarray(rng.normal(size=(STEPS, BATCH, FEATURES)))
    params, _ = layer.init(rt.random.key(0), x)
    y, (h, c) = layer.apply(params, {}, x)[0]
    one, (h1, c1) = rt.vmap(lambda x: layer.apply(params, {}, x)[0], 1, (1, (1, 1)))(x)
    for a, b in ((y, one), (h, h1), (c, c1)):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    short, (h2, _) = layer.apply(params, {}, {"x": x[:, 1], "lengths": rt.asarray(4)})[0]
    long, (h3, _) = layer.apply(params, {}, x[:4, 1])[0]
    np.testing.assert_allclose(short[:4], long, rtol=1e-12)
    np.testing.assert_allclose(h2, h3, rtol=1e-12)


def test_dropout_is_between_layers_in_training(rng: np.random.Generator) -> None:
    layer = nn.GRU(50, 2, dropout=0.5)
    x = rt.asarray(rng.normal(size=(STEPS, BATCH, FEATURES)))
    params, state = layer.init(rt.random.key(0), x)
    plain, _ = nn.GRU(50, 2).apply(params, state, x)
    np.testing.assert_array_equal(layer.apply(params, state, x)[0], plain)
    one, _ = layer.apply(params, state, x, key=rt.random.key(1), train=True)
    other, _ = layer.apply(params, state, x, key=rt.random.key(2), train=True)
    assert not bool(rt.all(one == other))
    assert bool(rt.all(one != 0))
    with pytest.raises(errors.ArgumentError, match=r"\[GRU\] apply .* got key=None"):
        layer.apply(params, state, x, train=True)


def test_parameters_begin_as_in_torch() -> None:
    params, state = nn.LSTM(100, 2, bidirectional=True).init(rt.random.key(0), rt.spec((1, 1, 30)))
    assert state == {}
    assert params["weight_ih_l1_reverse"].shape == (400, 200)
    for p in params.values():
        assert 0.098 < float(rt.max(rt.abs(p))) <= 0.1


@pytest.mark.parametrize("dtype", [rt.float32, rt.float16, rt.bfloat16])
@pytest.mark.parametrize("kind", LAYERS)
def test_dtype_is_kept(kind: str, dtype: Any) -> None:
    layer = LAYERS[kind](HIDDEN, bidirectional=True)
    x = rt.ones((STEPS, BATCH, FEATURES), dtype=dtype)
    params, state = layer.init(rt.random.key(0), x)
    y, _ = layer.apply(params, state, (x, None, rt.asarray([1, 2, 3])))
    assert y.dtype == dtype
    assert {p.dtype for p in params.values()} == {rt.dtype(dtype)}


def test_a_sequence_learns_in_serial() -> None:
    net = nn.serial(nn.GRU(8), nn.Linear(1))
    x = rt.random.normal(rt.random.key(1), (10, 16, 1))
    target = rt.cumsum(x, axis=0)
    params, state = net.init(rt.random.key(0), x)

    @rt.jit
    def step(params: Any) -> Any:
        value, grads = rt.value_and_grad(lambda p: nn.mse_loss(net.apply(p, state, x)[0], target))(
            params
        )
        return rt.tree.map(lambda p, g: p - 0.05 * g, params, grads), value

    params, first = step(params)
    for _ in range(40):
        params, last = step(params)
    assert float(last) < 0.7 * float(first)


SPEC = (STEPS, BATCH, FEATURES)


def applied(layer: nn.Layer, x: Any) -> Any:
    params, state = layer.init(rt.random.key(0), rt.spec(SPEC))
    return layer.apply(params, state, x)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.LSTM(0), errors.ArgumentError, r"\[LSTM\] hidden_size: expected an int of 1"),
        (lambda: nn.LSTM(4, proj_size=4), errors.ArgumentError, "below hidden_size"),
        (lambda: nn.GRU(4, dropout=2), errors.ArgumentError, "from 0 to 1"),
        (lambda: nn.RNN(4, nonlinearity="elu"), errors.ArgumentError, "'tanh' or 'relu'"),
        (lambda: nn.GRU(4).init(None, rt.spec(SPEC)), errors.ArgumentError, "got key=None"),
        (
            lambda: nn.GRU(4).init(rt.random.key(0), rt.spec((3,))), errors.ShapeError,
            r"\[GRU\] x: expected shape \(steps, batch, features\) or",
        ),
        (
            lambda: applied(nn.GRU(4), rt.ones((6, 3, 2))), errors.ShapeError,
            r"\[GRU\] x: expected shape \(\.\.\., 4\), as the weight float32\[12, 4\]",
        ),
        (
            lambda: applied(nn.GRU(4), (rt.ones(SPEC), rt.ones((1, 2, 4)))), errors.ShapeError,
            r"\[GRU\] h0: expected shape \(1, 3, 4\), got float32\[1, 2, 4\]",
        ),
        (
            lambda: applied(nn.LSTM(4), (rt.ones(SPEC), rt.ones((1, 3, 4)))),
            errors.ArgumentError, r"\[LSTM\] h0: expected a pair \(h0, c0\)",
        ),
        (
            lambda: applied(nn.GRU(4), {"x": rt.ones(SPEC), "lengths": rt.asarray([1, 2])}),
            errors.ShapeError, r"lengths: expected one for each sequence, shape \(3,\)",
        ),
        (
            lambda: applied(nn.GRU(4), {"x": rt.ones(SPEC), "lengths": rt.ones(3)}),
            errors.DTypeError, "lengths: expected integers",
        ),
        (
            lambda: applied(nn.GRU(4), {"x": rt.ones(SPEC), "length": rt.ones(3)}),
            errors.ArgumentError, r"\[GRU\] input: expected 'x' and perhaps others of",
        ),
        (lambda: nn.GRU(4).apply({}, {}, rt.ones(SPEC)), errors.TreeError, r"got \[\]"),
    ],
)  # fmt: skip
def test_messages(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
