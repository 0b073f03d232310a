"""Ahead of time: `lower`, `compile`, and what they tell of cost and memory."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, TreeError


def affine(params, x, *, scale=1.0):
    return {"y": x @ params["w"] * scale + params["b"], "n": rt.sum(x)}


PARAMS = {"w": rt.ones((3, 4)), "b": rt.zeros(4)}
X = rt.ones((2, 3))


def cost(f, *args):
    return rt.jit(f).lower(*args).cost_analysis()


# ---- lower and compile ---------------------------------------------------------------------------


def test_what_it_takes_and_gives():
    lowered = rt.jit(affine).lower(PARAMS, X, scale=2.0)
    (params, x), kwargs = lowered.in_info
    assert (str(params["w"]), str(x), list(kwargs)) == ("f32[3,4]", "f32[2,3]", ["scale"])
    assert {k: str(v) for k, v in lowered.out_info.items()} == {"y": "f32[2,4]", "n": "f32[]"}
    compiled = lowered.compile()
    assert compiled.in_info == lowered.in_info
    assert compiled.out_info == lowered.out_info
    assert "def run(" in compiled.as_text()
    assert "f32[2,4]" in repr(compiled)


def test_specs_and_arrays_lower_alike():
    specs = rt.tree.map(lambda v: rt.spec(v.shape), PARAMS)
    a = rt.jit(affine).lower(specs, rt.spec((2, 3)))
    b = rt.jit(affine).lower(PARAMS, X)
    assert a.as_text() == b.as_text()


def test_stages_of_text():
    lowered = rt.jit(affine).lower(PARAMS, X)
    assert "dot_general" in lowered.as_text()
    assert "dot_general" in lowered.as_text(stage="optimized")
    assert "def run(" in lowered.as_text(stage="plan")
    with pytest.raises(ArgumentError, match="'plan'"):
        lowered.as_text(stage="hlo")


def test_compiled_takes_the_original_pytrees():
    compiled = rt.jit(affine).lower(PARAMS, X, scale=2.0).compile()
    out = compiled(PARAMS, X, scale=3.0)
    want = affine(PARAMS, X, scale=3.0)
    assert out["y"].tolist() == want["y"].tolist()
    assert float(out["n"]) == 6.0


def test_compiled_under_transformations():
    compiled = rt.jit(lambda p, x: rt.sum(rt.tanh(x @ p["w"]))).lower(PARAMS, X).compile()
    want = rt.grad(lambda p: rt.sum(rt.tanh(X @ p["w"])))(PARAMS)
    for f in (rt.grad(compiled), rt.jit(rt.grad(compiled))):
        np.testing.assert_allclose(np.asarray(f(PARAMS, X)["w"]), np.asarray(want["w"]), rtol=1e-6)
    assert rt.vmap(compiled, (None, 0))(PARAMS, rt.stack([X, X])).shape == (2,)


def test_static_arguments_are_left_out():
    compiled = rt.jit(lambda x, n: x * n, static_argnums=1).lower(X, 3).compile()
    assert compiled(X).tolist() == (X * 3).tolist()
    with pytest.raises(TreeError):
        compiled(X, 3)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((PARAMS,), TreeError, "signature"),
        (({"w": PARAMS["w"]}, X), TreeError, "'b'"),
        ((PARAMS, rt.ones((5, 3))), ShapeError, r"args\[1\] must have type f32\[2,3\], got f32\[5"),
        ((PARAMS, X.astype(rt.float64)), DTypeError, r"args\[1\] .*astype\('float32'\)"),
        (({**PARAMS, "b": rt.zeros(4, rt.int32)}, X), DTypeError, r"args\[0\]\['b'\]"),
        (({**PARAMS, "b": "text"}, X), ArgumentError, r"args\[0\]\['b'\]"),
    ],
)
def test_arguments_that_do_not_fit(args, error, message):
    compiled = rt.jit(affine).lower(PARAMS, X).compile()
    with pytest.raises(error, match=message):
        compiled(*args)


def test_numbers_as_arguments():
    compiled = rt.jit(lambda x: x * 2).lower(rt.spec((), rt.float64)).compile()
    assert (compiled(3).dtype, float(compiled(1.5))) == (rt.float64, 3.0)
    with pytest.raises(DTypeError):
        rt.jit(lambda x: x * 2).lower(rt.spec((), rt.int32)).compile()(1.5)


# ---- cost ----------------------------------------------------------------------------------------


def test_families():
    v, m = rt.spec(8), rt.spec((6, 6))
    assert cost(lambda x: x * 2 + 1, v)["flops"] == 16
    both = cost(lambda x: rt.exp(x) + x, v)
    assert (both["flops"], both["transcendentals"]) == (8, 8)
    assert cost(rt.sum, rt.spec((4, 5)))["flops"] == 20
    assert cost(lambda x: x**5, v)["flops"] == 3 * 8
    assert cost(lambda x: x.reshape(2, 4).T, v) == {
        "flops": 0, "transcendentals": 0, "bytes accessed": 0,
    }  # fmt: skip
    assert cost(rt.fft.fft, rt.spec(8, rt.complex64))["flops"] == 5 * 8 * 3
    assert cost(lambda x: rt.convolve(x, rt.ones(3)), v)["flops"] == 2 * 8 * 3
    assert cost(rt.linalg.inv, m)["flops"] >= 2 * 6**3
    assert cost(lambda x: rt.linalg.eigh(x)[0], m)["flops"] > 6**3
    assert cost(lambda a: rt.linalg.solve(a, rt.ones((6, 2))), m)["flops"] > 6**3
    assert cost(rt.sort, v)["flops"] == 24
    assert cost(rt.cumsum, v)["flops"] == 8


def test_every_primitive_counts():
    """The rule of each primitive takes what the primitive takes."""
    from op_specs import SPECS

    for spec in SPECS:
        dtype = spec.dtypes[0]
        draws = [o.draw(np.random.default_rng(0), dtype) for o in spec.operands]
        avals = [rt.asarray(x).aval for x in draws]
        assert spec.prim.flops(*avals, **spec.params) >= 0, spec.id


def test_bytes():
    assert cost(lambda x: x * 2, rt.spec(8))["bytes accessed"] == 64


def test_calls_are_inlined():
    inner = rt.jit(lambda x: x * 2)
    assert cost(lambda x: inner(inner(x)), rt.spec(8))["flops"] == 16


def test_memory():
    lowered = rt.jit(lambda x: rt.sum(rt.exp(x * 2) @ rt.ones((1000, 10)))).lower(
        rt.spec((100, 1000))
    )
    memory = lowered.memory_analysis()
    assert memory.argument_bytes == 400_000
    assert memory.output_bytes == 4
    assert memory.constant_bytes <= 40_000
    assert 404_000 <= memory.temp_bytes <= 404_000 + 40_000
    assert lowered.compile().memory_analysis() == memory


def test_memory_of_what_python_manages():
    memory = rt.jit(lambda x: rt.sort(rt.sort(x)[::-1]) * 2).lower(rt.spec(1000)).memory_analysis()
    assert 4000 <= memory.temp_bytes <= 8000


def mlp(xp):
    def f(w1, w2, x):
        return xp.mean(xp.tanh(x @ w1) @ w2)

    return f


CASES = {
    "matmul": (lambda xp: lambda x, y: x @ y, [(32, 64), (64, 16)], 1.0),
    "batched": (lambda xp: lambda x, y: x @ y, [(5, 32, 64), (5, 64, 16)], 1.0),
    "mlp": (mlp, [(64, 128), (128, 10), (32, 64)], 1.05),
    "convolution": (
        lambda xp: lambda x, w: xp.einsum("bijkl,klo->bijo", x, w),
        [(2, 8, 8, 3, 3), (3, 3, 4)], 1.0,
    ),
    "elementwise": (lambda xp: lambda x: xp.sum(x * x + x), [(1000,)], 1.1),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_jax_counts_alike(name):
    jax = pytest.importorskip("jax")
    make, shapes, factor = CASES[name]
    specs = [jax.ShapeDtypeStruct(s, np.float32) for s in shapes]
    theirs = jax.jit(make(jax.numpy)).lower(*specs).compile().cost_analysis()
    theirs = theirs[0] if isinstance(theirs, list) else theirs
    ours = cost(make(rt), *[rt.spec(s) for s in shapes])
    ratio = ours["flops"] / theirs["flops"]
    assert 1 / factor <= ratio <= factor
    assert ours["transcendentals"] == theirs.get("transcendentals", 0)


def test_loops_and_branches():
    def rnn(w, xs):
        return rt.scan(lambda h, x: (rt.tanh(w @ h + x), rt.sum(h)), rt.zeros(8), xs)

    total = cost(rnn, rt.spec((8, 8)), rt.spec((100, 8)))
    assert total["flops"] == 100 * (2 * 64 + 8 + 8)
    assert total["transcendentals"] == 800
    branches = cost(
        lambda i, x: rt.switch(i, [lambda x: x @ x, lambda x: x + 1], x),
        rt.spec((), rt.int32), rt.spec((8, 8)),
    )  # fmt: skip
    assert 2 * 8**3 <= branches["flops"] <= 2 * 8**3 + 10
    loop = cost(lambda x: rt.while_loop(lambda x: rt.sum(x) < 9, lambda x: x * 2, x), rt.spec(8))
    assert 16 <= loop["flops"] <= 20
    memory = rt.jit(rnn).lower(rt.spec((8, 8)), rt.spec((100, 8))).memory_analysis()
    assert memory.temp_bytes >= 32


def test_a_weak_result_stays_weak():
    """A number that a compiled function gives takes the dtype of what it meets, as one of jit."""
    half = rt.ones(2, dtype=rt.float16)
    twice = rt.jit(lambda x: x * 2)
    for f in (twice, twice.lower(3.0).compile(), rt.export.export(twice)(3.0).call):
        assert (f(3.0) * half).dtype == rt.float16
    value, _ = rt.jvp(twice, (3.0,), (1.0,))
    assert (value * half).dtype == rt.float16
