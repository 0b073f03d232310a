"""What every layer keeps to, checked for every public layer (`layer_table.CASES`)."""

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_table import CASES, Case

import rtorch as rt
from rtorch import errors, nn
from rtorch.nn.layer import kind_of
from rtorch.testing import assert_close, check_grads

pytestmark = pytest.mark.reuses_keys

KEY = rt.random.key(7)
CLOSE = {"rtol": 1e-9, "atol": 1e-11}
STATEFUL = (
    "BatchNorm", "tracking", "cache", "with a state", "serial", "fan_out", "Policy",
    "spectral_norm",
)  # fmt: skip
MADE_OF_OTHERS = (
    "serial", "parallel", "fan_out", "Policy", "TransformerEncoderLayer", "weight_norm",
    "spectral_norm",
)  # fmt: skip
ALL = pytest.mark.parametrize("name", CASES)


def specs(case: Case, dtype: Any = rt.float64, shapes: Any = None) -> Any:
    of = dtype if case.below is None else rt.int32
    made = tuple(rt.spec(shape, of) for shape in shapes or case.shapes)
    return made if len(made) > 1 else made[0]


def inputs(case: Case, dtype: Any = rt.float64, shapes: Any = None, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)

    def one(spec: Any) -> rt.Array:
        if case.below is not None:
            return rt.asarray(rng.integers(0, case.below, spec.shape), dtype=spec.dtype)
        return rt.asarray(rng.normal(size=spec.shape), dtype=spec.dtype)

    return rt.tree.map(one, specs(case, dtype, shapes))


def made(name: str, dtype: Any = rt.float64) -> tuple[nn.Layer, Any, Any, Any]:
    """A layer, parameters, state and input."""
    case = CASES[name]
    layer = case.make()
    params, state = start(layer, case, KEY, specs(case, dtype), dtype)
    return layer, params, state, inputs(case, dtype)


def start(layer: nn.Layer, case: Case, key: Any, x: Any, dtype: Any = rt.float64) -> Any:
    """What ``init`` gives; integers do not say in which dtype."""
    params, state = layer.init(key, x)
    return (params if case.below is None else nn.cast(params, dtype)), state


def spec_of(tree: Any) -> Any:
    return rt.eval_shape(lambda x: x, tree)


def test_every_public_layer_is_in_the_table() -> None:
    makers = {
        name for name in nn.__all__
        if callable(f := getattr(nn, name)) and not inspect.isclass(f)
        and inspect.signature(f).return_annotation == "Layer"
    }  # fmt: skip
    missing = makers - {name.partition(":")[0] for name in CASES}
    assert not missing, f"put into tests/nn/layer_table.py: {sorted(missing)}"


@ALL
def test_shapes_are_known_without_data(name: str) -> None:
    case = CASES[name]
    layer, params, state, x = made(name)
    abstract = rt.eval_shape(lambda key: start(layer, case, key, specs(case)), KEY)
    assert abstract == spec_of((params, state))
    y, _ = layer.apply(params, state, x)
    assert nn.output_spec(layer, *abstract, specs(case)) == spec_of(y)


@ALL
def test_init_depends_on_the_key_alone(name: str) -> None:
    layer, params, state, x = made(name)
    assert_close(start(layer, CASES[name], KEY, x), (params, state), rtol=0, atol=0)
    other, _ = start(layer, CASES[name], rt.random.key(8), x)
    same = rt.tree.map(lambda a, b: bool(rt.all(a == b)), params, other)
    assert rt.tree.all(same) != CASES[name].starts_random


@ALL
@pytest.mark.parametrize("train", [False, True])
def test_jit_is_eager(name: str, train: bool) -> None:
    layer, params, state, x = made(name)

    def call(params: Any, state: Any, x: Any) -> Any:
        return layer.apply(params, state, x, key=KEY, train=train)

    assert_close(rt.jit(call)(params, state, x), call(params, state, x), **CLOSE)


def stacked(trees: list[Any]) -> Any:
    return rt.tree.map(lambda *leaves: rt.stack(leaves), *trees)


@ALL
@pytest.mark.parametrize("train", [False, True])
def test_vmap_is_a_loop(name: str, train: bool) -> None:
    """Over inputs, and over the networks of an ensemble."""
    layer, params, state, x = made(name)
    xs = [x, inputs(CASES[name], seed=1)]

    def call(params: Any, state: Any, x: Any) -> Any:
        return layer.apply(params, state, x, key=KEY, train=train)

    loop = stacked([call(params, state, x) for x in xs])
    assert_close(rt.vmap(call, in_axes=(None, None, 0))(params, state, stacked(xs)), loop, **CLOSE)
    if not rt.tree.leaves((params, state)):
        return
    members = [rt.tree.map(lambda p, i=i: p * (i + 1), (params, state)) for i in range(2)]
    if "cache" in name:
        members = [(params, state)] * 2
    loop = stacked([call(*member, x) for member in members])
    assert_close(rt.vmap(call, in_axes=(0, 0, None))(*stacked(members), x), loop, **CLOSE)


@ALL
def test_an_ensemble_starts_under_vmap(name: str) -> None:
    layer = CASES[name].make()
    keys = rt.random.split(KEY, 2)

    def member(key: Any) -> Any:
        return layer.init(key, specs(CASES[name]))

    assert_close(rt.vmap(member)(keys), stacked([member(key) for key in keys]), **CLOSE)


@ALL
def test_derivatives(name: str) -> None:
    """By parameters and inputs, while training where that makes no difference by chance."""
    case = CASES[name]
    layer, params, state, x = made(name)
    params = rt.tree.map(lambda p: p + 0.1, params)
    held = "spectral_norm" in name  # training takes the vectors of its estimate as constant
    for train in {False, not (case.random or held)}:

        def call(params: Any, x: Any, train: bool = train) -> Any:
            return layer.apply(params, state, x, train=train)[0]

        if case.below is not None:
            check_grads(lambda p: call(p, x), (params,), order=1)
        else:
            check_grads(call, (params, x), order=1)


@ALL
@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16, rt.float32, rt.float64], ids=str)
def test_dtypes_stay(name: str, dtype: Any) -> None:
    case = CASES[name]
    layer, params, state, x = made(name, dtype)
    inner = rt.float64 if name == "Policy" else dtype
    for leaf in rt.tree.leaves((params, state)):
        if not rt.isdtype(leaf.dtype, "integral"):
            wanted = {inner, rt.promote_types(inner, rt.float32)} if case.wide else {inner}
            assert leaf.dtype in wanted
    for train in (False, True):
        y, new_state = layer.apply(params, state, x, key=KEY, train=train)
        assert {leaf.dtype for leaf in rt.tree.leaves(y)} == {inner}
        assert spec_of(new_state) == spec_of(state)

    def loss(params: Any) -> rt.Array:
        outs = rt.tree.leaves(layer.apply(params, state, x, key=KEY, train=True)[0])
        return sum(rt.sum(y.astype(rt.float32)) for y in outs)

    grads = rt.grad(loss)(params)
    assert spec_of(grads) == spec_of(params)
    assert all(bool(rt.all(rt.isfinite(g))) for g in rt.tree.leaves(grads))


@ALL
def test_only_training_draws_and_changes_the_state(name: str) -> None:
    case = CASES[name]
    layer, params, state, x = made(name)
    y, after = layer.apply(params, state, x)
    assert_close(layer.apply(params, state, x, key=KEY)[0], y, rtol=0, atol=0)
    if "cache" not in name:
        assert_close(after, state, rtol=0, atol=0)
    if case.random:
        with pytest.raises(errors.ArgumentError, match=r"key=None: pass key=rt\.random\.key"):
            layer.apply(params, state, x, train=True)
        z, _ = layer.apply(params, state, x, key=KEY, train=True)
        assert not rt.tree.all(rt.tree.map(lambda a, b: bool(rt.all(a == b)), y, z))
    _, after = layer.apply(params, state, x, key=KEY, train=True)
    same = rt.tree.all(rt.tree.map(lambda a, b: bool(rt.all(a == b)), state, after))
    assert same == (not state)
    assert bool(state) == any(word in name for word in STATEFUL if name != "serial: empty")


@pytest.mark.parametrize("name", [name for name in CASES if any(w in name for w in STATEFUL)])
def test_the_state_is_carried_by_scan(name: str) -> None:
    layer, params, state, x = made(name)

    def step(state: Any, key: Any) -> Any:
        y, state = layer.apply(params, state, x, key=key, train=True)
        return state, y

    keys = rt.random.split(KEY, 2)
    last, _ = rt.scan(step, state, keys)
    for key in keys:
        state, _ = step(state, key)
    assert_close(last, state, **CLOSE)


@ALL
def test_files_and_state_dicts(name: str, tmp_path: Path) -> None:
    layer, params, state, x = made(name)
    wanted = layer.apply(params, state, x)
    rt.save(tmp_path / "layer", (params, state))
    loaded = rt.load(tmp_path / "layer", like=(params, state))
    assert_close(layer.apply(*loaded, x), wanted, rtol=0, atol=0)
    assert_close(rt.load(tmp_path / "layer"), (params, state), rtol=0, atol=0)
    like = rt.tree.map(rt.zeros_like, (params, state))
    loaded = nn.load_state_dict(nn.state_dict(params, state), like)
    assert_close(layer.apply(*loaded, x), wanted, rtol=0, atol=0)


@ALL
def test_the_name_of_a_layer(name: str) -> None:
    """`summary` shows it."""
    wanted = {"as_layer": "gelu", "lambda_": "softmax", "stateless": "combinators"}
    kind = name.partition(":")[0]
    made_of_others = [f"{kind}{n}d" for n in (1, 2, 3) for kind in ("MaxUnpool", "SeparableConv")]
    wanted |= dict.fromkeys(made_of_others, "serial")
    assert kind_of(CASES[name].make()) == wanted.get(kind, kind)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("stateless", "Policy")])
def test_wrong_parameters_are_named(name: str) -> None:
    layer, params, state, x = made(name)
    wrong: list[Any] = [{**params, "other": rt.ones(1)}, [rt.ones(1)]]
    wrong += [{key: params[key] for key in list(params)[1:]}] if params else []
    for tree in wrong:
        with pytest.raises(errors.TreeError) as caught:
            layer.apply(tree, state, x)
        if "_norm" in name:  # the layer in it finds it
            continue
        assert str(caught.value).startswith(f"[{kind_of(layer)}")


@pytest.mark.parametrize("name", [name for name in CASES if any(w in name for w in STATEFUL)])
def test_a_wrong_state_is_named(name: str) -> None:
    layer, params, state, x = made(name)
    for wrong in ({}, {"other": rt.ones(1)}) if state else ({"other": rt.ones(1)}, None):
        with pytest.raises(errors.TreeError, match=r"state: "):
            layer.apply(params, wrong, x)


@ALL
def test_each_key_is_used_once(name: str) -> None:
    layer, x = CASES[name].make(), inputs(CASES[name])
    key, draw = rt.random.split(rt.random.key(len(name)))
    with rt.random.check_key_reuse():
        params, state = layer.init(rt.random.clone(key), x)
        layer.apply(params, state, x, key=rt.random.clone(draw), train=True)


FLOATING = ("Fold", "Upsample", "RReLU", "AvgPool", "LPPool", "Embedding", "repeat", "stateless")


@pytest.mark.parametrize("name", [n for n in CASES if not any(w in n for w in FLOATING)])
def test_integers_are_not_rounded(name: str) -> None:
    """What is computed of integers is as of the floating numbers equal to them."""
    layer, params, state, x = made(name)
    x = rt.tree.map(lambda x: rt.round(3 * x), x)
    of_ints = rt.tree.map(lambda x: x.astype(rt.int32), x)
    for train in (False, True):
        y, _ = layer.apply(params, state, x, key=KEY, train=train)
        z, _ = layer.apply(params, state, of_ints, key=KEY, train=train)
        assert_close(z, y, rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].bad is not None])
def test_errors_name_the_path(name: str) -> None:
    case = CASES[name]
    layer, params, state, x = made(name)
    bad = inputs(case, shapes=case.bad)
    net = nn.serial(("outer", nn.serial(nn.identity, ("inner", layer))))
    nested = [{"outer": {"inner": tree}} if tree else {} for tree in (params, state)]
    net.apply(*nested, x)
    own = "" if kind_of(layer) in MADE_OF_OTHERS else f" {kind_of(layer)}"
    path = f"[serial['outer']['inner']{own}"
    with pytest.raises(errors.RtorchError) as caught:
        net.apply(*nested, bad)
    assert str(caught.value).startswith(path)
    try:
        net.init(KEY, bad)
    except errors.RtorchError as error:
        assert str(error).startswith(path)  # noqa: PT017 - many layers take other shapes there


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].batch is not None])
def test_an_empty_batch(name: str) -> None:
    case = CASES[name]
    layer, params, state, x = made(name)
    shapes = [tuple(0 if i == case.batch else n for i, n in enumerate(s)) for s in case.shapes]
    y, _ = layer.apply(params, state, inputs(case, shapes=shapes))
    full, _ = layer.apply(params, state, x)
    for a, b in zip(rt.tree.leaves(y), rt.tree.leaves(full), strict=True):
        assert a.size == 0
        assert [n for n in a.shape if n] == [n for n, m in zip(b.shape, a.shape, strict=True) if m]
        assert a.dtype == b.dtype


def test_the_page_on_networks_names_every_layer() -> None:
    page = (Path(__file__).parents[2] / "docs" / "nn.md").read_text(encoding="utf-8")
    apart = {"Layer", "NotLoaded", "Summary", "SummaryRow"}  # no layers
    layers = {re.sub(r"\dd$", "1d", name) for name in nn.__all__ if name[0].isupper()} - apart
    assert not [name for name in sorted(layers) if f"`{name}`" not in page]
