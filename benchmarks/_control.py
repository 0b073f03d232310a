"""Loops and derivatives of compiled functions: what reverse mode, steps and tracing cost."""

import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from _libraries import JaxLike, jax_likes, library
from _table import Row, Target, at_most, ratio_at_most
from _timing import Call, Effort, Samples, paired, paired_once

REVERSE_LIMIT = 4.0
STEPS, SIZE = 10_000, 3


# ---- reverse mode --------------------------------------------------------------------------------


def mlp(lib: JaxLike, params: Any, x: Any) -> Any:
    *hidden, last = params
    for w in hidden:
        x = lib.maximum(x @ w, 0)
    return lib.sum((x @ last) ** 2)


def rnn(lib: JaxLike, params: Any, xs: Any) -> Any:
    w, u = params

    def step(h: Any, x: Any) -> tuple[Any, Any]:
        h = lib.tanh(h @ w + x @ u)
        return h, None

    h, _ = lib.scan(step, lib.asarray(np.zeros((32, 64), np.float32)), xs)
    return lib.sum(h * h)


def chain(lib: JaxLike, x: Any, y: Any) -> Any:
    for _ in range(200):
        x = lib.tanh(x) * 0.9 + y
    return lib.sum(x)


def reverse_mode(what: str, function: Callable[..., Any], arguments: Any, effort: Effort) -> Row:
    """A function and its `value_and_grad`, both jitted; the ratio is what counts."""
    sides: dict[str, Call] = {}
    for name, lib in jax_likes().items():
        args = lib.tree.map(lib.asarray, arguments)
        of_lib = partial(function, lib)
        for part, f in (("value", of_lib), ("value and gradient", lib.value_and_grad(of_lib))):
            jitted = lib.jit(f)
            sides[f"{name} {part}"] = lambda j=jitted, a=args, w=lib.wait: w(j(*a))
    samples = paired(sides, effort)
    limit = ratio_at_most(samples, "rtorch value and gradient", "rtorch value", REVERSE_LIMIT)
    return Row(f"reverse mode, jitted: {what}", samples, [limit])


def weights(*shapes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(rng.standard_normal(s) / s[0] ** 0.5).astype(np.float32) for s in shapes]


def reverse_mlp(effort: Effort) -> Row:
    params, x = weights((784, 512), (512, 512), (512, 10)), weights((128, 784))[0]
    return reverse_mode("perceptron, batch of 128", mlp, (params, x), effort)


def reverse_rnn(effort: Effort) -> Row:
    xs = np.random.default_rng(1).standard_normal((100, 32, 16)).astype(np.float32)
    args = (weights((64, 64), (16, 64)), xs)
    return reverse_mode("RNN of 64 units, scan of 100 steps, batch of 32", rnn, args, effort)


def reverse_chain(effort: Effort) -> Row:
    x = np.linspace(0, 1, 4096, dtype=np.float32)
    return reverse_mode("chain of 600 operations on 4096 numbers", chain, (x, x), effort)


# ---- steps of a loop -----------------------------------------------------------------------------


def loop_steps(effort: Effort) -> Row:
    """A product of two 3 x 3 matrices per step, nothing else."""
    a = (np.linalg.qr(np.random.default_rng(0).standard_normal((SIZE, SIZE)))[0]).astype(np.float32)

    def by_hand() -> np.ndarray:
        c = a
        for _ in range(STEPS):
            c = a @ c
        return c

    sides: dict[str, Call] = {"NumPy": by_hand}
    for name, lib in jax_likes().items():

        def loop(a: Any, lib: JaxLike = lib) -> Any:
            return lib.scan(lambda c, _: (a @ c, None), a, None, STEPS)[0]

        jitted, arg = lib.jit(loop), lib.asarray(a)
        sides[name] = lambda j=jitted, x=arg, w=lib.wait: w(j(x))
        np.testing.assert_allclose(np.asarray(jitted(arg)), by_hand(), atol=1e-3)
    samples = paired(sides, effort)
    return Row(f"scan of {STEPS} steps, each a product of 3 x 3 matrices", samples,
               [ratio_at_most(samples, "rtorch", "NumPy", 1.2)])  # fmt: skip


# ---- tracing -------------------------------------------------------------------------------------


def fifty_operations(lib: JaxLike, made: list[int]) -> Callable[..., Any]:
    """A function that no cache has seen: a jitted scan with 50 operations in its body."""
    made.append(0)
    factor = 0.5 + len(made) / 1000

    def step(c: Any, x: Any) -> tuple[Any, Any]:
        for _ in range(16):
            c = lib.tanh(c) * factor + x
        return lib.tanh(c) * x, c

    return lambda xs: lib.sum(lib.jit(lambda xs: lib.scan(step, xs[0], xs)[1])(xs))


def trace_time(effort: Effort) -> Row:
    """From the function to the Program of its gradient, without compiling and running it."""
    xs = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    makers: dict[str, Callable[[], Call]] = {}
    for name, lib in jax_likes().items():
        made: list[int] = []

        def maker(lib: JaxLike = lib, made: list[int] = made) -> Call:
            gradient = lib.grad(fifty_operations(lib, made))
            return partial(lib.make_program(gradient), lib.asarray(xs))

        makers[name] = maker
    samples = paired_once(makers, max(3, effort.rounds // 2))
    return Row("tracing: gradient of a jitted scan with 50 operations in its body", samples,
               [at_most(samples, "rtorch", 30e-3)])  # fmt: skip


# ---- memory --------------------------------------------------------------------------------------


def peak(call: Call) -> float:
    """The most memory, in bytes, that NumPy has taken during a call."""
    call()
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return float(most)


def checkpointed_memory(effort: Effort) -> Row:
    """Peak memory of the gradient of 1,000 steps, with and without ``checkpoint="sqrt"``."""
    rt: Any = library("rtorch")
    w = rt.asarray(weights((64, 64))[0])
    x = rt.asarray(weights((64, 64))[0])

    def loss(w: Any, checkpoint: Any) -> Any:
        step = lambda h, _: (rt.tanh(rt.sin(h @ w) + x), None)  # noqa: E731
        return rt.sum(rt.scan(step, x, length=1000, checkpoint=checkpoint)[0])

    targets = []
    for how, wrap in (("jitted", rt.jit), ("eager", lambda f: f)):
        calls = {c: wrap(rt.grad(partial(loss, checkpoint=c))) for c in (None, "sqrt")}
        np.testing.assert_allclose(
            np.asarray(calls[None](w)), np.asarray(calls["sqrt"](w)), rtol=1e-3, atol=1e-3
        )
        without, with_ = (peak(partial(calls[c], w)) for c in (None, "sqrt"))
        text = f"{how}: {with_ / 1e6:.1f} of {without / 1e6:.1f} MB <= 10 %"
        targets.append(Target(text, f"{with_ / without:.1%}", with_ <= 0.1 * without))
    samples: Samples = {}
    return Row('gradient of 1,000 steps with checkpoint="sqrt": peak memory', samples, targets)
