"""Reading parts of ``.npz`` files: lazily, mapped into memory, or only what fits."""

import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_npz import DTYPES, assert_same

import rtorch as rt
from rtorch import errors

TREE = {"w": rt.ones((2, 3)), "layers": [rt.zeros(4, dtype=rt.bfloat16)], "epochs": 3}


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_way_gives_the_same(dtype: Any, compress: bool, mmap: bool, tmp_path: Path) -> None:
    x = rt.asarray(np.arange(-3, 9).reshape(3, 4)).astype(dtype)
    tree = {"x": x, "scalar": x[0, 0], "empty": x[:0], "transposed": x.T}
    rt.save(tmp_path / "x", tree, compress=compress)
    assert_same(rt.load(tmp_path / "x", mmap=mmap), tree)
    assert_same(rt.load(tmp_path / "x", like=tree, mmap=mmap), tree)


def test_compressed_files_are_smaller_and_numpy_reads_them(tmp_path: Path) -> None:
    rt.save(tmp_path / "a", rt.zeros(10_000))
    rt.save(tmp_path / "b", rt.zeros(10_000), compress=True)
    assert (tmp_path / "b.npz").stat().st_size < (tmp_path / "a.npz").stat().st_size / 20
    with np.load(tmp_path / "b.npz", allow_pickle=False) as file:
        assert file["value"].shape == (10_000,)


def test_arrays_begin_at_multiples_of_64(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", {"a": rt.ones(3), "long name": rt.ones(5), "ä": rt.ones(1)})
    x = rt.load(tmp_path / "x", mmap=True)
    assert all(np.asarray(leaf).ctypes.data % 64 == 0 for leaf in rt.tree.leaves(x))
    with zipfile.ZipFile(tmp_path / "x.npz") as file:
        assert file.testzip() is None


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        rt.save(tmp_path / name, TREE)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_mapped_arrays_take_no_memory_and_others_take_it_once(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", [rt.ones(1_000_000), rt.ones(1_000_000)])
    size = (tmp_path / "x.npz").stat().st_size
    for mmap, most in [(True, 0.01), (False, 1.01)]:
        tracemalloc.start()
        x = rt.load(tmp_path / "x", mmap=mmap)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most * size + 200_000
        assert float(x[1].sum()) == 1_000_000


def test_open_shows_without_reading(tmp_path: Path) -> None:
    rt.save(tmp_path / "x.npz", TREE, metadata={"note": "first"})
    archive = rt.io.open(tmp_path / "x.npz")
    assert (archive.format, archive.metadata, archive.others) == (
        "npz", {"note": "first"}, {"epochs": 3},
    )  # fmt: skip
    assert {name: (e.shape, str(e.dtype), e.nbytes) for name, e in archive.items()} == {
        "w": ((2, 3), "float32", 24), "layers/0": ((4,), "bfloat16", 8),
    }  # fmt: skip
    assert_same(archive["w"].read(), TREE["w"])
    assert_same(archive["layers/0"].read("cpu"), TREE["layers"][0])
    assert repr(archive["w"]) == "Entry('w', float32[2, 3])"
    assert repr(archive).splitlines()[1:] == ["  layers/0: bfloat16[4]", "  w: float32[2, 3]"]
    with pytest.raises(ValueError, match="read-only"):
        archive["w"].numpy()[0] = 1


def test_open_reads_files_of_numpy(tmp_path: Path) -> None:
    x = np.arange(6.0).reshape(2, 3)
    arrays = {"big": x.astype(">f4"), "fortran": np.asfortranarray(x), "zero": x[:0], "s": x[0, 0]}
    np.savez(tmp_path / "x.npz", **arrays)
    np.savez_compressed(tmp_path / "y.npz", **arrays)
    for name in ("x.npz", "y.npz"):
        archive = rt.io.open(tmp_path / name)
        assert list(archive) == list(arrays)
        for key, want in arrays.items():
            np.testing.assert_array_equal(archive[key].numpy(), want)
            assert archive[key].read().tolist() == want.tolist()
            assert archive[key].dtype.isnative


def test_dtypes_that_rtorch_has_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones(2, np.longdouble))
    entry = rt.io.open(tmp_path / "x.npz")["x"]
    assert entry.numpy().tolist() == [1, 1]
    with pytest.raises(errors.FileFormatError, match=r"'x' has dtype .* does not compute with"):
        entry.read()


def test_compare(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", {"same": rt.ones(2), "old": 1, "w": rt.ones(3), "n": 1})
    like = {"same": rt.spec(2), "new": rt.ones(1), "w": rt.ones((3, 1)), "n": 1.0}
    found = rt.io.compare(tmp_path / "x", like)
    assert found == (
        ("same",), ("new",), ("old",),
        (("n", "a Python int", "a Python float"), ("w", "float32[3]", "float32[3, 1]")),
    )  # fmt: skip
    assert not found.fits
    assert repr(found).splitlines() == [
        "Comparison: 1 leaves are the same",
        "  missing: new",
        "  unexpected: old",
        "  n: a Python int in the file, a Python float in like",
        "  w: float32[3] in the file, float32[3, 1] in like",
    ]
    assert rt.io.compare(tmp_path / "x", rt.load(tmp_path / "x")).fits


def test_partial_load(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", {"body": rt.ones(2), "head": rt.ones(3), "old": 1})
    like = {"body": rt.zeros(2), "head": rt.zeros(5), "new": rt.full((1,), 7.0)}
    loaded = rt.load(tmp_path / "x", like=like, strict=False)
    assert_same(loaded, like | {"body": rt.ones(2)})


def test_what_a_partial_load_cannot_do(tmp_path: Path) -> None:
    rt.save(tmp_path / "x", {"body": rt.ones(2)})
    with pytest.raises(errors.TreeError, match=r"nothing for tree\['new'\], where like has a spec"):
        rt.load(tmp_path / "x", like={"new": rt.spec(2)}, strict=False)
    with pytest.raises(errors.ArgumentError, match="strict=False takes what fits `like`"):
        rt.load(tmp_path / "x", strict=False)


def test_registered_classes_and_optimizer_states(tmp_path: Path) -> None:
    params = {"w": rt.ones((2, 2)), "b": rt.zeros(2)}
    state = rt.optim.adam(0.1).init(params)
    rt.save(tmp_path / "x", (params, state))
    for mmap in (False, True):
        assert_same(rt.load(tmp_path / "x", like=(params, state), mmap=mmap), (params, state))


def test_formats_that_are_none(tmp_path: Path) -> None:
    for content in (b"", b"text", b"\0" * 100):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(errors.FileFormatError, match=r"\[open\] .*/x': it is neither"):
            rt.io.open(tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        rt.io.open(tmp_path / "none")
