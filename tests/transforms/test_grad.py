# ruff: noqa: E501 - tables read better in long lines
"""grad, value_and_grad, vjp: arguments, structures, dtypes, and who is differentiated by what."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, EscapedTracerError, ShapeError


class Pair(NamedTuple):
    a: object
    b: object


@rt.tree.register_dataclass
@dataclasses.dataclass
class Model:
    w: object
    n: int = dataclasses.field(metadata={"static": True})


def test_argnums():
    f = lambda x, y, z: x * y**2 * z**3  # noqa: E731
    args = (2.0, 3.0, 5.0)
    want = [9 * 125.0, 2 * 2 * 3 * 125.0, 2 * 9 * 3 * 25.0]
    for argnums in (0, 1, 2, -1):
        assert float(rt.grad(f, argnums)(*args)) == pytest.approx(want[argnums])
    for argnums in ((0, 2), (2, 0), [1], (-1, 0), ()):
        got = rt.grad(f, argnums)(*args)
        assert type(got) is tuple
        assert [float(g) for g in got] == pytest.approx([want[i] for i in argnums])
    assert float(rt.grad(lambda x, k: x * k)(2.0, k=7.0)) == 7.0


@pytest.mark.parametrize("argnums", [3, -4, "a", None, 0.0, (0, -3)])
def test_wrong_argnums(argnums):
    with pytest.raises(ArgumentError, match="argnums"):
        rt.grad(lambda x, y, z: x, argnums)(1.0, 2.0, 3.0)


def test_trees():
    got = rt.grad(lambda p: p.a * p.b["k"][0] ** 2)(Pair(2.0, {"k": [3.0]}))
    assert type(got) is Pair
    assert (float(got.a), float(got.b["k"][0])) == (9.0, 12.0)
    got = rt.grad(lambda m: rt.sum(m.w) * m.n)(Model(rt.ones(2), 3))
    assert got.n == 3
    assert got.w.tolist() == [3.0, 3.0]
    assert rt.grad(lambda t: 1.0)(None) is None


@pytest.mark.parametrize("transform", [lambda f: f, rt.jit])
def test_integer_leaves_get_zeros_of_their_dtype(transform):
    got = transform(rt.grad(lambda d: rt.sum(d["w"]) * d["n"]))({"w": rt.ones(2), "n": 3})
    assert got["w"].tolist() == [3.0, 3.0]
    assert got["n"].dtype is rt.int64
    assert int(got["n"]) == 0
    assert rt.grad(lambda n: rt.sum(n * 1.5), allow_int=True)(rt.arange(2)).tolist() == [0, 0]
    with pytest.raises(DTypeError, match="allow_int"):
        rt.grad(lambda n: rt.sum(n * 1.5))(rt.arange(2))


def test_constants_unused_and_repeated_arguments():
    assert float(rt.grad(lambda x: 3.0)(2.0)) == 0.0
    assert [float(g) for g in rt.grad(lambda x, y: x, (0, 1))(2.0, 3.0)] == [1.0, 0.0]
    x = rt.asarray(3.0)
    assert [float(g) for g in rt.grad(lambda x, y: x * y, (0, 1))(x, x)] == [3.0, 3.0]
    assert float(rt.grad(lambda x: x)(2.0)) == 1.0
    _, pull = rt.vjp(lambda x: (x, x, {"a": x}), 2.0)
    assert float(pull((1.0, 2.0, {"a": 4.0}))[0]) == 7.0


def test_aux_holds_values_not_tracers():
    f = lambda x: (x * x, {"a": x * 2, "s": "text", "n": None})  # noqa: E731
    g, aux = rt.grad(f, has_aux=True)(2.0)
    assert type(aux["a"]) is not type(None)
    assert (float(g), float(aux["a"]), aux["s"], aux["n"]) == (4.0, 4.0, "text", None)
    (value, aux), g = rt.value_and_grad(f, has_aux=True)(2.0)
    assert (float(value), float(aux["a"]), float(g)) == (4.0, 4.0, 4.0)
    assert float(rt.vjp(f, 2.0, has_aux=True)[2]["a"]) == 4.0
    assert float(rt.jvp(f, (2.0,), (1.0,), has_aux=True)[2]["a"]) == 4.0
    for call in (lambda: rt.grad(lambda x: x, has_aux=True)(1.0),
                 lambda: rt.vjp(lambda x: x, 1.0, has_aux=True),
                 lambda: rt.jvp(lambda x: x, (1.0,), (1.0,), has_aux=True)):  # fmt: skip
        with pytest.raises(ArgumentError, match="pair"):
            call()


@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16, rt.float32, rt.float64])
def test_dtypes_are_kept(dtype):
    for f in (
        rt.grad(lambda x: rt.sum(x * x * 2.0)),
        rt.jit(rt.grad(lambda x: rt.sum(x * x * 2.0))),
    ):
        g = f(rt.ones(2, dtype=dtype))
        assert g.dtype is dtype
        assert g.astype(rt.float32).tolist() == [4.0, 4.0]


def test_complex():
    assert complex(rt.grad(lambda z: z**3, holomorphic=True)(1 + 2j)) == pytest.approx(
        3 * (1 + 2j) ** 2
    )
    assert complex(rt.grad(lambda z: rt.abs(z) ** 2)(1 + 2j)) == pytest.approx(2 - 4j)
    with pytest.raises(DTypeError, match="holomorphic"):
        rt.grad(lambda z: z)(1j)
    with pytest.raises(DTypeError, match="holomorphic"):
        rt.grad(lambda z: z, holomorphic=True)(1.0)


def test_outputs_that_are_no_scalar():
    with pytest.raises(ShapeError, match="scalar"):
        rt.grad(lambda x: x)(rt.ones(2))
    for out in (None, "text", (1.0, 2.0)):
        with pytest.raises(ArgumentError):
            rt.grad(lambda x, out=out: out)(1.0)
    with pytest.raises(DTypeError):
        rt.grad(lambda x: rt.argmax(x))(rt.ones(3))


CONFUSION = {
    "grad grad": (lambda x: x * rt.grad(lambda y: x + y)(2.0), 3.0, 1.0),
    "grad jvp": (lambda x: x * rt.jvp(lambda y: x * y, (2.0,), (1.0,))[1], 3.0, 6.0),
    "grad vjp": (lambda x: x * rt.vjp(lambda y: x * y, 2.0)[1](1.0)[0], 3.0, 6.0),
    "grad jit grad": (lambda x: x * rt.jit(rt.grad(lambda y: x * y))(2.0), 3.0, 6.0),
    "grad linearize": (lambda x: x * rt.linearize(lambda y: x * y, 2.0)[1](1.0), 3.0, 6.0),
    "same name": (lambda x: rt.grad(lambda x: rt.grad(lambda x: x**3)(x) * x)(x), 2.0, 36.0),
    "product": (lambda x: rt.grad(lambda y: y * x)(x) * x, 5.0, 10.0),
    "vmap grad": (
        lambda x: rt.sum(rt.vmap(lambda y: rt.grad(lambda z: x * y * z)(1.0))(rt.arange(3.0))), 2.0, 3.0
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFUSION)
@pytest.mark.parametrize("order", ["grad", "jit grad", "grad jit", "jvp", "vmap grad"])
def test_no_perturbation_confusion(name, order):
    f, x, want = CONFUSION[name]
    got = {
        "grad": lambda: rt.grad(f)(x),
        "jit grad": lambda: rt.jit(rt.grad(f))(x),
        "grad jit": lambda: rt.grad(rt.jit(f))(x),
        "jvp": lambda: rt.jvp(f, (x,), (1.0,))[1],
        "vmap grad": lambda: rt.vmap(rt.grad(f))(rt.full((2,), x))[1],
    }[order]()
    assert float(got) == pytest.approx(want)


@pytest.mark.parametrize(
    "transform",
    [rt.grad, rt.jit, lambda f: lambda x: rt.jvp(f, (x,), (x,)),
     lambda f: lambda x: rt.vmap(f)(rt.ones(2)), lambda f: lambda x: rt.vjp(f, x)],
)  # fmt: skip
@pytest.mark.parametrize(
    "use",
    [lambda t: t + 1, lambda t: rt.ones(2) * t, bool, np.asarray, lambda t: rt.grad(lambda y: y * t)(1.0),
     lambda t: rt.jit(lambda y: y * t)(1.0), lambda t: rt.vmap(lambda y: y * t)(rt.ones(2)),
     lambda t: rt.sum(t), lambda t: t[None]],
)  # fmt: skip
def test_escaped_tracers_say_so(transform, use):
    kept = []
    transform(lambda x: (kept.append(x), x * x)[1])(2.0)
    with pytest.raises(EscapedTracerError, match="has ended"):
        use(kept[0])


def test_vjp_refuses_cotangents_that_do_not_fit():
    _, pull = rt.vjp(lambda x: {"a": x}, rt.ones(3))
    with pytest.raises(rt.errors.TreeError):
        pull({"b": rt.ones(3)})
    with pytest.raises(ShapeError, match=r"\['a'\]"):
        pull({"a": rt.ones(2)})
    with pytest.raises(DTypeError):
        pull({"a": rt.ones(3, dtype=rt.float64)})
    with pytest.raises(ArgumentError):
        pull({"a": "text"})
