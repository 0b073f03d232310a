"""Loops as compiled: what is hoisted, stacked, shared or updated in place must not show."""

import numpy as np
import pytest

import rtorch as rt

XS = rt.asarray(np.asarray([0.5, 1.5, -0.8, 1.1]))
C = rt.asarray(np.asarray([1.0, 2.0, 5.0, 0.5, 3.0]))
W = rt.asarray(np.asarray(1.5))


def scan_of(step):
    return lambda c, w: rt.scan(lambda c, x: step(c, x, w), c, XS)


def added(s, i):
    after = s.at[i].add(s[i - 1])
    return after, (after, after[0])


SCANS = {
    "a constant": scan_of(lambda c, x, w: (c * w * x, w)),
    "a constant as carry": scan_of(lambda c, x, w: (w + 0 * C, c * x * w)),
    "hoisted": scan_of(lambda c, x, w: (c * w * x, (w * 2, rt.sin(w) * C))),
    "hoisted carry": scan_of(lambda c, x, w: (rt.sin(w) * C, c * x)),
    "hoisted carry and result": scan_of(lambda c, x, w: (rt.sin(w) * C, rt.sin(w) * C)),
    "everything twice": scan_of(lambda c, x, w: (c * x, (c, c * x, c * x, x, x, w, w, 3.0))),
}
UPDATES = {
    "update": lambda c, w: rt.fori_loop(0, 5, lambda i, s: s.at[i].mul(s[i - 1] * w), c),
    "update, the old one kept": lambda c, w: rt.scan(
        lambda s, i: (s.at[i].set(s[i - 1] * w), (s, s[i])), c, rt.arange(5)
    ),
    "update, the new one kept": lambda c, w: rt.scan(added, c * w, rt.arange(5)),
    "two that read each other": lambda c, w: rt.fori_loop(
        0, 5, lambda i, s: (s[0].at[i].set(s[1][i - 1]), s[1].at[i].add(s[0][i])), (c, c * w)
    ),
    "two that change places": lambda c, w: rt.fori_loop(
        0, 5, lambda i, s: (s[1].at[i].set(w), s[0].at[i].add(s[1][i])), (c, c)
    ),
    "a view of the update": lambda c, w: rt.fori_loop(
        0, 4, lambda i, s: ((t := s[0].at[i].add(s[1][0])), t[::-1][:2]), (c, c[:2] * w)
    ),
    "a while loop": lambda c, w: rt.while_loop(
        lambda s: s[1] < 4, lambda s: (s[0].at[s[1]].mul(s[0][s[1] + 1] * w), s[1] + 1), (c, 0)
    )[0],
    "no steps": lambda c, w: rt.while_loop(lambda s: s[0] < 0, lambda s: s.at[1].set(w), c),
    "hoisted in a while loop": lambda c, w: rt.while_loop(
        lambda s: s[0].sum() < rt.exp(w) * 9, lambda s: (s[0] + rt.exp(w), w * 2 * C), (c, c)
    ),
}
LOOPS = SCANS | UPDATES
SLOPES = (rt.grad, lambda f: rt.jit(rt.grad(f)), lambda f: rt.grad(rt.jit(f)))


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_jit_is_as_eager(loop):
    def total(c, w):
        return sum(rt.sum(rt.sin(y)) for y in rt.tree.leaves(loop(c, w)))

    both, c = (rt.grad(total, (0, 1)), rt.grad(rt.jit(total), (0, 1))), rt.stack([C, C + 1])
    for f, g in [(loop, rt.jit(loop)), both, (both[0], rt.jit(both[0]))]:
        rt.testing.assert_close(g(C, W), f(C, W))
        lanes = rt.vmap(f, (0, None))(c, W)
        rt.testing.assert_close(rt.jit(rt.vmap(f, (0, None)))(c, W), lanes)


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_operands_and_earlier_results_stay(loop):
    f = rt.jit(lambda c, w: (loop(c, w), loop(c * 2, w)))
    c = rt.asarray(np.array(C))
    first = f(c, W)
    kept = [np.array(x) for x in rt.tree.leaves(first)]
    f(c + 1, W)
    np.testing.assert_array_equal(np.asarray(c), np.asarray(C))
    for x, before in zip(rt.tree.leaves(first), kept, strict=True):
        np.testing.assert_array_equal(np.asarray(x), before)


def test_an_update_does_not_copy_the_carry(monkeypatch):
    """Otherwise a loop that fills an array takes time quadratic in its length."""
    from rtorch.ops.indexing import scatter_p

    seen = []
    into = scatter_p.into

    def spy(_, out, x, *args, **params):
        seen.append(out is x)
        into(out, x, *args, **params)

    monkeypatch.setattr(type(scatter_p), "into", spy)
    fill = rt.jit(lambda x: rt.fori_loop(0, 4, lambda i, s: s.at[i].set(2.0), x))
    assert fill(C).tolist() == [2, 2, 2, 2, 3]
    assert seen == [True] * 4
    lanes = rt.vmap(lambda x: rt.while_loop(lambda s: s[0] < 9, lambda s: s * 2, x))
    rt.testing.assert_close(rt.jit(lanes)(C[:, None]), lanes(C[:, None]))


@pytest.mark.parametrize("reader", ["slices", "an index that wraps"])
def test_slices_of_an_intermediate(reader):
    """They are views: its memory is not free while one of them is needed."""

    def f(x, i):
        y = x * 2
        part = rt.unstack(y)[1] if reader == "slices" else y.at[i].get(mode="wrap")
        return part + rt.sum(rt.sin(x) * 3, axis=0), part

    x = rt.reshape(rt.arange(12.0), (3, 4))
    rt.testing.assert_close(rt.jit(f)(x, 1), f(x, 1))


@pytest.mark.parametrize("wrap", SLOPES)
def test_what_a_callback_gives_differs_from_step_to_step(wrap):
    calls = []

    def count(_):
        calls.append(1)
        return np.float64(len(calls))

    def f(x):
        def step(c, _):
            k = rt.io_callback(count, rt.spec((), rt.float64), rt.stop_gradient(W))
            return c * rt.stop_gradient(k), None

        return rt.scan(step, x, None, length=3)[0]

    assert float(wrap(f)(W)) == 6
    assert len(calls) == 3


@pytest.mark.parametrize("wrap", SLOPES)
def test_a_while_loop_prints_once_in_reverse_mode(capsys, wrap):
    def double(x):
        rt.debug.print("{}", x)
        return x * 2

    assert float(wrap(lambda x: rt.while_loop(lambda x: x < 5, double, x))(rt.asarray(1.0))) == 8
    assert capsys.readouterr().out.split() == ["1.0", "2.0", "4.0"]
