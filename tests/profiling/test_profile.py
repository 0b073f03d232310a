"""`rt.profile`: what it counts, that it changes no result, and that it goes away."""

import json
import threading

import numpy as np
import pytest

import rtorch as rt
from rtorch.core.trace import EVAL, EvalTrace
from rtorch.errors import ArgumentError, NanError
from rtorch.transforms.watch import SHORT_CUTS


def loss(w, x):
    return rt.sum(rt.tanh(x @ w) ** 2)


def scanned(x):
    return rt.scan(lambda c, s: (rt.sin(c) + s, c * 2.0), x, rt.ones((5, 3)), reverse=True)


def branching(x):
    y = rt.cond(rt.sum(x) > 0, rt.sin, lambda a: a - 1.0, x)
    return rt.while_loop(lambda c: rt.sum(c) < 9.0, lambda c: c * 2 + 1, y)


@rt.custom_jvp
def halved(x):
    return x / 2


halved.defjvp(lambda primals, tangents: (halved(primals[0]), tangents[0] / 2))

X = rt.asarray(np.linspace(-1.0, 2.0, 3), dtype=rt.float32)
FUNCTIONS = {
    "elementwise": lambda x: rt.exp(x) * 2 + 1,
    "operators": lambda x: (x + x, 2.0 * x, x[1:], x.at[0].set(5.0)),
    "grad": rt.grad(lambda x: rt.sum(rt.sin(x) ** 2)),
    "vmap": rt.vmap(lambda v: rt.cos(v) * 2),
    "scan": scanned,
    "branching": branching,
    "grad of scan": rt.grad(lambda x: rt.sum(scanned(x)[1])),
    "checkpoint": rt.grad(rt.checkpoint(lambda x: rt.sum(rt.sin(x)))),
    "custom": rt.grad(lambda x: rt.sum(halved(x) * x)),
    "random": lambda x: x + rt.random.normal(rt.random.clone(rt.random.key(1)), (3,)),
    "weak": lambda x: (x.sum() * 0 + 2, rt.asarray(3) * 1.5),
    "constant": lambda x: rt.arange(3),
    "nested jit": lambda x: rt.jit(rt.sin)(x) + rt.jit(rt.cos)(x),
    "many results": lambda x: rt.split(rt.sort(x), 3),
}


def names(p):
    return {row.name: row.calls for row in p.table(limit=None).rows}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_the_same(name, compiled):
    function = rt.jit(FUNCTIONS[name]) if compiled else FUNCTIONS[name]
    expected = function(X)
    with rt.profile() as p:
        found = function(X)
    assert rt.tree.structure(found) == rt.tree.structure(expected)
    for a, b in zip(rt.tree.leaves(found), rt.tree.leaves(expected)):
        assert (a.dtype, a.shape, a.weak_type) == (b.dtype, b.shape, b.weak_type)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-6)
    assert p.table().rows


def test_counts_times_bytes_and_flops():
    w, x = rt.ones((64, 32)), rt.ones((16, 64))
    with rt.profile() as p:
        y = x @ w
        for _ in range(3):
            y = rt.exp(-y)
    rows = {row.name: row for row in p.table().rows}
    product = rows["dot_general"]
    assert (product.calls, product.flops) == (1, 2 * 16 * 32 * 64)
    assert product.bytes == 4 * (64 * 32 + 16 * 64 + 16 * 32)
    assert product.flops_per_second == product.flops / product.self
    assert rows["exp"].calls == 3
    assert rows["exp"].total == rows["exp"].self > 0
    assert "y = rt.exp(-y)" in rows["exp"].line
    assert "test_profile.py:" in rows["exp"].line
    assert sum(row.self for row in rows.values()) <= p.seconds


def test_short_cuts_are_seen():
    with rt.profile() as p:
        _ = X + X, X * 2.0, X[1], X.at[0].set(1.0)
    assert names(p).keys() >= {"add", "mul", "slice"}


def test_compiled_functions_are_run_in_steps():
    f = rt.jit(loss)
    w, x = rt.ones((3, 4)), rt.ones((2, 3))
    f(w, x)  # compiled, with an entry
    with rt.profile() as p:
        f(w, x)
    assert names(p) == {"call loss": 1, "dot_general": 1, "tanh": 1, "integer_pow": 1,
                        "reduce_sum": 1}  # fmt: skip
    rows = {row.name: row for row in p.table().rows}
    row = rows.pop("call loss")
    inside = sum(r.total for r in rows.values())
    assert row.total == pytest.approx(row.self + inside)
    lines = {row.line for row in p.table(by="line").rows}
    assert "return rt.sum(rt.tanh(x @ w) ** 2)" in lines


def test_the_backward_pass_belongs_to_the_forward_lines():
    with rt.profile() as p:
        rt.grad(loss)(rt.ones((3, 4)), rt.ones((2, 3)))
    rows = p.table(by="line").rows
    assert rows[0].line == "return rt.sum(rt.tanh(x @ w) ** 2)" or len(rows) == 2
    assert any(e.source and e.source.role for e in p.events)


def test_loops_count_their_steps():
    with rt.profile() as p:
        rt.jit(scanned)(X)
    assert names(p)["sin"] == 5


def test_peak_memory():
    def many(x):
        kept = [rt.exp(x) for _ in range(4)]
        return sum(kept)

    def few(x):
        for _ in range(8):
            x = rt.exp(x * 0)
        return x

    x, size = rt.ones((1000, 100)), 400_000
    few(x)
    with rt.profile() as p:
        y = few(x)
    with rt.profile() as q:
        many(x)
    with rt.profile() as r:
        _ = y.reshape(100, 1000)[0], y.T
    assert 2 * size <= p.peak_bytes <= 4 * size
    assert 5 * size <= q.peak_bytes <= 7 * size
    assert r.peak_bytes == 0  # views have no memory of their own
    with rt.profile() as s:
        rt.jit(few)(x)
    assert s.peak_bytes <= 4 * size


def test_profiles_nest():
    with rt.profile() as outer:
        rt.sin(X)
        with rt.profile() as inner:
            rt.cos(X)
        rt.exp(X)
    assert names(inner).keys() == {"cos"}
    assert names(outer).keys() == {"sin", "cos", "exp"}


def test_all_threads_are_seen():
    with rt.profile() as p:
        threads = [threading.Thread(target=lambda: [rt.sin(X) for _ in range(50)])
                   for _ in range(4)]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert names(p)["sin"] == 200
    assert all(e.self == e.total for e in p.events)


def test_exceptions_leave_nothing_behind():
    with pytest.raises(rt.errors.RtorchError), rt.profile() as p:
        rt.jit(lambda x: x[rt.asarray([7])], debug=True)(X)
    q = rt.profile()
    with pytest.raises(ZeroDivisionError):
        raise_within(q)
    assert names(q) == {"sin": 1}
    assert str(p)
    assert str(q)
    assert_off()


def raise_within(p):
    with p:
        rt.sin(X)
        raise ZeroDivisionError


def assert_off():
    assert type(EVAL) is EvalTrace
    assert all(module.EVAL is EVAL for module in SHORT_CUTS)


def test_nothing_is_left_when_it_ends():
    with rt.profile():
        pass
    assert_off()


def test_together_with_debug_nans():
    with rt.debug_nans():
        with rt.profile() as p:
            rt.sin(X)
            with pytest.raises(NanError):
                rt.log(X - 5)
        assert names(p)["sin"] == 1
        with pytest.raises(NanError):
            rt.log(X - 5)
    with rt.profile() as p, rt.debug_nans():
        rt.sin(X)
    assert names(p) == {"sin": 1}
    assert_off()


def test_the_same_profile_again():
    p = rt.profile()
    with p:
        rt.sin(X)
    with p:
        rt.sin(X)
        with pytest.raises(ArgumentError, match="records already"), p:
            pass
    assert names(p) == {"sin": 2}
    assert_off()


def test_few_events_are_kept_but_all_counted():
    with rt.profile(max_events=3) as p:
        for _ in range(10):
            rt.sin(X)
    assert len(p.events) == 3
    assert p.dropped == 7
    assert names(p) == {"sin": 10}


def test_text():
    with rt.profile() as p:
        rt.jit(loss)(rt.ones((3, 4)), rt.ones((2, 3)))
    text = str(p)
    head, rule, *rows = text.splitlines()
    assert head.split()[:4] == ["operation", "calls", "total", "ms"]
    assert set(rule) == {"-"}
    assert len(rows) == len(p.table().rows) + 1
    assert "operations" in rows[-1]
    assert "alive at once" in rows[-1]
    assert "more rows" in str(p.table(limit=2))
    times = [row.self for row in p.table().rows]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.table(by="file"), r"\[profile\] by: expected 'op' or 'line', got 'file'"),
        (lambda p: p.table(sort="name"), r"\[profile\] sort: expected one of"),
        (lambda p: rt.profile(max_events=-1), r"\[profile\] max_events: expected an integer >= 0"),
    ],
)
def test_errors(call, message):
    with rt.profile() as p:
        pass
    with pytest.raises(ArgumentError, match=message):
        call(p)


def test_chrome_trace(tmp_path):
    def work():
        rt.jit(scanned)(X)

    with rt.profile() as p:
        work()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    trace = json.loads(p.chrome_trace(tmp_path / "t.json").read_text(encoding="utf-8"))
    events = trace["traceEvents"]
    assert all(isinstance(e["name"], str) and e["ph"] in "XMC" for e in events)
    spans = [e for e in events if e["ph"] == "X"]
    assert len(spans) == len(p.events)
    assert len({e["tid"] for e in spans}) == 2
    for tid in {e["tid"] for e in spans}:
        check_nesting([e for e in spans if e["tid"] == tid])
    assert all(e["args"]["bytes"] >= 0 for e in events if e["ph"] == "C")


def check_nesting(spans):
    """Spans of one track lie within or behind each other; a sine lies in a scan in a call."""
    slack = 1e-3  # microseconds: floating point
    open_spans = []
    for e in spans:
        assert e["ts"] >= 0
        assert e["dur"] >= 0
        while open_spans and open_spans[-1]["ts"] + open_spans[-1]["dur"] <= e["ts"] + slack:
            open_spans.pop()
        if open_spans:
            outer = open_spans[-1]
            assert e["ts"] + e["dur"] <= outer["ts"] + outer["dur"] + slack
        open_spans.append(e)
        if e["name"] == "sin":
            assert [s["name"].split()[0] for s in open_spans] == ["call", "scan", "sin"]
