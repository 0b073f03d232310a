"""`rt.profile` with arrays on a stand-in for CuPy."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

import rtorch as rt
from rtorch.core import backend
from rtorch.errors import ArgumentError
from tests.gpu.cupy_stand_in import CuPy
from tests.profiling.test_profile import FUNCTIONS, X, assert_off


@pytest.fixture
def stand_in(monkeypatch):
    waits = []
    module = CuPy()
    stream = SimpleNamespace(synchronize=lambda: waits.append(time.perf_counter_ns()))
    cuda = SimpleNamespace(**vars(CuPy.cuda), get_current_stream=lambda: stream)
    monkeypatch.setattr(CuPy, "cuda", cuda)
    pool = SimpleNamespace(used_bytes=lambda: 1000)
    monkeypatch.setattr(CuPy, "get_default_memory_pool", lambda self: pool, raising=False)
    monkeypatch.setattr(backend, "cupy", lambda: module)
    return waits


@pytest.mark.parametrize("name", ["elementwise", "grad", "scan", "branching", "constant"])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_on_a_gpu_every_operation_is_waited_for(stand_in, name, compiled):
    function = rt.jit(FUNCTIONS[name]) if compiled or name == "scan" else FUNCTIONS[name]
    expected = rt.tree.leaves(function(X))
    with rt.profile() as p:
        found = rt.tree.leaves(function(X.to("cuda")))
    for a, b in zip(found, expected):
        np.testing.assert_allclose(backend.to_numpy(a._data), np.asarray(b), rtol=1e-6)
    if name != "constant":
        assert len(stand_in) >= len(p.events)
        assert p.peak_bytes >= 1000


def test_numbers_join_on_the_gpu_in_steps(stand_in):
    with rt.profile():
        y = rt.jit(lambda x, i: x[i] + i[0])(X.to("cuda"), rt.asarray([1, 0]))
    assert y.device.kind == "cuda"
    with pytest.raises(ArgumentError, match="different devices"), rt.profile():
        rt.jit(lambda x, y: x + y)(X.to("cuda"), X)
    assert_off()
