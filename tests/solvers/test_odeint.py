"""`odeint`: solutions, what it reports, and its derivatives in both modes."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, TreeError
from rtorch.solvers import odeint

F64 = rt.float64
Y0 = rt.asarray([2.0, 1.0], dtype=F64)
T = rt.asarray([0.0, 0.5, 1.3, 2.0], dtype=F64)
P = rt.asarray([1.0, 0.5, 0.8, 0.3], dtype=F64)
WEIGHTS = rt.asarray([[1.0, 2.0], [0.5, -1.0], [2.0, 1.0], [1.0, 3.0]], dtype=F64)


def lotka_volterra(y: rt.Array, t: rt.Array, p: rt.Array) -> rt.Array:
    x, z = y[0], y[1]
    return rt.stack([p[0] * x - p[1] * x * z, -p[2] * z + p[3] * x * z]) + 0.1 * rt.sin(t)


def loss(y0: rt.Array, t: rt.Array, p: rt.Array) -> rt.Array:
    return rt.sum(odeint(lotka_volterra, y0, t, p, rtol=1e-11, atol=1e-11) * WEIGHTS)


def decay(y: rt.Array, t: rt.Array, rate: Any) -> rt.Array:
    return -rate * y


@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit], ids=["eager", "jit"])
def test_as_in_scipy(wrap: Any) -> None:
    integrate = pytest.importorskip("scipy.integrate")
    f = lambda t, y: np.asarray(lotka_volterra(rt.asarray(y), rt.asarray(t), P))  # noqa: E731
    wanted = integrate.solve_ivp(f, (0, 2), np.asarray(Y0), t_eval=np.asarray(T), rtol=1e-10,
                                 atol=1e-10).y.T  # fmt: skip
    ys = wrap(lambda y, t, p: odeint(lotka_volterra, y, t, p))(Y0, T, P)
    np.testing.assert_allclose(ys, wanted, rtol=1e-6)


def test_as_in_jax() -> None:
    jax = pytest.importorskip("jax")
    from jax.experimental import ode

    f = lambda y, t, r: -r * y + jax.numpy.sin(t)  # noqa: E731
    t = np.linspace(0, 3, 5, dtype="float32")
    theirs = ode.odeint(f, np.float32(1.0), t, np.float32(0.7), rtol=1e-6, atol=1e-6)
    ours = odeint(lambda y, t, r: -r * y + rt.sin(t), 1.0, t, 0.7)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_the_error_is_what_the_tolerance_allows(dtype: str) -> None:
    t = np.linspace(0, 4, 9)
    rate = 1.0 + (2.0j if dtype.startswith("complex") else 0.0)
    y0 = np.ones(3, dtype)
    ys, info = odeint(decay, y0, t, rate, full_output=True)
    assert ys.dtype == dtype
    assert bool(info.success)
    error = np.abs(np.asarray(ys) - np.exp(-rate * t)[:, None]).max()
    assert error < (1e-5 if dtype == "float32" else 1e-6)
    _, loose = odeint(decay, y0, t, rate, rtol=1e-3, atol=1e-3, full_output=True)
    assert int(loose.steps) < int(info.steps)
    _, small = odeint(decay, y0, t, rate, hmax=0.05, full_output=True)
    assert int(small.steps) >= 80


def test_pytrees_and_times_that_go_back() -> None:
    def f(y: Any, t: Any, k: Any) -> Any:
        return {"x": y["v"], "v": -k["k"] * y["x"]}

    y0 = {"x": rt.asarray(1.0, dtype=F64), "v": rt.zeros((), dtype=F64)}
    t = np.asarray([1.0, 0.4, -1.0])
    ys = odeint(f, y0, t, {"k": 4.0})
    np.testing.assert_allclose(ys["x"], np.cos(2 * (t - 1)), atol=1e-6)
    np.testing.assert_allclose(ys["v"], -2 * np.sin(2 * (t - 1)), atol=1e-6)
    np.testing.assert_array_equal(odeint(decay, 3.0, [0.5], 1.0), [3.0])


def test_failures_are_reported() -> None:
    solve = lambda y: odeint(lambda y, t: y * y, y, [0.0, 0.5, 2.0], full_output=True)  # noqa: E731
    with pytest.warns(RuntimeWarning, match="did not reach"):
        ys, info = solve(1.0)  # infinite at t = 1
    assert not bool(info.success)
    assert np.isnan(np.asarray(ys)).tolist() == [False, False, True]
    ys, info = rt.jit(rt.vmap(solve))(rt.asarray([1.0, -1.0]))
    assert info.success.tolist() == [False, True]
    assert bool(rt.all(rt.isfinite(ys[1])))
    with pytest.warns(RuntimeWarning, match="did not reach"):
        _, info = odeint(decay, 1.0, [0.0, 10.0], 1.0, mxstep=3, full_output=True)
    assert (bool(info.success), int(info.steps)) == (False, 3)


def test_derivatives_agree_with_differences() -> None:
    rt.check_grads(loss, (Y0, T, P), order=1, modes=("fwd",))  # reverse mode: the next test


def test_both_modes_agree_in_all_nestings() -> None:
    args, where = (Y0, T, P), (0, 1, 2)
    wanted = rt.jacfwd(loss, where)(*args)
    for apply in (
        rt.grad(loss, where),
        rt.jit(rt.grad(loss, where)),
        rt.grad(rt.jit(loss), where),
        rt.jit(rt.jacfwd(loss, where)),
    ):
        rt.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-8),
            apply(*args),
            wanted,
        )
    starts = rt.stack([Y0, 1.5 * Y0])
    batched = rt.vmap(rt.grad(loss, 2), (0, None, None))(starts, T, P)
    compiled = rt.jit(rt.vmap(rt.grad(loss, 2), (0, None, None)))(starts, T, P)
    for i, y in enumerate(starts):
        np.testing.assert_allclose(batched[i], rt.grad(loss, 2)(y, T, P), rtol=1e-7)
        np.testing.assert_allclose(compiled[i], batched[i], rtol=1e-7)


@pytest.mark.parametrize(
    "second",
    [rt.hessian, lambda f: rt.jacrev(rt.grad(f)), lambda f: rt.jacfwd(rt.jacfwd(f)),
     lambda f: rt.jit(rt.hessian(f))],
    ids=["forward over reverse", "reverse twice", "forward twice", "jit"],
)  # fmt: skip
def test_second_derivatives(second: Any) -> None:
    end = lambda p: odeint(decay, p[0], rt.asarray([0.0, 1.5], dtype=F64), p[1])[-1]  # noqa: E731
    p = rt.asarray([2.0, 0.7], dtype=F64)
    decayed = np.exp(-1.5 * 0.7)
    wanted = decayed * np.asarray([[0.0, -1.5], [-1.5, 2 * 1.5**2]])
    np.testing.assert_allclose(second(end)(p), wanted, atol=1e-5)


def test_closures_and_integers() -> None:
    def end(rate: Any) -> rt.Array:
        f = lambda y, t, n: -rate * y * n  # noqa: E731
        return odeint(f, rt.asarray(1.0, dtype=F64), [0.0, 1.0], rt.asarray(2))[-1]

    rate = rt.asarray(0.5, dtype=F64)
    for apply in (rt.grad, rt.jacfwd, lambda f: rt.jit(rt.grad(f)), lambda f: rt.grad(rt.jit(f))):
        assert float(apply(end)(rate)) == pytest.approx(-2 * np.exp(-1.0), rel=1e-5)


def test_errors() -> None:
    with pytest.raises(ShapeError, match="t must have shape"):
        odeint(decay, 1.0, 2.0, 1.0)
    with pytest.raises(DTypeError, match="y0 must be floating"):
        odeint(decay, 1, [0.0, 1.0], 1.0)
    with pytest.raises(ShapeError, match="func gives 2 numbers for a y of 3"):
        odeint(lambda y, t: y[:2], rt.ones(3), [0.0, 1.0])
    with pytest.raises(DTypeError, match="convert y0"):
        odeint(lambda y, t: y.astype(F64), rt.ones(3), [0.0, 1.0])
    with pytest.raises(TreeError):
        odeint(lambda y, t: (y, y), rt.ones(3), [0.0, 1.0])
    with pytest.raises(ArgumentError, match="mxstep"):
        odeint(decay, 1.0, [0.0, 1.0], 1.0, mxstep=0)
