"""Files that PyTorch wrote (`make_golden.py`), read where it is not installed."""

import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors

GOLDEN = Path(__file__).parent / "golden"
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
          "float64", "complex64", "complex128", "uint16", "uint32", "uint64")  # fmt: skip
BASE = np.arange(24.0).reshape(2, 3, 4)


@pytest.fixture(params=["zip.pth", "legacy.pth"])
def state(request: pytest.FixtureRequest) -> Any:
    return rt.io.load_torch(GOLDEN / request.param)


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes(name: str, state: Any) -> None:
    want = np.arange(6).reshape(2, 3).astype(np.bool_ if name == "bool" else np.float64)
    assert str(state[name].dtype) == name
    assert np.array_equal(np.asarray(state[name]).astype(np.complex128), want)


def test_views(state: Any) -> None:
    assert np.array_equal(state["base"], BASE)
    assert np.array_equal(state["transposed"], BASE.transpose(2, 0, 1))
    assert np.array_equal(state["part"], BASE[1, 1:, ::2])
    assert state["expanded"].tolist() == [1] * 5
    assert state["empty"].shape == (0, 3)
    assert state["scalar"].shape == ()
    assert float(state["scalar"]) == 3
    assert state["conj"].tolist() == [1 - 2j]
    assert isinstance(state["parameter"], rt.Array)


def test_what_is_no_tensor(state: Any) -> None:
    assert isinstance(state, OrderedDict)
    assert state["plain"] == [
        1, -2, 10**12, 10**30, 2.5, 1j, None, True, "text", b"bytes", (1, (2,)), {3, 4},
    ]  # fmt: skip
    assert (state["size"], state["dtype"], state["device"]) == ((2, 3, 4), rt.float32, "cpu")
    assert np.array_equal(state["numpy"], np.arange(3.0))
    assert (state["numpy_scalar"], type(state["numpy_scalar"])) == (1.5, np.float32)
    assert np.array_equal(state["nested"]["list"][0], BASE[0])


def test_results_compute(state: Any) -> None:
    assert float(rt.jit(lambda x: rt.sum(x * 2))(state["transposed"])) == 2 * BASE.sum()


def test_files_without_checksums() -> None:
    assert rt.io.load_torch(GOLDEN / "no_checksums.pth")["w"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("mmap", [False, True])
def test_big_endian_storages(mmap: bool, tmp_path: Path) -> None:
    big = {
        "d": np.arange(6).astype(">f4"), "q": np.array([1 + 2j, 3]).astype(">c16"),
        "b": np.array([0x3F80, 0x4000], ">u2"),
    }  # fmt: skip
    _write(tmp_path / "x.pth", [
        ("0", "FloatStorage", big["d"], (3, 2), (1, 3)),
        ("1", "ComplexDoubleStorage", big["q"], (2,), (1,)),
        ("2", "BFloat16Storage", big["b"], (2,), (1,)),
    ])  # fmt: skip
    floats, complexes, halves = rt.io.load_torch(tmp_path / "x.pth", mmap=mmap)
    assert floats.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert complexes.tolist() == [1 + 2j, 3]
    assert halves.astype(rt.float32).tolist() == [1, 2]


def _write(path: Path, tensors: list[Any]) -> None:
    """A file as a machine of the other byte order writes it."""

    def text(x: str) -> bytes:
        return b"X" + struct.pack("<I", len(x)) + x.encode()

    pickle = b"\x80\2]("
    for key, storage, x, shape, strides in tensors:
        pickle += b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage")
        pickle += f"ctorch\n{storage}\n".encode() + text(key) + text("cpu")
        pickle += b"K" + bytes([x.size]) + b"tQK\0("
        pickle += b"".join(b"K" + bytes([n]) for n in shape) + b"t("
        pickle += b"".join(b"K" + bytes([n]) for n in strides) + b"t\x89NtR"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle + b"e.")
        archive.writestr("x/byteorder", "big")
        for key, _, x, _, _ in tensors:
            archive.writestr(f"x/data/{key}", x.tobytes())


def test_damage_is_noticed(tmp_path: Path) -> None:
    whole = (GOLDEN / "zip.pth").read_bytes()
    middle = whole.index(np.arange(24, dtype=np.float32).tobytes())
    for broken in (whole[:-9], whole[:middle] + b"?" + whole[middle + 1 :], b"", b"\x80\2."):
        (tmp_path / "x.pth").write_bytes(broken)
        with pytest.raises(errors.FileFormatError, match=r"\[load_torch\] '.*x.pth': "):
            rt.io.load_torch(tmp_path / "x.pth")
