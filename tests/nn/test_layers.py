"""The contract of layers, and the layers there are."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn


class LayerSpec(NamedTuple):
    """A layer, an input for it and the shape of its output."""

    make: Callable[[], Any]
    input: tuple[int, ...]
    output: tuple[int, ...]


SPECS = {
    "linear": LayerSpec(lambda: nn.Linear(5), (2, 3), (2, 5)),
    "linear without bias": LayerSpec(lambda: nn.Linear(5, bias=False), (3,), (5,)),
    "linear of more axes": LayerSpec(lambda: nn.Linear(4), (2, 3, 6), (2, 3, 4)),
    "dropout": LayerSpec(lambda: nn.Dropout(0.25), (4, 6), (4, 6)),
    "flatten": LayerSpec(nn.Flatten, (2, 3, 4, 5), (2, 60)),
    "function": LayerSpec(lambda: nn.as_layer(nn.gelu), (2, 3), (2, 3)),
    "serial": LayerSpec(
        lambda: nn.serial(nn.Flatten(), nn.Linear(7), nn.relu, nn.Dropout(0.1), nn.Linear(2)),
        (3, 2, 2), (3, 2),
    ),
    "empty serial": LayerSpec(nn.serial, (3, 2), (3, 2)),
    "rnn": LayerSpec(lambda: nn.RNN(5, nonlinearity="relu"), (4, 2, 3), (4, 2, 5)),
    "lstm": LayerSpec(lambda: nn.LSTM(5, 2, dropout=0.2), (4, 2, 3), (4, 2, 5)),
    "gru both ways": LayerSpec(lambda: nn.GRU(5, bidirectional=True), (4, 3), (4, 10)),
    "rnn cell": LayerSpec(lambda: nn.RNNCell(5), (2, 3), (2, 5)),
    "attention": LayerSpec(lambda: nn.MultiHeadAttention(4, 2, 0.1), (3, 2, 4), (3, 2, 4)),
    "attention in chunks": LayerSpec(
        lambda: nn.MultiHeadAttention(4, 2, is_causal=True, chunk_size=2), (5, 4), (5, 4)
    ),
    "encoder": LayerSpec(
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6), 2, norm=True),
        (3, 2, 4), (3, 2, 4),
    ),
    "sinusoidal": LayerSpec(nn.SinusoidalPositions, (3, 2, 4), (3, 2, 4)),
    "learned positions": LayerSpec(
        lambda: nn.LearnedPositions(9, batch_first=True), (2, 3, 4), (2, 3, 4)
    ),
    "prelu": LayerSpec(lambda: nn.PReLU(3), (2, 3, 4), (2, 3, 4)),
    "rrelu": LayerSpec(nn.RReLU, (2, 3), (2, 3)),
    "fan out and in": LayerSpec(
        lambda: nn.serial(nn.fan_out(nn.Linear(2), nn.relu), nn.fan_in_concat()), (2, 3), (2, 5)
    ),
    "residual": LayerSpec(lambda: nn.residual(nn.Linear(3), nn.Dropout(0.1)), (2, 3), (2, 3)),
    "repeat": LayerSpec(
        lambda: nn.repeat(nn.serial(nn.Linear(3), nn.Dropout(0.1)), 3), (2, 3), (2, 3)
    ),
}  # fmt: skip


@pytest.fixture(params=SPECS)
def spec(request: pytest.FixtureRequest) -> LayerSpec:
    return SPECS[request.param]


@pytest.mark.reuses_keys
@pytest.mark.parametrize("dtype", [rt.float32, rt.float64, rt.bfloat16])
def test_shapes_and_dtypes(spec: LayerSpec, dtype: Any) -> None:
    layer = spec.make()
    aval = rt.spec(spec.input, dtype)
    params, state = layer.init(rt.random.key(1), aval)
    assert all(p.dtype == dtype for p in rt.tree.leaves(params))
    x = rt.ones(spec.input, dtype=dtype)
    for train in (False, True):
        y, new_state = layer.apply(params, state, x, key=rt.random.key(2), train=train)
        assert (y.shape, y.dtype) == (spec.output, dtype)
        assert rt.tree.structure(new_state) == rt.tree.structure(state)
    assert nn.output_spec(layer, params, state, aval) == rt.spec(spec.output, dtype)


@pytest.mark.reuses_keys
def test_an_array_is_a_spec(spec: LayerSpec) -> None:
    layer = spec.make()
    one, _ = layer.init(rt.random.key(1), rt.spec(spec.input))
    other, _ = layer.init(rt.random.key(1), rt.ones(spec.input))
    assert rt.tree.all(rt.tree.map(lambda a, b: bool(rt.all(a == b)), one, other))


@pytest.mark.reuses_keys
def test_jit_and_vmap_agree_with_eager(spec: LayerSpec, rng: np.random.Generator) -> None:
    layer = spec.make()
    params, state = layer.init(rt.random.key(1), rt.spec(spec.input, rt.float64))
    xs = rt.asarray(rng.normal(size=(3, *spec.input)))
    key = rt.random.key(2)

    def call(x: rt.Array) -> rt.Array:
        return layer.apply(params, state, x, key=key, train=True)[0]

    ys = rt.stack([call(x) for x in xs])
    np.testing.assert_allclose(rt.jit(call)(xs[0]), ys[0], rtol=1e-12)
    np.testing.assert_allclose(rt.vmap(call)(xs), ys, rtol=1e-12)


def test_init_under_jit(spec: LayerSpec) -> None:
    layer = spec.make()
    eager, _ = layer.init(rt.random.key(1), rt.spec(spec.input))
    jitted, _ = rt.jit(lambda key: layer.init(key, rt.spec(spec.input)))(rt.random.key(1))
    rt.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), eager, jitted)


def test_linear_is_that_of_torch(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Linear(4, 3, dtype=torch.float64)
    params = {name: rt.asarray(p.detach().numpy()) for name, p in theirs.named_parameters()}
    x = rng.normal(size=(5, 4))
    t = torch.tensor(x, requires_grad=True)
    (theirs(t) ** 2).sum().backward()

    def loss(params: Any, x: Any) -> rt.Array:
        return rt.sum(nn.Linear(3).apply(params, {}, x)[0] ** 2)

    grads, x_bar = rt.grad(loss, argnums=(0, 1))(params, rt.asarray(x))
    np.testing.assert_allclose(x_bar, t.grad, rtol=1e-12)
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(grads[name], p.grad, rtol=1e-12)


def test_linear_starts_as_in_torch() -> None:
    params, _ = nn.Linear(400).init(rt.random.key(0), rt.spec((1, 100)))
    for p in params.values():
        assert float(rt.max(rt.abs(p))) <= 0.1
        assert float(rt.max(rt.abs(p))) > 0.098
    assert abs(float(rt.mean(params["weight"]))) < 1e-3
    assert abs(float(rt.std(params["weight"])) * np.sqrt(3) - 0.1) < 1e-3


@pytest.mark.reuses_keys
def test_linear_options() -> None:
    key, spec = rt.random.key(0), rt.spec((2, 3), rt.int32)
    inits = nn.initializers
    layer = nn.Linear(4, weight_init=inits.constant(2.0), bias_init=inits.ones, dtype=rt.float64)
    params, _ = layer.init(key, spec)
    assert params["weight"].tolist() == [[2.0] * 3] * 4
    assert params["bias"].dtype == rt.float64
    assert nn.Linear(4).init(key, spec)[0]["weight"].dtype == rt.default_dtype()
    empty, _ = nn.Linear(2).init(key, rt.spec((3, 0)))
    assert nn.Linear(2).apply(empty, {}, rt.ones((3, 0)))[0].tolist() == [[0.0, 0.0]] * 3


def test_dropout(rng: np.random.Generator) -> None:
    x = rt.ones((100, 100))
    layer, key = nn.Dropout(0.3), rt.random.key(0)
    assert layer.apply({}, {}, x)[0] is x
    y, _ = layer.apply({}, {}, x, key=key, train=True)
    kept = np.asarray(y) != 0
    assert abs(kept.mean() - 0.7) < 0.02
    np.testing.assert_allclose(np.asarray(y)[kept], 1 / 0.7, rtol=1e-6)
    other, _ = layer.apply({}, {}, x, key=rt.random.key(1), train=True)
    assert not bool(rt.all(y == other))
    assert nn.Dropout(0).apply({}, {}, x, train=True)[0] is x
    all_gone, _ = nn.Dropout(1.0).apply({}, {}, x, key=key, train=True)
    assert not bool(rt.any(all_gone))


@pytest.mark.reuses_keys
def test_serial_names() -> None:
    key, spec = rt.random.key(0), rt.spec((2, 3))
    layers = {"body": nn.Linear(4), "act": nn.relu, "head": nn.Linear(2)}
    for net in (nn.serial(layers), nn.serial(*layers.items())):
        params, state = net.init(key, spec)
        assert list(params) == ["body", "head"]
        assert state == {}
    mixed = nn.serial(nn.Linear(4), ("act", rt.tanh), nn.serial(nn.Linear(2)))
    assert rt.tree.map(lambda p: p.shape, mixed.init(key, spec)[0]) == {
        "0": {"weight": (4, 3), "bias": (4,)},
        "2": {"0": {"weight": (2, 4), "bias": (2,)}},
    }


def test_serial_draws_different_parameters_for_equal_layers() -> None:
    net = nn.serial(nn.Linear(3), nn.Linear(3))
    params, _ = net.init(rt.random.key(0), rt.spec((1, 3)))
    assert not bool(rt.all(params["0"]["weight"] == params["1"]["weight"]))


def test_serial_threads_state() -> None:
    def count() -> nn.Layer:
        def apply(params: Any, state: Any, x: Any, *, key: Any = None, train: bool = False) -> Any:
            return x, {"calls": state["calls"] + train}

        return nn.Layer(lambda key, spec: ({}, {"calls": rt.asarray(0)}), apply)

    net = nn.serial(count(), rt.tanh, ("inner", nn.serial(count())))
    params, state = net.init(None, rt.spec(3))
    assert params == {}
    for _ in range(3):
        _, state = net.apply(params, state, rt.ones(3), train=True)
    _, state = net.apply(params, state, rt.ones(3))
    assert rt.tree.map(int, state) == {"0": {"calls": 3}, "inner": {"0": {"calls": 3}}}


def test_a_gradient_step_through_serial() -> None:
    net = nn.serial(nn.Linear(8), nn.tanh, nn.Linear(1))
    params, state = net.init(rt.random.key(0), rt.spec((4, 2)))
    x = rt.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])

    @rt.jit
    def loss(params: Any) -> rt.Array:
        return rt.mean(net.apply(params, state, x)[0] ** 2)

    value, grads = rt.value_and_grad(loss)(params)
    moved = rt.tree.map(lambda p, g: p - 0.1 * g, params, grads)
    assert float(loss(moved)) < float(value)


KEY = rt.random.key


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: nn.Linear(2).apply(
                nn.Linear(2).init(KEY(0), rt.spec(3))[0], {}, rt.ones((5, 4))
            ),
            errors.ShapeError,
            r"^\[Linear\] x: expected shape \(\.\.\., 3\), as the weight float32\[2, 3\] has it, "
            r"got float32\[5, 4\]",
        ),
        (lambda: nn.Linear(2).init(KEY(0), rt.spec(())), errors.ShapeError, "without axes"),
        (lambda: nn.Linear(2).init(None, rt.spec(3)), errors.ArgumentError, "got key=None"),
        (lambda: nn.Linear(2).apply({}, {}, rt.ones(3)), errors.TreeError, r"got \[\]"),
        (lambda: nn.Linear(-1), errors.ArgumentError, "out_features"),
        (lambda: nn.Linear(2.0), errors.ArgumentError, "out_features"),  # type: ignore[arg-type]
        (lambda: nn.Dropout(1.5), errors.ArgumentError, "fraction from 0 to 1, got 1.5"),
        (
            lambda: nn.Dropout(0.5).apply({}, {}, rt.ones(2), train=True),
            errors.ArgumentError, "train=True draws random numbers and got key=None",
        ),
        (lambda: nn.Flatten(3).apply({}, {}, rt.ones((2, 3))), errors.AxisError, "start_axis 3"),
        (lambda: nn.Flatten(1, 0).apply({}, {}, rt.ones((2, 3))), errors.AxisError, "behind"),
        (lambda: nn.as_layer(3), errors.ArgumentError, "expected a Layer or a function, got int 3"),
        (lambda: nn.serial(("a", nn.relu), ("a", nn.relu)), errors.ArgumentError, "name 'a'"),
        (lambda: nn.serial(nn.relu, 3), errors.ArgumentError, "layer 1: expected"),
        (
            lambda: nn.serial(nn.Linear(1)).apply({"1": {}}, {}, rt.ones(1)),
            errors.TreeError, r"no layer for \['1'\]; the layers are \['0'\]",
        ),
        (lambda: nn.serial(nn.relu).apply(None, {}, rt.ones(1)), errors.TreeError, "expected a di"),
        (
            lambda: nn.initializers.glorot_normal()(KEY(0), (3,), rt.float32),
            errors.ShapeError, r"\(out, in, \*window\), got \(3,\)",
        ),
        (lambda: nn.initializers.kaiming_normal(mode="in"), errors.ArgumentError, "'fan_in' or"),
    ],
)  # fmt: skip
def test_messages(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.reuses_keys
def test_errors_say_where_in_the_network() -> None:
    net = nn.serial(nn.relu, ("head", nn.serial(nn.Linear(4), lambda x: x @ rt.ones((5, 5)))))
    with pytest.raises(errors.ShapeError, match=r"^\[serial\['head'\]\['1'\] matmul\] shapes"):
        net.init(KEY(0), rt.spec((2, 3)))
    fine = nn.serial(nn.relu, ("head", nn.serial(nn.Linear(4))))
    params, state = fine.init(KEY(0), rt.spec((2, 3)))
    with pytest.raises(errors.ShapeError, match=r"^\[serial\['head'\]\['0'\] Linear\] x: expected"):
        fine.apply(params, state, rt.ones((2, 4)))

    def broken(x: Any) -> Any:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine") as caught:
        nn.serial(broken).apply({}, {}, rt.ones(2))
    assert caught.value.__notes__ == ["in serial['0']"]


@pytest.mark.parametrize(
    ("init", "bound", "std"),
    [
        (nn.initializers.kaiming_uniform(), np.sqrt(6 / 200), np.sqrt(2 / 200)),
        (nn.initializers.kaiming_uniform(a=5**0.5), 1 / np.sqrt(200), 1 / np.sqrt(600)),
        (nn.initializers.he_uniform(mode="fan_out"), np.sqrt(6 / 400), np.sqrt(2 / 400)),
        (nn.initializers.kaiming_normal(), None, np.sqrt(2 / 200)),
        (nn.initializers.glorot_uniform(), np.sqrt(6 / 600), np.sqrt(2 / 600)),
        (nn.initializers.xavier_normal(gain=2.0), None, 2 * np.sqrt(2 / 600)),
        (nn.initializers.lecun_uniform(), np.sqrt(3 / 200), np.sqrt(1 / 200)),
        (nn.initializers.lecun_normal(), None, np.sqrt(1 / 200)),
        (nn.initializers.normal(0.5), None, 0.5),
        (nn.initializers.uniform(-1, 1), 1.0, 1 / np.sqrt(3)),
    ],
)
def test_initializers(init: Any, bound: float | None, std: float) -> None:
    w = np.asarray(init(KEY(3), (200, 100, 2), rt.float64))
    assert w.dtype == np.float64
    assert abs(w.mean()) < 0.02 * std
    assert abs(w.std() / std - 1) < 0.02
    if bound is not None:
        assert 0.99 * bound < np.abs(w).max() <= bound
