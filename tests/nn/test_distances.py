"""normalize and cdist as PyTorch has them."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, nn

CASES: list[tuple[str, tuple[tuple[int, ...], ...], dict[str, Any]]] = [
    ("normalize", ((3, 4),), {}),
    ("normalize", ((3, 4, 2),), {"axis": 1, "p": 1.0}),
    ("normalize", ((3, 4),), {"p": 3.0, "axis": 0, "eps": 1.5}),
    ("cdist", ((5, 4), (3, 4)), {}),
    ("cdist", ((2, 5, 4), (2, 3, 4)), {"p": 1.0}),
    ("cdist", ((2, 5, 4), (3, 4)), {"p": 3.5}),
    ("cdist", ((30, 4), (30, 4)), {"p": 2.0}),
    ("cdist", ((5, 4), (3, 4)), {"p": float("inf")}),
]


@pytest.mark.parametrize(("name", "shapes", "options"), CASES, ids=str)
def test_it_is_that_of_torch(
    name: str, shapes: Any, options: Any, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    theirs = {"dim" if key == "axis" else key: value for key, value in options.items()}
    if name == "normalize":
        theirs.setdefault("dim", -1)
    operands = [rng.normal(size=shape) for shape in shapes]
    for dtype, tol in ((np.float64, 1e-10), (np.float32, 1e-5)):
        xs = [x.astype(dtype) for x in operands]
        ts = [torch.tensor(x, requires_grad=True) for x in xs]
        function = getattr(torch if name == "cdist" else torch.nn.functional, name)
        expected = function(*ts, **theirs)
        y, back = rt.vjp(lambda *xs: getattr(nn, name)(*xs, **options), *map(rt.asarray, xs))
        assert y.dtype == dtype
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tol, atol=10 * tol)
        ct = rng.normal(size=y.shape).astype(dtype)
        bars = torch.autograd.grad(expected, ts, torch.tensor(ct))
        for bar, e in zip(back(rt.asarray(ct)), bars, strict=True):
            np.testing.assert_allclose(bar, e.numpy(), rtol=10 * tol, atol=10 * tol)


@pytest.mark.parametrize(("name", "shapes", "options"), CASES[::3], ids=str)
def test_transformed(name: str, shapes: Any, options: Any, rng: np.random.Generator) -> None:
    xs = [rt.asarray(rng.normal(size=(2, *shape))) for shape in shapes]

    def f(*xs: Any) -> Any:
        return getattr(nn, name)(*xs, **options)

    first = [x[0] for x in xs]
    rt.check_grads(f, tuple(first))
    np.testing.assert_allclose(rt.jit(f)(*first), f(*first), rtol=1e-12)
    lanes = rt.vmap(f)(*xs)
    np.testing.assert_allclose(lanes[1], f(*[x[1] for x in xs]), rtol=1e-12)


def test_at_zero_derivatives_are_zero() -> None:
    x = rt.zeros((2, 3))
    for f in (nn.normalize, lambda x: nn.cdist(x, x)):
        grad = rt.grad(lambda x, f=f: rt.sum(f(x)))(x)
        assert bool(rt.all(rt.isfinite(grad)))
    assert nn.cdist(rt.asarray([[1, 2]]), rt.asarray([[4, 6]])).tolist() == [[5.0]]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.cdist(rt.ones((2, 3)), rt.ones((2, 4))), errors.ShapeError, r"\[cdist\]"),
        (lambda: nn.cdist(rt.ones((2, 3)), rt.ones((2, 3)), -1.0), errors.ArgumentError, "p:"),
        (lambda: nn.normalize(rt.ones(3), axis=1), errors.AxisError, r"\[normalize\] axis"),
        (lambda: nn.normalize(rt.asarray(1j)), errors.DTypeError, r"\[normalize\] x"),
    ],
)
def test_errors(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
