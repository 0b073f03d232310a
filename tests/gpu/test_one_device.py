"""Numbers and indices join arrays on a GPU; other arrays on the CPU do not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.core import backend
from tests.gpu.cupy_stand_in import CuPy


@pytest.fixture(autouse=True)
def _cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    module = CuPy()
    monkeypatch.setattr(backend, "cupy", lambda: module)


CASES: dict[str, Callable[[Any], Any]] = {
    "scalar": lambda x: x + 1.5,
    "numpy scalar": lambda x: x * np.float32(2),
    "array without axes": lambda x: x - rt.asarray(2.0),
    "where": lambda x: rt.where(x > 2, x, 0.0),
    "where, scalars": lambda x: rt.where(x > 2, 1.0, rt.asarray(0.0)),
    "maximum": lambda x: rt.maximum(x, 0.5),
    "list": lambda x: x[[0, 1]],
    "list and slice": lambda x: x[:, [2, 0]],
    "numpy index": lambda x: x[np.array([1, 0]), np.array([0, 2])],
    "index": lambda x: x[rt.asarray([1, 0])],
    "take": lambda x: rt.take(x, [1, 0], axis=1),
    "set": lambda x: x.at[0].set(5.0),
    "set element": lambda x: x.at[0, 1].set(5.0),
    "set slice": lambda x: x.at[:, 1:].set(5.0),
    "set list": lambda x: x.at[[0, 0]].set(5.0),
    "add list": lambda x: x.at[[0, 0]].add(1.0),
    "multiply list": lambda x: x.at[[0, 0]].multiply(3.0),
    "set like x": lambda x: x.at[[1, 0]].set(x),
    "dynamic_slice": lambda x: rt.dynamic_slice(x, (0, 1), (1, 2)),
    "grad of list": rt.grad(lambda x: rt.sum(x[[0, 0]] ** 2)),
    "grad of set": rt.grad(lambda x: rt.sum(x.at[[0]].set(5.0) ** 2)),
    "grad of multiply": rt.grad(lambda x: rt.sum(x.at[[0]].multiply(3.0) ** 2)),
    "grad of power": rt.grad(lambda x: rt.sum(x**0.75)),
    "grad of a float's power": rt.grad(lambda x: rt.sum(x**2.0)),
    "grad of exponent": rt.grad(lambda x: rt.sum(2.0**x)),
    "grad of grad of power": rt.grad(lambda x: rt.sum(rt.grad(lambda x: rt.sum(x**2.5))(x) ** 2)),
    "grad of atan2": rt.grad(lambda x: rt.sum(rt.atan2(x, 2.0) * rt.atan2(0.5, x))),
    "grad of values that are set": rt.grad(
        lambda v: rt.sum((v * 0).at[[0, 0, 1], [1, 1, 2]].set(v[0]) ** 2)
    ),
    "grad of where": rt.grad(lambda x: rt.sum(rt.where(x > 2, x * x, 0.0))),
    "grad of what is not used": rt.grad(lambda x: rt.sum(rt.zeros(2))),
    "tangent of what is constant": lambda x: rt.jvp(rt.stop_gradient, (x,), (x,))[1],
    "vmap of list": rt.vmap(lambda row: row[[0, 2]]),
    "vmap of set": rt.vmap(lambda row: row.at[0].set(1.0)),
    "jit of list": rt.jit(lambda x: x[[0, 1]] + 1),
    "jit with arange": rt.jit(lambda x: x + rt.arange(40_000.0)[:3]),
    "vmap of dynamic_slice": rt.vmap(
        lambda row: rt.dynamic_slice(row, ((row[0] > 2).astype(int),), (2,))
    ),
    "jit of set": rt.jit(lambda x: x.at[0].set(5.0)),
}


def total(loop: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: rt.sum(rt.stack([rt.sum(y) for y in rt.tree.leaves(loop(x))]))


LOOPS = {
    "scan": lambda x: rt.scan(lambda c, row: (c * row, c + 1.0), 1.0 + 0 * x[0], x),
    "scan of nothing": lambda x: rt.scan(lambda c, row: (c * row, c), x[0], x[:0]),
    "while_loop": lambda x: rt.while_loop(lambda c: rt.sum(c) < 99, lambda c: c * 2 + x, x),
    "bounded": lambda x: rt.while_loop(lambda c: c[0] < 9, lambda c: c * 2, x[:, 0], max_steps=5),
    "cond": lambda x: rt.cond(x[0, 0] > 0, rt.exp, lambda x: x, x),
    "lanes": lambda x: rt.vmap(lambda y: rt.cond(y > 2, lambda y: y * 3, rt.exp, y))(x[0]),
    "fori_loop": lambda x: rt.fori_loop(0, 3, lambda i, c: c * i + x, x),
}
for loop_name, loop in LOOPS.items():
    CASES[f"{loop_name}, eager"] = total(loop)
    CASES[f"{loop_name}, jit"] = rt.jit(total(loop))
    CASES[f"{loop_name}, grad"] = rt.grad(total(loop))
    CASES[f"{loop_name}, jit of grad"] = rt.jit(rt.grad(total(loop)))


@pytest.mark.parametrize("name", CASES)
def test_numbers_and_indices_move(name: str) -> None:
    x = rt.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    expected = CASES[name](x)
    actual = CASES[name](x.to("cuda"))
    assert actual.device == rt.Device("cuda", 0)
    assert actual.dtype is expected.dtype
    assert actual.tolist() == expected.tolist()


ROWS = [1, 0]  # on the CPU
INDEXED: dict[str, Callable[[Any, Any], Any]] = {
    "element": lambda x, i: x[i],
    "negative": lambda x, i: rt.take(x, i - 2, axis=1),
    "set": lambda x, i: x.at[i].set(0.0),
    "add": lambda x, i: x.at[:, i].add(1.0),
    "slice": lambda x, i: rt.dynamic_slice(x, (i[0], i[1]), (1, 2)),
    "grad": rt.grad(lambda x, i: rt.sum(x[i] ** 2)),
    "grad of jit": rt.grad(rt.jit(lambda x, i: rt.sum(x[i] ** 2))),
    "sum": lambda x, i: x[i] + rt.sum(i),
    "vmap": rt.vmap(lambda row, i: row[i]),
}


@pytest.mark.parametrize("name", INDEXED)
def test_indices_move_as_arguments_of_jit(name: str) -> None:
    x, i = rt.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), rt.asarray(ROWS)
    expected = INDEXED[name](x, i)
    for function in (INDEXED[name], rt.jit(INDEXED[name])):
        actual = function(x.to("cuda"), i)
        assert actual.device == rt.Device("cuda", 0)
        assert actual.tolist() == expected.tolist()


@pytest.mark.parametrize("function", [lambda x, i: x + i, lambda x, i: (x, 2.0 * i)])
def test_other_arguments_of_jit_do_not_move(function: Any) -> None:
    with pytest.raises(rt.errors.ArgumentError, match="different devices"):
        rt.jit(function)(rt.ones((2, 2)).to("cuda"), rt.asarray(ROWS))


def test_what_is_looked_at_may_be_on_several_devices(capsys: pytest.CaptureFixture[str]) -> None:
    x = rt.asarray([1.0, 2.0])
    rt.debug.print("{} {}", x.to("cuda"), x)
    assert capsys.readouterr().out == "[1. 2.] [1. 2.]\n"
    found: list[str] = []
    rt.debug.callback(lambda *a: found.extend(y.device.kind for y in a), x.to("cuda"), x)
    assert found == ["cuda", "cpu"]


CREATED: dict[str, Callable[[Any], Any]] = {  # arrays from nothing, beside their argument
    "tril": rt.tril,
    "diag": rt.diag,
    "one_hot": lambda x: rt.one_hot(x.astype(rt.int64), 7),
    "zeros_like": lambda x: x + rt.zeros_like(x),
    "roll": lambda x: rt.roll(x, 1),
    "pad": lambda x: rt.pad(x, 1, mode="edge"),
    "trace": rt.trace,
    "max of some": lambda x: rt.max(x, where=x > 2, initial=0.0),
    "top_k": lambda x: rt.top_k(x, 2)[0],
    "grad of prod": rt.grad(rt.prod),
    "grad of det": rt.grad(lambda x: rt.sum(rt.triu(x) @ x)),
}


@pytest.mark.parametrize("name", CREATED)
def test_what_is_created_joins(name: str) -> None:
    function, x = CREATED[name], rt.asarray([[1.0, 2.0], [3.0, 4.0]])
    several = rt.stack([x, x + 1])
    for transformed, argument in [
        (function, x), (rt.jit(function), x), (rt.vmap(function), several),
        (rt.jit(rt.vmap(function)), several), (rt.vmap(rt.jit(function)), several),
    ]:  # fmt: skip
        actual, expected = transformed(argument.to("cuda")), transformed(argument)
        assert actual.device == rt.Device("cuda", 0)
        assert actual.tolist() == expected.tolist()


def test_other_arrays_do_not() -> None:
    x = rt.ones((2, 3))
    for function in (rt.add, rt.matmul, lambda a, b: rt.where(True, a, b)):
        with pytest.raises(rt.errors.ArgumentError, match="different devices"):
            function(x.to("cuda"), rt.ones((3, 3)) if function is rt.matmul else x + 0)
    with pytest.raises(rt.errors.ArgumentError, match="different devices"):
        x[rt.asarray([0, 1]).to("cuda")]
