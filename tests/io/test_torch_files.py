"""Files of PyTorch, read and written beside PyTorch itself."""

import tracemalloc
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from test_npz import assert_same
from test_torch_golden import DTYPES

import rtorch as rt
from rtorch import errors

torch = pytest.importorskip("torch")

ZIP = {"_use_new_zipfile_serialization": True}
LEGACY = {"_use_new_zipfile_serialization": False}
FORMATS = pytest.mark.parametrize("format", [ZIP, LEGACY], ids=["zip", "legacy"])
MMAP = pytest.mark.parametrize("mmap", [False, True])


def same(ours: rt.Array, theirs: Any) -> bool:
    """Equal dtype, shape and values."""
    wide = theirs.detach().resolve_conj().resolve_neg().to(torch.complex128).numpy()
    return (
        f"torch.{ours.dtype}" == str(theirs.dtype)
        and ours.shape == tuple(theirs.shape)
        and np.array_equal(np.asarray(ours).astype(np.complex128), wide)
    )


@FORMATS
@MMAP
@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_and_view(name: str, mmap: bool, format: Any, tmp_path: Path) -> None:
    x = torch.arange(24).reshape(2, 3, 4).to(getattr(torch, name))
    views = [
        x, x.permute(2, 0, 1), x[1], x[:, 1:, ::2], x[0, 0, 3], x[:0], x.flatten()[5:],
        x[:1, :1].expand(3, 5, 4), torch.empty((), dtype=x.dtype).fill_(1),
    ]  # fmt: skip
    torch.save(views, tmp_path / "x.pth", **format)
    read = rt.io.load_torch(tmp_path / "x.pth", mmap=mmap)
    assert all(same(a, b) for a, b in zip(read, views, strict=True))


@MMAP
@pytest.mark.parametrize("name", DTYPES)
def test_pytorch_reads_what_is_written(name: str, mmap: bool, tmp_path: Path) -> None:
    x = rt.asarray(np.arange(6).reshape(2, 3)).astype(name)
    tree = {"x": x, "t": x.T, "s": x[0, 1], "e": x[:0], "nested": [(x[1], {"y": x})]}
    rt.io.save_torch(tmp_path / "x.pth", tree)
    read = torch.load(tmp_path / "x.pth", weights_only=True, mmap=mmap)
    assert all(same(tree[key], read[key]) for key in "xtse")
    assert same(x[1], read["nested"][0][0])
    assert read["nested"][0][1]["y"].data_ptr() == read["x"].data_ptr()  # written once
    assert_same(rt.io.load_torch(tmp_path / "x.pth", mmap=mmap), tree)


def test_containers_and_numbers_go_both_ways(tmp_path: Path) -> None:
    tree = {
        "list": [1, -1, 2**31, -(2**70), 2.5, float("inf"), 1j, None, True, False, "é\n", ()],
        "ordered": OrderedDict(b=(1,), a=[]), 3: {"empty": {}}, None: (1, (2, [3])),
    }  # fmt: skip
    rt.io.save_torch(tmp_path / "x.pth", tree)
    assert torch.load(tmp_path / "x.pth", weights_only=True) == tree
    assert rt.io.load_torch(tmp_path / "x.pth") == tree
    torch.save(tree, tmp_path / "y.pth")
    assert rt.io.load_torch(tmp_path / "y.pth") == tree


@FORMATS
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_binary_protocol(protocol: int, format: Any, tmp_path: Path) -> None:
    tree = {"x": torch.ones(3), "list": [1, 10**30, "text", b"bytes", {1, 2}, frozenset([3])]}
    torch.save(tree, tmp_path / "x.pth", pickle_protocol=protocol, **format)
    read = rt.io.load_torch(tmp_path / "x.pth")
    assert same(read["x"], tree["x"])
    assert read["list"] == tree["list"]


@FORMATS
def test_a_network_and_its_optimizer(format: Any, tmp_path: Path) -> None:
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    )
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(3, 1, 4, 4)).sum().backward()
    optimizer.step()
    state = {"net": net.state_dict(), "opt": optimizer.state_dict(), "epoch": 3}
    torch.save(state, tmp_path / "x.pth", **format)
    read = rt.io.load_torch(tmp_path / "x.pth")
    assert list(read["net"]) == list(state["net"])
    assert all(same(read["net"][name], x) for name, x in state["net"].items())
    assert same(read["opt"]["state"][0]["exp_avg"], state["opt"]["state"][0]["exp_avg"])
    assert read["opt"]["param_groups"][0]["betas"] == (0.9, 0.999)
    rt.io.save_torch(tmp_path / "y.pth", read["net"])
    net.load_state_dict(torch.load(tmp_path / "y.pth", weights_only=True))


def test_weights_go_both_ways(tmp_path: Path) -> None:
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    torch.save(theirs.state_dict(), tmp_path / "x.pth")
    ours = rt.nn.serial(rt.nn.Linear(4), rt.nn.relu, rt.nn.Linear(2))
    like = ours.init(rt.random.key(0), rt.spec((1, 3)))
    params, state = rt.nn.load_state_dict(rt.io.load_torch(tmp_path / "x.pth"), like)
    y, _ = ours.apply(params, state, rt.ones((1, 3)))
    np.testing.assert_allclose(y, theirs(torch.ones(1, 3)).detach().numpy(), rtol=1e-5)
    rt.io.save_torch(tmp_path / "y.pth", rt.nn.state_dict(params, state))
    theirs.load_state_dict(torch.load(tmp_path / "y.pth", weights_only=True))


def test_shared_storages_stay_shared(tmp_path: Path) -> None:
    base = torch.zeros(1_000_000)
    torch.save([base, base[10:], base.reshape(1000, 1000).t()], tmp_path / "x.pth")
    tracemalloc.start()
    read = rt.io.load_torch(tmp_path / "x.pth")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * 4_000_000
    assert len({np.asarray(x).ctypes.data // 8_000_000 for x in read}) <= 2


def test_memory(tmp_path: Path) -> None:
    torch.save([torch.ones(1_000_000), torch.ones(1_000_000)], tmp_path / "x.pth")
    for mmap, most in [(True, 0), (False, 8_000_000)]:
        tracemalloc.start()
        read = rt.io.load_torch(tmp_path / "x.pth", mmap=mmap)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.01 * most + 100_000
        assert float(read[1].sum()) == 1_000_000


def test_open_and_eight_bit_floats(tmp_path: Path) -> None:
    state = {"a": [torch.ones(2).to(torch.float8_e4m3fn), torch.ones(3)], "n": 4}
    torch.save(state, tmp_path / "x.pth")
    archive = rt.io.open(tmp_path / "x.pth")
    assert (archive.format, list(archive), archive.others) == ("torch", ["a.0", "a.1"], {"n": 4})
    assert archive["a.0"].numpy().astype(np.float32).tolist() == [1, 1]
    assert archive["a.1"].read().tolist() == [1, 1, 1]
    with pytest.raises(errors.FileFormatError, match="dtype float8_e4m3fn, which rtorch does not"):
        rt.io.load_torch(tmp_path / "x.pth")


def test_lazy_conjugates_and_negatives(tmp_path: Path) -> None:
    x = torch.tensor([1 + 2j, 3 - 1j])
    for y in (x.conj(), x.conj().imag, x[:1].conj().expand(1)):
        torch.save(y, tmp_path / "x.pth")
        assert same(rt.io.load_torch(tmp_path / "x.pth"), y)


def test_old_names_of_tensors(tmp_path: Path) -> None:
    """`_rebuild_tensor`, and parameters that are tensors."""

    class Old:
        def __reduce__(self) -> Any:
            storage = torch.arange(6.0).storage()
            return torch._utils._rebuild_tensor, (storage, 1, (2, 2), (2, 1))

    with pytest.warns(UserWarning, match="TypedStorage"):
        torch.save({"x": Old()}, tmp_path / "x.pth")
    assert rt.io.load_torch(tmp_path / "x.pth")["x"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (lambda: torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        (lambda: torch.ones(2).to_sparse(), "torch._utils._rebuild_sparse_tensor"),
        (lambda: torch.Generator, "torch._C.Generator"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8), "torch"),
        (lambda: np.array([object()], dtype=object), "NumPy dtype"),
        (lambda: print, "builtins.print|__builtin__.print"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_other_objects_are_refused_by_name(value: Any, name: str, tmp_path: Path) -> None:
    torch.save({"a": value()}, tmp_path / "x.pth")
    with pytest.raises(errors.FileFormatError, match=rf"\[load_torch\] .*x.pth': .*({name})"):
        rt.io.load_torch(tmp_path / "x.pth")


def test_programs_are_refused(tmp_path: Path) -> None:
    torch.save({"x": torch.ones(1)}, tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "x.pth", "a") as file:
        file.writestr("x/constants.pkl", b"")
    with pytest.raises(errors.FileFormatError, match="TorchScript program, which only PyTorch"):
        rt.io.load_torch(tmp_path / "x.pth")


class Custom(dict):
    pass


class Pair(NamedTuple):
    a: int
    b: int


def test_counts_and_bytes(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    tree = {"milestones": Counter({10: 1, 30: 2}), "raw": bytearray(b"a\xff"), "no": bytearray()}
    torch.save(tree, tmp_path / "x.pth")
    assert rt.io.load_torch(tmp_path / "x.pth") == tree


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"a": [object()]}, r"tree\['a'\]\[0\]: expected an array"),
        (rt.optim.adam(0.1).init(rt.ones(1)), r"a named tuple goes as x._asdict\(\)"),
        ({(1, 2): 3}, "a key must be"),
        ({"a": 1 << 3000}, "integer"),
        ({"a": Custom()}, "got Custom"),
        (Pair(1, 2), r"a named tuple goes as x._asdict\(\)"),
        ({"a": range(3)}, "expected an array"),
    ],
)
def test_what_cannot_be_written(tree: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(errors.ArgumentError, match=rf"\[save_torch\] .*{text}"):
        rt.io.save_torch(tmp_path / "x.pth", tree)
    assert not list(tmp_path.iterdir())


def test_deep_trees_are_refused(tmp_path: Path) -> None:
    tree: Any = 1
    for _ in range(300):
        tree = [tree]
    with pytest.raises(errors.ArgumentError, match="nested more than 200 deep"):
        rt.io.save_torch(tmp_path / "x.pth", tree)
