"""What is saved comes back, and a file that is not whole is refused."""

import json
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, strategies as st

import rtorch as rt
from rtorch import errors
from rtorch.io import npy
from rtorch.io.names import leaf_names

DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128", rt.bfloat16,
]  # fmt: skip


class Pair(NamedTuple):
    left: Any
    right: Any


def same(a: Any, b: Any) -> bool:
    """Equal leaves: type, dtype, shape and bits."""
    if not isinstance(a, rt.Array):
        return type(a) is type(b) and repr(a) == repr(b)
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def assert_same(a: Any, b: Any) -> None:
    assert rt.tree.structure(a) == rt.tree.structure(b)
    pairs = zip(rt.tree.leaves(a), rt.tree.leaves(b), strict=True)
    assert all(same(x, y) for x, y in pairs), (a, b)


ARRAYS = st.builds(
    lambda dtype, shape, seed: rt.asarray(
        np.random.default_rng(seed).normal(scale=50, size=shape)
    ).astype(dtype),
    st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3).map(tuple),
    st.integers(0, 99),
)  # fmt: skip
SCALARS = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.none()
)
KEYS = st.one_of(st.text(), st.sampled_from(["a/b", "..", "a\\b", "a~2", "%41", "\x00", "A", "a"]))
MIXED_KEYS = st.one_of(KEYS, st.integers(), st.booleans(), st.none())
TREES = st.recursive(
    st.one_of(ARRAYS, SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
        st.dictionaries(MIXED_KEYS, inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=8,
)


@given(tree=TREES)
def test_round_trip(tree: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("npz") / "tree.npz"
    rt.save(file, tree)
    assert_same(rt.load(file), tree)
    assert_same(rt.load(file, like=tree), tree)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_is_exact(dtype: Any, tmp_path: Path) -> None:
    x = rt.asarray(np.arange(-3, 9)).astype(dtype)
    rt.save(tmp_path / "x", {"x": x, "scalar": x[0]})
    assert_same(rt.load(tmp_path / "x"), {"x": x, "scalar": x[0]})


def test_numpy_reads_the_arrays_under_their_paths(tmp_path: Path) -> None:
    rt.save(tmp_path / "p.npz", {"layer/1": [rt.ones(2), rt.zeros(3)], "n": 3})
    with np.load(tmp_path / "p.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["layer%2F1/0", "layer%2F1/1", "rtorch.json"]
        assert file["layer%2F1/0"].tolist() == [1, 1]


def test_numpy_arrays_and_scalars_become_arrays(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", [np.ones(2), np.float32(2)])
    assert_same(rt.load(tmp_path / "x"), [rt.ones(2, dtype=rt.float64), rt.asarray(np.float32(2))])


def test_order_of_dicts_is_kept(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", {"b": 1, "a": rt.ones(1), "c": 2})
    assert list(rt.load(tmp_path / "x")) == ["b", "a", "c"]


def test_named_tuples_and_registered_classes_need_like(tmp_path: Path) -> None:
    tree = {"opt": (Pair(rt.ones(2), None), defaultdict(list, w=rt.zeros(1)))}
    rt.save(tmp_path / "x", tree)
    assert_same(rt.load(tmp_path / "x", like=tree), tree)
    with pytest.raises(errors.TreeError, match=r"holds a Pair at tree\['opt'\]\[0\]; .* like="):
        rt.load(tmp_path / "x")


def test_like_may_be_specs(tmp_path: Path) -> None:
    layer = rt.nn.Linear(2)
    params, _ = layer.init(rt.random.key(0), rt.spec((1, 3)))
    rt.save(tmp_path / "x", params)
    specs = rt.eval_shape(lambda p: p, params)
    assert_same(rt.load(tmp_path / "x", like=specs), params)


def test_like_is_compared(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", {"w": rt.ones((2, 3)), "b": rt.zeros(3), "n": 1})
    cases = [
        ({"w": rt.ones((2, 3)), "b": rt.zeros(3)}, r"unexpected: 'n'"),
        ({"w": 0.0, "b": 0.0, "n": 1, "c": 0.0}, r"missing: tree\['c'\]"),
        (
            {"w": rt.ones((3, 2)), "b": rt.zeros(3), "n": 1},
            r"tree\['w'\]: float32\[2, 3\] in the file, float32\[3, 2\] in like",
        ),
        ({"w": rt.ones((2, 3)), "b": rt.zeros(3, dtype=rt.float64), "n": 1}, r"float64\[3\]"),
        ({"w": rt.ones((2, 3)), "b": rt.zeros(3), "n": 1.0}, "a Python int in the file, a Python"),
    ]
    for like, text in cases:
        with pytest.raises(errors.TreeError, match=text):
            rt.load(tmp_path / "x", like=like)


def test_many_differences_are_cut(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", list(range(20)))
    with pytest.raises(errors.TreeError, match=r"unexpected: '4'\n  \.\.\. and 15 more"):
        rt.load(tmp_path / "x", like=[])


def test_metadata(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", rt.ones(1), metadata={"epochs": 3, "names": ["a", None]})
    assert rt.io.load_metadata(tmp_path / "x") == {"epochs": 3, "names": ["a", None]}
    with pytest.raises(errors.ArgumentError, match="metadata: JSON cannot hold it"):
        rt.save(tmp_path / "x", rt.ones(1), metadata={"x": rt.ones(1)})


def test_file_names(tmp_path: Path) -> None:
    for name, made in [("a", "a.npz"), ("b.npz", "b.npz"), ("c.ckpt", "c.ckpt")]:
        rt.save(str(tmp_path / name), 1)
        assert (tmp_path / made).exists()
        assert rt.load(str(tmp_path / name)) == 1
    with pytest.raises(FileNotFoundError):
        rt.load(tmp_path / "none")


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rt.save(tmp_path / "x", rt.ones(2))

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(npy, "write", full)
    with pytest.raises(OSError, match="full"):
        rt.save(tmp_path / "x", rt.zeros(3))
    assert [file.name for file in tmp_path.iterdir()] == ["x.npz"]
    assert_same(rt.load(tmp_path / "x"), rt.ones(2))


@pytest.mark.parametrize(
    ("leaf", "text"),
    [
        (object(), r"tree\['a'\]\[0\]: expected an array, a number or a string, got object"),
        (np.array(["text"]), r"tree\['a'\]\[0\]: expected an array"),
    ],
)
def test_leaves_that_cannot_be_saved(leaf: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentError, match=text):
        rt.save(tmp_path / "x", {"a": [leaf]})
    assert not list(tmp_path.iterdir())


def test_keys_that_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(
        errors.ArgumentError, match=r"a key of a dict must be .* got tuple \(1, 2\)"
    ):
        rt.save(tmp_path / "x", {(1, 2): 3})


def test_damaged_files(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", {"w": rt.ones(1000)})
    whole = (tmp_path / "x.npz").read_bytes()
    middle = len(whole) // 2
    for broken in (b"", b"text", whole[:middle], whole[:middle] + b"?!" + whole[middle + 2 :]):
        (tmp_path / "broken.npz").write_bytes(broken)
        with pytest.raises(errors.FileFormatError, match=r"\[load\] .*broken.npz': "):
            rt.load(tmp_path / "broken")


def test_files_of_others(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", w=np.ones(2))
    with pytest.raises(errors.FileFormatError, match=r"other.npz': .*rt.save did not write it"):
        rt.load(tmp_path / "other")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"format": "rtorch.tree", "version": 2, "tree": None}, "version 2 of the format"),
        ({"format": "else"}, "not a header"),
        ({"format": "rtorch.tree", "version": 1, "tree": {"set": []}}, "not one that save writes"),
        ({"format": "rtorch.tree", "version": 1, "tree": {"leaf": "w"}}, "neither dtype nor value"),
        (
            {"format": "rtorch.tree", "version": 1, "tree": {"leaf": "w", "dtype": "float32"}},
            "no array 'w': it is damaged",
        ),
    ],
)
def test_headers(header: Any, text: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("rtorch.json", json.dumps(header))
    with pytest.raises(errors.FileFormatError, match=text):
        rt.load(tmp_path / "x")


def test_no_pickles_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", w=np.array([object()], dtype=object))
    header = {
        "format": "rtorch.tree", "version": 1, "tree": {"leaf": "w", "dtype": "object"},
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as file:
        file.writestr("rtorch.json", json.dumps(header))
    with pytest.raises(
        errors.FileFormatError, match="pickled Python objects, which are never read"
    ):
        rt.load(tmp_path / "x")


def test_names_are_different_and_safe() -> None:
    tree = {"A": 1, "a": 2, "a~2": 3, "..": 4, "": 5, "\x00": 6, "\udc80": 7, "x" * 999: 8}
    names = leaf_names(tree)
    assert len({name.casefold() for name in names}) == len(tree)
    assert all(len(name) <= 210 and name.isprintable() for name in names)
    assert leaf_names(3) == ["value"]


def test_a_network_and_its_optimizer(tmp_path: Path) -> None:
    net = rt.nn.serial(rt.nn.Linear(4), rt.nn.relu, rt.nn.Linear(2))
    params, _ = net.init(rt.random.key(0), rt.spec((1, 3), rt.bfloat16))
    opt = rt.optim.chain(rt.optim.clip_by_global_norm(1.0), rt.optim.adam())
    tree = (params, opt.init(params))
    rt.save(tmp_path / "x", tree)
    assert_same(rt.load(tmp_path / "x", like=tree), tree)


def test_repeated_elements(tmp_path: Path) -> None:
    """A broadcast array, whose elements are one place in memory."""
    tree = {"a": rt.broadcast_to(rt.asarray(2.0), (3,)), "b": rt.broadcast_to(rt.ones(2), (3, 2))}
    rt.save(tmp_path / "x", tree)
    back = rt.load(tmp_path / "x")
    assert back["a"].tolist() == [2.0] * 3
    assert back["b"].tolist() == [[1.0] * 2] * 3


@pytest.mark.parametrize("value", [3.0, 2, 1j])
def test_weak_dtypes_stay_weak(tmp_path: Path, value: Any) -> None:
    weak = rt.jit(lambda x: x * 2)(value)
    tree = {"weak": weak, "strong": rt.ones(2)}
    rt.save(tmp_path / "x", tree)
    for loaded in (rt.load(tmp_path / "x"), rt.load(tmp_path / "x", like=tree)):
        assert weak.weak_type
        assert loaded["weak"].weak_type
        assert not loaded["strong"].weak_type
        product = rt.ones(2, dtype=rt.float16) * loaded["weak"]
        assert product.dtype == (rt.ones(2, dtype=rt.float16) * weak).dtype
    with np.load(tmp_path / "x.npz") as plain:
        assert plain["weak"] == np.asarray(weak)


def test_an_error_names_the_file_that_was_wanted(tmp_path: Path) -> None:
    (tmp_path / "x.npz").mkdir()
    for target in (tmp_path / "x.npz", tmp_path / "no" / "y.npz"):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - of any kind
            rt.save(target, rt.ones(2))
        assert caught.value.filename == str(target)


def test_texts_of_numpy_are_listed_and_read_by_numpy_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones(2), names=np.array(["one", "two"]))
    archive = rt.io.open(tmp_path / "x.npz")
    assert archive["names"].numpy().tolist() == ["one", "two"]
    with pytest.raises(errors.FileFormatError, match="'names' has dtype <U3"):
        archive["names"].read()
