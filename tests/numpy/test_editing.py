"""insert, delete, choose and other functions where they refuse something, and against JAX."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import (
    ArgumentError,
    AxisError,
    ConcretizationError,
    DTypeError,
    OutOfBoundsError,
    RtorchError,
    ShapeError,
)

X = rt.asarray(np.arange(12.0).reshape(3, 4))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: rt.insert(X, 13, 0.0), OutOfBoundsError),
        (lambda: rt.insert(X, [0, 9], 0.0, axis=1), OutOfBoundsError),
        (lambda: rt.insert(X, 1.5, 0.0), ArgumentError),
        (lambda: rt.insert(X, 1, rt.ones(5), axis=0), ShapeError),
        (lambda: rt.insert(rt.arange(3), 1, 0.5), DTypeError),
        (lambda: rt.delete(X, 12), OutOfBoundsError),
        (lambda: rt.delete(X, 4, axis=1), OutOfBoundsError),
        (lambda: rt.delete(X, 0, axis=2), AxisError),
        (lambda: rt.delete(X, [True], axis=0), ArgumentError),
        (lambda: rt.jit(lambda x, i: rt.delete(x, i))(X, rt.asarray([0, 1])), ConcretizationError),
        (lambda: rt.jit(rt.trim_zeros)(X), ConcretizationError),
        (lambda: rt.trim_zeros(X, "x"), ArgumentError),
        (lambda: rt.resize(X, (-1, 2)), ShapeError),
        (lambda: rt.rollaxis(X, 0, 5), AxisError),
        (lambda: rt.reshape(X, (4, 3), order="q"), ArgumentError),
        (lambda: rt.jit(lambda x, n: rt.repeat(x, n))(X, rt.ones(12, int)), ConcretizationError),
        (lambda: rt.choose([0, 3], [X[0, :2], X[1, :2]]), OutOfBoundsError),
        (lambda: rt.choose([0, -1], [X[0, :2], X[1, :2]]), OutOfBoundsError),
        (lambda: rt.choose([0], [X], mode="q"), ArgumentError),
        (lambda: rt.select([X > 0], [X, X]), ArgumentError),
        (lambda: rt.piecewise(X, [X > 0], [1, 2, 3]), ArgumentError),
        (lambda: rt.put(X, [0], 1.0, inplace=True), ArgumentError),
        (lambda: rt.put(X, [12], 1.0), OutOfBoundsError),
        (lambda: rt.place(X, X > 0, rt.ones(0)), ShapeError),
        (lambda: rt.put_along_axis(X, [[0]], 1.0, 5), AxisError),
        (lambda: rt.put_along_axis(X, [0], 1.0, 0), ShapeError),
        (lambda: rt.masked_fill(X, rt.arange(4), 0.0), ArgumentError),
        (lambda: rt.fill_diagonal(rt.ones(3), 0.0), ShapeError),
        (lambda: rt.fill_diagonal(rt.ones((2, 3, 2)), 0.0), ShapeError),
        (lambda: rt.diag_indices_from(X), ShapeError),
        (lambda: rt.tril_indices_from(rt.ones(3)), ShapeError),
        (lambda: rt.unravel_index(12, (3, 4)), OutOfBoundsError),
        (lambda: rt.ravel_multi_index(([3], [0]), (3, 4)), OutOfBoundsError),
        (lambda: rt.ravel_multi_index(([0],), (3, 4)), ShapeError),
        (
            lambda: rt.jit(lambda i: rt.ravel_multi_index((i,), (3,)))(rt.arange(3)),
            ConcretizationError,
        ),
        (lambda: rt.nonzero(rt.asarray(3)), ShapeError),
        (lambda: rt.nonzero(X, size=-1), ArgumentError),
        (lambda: rt.nonzero(X, size=2, fill_value=(1, 2, 3)), ArgumentError),
        (lambda: rt.where(X > 0, X), ArgumentError),
        (lambda: rt.compress(X > 0, X), ShapeError),
        (lambda: rt.compress([True] * 5, X, axis=1), None),
        (lambda: rt.packbits(X), DTypeError),
        (lambda: rt.packbits(rt.arange(3), bitorder="q"), ArgumentError),
        (lambda: rt.unpackbits(rt.arange(3)), DTypeError),
        (lambda: rt.unpackbits(rt.arange(3).astype(rt.uint8), count=-30), ArgumentError),
        (lambda: rt.segment_sum(X, [0, 1]), ShapeError),
        (lambda: rt.segment_max(X.astype(complex), [0, 1, 1]), DTypeError),
        (lambda: rt.jit(rt.segment_sum)(X, rt.asarray([0, 1, 1])), ConcretizationError),
        (lambda: rt.block([X, [X]]), ShapeError),
        (lambda: rt.block([]), ShapeError),
        (lambda: rt.block((X, X)), ArgumentError),
        (lambda: rt.cross(X, X), ShapeError),
        (lambda: rt.matvec(X, rt.ones(3)), ShapeError),
        (lambda: rt.vecmat(rt.ones(4), X), ShapeError),
        (lambda: rt.frombuffer(b"123"), ArgumentError),
        (lambda: rt.fromstring("1 2", sep=""), ArgumentError),
        (lambda: rt.fromiter(3), ArgumentError),
        (lambda: rt.dynamic_slice_in_dim(X, 0, 5), ShapeError),
        (lambda: rt.dynamic_update_index_in_dim(X, rt.ones(5), 0, 0), ShapeError),
    ],
)
def test_mistakes(call, error):
    with pytest.raises(error or RtorchError):
        call()


def test_files_of_numbers(tmp_path):
    path = tmp_path / "numbers"
    np.arange(5.0).tofile(path)
    assert rt.fromfile(path, count=2, offset=8).tolist() == [1, 2]
    path.write_text("1, 2, 3")
    assert rt.fromfile(str(path), rt.int16, sep=",").tolist() == [1, 2, 3]


def test_piecewise_by_pieces_that_overlap():
    x = np.arange(-3.0, 4)
    pieces = [lambda x: x * 10, -7, lambda x: x - 1]
    for conditions in ([x < 2, x < -1], [x < -1, x < 2]):
        want = np.piecewise(x, conditions, pieces)
        rt.testing.assert_close(rt.piecewise(rt.asarray(x), conditions, pieces), want)


def test_methods():
    x = rt.asarray([[0, 2], [3, 0]])
    assert [i.tolist() for i in x.nonzero()] == [[0, 1], [1, 0]]
    assert x.choose([5, 6, 7, 8]).tolist() == [[5, 7], [8, 5]]
    assert x.diagonal(1).tolist() == [2]
    assert x.compress([False, True], axis=1).tolist() == [[2], [0]]
    assert rt.asarray([1.25]).round(1).tolist() == pytest.approx([1.2])
    assert rt.asarray([1, 3]).searchsorted(2).tolist() == 1
    assert x.reshape(4, order="F").tolist() == x.ravel("F").tolist() == [0, 3, 2, 0]


# ---- against JAX ---------------------------------------------------------------------------------

COUNTS = np.asarray([1, 0, 2, 2])
GOLDEN = {
    "nonzero": lambda m: m.nonzero(np.asarray([[0, 1, 2], [3, 0, 0]]), size=5, fill_value=(7, 9)),
    "argwhere": lambda m: m.argwhere(np.asarray([[0, 1, 2], [3, 0, 0]]), size=5, fill_value=-1),
    "where": lambda m: m.where(np.asarray([0, 1, 1]), size=3, fill_value=8),
    "extract": lambda m: m.extract(COUNTS > 0, COUNTS * 10, size=4, fill_value=-3),
    "compress": lambda m: m.compress(
        COUNTS > 0, np.arange(8).reshape(2, 4), 1, size=4, fill_value=-3
    ),
    "repeat": lambda m: m.repeat(np.arange(4), COUNTS, total_repeat_length=8),
    "repeat-short": lambda m: m.repeat(np.arange(4), COUNTS, total_repeat_length=3),
    "take-fill": lambda m: m.take(np.arange(4.0), np.asarray([-9, -1, 4]), mode="fill"),
    "take_along_axis": lambda m: m.take_along_axis(
        np.arange(4), np.asarray([-9, -1, 4]), 0, mode="fill", fill_value=-5
    ),
    "delete": lambda m: m.delete(np.arange(5), np.asarray([1, 3]), assume_unique_indices=True),
    "put": lambda m: m.put(
        np.arange(5), np.asarray([1, 9]), np.asarray([7, 8]), mode="clip", inplace=False
    ),
    "unravel_index": lambda m: m.unravel_index(np.asarray([-1, 5]), (2, 3)),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_agrees_with_jax(name):
    jnp = pytest.importorskip("jax.numpy")
    ours, theirs = GOLDEN[name](rt), GOLDEN[name](jnp)
    for a, b in zip(rt.tree.leaves(ours), rt.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_segments_and_unit_vectors_agree_with_jax():
    jax = pytest.importorskip("jax")
    data, ids = np.float32([[1, 2], [3, 4], [5, 6]]), np.asarray([0, -1, 3])
    for name in ("sum", "prod", "max", "min"):
        want = getattr(jax.ops, f"segment_{name}")(data, ids, 4)
        np.testing.assert_array_equal(getattr(rt, f"segment_{name}")(data, ids, 4), want)
    want = jax.nn.one_hot(ids, 3, axis=0)
    np.testing.assert_array_equal(rt.one_hot(ids, 3, axis=0), want)
    for start in (-2, 0, 2, 9):
        x = np.arange(5.0)
        lax, one = jax.lax, np.ones(2)
        want = lax.dynamic_slice_in_dim(x, start, 2)
        np.testing.assert_array_equal(rt.dynamic_slice_in_dim(x, start, 2), want)
        want = lax.dynamic_update_slice_in_dim(x, one, start, 0)
        np.testing.assert_array_equal(rt.dynamic_update_slice_in_dim(x, one, start, 0), want)
