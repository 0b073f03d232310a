"""scan, fori_loop, map, while_loop, cond, switch: like Python's own, under every transformation."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.core.program import check_program
from rtorch.errors import ArgumentError, ConcretizationError, DTypeError, ShapeError, TreeError

RNG = np.random.default_rng(0)
W = rt.asarray(RNG.normal(size=(3, 3)) * 0.5)
H0 = rt.asarray(RNG.normal(size=3))
XS = rt.asarray(RNG.normal(size=(5, 3)))


def close(x, y, tolerance=1e-9):
    for a, b in zip(rt.tree.leaves(x), rt.tree.leaves(y), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), tolerance, tolerance)


# ---- one function as a loop of rtorch and as Python would say it ---------------------------------


def rnn(w, h, xs, **options):
    def step(h, x):
        h = rt.tanh(w @ h + x)
        return h, (h, rt.sum(h * h))

    h, (states, norms) = rt.scan(step, h, xs, **options)
    return rt.sum(h * 1.5) + rt.sum(rt.sin(norms)) + rt.sum(states[::2] ** 3)


def rnn_in_python(w, h, xs, reverse=False, **_):
    states = [None] * len(xs)
    for i in range(len(xs))[:: -1 if reverse else 1]:
        states[i] = h = rt.tanh(w @ h + xs[i])
    norms = rt.stack([rt.sum(s * s) for s in states])
    return rt.sum(h * 1.5) + rt.sum(rt.sin(norms)) + rt.sum(rt.stack(states)[::2] ** 3)


def power(w, h, xs):
    scaled = rt.fori_loop(0, 4, lambda i, c: rt.sin(c) * w[0, 0] + i * w[0, 1], h)
    return rt.sum(scaled * xs[0])


def power_in_python(w, h, xs):
    for i in range(4):
        h = rt.sin(h) * w[0, 0] + i * w[0, 1]
    return rt.sum(h * xs[0])


def grow(w, h, xs, max_steps=None):
    """Steps until the norm is large; how many depends on the values."""
    h, n, _ = rt.while_loop(
        lambda s: rt.sum(s[0] ** 2) < 30.0,
        lambda s: (s[0] * 1.5 + rt.sin(s[0] @ w) * s[2], s[1] + 1, s[2] * 0.9),
        (h, 0, rt.asarray(1.0, rt.float64)), max_steps=max_steps,
    )  # fmt: skip
    return rt.sum(h * h) + n * rt.sum(xs)


def grow_in_python(w, h, xs):
    n, factor = 0, 1.0
    while float(rt.sum(rt.stop_gradient(h) ** 2)) < 30.0:
        h = h * 1.5 + rt.sin(h @ w) * factor
        n, factor = n + 1, factor * 0.9
    return rt.sum(h * h) + n * rt.sum(xs)


def choose(w, h, xs):
    return rt.cond(
        rt.sum(h) > 0, lambda h: rt.sum(rt.sin(h) @ w), lambda h: rt.sum(h**3) + xs[1, 1] * h[0], h
    )


def choose_in_python(w, h, xs):
    if rt.sum(h) > 0:
        return rt.sum(rt.sin(h) @ w)
    return rt.sum(h**3) + xs[1, 1] * h[0]


def pick(w, h, xs):
    """A switch inside a scan inside a cond, closing over everything."""

    def step(c, x):
        i = rt.astype(rt.abs(c[0]) * 3, rt.int64)
        y = rt.switch(i, [lambda: c * x, lambda: rt.cos(c) @ w, lambda: c + h], *())
        return rt.tanh(y), rt.sum(y)

    return rt.cond(True, lambda: rt.sum(rt.scan(step, h, xs)[1]), lambda: rt.sum(xs))


def pick_in_python(w, h, xs):
    total, c = 0.0, h
    for x in xs:
        i = min(int(rt.stop_gradient(rt.abs(c[0]) * 3).item()), 2)
        y = [lambda c, x: c * x, lambda c, x: rt.cos(c) @ w, lambda c, x: c + h][i](c, x)
        c, total = rt.tanh(y), total + rt.sum(y)
    return total


def mapped(w, h, xs):
    return rt.sum(rt.map(lambda x: rt.sum(rt.exp(x @ w) * h), xs, batch_size=2) ** 2)


def mapped_in_python(w, h, xs):
    return rt.sum(rt.stack([rt.sum(rt.exp(x @ w) * h) for x in xs]) ** 2)


def products(w, h, xs):
    matrices = rt.stack([w, w.T + rt.eye(3, dtype=w.dtype), w @ w])
    return rt.sum(rt.associative_scan(rt.matmul, matrices)[1:] @ h * xs[0])


def products_in_python(w, h, xs):
    first, second, third = w, w.T + rt.eye(3, dtype=w.dtype), w @ w
    return rt.sum(rt.stack([first @ second, first @ second @ third]) @ h * xs[0])


PAIRS = {
    "scan": (rnn, rnn_in_python),
    "scan reversed": (
        lambda *args: rnn(*args, reverse=True),
        lambda *args: rnn_in_python(*args, reverse=True),
    ),
    "scan by rounds": (lambda *args: rnn(*args, unroll=2), rnn_in_python),
    "scan unrolled": (lambda *args: rnn(*args, unroll=True), rnn_in_python),
    "fori_loop": (power, power_in_python),
    "while_loop": (grow, grow_in_python),
    "while_loop bounded": (lambda *args: grow(*args, max_steps=30), grow_in_python),
    "cond": (choose, choose_in_python),
    "switch in scan in cond": (pick, pick_in_python),
    "map": (mapped, mapped_in_python),
    "associative_scan": (products, products_in_python),
}
pairs = pytest.mark.parametrize(("loop", "python"), PAIRS.values(), ids=PAIRS)

ALL = (0, 1, 2)
TRANSFORMS = {
    "value": lambda f: f,
    "grad": lambda f: rt.grad(f, ALL),
    "jacfwd": lambda f: rt.jacfwd(f, ALL),
    "linearize": lambda f: lambda *args: rt.linearize(f, *args)[1](*args),
    "forward over reverse": lambda f: rt.jacfwd(rt.grad(f, 1), 0),
    "reverse over forward": lambda f: rt.grad(lambda *args: rt.sum(rt.jacfwd(f, 1)(*args)), 0),
    "reverse over reverse": lambda f: rt.grad(lambda *args: rt.sum(rt.grad(f, 0)(*args)), 1),
}


@pairs
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_as_python_says(loop, python, transform):
    want = transform(python)(W, H0, XS)
    close(transform(loop)(W, H0, XS), want)
    close(rt.jit(transform(loop))(W, H0, XS), want)
    close(transform(rt.jit(loop))(W, H0, XS), want)


BATCH = rt.asarray(RNG.normal(size=(4, 3)))
BATCHED = {
    "carry": ((None, 0, None), (W, BATCH, XS)),
    "constant": ((0, None, None), (rt.stack([W, W.T, W * 0.3]), H0, XS)),
    "slices": ((None, None, 1), (W, H0, rt.stack([XS, -XS, XS * 2], axis=1))),
    "all": ((0, 0, 0), (rt.stack([W, W.T]), BATCH[:2], rt.stack([XS, -XS]))),
}


@pairs
@pytest.mark.parametrize(("axes", "args"), BATCHED.values(), ids=BATCHED)
def test_lanes(loop, python, axes, args):
    size = next(a.shape[d] for a, d in zip(args, axes) if d is not None)
    lanes = [[a if d is None else rt.take(a, i, axis=d) for a, d in zip(args, axes)]
             for i in range(size)]  # fmt: skip
    want = rt.stack([python(*lane) for lane in lanes])
    close(rt.vmap(loop, axes)(*args), want)
    close(rt.jit(rt.vmap(loop, axes))(*args), want)
    close(rt.vmap(rt.jit(loop), axes)(*args), want)
    slopes = rt.stack([rt.grad(python, 1)(*lane) for lane in lanes])
    grad = rt.grad(loop, 1)
    close(rt.vmap(grad, axes)(*args), slopes)
    close(rt.jit(rt.vmap(grad, axes))(*args), slopes)
    close(rt.vmap(rt.grad(rt.jit(loop), 1), axes)(*args), slopes)
    total = rt.grad(lambda *args: rt.sum(rt.vmap(loop, axes)(*args)), 1)(*args)
    close(rt.jit(rt.grad(lambda *args: rt.sum(rt.vmap(loop, axes)(*args)), 1))(*args), total)


@pairs
def test_programs_are_well_typed(loop, python):
    for f in (loop, rt.grad(loop, ALL), rt.vmap(rt.grad(loop), (None, 0, None))):
        args = (W, rt.stack([H0]), XS) if f.__name__.startswith("vmap") else (W, H0, XS)
        check_program(rt.make_program(f)(*args))


# ---- scan ----------------------------------------------------------------------------------------


def test_scan_of_pytrees():
    def step(carry, x):
        return {"a": carry["a"] + x[0], "n": carry["n"] + 1}, (x[1], {"y": carry["a"]})

    init = {"a": rt.zeros(2), "n": 0}
    xs = (rt.ones((3, 2)), rt.arange(3))
    want = ({"a": rt.asarray([3.0, 3.0]), "n": 3},
            (rt.arange(3), {"y": rt.asarray([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])}))  # fmt: skip
    for run in (rt.scan, rt.jit(rt.scan, static_argnums=0)):
        out = run(step, init, xs)
        close(out, want)
        assert rt.tree.structure(out) == rt.tree.structure(want)


def test_scan_without_slices_or_steps():
    double = rt.jit(lambda x: rt.scan(lambda c, _: (c * 2, None), x, length=3))
    assert (int(double(1)[0]), double(1)[1]) == (8, None)
    for run in (rt.scan, rt.jit(rt.scan, static_argnums=0)):
        carry, ys = run(lambda c, x: (c + x, rt.outer(x, x)), rt.ones(2), rt.ones((0, 2)))
        assert carry.tolist() == [1, 1]
        assert ys.shape == (0, 2, 2)


def test_python_numbers_take_the_dtype_they_meet():
    xs = rt.arange(3, dtype=rt.float64)
    for run in (rt.scan, rt.jit(rt.scan, static_argnums=0)):
        carry, ys = run(lambda c, x: (c + x, c + x), 0.0, xs)
        assert (carry.dtype, ys.dtype) == (rt.float64, rt.float64)
        assert run(lambda c, x: (c + 1, c), 0, xs)[0].dtype == rt.int64


def test_eager_loops_are_python_loops(capsys):
    def step(c, x):
        if x > 0:  # known here
            print("step", c.item())
        return c * x, c

    slope = rt.grad(lambda c: rt.scan(step, c, rt.asarray([1.0, -2.0, 3.0]))[0])(2.0)
    assert float(slope) == -6
    assert capsys.readouterr().out.split() == ["step", "2.0", "step", "-4.0"]


@pytest.mark.parametrize("order", ["forward", "reverse"])
def test_effects_keep_their_order(capsys, order):
    @rt.jit
    def f(xs):
        def step(c, x):
            rt.debug.print("{}", x)
            return c + x, None

        return rt.scan(step, 0, xs, reverse=order == "reverse")[0]

    f(rt.arange(3))
    assert capsys.readouterr().out.split() == list("210" if order == "reverse" else "012")


def test_a_result_is_not_memory_of_an_operand():
    @rt.jit
    def swap(x, y):
        doubled = x * 2  # memory of the plan, used again
        (a, b), _ = rt.scan(lambda c, _: ((c[1], c[0]), None), (doubled, y), length=2)
        c = rt.cond(rt.sum(y) > 0, lambda z: z, lambda z: -z, doubled)
        d, _ = rt.while_loop(lambda s: s[1] < 0, lambda s: s, (doubled, 0))
        return a, b, c, d, rt.sin(doubled + 1)

    first = swap(rt.ones(3), rt.full(3, 5.0))
    kept = [np.array(x) for x in first]
    swap(rt.full(3, 7.0), rt.zeros(3))
    for x, y in zip(first, kept):
        np.testing.assert_array_equal(np.asarray(x), y)
    assert [float(x[0]) for x in first[:4]] == [2, 5, 2, 2]


def test_what_does_not_change_is_computed_once():
    program = rt.make_program(rt.grad(lambda w: rnn(rt.exp(w), H0, XS)))(W)
    backward = [eqn for eqn in program.eqns if eqn.prim.name == "scan"][-1]
    inside = {eqn.prim.name for eqn in backward.params["program"].eqns}
    assert "exp" not in inside
    assert "tanh" not in inside  # its result is there, the slope follows from it
    forward = next(eqn for eqn in program.eqns if eqn.prim.name == "scan")
    assert len(forward.outs) == 4  # carry, states, norms, and the carry before each step


BAD_SCANS = {
    "no pair": (lambda: rt.scan(lambda c, x: c, 0.0, XS), ArgumentError, "pair"),
    "shape": (lambda: rt.scan(lambda c, x: (x, c), 0.0, XS), ShapeError, r"carry is f32\*?\[\]"),
    "dtype": (
        lambda: rt.scan(lambda c, x: ({"a": c["a"] + x[0]}, c), {"a": rt.asarray(0)}, XS),
        DTypeError,
        r"carry\['a'\] is i64",
    ),
    "structure": (lambda: rt.scan(lambda c, x: ((c, c), x), 0.0, XS), TreeError, "structure"),
    "lengths": (
        lambda: rt.scan(lambda c, x: (c, c), 0.0, (XS, XS[1:])),
        ShapeError,
        r"xs\[0\] says 5, xs\[1\] says 4",
    ),
    "length": (lambda: rt.scan(lambda c, x: (c, c), 0.0, XS, length=3), ShapeError, "says 3"),
    "nothing": (lambda: rt.scan(lambda c, x: (c, c), 0.0), ArgumentError, "pass length"),
    "no axis": (lambda: rt.scan(lambda c, x: (c, c), 0.0, 1.0), ShapeError, "no axis"),
    "unroll": (lambda: rt.scan(rnn, 0.0, XS, unroll=0), ArgumentError, "unroll"),
    "checkpoint": (lambda: rt.scan(rnn, 0.0, XS, checkpoint="all"), ArgumentError, "checkpoint"),
}


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize(("call", "error", "text"), BAD_SCANS.values(), ids=BAD_SCANS)
def test_bad_scans(call, error, text, staged):
    with pytest.raises(error, match=rf"\[scan\](.|\n)*{text}"):
        rt.jit(call)() if staged else call()


# ---- while_loop, fori_loop -----------------------------------------------------------------------


def collatz(n):
    step = lambda n: rt.where(n % 2 == 0, n // 2, 3 * n + 1)  # noqa: E731
    return rt.while_loop(lambda s: s[0] != 1, lambda s: (step(s[0]), s[1] + 1), (n, 0))[1]


def test_lanes_end_one_by_one():
    ns = rt.arange(1, 12)
    want = [int(collatz(n)) for n in range(1, 12)]
    assert rt.vmap(collatz)(ns).tolist() == want
    assert rt.jit(rt.vmap(collatz))(ns).tolist() == want
    assert rt.vmap(rt.vmap(collatz))(ns[:4].reshape(2, 2)).tolist() == [want[:2], want[2:4]]


def test_a_finished_lane_is_not_updated():
    """Once more would make it nan, and its derivative too."""

    def halve(x):
        return rt.while_loop(lambda x: x > 1, lambda x: rt.sqrt(x - 1), x)

    xs = rt.asarray([0.5, 9.0, 2.0])
    want = [float(halve(x)) for x in xs]
    slopes = [float(rt.grad(halve)(x)) for x in xs]
    for wrap in (lambda f: f, rt.jit):
        np.testing.assert_allclose(np.asarray(wrap(rt.vmap(halve))(xs)), want, 1e-6)
        np.testing.assert_allclose(np.asarray(wrap(rt.vmap(rt.grad(halve)))(xs)), slopes, 1e-6)


def test_max_steps_stops():
    loop = lambda x: rt.while_loop(lambda x: True, lambda x: x + 1, x, max_steps=7)  # noqa: E731
    square = lambda x: loop(x) ** 2  # noqa: E731
    assert int(loop(0)) == int(rt.jit(loop)(0)) == 7
    assert float(rt.grad(square)(1.0)) == float(rt.jit(rt.grad(square))(1.0)) == 16


def test_condition_alone_differs_between_lanes():
    count = lambda n: rt.while_loop(lambda i: i < n, lambda i: i + 2, 0)  # noqa: E731
    for f in (rt.vmap(count), rt.jit(rt.vmap(count)), rt.vmap(rt.jit(count))):
        assert f(rt.asarray([0, 3, 6])).tolist() == [0, 4, 6]


def test_fori_loop_with_bounds_of_all_kinds():
    total = lambda a, b: rt.fori_loop(a, b, lambda i, c: c + i, 0)  # noqa: E731
    assert int(total(2, 5)) == int(rt.jit(total)(2, 5)) == 9
    assert int(total(rt.asarray(5), 2)) == int(rt.jit(total)(5, 2)) == 0
    assert rt.vmap(total, (None, 0))(0, rt.arange(5)).tolist() == [0, 0, 1, 3, 6]
    slope = rt.grad(lambda x: rt.fori_loop(0, rt.asarray(3), lambda i, c: c * x, 1.0))
    assert float(slope(2.0)) == float(rt.jit(slope)(2.0)) == 12
    narrow = lambda: rt.fori_loop(0, 3, lambda i, c: c + i, rt.asarray(0, rt.int8))  # noqa: E731
    assert narrow().dtype == rt.jit(narrow)().dtype == rt.int8
    start, stop = rt.asarray(0, rt.int32), np.int64(3)
    narrow = lambda: rt.fori_loop(start, stop, lambda i, c: c + i, rt.asarray(0, rt.int32))  # noqa: E731
    assert narrow().dtype == rt.jit(narrow)().dtype == rt.int32


def test_bad_calls_of_other_loops():
    with pytest.raises(ArgumentError, match=r"\[fori_loop\] unroll"):
        rt.fori_loop(0, 3, lambda i, c: c, 0.0, unroll=0)
    with pytest.raises(ShapeError, match=r"\[associative_scan\] fn must keep shapes"):
        rt.associative_scan(lambda a, b: rt.sum(a + b), XS)


VALUES = {
    "scan": lambda f: rt.scan(lambda c, x: (f(c), x), 1.0, XS),
    "scan in rounds": lambda f: rt.scan(lambda c, x: (f(c), x), 1.0, XS, unroll=2),
    "scan in segments": lambda f: rt.scan(lambda c, x: (f(c), x), 1.0, XS, checkpoint=2),
    "map": lambda f: rt.map(lambda x: f(x[0]), XS),
    "fori_loop": lambda f: rt.fori_loop(0, 3, lambda i, c: f(c), 1.0),
    "fori_loop, open": lambda f: rt.fori_loop(
        0, rt.astype(rt.sum(XS), rt.int64), lambda i, c: f(c), 1.0
    ),
    "while_loop": lambda f: rt.while_loop(lambda c: c < 3, f, 1.0),
    "cond_fun": lambda f: rt.while_loop(lambda c: f(c) > 3, lambda c: c, 1.0),
}


@pytest.mark.parametrize("call", VALUES.values(), ids=VALUES)
def test_an_error_in_the_body_names_the_function_of_the_user(call):
    def f(c):
        return c if c > 0 else -c

    with pytest.raises(ConcretizationError, match=r"\(/?.*test_loops\.py:\d+\)"):
        rt.jit(lambda: call(f))()


BAD_LOOPS = {
    "fori_loop": lambda: rt.fori_loop(0, 3, lambda i, c: c[1:], rt.ones(3)),
    "map": lambda: rt.map(rt.sin, 1.0),
    "map of nothing": lambda: rt.map(rt.sin, None),
}


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize("name", BAD_LOOPS)
def test_bad_loops_are_called_by_name(name, staged):
    call = BAD_LOOPS[name]
    with pytest.raises((ShapeError, ArgumentError), match=rf"^\[{name.split()[0]}\]"):
        rt.jit(call)() if staged else call()


BAD_WHILES = {
    "condition": (lambda: rt.while_loop(lambda c: c, lambda c: c, 1.0), DTypeError, "bool"),
    "axes": (lambda: rt.while_loop(lambda c: c > 0, lambda c: c, XS), ShapeError, "scalar"),
    "carry": (lambda: rt.while_loop(lambda c: c[0] > 0, lambda c: c[1:], H0 * H0), ShapeError, ""),
    "max_steps": (
        lambda: rt.while_loop(lambda c: c, lambda c: c, 1, max_steps=-1),
        ArgumentError,
        "max_steps",
    ),
}


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize(("call", "error", "text"), BAD_WHILES.values(), ids=BAD_WHILES)
def test_bad_whiles(call, error, text, staged):
    with pytest.raises(error, match=rf"\[while_loop\](.|\n)*{text}"):
        rt.jit(call)() if staged else call()


# ---- cond, switch --------------------------------------------------------------------------------


def counted(calls, name, function):
    def run(x):
        rt.debug.callback(lambda: calls.append(name))
        return function(x)

    return run


def test_only_the_chosen_branch_runs():
    calls = []
    yes, no = counted(calls, "yes", rt.sin), counted(calls, "no", rt.cos)
    f = lambda x: rt.cond(x > 0, yes, no, x)  # noqa: E731
    f(1.0), rt.jit(f)(-1.0)
    assert calls == ["yes", "no"]


@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit], ids=["eager", "jit"])
def test_only_branches_that_a_lane_asks_for_run(wrap):
    calls = []
    branches = [counted(calls, name, f) for name, f in
                (("sin", rt.sin), ("cos", rt.cos), ("exp", rt.exp))]  # fmt: skip
    f = wrap(rt.vmap(lambda i, x: rt.switch(i, branches, x)))
    out = f(rt.asarray([2, 0, 2]), rt.asarray([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(np.asarray(out), [1, np.sin(1), np.exp(1)], 1e-6)
    assert set(calls) == {"sin", "exp"}
    calls.clear()
    f(rt.asarray([1, 1, 1]), rt.zeros(3))
    assert set(calls) == {"cos"}


def test_derivative_of_a_branch_not_taken_does_not_matter():
    f = lambda x: rt.cond(x > 0, rt.log, lambda x: x**2, x)  # noqa: E731
    xs = rt.asarray([-2.0, 0.5, 0.0])
    for wrap in (lambda f: f, rt.jit):
        assert wrap(rt.vmap(rt.grad(f)))(xs).tolist() == [-4, 2, 0]


def test_an_index_out_of_range_is_clamped():
    f = lambda i: rt.switch(i, [lambda: 10, lambda: 20, lambda: 30])  # noqa: E731
    for g in (f, rt.jit(f)):
        assert [int(g(i)) for i in (-5, 0, 2, 9)] == [10, 10, 30, 30]
        assert int(g(rt.asarray(2**63 + 1, rt.uint64))) == 30  # more than int64 holds


def test_branches_with_python_numbers():
    f = rt.jit(lambda x: rt.cond(x > 0, lambda x: x, lambda x: 0.0, x))
    assert f(rt.asarray(-1.0, rt.float64)).dtype == rt.float64


BAD_CONDS = {
    "axes": (lambda: rt.cond(H0, rt.sin, rt.cos, 1.0), ShapeError, "scalar"),
    "callable": (lambda: rt.cond(True, 1.0, rt.cos, 1.0), ArgumentError, "function"),
    "no branch": (lambda: rt.switch(0, [], 1.0), ArgumentError, "sequence"),
    "index": (lambda: rt.switch(0.5, [rt.sin, rt.cos], 1.0), DTypeError, "integer"),
}


@pytest.mark.parametrize(("call", "error", "text"), BAD_CONDS.values(), ids=BAD_CONDS)
def test_bad_conds(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    ("other", "error"),
    [(lambda x: (x, x), TreeError), (lambda x: x[1:], ShapeError),
     (lambda x: x > 0, DTypeError)],
)  # fmt: skip
def test_branches_must_agree(other, error):
    with pytest.raises(error, match=r"\[cond\]"):
        rt.jit(lambda p: rt.cond(p, rt.sin, other, rt.ones(3)))(True)
    with pytest.raises(error, match=r"\[cond\]"):
        rt.vmap(lambda p: rt.cond(p, rt.sin, other, rt.ones(3)))(rt.asarray([True, False]))


# ---- debug_nans ---------------------------------------------------------------------------------


def spoilt(x):
    return rt.sqrt(x)  # the culprit


NAN_LOOPS = {
    "scan": lambda x: rt.scan(lambda c, x: (c - x, spoilt(c - x)), 1.0, x)[1],
    "while_loop": lambda x: rt.while_loop(
        lambda c: c > -1, lambda c: c - x[0] + 0 * spoilt(c), 1.0
    ),
    "cond": lambda x: rt.cond(x[0] > 0, lambda x: spoilt(-x), rt.sin, x),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("loop", NAN_LOOPS.values(), ids=NAN_LOOPS)
def test_a_nan_inside_is_found(loop):
    x = rt.asarray([0.7, 0.8])
    for f in (loop, rt.jit(loop), rt.jit(rt.jacrev(loop)), rt.vmap(loop), rt.jit(rt.vmap(loop))):
        batched = rt.stack([x, x]) if "vmap" in getattr(f, "__name__", "") else x
        with rt.debug_nans(), pytest.raises(rt.errors.NanError, match=r"'sqrt' made(.|\n)*culprit"):
            f(batched)


# ---- linear loops --------------------------------------------------------------------------------


def test_transposes():
    def loop(xs):
        """A linear loop with a counter, which is not linear, and a constant."""

        def step(carry, x):
            c, i = carry
            c = c * i + W @ x
            return (c, i + 1.0), c[0]

        (c, _), ys = rt.scan(step, (rt.zeros(3, dtype=rt.float64), rt.asarray(1.0)), xs)
        return c, ys

    cts = (H0, XS[:, 0])
    want = rt.vjp(loop, XS)[1](cts)
    close(rt.linear_transpose(loop, XS)(cts), want)
    close(rt.linear_transpose(rt.jit(loop), XS)(cts), want)
    twice = lambda x: rt.cond(True, lambda x: 3 * x, lambda x: -x, x)  # noqa: E731
    close(rt.linear_transpose(rt.jit(twice), H0)(H0), (3 * H0,))


@pytest.mark.parametrize("length", [0, 1, 3])
@pytest.mark.parametrize("first", [True, False])
def test_a_carry_that_ends_as_a_constant(length, first):
    """Its tangent is carried all the same, and without steps it is the result."""

    def step(c, _):
        return rt.ones(()), c * 2.0

    def in_branch(x):
        return rt.scan(step, x, length=length)[0]

    def function(x):
        return rt.cond(rt.asarray(first), in_branch, lambda x: rt.ones(()), x)

    x, slope = rt.asarray(3.0), float(first and length == 0)
    for f in (function, rt.jit(function)):
        assert rt.grad(f)(x) == slope
        assert rt.jvp(f, (x,), (rt.ones(()),))[1] == slope
    assert rt.jit(rt.grad(function))(x) == slope
    assert rt.jit(lambda x: rt.jvp(function, (x,), (rt.ones(()),))[1])(x) == slope


# ---- against JAX ---------------------------------------------------------------------------------


def test_as_jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        check_against(jax)


def check_against(jax):
    jnp = jax.numpy
    w, h, xs = (np.asarray(x) for x in (W, H0, XS))

    def theirs(w, h, xs):
        def step(h, x):
            h = jnp.tanh(w @ h + x)
            return h, (h, jnp.sum(h * h))

        h, (states, norms) = jax.lax.scan(step, h, xs, reverse=True)
        return jnp.sum(h * 1.5) + jnp.sum(jnp.sin(norms)) + jnp.sum(states[::2] ** 3)

    ours = rt.grad(lambda *args: rnn(*args, reverse=True), ALL)(W, H0, XS)
    close(ours, jax.grad(theirs, ALL)(w, h, xs))
    matrices = RNG.normal(size=(5, 2, 2))
    for reverse in (False, True):
        close(
            rt.associative_scan(rt.matmul, rt.asarray(matrices), reverse=reverse),
            jax.lax.associative_scan(jnp.matmul, jnp.asarray(matrices), reverse=reverse),
        )
