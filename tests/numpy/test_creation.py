"""Creation, ranges and matrices against NumPy."""

import math

import numpy as np
import pytest
from reference import ALL, bfloat16, check, sample

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.program import check_program
from rtorch.errors import ArgumentError, DTypeError, ShapeError
from rtorch.numpy import creation as C
from rtorch.numpy import matrices as X
from rtorch.numpy import ranges as G
from rtorch.ops.base import mul_p
from rtorch.transforms.stage import stage


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_asarray_keeps_dtype_and_copies(dtype, shape):
    x = sample(shape, dtype)
    before = x.copy()
    ours = C.asarray(x)
    x[...] = 1
    check(ours, before)


def test_asarray_of_python_values():
    check(C.asarray(1.5), np.float32(1.5))
    check(C.asarray(2), np.int64(2))
    check(C.asarray(True), np.asarray(True))
    check(C.asarray(1j), np.complex64(1j))
    check(C.asarray([[1, 2.5], (3, 4)]), np.asarray([[1, 2.5], [3, 4]], np.float32))
    check(C.asarray([]), np.zeros(0, np.float32))
    check(C.asarray([C.asarray(1.0), 2]), np.asarray([1, 2], np.float32))
    check(C.asarray([1, 2], dtype="int8"), np.asarray([1, 2], np.int8))
    assert not C.asarray(1.5).weak_type


def test_asarray_of_an_array_is_itself():
    x = C.ones(3)
    assert C.asarray(x) is x
    assert C.array(x) is not x
    check(C.array(x), np.ones(3, np.float32))
    check(C.copy(x), np.ones(3, np.float32))


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_copy_false_shares_memory_and_leaves_the_owner_writeable(dtype):
    x = sample((4, 6), dtype)[::2, ::-1]
    ours = C.asarray(x, copy=False)
    assert np.shares_memory(np.asarray(ours), x)
    assert not np.asarray(ours).flags.writeable
    assert x.flags.writeable
    x[0, 0] = 1
    check(ours, x)


def test_copy_false_that_must_copy():
    with pytest.raises(ArgumentError, match="copy=False: float64 to float32 copies"):
        C.asarray(np.ones(2), dtype="float32", copy=False)
    with pytest.raises(ArgumentError, match="has no memory to share"):
        C.asarray([1, 2], copy=False)


def test_from_dlpack():
    x = np.arange(4.0)
    ours = C.from_dlpack(x)
    assert np.shares_memory(np.asarray(ours), x)
    assert x.flags.writeable
    check(C.from_dlpack(x, copy=True), x)
    check(C.from_dlpack(ours), x)
    with pytest.raises(ArgumentError, match="__dlpack__"):
        C.from_dlpack([1])


@pytest.mark.parametrize("dtype", [None, *ALL], ids=str)
@pytest.mark.parametrize("shape", [(), 3, (2, 0), [2, 3]])
def test_filled(dtype, shape):
    wanted = np.float32 if dtype is None else dtype
    check(C.zeros(shape, dtype), np.zeros(shape, wanted))
    check(C.ones(shape, dtype), np.ones(shape, wanted))
    check(C.empty(shape, dtype), np.zeros(shape, wanted))
    x = C.zeros((2, 2), wanted)
    check(C.ones_like(x), np.ones((2, 2), wanted))
    check(C.zeros_like(x, shape=shape), np.zeros(shape, wanted))
    check(C.full_like(x, 1, dtype="int8"), np.ones((2, 2), np.int8))
    check(C.empty_like(x), np.zeros((2, 2), wanted))


def test_full():
    check(C.full((2,), 7), np.full(2, 7))
    check(C.full((2,), 1.5), np.full(2, 1.5, np.float32))
    check(C.full((2,), 1.5, "int32"), np.full(2, 1, np.int32))
    check(C.full((2, 3), np.arange(3)), np.tile(np.arange(3), (2, 1)))
    check(C.full((2,), np.float64(3)), np.full(2, 3.0))
    check(C.full((2,), C.asarray(2.0), bfloat16), np.full(2, 2.0, bfloat16))
    assert math.copysign(1, np.asarray(C.full(2, -0.0))[0]) == -1
    with pytest.raises(ShapeError, match=r"\[full\] shapes"):
        C.full((2,), np.arange(3))
    with pytest.raises(DTypeError, match="300 does not fit into uint8"):
        C.full((2,), 300, "uint8")


def test_default_dtype_is_followed():
    before = dtypes.default_dtype()
    try:
        dtypes.default_dtype("float64")
        assert C.zeros(2).dtype == np.float64
        check(G.linspace(0, 1, 3), np.linspace(0, 1, 3))
        check(G.arange(0, 1, 0.1), np.arange(0, 1, 0.1))
    finally:
        dtypes.default_dtype(before)


@pytest.mark.parametrize("args", [(5,), (2, 5), (5, 2), (5, 2, -1), (0, 10, 3), (10, 0, -4), (-3,)])
def test_arange_of_integers(args):
    check(G.arange(*args), np.arange(*args))
    for dtype in ("int8", "int32", "float32", "float64", bfloat16):
        check(G.arange(*args, dtype=dtype), np.arange(*args).astype(dtype))


@pytest.mark.parametrize(
    "args", [(5.0,), (0, 1, 0.1), (1.5, 7.25), (3, 0, -0.3), (0, 1e3, 0.7), (1, 0, 0.5)]
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_arange_of_floats_is_numpy_bit_for_bit(args, dtype):
    ours, reference = G.arange(*args, dtype=dtype), np.arange(*args, dtype=dtype)
    assert np.asarray(ours).tobytes() == reference.tobytes()


def test_arange_of_scalars_and_mistakes():
    check(G.arange(np.int32(3)), np.arange(3))
    check(G.arange(C.asarray(3)), np.arange(3))
    check(G.arange(True), np.arange(1))
    with pytest.raises(ArgumentError, match="step must not be 0"):
        G.arange(1, 2, 0)
    with pytest.raises(ArgumentError, match=r"\[arange\] stop: expected a real number"):
        G.arange("3")


@pytest.mark.parametrize("num", [0, 1, 2, 5])
@pytest.mark.parametrize("endpoint", [True, False])
def test_linspace(num, endpoint):
    for ends in [(0, 1), (-2.5, 3.0), (1, 1)]:
        reference = np.linspace(*ends, num, endpoint=endpoint)
        check(G.linspace(*ends, num, endpoint=endpoint), reference.astype(np.float32))
        check(G.linspace(*ends, num, endpoint=endpoint, dtype="float64"), reference)
        integers = np.linspace(*ends, num, endpoint=endpoint, dtype=int)
        check(G.linspace(*ends, num, endpoint=endpoint, dtype=int), integers)


def test_linspace_of_arrays():
    a, b = sample((2, 3), "float64"), sample((3,), "float64", 1)
    check(G.linspace(a, b, 4), np.linspace(a, b, 4))
    ours, step = G.linspace(C.asarray(a), C.asarray(b), 4, retstep=True, axis=-1)
    reference, its_step = np.linspace(a, b, 4, retstep=True, axis=-1)
    check(ours, reference)
    check(step, its_step)
    check(G.linspace(0, 1j, 3), np.linspace(0, 1j, 3).astype(np.complex64))
    with pytest.raises(ArgumentError, match="num must not be negative"):
        G.linspace(0, 1, -1)


def test_logspace():
    check(G.logspace(0, 3, 4), np.logspace(0, 3, 4).astype(np.float32))
    reference = np.logspace(-1, 3, 5, base=2.0, endpoint=False)
    check(G.logspace(-1, 3, 5, base=2.0, endpoint=False, dtype="float64"), reference)


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_meshgrid(indexing, sparse, n):
    xs = [np.arange(k + 2) for k in range(n)]
    check(
        G.meshgrid(*xs, indexing=indexing, sparse=sparse),
        np.meshgrid(*xs, indexing=indexing, sparse=sparse),
    )


def test_meshgrid_mistakes():
    with pytest.raises(ArgumentError, match="expected 'xy' or 'ij'"):
        G.meshgrid(np.arange(2), indexing="no")
    with pytest.raises(ShapeError, match="argument 0: expected a vector"):
        G.meshgrid(np.ones((2, 2)))


@pytest.mark.parametrize("k", [-4, -1, 0, 2, 5])
def test_triangles(k):
    check(X.eye(3, k=k), np.eye(3, k=k, dtype=np.float32))
    check(X.eye(3, 4, k=k, dtype=int), np.eye(3, 4, k=k, dtype=int))
    check(X.tri(3, 4, k), np.tri(3, 4, k, dtype=np.float32))
    for shape in [(3, 3), (2, 3, 4), (0, 2)]:
        for dtype in ALL:
            x = sample(shape, dtype)
            check(X.tril(x, k), np.tril(x, k))
            check(X.triu(x, k), np.triu(x, k))
    check(X.identity(2), np.identity(2, np.float32))


@pytest.mark.parametrize("k", [-4, -1, 0, 2, 5])
def test_diagonals(k):
    for shape in [(3, 3), (2, 3), (4, 2, 3)]:
        x = sample(shape)
        check(X.diagonal(x, k), np.diagonal(x, k))
        check(X.trace(x, k), np.trace(x, k))
        check(X.diagonal(x, k, -1, 0), np.diagonal(x, k, -1, 0))
    check(X.diag(sample((3, 4)), k), np.diag(sample((3, 4)), k))
    check(X.diag(sample((3,)), k), np.diag(sample((3,)), k))
    check(X.trace(sample((2, 2), "int8")), np.trace(sample((2, 2), "int8")))


def test_matrix_mistakes():
    with pytest.raises(ShapeError, match=r"\[tril\] expected an array of 2 or more axes"):
        X.tril(np.ones(3))
    with pytest.raises(ShapeError, match=r"\[diag\] expected an array of 1 or 2 axes"):
        X.diag(np.ones((1, 1, 1)))
    with pytest.raises(ShapeError, match="must differ"):
        X.diagonal(np.ones((2, 2)), 0, 1, 1)
    with pytest.raises(ArgumentError, match="expected an integer"):
        X.eye(3, k=0.5)


def test_creation_is_staged():
    def function(x: Array) -> list[Array]:
        return [mul_p(x, G.arange(3.0)), C.zeros(2), X.eye(2), G.linspace(x, 1, 3)]

    program = stage(function, [C.ones(3).aval])
    check_program(program)
    assert {"iota", "full"} <= {eqn.prim.name for eqn in program.eqns}
    assert not program.consts or all(v.aval.shape == () for v in program.consts)
