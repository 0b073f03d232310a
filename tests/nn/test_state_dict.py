"""State dicts without PyTorch: names, stacks, new names, what is left aside, messages."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

pytestmark = pytest.mark.reuses_keys


def net() -> nn.Layer:
    head = ("head", nn.serial(nn.Linear(3), nn.BatchNorm1d(affine=False)))
    return nn.serial(("stem", nn.Linear(4)), ("layers", nn.repeat(nn.Linear(4), 2)), head)


def made(seed: int = 0) -> tuple[Any, Any]:
    return net().init(rt.random.key(seed), rt.spec((2, 5)))


NAMES = [
    "stem.weight", "stem.bias", "layers.0.weight", "layers.0.bias", "layers.1.weight",
    "layers.1.bias", "head.0.weight", "head.0.bias", "head.1.running_mean", "head.1.running_var",
    "head.1.num_batches_tracked",
]  # fmt: skip


def equal(a: Any, b: Any) -> bool:
    return rt.tree.all(rt.tree.map(lambda p, q: bool(rt.all(p == q)) and p.dtype == q.dtype, a, b))


def test_names_and_round_trip() -> None:
    params, state = made()
    entries = nn.state_dict(params, state)
    assert sorted(entries) == sorted(NAMES)
    assert sorted(nn.state_dict(params)) == sorted(NAMES[:8])
    assert entries["layers.1.weight"].tolist() == params["layers"]["*"]["weight"][1].tolist()
    assert (entries["head.1.num_batches_tracked"].shape, state["head"]["1"][
        "num_batches_tracked"].dtype) == ((), rt.int64)  # fmt: skip
    assert equal(nn.load_state_dict(entries, made(1)), (params, state))
    numpy_entries = {name: np.asarray(value) for name, value in entries.items()}
    specs = rt.eval_shape(lambda: made(1))
    assert equal(nn.load_state_dict(numpy_entries, specs), (params, state))


def test_repeat_in_repeat_and_other_containers() -> None:
    layer = nn.repeat(nn.repeat(nn.Linear(2), 3), 2)
    params, _ = layer.init(rt.random.key(0), rt.spec((1, 2)))
    entries = nn.state_dict(params)
    assert sorted(entries)[:2] == ["0.0.bias", "0.0.weight"]
    assert len(entries) == 12
    assert equal(entries["1.2.bias"], params["*"]["*"]["bias"][1, 2])
    assert equal(nn.load_state_dict(entries, (params, {})), (params, {}))
    mixed = {"w": [rt.ones(1), (rt.zeros(2), 3.0)]}
    assert list(nn.state_dict(mixed)) == ["w.0", "w.1.0", "w.1.1"]
    back, _ = nn.load_state_dict({**nn.state_dict(mixed), "w.1.1": 4.0}, (mixed, {}))
    assert back["w"][1][1].tolist() == 4.0


def test_under_transformations() -> None:
    params, state = made()
    entries = rt.jit(nn.state_dict)(params, state)
    assert equal(rt.jit(lambda e: nn.load_state_dict(e, made(1)))(entries), (params, state))


def test_new_names() -> None:
    params, state = made()
    for rename, wanted in (
        ({"": "module"}, {f"module.{name}" for name in NAMES}),
        ({"head": "", "head.0": "fc", "layers": "a.b"},
         {name.replace("head.0", "fc").replace("head.", "").replace("layers", "a.b")
          for name in NAMES}),
        (str.upper, {name.upper() for name in NAMES}),
        ({"stem.bias": "b"}, {name.replace("stem.bias", "b") for name in NAMES}),
    ):  # fmt: skip
        entries = nn.state_dict(params, state, rename=rename)
        assert entries.keys() == wanted
        assert equal(nn.load_state_dict(entries, made(1), rename=rename), (params, state))


def test_what_does_not_fit() -> None:
    params, state = made()
    entries: dict[str, Any] = nn.state_dict(params, state)
    del entries["layers.1.weight"]
    entries |= {"head.0.weight": rt.ones((4, 3)), "stem.bias": np.arange(4), "fc.bias": "text"}
    with pytest.raises(errors.TreeError) as caught:
        nn.load_state_dict(entries, made(1))
    assert str(caught.value).split("\n  at ")[0] == (
        "[load_state_dict] the entries are not those of the network:\n"
        "  1 missing: 'layers.1.weight'\n"
        "  1 unexpected: 'fc.bias'\n"
        "  2 mismatched: 'head.0.weight' expected float32[3, 4], got float32[4, 3]; 'stem.bias' "
        "expected float32[4], got int64[4]\n"
        "rename= maps names; strict=False loads what fits"
    )
    like = made(1)
    new, _, left = nn.load_state_dict(entries, like, strict=False)
    assert (left.missing, left.unexpected) == (["layers.1.weight"], ["fc.bias"])
    assert sorted(left.mismatched) == ["head.0.weight", "stem.bias"]
    stacked = [tree["layers"]["*"]["weight"] for tree in (new, params, like[0])]
    assert equal(stacked[0], rt.stack([stacked[1][0], stacked[2][1]]))
    assert equal(new["head"]["0"]["weight"], like[0]["head"]["0"]["weight"])
    assert equal(new["stem"]["weight"], params["stem"]["weight"])
    *_, nothing = nn.load_state_dict(nn.state_dict(params, state), like, strict=False)
    assert not any(nothing)
    assert str(nothing) == "all was loaded"
    with pytest.raises(errors.TreeError, match=r"'head\.0\.weight' is not loaded, and like has"):
        nn.load_state_dict(entries, rt.eval_shape(lambda: made(1)), strict=False)


def test_long_lists_are_cut() -> None:
    params = {f"w{i:02}": rt.ones(1) for i in range(12)}
    with pytest.raises(errors.TreeError, match=r"12 missing: 'w00', .*'w09', and 2 more"):
        nn.load_state_dict({}, (params, {}))


def test_dtypes() -> None:
    params, state = made()
    entries = nn.state_dict(nn.cast(params, rt.float64), state)
    assert nn.load_state_dict(entries, made())[0]["stem"]["bias"].dtype == rt.float32
    half, stats = nn.load_state_dict(entries, made(), dtype=rt.bfloat16)
    assert half["stem"]["bias"].dtype == stats["head"]["1"]["running_mean"].dtype == rt.bfloat16
    assert stats["head"]["1"]["num_batches_tracked"].dtype == rt.int64


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.state_dict({"a": rt.ones(1)}, {"a": rt.ones(1)}), errors.TreeError,
         "two arrays have the name 'a'"),
        (lambda: nn.state_dict({"a": rt.ones(1)}, rename={"b": "c"}), errors.ArgumentError,
         "rename: no name begins with 'b'; the names are 'a'"),
        (lambda: nn.load_state_dict([], ({}, {})), errors.ArgumentError, "expected a dict of arr"),
        (lambda: nn.load_state_dict({}, {}), errors.ArgumentError, r"expected \(params, state\)"),
        (lambda: nn.serial(("*", nn.relu)), errors.ArgumentError, "'\\*' is what `repeat` calls"),
    ],
)  # fmt: skip
def test_messages(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
