"""safetensors files, both ways, beside the package itself and PyTorch."""

import builtins
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_npz import DTYPES, assert_same

import rtorch as rt
from rtorch import errors

safetensors = pytest.importorskip("safetensors")

HELD = [dtype for dtype in DTYPES if dtype != "complex128"]


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("dtype", HELD, ids=str)
def test_every_dtype(dtype: Any, mmap: bool, tmp_path: Path) -> None:
    x = rt.asarray(np.arange(-3, 9).reshape(3, 4)).astype(dtype)
    arrays = {"x": x, "scalar": x[0, 0], "empty": x[:0], "transposed": x.T, "part": x[:, 1:2]}
    rt.io.save_safetensors(tmp_path / "x", arrays)
    assert_same(rt.io.load_safetensors(tmp_path / "x", mmap=mmap), arrays)


@pytest.mark.parametrize("dtype", ["bool", "bfloat16", "float16", "float32", "int64", "uint8"])
def test_pytorch_reads_and_writes_the_same(dtype: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    x = torch.arange(6).reshape(2, 3).to(getattr(torch, dtype))
    save_file({"x": x}, tmp_path / "torch")
    read = rt.io.load_safetensors(tmp_path / "torch")["x"]
    assert (str(read.dtype), read.astype(rt.float32).tolist()) == (dtype, x.float().tolist())
    rt.io.save_safetensors(tmp_path / "ours", {"x": read})
    assert torch.equal(load_file(tmp_path / "ours")["x"], x)


def test_trees_have_dotted_names(tmp_path: Path) -> None:
    tree = {"layers": [{"weight": rt.ones(2)}, {"weight": rt.zeros(3)}], "b": rt.ones(())}
    rt.io.save_safetensors(tmp_path / "x", tree)
    flat = rt.io.load_safetensors(tmp_path / "x")
    assert sorted(flat) == ["b", "layers.0.weight", "layers.1.weight"]
    assert_same(rt.io.load_safetensors(tmp_path / "x", like=tree), tree)


def test_state_dicts_keep_their_names(tmp_path: Path) -> None:
    state = {"0.weight": rt.ones((2, 3)), "0.bias": rt.zeros(2)}
    rt.io.save_safetensors(tmp_path / "x", state)
    assert_same(rt.io.load_safetensors(tmp_path / "x", like=state), state)


def test_like_is_compared(tmp_path: Path) -> None:
    rt.io.save_safetensors(tmp_path / "x", {"a": rt.ones(2), "b": rt.ones(3)})
    like = {"a": rt.zeros(2), "b": rt.zeros(4), "c": rt.zeros(1)}
    with pytest.raises(
        errors.TreeError, match=r"missing: tree\['c'\]\n  tree\['b'\]: float32\[3\]"
    ):
        rt.io.load_safetensors(tmp_path / "x", like)
    assert_same(
        rt.io.load_safetensors(tmp_path / "x", like, strict=False), like | {"a": rt.ones(2)}
    )
    with pytest.raises(errors.ArgumentError, match="give like="):
        rt.io.load_safetensors(tmp_path / "x", strict=False)


def test_metadata_and_lazy_reading(tmp_path: Path) -> None:
    rt.io.save_safetensors(tmp_path / "x", {"a": rt.ones(2)}, {"format": "pt"})
    archive = rt.io.open(tmp_path / "x")
    assert (archive.format, archive.metadata) == ("safetensors", {"format": "pt"})
    assert archive["a"].numpy().tolist() == [1, 1]
    assert_same(archive["a"].read(), rt.ones(2))


def test_eight_bit_floats_go_to_numpy(tmp_path: Path) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    from safetensors.numpy import save_file

    x = np.arange(4).astype(ml_dtypes.float8_e4m3fn)
    save_file({"x": x, "y": np.ones(2)}, tmp_path / "x")
    archive = rt.io.open(tmp_path / "x")
    assert archive["x"].numpy().astype(np.float32).tolist() == [0, 1, 2, 3]
    assert archive["y"].read().tolist() == [1, 1]
    with pytest.raises(errors.FileFormatError, match="'x' has dtype float8_e4m3fn, which rtorch"):
        rt.io.load_safetensors(tmp_path / "x")


@pytest.mark.parametrize(
    ("tensors", "metadata", "kind", "text"),
    [
        ({"a": 1.0}, None, errors.ArgumentError, "'a': expected an array, got float 1.0"),
        ({"a": rt.ones(1, dtype=rt.complex128)}, None, errors.DTypeError, "has no complex128"),
        ({"a.b": rt.ones(1), "a": {"b": rt.ones(1)}}, None, errors.ArgumentError, "'a.b' is taken"),
        ({"__metadata__": rt.ones(1)}, None, errors.ArgumentError, "is taken"),
        ({"a": rt.ones(1)}, {"epoch": 3}, errors.ArgumentError, "metadata: names and values"),
    ],
)
def test_what_cannot_be_saved(
    tensors: Any, metadata: Any, kind: Any, text: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=rf"\[save_safetensors\] .*{text}"):
        rt.io.save_safetensors(tmp_path / "x", tensors, metadata)
    assert not list(tmp_path.iterdir())


def test_the_file_has_the_usual_mode(tmp_path: Path) -> None:
    rt.io.save_safetensors(tmp_path / "x", {"a": rt.ones(2)})
    (tmp_path / "y").write_bytes(b"")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "y").stat().st_mode
    assert len(list(tmp_path.iterdir())) == 2


def test_damaged_files(tmp_path: Path) -> None:
    rt.io.save_safetensors(tmp_path / "x", {"a": rt.ones(20)})
    whole = (tmp_path / "x").read_bytes()
    for broken in (b"", b"text", whole[:-1], whole + b"\0", b"\xff" * 8 + whole[8:]):
        (tmp_path / "x").write_bytes(broken)
        with pytest.raises(errors.FileFormatError, match=r"\[load_safetensors\] .*/x': it is dam"):
            rt.io.load_safetensors(tmp_path / "x")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def none(name: str, *args: Any) -> Any:
        if name.startswith("safetensors"):
            raise ImportError(name)
        return real(name, *args)

    for name in [name for name in sys.modules if name.startswith("safetensors")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", none)
    with pytest.raises(errors.MissingDependencyError, match=r"rtorch\[safetensors\]"):
        rt.io.save_safetensors(tmp_path / "x", {"a": rt.ones(2)})
