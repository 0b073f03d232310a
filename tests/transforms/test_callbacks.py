"""`pure_callback` and `io_callback`: Python functions inside transformed ones."""

import threading

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError, TreeError


def both(f, *args):
    """The result eagerly and under jit, which must be equal."""
    eager, compiled = f(*args), rt.jit(f)(*args)
    for a, b in zip(rt.tree.leaves(eager), rt.tree.leaves(compiled), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    return eager


# ---- pure_callback -------------------------------------------------------------------------------


def test_pytrees_go_in_and_out():
    def host(pair, *, scale, note):
        assert isinstance(pair["a"], np.ndarray)
        assert note == "text"
        return {"sum": pair["a"] + pair["b"][0], "scaled": (pair["a"] * scale,), "none": None}

    spec = {"sum": rt.spec(2), "scaled": (rt.spec(2),), "none": None}

    def f(a, b):
        return rt.pure_callback(host, spec, {"a": a, "b": [b]}, scale=np.float32(2), note="text")

    out = both(f, rt.asarray([1.0, 2.0]), rt.ones(2))
    assert out["sum"].tolist() == [2.0, 3.0]
    assert out["scaled"][0].tolist() == [2.0, 4.0]
    assert out["none"] is None


def test_the_function_owns_its_arguments():
    def host(x):
        x[:] = 7
        return x

    x = rt.ones(3)
    f = rt.jit(lambda x: (rt.pure_callback(host, rt.spec(3), x * 2), x * 2))
    for _ in range(2):
        got, twice = f(x)
        assert got.tolist() == [7.0] * 3
        assert twice.tolist() == [2.0] * 3
    assert x.tolist() == [1.0] * 3


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64", "complex64", "int8", "bool"])
def test_dtypes(dtype):
    x = rt.ones((2, 2), dtype)
    out = both(lambda x: rt.pure_callback(lambda a: a.T, rt.spec((2, 2), dtype), x), x)
    assert out.dtype == x.dtype


def test_arrays_without_axes_numbers_and_own_arrays_as_results():
    spec = (rt.spec(()), rt.spec((), rt.int32), rt.spec((), rt.bool), rt.spec(2))
    out = both(
        lambda x: rt.pure_callback(lambda x: (1.5, 2, True, rt.ones(2)), spec, x), rt.ones(1)
    )
    assert [y.tolist() for y in out] == [1.5, 2, True, [1.0, 1.0]]


def test_no_arguments_and_no_results():
    assert rt.jit(lambda: rt.pure_callback(lambda: 3, rt.spec((), rt.int64)))().tolist() == 3
    assert rt.pure_callback(lambda x: None, None, rt.ones(1)) is None


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (lambda x: x[:1], ShapeError, r"shape \(1,\), result_spec says \(3,\)"),
        (lambda x: x.astype(np.float64), DTypeError, "dtype float64, result_spec says float32"),
        (lambda x: (x, x), TreeError, "result_spec"),
        (lambda x: None, TreeError, "result_spec"),
        (lambda x: "text", ArgumentError, "must be an array"),
        (lambda x: 1.0, ArgumentError, "must be an array"),
    ],
)
def test_wrong_results(result, error, message):
    def f(x):
        return rt.pure_callback(result, rt.spec(3), x)

    for call in (f, rt.jit(f)):
        with pytest.raises(error, match=message) as info:
            call(rt.ones(3))
        assert "pure_callback" in str(info.value)


def test_a_wrong_number():
    with pytest.raises(DTypeError, match=r"float 1\.5"):
        rt.pure_callback(lambda: 1.5, rt.spec((), rt.int32))


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="expected a function"):
        rt.pure_callback(3, rt.spec(3))
    with pytest.raises(ArgumentError, match="vmap_method"):
        rt.pure_callback(abs, rt.spec(3), rt.ones(3), vmap_method="fast")


def test_exceptions_keep_their_traceback():
    def host(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as info:
        rt.jit(lambda x: rt.pure_callback(host, rt.spec(3), x) + 1)(rt.ones(3))
    assert [entry.name for entry in info.traceback][-1] == "host"


def test_it_is_dropped_when_nothing_reads_it():
    calls = []

    def f(x):
        rt.pure_callback(lambda x: calls.append(1) or x, rt.spec(3), x)
        return x + 1

    rt.jit(f)(rt.ones(3))
    assert not calls


@pytest.mark.parametrize("method", ["sequential", "expand_dims", "broadcast_all"])
def test_vmap_is_a_loop(method):
    shapes = []

    def host(x, y):
        shapes.append((x.shape, y.shape))
        return np.asarray(x * np.sum(y, -1))

    def f(x, y):
        return rt.pure_callback(host, rt.spec(()), x, y, vmap_method=method)

    xs, y = rt.arange(3.0), rt.asarray([1.0, 2.0])
    expected = [float(f(x, y)) for x in xs]
    shapes.clear()
    out = both(rt.vmap(f, (0, None)), xs, y)
    assert out.tolist() == expected
    per_call = {
        "sequential": [((), (2,))] * 3,
        "expand_dims": [((3,), (1, 2))],
        "broadcast_all": [((3,), (3, 2))],
    }[method]
    assert shapes == per_call * 2


@pytest.mark.parametrize("method", ["sequential", "expand_dims", "broadcast_all"])
def test_nested_vmap(method):
    def f(x, y):
        return rt.pure_callback(np.multiply, rt.spec(()), x, y, vmap_method=method)

    xs, ys = rt.arange(3.0), rt.arange(4.0)
    outer = rt.vmap(rt.vmap(f, (None, 0)), (0, None))
    np.testing.assert_array_equal(np.asarray(both(outer, xs, ys)), np.outer(xs, ys))


def test_legacy_vectorized_gives_no_axis_to_what_is_not_batched():
    def host(x, y):
        assert (x.shape, y.shape) == ((3,), ())
        return x * y

    def f(x, y):
        return rt.pure_callback(host, rt.spec(()), x, y, vmap_method="legacy_vectorized")

    assert rt.vmap(f, (0, None))(rt.ones(3), 2.0).tolist() == [2.0] * 3


def test_vmap_needs_a_method():
    with pytest.raises(MissingRuleError, match="vmap_method"):
        rt.vmap(lambda x: rt.pure_callback(np.sin, rt.spec(()), x))(rt.ones(3))


def test_no_derivative():
    def f(x):
        return rt.pure_callback(np.sin, rt.spec(()), x)

    for transformed in (rt.grad(f), rt.jit(rt.grad(f)), rt.grad(rt.jit(f))):
        with pytest.raises(MissingRuleError, match="custom_jvp"):
            transformed(1.0)
    with pytest.raises(MissingRuleError, match="stop_gradient"):
        rt.jvp(f, (1.0,), (1.0,))


def test_zero_tangents_and_integers_are_fine():
    def f(x):
        held = rt.pure_callback(np.sin, rt.spec(()), rt.stop_gradient(x))
        count = rt.pure_callback(lambda x: int(x), rt.spec((), rt.int32), x)
        return x * held * count

    expected = float(np.sin(np.float32(3.0))) * 3
    for transformed in (rt.grad(f), rt.jit(rt.grad(f)), rt.grad(rt.jit(f))):
        np.testing.assert_allclose(float(transformed(3.0)), expected, rtol=1e-6)


def test_threads():
    f = rt.jit(lambda x: rt.pure_callback(lambda x: x + 1, rt.spec(100), x * 2) * 3)
    wrong = []

    def work(k):
        results = [f(rt.full(100, float(k))).tolist() for _ in range(50)]
        wrong.extend(y for y in results if y != [(2.0 * k + 1) * 3] * 100)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


# ---- io_callback ---------------------------------------------------------------------------------


def test_it_is_kept_and_in_order():
    seen = []

    @rt.jit
    def f(x):
        rt.io_callback(lambda x: seen.append(("a", float(x))), None, x)
        n = rt.io_callback(lambda: len(seen), rt.spec((), rt.int32), ordered=True)
        rt.io_callback(lambda x: seen.append(("b", float(x))), None, x * 2)
        return n

    assert int(f(1.0)) == 1
    assert int(f(2.0)) == 3
    assert seen == [("a", 1.0), ("b", 2.0), ("a", 2.0), ("b", 4.0)]


def test_equal_calls_are_both_made():
    seen = []

    @rt.jit
    def f(x):
        for _ in range(2):
            rt.io_callback(seen.append, None, x)
        return x

    f(1.0)
    assert len(seen) == 2


def test_under_vmap_and_grad():
    seen = []

    def f(x):
        n = rt.io_callback(lambda x: seen.append(float(x)) or len(seen), rt.spec((), rt.int32), x)
        return x * x, n

    _, n = rt.vmap(f)(rt.arange(3.0))
    assert seen == [0.0, 1.0, 2.0]
    assert n.tolist() == [1, 2, 3]
    seen.clear()
    slope, count = rt.jit(rt.grad(f, has_aux=True))(3.0)
    assert (float(slope), int(count), seen) == (6.0, 1, [3.0])


def test_ordered_refuses_vmap():
    with pytest.raises(MissingRuleError, match="ordered"):
        rt.vmap(lambda x: rt.io_callback(print, None, x, ordered=True))(rt.ones(3))


def test_float_results_have_no_derivative():
    with pytest.raises(MissingRuleError, match="io_callback"):
        rt.grad(lambda x: rt.io_callback(np.sin, rt.spec(()), x))(1.0)


def test_inside_a_loop_of_the_program():
    seen = []

    def body(carry, x):
        n = rt.io_callback(lambda x: seen.append(float(x)) or len(seen), rt.spec((), rt.int32), x)
        return carry + n, n

    def f(xs):
        return rt.scan(body, rt.asarray(0, rt.int32), xs)

    for run in (f, rt.jit(f), lambda xs: rt.jit(f)(xs)):
        seen.clear()
        total, ns = run(rt.arange(3.0))
        assert seen == [0.0, 1.0, 2.0]
        assert (int(total), ns.tolist()) == (6, [1, 2, 3])


def test_inside_a_branch_of_the_program():
    seen = []

    def note(text):
        def branch(x):
            rt.io_callback(lambda x: seen.append((text, float(x))), None, x)
            return x * 2

        return branch

    def f(flag, x):
        return rt.cond(flag, note("yes"), note("no"), x)

    for run in (f, rt.jit(f)):
        seen.clear()
        run(True, rt.asarray(1.0)), run(False, rt.asarray(2.0))
        assert seen == [("yes", 1.0), ("no", 2.0)]


def test_pure_callback_inside_a_loop():
    def f(xs):
        def body(c, x):
            return c + rt.pure_callback(lambda x: np.square(x), rt.spec(()), x), c

        return rt.scan(body, 0.0, xs)[0]

    assert float(both(f, rt.arange(4.0))) == 14.0


@pytest.mark.parametrize("method", ["sequential", "expand_dims", "broadcast_all"])
def test_jax_gives_the_same_shapes_to_the_function(method):
    jax = pytest.importorskip("jax")
    seen = []

    def host(x, y):
        seen.append((np.shape(x), np.shape(y)))
        return np.asarray(x) * np.asarray(y)

    def shapes(callback, vmap, spec, *args):
        seen.clear()
        vmap(lambda a, b: callback(host, spec, a, b, vmap_method=method), (0, None))(*args)
        return list(seen)

    x, y = np.ones(3, np.float32), np.ones((), np.float32)
    theirs = shapes(jax.pure_callback, jax.vmap, jax.ShapeDtypeStruct((), np.float32), x, y)
    ours = shapes(rt.pure_callback, rt.vmap, rt.spec(()), rt.asarray(x), rt.asarray(y))
    assert ours == theirs


def test_a_loop_that_reverse_mode_runs_again():
    """A print acts once; what has results cannot, for they are needed."""

    def slope(act, **options):
        def step(s):
            return s[0] + 1, s[1] * 1.5 * act(rt.stop_gradient(s[1]))

        def loop(x):
            return rt.while_loop(lambda s: s[0] < 2, step, (0, x), **options)[1]

        return rt.jit(rt.grad(loop))(1.0)

    seen = []

    def one(x):
        seen.append(float(x))
        return np.float32(1)

    def act(x):
        return rt.io_callback(one, rt.spec((), rt.float32), x)

    with pytest.raises(ArgumentError, match=r"\[while_loop\].*'io_callback'.*max_steps"):
        slope(act)
    assert not seen
    assert float(slope(act, max_steps=3)) == 2.25
    assert seen == [1.0, 1.5]


def test_a_print_in_a_loop_that_reverse_mode_runs_again(capsys):
    def step(s):
        rt.debug.print("step {}", s[0])
        return s[0] + 1, s[1] * 1.5

    loop = lambda x: rt.while_loop(lambda s: s[0] < 2, step, (0, x))[1]  # noqa: E731
    assert float(rt.jit(rt.grad(loop))(1.0)) == 2.25
    assert capsys.readouterr().out == "step 0\nstep 1\n"
