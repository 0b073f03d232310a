"""Programs on which a transformation was once wrong, mostly found by `test_random_programs.py`."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.testing import assert_close, check_grads

F64 = rt.float64


def x(*shape):
    """Numbers between -1.5 and 1.5, all different."""
    n = int(np.prod(shape))
    return rt.asarray(np.random.default_rng(n).permutation(n).reshape(shape) * 3 / max(n, 1) - 1.4)


def agrees(f, *xs, order=2):
    """Compiled, batched and differentiated, `f` is what it is eagerly."""

    def loss(*xs):
        return sum([rt.sum(rt.sin(y)) for y in f(*xs)])

    everything = tuple(range(len(xs)))
    assert_close(list(rt.jit(f)(*xs)), list(f(*xs)))
    check_grads(f, xs, order)
    for compiled in (rt.jit(rt.grad(loss, everything)), rt.grad(rt.jit(loss), everything)):
        assert_close(compiled(*xs), rt.grad(loss, everything)(*xs))
    _, dots = rt.jvp(f, xs, xs)
    assert_close(list(rt.jvp(rt.jit(f), xs, xs)[1]), list(dots))
    batch = [rt.stack([a, 0.5 * a]) for a in xs]
    lanes = zip(f(*xs), f(*[0.5 * a for a in xs]), strict=True)
    wanted = [rt.stack(column) for column in lanes]
    assert_close(list(rt.vmap(f)(*batch)), wanted)
    assert_close(list(rt.jit(rt.vmap(f))(*batch)), wanted)


# ---- loops ---------------------------------------------------------------------------------------


def test_result_of_a_scan_that_does_not_change_from_step_to_step():
    agrees(lambda a, b: (rt.map(lambda _: rt.sigmoid(b), a),), x(4), x())
    agrees(lambda a, b: rt.scan(lambda c, y: (rt.tanh(c + y), rt.sin(b)), a[0], a), x(4), x(2))


def test_carry_that_does_not_depend_on_the_carry():
    agrees(lambda a: rt.scan(lambda c, _: (rt.sin(a), c), a, None, length=3), x(3))
    agrees(lambda a: rt.scan(lambda c, y: (rt.tanh(a), y), a, a), x(3, 3))


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_while_loop_whose_body_gives_a_constant(limit):
    def f(a):
        body = lambda s: (s[0] + 1, rt.atan(a))  # noqa: E731
        return rt.while_loop(lambda s: s[0] < limit, body, (0, a))[1:]

    agrees(f, x(2))


def test_unrolled_scan_over_slices_without_elements():
    def f(a, b):
        return rt.scan(lambda c, y: (rt.tanh(c + rt.sum(y)), rt.sin(b)), a, a, unroll=2)

    agrees(f, x(4, 0), x(3))


# ---- plans ---------------------------------------------------------------------------------------


def test_slices_keep_the_memory_of_their_array():
    """A later operation wrote into the buffer whose slices were results."""

    def f(a):
        b = rt.sum(a) + rt.zeros((1, 4), dtype=F64)
        return rt.unstack(b, axis=-2)[-1], b.at[:0, ...].divide(1.5 + rt.tanh(rt.inner(a, a)))

    agrees(f, x(2))
    agrees(lambda a: (*rt.unstack(rt.sin(a) * 2.0), rt.sin(a) * 3.0 + 1.0), x(2, 3))


def test_one_index_that_wraps_around_makes_no_view():
    """Of a matrix it did, whose memory the next call wrote to."""
    row = rt.jit(lambda a, i: rt.take(rt.sin(a), i, axis=0, mode="wrap"))
    first = row(x(3, 2), 4)
    row(x(3, 2) * 0.0, 4)
    assert_close(first, rt.sin(x(3, 2))[1])


# ---- custom rules --------------------------------------------------------------------------------


LOOPS = {
    "scan": lambda a: rt.scan(lambda c, y: (rt.sin(c) * y, rt.cos(c)), a, rt.stack([a, a]))[1],
    "no steps": lambda a: rt.fori_loop(1, 1, lambda i, c: c, a) * a,
    "while": lambda a: rt.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, s[1] * a), (0, a))[1],
    "cond": lambda a: rt.cond(rt.sum(a) > 0.1, lambda a: a * a, rt.sin, a),
    "cond closing over": lambda a: rt.cond(rt.sum(a) < 0.1, lambda: a * a, lambda: rt.sin(a)),
    "switch": lambda a: rt.switch(rt.sum(a > 0), [lambda a: a, rt.sin, rt.cos], a),
    "map": lambda a: rt.map(lambda y: rt.sin(y) * rt.sum(a), a),
    "checkpoint": rt.checkpoint(lambda a: rt.sin(a) * rt.sum(a)),
    "jit in a branch": lambda a: rt.cond(
        rt.sum(a) > 9.0, lambda a: a, lambda a: rt.jit(lambda b, c: c * rt.sin(c))(a, a), a
    ),
    "while in fori": lambda a: rt.fori_loop(
        1, 3, lambda i, c: LOOPS["while"](a) + rt.sin(c), a, unroll=1
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_and_branches_inside_a_rule(name):
    """A rule's loop computes values and tangents; the tape took the values for tangents too."""
    g = rt.custom_jvp(LOOPS[name])
    g.defjvp(lambda primals, tangents: rt.jvp(LOOPS[name], primals, tangents))
    agrees(lambda a: (g(a), g(a * 0.5)), x(3))
