"""Layers side by side, around others, repeated; and the table of a network."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

KEY = rt.random.key


def shapes(params: Any) -> Any:
    return rt.tree.map(lambda p: p.shape, params)


@pytest.mark.reuses_keys
def test_parallel_and_fan_out() -> None:
    net = nn.parallel(("left", nn.Linear(2)), nn.relu, nn.Linear(3))
    specs = rt.spec((4, 5)), rt.spec((1,)), rt.spec((4, 6))
    params, state = net.init(KEY(0), specs)
    assert shapes(params) == {"left": {"bias": (2,), "weight": (2, 5)},
                              "2": {"bias": (3,), "weight": (3, 6)}}  # fmt: skip
    xs = rt.ones((4, 5)), -rt.ones(1), rt.ones((4, 6))
    ys, state = net.apply(params, state, xs)
    assert [y.shape for y in ys] == [(4, 2), (1,), (4, 3)]
    np.testing.assert_array_equal(ys[0], nn.Linear(2).apply(params["left"], {}, xs[0])[0])
    both = nn.serial(nn.fan_out(nn.Linear(2), nn.Linear(2)), nn.fan_in_sum)
    params, state = both.init(KEY(0), rt.spec((4, 5)))
    y, _ = both.apply(params, state, xs[0])
    parts = [nn.Linear(2).apply(params["0"][i], {}, xs[0])[0] for i in "01"]
    np.testing.assert_allclose(y, parts[0] + parts[1], rtol=1e-6)
    assert nn.output_spec(both, params, state, rt.spec((4, 5))) == rt.spec((4, 2))


def test_state_goes_through_all_of_them() -> None:
    def count() -> nn.Layer:
        def apply(params: Any, state: Any, x: Any, *, key: Any = None, train: bool = False) -> Any:
            return x, {"calls": state["calls"] + train}

        return nn.Layer(lambda key, spec: ({}, {"calls": rt.asarray(0)}), apply)

    net = nn.serial(
        nn.fan_out(count(), rt.tanh), nn.parallel(nn.relu, count()), nn.fan_in_sum,
        nn.residual(count()), nn.repeat(count(), 3),
    )  # fmt: skip
    params, state = net.init(None, rt.spec(3))
    assert params == {}
    for f in (net.apply, rt.jit(net.apply, static_argnames="train")):
        _, state = f(params, state, rt.ones(3), train=True)
    assert rt.tree.map(lambda s: s.tolist(), state) == {
        "0": {"0": {"calls": 2}}, "1": {"1": {"calls": 2}}, "3": {"body": {"calls": 2}},
        "4": {"*": {"calls": [2, 2, 2]}},
    }  # fmt: skip


def test_residual() -> None:
    x = rt.ones((2, 3))
    net = nn.residual(nn.Linear(4), nn.relu, shortcut=nn.Linear(4, bias=False))
    params, state = net.init(KEY(0), x)
    assert shapes(params) == {"body": {"0": {"bias": (4,), "weight": (4, 3)}},
                              "shortcut": {"weight": (4, 3)}}  # fmt: skip
    y, _ = net.apply(params, state, x)
    inner = rt.relu(x @ params["body"]["0"]["weight"].T + params["body"]["0"]["bias"])
    np.testing.assert_allclose(y, x @ params["shortcut"]["weight"].T + inner, rtol=1e-6)
    assert shapes(nn.residual(nn.Linear(3)).init(KEY(1), x)[0])["body"]["weight"] == (3, 3)
    np.testing.assert_allclose(nn.residual(rt.tanh).apply({}, {}, x)[0], x + rt.tanh(x))


@pytest.mark.reuses_keys
@pytest.mark.parametrize("options", [{}, {"unroll": 2}, {"checkpoint": 1}, {"checkpoint": "sqrt"}])
def test_repeat_is_the_layers_one_by_one(options: Any, rng: np.random.Generator) -> None:
    layer = nn.residual(nn.Linear(4), nn.tanh, nn.Dropout(0.2))
    net = nn.repeat(layer, 5, **options)
    x = rt.asarray(rng.normal(size=(2, 4)))
    params, state = net.init(KEY(0), x)
    assert shapes(params) == {"*": {"body": {"0": {"bias": (5, 4), "weight": (5, 4, 4)}}}}
    weight = params["*"]["body"]["0"]["weight"]
    assert not bool(rt.all(weight[0] == weight[1]))

    def one_by_one(params: Any, train: bool) -> Any:
        y = x
        for i, key in enumerate(rt.random.split(KEY(1), 5)):
            own = rt.tree.map(lambda p, i=i: p[i], params["*"])
            y, _ = layer.apply(own, {}, y, key=key, train=train)
        return rt.sum(y**2)

    def at_once(params: Any, train: bool) -> Any:
        return rt.sum(net.apply(params, state, x, key=KEY(1), train=train)[0] ** 2)

    for train in (False, True):
        wanted = rt.value_and_grad(one_by_one)(params, train)
        for f in (at_once, rt.jit(at_once, static_argnums=1)):
            found = rt.value_and_grad(f)(params, train)
            rt.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), wanted, found)


def test_lambda_and_identity() -> None:
    x = rt.asarray([[1.0, 2.0], [3.0, 5.0]])
    net = nn.serial(nn.identity, nn.lambda_(rt.sum, axis=0), nn.lambda_(rt.add, 1.0))
    assert net.apply({}, {}, x)[0].tolist() == [5.0, 8.0]
    assert nn.fan_in_concat(axis=0)((x, x)).shape == (4, 2)


def test_summary() -> None:
    net = nn.serial(
        nn.fan_out(nn.Linear(4), nn.Linear(4)), nn.fan_in_sum,
        ("deep", nn.repeat(nn.Linear(4), 6)), nn.LSTM(5),
    )  # fmt: skip
    table = nn.summary(net, rt.spec((7, 2, 3), rt.float64))
    rows = {row.path: row for row in table.rows}
    assert list(rows) == ["0.0", "0.1", "0", "1", "deep.*", "deep", "3"]
    assert rows["0"].parameters == 2 * rows["0.1"].parameters == 2 * 16
    assert [row.kind for row in table.rows] == [
        "Linear", "Linear", "fan_out", "fan_in_sum", "Linear", "repeat", "LSTM"
    ]  # fmt: skip
    assert rows["deep"].parameters == 6 * rows["deep.*"].parameters == 120
    assert rows["deep"].flops >= 6 * rows["deep.*"].flops > 6 * 2 * 7 * 2 * 16
    assert rows["0"].output == (rt.spec((7, 2, 4), rt.float64),) * 2
    total = table.total
    assert total.output == rt.spec((7, 2, 5), rt.float64)
    assert (total.parameters, total.bytes) == (152 + 220, 8 * (152 + 220))
    assert table.temp_bytes > 0
    lines = str(table).splitlines()
    assert lines[0].split() == ["path", "layer", "output", "parameters", "FLOPs", "bytes"]
    assert lines[-2].startswith("total")
    assert nn.summary(rt.tanh, rt.spec(3)).rows == []


def test_summary_of_a_transformer_names_its_parts() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    table = nn.summary(nn.TransformerEncoder(layer, 2), rt.spec((3, 1, 8)))
    wanted = {"layers.0.self_attn", "layers.0.norm1", "layers.1.linear2", "layers.1"}
    assert wanted <= {row.path for row in table.rows}
    assert {row.kind for row in table.rows} == {
        "MultiHeadAttention", "Dropout", "Linear", "LayerNorm", "TransformerEncoderLayer"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: nn.parallel(nn.relu, nn.relu).apply({}, {}, rt.ones(2)), errors.ArgumentError,
            r"\[parallel\] input: expected a tuple of 2, one for each layer, got float32\[2\]",
        ),
        (
            lambda: nn.fan_out(("a", nn.Linear(2))).init(None, rt.spec(3)), errors.ArgumentError,
            r"\[fan_out\['a'\] Linear\] init draws",
        ),
        (lambda: nn.fan_out(3), errors.ArgumentError, r"\[fan_out\] layer 0: expected a Layer"),
        (
            lambda: nn.fan_out(nn.relu).apply({"x": {}}, {}, rt.ones(2)), errors.TreeError,
            r"\[fan_out\] params: there is no layer for \['x'\]",
        ),
        (
            lambda: nn.fan_in_sum((rt.ones(2), rt.ones(1))), errors.ShapeError,
            r"\[fan_in_sum\] expected arrays of one shape, got float32\[2\] and at 1 float32\[1\]",
        ),
        (
            lambda: nn.serial(nn.residual(nn.Linear(2))).init(KEY(0), rt.spec((1, 3))),
            errors.ShapeError, r"\[serial\['0'\] residual\] the layers give float32\[1, 2\]",
        ),
        (
            lambda: nn.repeat(nn.Linear(2), 3).init(KEY(0), rt.spec((1, 3))), errors.ShapeError,
            r"\[repeat\] expected a layer that keeps shape and dtype, got one from f32\[1,3\] to",
        ),
        (lambda: nn.repeat(nn.relu, 0), errors.ArgumentError, "n: expected an int of 1 or more"),
        (lambda: nn.lambda_(3), errors.ArgumentError, "expected a function"),
        (
            lambda: nn.repeat(nn.serial(nn.Linear(2)), 3).init(KEY(0), rt.spec(())),
            errors.ShapeError, r"\[repeat\['\*'\] serial\['0'\] Linear\]",
        ),
    ],
)  # fmt: skip
def test_messages(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.reuses_keys
def test_errors_of_the_output_of_a_layer_keep_their_name() -> None:
    """A Linear that only ``apply`` finds wrong, while `serial` asks for its output in ``init``."""
    params, _ = nn.Linear(2).init(KEY(0), rt.spec((1, 5)))
    bound = nn.Layer(lambda key, spec: (params, {}), nn.Linear(2).apply)
    with pytest.raises(errors.ShapeError, match=r"^\[serial\['0'\] Linear\] x: expected shape"):
        nn.serial(bound).init(None, rt.spec((1, 3)))
