# ruff: noqa: E501 - tables read better in long lines
"""Array: nobody can write to it, it owns what it holds, and it converts as NumPy's do."""

import copy
import math
import pickle

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError


@pytest.mark.parametrize(
    "export",
    [np.asarray, lambda x: np.asarray(x.T), lambda x: np.asarray(x[0]),
     lambda x: np.from_dlpack(x, copy=False),
     lambda x: np.asarray(rt.broadcast_to(x, (2, 2, 3))), lambda x: np.asarray(rt.reshape(x, (6,)))],
)  # fmt: skip
def test_what_leaves_cannot_be_written_to(export):
    x = rt.arange(6.0).reshape(2, 3)
    out = export(x)
    first = (0,) * out.ndim
    writes = [
        lambda: out.__setitem__(first, 9.0), lambda: memoryview(out).__setitem__(first, 9.0),
        lambda: np.add(out, 1, out=out), lambda: out.setflags(write=True), lambda: out.fill(1.0),
    ]  # fmt: skip
    for write in writes:
        with pytest.raises((ValueError, TypeError)):
            write()
    while isinstance(out, np.ndarray):
        assert not out.flags.writeable
        out = out.base
    assert np.asarray(x).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_there_is_no_assignment():
    x = rt.ones(2)
    with pytest.raises(ArgumentError, match=r"\.at"):
        x[0] = 1.0
    with pytest.raises(ArgumentError):
        del x[0]
    y = x
    y += 1
    assert x.tolist() == [1, 1]


def test_foreign_arrays_are_copied_unless_asked_otherwise():
    mine = np.arange(3.0)
    for make in (
        rt.asarray,
        rt.array,
        lambda a: rt.ones(3, dtype=rt.float64) * 0 + a,
        rt.jit(lambda v: v),
    ):
        x = make(mine)
        mine += 1
        assert x.tolist() == (mine - 1).tolist()
    shared = rt.asarray(mine, copy=False)
    assert np.shares_memory(np.asarray(shared), mine)


def test_copies_pickles_and_texts():
    x = rt.asarray([1.5, 2.5])
    for y in (copy.copy(x), copy.deepcopy(x), x.copy()):
        assert y.tolist() == x.tolist()
        assert y.dtype is x.dtype
    for y in (x, rt.asarray(1), rt.ones((0, 2), dtype=rt.bfloat16), x.astype(rt.bfloat16)):
        again = pickle.loads(pickle.dumps(y))
        assert (again.dtype, again.shape, again.weak_type) == (y.dtype, y.shape, y.weak_type)
        assert again.astype(rt.float32).tolist() == y.astype(rt.float32).tolist()
    assert repr(x) == "Array([1.5, 2.5], dtype=float32)"
    assert str(x) == "[1.5 2.5]"
    assert f"{x[0]:.2f}" == "1.50"
    with pytest.raises(ShapeError):
        f"{x:.2f}"
    with pytest.raises(TypeError):
        hash(x)


def test_conversions_to_python():
    x = rt.asarray([[1, 2], [3, 4]])
    assert x.tolist() == [[1, 2], [3, 4]]
    assert x.item(1, 0) == 3
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert "abc"[x[0, 1]] == "c"
    assert (int(x[0, 0]), float(x[0, 0]), complex(x[0, 0]), bool(x[0, 0])) == (1, 1.0, 1 + 0j, True)
    assert math.sin(rt.asarray(0.0)) == 0.0
    assert round(rt.asarray(1.26), 1).item() == pytest.approx(1.3)
    scalar = rt.asarray(1.0)
    for bad, error in [
        (lambda: bool(x), ShapeError), (lambda: int(x), ShapeError), (lambda: bool(rt.zeros(0)), ShapeError),
        (lambda: x.item(), ShapeError), (lambda: x.item(9), IndexError), (lambda: len(scalar), ShapeError),
        (lambda: iter(scalar), ShapeError), (lambda: "abc"[scalar], DTypeError),
        (lambda: float(rt.asarray(1j)), DTypeError), (lambda: int(rt.asarray(1j)), DTypeError),
    ]:  # fmt: skip
        with pytest.raises(error):
            bad()


def test_weak_arrays_give_way():
    weak = rt.jit(lambda x: x)(2.0)
    assert weak.weak_type
    assert (weak * rt.ones(2, dtype=rt.float16)).dtype is rt.float16
    assert (weak * rt.ones(2, dtype=rt.int32)).dtype is rt.float32
    assert not rt.asarray(2.0).weak_type
    assert not (weak + rt.ones(2)).weak_type


@pytest.mark.parametrize("dtype", [rt.float32, rt.int8, rt.bool_, rt.complex64])
def test_dlpack(dtype):
    x = rt.asarray([0, 1, 1]).astype(dtype)
    assert np.from_dlpack(x).tolist() == x.tolist()
    assert rt.asarray(np.from_dlpack(x)).dtype is dtype
    shared = np.from_dlpack(x, copy=False)
    assert np.shares_memory(shared, np.asarray(x))
    assert not shared.flags.writeable


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of some versions of torch
def test_dlpack_to_and_from_torch():
    torch = pytest.importorskip("torch")
    x = rt.arange(3.0)
    t = torch.from_dlpack(x)
    t += 1  # PyTorch does not heed the read-only flag: it was given a copy
    assert x.tolist() == [0, 1, 2]
    t -= 1
    assert rt.asarray(t + 1).tolist() == [1, 2, 3]


def test_integers_must_fit():
    for bad in (lambda: rt.asarray(2**70), lambda: rt.asarray([2**63]), lambda: rt.asarray([2**70]),
                lambda: rt.asarray(300, dtype=rt.int8), lambda: rt.asarray([300], dtype=rt.int8),
                lambda: rt.ones(2, dtype=rt.int8) + 300):  # fmt: skip
        with pytest.raises(DTypeError, match="fit"):
            bad()
    assert rt.asarray(0.7, dtype=rt.float64).item() == 0.7
