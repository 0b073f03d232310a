"""closure_convert: what a function closes over as arguments."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, TreeError
from rtorch.testing import assert_close

X = rt.asarray([0.3, -1.2, 2.0], rt.float64)


def test_nothing_to_convert_where_nothing_is_transformed():
    f = lambda x: x if x > 0 else -x  # noqa: E731
    converted, consts = rt.closure_convert(f, 1.0)
    assert consts == []
    assert converted(-2.0) == 2.0


@pytest.mark.parametrize("run", [lambda g: g, rt.jit])
def test_values_of_outer_transformations_become_arguments(run):
    def g(s, x, count=2):
        t, fixed, n = rt.sin(s), rt.asarray(3.0, rt.float64), 2
        f, consts = rt.closure_convert(lambda p: {"y": p["x"] * t * fixed + s * n}, {"x": x})
        assert len(consts) == count
        # The result is that of its arguments alone: other values for what it closed over.
        return f({"x": x}, *consts)["y"], f({"x": x}, *[0 * c for c in consts])["y"]

    s, x = rt.asarray(0.5, rt.float64), X[1]
    count = 2 if run is rt.jit else 0  # in eager use nothing is unknown of what vmap shares
    for i, expected in ((0, 3 * x * rt.cos(s) + 2), (1, 0.0)):
        assert_close(run(rt.grad(lambda s, x: g(s, x)[i]))(s, x), expected, check_dtype=False)  # noqa: B023
        assert_close(run(rt.jacfwd(lambda s, x: g(s, x)[i]))(s, x), expected, check_dtype=False)  # noqa: B023
    assert_close(
        run(rt.vmap(lambda s, x: g(s, x, count), (None, 0)))(s, X)[0], 3 * X * rt.sin(s) + 2 * s
    )
    assert_close(run(rt.vmap(g, (0, None)))(X, x)[0], 3 * x * rt.sin(X) + 2 * X)


def test_it_can_be_called_where_the_values_are_gone():
    kept = []

    def g(s):
        f, consts = rt.closure_convert(lambda x: x * s, X)
        kept.append(f)
        return rt.sum(f(X, *consts))

    rt.grad(g)(2.0)
    assert_close(kept[0](X, rt.asarray(5.0)), 5 * X)
    assert_close(rt.vmap(kept[0])(rt.stack([X, X]), rt.ones(2)), rt.stack([X, X]))


def test_arguments_that_do_not_fit():
    def g(s, *args):
        f, _ = rt.closure_convert(lambda p: p["x"] * s, {"x": X})
        return rt.sum(f(*args))

    good = {"x": X}
    for args, error, match in (
        ((good,), ArgumentError, "1 arguments and 1 values"),
        ((X, 1.0), TreeError, "example_args"),
        (({"x": X[:2]}, 1.0), ShapeError, r"f64\[3\]"),
        (({"x": X.astype(rt.float32)}, 1.0), DTypeError, r"f64\[3\]"),
        (({"x": "a"}, 1.0), ArgumentError, r"args\[0\]\['x'\]"),
    ):
        with pytest.raises(error, match=match):
            rt.grad(lambda s, args=args: g(s, *args))(2.0)
    with pytest.raises(ArgumentError, match="expected a function"):
        rt.closure_convert(3)


def test_as_jax():
    jax = pytest.importorskip("jax")
    results = []
    for np_, lib in ((rt, rt), (jax.numpy, jax)):

        def g(s, x, np_=np_, lib=lib):
            f, consts = lib.closure_convert(lambda x: np_.sin(x) * s, x)
            return f(x, *consts) * len(consts)

        x, s = np_.asarray([0.1, 0.2], dtype="float32"), np_.asarray(2.0, dtype="float32")
        results.append([
            lib.jacfwd(g, (0, 1))(s, x), lib.jacrev(g, (0, 1))(s, x), lib.jit(lib.jacrev(g))(s, x),
        ])  # fmt: skip
    for ours, theirs in zip(*results, strict=True):
        for a, b in zip(rt.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5)
