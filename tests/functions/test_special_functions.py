"""Special functions: limits, accuracy, what has no derivative, SciPy's ufuncs, and no SciPy."""

import math
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    DTypeError,
    MissingDependencyError,
    MissingRuleError,
    ShapeError,
)
from rtorch.ops import library

scipy = pytest.importorskip("scipy.special")
inf, nan = math.inf, math.nan


def wide(*values: float) -> Any:
    return rt.asarray(values if len(values) > 1 else values[0], rt.float64)


def derivatives(f: Any, x: float, order: int) -> list[float]:
    """All derivatives at `x` up to `order`."""
    found = []
    for _ in range(order + 1):
        found.append(float(f(wide(x))))
        f = rt.grad(f)
    return found


# ---- removable singularities ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("spence", 1.0, [0, -1, 1 / 2, -2 / 3, 3 / 2]),
        ("exprel", 0.0, [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]),
        ("i0", 0.0, [1, 0, 1 / 2, 0, 3 / 8]),
        ("i1", 0.0, [0, 1 / 2, 0, 3 / 8]),
        ("j0", 0.0, [1, 0, -1 / 2, 0, 3 / 8]),
        ("dawsn", 0.0, [0, 1, 0, -4]),
        ("logit", 0.5, [0, 4, 0, 32]),
    ],
)
def test_derivatives_at_removable_singularities(name: str, at: float, expected: Any) -> None:
    found = derivatives(getattr(rt.special, name), at, len(expected) - 1)
    assert found == pytest.approx(expected, rel=1e-13, abs=1e-14)


def test_sine_integral_at_zero() -> None:
    found = derivatives(lambda x: rt.special.sici(x)[0], 0.0, 5)
    assert found == pytest.approx([0, 1, 0, -1 / 3, 0, 1 / 5])


@pytest.mark.parametrize("x", [0.4999999, 0.5000001, 0.9000001, 0.8999999, 1.1, 3.0])
@pytest.mark.parametrize("name", ["spence", "exprel", "sici"])
def test_series_and_formula_meet(name: str, x: float) -> None:
    def f(x: Any) -> Any:
        y = getattr(rt.special, name)(x)
        return y[0] if name == "sici" else y

    rt.testing.check_grads(f, (wide(x),), order=2)
    rt.testing.assert_close(f(wide(x)), np.asarray(f(rt.asarray(x))), 1e-6, check_dtype=False)


def test_boxcox_where_the_exponent_or_the_number_is_zero() -> None:
    by_exponent = rt.grad(rt.special.boxcox, 1)
    assert float(by_exponent(wide(2.0), wide(0.0))) == pytest.approx(math.log(2) ** 2 / 2)
    assert float(rt.grad(by_exponent, 1)(wide(2.0), wide(0.0))) == pytest.approx(
        math.log(2) ** 3 / 3
    )
    assert float(rt.special.boxcox(wide(0.0), wide(2.0))) == -0.5
    x = np.linspace(0.1, 5, 20)
    rt.testing.assert_close(rt.special.boxcox(x, 1e-9), scipy.boxcox(x, 1e-9), 1e-14)


# ---- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "value", "slopes"),
    [
        ("xlogy", (0.0, 0.0), 0.0, [-inf, 0.0]),
        ("xlogy", (0.0, 2.0), 0.0, [math.log(2), 0.0]),
        ("xlogy", (0.0, nan), nan, None),
        ("xlog1py", (0.0, -1.0), 0.0, [-inf, 0.0]),
        ("entr", (0.0,), 0.0, [inf]),
        ("entr", (-1.0,), -inf, [0.0]),
        ("rel_entr", (0.0, 0.0), 0.0, [0.0, 0.0]),
        ("rel_entr", (1.0, 0.0), inf, [0.0, 0.0]),
        ("kl_div", (0.0, 0.5), 0.5, [-1.0, 1.0]),
        ("logit", (0.0,), -inf, [inf]),
        ("ndtri", (0.0,), -inf, [inf]),
        ("log_ndtr", (-inf,), -inf, None),
        ("log_ndtr", (40.0,), 0.0, [0.0]),
        ("factorial", (0.0,), 1.0, [-0.5772156649015329]),
        ("factorial", (-1.0,), 0.0, [0.0]),
        ("gamma", (0.0,), inf, None),
        ("gamma", (-0.0,), -inf, None),
        ("gamma", (-1.5,), 2.3632718012073544, [1.6617502606685972]),
        ("i0e", (0.0,), 1.0, [0.0]),
        ("gammainc", (1.5, 0.0), 0.0, None),
        ("comb", (5.0, 7.0), 0.0, None),
        ("comb", (5.0, -1.0), 0.0, None),
        ("expn", (0.0, 0.5), 1.2130613194, None),
    ],
)
def test_limits(name: str, args: Any, value: float, slopes: Any) -> None:
    f = getattr(rt.special, name)
    arrays = [wide(a) for a in args]
    assert float(f(*arrays)) == pytest.approx(value, rel=1e-9, nan_ok=True)
    if slopes is not None:
        found = rt.grad(f, tuple(range(len(args))))(*arrays)
        assert [float(s) for s in found] == pytest.approx(slopes, rel=1e-9)


def test_gammasgn_is_that_of_scipy() -> None:
    x = np.array([0.0, -0.0, 2.0, 0.5, -0.5, -1.0, -1.5, -2.5, -7.2, inf, nan])
    rt.testing.assert_close(rt.special.gammasgn(x), scipy.gammasgn(x))


def test_spherical_harmonics_at_a_pole() -> None:
    def f(theta: Any) -> Any:
        return rt.real(rt.special.sph_harm_y(2, 1, theta, wide(0.3)))

    assert float(rt.grad(f)(wide(0.0))) == pytest.approx(
        -math.sqrt(15 / (8 * math.pi)) * math.cos(0.3)
    )


# ---- accuracy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tails_keep_their_digits(dtype: Any) -> None:
    rtol = 64 * float(np.finfo(dtype).eps)
    tail = np.array([-37.0, -12.5, -5.0, -1.0, 0.3, 4.0], dtype)
    got = np.asarray(rt.special.log_ndtr(tail))
    np.testing.assert_allclose(got, scipy.log_ndtr(tail.astype(np.float64)), rtol)
    slope = rt.vmap(rt.grad(rt.special.log_ndtr))(rt.asarray(tail))
    exact = np.exp(-(tail.astype(np.float64) ** 2) / 2 - scipy.log_ndtr(tail.astype(np.float64)))
    np.testing.assert_allclose(np.asarray(slope), exact / math.sqrt(2 * math.pi), 1e-5)
    near = (0.5 + np.array([1e-3, -1e-6, 1e-6])).astype(dtype)
    np.testing.assert_allclose(
        np.asarray(rt.special.logit(near)), 2 * np.arctanh(2 * near.astype(np.float64) - 1), rtol
    )
    assert got.dtype == dtype


def test_polygamma_left_of_zero() -> None:
    for n in (1, 2, 3):
        f = lambda x, n=n: rt.special.polygamma(n, x)  # noqa: E731
        rt.testing.check_grads(f, (wide(-0.7, -3.4),), order=1)


# ---- complex numbers -----------------------------------------------------------------------------


def test_complex_derivatives_are_holomorphic() -> None:
    z = rt.asarray(1.3 + 0.7j, rt.complex128)
    slope = rt.grad(rt.special.loggamma, holomorphic=True)(z)
    assert slope.item() == pytest.approx(complex(scipy.psi(z.item())))
    rt.testing.check_grads(rt.special.loggamma, (z,), order=3)
    rt.testing.check_grads(rt.special.wofz, (z,), order=3)
    assert rt.special.wofz(rt.ones(2)).dtype == rt.complex64


# ---- errors --------------------------------------------------------------------------------------


def test_derivatives_that_do_not_exist_are_refused() -> None:
    f, arrays = rt.special.expn, [wide(2.0), wide(1.5)]
    slope, message = rt.grad(f), r"\[special.expn\] the derivative by `n`"
    for transformed in (slope, rt.grad(rt.jit(f)), rt.jit(slope)):
        with pytest.raises(MissingRuleError, match=message):
            transformed(*arrays)
    with pytest.raises(MissingRuleError, match=message):
        rt.vmap(slope)(*[rt.stack([a]) for a in arrays])
    with pytest.raises(MissingRuleError, match="stop_gradient"):
        rt.jvp(f, tuple(arrays), tuple(arrays))
    assert math.isfinite(float(rt.grad(rt.jit(f), 1)(*arrays)))
    held = rt.stop_gradient(arrays[0])
    assert math.isfinite(float(rt.grad(lambda x: f(held, x))(arrays[1])))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.gamma(1j), DTypeError, r"\[gamma\] expected real numbers"),
        (lambda s: s.gammainc(1.0), ArgumentError, r"\[gammainc\] takes \(a, x\), got 1"),
        (lambda s: s.beta(rt.ones(2), rt.ones(3)), ShapeError, r"\[beta\] shapes"),
        (lambda s: s.polygamma(-1, 1.0), ArgumentError, "n: expected at least 0"),
        (lambda s: s.multigammaln(1.0, 0.5), ArgumentError, "d: expected an integer"),
        (lambda s: s.jv("a", 1.0), ArgumentError, "v: expected a Python number"),
        (lambda s: s.bernoulli(-1), ArgumentError, "n: expected at least 0"),
        (lambda s: s.factorial(3, exact=True), ArgumentError, "math.factorial"),
        (lambda s: s.sph_harm_y(1, 0, 0.1, 0.1, diff_n=3), ArgumentError, "diff_n: expected 0, 1"),
        (lambda s: s.sph_harm_y(1, 0, 0.1, 0.1, n_max=-1), ArgumentError, "n_max: expected"),
        (lambda s: s.sph_harm_y(1.0, 0, 0.1, 0.1), DTypeError, "n: expected integers"),
        (lambda s: s.logsumexp(1j, b=1.0), DTypeError, "weights and signs"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(rt.special)


# ---- SciPy's ufuncs on Arrays --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("erf", (0.3,)), ("erfinv", (0.3,)), ("gammaln", (1.3,)), ("psi", (1.3,)),
        ("expit", (0.3,)), ("xlogy", (0.3, 0.4)), ("ndtri", (0.3,)), ("i0e", (0.3,)),
        ("betaln", (0.3, 0.4)), ("log1p", (0.3,)), ("exprel", (0.3,)), ("owens_t", (0.3, 0.4)),
    ],
)  # fmt: skip
def test_ufuncs_of_scipy_dispatch_also_under_grad(name: str, args: Any) -> None:
    ufunc = getattr(scipy, name)
    arrays = [wide(a) for a in args]
    assert isinstance(ufunc(*arrays), rt.Array)
    rt.testing.assert_close(ufunc(*arrays), np.asarray(ufunc(*args)))
    rt.testing.check_grads(ufunc, arrays, order=1)
    rt.testing.assert_close(rt.jit(ufunc)(*arrays), ufunc(*arrays))


def test_mixed_arguments_and_what_is_missing() -> None:
    assert float(scipy.jv(2, wide(1.0))) == pytest.approx(float(scipy.jv(2, 1.0)))
    assert isinstance(scipy.gammainc(np.ones(2), rt.ones(2)), rt.Array)
    with pytest.raises(ArgumentError, match="rtorch has no such function"):
        scipy.ellipk(wide(0.5))


# ---- weighted sums of exponentials ---------------------------------------------------------------


def test_logsumexp_at_large_numbers() -> None:
    a, b = wide(1000.0, 1001.0, 2000.0), wide(1.0, 2.0, 0.0)
    want = 1000 + math.log(1 + 2 * math.e)
    assert float(rt.special.logsumexp(a, b=b)) == pytest.approx(want)
    slope = rt.grad(rt.special.logsumexp)(a, b=b)
    share = 2 * math.e / (1 + 2 * math.e)
    rt.testing.assert_close(slope, np.array([1 - share, share, 0.0]))
    value, sign = rt.special.logsumexp(a[:2], b=wide(1.0, -2.0), return_sign=True)
    assert (float(value), float(sign)) == pytest.approx((1000 + math.log(2 * math.e - 1), -1))
    with np.errstate(invalid="ignore"):
        assert math.isnan(float(rt.special.logsumexp(a[:2], b=wide(1.0, -2.0))))
    # What has weight 0 counts once the weight changes.
    by_weight = rt.grad(lambda b: rt.special.logsumexp(wide(0.0, 1.0), b=b))(wide(1.0, 0.0))
    rt.testing.assert_close(by_weight, np.array([1.0, math.e]))


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_infinite_numbers_in_softmax(name: str) -> None:
    f = getattr(rt.special, name)
    x = wide(-inf, 0.0, 1.0)
    rt.testing.assert_close(f(x), getattr(scipy, name)(np.asarray(x)))
    slope = rt.grad(lambda x: rt.sum(f(x)[1:] if name != "logsumexp" else f(x)))(x)
    assert np.isfinite(np.asarray(slope)).all()


# ---- JAX -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "by"),
    [
        ("gammainc", (1.5, 0.7), 1), ("betainc", (1.5, 2.0, 0.3), 2), ("log_ndtr", (-3.0,), 0),
        ("i1e", (-1.3,), 0), ("spence", (0.4,), 0), ("poch", (2.5, 1.3), 1),
        ("hyp1f1", (1.2, 2.3, 0.4), 2), ("kl_div", (0.3, 0.6), 1), ("comb", (5.3, 2.2), 1),
        ("gammainc", (1.5, 0.7), 0), ("gammaincc", (1.5, 3.7), 0),
        ("hyp1f1", (1.2, 2.3, 0.4), 0),
    ],
)  # fmt: skip
def test_values_and_slopes_of_jax(name: str, args: Any, by: int) -> None:
    jax = pytest.importorskip("jax")
    theirs = pytest.importorskip("jax.scipy.special")
    ours = rt.value_and_grad(getattr(rt.special, name), by)(*map(rt.asarray, args))
    floats = [jax.numpy.float32(a) for a in args]
    want = jax.value_and_grad(getattr(theirs, name), by)(*floats)
    assert [float(v) for v in ours] == pytest.approx([float(v) for v in want], rel=2e-4, abs=1e-6)


def test_all_names_of_jax_are_here() -> None:
    theirs = pytest.importorskip("jax.scipy.special")
    names = {n for n in dir(theirs) if callable(getattr(theirs, n)) and not n.startswith("_")}
    assert names <= set(rt.special.__all__)


# ---- without SciPy -------------------------------------------------------------------------------

ALONE: dict[str, tuple[float, ...]] = {
    "erf": (0.3,), "erfc": (0.3,), "erfcx": (30.0,), "erfinv": (0.3,), "gammaln": (1.3,),
    "digamma": (1.3,), "gamma": (-1.3,), "beta": (0.3, 0.4), "betaln": (0.3, 0.4),
    "binom": (4.0, 2.0), "comb": (4.0, 2.0), "factorial": (4.0,), "gammasgn": (-0.3,),
    "ndtr": (-8.0,), "log_ndtr": (-40.0,), "ndtri": (1e-9,), "logit": (0.51,), "expit": (0.3,),
    "log_expit": (0.3,), "xlogy": (0.3, 0.4), "xlog1py": (0.3, 0.4), "entr": (0.3,),
    "rel_entr": (0.3, 0.4), "kl_div": (0.3, 0.4), "boxcox": (0.3, 0.4), "boxcox1p": (0.3, 0.4),
    "inv_boxcox": (0.3, 0.4), "inv_boxcox1p": (0.3, 0.4),
    "exprel": (0.3,), "logsumexp": (0.3,), "softmax": (0.3,), "log_softmax": (0.3,),
}  # fmt: skip


@pytest.fixture
def _no_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "load", lambda module, on_cpu: None)


@pytest.mark.usefixtures("_no_scipy")
@pytest.mark.parametrize("name", ALONE)
def test_elementary_functions_need_no_scipy(name: str) -> None:
    f, args = getattr(rt.special, name), ALONE[name]
    arrays = [wide(a) for a in args]
    rt.testing.assert_close(f(*arrays), np.asarray(getattr(scipy, name)(*args)), 1e-13, 0)
    if name != "gammasgn":
        eps = 1e-5 * min(map(abs, args))
        rt.testing.check_grads(f, arrays, order=1, eps=eps, rtol=1e-6, atol=1e-6)
    assert f(*[a.astype(rt.float16) for a in arrays]).dtype == rt.float16


@pytest.mark.usefixtures("_no_scipy")
def test_error_functions_without_scipy_are_exact() -> None:
    x = np.linspace(-5, 40, 301)
    rt.testing.assert_close(rt.special.erfcx(x), scipy.erfcx(x), 1e-13, 0)
    rt.testing.assert_close(rt.special.log_ndtr(-x), scipy.log_ndtr(-x), 1e-13, 1e-300)
    p = np.array([0.0, 1e-300, 1e-20, 0.02, 0.5, 0.98, 1.0, 1.1, nan])
    rt.testing.assert_close(rt.special.ndtri(p), scipy.ndtri(p), 1e-13, 0)
    p = np.array([0.0, 1e-20, 0.2, 0.5001, 0.7, 1.0, 1.1])
    rt.testing.assert_close(rt.special.logit(p), scipy.logit(p), 1e-13, 0)
    x = np.array([0.0, -0.0, -1.0, -0.5, 170.6, 171.5, 172.0, 1e9, inf, nan])
    rt.testing.assert_close(rt.special.gamma(x), scipy.gamma(x), 1e-13, 0)


@pytest.mark.usefixtures("_no_scipy")
@pytest.mark.parametrize("call", [
    lambda s: s.gammainc(1.0, 1.0), lambda s: s.i0(1.0), lambda s: s.jv(2, 1.0),
    lambda s: s.sici(1.0), lambda s: rt.jit(s.expi)(rt.ones(2)), lambda s: s.loggamma(1.0),
    lambda s: s.sph_harm_y(1, 0, 0.1, 0.1),
])  # fmt: skip
def test_the_others_say_what_to_install(call: Any) -> None:
    with pytest.raises(MissingDependencyError, match="pip install scipy"):
        call(rt.special)
