"""Random numbers: the bits of `jax.random`, whatever transforms the program."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError

pytestmark = pytest.mark.reuses_keys

KEY = rt.random.key(42)

# What jax.random 0.10.2 gives for three seeds: two new keys, fold_in(7), three words of 32 bits.
GOLDEN_KEYS = {
    0: (
        [1797259609, 2579123966, 928981903, 3453687069],
        [2716826189, 292468403],
        [4070199207, 4202968722, 1427181096],
    ),
    42: (
        [1832780943, 270669613, 64467757, 2916123636],
        [2547012911, 1371500959],
        [2098992034, 2919706841, 2646866425],
    ),
    2**32 - 1: (
        [2973345818, 897673333, 3461607691, 1112781462],
        [614485078, 1000807227],
        [2226700399, 2348827549, 2002407339],
    ),
}

# With seed 42.
GOLDEN_BITS = [
    ((2, 3), "uint8", [162, 217, 249, 215, 21, 216]),
    ((3,), "uint16", [5026, 12505, 63993]),
    ((), "uint32", [2098992034]),
    ((3,), "uint64", [7871734211187709741, 276886910877598708, 10591095138341673235]),
]
GOLDEN_UNIFORM = [
    ("bfloat16", [0x3F22, 0x3F58, 0x3F78, 0x3F56]),
    ("float16", [0x2CE0, 0x3218, 0x3BCE, 0x3A0E]),
    ("float32", [0x3EFA3824, 0x3F2E0730, 0x3F1DC3F8, 0x3F0F9EC0]),
    ("float64", [0x3FDB4F8123C40884, 0x3F8EBD996D6E8400, 0x3FE25F641D41E71A]),
]
GOLDEN_NORMAL = [
    ("bfloat16", [0.34375, 1.015625, 1.890625, 0.984375]),
    ("float16", [-1.4296875, -0.87548828125, 1.974609375, 0.69677734375]),
    ("float32", [-0.02830461598932743, 0.4671318531036377, 0.2957029640674591]),
    ("float64", [-0.18471174528191162, -2.169824560397754, 0.18693555179382582]),
]
GOLDEN_RANDINT = [
    ("int32", 0, 10, [4, 4, 1, 9, 9, 9]),
    ("int32", -5, 100000, [38016, 96177, 32107, 32017, 55241, 49328]),
    ("int8", -128, 128, [68, -110, 55, 65, 13, -21]),
    ("uint8", 0, 256, [196, 18, 183, 193, 141, 107]),
    ("uint32", 3, 77, [59, 55, 76, 56, 68, 64]),
    ("int64", 0, 10**12, [464050701877, 604979476158, 848944880791]),
]
WEIGHTS = rt.asarray([0.1, 0.2, 0.3, 0.4])
LOGITS = rt.log(rt.asarray([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]))
Sampler = Callable[[Any], Any]
GOLDEN_DISCRETE: list[tuple[Sampler, list[int]]] = [
    (lambda k: rt.random.bernoulli(k, 0.3, (10,)), [0, 0, 0, 0, 0, 0, 1, 0, 0, 0]),
    (lambda k: rt.random.permutation(k, 10), [7, 4, 2, 5, 3, 6, 8, 9, 0, 1]),
    (
        lambda k: rt.random.permutation(k, rt.arange(6).reshape(3, 2), independent=True),
        [4, 5, 2, 3, 0, 1],
    ),
    (lambda k: rt.random.rademacher(k, (6,)), [1, -1, -1, -1, 1, -1]),
    (lambda k: rt.random.categorical(k, LOGITS, shape=(4, 2)), [2, 0, 2, 0, 1, 0, 1, 2]),
    (lambda k: rt.random.choice(k, 10, (5,)), [4, 4, 1, 9, 9]),
    (lambda k: rt.random.choice(k, 10, (5,), replace=False), [7, 4, 2, 5, 3]),
    (lambda k: rt.random.choice(k, 4, (6,), p=WEIGHTS), [2, 2, 2, 2, 2, 2]),
    (lambda k: rt.random.choice(k, 4, (3,), replace=False, p=WEIGHTS), [3, 2, 1]),
]
GOLDEN_CONTINUOUS = [
    ("exponential", [0.670817494392395, 1.1388006210327148, 0.9578199982643127]),
    ("gumbel", [0.3340933918952942, 0.952019453048706, 0.7255305647850037]),
    ("laplace", [0.022839652374386787, -0.4456535577774048, -0.2646729052066803]),
    ("logistic", [-0.0451694130897522, 0.7528398036956787, 0.47375231981277466]),
    ("cauchy", [-0.03548463061451912, 0.6337261199951172, 0.38244056701660156]),
]


# ---- the same numbers as JAX ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", GOLDEN_KEYS)
def test_keys_and_words(seed: int) -> None:
    halves, folded, words = GOLDEN_KEYS[seed]
    key = rt.random.key(seed)
    assert key.tolist() == [0, seed]
    assert rt.random.split(key).reshape(-1).tolist() == halves
    assert rt.random.fold_in(key, 7).tolist() == folded
    assert rt.random.bits(key, 3).tolist() == words


def test_seeds_have_64_bits() -> None:
    assert rt.random.key(2**40 + 3).tolist() == [256, 3]
    assert rt.random.key(-1).tolist() == [2**32 - 1, 2**32 - 1]
    for seed in (5, -7, 2**40 + 3):
        traced = rt.jit(rt.random.key)(rt.asarray(seed, rt.int64))
        assert traced.tolist() == rt.random.key(seed).tolist()
    assert rt.random.key(rt.asarray(-1, rt.int32)).tolist() == [0, 2**32 - 1]
    assert rt.random.PRNGKey(3).tolist() == [0, 3]


@pytest.mark.parametrize(("shape", "dtype", "expected"), GOLDEN_BITS)
def test_bits(shape: tuple[int, ...], dtype: str, expected: list[int]) -> None:
    words = rt.random.bits(KEY, shape, dtype)
    assert (words.shape, str(words.dtype)) == (shape, dtype)
    assert words.reshape(-1).tolist() == expected


def test_bits_of_several_blocks() -> None:
    words = np.asarray(rt.random.bits(KEY, (40000,)))
    assert words[[0, 16383, 16384, 39999]].tolist() == [
        2098992034, 2447487364, 3508879665, 3115352508
    ]  # fmt: skip
    assert int(words.astype(np.uint64).sum()) == 85857304608573


@pytest.mark.parametrize(("dtype", "expected"), GOLDEN_UNIFORM)
def test_uniform(dtype: str, expected: list[int]) -> None:
    x = np.asarray(rt.random.uniform(KEY, (len(expected),), dtype))
    assert str(x.dtype) == dtype
    assert x.view(f"u{x.itemsize}").tolist() == expected


@pytest.mark.parametrize(("dtype", "expected"), GOLDEN_NORMAL)
def test_normal(dtype: str, expected: list[float]) -> None:
    x = rt.random.normal(KEY, (len(expected) if dtype != "float32" else 4,), dtype)
    assert str(x.dtype) == dtype
    found = np.asarray(x).astype(np.float64)[: len(expected)]
    np.testing.assert_allclose(found, expected, rtol=3 * float(rt.finfo(dtype).eps))


@pytest.mark.parametrize(("dtype", "low", "high", "expected"), GOLDEN_RANDINT)
def test_randint(dtype: str, low: int, high: int, expected: list[int]) -> None:
    x = rt.random.randint(KEY, (len(expected),), low, high, dtype)
    assert str(x.dtype) == dtype
    assert x.tolist() == expected
    bounds = rt.asarray(low, rt.int64), rt.full((len(expected),), high, dtype=rt.int64)
    assert rt.random.randint(KEY, (len(expected),), *bounds, dtype).tolist() == expected


@pytest.mark.parametrize(("sampler", "expected"), GOLDEN_DISCRETE)
def test_discrete(sampler: Sampler, expected: list[int]) -> None:
    assert sampler(KEY).reshape(-1).tolist() == expected


@pytest.mark.parametrize(("name", "expected"), GOLDEN_CONTINUOUS)
def test_continuous(name: str, expected: list[float]) -> None:
    x = getattr(rt.random, name)(KEY, (3,))
    np.testing.assert_allclose(np.asarray(x), expected, rtol=1e-5)


def test_truncated_normal() -> None:
    expected = [0.14770005643367767, 0.5684449076652527, 0.42102551460266113]
    x = rt.random.truncated_normal(KEY, -1.0, 2.0, (3,))
    np.testing.assert_allclose(np.asarray(x), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(), (3,), (4, 5), (2, 0)], ids=str)
def test_live_against_jax(shape: tuple[int, ...]) -> None:
    jax = pytest.importorskip("jax")
    for seed in (1, 2**31 + 7):
        theirs, ours = jax.random.PRNGKey(seed), rt.random.key(seed)
        for name, more in (("bits", ("uint32",)), ("uniform", ()), ("randint", (-3, 99))):
            expected = np.asarray(getattr(jax.random, name)(theirs, shape, *more))
            found = np.asarray(getattr(rt.random, name)(ours, shape, *more))
            np.testing.assert_array_equal(found, expected, strict=True)
        expected = np.asarray(jax.random.normal(theirs, shape))
        found = np.asarray(rt.random.normal(ours, shape))
        np.testing.assert_allclose(found, expected, rtol=4e-7, strict=True)


# ---- the same numbers under every transform ------------------------------------------------------

SAMPLERS: dict[str, Sampler] = {
    "bits": lambda k: rt.random.bits(k, (3, 5), "uint8"),
    "bits64": lambda k: rt.random.bits(k, (7,), "uint64"),
    "split": lambda k: rt.random.split(k, (2, 3)),
    "fold_in": lambda k: rt.random.fold_in(k, 3),
    "uniform": lambda k: rt.random.uniform(k, (30, 50), minval=-1.0, maxval=2.0),
    "uniform of arrays": lambda k: rt.random.uniform(k, (3,), minval=rt.arange(3), maxval=5),
    "normal": lambda k: rt.random.normal(k, (40,)),
    "bfloat16": lambda k: rt.random.normal(k, (4,), "bfloat16"),
    "complex": lambda k: rt.random.normal(k, (4,), "complex64"),
    "scalar": lambda k: rt.random.normal(k),
    "empty": lambda k: rt.random.normal(k, (0, 3)),
    "randint": lambda k: rt.random.randint(k, (20,), 5, 90),
    "truncated_normal": lambda k: rt.random.truncated_normal(k, rt.zeros(3), 1.0),
    "two draws": lambda k: rt.random.normal(k, (99, 99)) * rt.random.uniform(k, (99, 99)),
    **{f"discrete {i}": sampler for i, (sampler, _) in enumerate(GOLDEN_DISCRETE)},
    **{
        name: lambda k, name=name: getattr(rt.random, name)(k, (8,))  # type: ignore[misc]
        for name, _ in GOLDEN_CONTINUOUS
    },
}


def same(x: Any, y: Any) -> None:
    np.testing.assert_array_equal(np.asarray(x), np.asarray(y), strict=True)


@pytest.mark.parametrize("name", SAMPLERS)
def test_transforms_change_nothing(name: str) -> None:
    sampler = SAMPLERS[name]
    keys = rt.random.split(rt.random.key(3), 4)
    loop = np.stack([np.asarray(sampler(k)) for k in keys])
    same(rt.jit(sampler)(keys[1]), loop[1])
    same(rt.jit(lambda: sampler(keys[2]))(), loop[2])
    same(rt.vmap(sampler)(keys), loop)
    same(rt.vmap(sampler, in_axes=1)(keys.T), loop)
    same(rt.jit(rt.vmap(sampler))(keys), loop)
    nested = rt.vmap(rt.vmap(sampler))(keys.reshape(2, 2, 2))
    same(nested.reshape(loop.shape), loop)


def test_vmap_over_what_is_folded_in() -> None:
    loop = [rt.random.fold_in(KEY, i).tolist() for i in range(9)]
    assert rt.vmap(lambda i: rt.random.fold_in(KEY, i))(rt.arange(9)).tolist() == loop
    both = rt.vmap(rt.random.fold_in)(rt.asarray(loop, rt.uint32), rt.arange(9))
    assert both.tolist() == [
        rt.random.fold_in(rt.asarray(k, rt.uint32), i).tolist() for i, k in enumerate(loop)
    ]


def test_many_keys_with_few_numbers_each() -> None:
    keys = rt.random.split(KEY, 9000)
    some = rt.vmap(lambda k: rt.random.bits(k, (3,)))(keys)
    for i in (0, 5461, 5462, 8999):  # at the borders of blocks too
        assert some[i].tolist() == rt.random.bits(keys[i], (3,)).tolist()


def test_numbers_are_constants_to_derivatives() -> None:
    noise = np.asarray(rt.random.normal(KEY, (5,)))

    def moved(mean: Any, std: Any) -> Any:
        return (mean + std * rt.random.normal(KEY, (5,))).sum()

    by_mean, by_std = rt.grad(moved, argnums=(0, 1))(1.0, 2.0)
    assert float(by_mean) == 5
    assert float(by_std) == pytest.approx(noise.sum(), rel=1e-6)


def test_derivative_by_a_bound() -> None:
    u = np.asarray(rt.random.uniform(KEY, (5,)))
    slope = rt.grad(lambda b: rt.random.uniform(KEY, (5,), minval=b, maxval=3.0).sum())(1.0)
    assert float(slope) == pytest.approx((1 - u).sum(), rel=1e-5)


# ---- distributions -------------------------------------------------------------------------------

SIZE = 20000
CDFS: dict[str, tuple[Sampler, Callable[[Any], Any]]] = {
    "uniform": (lambda k: rt.random.uniform(k, SIZE), lambda x: x),
    "normal": (
        lambda k: rt.random.normal(k, SIZE),
        lambda x: np.asarray(rt.erfc(-x / math.sqrt(2))) / 2,
    ),
    "exponential": (lambda k: rt.random.exponential(k, SIZE), lambda x: 1 - np.exp(-x)),
    "gumbel": (lambda k: rt.random.gumbel(k, SIZE), lambda x: np.exp(-np.exp(-x))),
    "logistic": (lambda k: rt.random.logistic(k, SIZE), lambda x: 1 / (1 + np.exp(-x))),
    "cauchy": (lambda k: rt.random.cauchy(k, SIZE), lambda x: 0.5 + np.arctan(x) / np.pi),
    "laplace": (
        lambda k: rt.random.laplace(k, SIZE),
        lambda x: np.where(x < 0, np.exp(x) / 2, 1 - np.exp(-x) / 2),
    ),
}


@pytest.mark.parametrize("name", CDFS)
def test_kolmogorov_smirnov(name: str) -> None:
    sampler, cdf = CDFS[name]
    x = np.sort(np.asarray(sampler(rt.random.key(11))).astype(np.float64))
    expected, steps = cdf(x), np.arange(SIZE + 1) / SIZE
    distance = max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))
    assert distance < 1.95 / math.sqrt(SIZE)  # exceeded once in a thousand times


def test_moments() -> None:
    x = np.asarray(rt.random.normal(rt.random.key(5), SIZE, "float64"))
    assert abs(x.mean()) < 4 / math.sqrt(SIZE)
    assert abs(x.var() - 1) < 4 * math.sqrt(2 / SIZE)
    z = np.asarray(rt.random.normal(rt.random.key(5), SIZE, "complex128"))
    assert abs((abs(z) ** 2).mean() - 1) < 4 / math.sqrt(SIZE)
    n = np.asarray(rt.random.randint(rt.random.key(6), SIZE, 0, 6))
    assert np.all(abs(np.bincount(n) - SIZE / 6) < 4 * math.sqrt(SIZE / 6))


def test_categorical_has_the_probabilities_of_softmax() -> None:
    drawn = rt.random.categorical(KEY, LOGITS, shape=(SIZE // 2, 2))
    for row in range(2):
        share = np.bincount(np.asarray(drawn)[:, row]) / (SIZE // 2)
        np.testing.assert_allclose(share, np.exp(np.asarray(LOGITS[row])), atol=0.02)


@pytest.mark.parametrize("n", [0, 1, 2, 10, 3000])
def test_permutations_are_permutations(n: int) -> None:
    assert sorted(rt.random.permutation(KEY, n).tolist()) == list(range(n))
    assert n < 10 or rt.random.permutation(KEY, n).tolist() != list(range(n))


def test_permutation_of_rows_keeps_rows() -> None:
    x = rt.arange(40).reshape(10, 4)
    rows = rt.random.permutation(KEY, x).tolist()
    assert sorted(rows) == x.tolist()
    lines = np.asarray(rt.random.permutation(KEY, x, axis=1, independent=True))
    np.testing.assert_array_equal(np.sort(lines, axis=1), np.asarray(x))


def test_bounds_are_kept() -> None:
    x = rt.random.uniform(KEY, (SIZE,), minval=5.0, maxval=5.0)
    assert bool((x == 5).all())
    t = rt.random.truncated_normal(KEY, 1.0, 1.5, (SIZE,))
    assert bool((t > 1).all() & (t < 1.5).all())
    full = np.asarray(rt.random.randint(KEY, (SIZE,), -128, 128, "int8"))
    assert (full.min(), full.max()) == (-128, 127)


# ---- errors --------------------------------------------------------------------------------------

R = rt.random
ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: R.normal(0), ArgumentError, r"\[normal\] key: .*rt.random.key\(0\)"),
    (lambda: R.split(rt.ones(2)), ArgumentError, r"\[split\] key: expected uint32\[2\].*float32"),
    (lambda: R.bits(R.split(KEY)), ShapeError, r"\[bits\] key: .*array of keys.*vmap"),
    (lambda: R.uniform(KEY[:1]), ShapeError, r"\[uniform\] key: expected uint32\[2\]"),
    (lambda: R.uniform("key"), ArgumentError, r"\[uniform\] key: .*str 'key'"),
    (lambda: R.uniform(KEY, (-1,)), ShapeError, r"\[uniform\] shape: .*negative"),
    (lambda: R.uniform(KEY, 2.5), ArgumentError, r"\[uniform\] shape: .*2.5"),
    (lambda: R.uniform(KEY, (), "int32"), DTypeError, r"\[uniform\] dtype: .*int32"),
    (lambda: R.normal(KEY, (), "int32"), DTypeError, r"\[normal\] dtype: .*int32"),
    (lambda: R.bits(KEY, (), "int32"), DTypeError, r"\[bits\] dtype: .*int32"),
    (lambda: R.randint(KEY, (), 0, 3, "float32"), DTypeError, r"\[randint\] dtype: .*float32"),
    (lambda: R.randint(KEY, (), 3, 3), ArgumentError, r"\[randint\] expected minval < maxval"),
    (lambda: R.randint(KEY, (), 0.5, 3), DTypeError, r"\[randint\] minval: expected integers"),
    (
        lambda: R.uniform(KEY, (2,), minval=rt.ones(3)),
        ShapeError,
        r"\[uniform\] minval: shape \(3,\) does not broadcast to \(2,\)",
    ),
    (
        lambda: R.uniform(KEY, (), maxval=rt.ones(3)),
        ShapeError,
        r"\[uniform\] maxval: shape \(3,\) does not broadcast to \(\)",
    ),
    (lambda: R.bernoulli(KEY, rt.ones(2, dtype="int32")), DTypeError, r"\[bernoulli\] p: "),
    (lambda: R.categorical(KEY, LOGITS, axis=2), ShapeError, r"\[categorical\] axis 2"),
    (lambda: R.categorical(KEY, LOGITS, shape=(3,)), ShapeError, r"\[categorical\] shape: \(3,\)"),
    (lambda: R.permutation(KEY, 2.5), ArgumentError, r"\[permutation\] x: "),
    (lambda: R.permutation(KEY, rt.ones(3), 1), ShapeError, r"\[permutation\] axis 1"),
    (lambda: R.choice(KEY, 3, (4,), replace=False), ArgumentError, r"\[choice\] cannot draw 4"),
    (lambda: R.choice(KEY, 3, (4,), p=rt.ones(2)), ShapeError, r"\[choice\] p: "),
    (lambda: R.key(1.5), ArgumentError, r"\[key\] seed: "),
    (lambda: R.key(2**64), ArgumentError, r"\[key\] seed: "),
    (lambda: R.fold_in(KEY, -1), ArgumentError, r"\[fold_in\] data: "),
    (lambda: R.fold_in(KEY, rt.arange(2)), ArgumentError, r"\[fold_in\] data: .*vmap"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=[m for *_, m in ERRORS])
def test_errors(call: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_keys_may_be_numpy_arrays() -> None:
    same(rt.random.bits(np.asarray(KEY), (3,)), rt.random.bits(KEY, (3,)))
