"""Named axes: values of collectives against NumPy, derivatives against functions of one device."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, AxisError, BatchAxisError, DTypeError, ShapeError

N = 4
RNG = np.random.default_rng(0)


def batch(*shape: int) -> Any:
    return rt.asarray(RNG.normal(size=(N, *shape)))


def lanes(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    return rt.vmap(function, axis_name="i", **options)


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-9, atol=1e-11)


def same_everywhere(function: Callable[..., Any], x: Any, expected: Any) -> None:
    """The values, eager, compiled inside and outside, and with the batch axis elsewhere."""
    run = lanes(function)
    close(run(x), expected)
    close(rt.jit(run)(x), expected)
    close(lanes(rt.jit(function))(x), expected)
    close(lanes(function, in_axes=-1)(rt.moveaxis(x, 0, -1)), expected)
    # Other batches outside, inside, and around.
    several = rt.stack([x, 2 * x, -x])
    close(rt.vmap(run)(several)[0], expected)
    for axis in range(x.ndim):
        close(
            rt.vmap(run, in_axes=axis, out_axes=-1)(rt.moveaxis(several, 0, axis))[..., 0], expected
        )
        if axis:
            inner = rt.vmap(function, in_axes=axis - 1)
            close(lanes(inner)(rt.moveaxis(several, 0, axis))[:, 0], expected)


# ---- values --------------------------------------------------------------------------------------


def repeat(x: Any) -> Any:
    return np.broadcast_to(x, (N, *np.shape(x)))


def test_reductions() -> None:
    x = batch(2, 3)
    a = np.asarray(x)
    same_everywhere(lambda x: rt.psum(x, "i"), x, repeat(a.sum(0)))
    same_everywhere(lambda x: rt.pmean(x, "i"), x, repeat(a.mean(0)))
    same_everywhere(lambda x: rt.pmax(x, "i"), x, repeat(a.max(0)))
    same_everywhere(lambda x: rt.pmin(x, "i"), x, repeat(a.min(0)))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_all_gather(axis: int) -> None:
    x = batch(2, 3)
    expected = repeat(np.moveaxis(np.asarray(x), 0, axis))
    same_everywhere(lambda x: rt.all_gather(x, "i", axis=axis), x, expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_all_gather_tiled(axis: int) -> None:
    x = batch(2, 3)
    expected = repeat(np.concatenate(list(np.asarray(x)), axis))
    same_everywhere(lambda x: rt.all_gather(x, "i", axis=axis, tiled=True), x, expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_psum_scatter(axis: int) -> None:
    x = batch(N, N)
    expected = np.moveaxis(np.asarray(x).sum(0), axis, 0)
    same_everywhere(lambda x: rt.psum_scatter(x, "i", scatter_dimension=axis), x, expected)


@pytest.mark.parametrize("axis", [0, 1])
def test_psum_scatter_tiled(axis: int) -> None:
    x = batch(2 * N, 3 * N)
    expected = np.stack(np.split(np.asarray(x).sum(0), N, axis))
    same_everywhere(
        lambda x: rt.psum_scatter(x, "i", scatter_dimension=axis, tiled=True), x, expected
    )


@pytest.mark.parametrize(
    "perm", [[(0, 1), (1, 2), (2, 3), (3, 0)], [(0, 3), (3, 0)], [(2, 0), (0, 1), (1, 3)], [],
             [(3, 0), (1, 1), (0, 2), (2, 3)]]
)  # fmt: skip
def test_ppermute(perm: Any) -> None:
    x = batch(3)
    expected = np.zeros_like(np.asarray(x))
    for start, to in perm:
        expected[to] = np.asarray(x)[start]
    same_everywhere(lambda x: rt.ppermute(x, "i", perm), x, expected)


def test_ppermute_of_many_lanes_is_a_gather() -> None:
    order = np.random.default_rng(1).permutation(40)
    x = rt.asarray(RNG.normal(size=(40, 2)))
    run = lanes(lambda x: rt.pshuffle(x, "i", order.tolist()))
    close(run(x), np.asarray(x)[order])
    close(
        rt.grad(lambda x: rt.sum(run(x) * x))(x),
        np.asarray(x)[order] + np.asarray(x)[np.argsort(order)],
    )
    names = [eqn.prim.name for eqn in rt.make_program(run)(x).eqns]
    assert names == ["gather"]


def test_pshuffle() -> None:
    x = batch(3)
    same_everywhere(lambda x: rt.pshuffle(x, "i", [2, 0, 3, 1]), x, np.asarray(x)[[2, 0, 3, 1]])


@pytest.mark.parametrize("split", [0, 1, 2])
@pytest.mark.parametrize("concat", [0, 1, 2, -1])
def test_all_to_all(split: int, concat: int) -> None:
    shape = [2, 3, 5]
    shape[split] = N
    x = batch(*shape)
    parts = np.moveaxis(np.asarray(x), split + 1, 0)  # receiver, sender, rest
    same_everywhere(
        lambda x: rt.all_to_all(x, "i", split, concat), x,
        np.stack([np.moveaxis(part, 0, concat) for part in parts]),
    )  # fmt: skip


@pytest.mark.parametrize("split", [0, 1])
@pytest.mark.parametrize("concat", [0, 1])
def test_all_to_all_tiled(split: int, concat: int) -> None:
    x = batch(2 * N, 3 * N)
    parts = [np.split(lane, N, split) for lane in np.asarray(x)]
    expected = [np.concatenate([parts[j][i] for j in range(N)], concat) for i in range(N)]
    same_everywhere(
        lambda x: rt.all_to_all(x, "i", split, concat, tiled=True), x, np.stack(expected)
    )


def test_index_and_size() -> None:
    x = batch()
    same_everywhere(lambda x: x * 0 + rt.axis_index("i"), x, np.arange(N))
    assert lanes(lambda x: rt.axis_index("i"))(x).dtype == rt.int64
    sizes: list[Any] = []
    lanes(lambda x: sizes.append(rt.axis_size("i")))(x)
    assert sizes == [N]
    assert type(sizes[0]) is int


def test_of_values_that_are_the_same_in_all_lanes() -> None:
    y = rt.asarray(RNG.normal(size=(N, 2)))
    a = np.asarray(y)
    cases: list[tuple[Any, Any]] = [
        (lambda y: rt.psum(y, "i"), N * a),
        (lambda y: rt.pmean(y, "i"), a),
        (lambda y: rt.pmax(y, "i"), a),
        (lambda y: rt.all_gather(y, "i", axis=1), np.stack([a] * N, 1)),
        (lambda y: rt.all_gather(y, "i", axis=1, tiled=True), np.concatenate([a] * N, 1)),
    ]
    for function, expected in cases:
        for wrap in (lambda f: f, rt.jit):
            got = rt.vmap(wrap(function), None, None, axis_size=N, axis_name="i")(y)
            close(got, expected)
    shared = {"in_axes": None, "axis_size": N}
    close(lanes(lambda y: rt.psum_scatter(y, "i"), **shared)(y), N * a)
    close(lanes(lambda y: rt.ppermute(y, "i", [(1, 2)]), **shared)(y)[1:3], [0 * a, a])
    close(lanes(lambda y: rt.all_to_all(y, "i", 0, 1), **shared)(y), np.stack([a] * N, 2))
    close(lanes(rt.jit(lambda: rt.axis_index("i")), axis_size=N)(), np.arange(N))
    close(lanes(rt.jit(lambda y: y * rt.axis_index("i")), **shared)(y)[2], 2 * a)


def test_numbers_and_pytrees() -> None:
    seen: list[Any] = []

    def function(x: Any) -> Any:
        seen.append((rt.psum(1, "i"), rt.pmean(3, "i"), rt.psum({"a": 2.0}, "i")))
        return rt.psum({"x": x, "pair": (x > 0, 1)}, "i")

    out = lanes(function, out_axes=None)(rt.asarray([1.0, -1.0, 2.0, 3.0]))
    assert seen == [(N, 3, {"a": 2.0 * N})]
    assert out["x"].item() == 5.0
    assert out["pair"][0].item() == 3
    assert out["pair"][1].item() == N


def test_several_axes() -> None:
    x = rt.asarray(RNG.normal(size=(2, 3, 6, 6)))
    a = np.asarray(x)
    both = ("i", "j")

    def run(function: Any) -> Any:
        return rt.vmap(rt.vmap(function, axis_name="j"), axis_name="i")(x)

    for wrap in (lambda f: f, rt.jit):
        close(run(wrap(lambda x: rt.psum(x, both)))[1, 2], a.sum((0, 1)))
        close(run(wrap(lambda x: rt.psum(x, "i")))[1], a.sum(0))
        close(run(wrap(lambda x: rt.psum(x, "j")))[:, 1], a.sum(1))
        close(run(wrap(lambda x: rt.psum(rt.psum(x, "i"), "j")))[0, 0], a.sum((0, 1)))
        close(run(wrap(lambda x: rt.psum(rt.psum(x, "i"), "i")))[0], 2 * a.sum(0))
        close(run(wrap(lambda x: rt.pmax(x, ("j", "i"))))[0, 1], a.max((0, 1)))
        close(run(wrap(lambda x: rt.all_gather(x, both)))[1, 1], a.reshape(6, 6, 6))
        close(
            run(wrap(lambda x: rt.all_gather(x, ("j", "i"))))[1, 1],
            a.swapaxes(0, 1).reshape(6, 6, 6),
        )
        tiled = run(wrap(lambda x: rt.all_gather(x, both, axis=1, tiled=True)))
        close(tiled[0, 0], np.concatenate(list(a.reshape(6, 6, 6)), 1))
        close(run(wrap(lambda x: rt.psum_scatter(x, both))), a.sum((0, 1)).reshape(2, 3, 6))
        close(run(wrap(lambda x: rt.axis_index(both) + 0 * x[0, 0])), np.arange(6).reshape(2, 3))
        close(run(wrap(lambda x: x[0, 0] * rt.axis_size(both))), 6 * a[:, :, 0, 0])


def test_an_inner_axis_hides_an_outer_one_of_its_name() -> None:
    x = rt.asarray(RNG.normal(size=(2, 3)))

    def loss(x: Any) -> Any:
        outer = rt.psum(x * x, "i")

        def inner(x: Any) -> Any:
            assert rt.axis_size("i") == 3
            return rt.psum(rt.sin(x), "i") * x

        return rt.psum(rt.sum(rt.vmap(inner, axis_name="i")(x) * outer), "i")

    def on_one_device(x: Any) -> Any:
        return rt.sum(rt.sum(rt.sin(x), 1, keepdims=True) * x * rt.sum(x * x, 0))

    for wrap in (lambda f: f, rt.jit):
        run = rt.vmap(wrap(loss), out_axes=None, axis_name="i")
        close(run(x), on_one_device(x))
        close(rt.grad(run)(x), rt.grad(on_one_device)(x))
        close(rt.vmap(wrap(rt.grad(loss)), axis_name="i")(x), rt.grad(on_one_device)(x))


def test_names_may_be_anything_hashable() -> None:
    key = frozenset(["data"])
    close(rt.vmap(lambda x: rt.psum(x, key), axis_name=key)(rt.ones(3)), [3, 3, 3])
    close(rt.vmap(lambda x: rt.psum(x, (0,)), axis_name=0)(rt.ones(3)), [3, 3, 3])


# ---- derivatives: each function of a lane beside the function of one device -------------------

W = rt.asarray(RNG.normal(size=(3, 3)))
P = rt.asarray(RNG.normal(size=(N, N, 3)))


def normalised(x: Any) -> Any:
    centred = x - rt.pmean(x, "i")
    return centred / rt.sqrt(rt.pmean(centred**2, "i") + 0.1)


def normalised_1(x: Any) -> Any:
    centred = x - rt.mean(x, 0)
    return centred / rt.sqrt(rt.mean(centred**2, 0) + 0.1)


def softmax(x: Any) -> Any:
    e = rt.exp(x - rt.stop_gradient(rt.pmax(x, "i")))
    return e / rt.psum(e, "i")


def softmax_by_pmax(x: Any) -> Any:
    e = rt.exp(x - rt.pmax(x, "i"))
    return e / rt.psum(e, "i")


def ring(x: Any) -> Any:
    return rt.ppermute(x, "i", [(k, (k + 1) % N) for k in range(N)])


def weights(scores: Any) -> Any:
    return rt.exp(scores - rt.logsumexp(scores, axis=-1, keepdims=True))


TARGET = rt.asarray(RNG.normal(size=(N, 3)))

# name: loss of a lane from its x of shape (3,), the same of all lanes' x of shape (N, 3).
LOSSES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "psum of a function": (
        lambda x: rt.psum(rt.sum(rt.sin(x)), "i"), lambda x: rt.sum(rt.sin(x))),
    "function of a psum": (
        lambda x: rt.sum(rt.sin(rt.psum(x, "i"))), lambda x: rt.sum(rt.sin(rt.sum(x, 0)))),
    "varying loss": (
        lambda x: rt.sum(x * rt.sin(rt.psum(x, "i"))),
        lambda x: rt.sum(x * rt.sin(rt.sum(x, 0)))),
    "psum of a psum": (
        lambda x: rt.psum(rt.sum(x * rt.psum(x * x, "i")), "i"),
        lambda x: rt.sum(x * rt.sum(x * x, 0))),
    "psum of what is the same": (
        lambda x: rt.psum(rt.sin(rt.psum(rt.sum(x), "i")), "i"),
        lambda x: N * rt.sin(rt.sum(x))),
    "pmean": (lambda x: rt.pmean(rt.sum(x**2), "i"), lambda x: rt.sum(x**2) / N),
    "pmax": (lambda x: rt.sum(rt.pmax(x, "i") ** 2), lambda x: rt.sum(rt.max(x, 0) ** 2)),
    "pmin, varying": (
        lambda x: rt.sum(rt.pmin(x, "i") * x), lambda x: rt.sum(rt.min(x, 0) * x)),
    "normalisation": (
        lambda x: rt.psum(rt.sum(rt.tanh(normalised(x)) * x), "i"),
        lambda x: rt.sum(rt.tanh(normalised_1(x)) * x)),
    "normalisation, varying": (
        lambda x: rt.sum(rt.tanh(normalised(x)) * x),
        lambda x: rt.sum(rt.tanh(normalised_1(x)) * x)),
    "softmax": (
        lambda x: rt.psum(rt.sum(softmax(x) ** 2), "i"),
        lambda x: rt.sum((rt.exp(x) / rt.sum(rt.exp(x), 0)) ** 2)),
    "softmax by pmax": (
        lambda x: rt.sum(softmax_by_pmax(x) ** 2),
        lambda x: rt.sum((rt.exp(x) / rt.sum(rt.exp(x), 0)) ** 2)),
    "ring": (
        lambda x: rt.sum(ring(rt.sin(x)) * x), lambda x: rt.sum(rt.roll(rt.sin(x), 1, 0) * x)),
    "half a ring": (
        lambda x: rt.psum(rt.sum(rt.exp(rt.ppermute(x, "i", [(0, 1)])) * x), "i"),
        lambda x: rt.sum(rt.exp(x[0]) * x[1]) + rt.sum(x[0]) + rt.sum(x[2:])),
    "gather": (
        lambda x: rt.sum(rt.sin(rt.all_gather(x, "i")) * rt.asarray(TARGET)),
        lambda x: rt.sum(rt.sin(x) * rt.asarray(TARGET))),
    "gather, varying": (
        lambda x: rt.sum(rt.all_gather(x, "i") ** 2 * x),
        lambda x: rt.sum(rt.sum(x**2, 0) * x)),
    "gather tiled": (
        lambda x: rt.psum(rt.prod(rt.sin(rt.all_gather(x, "i", tiled=True))) * x[0], "i"),
        lambda x: rt.prod(rt.sin(x)) * rt.sum(x[:, 0])),
    "attention over lanes": (
        lambda x: rt.sum(weights(rt.all_gather(x, "i") @ x) @ rt.all_gather(x**2, "i")),
        lambda x: rt.sum(weights(x @ x.T) @ x**2)),
    "index": (
        lambda x: rt.psum(rt.sum(x**2) * rt.axis_index("i"), "i"),
        lambda x: rt.sum(rt.sum(x**2, 1) * rt.arange(N))),
    "matmul of shards": (  # columns of the matrix, and with them parts of the vector, in lanes
        lambda x: rt.sum(rt.sin(rt.psum(P[:, 0] @ x, "i"))),
        lambda x: rt.sum(rt.sin(rt.sum(P[:, 0] @ x.T, 1)))),
    "scattered matmul": (
        lambda x: rt.psum(rt.sin(rt.psum_scatter(P[:, 0] @ x, "i")), "i"),
        lambda x: rt.sum(rt.sin(rt.sum(P[:, 0] @ x.T, 1)))),
    "scatter, then gather": (
        lambda x: rt.sum(rt.all_gather(rt.exp(rt.psum_scatter(P[0] @ x, "i")), "i")[1:] ** 2),
        lambda x: rt.sum(rt.exp(P[0] @ rt.sum(x, 0))[1:] ** 2)),
    "all to all": (
        lambda x: rt.sum(rt.sin(rt.all_to_all(P[1] * x, "i", 0, 1)) * x[:, None]),
        lambda x: rt.sum(rt.sin(rt.permute_dims(P[1] * x[:, None], (1, 2, 0))) * x[:, :, None])),
    "a shared matrix": (
        lambda x: rt.psum(rt.sum(rt.tanh(W @ x) ** 2), "i"),
        lambda x: rt.sum(rt.tanh(x @ W.T) ** 2)),
}  # fmt: skip


def is_of_all_lanes(loss: Any) -> bool:
    try:
        rt.vmap(loss, out_axes=None, axis_name="i")(batch(3))
    except BatchAxisError:
        return False
    return True


@pytest.mark.parametrize("name", LOSSES)
def test_gradient(name: str) -> None:
    loss, on_one_device = LOSSES[name]
    x, v = batch(3), batch(3)
    once = is_of_all_lanes(loss)

    def total(x: Any) -> Any:
        return lanes(loss, out_axes=None)(x) if once else rt.sum(lanes(loss)(x))

    close(total(x), on_one_device(x))
    expected = rt.grad(on_one_device)(x)
    for run in (
        lanes(rt.grad(loss)), rt.jit(lanes(rt.grad(loss))), lanes(rt.jit(rt.grad(loss))),
        lanes(rt.grad(rt.jit(loss))), rt.grad(total), rt.jit(rt.grad(total)),
        rt.grad(rt.jit(total)),
        lanes(lambda x: rt.vjp(loss, x)[1](rt.ones(()).astype(rt.float64))[0]),
        lanes(rt.jacrev(loss)), lanes(lambda x: rt.value_and_grad(loss)(x)[1]),
    ):  # fmt: skip
        close(run(x), expected)
    several = rt.stack([x, v])
    close(rt.vmap(lanes(rt.grad(loss)))(several)[1], rt.grad(on_one_device)(v))
    close(
        lanes(rt.vmap(rt.grad(loss)), in_axes=1, out_axes=1)(several)[1], rt.grad(on_one_device)(v)
    )

    close(rt.jvp(total, (x,), (v,))[1], rt.jvp(on_one_device, (x,), (v,))[1])
    forward = lanes(lambda x, v: rt.jvp(loss, (x,), (v,))[1])(x, v)
    close(forward[0] if once else rt.sum(forward), rt.jvp(on_one_device, (x,), (v,))[1])
    pushed = lanes(lambda x, v: rt.linearize(loss, x)[1](v))(x, v)
    close(pushed, forward)


@pytest.mark.parametrize("name", LOSSES)
def test_second_derivative(name: str) -> None:
    loss, on_one_device = LOSSES[name]
    x, v = batch(3), batch(3)
    expected = rt.hvp(on_one_device, (x,), (v,))[1]
    for run in (
        lambda x, v: rt.hvp(loss, (x,), (v,))[1],
        lambda x, v: rt.grad(lambda x: rt.sum(rt.grad(loss)(x) * v))(x),
        rt.jit(lambda x, v: rt.grad(lambda x: rt.sum(rt.jit(rt.grad(loss))(x) * v))(x)),
    ):
        close(lanes(run)(x, v), expected)
    outer = rt.grad(lambda x: rt.sum(lanes(rt.grad(loss))(x) * v))
    close(outer(x), expected)


def test_hessian_inside_is_of_the_lanes_own_copy() -> None:
    """The derivative of the sum over the lanes' gradients: column sums of the blocks."""
    x = batch(3)
    loss, on_one_device = LOSSES["softmax"]
    blocks = rt.hessian(on_one_device)(x)  # (N, 3, N, 3)
    expected = rt.sum(blocks, 0).transpose(1, 0, 2)
    close(lanes(rt.jacrev(rt.grad(loss)))(x), expected)


def data_loss(w: Any, x: Any) -> Any:
    return rt.sum(rt.tanh(w @ x) ** 2)


def test_shared_weights() -> None:
    x = batch(3)

    def mean_loss(w: Any) -> Any:
        return rt.mean(rt.vmap(data_loss, (None, 0))(w, x))

    expected = rt.grad(mean_loss)(W)
    # Differentiated outside, inside, and inside with the mean taken of the gradients.
    loss = lanes(lambda w, x: rt.pmean(data_loss(w, x), "i"), in_axes=(None, 0), out_axes=None)
    close(rt.grad(loss)(W, x), expected)
    close(rt.grad(rt.jit(loss))(W, x), expected)
    slopes = lanes(rt.grad(lambda w, x: rt.pmean(data_loss(w, x), "i")), in_axes=(None, 0))
    close(rt.sum(slopes(W, x), 0), expected)

    def step(w: Any, x: Any) -> Any:
        return w - 0.1 * rt.pmean(rt.grad(data_loss)(w, x), "i")

    for wrap in (lambda f: f, rt.jit):
        stepped = lanes(wrap(step), in_axes=(None, 0), out_axes=None)(W, x)
        close(stepped, W - 0.1 * expected)


def test_gradients_of_examples_stay_so() -> None:
    x = batch(3)
    plain = rt.vmap(rt.grad(data_loss), (None, 0))(W, x)
    close(lanes(rt.grad(data_loss), in_axes=(None, 0))(W, x), plain)
    close(lanes(rt.jit(rt.grad(data_loss)), in_axes=(None, 0))(W, x), plain)


def test_a_shared_argument_is_computed_once() -> None:
    """The own copies of a shared argument cost nothing: products with it are not batched."""
    run = lanes(rt.grad(lambda w, x: rt.sum(rt.sin(w @ w)) * x), in_axes=(None, 0))
    text = str(rt.make_program(run)(W, rt.ones(N)))
    assert f"[{N},3,3] = dot_general" not in text.splitlines()[1]


def test_gradient_of_a_closure() -> None:
    x = batch(3)

    def outer(w: Any) -> Any:
        return lanes(rt.jit(lambda x: rt.psum(data_loss(w, x), "i")), out_axes=None)(x)

    expected = rt.grad(lambda w: rt.sum(rt.vmap(data_loss, (None, 0))(w, x)))(W)
    close(rt.grad(outer)(W), expected)

    def inside(x: Any) -> Any:
        shared = rt.pmean(x, "i")
        return rt.grad(lambda y: rt.psum(rt.sum(rt.sin(y * shared)), "i"))(shared)

    mean = np.asarray(x).mean(0)
    for wrap in (lambda f: f, rt.jit):
        close(lanes(wrap(inside))(x), repeat(np.cos(mean * mean) * mean))


def test_ties_of_pmax_share() -> None:
    x = rt.asarray([1.0, 3.0, 3.0])
    close(lanes(rt.grad(lambda x: rt.pmax(x, "i")))(x), [0, 0.5, 0.5])
    close(lanes(rt.grad(lambda x: rt.pmin(x, "i")))(x), [1, 0, 0])


def test_linear_transpose_inside() -> None:
    ct = batch(3)
    back = lanes(lambda ct: rt.linear_transpose(lambda x: ring(x) + rt.psum(x, "i"), ct)(ct)[0])
    close(back(ct), np.roll(np.asarray(ct), -1, 0) + np.asarray(ct).sum(0))


# ---- types and cost ------------------------------------------------------------------------------


def test_types_are_seen_in_programs() -> None:
    texts: list[str] = []

    def function(x: Any) -> Any:
        texts.append(str(rt.make_program(lambda x: rt.psum(rt.sin(x), "i") * 2)(x)))
        return x

    lanes(function)(rt.ones((2, 3)))
    lines = texts[0].splitlines()
    assert "a: f32[3]{i}" in lines[0]
    assert "f32[3]{i} = sin" in lines[1]
    assert "f32[3] = psum" in lines[2]


def primitives(function: Callable[..., Any], *args: Any) -> list[str]:
    return [eqn.prim.name for eqn in rt.make_program(function)(*args).eqns]


def test_collectives_are_cheap_in_a_batch() -> None:
    x = rt.ones((N, N, 2))
    once = {"out_axes": None}
    assert primitives(lanes(lambda x: rt.psum(x, "i"), **once), x) == ["reduce_sum"]
    assert primitives(lanes(lambda x: rt.pmax(x, "i"), **once), x) == ["reduce_max"]
    assert primitives(lanes(lambda x: rt.all_gather(x, "i"), **once), x) == []
    assert primitives(lanes(lambda x: rt.psum_scatter(x, "i")), x) == ["reduce_sum"]
    assert primitives(lanes(lambda x: rt.all_to_all(x, "i", 0, 0)), x) == ["permute_dims"]
    assert primitives(lanes(ring), x) == ["slice", "slice", "concat"]


def test_jit_is_staged_for_each_scope() -> None:
    f = rt.jit(lambda x: x / rt.psum(1.0, "i"))
    close(lanes(f)(rt.ones(2)), [0.5, 0.5])
    close(lanes(f)(rt.ones(4)), [0.25] * 4)
    assert "named axes" in f.explain_misses()
    with pytest.raises(ArgumentError, match="no named axis is in scope"):
        f(rt.ones(2))


def test_one_program_batched_by_a_named_and_an_unnamed_axis() -> None:
    f = rt.jit(lambda x: rt.psum(x, "i") * x)
    x = rt.asarray(RNG.normal(size=(3, 3)))
    a = np.asarray(x)

    def function(x: Any) -> Any:
        return f(x[0]), rt.vmap(f)(x)

    one, rows = lanes(function)(x)
    close(one, a[:, 0].sum() * a[:, 0])
    close(rows, a.sum(0) * a)


# ---- errors --------------------------------------------------------------------------------------


def test_unknown_names() -> None:
    with pytest.raises(ArgumentError, match=r"\[psum\].*no named axis is in scope"):
        rt.psum(rt.ones(2), "i")
    with pytest.raises(ArgumentError, match=r"called 'k' here; in scope: 'i', 'j'"):
        lanes(rt.vmap(lambda x: rt.pmax(x, "k"), axis_name="j"))(rt.ones((2, 2)))
    with pytest.raises(ArgumentError, match="no axis is called"):
        lanes(lambda x: rt.axis_index(["i"]))(rt.ones(2))


@pytest.mark.parametrize(
    ("function", "error", "match"),
    [
        (lambda x: rt.psum(x, ("i", "i")), ArgumentError, "twice"),
        (lambda x: rt.psum(x, "i", axis_index_groups=[[0], [1]]), ArgumentError, "groups"),
        (lambda x: rt.pmax(x * 1j, "i"), DTypeError, "order"),
        (lambda x: rt.all_gather(x, "i", axis=3), AxisError, "out of range"),
        (lambda x: rt.psum_scatter(x, "i"), ShapeError, "tiled=True"),
        (lambda x: rt.psum_scatter(x, "i", tiled=True), ShapeError, "multiple"),
        (lambda x: rt.all_to_all(x, "i", 0, 0), ShapeError, "split_axis"),
        (lambda x: rt.all_to_all(x, "i", 4, 0), AxisError, "split_axis"),
        (lambda x: rt.ppermute(x, "i", [(0, 1), (0, 2)]), ArgumentError, "sends twice"),
        (lambda x: rt.ppermute(x, "i", [(0, 1), (2, 1)]), ArgumentError, "receives twice"),
        (lambda x: rt.ppermute(x, "i", [(0, 4)]), ArgumentError, "lanes are 0 to 3"),
        (lambda x: rt.ppermute(x, "i", [0, 1]), ArgumentError, "pairs"),
        (lambda x: rt.pshuffle(x, "i", [0, 1]), ArgumentError, "permutation"),
    ],
)
def test_errors(function: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        lanes(function)(rt.ones((N, 3)))


def test_collectives_in_branches_that_lanes_choose_between() -> None:
    x = rt.asarray([1.0, -1.0, 2.0])

    def branches(x: Any) -> Any:
        return rt.cond(x > 0, lambda x: rt.psum(x, "i"), lambda x: x, x)

    def loop(x: Any) -> Any:
        return rt.while_loop(lambda v: v < 9, lambda v: rt.psum(v * v, "i"), x, max_steps=3)

    for function in (branches, loop):
        for run in (lanes(rt.jit(function)), rt.jit(lanes(function))):
            with pytest.raises(ArgumentError, match=r"lanes of the axis 'i' choose differently"):
                run(x)


def test_while_loop_with_a_sum_over_lanes() -> None:
    """Lanes that have ended keep their value, and still count."""
    x = rt.asarray([1.0, 2.0, 3.0])

    def loop(x: Any) -> Any:
        return rt.while_loop(lambda v: v < 10.0, lambda v: v * 1.5 + rt.psum(x, "i"), x)

    for wrap in (lambda f: f, rt.jit):
        close(lanes(wrap(loop))(x), [17.25, 19.5, 10.5])
        close(lanes(rt.grad(wrap(loop)))(x), [8.25, 8.25, 7.5])
        close(lanes(wrap(rt.grad(loop)))(x), [8.25, 8.25, 7.5])


def test_errors_of_vmap() -> None:
    with pytest.raises(ArgumentError, match="hashable"):
        rt.vmap(rt.sin, axis_name=["i"])
    with pytest.raises(ArgumentError, match="tuple"):
        rt.vmap(rt.sin, axis_name=("i", "j"))
    with pytest.raises(ArgumentError, match="chunk_size"):
        rt.vmap(rt.sin, axis_name="i", chunk_size=2)
    with pytest.raises(BatchAxisError, match="differs between examples"):
        lanes(rt.sin, out_axes=None)(rt.ones(2))


def test_a_program_with_collectives_runs_only_in_its_axis() -> None:
    programs: list[Any] = []

    def function(x: Any) -> Any:
        programs.append(rt.make_program(lambda x: rt.psum(x, "i"))(x))
        return x

    lanes(function)(rt.ones(2))
    with pytest.raises(ArgumentError, match="not in scope any more"):
        programs[0](rt.ones(()))


# ---- JAX -----------------------------------------------------------------------------------------


def test_values_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    lax = jax.lax
    x = RNG.normal(size=(N, 2 * N, N)).astype(np.float32)
    perm = [(0, 2), (1, 0), (3, 3), (2, 1)]
    for ours, theirs in [
        (lambda x: rt.psum(x, "i"), lambda x: lax.psum(x, "i")),
        (lambda x: rt.all_gather(x, "i", axis=1), lambda x: lax.all_gather(x, "i", axis=1)),
        (lambda x: rt.all_gather(x, "i", axis=1, tiled=True),
         lambda x: lax.all_gather(x, "i", axis=1, tiled=True)),
        (lambda x: rt.psum_scatter(x, "i", tiled=True),
         lambda x: lax.psum_scatter(x, "i", tiled=True)),
        (lambda x: rt.psum_scatter(x, "i", scatter_dimension=1),
         lambda x: lax.psum_scatter(x, "i", scatter_dimension=1)),
        (lambda x: rt.ppermute(x, "i", perm), lambda x: lax.ppermute(x, "i", perm)),
        (lambda x: rt.pshuffle(x, "i", [1, 3, 0, 2]), lambda x: lax.pshuffle(x, "i", [1, 3, 0, 2])),
        (lambda x: rt.all_to_all(x, "i", 1, 0), lambda x: lax.all_to_all(x, "i", 1, 0)),
        (lambda x: rt.all_to_all(x, "i", 0, 1, tiled=True),
         lambda x: lax.all_to_all(x, "i", 0, 1, tiled=True)),
    ]:  # fmt: skip
        want = jax.vmap(theirs, axis_name="i")(x)
        np.testing.assert_allclose(lanes(ours)(rt.asarray(x)), want, rtol=1e-5, atol=1e-6)


# ---- rules of the user's -------------------------------------------------------------------------


def _with_rules() -> list[Any]:
    def f(w: Any, x: Any) -> Any:
        return rt.sin(w) * x

    reverse, forward = rt.custom_vjp(f), rt.custom_jvp(f)
    reverse.defvjp(
        lambda w, x: (reverse(w, x), (w, x)),
        lambda kept, ct: (rt.cos(kept[0]) * kept[1] * ct, rt.sin(kept[0]) * ct),
    )
    forward.defjvp(
        lambda xs, ts: (forward(*xs), rt.cos(xs[0]) * xs[1] * ts[0] + rt.sin(xs[0]) * ts[1])
    )
    return [f, reverse, forward, rt.checkpoint(f)]


def test_rules_of_the_users() -> None:
    """An argument that is the same in all lanes gets the sum of their cotangents, once."""
    x = batch()
    expected = rt.grad(lambda x: rt.sum(rt.sum((rt.sin(rt.mean(x)) * x) ** 2)
                                        * rt.sin(x) * rt.mean(x)))(x)  # fmt: skip
    for f in _with_rules():

        def loss(x: Any, f: Any = f) -> Any:
            mean = rt.pmean(x, "i")
            return rt.psum(f(mean, x) ** 2, "i") * f(x, mean)

        for wrap in (lambda f: f, rt.jit):
            close(lanes(rt.grad(wrap(loss)))(x), expected)
            close(lanes(wrap(rt.grad(loss)))(x), expected)
            run = lanes(wrap(loss))
            close(rt.grad(lambda x, run=run: rt.sum(run(x)))(x), expected)
