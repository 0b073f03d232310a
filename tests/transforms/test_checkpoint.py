"""`checkpoint`: the same values and derivatives, from less memory."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.core.program import Program

policies = rt.checkpoint_policies
POLICIES = {
    "nothing": None,
    "everything": policies.everything_saveable,
    "dots": policies.dots_saveable,
    "dots without batch": policies.dots_with_no_batch_dims_saveable,
    "name": policies.save_only_these_names("a"),
    "other names": policies.save_any_names_but_these("a"),
    "both": policies.save_from_both_policies(
        policies.dots_saveable, policies.save_only_these_names("a")
    ),
}
W = rt.asarray(np.linspace(-1, 1, 9).reshape(3, 3))
X = rt.asarray(np.array([0.3, -0.2, 0.9]))


def layer(w: Any, x: Any) -> Any:
    y = rt.checkpoint_name(rt.sin(w @ x), "a")
    return rt.tanh(w @ y) * rt.exp(x)


def loss(layer: Callable[..., Any]) -> Callable[..., Any]:
    return lambda w, x: rt.sum(layer(w, layer(w, x)) ** 2)


def close(a: Any, b: Any, tolerance: float = 1e-12) -> None:
    for x, y in zip(rt.tree.leaves(a), rt.tree.leaves(b), strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), tolerance, tolerance)


def remats(program: Program) -> list[Any]:
    return [eqn for eqn in program.eqns if eqn.prim.name == "remat"]


# ---- values and derivatives ----------------------------------------------------------------------

TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "value": lambda f: f,
    "grad": lambda f: rt.grad(f, (0, 1)),
    "jvp": lambda f: lambda w, x: rt.jvp(f, (w, x), (w, x)),
    "jit": rt.jit,
    "jit of grad": lambda f: rt.jit(rt.grad(f, (0, 1))),
    "grad of jit": lambda f: rt.grad(rt.jit(f), (0, 1)),
    "hessian": lambda f: rt.hessian(f, 1),
    "jit of hessian": lambda f: rt.jit(rt.hessian(f, 1)),
    "grad of grad": lambda f: rt.grad(lambda w, x: rt.sum(rt.grad(f)(w, x) ** 2), (0, 1)),
    "jvp of grad": lambda f: lambda w, x: rt.jvp(rt.grad(f, (0, 1)), (w, x), (w, x)),
    "grad of jvp": lambda f: rt.grad(lambda w, x: rt.jvp(f, (w, x), (x @ w * w, x))[1], (0, 1)),
    "linearize": lambda f: lambda w, x: rt.linearize(f, w, x)[1](w, x),
    "vmap": lambda f: lambda w, x: rt.vmap(f, (None, 0))(w, rt.stack([x, 2 * x])),
    "vmap of grad": lambda f: lambda w, x: rt.vmap(rt.grad(f), (None, 0))(w, rt.stack([x, 2 * x])),
    "grad of vmap": lambda f: rt.grad(
        lambda w, x: rt.sum(rt.vmap(f, (None, 0))(w, rt.stack([x, 2 * x])))
    ),
    "jit of vmap of grad of grad": lambda f: rt.jit(
        rt.vmap(lambda w, x: rt.grad(lambda x: rt.sum(rt.grad(f)(w, x)))(x), (None, None),
                axis_size=2)
    ),
}  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_transformations_give_what_they_give_without(name: str, policy: str) -> None:
    transform = TRANSFORMS[name]
    checkpointed = rt.checkpoint(layer, policy=POLICIES[policy])
    close(transform(loss(checkpointed))(W, X), transform(loss(layer))(W, X))


def test_derivatives_against_finite_differences() -> None:
    rt.check_grads(loss(rt.checkpoint(layer)), (W, X), order=2)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_nested(name: str) -> None:
    transform = TRANSFORMS[name]
    inner = rt.checkpoint(layer, policy=policies.dots_saveable)
    outer = rt.checkpoint(lambda w, x: inner(w, rt.sin(inner(w, x))))
    plain = transform(loss(lambda w, x: layer(w, rt.sin(layer(w, x)))))
    close(transform(loss(outer))(W, X), plain(W, X), 1e-10)


@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit])
def test_captured_values_of_outer_transformations(wrap: Any) -> None:
    def f(w: Any, x: Any) -> Any:
        return rt.sum(rt.checkpoint(lambda y: rt.sin(w @ y) * x)(x))

    def plain(w: Any, x: Any) -> Any:
        return rt.sum(rt.sin(w @ x) * x)

    close(wrap(rt.grad(f, (0, 1)))(W, X), rt.grad(plain, (0, 1))(W, X))
    close(wrap(rt.hessian(f, 0))(W, X), rt.hessian(plain, 0)(W, X))
    batch = rt.stack([X, -X])
    close(
        wrap(rt.vmap(rt.grad(f), (None, 0)))(W, batch), rt.vmap(rt.grad(plain), (None, 0))(W, batch)
    )


def test_pytrees_keys_integers_and_keywords() -> None:
    def f(params: Any, step: Any, key: Any, *, scale: Any) -> Any:
        noise = rt.random.normal(key, (3,))
        return {"y": rt.sin(params["w"] * noise) * scale, "step": step + 1}

    def total(f: Any) -> Any:
        def g(params: Any, step: Any, key: Any) -> Any:
            out = f(params, step, key, scale=2.0)
            return rt.sum(out["y"] ** 2), out["step"]

        return rt.value_and_grad(g, has_aux=True)

    args = {"w": X, "unused": X}, rt.asarray(3), rt.random.key(0)
    (value, step), got = total(rt.checkpoint(f))(*args)
    (expected, _), want = total(f)(*args)
    assert int(step) == 4
    close((value, got), (expected, want))
    close(rt.jit(total(rt.checkpoint(f)))(*args)[1], want)


def test_linear_functions_are_transposed() -> None:
    f = rt.checkpoint(lambda x: W @ x)
    close(rt.linear_transpose(f, X)(X)[0], W.T @ X)
    close(rt.linear_transpose(rt.jit(f), X)(X)[0], W.T @ X)
    _, push = rt.linearize(rt.jit(rt.checkpoint(rt.sin)), X)
    close(rt.linear_transpose(push, X)(X)[0], rt.cos(X) * X)


def test_constant_and_unused_results() -> None:
    f = rt.checkpoint(lambda x: (x, rt.ones(3), 2 * x))
    close(rt.grad(lambda x: f(x)[2].sum())(X), 2 * rt.ones(3))
    close(rt.grad(lambda x: rt.sum(f(x)[0] * f(x)[1]))(X), rt.ones(3))
    assert rt.grad(lambda x: rt.sum(x) + f(x)[1].sum())(X).tolist() == [1, 1, 1]


def test_static_arguments() -> None:
    calls = []

    def f(x: Any, mode: Any, n: int) -> Any:
        calls.append(mode)
        return {"sin": rt.sin, "cos": rt.cos}[mode](x) * n

    g = rt.checkpoint(f, static_argnums=(1, -1))
    grad = rt.grad(g)
    assert float(grad(0.0, "sin", 2)) == 2.0
    assert float(grad(0.0, "cos", 2)) == 0.0
    assert float(grad(0.0, "sin", 3)) == 3.0
    assert float(grad(0.0, "sin", 2)) == 2.0
    assert calls == ["sin", "cos", "sin"]  # recorded once per signature
    by_list = rt.checkpoint(lambda x, options: x * options[0], static_argnums=1)
    assert float(rt.grad(by_list)(1.0, [3.0])) == 3.0


def test_plain_calls_run_the_function_itself() -> None:
    @rt.checkpoint
    def f(x: Any) -> Any:
        """Its docstring."""
        return x if x > 0 else -x

    assert float(f(-2.0)) == 2.0
    assert float(rt.jvp(f, (-2.0,), (1.0,))[1]) == -1.0
    assert f.__name__ == "f"
    assert f.__doc__ == "Its docstring."


def test_methods() -> None:
    class Model:
        scale = 3.0

        @rt.checkpoint
        def apply(self, x: Any) -> Any:
            return x

    with pytest.raises(rt.errors.ArgumentError, match="static_argnums"):
        rt.grad(Model().apply)(1.0)
    Model.apply = rt.checkpoint(lambda self, x: self.scale * x, static_argnums=0)  # type: ignore[assignment]
    assert float(rt.grad(Model().apply)(1.0)) == 3.0


# ---- what is computed twice ----------------------------------------------------------------------


def test_effects_happen_once(capsys: pytest.CaptureFixture[str]) -> None:
    @rt.jit
    def noisy(x: Any) -> Any:
        rt.debug.print("inner {:.0f}", x)
        return rt.sin(x)

    @rt.checkpoint
    def f(x: Any) -> Any:
        rt.debug.print("outer {:.0f}", x)
        return rt.checkpoint(noisy)(x) * x

    for run in (rt.grad(f), rt.jit(rt.grad(f)), rt.grad(rt.jit(f)), rt.grad(rt.checkpoint(f))):
        rt.grad(lambda x, run=run: run(x) * x)  # nothing runs yet
        run(2.0)
        assert sorted(capsys.readouterr().out.split("\n")) == ["", "inner 2", "outer 2"]


def test_the_second_computation_stays_apart_in_the_optimized_program() -> None:
    from rtorch.compiler.passes import optimize

    program = optimize(rt.make_program(rt.grad(loss(rt.checkpoint(layer))))(W, X))
    assert [eqn.params["again"] for eqn in remats(program)] == [True, True]
    assert "tanh" in [eqn.prim.name for eqn in program.eqns]  # the forward pass joins the rest


@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit, lambda f: rt.jit(rt.grad(f)), rt.grad])
def test_nans_are_found_within(wrap: Any) -> None:
    f = wrap(rt.checkpoint(lambda x: rt.sqrt(rt.log(x))))
    with rt.debug_nans(), pytest.raises(rt.errors.NanError, match="'sqrt' made 1 nan"):
        f(0.5)


def test_programs_show_the_policy_by_name() -> None:
    program = rt.make_program(rt.checkpoint(rt.sin, policy=policies.dots_saveable))(X)
    assert "remat[policy=dots_saveable again=False]" in str(program)


def count(program: Program, name: str) -> int:
    return sum(eqn.prim.name == name for eqn in program.eqns)


@pytest.mark.parametrize(
    ("policy", "dots", "sines"),
    [("nothing", 2, 1), ("everything", 0, 0), ("dots", 0, 1), ("name", 2, 0), ("both", 0, 0)],
)
def test_policies_decide_what_is_computed_again(policy: str, dots: int, sines: int) -> None:
    f = rt.checkpoint(layer, policy=POLICIES[policy])
    program = rt.make_program(rt.grad(lambda w, x: rt.sum(f(w, x)), (0, 1)))(W, X)
    _, backward = remats(program)
    again: Program = backward.params["program"]
    assert count(again, "dot_general") == 4 + dots  # four products of the backward pass itself
    assert count(again, "sin") == sines


def test_policies_are_asked_with_avals_and_parameters() -> None:
    asked = []

    def policy(prim: Any, *avals: Any, **params: Any) -> bool:
        asked.append((prim.name, [str(a) for a in avals], sorted(params)))
        return False

    rt.grad(rt.checkpoint(lambda x: rt.sin(rt.exp(rt.sum(x))), policy=policy))(X)
    assert ("exp", ["f64[]"], []) in asked
    assert ("reduce_sum", ["f64[3]"], ["axes"]) in asked


# ---- memory --------------------------------------------------------------------------------------

SIZE = 50_000  # so large that what Programs take counts for nothing
DEPTH = 32


def deep(x: Any) -> Any:
    return rt.sin(rt.cos(rt.tanh(x)))


def segment(n: int) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for _ in range(n):
            x = deep(x)
        return x

    return run


def chain(layers: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def total(x: Any) -> Any:
        for f in layers:
            x = f(x)
        return rt.sum(x)

    return total


def halved(n: int) -> Callable[[Any], Any]:
    """Checkpoints within checkpoints: memory grows as the logarithm of the depth."""
    if n == 1:
        return deep
    first, second = halved(n // 2), halved(n // 2)
    return rt.checkpoint(lambda x: second(first(x)))


def peak(f: Callable[..., Any], jit: bool, *args: Any) -> float:
    """The most memory that the gradient takes, in arrays of `SIZE`; the result."""
    gradient = rt.jit(rt.grad(f)) if jit else rt.grad(f)
    if not jit:
        gradient(*args)  # recorded and compiled; nothing of that size is kept
    tracemalloc.start()
    try:
        gradient(*args)
        if jit:  # what is kept for later calls counts
            tracemalloc.reset_peak()
            gradient(*args)
        return tracemalloc.get_traced_memory()[1] / (8 * SIZE)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("jit", [False, True])
def test_peak_memory_of_a_deep_chain(jit: bool) -> None:
    x = rt.asarray(np.linspace(-1, 1, SIZE))
    plain = peak(chain([deep] * DEPTH), jit, x)
    each = peak(chain([rt.checkpoint(deep)] * DEPTH), jit, x)
    root = peak(chain([rt.checkpoint(segment(4)) for _ in range(8)]), jit, x)
    tree = peak(chain([halved(DEPTH)]), jit, x)
    assert plain > 2 * DEPTH - 4
    assert each < DEPTH + 8
    assert root < 8 + 4 * 3 + 8  # 8 segments, and the 4 * 3 values within one
    assert tree < root < each < plain


@pytest.mark.parametrize("jit", [False, True])
def test_peak_memory_with_policies(jit: bool) -> None:
    w = rt.asarray(np.eye(50) / 2)
    x = rt.asarray(np.linspace(-1, 1, SIZE).reshape(50, SIZE // 50))

    def step(x: Any) -> Any:
        return rt.tanh(rt.exp(rt.tanh(w @ rt.sin(x))))

    def with_policy(policy: Any) -> float:
        return peak(chain([rt.checkpoint(step, policy=policy)] * 16), jit, x)

    plain = peak(chain([step] * 16), jit, x)
    nothing = with_policy(None)
    dots = with_policy(policies.dots_saveable)
    everything = with_policy(policies.everything_saveable)
    assert nothing < dots < 0.8 * plain
    assert nothing < 16 + 10
    assert dots < 2 * 16 + 10
    assert everything < plain + 16 + 10


def test_steps_on_a_gpu_let_go_of_what_is_not_read_any_more() -> None:
    from rtorch.compiler.plan import _stepwise, executable

    x = np.linspace(-1, 1, SIZE)
    program = rt.make_program(segment(DEPTH))(rt.asarray(x))
    run = _stepwise(program, np)
    tracemalloc.start()
    try:
        (y,) = run(x)
        assert tracemalloc.get_traced_memory()[1] < 5 * 8 * SIZE
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(y, executable(program, np)(x)[0])


def test_plans_return_no_views_of_memory_that_is_used_again() -> None:
    f = rt.checkpoint(lambda x: (x.reshape(2, 3).T, rt.sin(x)), policy=None)

    @rt.jit
    def g(x: Any) -> Any:
        def total(x: Any) -> Any:
            view, y = f(rt.exp(x))
            return rt.sum(view * 3) + rt.sum(y), (view, y)

        value, pull, (view, y) = rt.vjp(total, x, has_aux=True)
        return pull(rt.ones_like(value)), view * 2, y

    x = rt.asarray(np.linspace(0, 1, 6))
    first = g(x)
    close(first[1], 2 * rt.exp(x).reshape(2, 3).T)
    close(first[0], (3 + rt.cos(rt.exp(x))) * rt.exp(x))
    g(2 * x)
    close(first[1], 2 * rt.exp(x).reshape(2, 3).T)


# ---- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: rt.checkpoint(3), rt.errors.ArgumentError, r"\[checkpoint\] expected a function"),
        (lambda: rt.checkpoint(rt.sin, policy="dots"), rt.errors.ArgumentError,
         r"\[checkpoint\] policy: expected a function.*got .*dots"),
        (lambda: rt.grad(rt.checkpoint(lambda x, m: x))(1.0, "m"), rt.errors.ArgumentError,
         "static_argnums"),
        (lambda: rt.grad(rt.checkpoint(lambda x: x if x > 0 else -x))(1.0),
         rt.errors.ConcretizationError, "checkpoint of <lambda>"),
        (lambda: rt.checkpoint_name(1.0, 3), rt.errors.ArgumentError, r"\[checkpoint_name\] name"),
        (lambda: policies.save_only_these_names(["a"]), rt.errors.ArgumentError,
         r"\[save_only_these_names\] expected names"),
        (lambda: policies.save_from_both_policies(None, None), rt.errors.ArgumentError,
         r"\[save_from_both_policies\] expected two policies"),
    ],
)  # fmt: skip
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


# ---- against JAX ---------------------------------------------------------------------------------


def test_the_names_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    for name in policies.__all__:
        assert hasattr(jax.checkpoint_policies, name)


# ---- with control flow ---------------------------------------------------------------------------


def body(c: Any, x: Any) -> Any:
    y = rt.tanh(c * x) + rt.sin(c)
    return y, (y * x, rt.exp(y))


def unrolled(c: Any, xs: Any) -> Any:
    total = 0.0
    for i in range(xs.shape[0]):
        c, (a, b) = body(c, xs[i])
        total = total + a + b * b
    return c + total


def scanned(body: Any, wrap: Any = lambda f: f) -> Callable[..., Any]:
    def run(c: Any, xs: Any) -> Any:
        c, (a, b) = wrap(lambda c, xs: rt.scan(body, c, xs))(c, xs)
        return c + rt.sum(a) + rt.sum(b * b)

    return run


SCANS = {
    "body": scanned(rt.checkpoint(body)),
    "body with policy": scanned(rt.checkpoint(body, policy=policies.everything_saveable)),
    "around": scanned(body, rt.checkpoint),
    "both": scanned(rt.checkpoint(body), rt.checkpoint),
}
OF_SCANS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: rt.grad(f, (0, 1)),
    "jit of grad": lambda f: rt.jit(rt.grad(f, (0, 1))),
    "grad of jit": lambda f: rt.grad(rt.jit(f), (0, 1)),
    "jit of hessian": lambda f: rt.jit(rt.hessian(f, 1)),
    "jvp of grad": lambda f: lambda c, xs: rt.jvp(rt.grad(f), (c, xs), (c, xs)),
    "jit of vmap of grad": lambda f: (
        lambda c, xs: rt.jit(rt.vmap(rt.grad(f), (0, None)))(rt.stack([c, 2 * c]), xs)
    ),
}


@pytest.mark.parametrize("name", OF_SCANS)
@pytest.mark.parametrize("scan", SCANS)
def test_scans(scan: str, name: str) -> None:
    transform = OF_SCANS[name]
    c, xs = rt.asarray(np.array(0.5)), rt.asarray(np.linspace(0.1, 1, 5))
    close(transform(SCANS[scan])(c, xs), transform(unrolled)(c, xs), 1e-10)


@pytest.mark.parametrize("jit", [False, True])
def test_peak_memory_of_a_scan_in_segments(jit: bool) -> None:
    x = rt.asarray(np.linspace(-1, 1, 10_000))

    def loss(checkpoint: Any) -> Callable[[Any], Any]:
        def step(c: Any, t: Any) -> Any:
            return rt.tanh(rt.sin(c) * t + c), None

        return lambda x: rt.sum(rt.scan(step, x, rt.arange(225) / 225, checkpoint=checkpoint)[0])

    assert peak(loss("sqrt"), jit, x) < 0.15 * peak(loss(None), jit, x)


def test_branches_and_loops() -> None:
    def f(wrap: Any) -> Callable[[Any], Any]:
        h = wrap(lambda x: rt.sin(x) * x)

        def g(x: Any) -> Any:
            y = rt.cond(x > 0.3, h, lambda x: 2 * h(x), x)
            return rt.fori_loop(0, 4, lambda i, y: h(y), y)

        return g

    for x in (0.2, 0.7):
        expected = rt.grad(f(lambda h: h))(x)
        for g in (f(rt.checkpoint), rt.checkpoint(f(rt.checkpoint))):
            close(rt.grad(g)(x), expected, 1e-5)
            close(rt.jit(rt.grad(g))(x), expected, 1e-5)
