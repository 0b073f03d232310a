"""jit: the hit path, donation, memory of results, threads, what it reports."""

import copy
import dataclasses
import threading
import warnings
from typing import NamedTuple

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, ConcretizationError, DonatedError, DTypeError


def counted(function, **options):
    """A jitted function and the list of its stagings."""
    calls = []

    def wrapper(*args, **kwargs):
        calls.append(1)
        return function(*args, **kwargs)

    return rt.jit(wrapper, **options), calls


def test_signatures_are_told_apart_and_hits_do_not_stage():
    f, calls = counted(lambda x: x * 2)
    inputs = [1, 1.0, 1j, rt.ones(2), rt.ones(3), rt.ones(2, dtype=rt.float64), rt.asarray(2.0)]
    for _ in range(3):
        for x in inputs:
            assert f(x).dtype is rt.multiply(x, 2).dtype
            np.testing.assert_array_equal(np.asarray(f(x)), np.asarray(rt.multiply(x, 2)))
    assert len(calls) == len(inputs)
    assert f(True).dtype is rt.int64
    assert f(np.ones(2, np.float32)).tolist() == [2.0, 2.0]


def test_structures_are_told_apart():
    f, calls = counted(lambda t: rt.tree.map(lambda x: x + 1, t))
    trees = [(1.0, 2.0), [1.0, 2.0], {"a": 1.0}, {"b": 1.0}, {"a": (1.0,)}, (1.0,), (), {"a": None}]
    for _ in range(2):
        for t in trees:
            want = rt.tree.map(lambda x: x + 1, t)
            got = f(t)
            assert rt.tree.structure(got) == rt.tree.structure(want)
            assert [float(x) for x in rt.tree.leaves(got)] == rt.tree.leaves(want)
    assert len(calls) == len(trees)


def test_weak_scalars_take_the_width_of_what_they_meet():
    f = rt.jit(lambda x: x * rt.ones(2, dtype=rt.float16))
    assert [f(x).dtype for x in (2.0, rt.asarray(2.0), 2.0)] == [rt.float16, rt.float32, rt.float16]


@pytest.mark.parametrize(
    "values",
    [(2, 2.0, True, 1, 1.0), ((2,), (2.0,), (1,), (True,)), (0.0, -0.0), ("a", "b"), (None, 0)],
)
def test_static_arguments_are_told_apart(values):
    f, calls = counted(lambda x, s: (x, rt.full((), len(calls)))[1], static_argnums=1)
    first = [int(f(1.0, v)) for v in values]
    assert first == list(range(1, len(values) + 1))
    assert [int(f(1.0, v)) for v in values] == first


def test_static_by_position_and_name():
    f = rt.jit(lambda x, n, flag=True: x * n if flag else x, static_argnames=("n", "flag"))
    assert float(f(2.0, 3)) == float(f(2.0, n=3)) == 6.0
    assert float(f(2.0, 3, False)) == float(f(2.0, 3, flag=False)) == 2.0
    with pytest.raises(ArgumentError, match="hashable"):
        f(2.0, [3])
    with pytest.raises(ArgumentError, match="is an array"):
        f(2.0, rt.ones(2))
    for options in ({"static_argnums": 7}, {"static_argnames": "q"}, {"static_argnums": "a"}):
        with pytest.raises(ArgumentError):
            rt.jit(lambda x: x, **options)


def test_an_integer_too_large_is_refused_on_the_hit_path_too():
    f = rt.jit(lambda x: x + 1)
    f(1)
    with pytest.raises(DTypeError, match=r"args\[0\]"):
        f(2**70)


PROGRAMS = {
    "identity": lambda x: x,
    "twice": lambda x: (lambda y: (y, y))(rt.sin(x)),
    "constant": lambda x: (rt.ones(3), x),
    "transposed": lambda x: rt.sin(x).T,
    "transposed, reshaped": lambda x: rt.sin(x).T.reshape(-1),
    "transposed, reshaped, used": lambda x: rt.sin(x).T.reshape(-1) + 1,
    "slice": lambda x: rt.sin(x)[1:, ::2],
    "slice reshaped": lambda x: rt.sin(x)[:, ::2].reshape(-1) * 2,
    "flip": lambda x: rt.sin(x)[::-1],
    "flip reshaped": lambda x: rt.sin(x)[::-1].reshape(2, 6) * rt.cos(x).reshape(2, 6),
    "broadcast": lambda x: rt.broadcast_to(rt.sin(x)[:, None], (3, 4, 4)),
    "broadcast reshaped": lambda x: (
        rt.broadcast_to(rt.sin(x)[:, None], (3, 4, 4)).reshape(12, 4) + 1
    ),
    "dynamic slice": lambda x: rt.dynamic_slice(rt.sin(x), (1, 1), (2, 2)),
    "dynamic slice of a buffer that is used again": lambda x: (
        rt.dynamic_slice(rt.sin(x), (rt.argmax(x[:, 0]), 1), (2, 2))
        * (rt.exp(rt.cos(x) * 2) + rt.tan(x) * x)[:2, :2]
    ),
    "scatter of itself": lambda x: (lambda y: y.at[rt.asarray([2, 0, 1])].add(y))(x * 2),
    "extremes": lambda x: rt.maximum(rt.minimum(rt.sin(x), 0.5), 0.1),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("donate", [(), (0,)])
def test_results_never_share_memory_that_a_later_call_writes(name, donate, rng):
    f = PROGRAMS[name]
    g = rt.jit(f, donate_argnums=donate)
    seen = []
    for _ in range(4):
        data = rng.uniform(0.5, 1.5, (3, 4)).astype(np.float32)
        want = [np.array(y) for y in rt.tree.leaves(f(rt.asarray(data)))]
        seen.append((want, rt.tree.leaves(g(rt.asarray(data)))))
    for want, got in seen:
        for w, y in zip(want, got, strict=True):
            np.testing.assert_allclose(np.asarray(y), w, rtol=1e-6)


def test_pooled_results_are_kept_while_a_view_of_them_lives():
    f = rt.jit(lambda x: (rt.sin(x) * 2, rt.cos(x) * 3))
    x = rt.arange(40000.0)
    a, b = f(x)
    part, view = a[5:9], np.asarray(b)
    kept, copy = np.array(part), view.copy()
    del a, b
    for i in range(4):
        f(x * i)
    np.testing.assert_array_equal(np.asarray(part), kept)
    np.testing.assert_array_equal(view, copy)


def test_positions_of_donated_arguments_are_checked():
    for wrong in (1, -2, (0, 3)):
        with pytest.raises(ArgumentError, match="donate_argnums"):
            rt.jit(lambda x: x, donate_argnums=wrong)
    assert rt.jit(lambda *xs: xs[1] + 1, donate_argnums=1)(1.0, 2.0).item() == 3.0


def test_a_donated_array_says_so():
    f = rt.jit(lambda x: x * 2, donate_argnums=0)
    x = rt.arange(4.0)
    assert f(x).tolist() == [0, 2, 4, 6]
    for use in (lambda: x + 1, lambda: x.shape, lambda: repr(x), lambda: f(x),
                lambda: np.asarray(x), lambda: x[0], lambda: x.at[0].set(1.0)):  # fmt: skip
        with pytest.raises(DonatedError):
            use()


@pytest.mark.parametrize(
    "look",
    [np.asarray, lambda x: x[1:], lambda x: memoryview(np.asarray(x)), np.from_dlpack,
     lambda x: rt.reshape(x, (2, 2))],
)  # fmt: skip
def test_donation_does_not_change_what_others_see(look):
    x = rt.arange(4.0)
    other = look(x)
    before = np.array(other)
    result = rt.jit(lambda x: x * 100 + 1, donate_argnums=0)(x)
    np.testing.assert_array_equal(np.array(other), before)
    assert result.tolist() == [1, 101, 201, 301]


def test_results_take_the_memory_of_donated_arrays(rng):
    """Also where a parameter is read again after the result that may overwrite it is known."""

    def step(p, m, x):
        g = rt.sum(x @ p, axis=0)
        return p - g, 0.9 * m + g, rt.sum(p @ x)

    f = rt.jit(step, donate_argnums=(0, 1))
    p, m, x = (rt.asarray(rng.normal(size=(200, 200)).astype(np.float32)) for _ in range(3))
    want = step(p, m, x)
    places = [p._data.ctypes.data, m._data.ctypes.data]
    got = f(p, m, x)
    assert [y._data.ctypes.data for y in got[:2]] == places
    for w, y in zip(want, got, strict=True):
        np.testing.assert_allclose(np.asarray(y), np.asarray(w), rtol=1e-4)
    again = f(*got[:2], x)
    assert [y._data.ctypes.data for y in again[:2]] == places


def test_donation_of_what_is_passed_twice_of_numpy_arrays_and_of_constants():
    f = rt.jit(lambda x, y: x * 2 + y, donate_argnums=0)
    x = rt.ones(4)
    assert f(x, x).tolist() == [3.0] * 4
    mine = np.arange(4, dtype=np.float32)
    f(mine, mine), f(rt.asarray(mine, copy=False), rt.ones(4))
    assert mine.tolist() == [0, 1, 2, 3]
    c = rt.arange(3.0)
    g = rt.jit(lambda x: x + c)
    g(rt.ones(3))
    rt.jit(lambda x: x * 100, donate_argnums=0)(c)
    assert g(rt.ones(3)).tolist() == [1, 2, 3]


def in_threads(work, n=4):
    errors = []

    def run(i):
        try:
            work(i)
        except Exception as error:  # reported by the assertion below
            errors.append(repr(error))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors[0]


def test_threads_call_one_function():
    f = rt.jit(lambda x: rt.sum(rt.sin(x).T.reshape(-1) * 2 + rt.exp(rt.cos(x)).reshape(-1)))
    xs = [rt.arange(600.0).reshape(20, 30) * (i + 1) / 100 for i in range(4)]
    want = [float(f(x)) for x in xs]

    def work(i):
        for _ in range(100):
            assert float(f(xs[i])) == pytest.approx(want[i])

    in_threads(work)


def test_threads_differentiate_one_function():
    for k in range(8):
        g = rt.grad(rt.jit(lambda x, k=k: rt.sum(rt.sin(x) * rt.exp(x) * k)))
        in_threads(lambda i, g=g: g(rt.arange(5.0)))


def test_no_stale_entry_when_closing_over_a_tracer():
    box = [None]
    f = rt.jit(lambda y: y * box[0])

    def h(x):
        box[0] = x
        return f(2.0) * x

    assert [float(rt.grad(h)(x)) for x in (3.0, 4.0)] == [12.0, 16.0]
    assert rt.vmap(h)(rt.arange(3.0)).tolist() == [0, 2, 8]
    assert float(rt.jit(rt.grad(h))(5.0)) == 20.0


def test_recursion_and_jit_in_jit():
    power = rt.jit(lambda x, n: x if n == 0 else x * power(x, n - 1), static_argnums=1)
    assert float(power(2.0, 3)) == 16.0
    assert float(rt.jit(rt.jit(lambda x: rt.jit(rt.sin)(x) * 2))(0.5)) == pytest.approx(
        2 * np.sin(0.5)
    )


def test_methods():
    class Model:
        def __init__(self, k):
            self.k = k

        @rt.jit(static_argnums=0)
        def __call__(self, x):
            return x * self.k

    assert [float(Model(k)(3.0)) for k in (2, 3)] == [6.0, 9.0]


def test_an_exception_in_the_middle_of_a_plan_leaves_it_usable():
    f = rt.jit(lambda x, i: rt.sin(x)[i] * 2)
    want = f(rt.arange(3.0), rt.asarray([1])).tolist()
    with pytest.raises(IndexError):
        f(rt.arange(3.0), rt.asarray([7]))
    assert f(rt.arange(3.0), rt.asarray([1])).tolist() == want


def test_the_default_dtype_is_part_of_the_signature():
    f = rt.jit(lambda x: x * rt.zeros(2))
    assert f(1.0).dtype is rt.float32
    rt.default_dtype(rt.float64)
    try:
        assert f(1.0).dtype is rt.float64
    finally:
        rt.default_dtype(rt.float32)
    assert f(1.0).dtype is rt.float32


def test_what_it_reports():
    f = rt.jit(lambda x, n: x * n, static_argnums=1)
    f(1.0, 1), f(1.0, 1), f(rt.ones(2), 1), f(1.0, True)
    assert f.cache_info()[:2] == (1, 3)
    assert f.explain_misses().splitlines() == [
        "1. first call",
        "2. args[0] is f32[2], before f32*[]",
        "3. static argument 1 is True, before 1",
    ]
    f.clear_cache()
    assert f.cache_info().currsize == 0
    assert [e.prim.name for e in f.lower(rt.spec(3), 2).program.eqns] == ["mul"]
    assert "def run(" in f.lower(rt.spec(3), 2).as_text("plan")
    assert f.lower(rt.spec(2), 2).compile()(rt.ones(2)).tolist() == [2, 2]


def test_retracing_warns_once():
    f = rt.jit(lambda x: x)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(40):
            f(rt.zeros(n))
    (warning,) = caught
    assert "staged 32 times" in str(warning.message)
    assert warning.filename == __file__


def test_disable_jit_and_debug_run_step_by_step():
    branch = lambda x: x if x > 0 else -x  # noqa: E731 - the argument of four calls
    with pytest.raises(ConcretizationError):
        rt.jit(branch)(-1.0)
    with rt.disable_jit():
        assert float(rt.jit(branch)(-1.0)) == 1.0
    assert float(rt.jit(branch, debug=True)(-1.0)) == 1.0


def test_no_warnings_of_numpy_from_compiled_code():
    f = rt.jit(lambda x: 1 / x)
    assert np.isinf(f(np.zeros(2, np.float32)).tolist()).all()
    assert np.isinf(f(rt.zeros(2)).tolist()).all()


def test_a_workspace_that_another_thread_took():
    """Between the question whether one is spare and taking it, another thread may run."""

    class Contended(list):
        def __len__(self):
            return 1

    f = rt.jit(lambda x: rt.sin(rt.cos(x) * 2) @ x)
    x = rt.ones(4)
    expected = f(x).item()
    run = f._entries[0].__globals__["run"]
    assert run.__globals__["spare"]
    run.__globals__["spare"] = Contended()
    assert f(x).item() == expected


def test_equal_numbers_with_different_signs_are_not_shared():
    def f(x, i):
        return [x.at[i].get(mode="fill", fill_value=zero) for zero in (0.0, -0.0)]

    plus, minus = rt.jit(f)(rt.ones(2), rt.asarray(9))
    assert not np.signbit(np.asarray(plus))
    assert np.signbit(np.asarray(minus))


class Pair(NamedTuple):
    rate: float


@dataclasses.dataclass(frozen=True)
class Options:
    rate: float


@pytest.mark.parametrize("kind", [Pair, Options, lambda x: (x,), lambda x: Options(Pair(x))])
def test_static_records_of_1_and_1_0_are_different(kind):
    f = rt.jit(lambda options, x: rt.asarray(str(options) == str(kind(1))), static_argnums=0)
    for _ in range(2):
        assert f(kind(1), rt.arange(2)).item() is True
        assert f(kind(1.0), rt.arange(2)).item() is False
    assert f.cache_info().misses == 2


@pytest.mark.parametrize("make", [rt.Array.copy, copy.copy, copy.deepcopy])
def test_a_copy_stays_when_its_original_is_donated(make):
    x = rt.ones(4)
    kept = make(x)
    rt.jit(lambda x: x * 5, donate_argnums=0)(x)
    assert kept.tolist() == [1.0] * 4


def test_a_gradient_of_one_can_be_donated():
    slope = rt.grad(lambda x: x + 1)(rt.asarray(1.0))
    rt.jit(lambda x: x * 5, donate_argnums=0)(slope)
    assert float(rt.grad(lambda x: x + 1)(rt.asarray(1.0))) == 1.0


def test_slices_that_unstack_returns_keep_their_memory():
    def step(c, _):
        y = rt.concatenate([c, c + 1])
        (a,) = rt.unstack(y[1:2])  # a view of y, whose memory is not free yet
        z = rt.concatenate([c * 0, c * 0])
        w = rt.exp(z)
        return c * 0.5 + a * w[0] + w[1:], ()

    def f(x):
        return rt.scan(step, x, None, length=3)[0]

    assert rt.jit(f)(rt.ones(1)).tolist() == f(rt.ones(1)).tolist()
