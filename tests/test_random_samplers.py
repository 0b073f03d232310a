"""All samplers: called as JAX's, with JAX's numbers, right under transforms, and distributed right.

The kernels are compared with a scalar reference in tests/ops; here are the functions.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError

R = rt.random
KEY = R.key(42)
Sampler = Callable[..., Any]
pytestmark = pytest.mark.reuses_keys  # KEY stands for any key

# Arguments after the key, without shape.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "lognormal": (0.5,),
    "pareto": (3.0,),
    "rayleigh": (2.0,),
    "weibull_min": (2.0, 1.5),
    "maxwell": (),
    "double_sided_maxwell": (1.0, 2.0),
    "wald": (3.0,),
    "triangular": (0.0, 1.0, 4.0),
    "gamma": (0.7,),
    "loggamma": (0.7,),
    "beta": (0.5, 2.0),
    "chisquare": (3.0,),
    "f": (3.0, 5.0),
    "t": (3.0,),
    "generalized_normal": (1.5,),
    "poisson": (4.0,),
    "binomial": (20, 0.3),
    "geometric": (0.2,),
}
BY_REJECTION_OF_MANY = {"poisson": (50.0,), "binomial": (100, 0.4)}

# What jax.random 0.10.2 gives for seed 42 and shape (4,).
GOLDEN: dict[str, list[float]] = {
    "lognormal": [0.98594737, 1.2630961, 1.1593407, 1.0797969],
    "pareto": [1.2505779, 1.4617002, 1.3761275, 1.3157816],
    "rayleigh": [2.3933022, 1.7571814, 1.9678774, 2.1503594],
    "weibull_min": [1.5326145, 2.1810308, 1.943357, 1.7568423],
    "maxwell": [0.55358249, 0.29328507, 1.708603, 1.5084578],
    "double_sided_maxwell": [-1.7620435, -0.35137796, 5.4440427, 2.3511],
    "wald": [3.4213138, 6.8064961, 0.4380343, 1.2542255],
    "triangular": [1.5230088, 2.0397873, 1.8541338, 1.7048297],
    "gamma": [1.4985034, 0.6783818, 2.116648, 0.11001223],
    "loggamma": [0.40446699, -0.38804507, 0.7498337, -2.2071638],
    "beta": [0.27497146, 0.15737295, 0.5494622, 0.012798872],
    "chisquare": [5.8707142, 1.397851, 5.5594234, 1.4829895],
    "f": [0.72836351, 0.35692549, 0.23560737, 0.15563177],
    "t": [0.089874782, -1.7357467, 2.3520191, 1.1635191],
    "generalized_normal": [-0.87823755, -0.20616245, 1.160471, 0.10202969],
    "poisson": [6, 3, 2, 2],
    "binomial": [5.0, 7.0, 4.0, 5.0],
    "geometric": [4, 2, 3, 3],
}

GAMMA_64 = [0.4186027304748202, 0.05721337296452864, 0.1892182107296332]
DIRICHLET = [[0.10217357, 0.077660352, 0.82016611], [0.0029155603, 0.16684513, 0.83023924]]
MULTINOMIAL = [6.0, 1.0, 13.0]
BALL = [[0.32340229, 0.061338749, 0.018243387], [0.43724132, -0.077053934, 0.35943848]]


def draw(name: str, key: Any, shape: Any, *arguments: Any, module: Any = R, **more: Any) -> Any:
    return getattr(module, name)(key, *(arguments or ARGUMENTS[name]), shape=shape, **more)


def close(found: Any, expected: Any, rtol: float = 2e-5, atol: float = 1e-6) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.astype(np.float64), expected.astype(np.float64), rtol, atol)


# ---- as JAX's ------------------------------------------------------------------------------------

# Parameters that have no meaning here: there are no shardings, and keys have one type.
ABSENT = {"out_sharding", "unroll"} | {"dtype of key", "dtype of wrap_key_data"}


def test_names_and_signatures() -> None:
    jax = pytest.importorskip("jax")
    theirs = {n: v for n, v in vars(jax.random).items() if inspect.isfunction(v) and n[0] != "_"}
    assert theirs.keys() - set(R.__all__) == {"key_dtype"}
    for name in sorted(theirs.keys() & set(R.__all__)):
        wanted = [
            (p.name, p.default, p.kind)
            for p in inspect.signature(theirs[name]).parameters.values()
            if not {p.name, f"{p.name} of {name}"} & ABSENT and name != "PRNGKey"
        ]
        own = [(p.name, p.default, p.kind) for p in inspect.signature(
            getattr(R, name)).parameters.values() if name != "PRNGKey"]  # fmt: skip
        assert own == wanted, name


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str) -> None:
    close(draw(name, KEY, (4,)), np.asarray(GOLDEN[name]))


# JAX takes seconds to compile the others, which have golden values above.
@pytest.mark.parametrize(
    "name", ["lognormal", "rayleigh", "maxwell", "double_sided_maxwell", "wald", "triangular",
             "geometric"]
)  # fmt: skip
def test_live_against_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    expected = np.asarray(draw(name, jax.random.PRNGKey(2**31 + 5), (20, 10), module=jax.random))
    found = np.asarray(draw(name, R.key(2**31 + 5), (20, 10)))
    assert found.dtype == expected.dtype
    close(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("gumbel", ((9,), "float32", "high")),
        ("gumbel", ((9,), "float32", "highest")),
        ("bernoulli", (0.1, (50,), "high")),
        ("categorical", ([[0.1, 0.5, 2.0], [1.0, 0.0, 0.0]], -1, (3, 2), False)),
        ("categorical", ([[0.1, 0.5, 2.0], [1.0, 0.0, 0.0]], 0, (2, 3), False)),
        ("categorical", ([0.1, 0.5, 2.0], -1, (7,), True, "high")),
        ("choice", (4, (3,), False, [0.1, 0.2, 0.3, 0.4], 0, "high")),
    ],
    ids=str,
)
def test_others_live_against_jax(name: str, arguments: Any) -> None:
    jax = pytest.importorskip("jax")
    arrays = [a if not isinstance(a, list) else np.asarray(a, np.float32) for a in arguments]
    expected = getattr(jax.random, name)(
        jax.random.PRNGKey(3),
        *[jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays],
    )
    close(getattr(R, name)(R.key(3), *arrays), expected)


def test_golden_of_other_forms() -> None:
    close(R.gamma(KEY, 0.7, (3,), "float64"), GAMMA_64, 1e-13)
    close(R.dirichlet(KEY, rt.asarray([0.3, 1.0, 2.0]), (2,)), DIRICHLET)
    close(R.multinomial(KEY, 20, rt.asarray([0.3, 0.1, 0.6])), MULTINOMIAL)
    close(R.ball(KEY, 3, shape=(2,)), BALL)


# ---- under transforms ----------------------------------------------------------------------------

EVERY = {**{n: (n, a) for n, a in ARGUMENTS.items()},
         **{f"{n} of many": (n, a) for n, a in BY_REJECTION_OF_MANY.items()}}  # fmt: skip


@pytest.mark.parametrize("case", EVERY)
def test_transforms_change_nothing(case: str) -> None:
    name, arguments = EVERY[case]
    keys = R.split(R.key(3), 4)

    def sampler(key: Any, *parameters: Any) -> Any:
        return draw(name, key, (6,), *parameters)

    loop = np.stack([np.asarray(sampler(k, *arguments)) for k in keys])
    slack = 0.0 if "of many" in case else 1e-6
    traced = [rt.asarray(float(a)) for a in arguments]
    close(rt.jit(sampler)(keys[1], *traced), loop[1], slack, slack)
    close(rt.vmap(lambda k: sampler(k, *arguments))(keys), loop, slack, slack)
    close(rt.jit(rt.vmap(lambda k: sampler(k, *arguments)))(keys), loop, slack, slack)
    if traced:  # parameters that differ between the lanes
        lanes = rt.vmap(sampler)(keys, *[x * rt.ones(4) for x in traced])
        close(lanes, loop, slack, slack)
        same_key = rt.vmap(lambda *p: sampler(keys[0], *p))(*[x * rt.ones(3) for x in traced])
        close(same_key, np.stack([loop[0]] * 3), slack, slack)


@pytest.mark.parametrize("name", ["poisson", "binomial", "gamma"])
def test_numbers_do_not_depend_on_their_neighbours(name: str) -> None:
    arguments = BY_REJECTION_OF_MANY.get(name, (0.7,))
    first = np.asarray(draw(name, KEY, (5,), *arguments))
    many = np.asarray(draw(name, KEY, (40000,), *arguments))
    np.testing.assert_array_equal(many[:5], first)


def test_parameters_broadcast_and_keep_the_shape() -> None:
    p = rt.asarray([0.1, 0.5, 0.9])
    assert R.binomial(KEY, rt.asarray([[10], [1000]]), p).shape == (2, 3)
    assert R.gamma(KEY, p, (4, 3)).shape == (4, 3)
    assert R.wald(KEY, p).shape == (3,)
    assert R.weibull_min(KEY, p, 2.0).shape == R.double_sided_maxwell(KEY, p, 2.0).shape == (3,)
    assert R.dirichlet(KEY, rt.ones((2, 1, 3)), (2, 5)).shape == (2, 5, 3)
    assert R.multinomial(KEY, rt.asarray([5, 9]), p, shape=(2, 3)).sum(axis=-1).tolist() == [5, 9]
    assert R.ball(KEY, 4, shape=(2, 3)).shape == (2, 3, 4)
    for name in ARGUMENTS:
        assert draw(name, KEY, (0, 2)).shape == (0, 2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_dtypes(dtype: str) -> None:
    for name in ARGUMENTS.keys() - {"poisson", "geometric"}:
        assert str(draw(name, KEY, (3,), dtype=dtype).dtype) == dtype, name
    for name in ("poisson", "geometric"):
        assert draw(name, KEY, (3,), dtype="int64").dtype == rt.int64


def test_edges() -> None:
    def values(x: Any) -> list[Any]:
        return np.asarray(x).tolist()

    nan, inf = rt.nan, rt.inf
    odd = rt.asarray([0.0, -1.0, nan, inf])
    assert values(R.poisson(KEY, odd)) == [0, -1, -1, -1]
    assert values(R.poisson(KEY, 1e12)) == 2**31 - 1
    np.testing.assert_array_equal(R.gamma(KEY, odd), [0, nan, nan, inf])
    np.testing.assert_array_equal(R.loggamma(KEY, odd), [-inf, nan, nan, inf])
    np.testing.assert_array_equal(R.binomial(KEY, odd, 0.5), [0, nan, nan, inf])
    np.testing.assert_array_equal(R.binomial(KEY, 7, odd), [0, nan, nan, nan])
    assert values(R.binomial(KEY, rt.asarray([5, 500]), 1.0)) == [5, 500]
    assert values(R.multinomial(KEY, 10, rt.asarray([0.0, 1.0, 0.0]))) == [0, 10, 0]
    assert values(R.geometric(KEY, 1.0, (3,))) == [1, 1, 1]
    assert bool(rt.isfinite(R.loggamma(KEY, 1e-4, (100,))).all())
    inside = R.ball(KEY, 3, rt.inf, (100,))
    assert bool((abs(inside) <= 1).all())


def test_without_replacement_all_are_different() -> None:
    logits = rt.log(rt.asarray([0.1, 0.2, 0.3, 0.4]))
    places = R.categorical(KEY, logits, shape=(4,), replace=False)
    assert sorted(places.tolist()) == [0, 1, 2, 3]


ERRORS: list[tuple[Sampler, type[Exception], str]] = [
    (lambda: R.gamma(0, 1.0), ArgumentError, r"\[gamma\] key: "),
    (lambda: R.gamma(KEY, rt.ones(3), (2,)), ShapeError, r"\[gamma\] a: shape \(3,\)"),
    (lambda: R.gamma(KEY, 1.0, (), "int32"), DTypeError, r"\[gamma\] dtype: .*int32"),
    (lambda: R.beta(KEY, 1.0, rt.ones(3), (2,)), ShapeError, r"\[beta\] b: shape \(3,\)"),
    (lambda: R.dirichlet(KEY, 1.0), ShapeError, r"\[dirichlet\] alpha: "),
    (lambda: R.poisson(KEY, 1.0, (), "float32"), DTypeError, r"\[poisson\] dtype: .*float32"),
    (lambda: R.poisson(KEY, 1j), DTypeError, r"\[poisson\] lam: expected real"),
    (lambda: R.binomial(KEY, 1, 0.5, (), "int32"), DTypeError, r"\[binomial\] dtype: .*int32"),
    (lambda: R.multinomial(KEY, 1, 0.5), ShapeError, r"\[multinomial\] p: "),
    (lambda: R.multinomial(KEY, rt.ones(2), rt.ones(3)), ShapeError, r"\[multinomial\] n: shape"),
    (lambda: R.ball(KEY, 2.5), ArgumentError, r"\[ball\] d: "),
    (lambda: R.orthogonal(KEY, -1), ArgumentError, r"\[orthogonal\] n: "),
    (lambda: R.gumbel(KEY, (), None, "best"), ArgumentError, r"\[gumbel\] mode: .*'best'"),
    (lambda: R.bernoulli(KEY, 0.5, (), "best"), ArgumentError, r"\[bernoulli\] mode: .*'best'"),
    (lambda: R.key(0, impl="rbg"), ArgumentError, r"\[key\] impl: .*'rbg'"),
    (lambda: R.wrap_key_data(rt.ones(2)), ArgumentError, r"\[wrap_key_data\] expected keys"),
    (
        lambda: R.categorical(KEY, rt.ones(3), shape=(4,), replace=False),
        ArgumentError,
        r"\[categorical\] cannot draw 4 of 3",
    ),
    (
        lambda: R.multivariate_normal(KEY, rt.ones(2), rt.ones((3, 3))),
        ShapeError,
        r"\[multivariate_normal\] expected a mean",
    ),
    (
        lambda: R.multivariate_normal(KEY, rt.ones(2), rt.ones((2, 2)), method="lu"),
        ArgumentError,
        r"\[multivariate_normal\] method: .*'lu'",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=[m for *_, m in ERRORS])
def test_errors(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


# ---- vectors, by rt.linalg -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["cholesky", "eigh", "svd"])
def test_multivariate_normal(method: str) -> None:
    pytest.importorskip("rtorch.linalg")
    mean, cov = rt.asarray([1.0, -2.0, 0.5]), rt.asarray([[2.0, 1, 0], [1, 3, 1], [0, 1, 1]])
    x = np.asarray(R.multivariate_normal(KEY, mean, cov, (20000,), method=method))
    np.testing.assert_allclose(x.mean(0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(x.T), cov, atol=0.12)
    jax = pytest.importorskip("jax")
    if method == "cholesky":  # the others are determined up to signs
        theirs = jax.random.multivariate_normal(
            jax.random.PRNGKey(42), np.asarray(mean), np.asarray(cov), (20000,))  # fmt: skip
        close(x, theirs, atol=1e-5)


@pytest.mark.parametrize(("n", "m"), [(3, None), (4, 2), (2, 4), (0, None)])
def test_orthogonal(n: int, m: int | None) -> None:
    pytest.importorskip("rtorch.linalg")
    q = np.asarray(R.orthogonal(KEY, n, (2,), m=m))
    assert q.shape == (2, n, n if m is None else m)
    few = q if q.shape[1] >= q.shape[2] else q.swapaxes(1, 2)
    gram = few.swapaxes(1, 2) @ few
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(gram.shape[1]), gram.shape), atol=1e-5)
    jax = pytest.importorskip("jax")
    close(q, jax.random.orthogonal(jax.random.PRNGKey(42), n, (2,), m=m), atol=1e-5)
