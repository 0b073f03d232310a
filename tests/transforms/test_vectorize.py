"""vectorize against NumPy's."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape)


@pytest.mark.parametrize(
    "shapes",
    [((3,), (3,)), ((2, 1, 4), (3, 1)), ((), (2,)), ((), ()), ((1,), ()), ((2, 1), (1, 1))],
)
def test_scalars(shapes: tuple[tuple[int, ...], ...]) -> None:
    def f(a, b):
        assert a.ndim == b.ndim == 0
        return a * b + a

    args = [draw(*s) for s in shapes]
    rt.testing.assert_close(rt.vectorize(f)(*args), np.vectorize(lambda a, b: a * b + a)(*args))


@pytest.mark.parametrize(
    "shapes", [((2, 3), (3,)), ((5, 2, 3), (3,)), ((2, 3), (4, 3)), ((5, 1, 2, 3), (4, 3))]
)
def test_signature(shapes: tuple[tuple[int, ...], ...]) -> None:
    signature = "(m,n),(n)->(m)"
    args = [draw(*s) for s in shapes]
    want = np.vectorize(lambda a, x: a @ x, signature=signature)(*args)
    f = rt.vectorize(lambda a, x: a @ x, signature=signature)
    rt.testing.assert_close(f(*args), want)
    rt.testing.assert_close(rt.jit(f)(*args), want)
    rt.testing.check_grads(f, tuple(map(rt.asarray, args)))


def test_several_results_and_no_arguments_axes() -> None:
    f = rt.vectorize(lambda x: (x.sum(), x * 2), signature="(n)->(),(n)")
    x = draw(2, 1, 3)
    total, double = f(x)
    rt.testing.assert_close((total, double), (x.sum(-1), x * 2))


def test_excluded_and_keywords() -> None:
    f = rt.vectorize(lambda x, p, scale=1.0: rt.polyval(p, x) * scale, excluded={1, "scale"})
    x = draw(2, 3)
    rt.testing.assert_close(f(x, np.arange(3.0), scale=2.0), 2 * np.polyval(np.arange(3.0), x))
    g = rt.vectorize(lambda x, y: x + y)
    rt.testing.assert_close(g(x, y=x[0]), x + x[0])


def test_name_and_docstring_stay() -> None:
    def f(x):
        """Twice."""
        return 2 * x

    assert (rt.vectorize(f).__name__, rt.vectorize(f).__doc__) == ("f", "Twice.")


def test_mistakes() -> None:
    with pytest.raises(ArgumentError, match="signature"):
        rt.vectorize(lambda x: x, signature="n->n")
    with pytest.raises(ArgumentError, match="expected a function"):
        rt.vectorize(3)
    f = rt.vectorize(lambda x, y: x, signature="(n),(n)->(n)")
    with pytest.raises(ShapeError, match="axis n has lengths 3 and 2"):
        f(draw(3), draw(2))
    with pytest.raises(ArgumentError, match="2 arguments, 1 came"):
        f(draw(3))
    with pytest.raises(ShapeError, match="fewer axes"):
        f(1.0, draw(3))
    with pytest.raises(ArgumentError, match="by keyword"):
        f(draw(3), y=draw(3))
    with pytest.raises(ShapeError, match="a result of shape"):
        rt.vectorize(lambda x: x, signature="(n)->()")(draw(3))
    with pytest.raises(ShapeError, match="expected 2 results"):
        rt.vectorize(lambda x: x, signature="(n)->(),()")(draw(3))
