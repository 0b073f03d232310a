"""Streams of keys, keys used twice, and the functions that only name keys."""

import pickle
import sys
import threading
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, ConcretizationError, KeyReuseError

R = rt.random


# ---- keys ----------------------------------------------------------------------------------------


def test_keys_are_their_words() -> None:
    key = R.key(7)
    assert R.key_data(key) is key
    assert R.wrap_key_data(np.asarray([0, 7], np.uint32), impl="threefry2x32").tolist() == [0, 7]
    assert R.key_impl(R.split(key)) == "threefry2x32"
    assert R.clone(key) is key


# ---- streams -------------------------------------------------------------------------------------


def test_a_stream_is_fold_in_of_the_count() -> None:
    keys, base = R.KeyStream(5), R.key(5)
    expected = [R.fold_in(base, i).tolist() for i in range(6)]
    found = [next(keys).tolist(), keys().tolist(), *keys(3).tolist(), next(keys).tolist()]
    assert found == expected
    assert keys.taken == 6
    assert keys(0).shape == (0, 2)
    assert R.KeyStream(base)(6).tolist() == expected


def test_a_stream_is_pickled_where_it_is() -> None:
    keys = R.KeyStream(R.key(5))
    keys(4)
    again = pickle.loads(pickle.dumps(keys))
    assert repr(again) == "KeyStream([0, 5], taken=4)"
    assert next(again).tolist() == next(keys).tolist()


def test_a_stream_from_outside_is_refused_under_jit() -> None:
    keys = R.KeyStream(0)
    with pytest.raises(ConcretizationError, match=r"\[KeyStream\] .*outside .*under jit"):
        rt.jit(lambda x: x + R.normal(next(keys)))(1.0)
    with pytest.raises(ConcretizationError, match="KeyStream"):
        rt.jit(lambda x: x + keys(2).sum())(1.0)
    assert keys.taken == 0
    with pytest.raises(Exception, match="KeyStream"):
        rt.jit(lambda keys: R.normal(next(keys)))(keys)


def test_a_stream_of_a_traced_key_works_under_jit() -> None:
    @rt.jit
    def two(key: Any) -> Any:
        keys = R.KeyStream(key)
        return R.normal(next(keys)), R.normal(keys())

    expected = [float(R.normal(R.fold_in(R.key(3), i))) for i in range(2)]
    assert [float(x) for x in two(R.key(3))] == pytest.approx(expected)


def test_a_stream_under_grad_and_vmap() -> None:
    keys = R.KeyStream(0)
    rt.grad(lambda x: x * R.normal(next(keys)))(2.0)
    rt.vmap(lambda x: x * R.normal(next(keys)))(rt.ones(3))
    assert keys.taken == 2


def test_what_makes_no_stream() -> None:
    with pytest.raises(ArgumentError, match="seed"):
        R.KeyStream("seed")
    with pytest.raises(ArgumentError, match=r"\[KeyStream\] key: "):
        R.KeyStream(rt.ones(2))
    for n in (-1, True, 2.0):
        with pytest.raises(ArgumentError, match=rf"\[KeyStream\] n: .*{n}"):
            R.KeyStream(0)(n)
    assert R.KeyStream(0)(np.int64(2)).tolist() == R.KeyStream(0)(2).tolist()


# ---- keys used twice (the check is on in all tests) ----------------------------------------------


def test_the_second_use_is_an_error_that_names_both_lines() -> None:
    key = R.key(1)
    R.normal(key)  # the first use
    with pytest.raises(KeyReuseError) as caught:
        R.uniform(key)  # the second use
    message = str(caught.value)
    assert message.startswith("[uniform] the key [0, 1] was used before, by normal at ")
    assert "# the first use" in message
    assert message.endswith("# the second use")


USES: list[Any] = [
    R.split, R.bits, R.uniform, R.normal, R.gumbel, R.maxwell, R.rademacher,
    lambda k: R.normal(k, (2,), "complex64"),
    lambda k: R.randint(k, (2,), 0, 5),
    lambda k: R.truncated_normal(k, -1, 1),
    lambda k: R.permutation(k, 5),
    lambda k: R.choice(k, 5),
    lambda k: R.categorical(k, rt.zeros(3)),
    lambda k: R.gamma(k, 2.0),
    lambda k: R.beta(k, 2.0, 2.0),
    lambda k: R.poisson(k, 2.0),
    lambda k: R.binomial(k, 2, 0.5),
    lambda k: R.multinomial(k, 2, rt.ones(3)),
    lambda k: R.ball(k, 2),
    lambda k: R.wald(k, 2.0),
    lambda k: rt.vmap(lambda x: x * R.normal(k))(rt.ones(2)),
    lambda k: rt.grad(lambda x: x * R.normal(k))(1.0),
]  # fmt: skip


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
def test_all_samplers_use_their_key_up_and_no_key_twice(use: Any) -> None:
    key = R.key(11)
    use(key)
    with pytest.raises(KeyReuseError):
        use(key)


def test_keys_of_lanes() -> None:
    keys = R.split(R.key(1), 3)
    rt.vmap(R.normal)(keys)
    with pytest.raises(KeyReuseError):
        R.uniform(keys[2])
    with pytest.raises(KeyReuseError):
        rt.vmap(rt.vmap(R.bits, in_axes=1))(keys.reshape(1, 3, 2).transpose(0, 2, 1))
    rt.vmap(lambda a: R.gamma(R.key(5), a))(rt.ones(3))  # one key in all lanes
    with pytest.raises(KeyReuseError, match=r"\[normal\] two lanes of vmap have the key \[0, 9\]"):
        rt.vmap(R.normal)(rt.stack([R.key(8), R.key(9), R.key(9)]))


def test_what_is_no_second_use() -> None:
    key = R.key(1)
    assert R.fold_in(key, 0).tolist() != R.fold_in(key, 1).tolist()
    x = R.normal(key)
    assert float(R.normal(R.clone(key))) == float(x)
    with pytest.raises(KeyReuseError):
        R.normal(key)
    step = rt.jit(lambda key: R.normal(key))
    step(R.key(2)), step(R.key(2))  # compiled code is not checked
    constant = R.key(3)
    inside = rt.jit(lambda x: x * R.normal(constant))
    inside(1.0), inside(rt.ones(3))


def test_the_switch() -> None:
    key = R.key(1)
    with R.check_key_reuse(False):
        R.normal(key), R.normal(key)
    with R.check_key_reuse():
        R.normal(key)
        with R.check_key_reuse():  # begins anew
            R.normal(key)
        with pytest.raises(KeyReuseError):
            R.normal(key)
    R.normal(key)  # that of the test begins where it was
    with pytest.raises(KeyReuseError):
        R.normal(key)


def test_long_programs_forget_early_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    from rtorch.random import reuse

    monkeypatch.setattr(reuse, "_REMEMBERED", 2)
    for seed in (1, 2, 3, 1):
        R.normal(R.key(seed))
    with pytest.raises(KeyReuseError):
        R.normal(R.key(3))


def test_threads_that_share_a_stream_get_different_keys() -> None:
    keys, found = rt.random.KeyStream(0), []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        work = lambda: found.extend(tuple(next(keys).tolist()) for _ in range(100))  # noqa: E731
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(set(found)) == len(found) == keys.taken == 400
