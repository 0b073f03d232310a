"""``python -m rtorch inspect`` and ``convert``."""

import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import rtorch as rt
from rtorch.cli import main

TREE = {"layers": [{"weight": rt.ones((2, 3)), "bias": rt.zeros(2, dtype=rt.bfloat16)}], "n": 3}
FLAT = {"layers.0.weight": rt.ones((2, 3)), "layers.0.bias": rt.zeros(2, dtype=rt.bfloat16)}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rt.save(tmp_path / "tree.npz", TREE, metadata={"note": "first", "epoch": 2})
    np.savez(tmp_path / "plain.npz", a=np.arange(4), b=np.ones((2, 2), np.float32))
    np.save(tmp_path / "x.npy", np.arange(6.0).reshape(2, 3))
    rt.io.save_torch(tmp_path / "model.pth", FLAT | {"epoch": 3})
    idx = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(6)
    (tmp_path / "images-idx3-ubyte").write_bytes(idx)
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(gzip.compress(idx))
    return tmp_path


def safetensors(folder: Path) -> Path:
    pytest.importorskip("safetensors")
    rt.io.save_safetensors(folder / "model.safetensors", FLAT, {"format": "pt"})
    return folder / "model.safetensors"


def output(capsys, *arguments) -> str:
    assert main([*map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def failure(capsys, *arguments) -> str:
    assert main([*map(str, arguments)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"rtorch {arguments[0]}: ")
    assert err.count("\n") == 1, "one line"
    return err


# ---- inspect -------------------------------------------------------------------------------------

NAMES = {
    "tree.npz": ("npz", {"layers/0/weight": [2, 3], "layers/0/bias": [2]}),
    "plain.npz": ("npz", {"a": [4], "b": [2, 2]}),
    "x.npy": ("npy", {"x": [2, 3]}),
    "model.pth": ("torch", {"layers.0.weight": [2, 3], "layers.0.bias": [2]}),
    "images-idx3-ubyte": ("idx", {"images-idx3-ubyte": [2, 3]}),
    "images-idx3-ubyte.gz": ("idx", {"images-idx3-ubyte": [2, 3]}),
}


@pytest.mark.parametrize("name", NAMES)
def test_inspect(files, capsys, name):
    kind, shapes = NAMES[name]
    found = json.loads(output(capsys, "inspect", files / name, "--json"))
    assert found["format"] == kind
    assert {a["name"]: a["shape"] for a in found["arrays"]} == shapes
    assert found["total"]["arrays"] == len(shapes)
    assert found["total"]["bytes"] == sum(a["bytes"] for a in found["arrays"])
    text = output(capsys, "inspect", files / name)
    assert all(array in text for array in shapes)
    assert text.splitlines()[-1].startswith(f"{kind}: {len(shapes)} arrays, ")


def test_inspect_safetensors(tmp_path, capsys):
    text = output(capsys, "inspect", safetensors(tmp_path))
    assert "layers.0.weight" in text
    assert "bfloat16" in text
    assert "format: pt" in text


def test_metadata_and_numbers_are_shown(files, capsys):
    text = output(capsys, "inspect", files / "tree.npz")
    assert "note: first" in text
    assert "n = 3" in text
    assert "28 bytes" in text
    found = json.loads(output(capsys, "inspect", files / "tree.npz", "--json"))
    assert found["metadata"] == {"note": "first", "epoch": 2}
    assert found["others"] == {"n": 3}


def test_a_folder_is_inspected_file_by_file(tmp_path, capsys):
    (tmp_path / "step 3").mkdir()
    rt.save(tmp_path / "step 3" / "params.npz", {"w": rt.ones(2)})
    np.save(tmp_path / "step 3" / "x.npy", np.ones(3))
    (tmp_path / "manifest.json").write_text('{"step": 3}')
    (tmp_path / "notes.txt").write_text("none of ours")
    found = json.loads(output(capsys, "inspect", tmp_path, "--json"))
    names = [a["name"] for a in found["arrays"]]
    assert names == ["step 3/params.npz: w", "step 3/x.npy: x"]
    assert found["metadata"] == {"manifest.json": {"step": 3}}


def test_names_cannot_steer_the_terminal(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        np.save(tmp_path / "one.npy", np.ones(1))
        archive.write(tmp_path / "one.npy", "a\x1b[31m.npy")
    assert "\x1b" not in output(capsys, "inspect", tmp_path / "x.npz")


def test_files_that_are_none(files, capsys):
    (files / "text").write_text("hello there, this is text")
    (files / "empty").write_bytes(b"")
    (files / "cut.npy").write_bytes((files / "x.npy").read_bytes()[:-3])
    (files / "cut.npz").write_bytes((files / "tree.npz").read_bytes()[:-30])
    (files / "cut.pth").write_bytes((files / "model.pth").read_bytes()[:-100])
    (files / "cut-idx").write_bytes((files / "images-idx3-ubyte").read_bytes()[:-1])
    np.save(files / "objects.npy", np.array([{}], object), allow_pickle=True)
    assert "of no known format (npy, npz" in failure(capsys, "inspect", files / "text")
    assert "it is empty" in failure(capsys, "inspect", files / "empty")
    assert "No such file" in failure(capsys, "inspect", files / "missing")
    assert "no files of arrays" in failure(capsys, "inspect", (files / "d").mkdir() or files / "d")
    for name in ("cut.npy", "cut.npz", "cut.pth", "cut-idx", "objects.npy"):
        assert name in failure(capsys, "inspect", files / name)


def test_damaged_headers_are_one_line(files, capsys):
    raw = (files / "x.npy").read_bytes()
    for place in range(6, 80):
        changed = raw[:place] + b"\x80" + raw[place + 1 :]
        (files / "x.npy").write_bytes(changed)
        if main(["inspect", str(files / "x.npy")]):
            assert "is damaged or holds objects" in capsys.readouterr().err


# ---- convert -------------------------------------------------------------------------------------


def same(a, b):
    assert rt.tree.structure(a) == rt.tree.structure(b)
    for x, y in zip(rt.tree.leaves(a), rt.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
        assert getattr(x, "dtype", None) == getattr(y, "dtype", None)


def test_trees_stay_trees(files, capsys):
    text = output(capsys, "convert", files / "tree.npz", files / "out.pth")
    assert text.endswith("out.pth: 2 arrays, 28 bytes\n")
    same(rt.io.load_torch(files / "out.pth"), TREE)
    output(capsys, "convert", files / "out.pth", files / "back.npz")
    same(rt.load(files / "back.npz"), TREE)


def test_flat(files, capsys):
    output(capsys, "convert", files / "tree.npz", files / "out.pt", "--flat")
    same(rt.io.load_torch(files / "out.pt"), FLAT | {"n": 3})
    output(capsys, "convert", files / "tree.npz", files / "b.pt", "--arrays-only")
    same(rt.io.load_torch(files / "b.pt"), FLAT)


def test_safetensors(files, capsys):
    source = safetensors(files)
    output(capsys, "convert", source, files / "out.npz")
    same(rt.load(files / "out.npz"), FLAT)
    assert rt.io.load_metadata(files / "out.npz") == {"format": "pt"}
    why = failure(capsys, "convert", files / "tree.npz", files / "b.safetensors")
    assert "also n: --arrays-only leaves them out" in why
    assert not (files / "b.safetensors").exists()
    output(capsys, "convert", files / "tree.npz", files / "b.safetensors", "--arrays-only")
    same(rt.io.load_safetensors(files / "b.safetensors"), FLAT)
    assert rt.io.open(files / "b.safetensors").metadata == {"note": "first", "epoch": "2"}


@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_read(files, capsys, name):
    output(capsys, "convert", files / name, files / "out.npz")
    found = rt.io.open(files / "out.npz")
    assert sorted(list(e.shape) for e in found.values()) == sorted(NAMES[name][1].values())


def test_named_tuples_become_names(tmp_path, capsys):
    state = rt.optim.adam(0.1).init({"w": rt.ones(3)})
    rt.save(tmp_path / "state.npz", state)
    output(capsys, "convert", tmp_path / "state.npz", tmp_path / "out.pth")
    found = rt.io.load_torch(tmp_path / "out.pth")
    assert len(found) == len(rt.tree.leaves(state))


def test_dtype(files, capsys):
    output(capsys, "convert", files / "tree.npz", files / "out.npz", "--dtype", "float16")
    same(rt.load(files / "out.npz"), rt.tree.map(
        lambda x: x.astype("float16") if isinstance(x, rt.Array) else x, TREE))  # fmt: skip
    output(capsys, "convert", files / "plain.npz", files / "b.npz", "--dtype", "float64")
    assert rt.io.open(files / "b.npz")["a"].dtype == np.int64


def test_nothing_is_replaced_without_force(files, capsys):
    before = (files / "plain.npz").read_bytes()
    why = failure(capsys, "convert", files / "tree.npz", files / "plain.npz")
    assert "exists already: --force replaces it" in why
    assert (files / "plain.npz").read_bytes() == before
    output(capsys, "convert", files / "tree.npz", files / "plain.npz", "--force")
    same(rt.load(files / "plain.npz"), TREE)


def test_a_damaged_file_leaves_the_target_alone(files, capsys):
    (files / "cut.npz").write_bytes((files / "tree.npz").read_bytes()[:-30])
    before = (files / "plain.npz").read_bytes()
    failure(capsys, "convert", files / "cut.npz", files / "plain.npz", "--force")
    assert (files / "plain.npz").read_bytes() == before


def test_a_checkpoint_says_what_it_is(tmp_path, capsys):
    with rt.io.Checkpointer(tmp_path) as ck:
        ck.save(7, {"w": rt.ones(2)}, metrics={"loss": float("nan")}, metadata={"note": "x"})
    text = output(capsys, "inspect", tmp_path, "--json")
    found = json.loads(text, parse_constant=pytest.fail)  # JSON has no nan
    about = found["metadata"]["step_00000007/manifest.json"]
    assert (about["step"], about["metrics"]) == (7, {"loss": "nan"})
    assert about["metadata"] == {"note": "x"}
    assert "'step': 7" in output(capsys, "inspect", tmp_path)


def test_numbers_that_json_has_not(tmp_path, capsys):
    rt.save(tmp_path / "x.npz", {"i": float("inf"), "n": float("nan"), "c": 1j})
    found = json.loads(output(capsys, "inspect", tmp_path / "x.npz", "--json"))
    assert found["others"] == {"i": "inf", "n": "nan", "c": "1j"}
