"""Special functions at edge points against SciPy, and their slopes by parameters."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import MissingRuleError
from rtorch.ops import library

scipy = pytest.importorskip("scipy.special")
inf, nan = math.inf, math.nan


def wide(*values: float) -> Any:
    return rt.asarray(values if len(values) > 1 else values[0], rt.float64)


# ---- values --------------------------------------------------------------------------------------

POINTS = [0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 2.0, -2.0, -3.0, -10.0, 0.5, -0.5, -3.5, 1e-30,
          -1e-30, 1e30, -1e30, 3.0, 30.0, 171.0, 200.0, 1.5, 1e-8, -300.0]  # fmt: skip
FEW = [0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 2.0, -3.0, 0.5, -3.5, 30.0]
ONE = [
    "dawsn",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exp1",
    "expi",
    "expit",
    "exprel",
    "factorial",
    "fresnel",
    "gamma",
    "gammaln",
    "gammasgn",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "j0",
    "j1",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "log_expit",
    "log_ndtr",
    "loggamma",
    "logit",
    "ndtr",
    "ndtri",
    "psi",
    "sici",
    "spence",
    "y0",
    "y1",
    "zeta",
]
TWO = [
    "beta",
    "betaln",
    "binom",
    "boxcox",
    "boxcox1p",
    "comb",
    "gammainc",
    "gammaincc",
    "inv_boxcox",
    "inv_boxcox1p",
    "kl_div",
    "owens_t",
    "poch",
    "rel_entr",
    "xlog1py",
    "xlogy",
    "zeta",
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "count"),
    [(n, 1) for n in ONE] + [(n, 2) for n in TWO] + [("betainc", 3), ("hyp2f1", 4)],
)
def test_edge_values_are_those_of_scipy(name: str, count: int, dtype: Any) -> None:
    points = POINTS if count < 3 else FEW
    grid = np.array(list(itertools.product(points, repeat=count))).T.astype(dtype)
    with np.errstate(all="ignore"):
        got, want = (getattr(s, name)(*grid) for s in (rt.special, scipy))
    if not isinstance(got, tuple):
        got, want = (got,), (want,)
    for ours, theirs in zip(got, want, strict=True):
        np.testing.assert_allclose(np.asarray(ours), theirs, 1e-10 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("name", ["boxcox", "boxcox1p", "inv_boxcox", "inv_boxcox1p", "beta"])
def test_edge_values_without_scipy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [p for p in POINTS if math.isfinite(p) and 1e-9 < abs(p) < 1e3]
    if name != "beta":
        points += [0.0, inf, -inf, nan]
    grid = np.array(list(itertools.product(points, repeat=2))).T
    want = getattr(scipy, name)(*grid)
    monkeypatch.setattr(library, "load", lambda module, on_cpu: None)
    got = np.asarray(getattr(rt.special, name)(*grid))
    if name == "beta":  # which sign a pole has is a convention
        got, want = (np.where(np.isinf(y), inf, y) for y in (got, want))
    np.testing.assert_allclose(got, want, 1e-10, 1e-300)


@pytest.mark.parametrize(
    ("name", "args", "value"),
    [
        ("beta", (-2.0, 1.0), -0.5),
        ("beta", (-10.0, 2.0), 1 / 90),
        ("beta", (-3.5, -3.5), 0.0),
        ("boxcox", (0.0, -10.0), -inf),
        ("boxcox", (inf, 0.0), inf),
        ("boxcox", (inf, -2.0), 0.5),
        ("exprel", (inf,), inf),
        ("kl_div", (-inf, -inf), inf),
        ("zeta", (-1.0,), -1 / 12),
        ("zeta", (0.0,), -0.5),
    ],
)
def test_values_where_formulas_need_care(name: str, args: Any, value: float) -> None:
    assert float(getattr(rt.special, name)(*map(wide, args))) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "args", "slopes"),
    [
        ("boxcox", (0.0, 2.0), [0.0, 0.25]),
        ("boxcox", (1.0, 0.0), [1.0, 0.0]),
        ("boxcox", (2.0, 0.0), [0.5, math.log(2) ** 2 / 2]),
        ("boxcox1p", (0.0, 0.0), [1.0, 0.0]),
        ("inv_boxcox", (1.0, 0.0), [math.e, -math.e / 2]),
        ("inv_boxcox1p", (0.0, 0.0), [1.0, 0.0]),
        ("kl_div", (0.0, 0.5), [-1.0, 1.0]),
        ("kl_div", (-1.0, 0.5), [0.0, 0.0]),
        ("gammainc", (2.0, 0.0), [0.0, 0.0]),
        ("gammainc", (2.0, inf), [0.0, 0.0]),
        ("gammaincc", (2.0, inf), [0.0, 0.0]),
        ("betainc", (2.0, 3.0, 0.0), [0.0, 0.0, 0.0]),
        ("betainc", (2.0, 3.0, 1.0), [0.0, 0.0, 0.0]),
    ],
)
def test_slopes_at_edges(name: str, args: Any, slopes: Any) -> None:
    f, arrays = getattr(rt.special, name), [wide(a) for a in args]
    for g in (f, rt.jit(f)):
        found = rt.grad(g, tuple(range(len(args))))(*arrays)
        assert [float(s) for s in found] == pytest.approx(slopes, rel=1e-12, abs=1e-300)


# ---- slopes by parameters ------------------------------------------------------------------------

# Difference quotients of 80 digits.
SLOPES: list[tuple[str, tuple[float, ...], int, float]] = [
    ("gammainc", (0.001, 0.3), 0, -0.9059989515572813),
    ("gammainc", (0.1, 30.0), 0, -6.203178496305631e-15),
    ("gammainc", (2.5, 0.001), 0, -7.61728094459622e-08),
    ("gammainc", (50.0, 85.0), 0, -8.99431578507441e-06),
    ("gammainc", (201.0, 4.0), 0, -4.772239674451901e-258),
    ("gammainc", (201.0, 130.0), 0, -2.1667050622436866e-09),
    ("gammainc", (201.0, 201.0), 0, -0.028150889515535786),
    ("gammainc", (10000.0, 11200.0), 0, -4.007935321126676e-32),
    ("gammainc", (1000000.0, 999000.0), 0, -0.00024201106639974455),
    ("gammaincc", (2.5, 40.0), 0, 2.5267860704828765e-15),
    ("betainc", (1e-06, 1.0, 0.3), 0, -1.2039713547762951),
    ("betainc", (1e-06, 1.0, 0.3), 1, 1.3188020793140078e-06),
    ("betainc", (0.01, 50.0, 0.5), 0, -3.757653012023174e-17),
    ("betainc", (0.01, 50.0, 0.5), 1, 2.5798969992320342e-19),
    ("betainc", (2.5, 50.0, 0.77), 0, -6.868775248689717e-30),
    ("betainc", (2.5, 50.0, 0.77), 1, 3.306480897317638e-30),
    ("betainc", (300.0, 0.001, 0.999), 0, -2.4728191303559038e-06),
    ("betainc", (300.0, 0.001, 0.999), 1, 0.9068602606493419),
    ("betainc", (10000.0, 1000.0, 0.9), 0, -6.714431961261013e-06),
    ("betainc", (10000.0, 1000.0, 0.9), 1, 6.368445896693567e-05),
    ("betainc", (1.0, 1.0, 0.5), 0, -0.34657359027997264),
    ("betainc", (1.0, 1.0, 0.5), 1, 0.34657359027997264),
    ("zeta", (1.001, 0.3), 0, -999996.0155776931),
    ("zeta", (3.0, 0.001), 0, 6907755278.783138),
    ("zeta", (30.0, 2.5), 0, -1.0564710072826e-12),
    ("zeta", (2.0, 10000.0), 0, -0.0010210800903512015),
    ("zeta", (-30.5,), 0, -474329500.7901791),
    ("zeta", (-4.0,), 0, 0.007983811450268625),
    ("zeta", (1e-09,), 0, -0.9189385352110292),
    ("zeta", (0.9,), 0, -99.92622577821574),
    ("zeta", (50.0,), 0, -6.156383689796488e-16),
    ("hyp1f1", (-3.0, 2.5, 20.0), 0, -1458.9651782031415),
    ("hyp1f1", (-3.0, 2.5, 20.0), 1, 100.02882338120433),
    ("hyp1f1", (0.0, 0.2, -10.0), 0, -7.502266845304977),
    ("hyp1f1", (0.0, 0.2, -10.0), 1, 0.0),
    ("hyp1f1", (4.0, -0.5, 100.0), 0, -6.19167160537926e+52),
    ("hyp1f1", (4.0, -0.5, 100.0), 1, 8.321555978910742e+52),
    ("hyp2f1", (-3.0, 2.5, 0.7, 0.3), 0, -0.016799187319517895),
    ("hyp2f1", (-3.0, 2.5, 0.7, 0.3), 1, -0.22478991596638656),
    ("hyp2f1", (-3.0, 2.5, 0.7, 0.3), 2, 1.3777569851470002),
    ("hyp2f1", (0.1, 1.0, -0.5, -50.0), 0, -2.69773727473075),
    ("hyp2f1", (0.1, 1.0, -0.5, -50.0), 1, -0.13741413797150884),
    ("hyp2f1", (0.1, 1.0, -0.5, -50.0), 2, 0.6171228835529424),
    ("hyp2f1", (6.0, 0.2, 12.0, 0.95), 0, 0.037472055429563216),
    ("hyp2f1", (6.0, 0.2, 12.0, 0.95), 1, 0.7961658993287409),
    ("hyp2f1", (6.0, 0.2, 12.0, 0.95), 2, -0.019559180052602206),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "by", "want"), SLOPES)
def test_slopes_by_parameters(name: str, args: Any, by: int, want: float) -> None:
    slope, arrays = rt.grad(getattr(rt.special, name), by), [wide(a) for a in args]
    rtol = 1e-7 if args[0] < 1e-3 or name == "gammainc" else 1e-9
    for f in (slope, rt.jit(slope)):
        assert float(f(*arrays)) == pytest.approx(want, rel=rtol, abs=0)
    batch = [rt.stack([a, a * 0.9]) for a in arrays]
    rows = rt.vmap(slope)(*batch)
    assert float(rows[0]) == pytest.approx(want, rel=rtol, abs=0)
    assert float(rows[1]) == pytest.approx(float(slope(*[a[1] for a in batch])), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("gammainc", (2.5, 1.3)), ("gammaincc", (0.6, 3.0)), ("betainc", (2.5, 0.7, 0.4)),
        ("betainc", (2.5, 0.7, 0.95)), ("zeta", (2.5, 0.7)), ("zeta", (-1.5,)), ("zeta", (0.4,)),
        ("hyp1f1", (1.3, 2.5, -0.7)), ("hyp1f1", (-2.0, 2.5, 0.7)),
        ("hyp2f1", (1.3, 2.5, 0.7, 0.3)), ("hyp2f1", (0.3, -1.0, 0.7, -2.0)),
        ("inv_boxcox", (0.7, 0.5)), ("inv_boxcox1p", (0.7, 1e-3)), ("boxcox", (0.7, 1e-3)),
        ("beta", (-1.4, 2.3)),
    ],
)  # fmt: skip
def test_second_derivatives_by_parameters(name: str, args: Any) -> None:
    rt.testing.check_grads(getattr(rt.special, name), [wide(a) for a in args], order=2)


def test_all_derivatives_of_zeta_exist() -> None:
    second = rt.grad(rt.grad(rt.special.zeta))
    rt.testing.check_grads(second, (wide(2.3),), order=2)


def test_what_has_no_slope_is_nan() -> None:
    by_c = rt.grad(rt.special.hyp2f1, 2)
    for x in (1.0, 0.9999, -1e5):  # the series does not converge, or not soon
        assert math.isnan(float(by_c(wide(0.5), wide(0.5), wide(3.0), wide(x))))
    assert math.isnan(float(rt.grad(rt.special.zeta)(wide(2.0), wide(-0.5))))
    assert math.isnan(float(rt.grad(rt.special.betainc)(*map(wide, (-1.0, 1.0, 0.5)))))


def test_third_derivatives_by_parameters_are_refused() -> None:
    third = rt.grad(rt.grad(rt.grad(rt.special.hyp1f1)))
    with pytest.raises(MissingRuleError, match="slope_quotient"):
        third(wide(1.0), wide(2.0), wide(0.5))


def test_half_precision() -> None:
    slope = rt.grad(rt.special.betainc, 0)(*[rt.asarray(v, rt.float16) for v in (1.5, 2.0, 0.5)])
    assert slope.dtype == rt.float16
    assert float(slope) == pytest.approx(-0.2522, abs=2e-3)


# ---- spherical harmonics -------------------------------------------------------------------------


@pytest.mark.parametrize("diff_n", [0, 1, 2])
def test_derivatives_of_spherical_harmonics(diff_n: int) -> None:
    orders, theta = np.array([-3, -2, 0, 1, 3]), np.array([0.4, 1.2, 2.2, 0.9, 1.5])
    phi = np.array([0.3, -1.0, 2.0, 5.0, 0.0])

    def ours(theta: Any, **options: Any) -> Any:
        out = rt.special.sph_harm_y(3, orders, theta, phi, diff_n, **options)
        return out if diff_n else (out,)

    want = scipy.sph_harm_y(3, orders, theta, phi, diff_n=diff_n)
    want = want if diff_n else (want,)
    for f in (ours, rt.jit(ours)):
        for y, w in zip(f(rt.asarray(theta)), want, strict=True):
            np.testing.assert_allclose(np.asarray(y), w, 1e-13, 1e-14)
    if diff_n:
        _, by_theta = rt.jvp(lambda t: ours(t)[0], (rt.asarray(theta),), (rt.ones(5, rt.float64),))
        np.testing.assert_allclose(np.asarray(by_theta), want[1][:, 0], 1e-13, 1e-14)
    at_pole = ours(rt.zeros(5, rt.float64))
    assert all(np.isfinite(np.asarray(y)).all() for y in at_pole)


def test_largest_degree() -> None:
    n, theta = np.array([1, 2, 5]), wide(0.4, 1.2, 2.2)
    got = rt.special.sph_harm_y(n, 1, theta, 0.5, n_max=2)
    want = scipy.sph_harm_y(np.minimum(n, 2), 1, np.asarray(theta), 0.5)
    np.testing.assert_allclose(np.asarray(got), want, 1e-13)


def test_hyp1f1_far_out_takes_no_time():
    pytest.importorskip("scipy")
    x = rt.asarray([1e300, -1e300, rt.inf, -rt.inf, -1e12, 2.0], dtype=rt.float64)
    out = np.asarray(rt.special.hyp1f1(1.5, 2.5, x))
    assert out[0] == out[2] == np.inf
    assert out[1] == out[3] == 0
    np.testing.assert_allclose(out[4], 1.5 * np.sqrt(np.pi) / 2 * 1e-18, 1e-8)
    np.testing.assert_allclose(out[5], float(rt.special.hyp1f1(1.5, 2.5, x[5])), 1e-14)
