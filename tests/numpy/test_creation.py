"""Creation, ranges and matrices against NumPy."""

import math

import numpy as np
import pytest
from reference import ALL, bfloat16, check, sample

from rtorch.core import dtypes
from rtorch.core.array import Array
from rtorch.core.program import check_program
from rtorch.errors import ArgumentError, DTypeError, ShapeError
from rtorch.numpy import creation, matrices, ranges
from rtorch.ops.base import mul_p
from rtorch.transforms.stage import stage


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_asarray_keeps_dtype_and_copies(dtype, shape):
    x = sample(shape, dtype)
    before = x.copy()
    ours = creation.asarray(x)
    x[...] = 1
    check(ours, before)


def test_asarray_of_python_values():
    check(creation.asarray(1.5), np.float32(1.5))
    check(creation.asarray(2), np.int64(2))
    check(creation.asarray(True), np.asarray(True))
    check(creation.asarray(1j), np.complex64(1j))
    check(creation.asarray([[1, 2.5], (3, 4)]), np.asarray([[1, 2.5], [3, 4]], np.float32))
    check(creation.asarray([]), np.zeros(0, np.float32))
    check(creation.asarray([creation.asarray(1.0), 2]), np.asarray([1, 2], np.float32))
    check(creation.asarray([1, 2], dtype="int8"), np.asarray([1, 2], np.int8))
    assert not creation.asarray(1.5).weak_type


def test_asarray_of_an_array_is_itself():
    x = creation.ones(3)
    assert creation.asarray(x) is x
    assert creation.array(x) is not x
    check(creation.array(x), np.ones(3, np.float32))
    check(creation.copy(x), np.ones(3, np.float32))


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_copy_false_shares_memory_and_leaves_the_owner_writeable(dtype):
    x = sample((4, 6), dtype)[::2, ::-1]
    ours = creation.asarray(x, copy=False)
    assert np.shares_memory(np.asarray(ours), x)
    assert not np.asarray(ours).flags.writeable
    assert x.flags.writeable
    x[0, 0] = 1
    check(ours, x)


def test_copy_false_that_must_copy():
    with pytest.raises(ArgumentError, match="copy=False: float64 to float32 copies"):
        creation.asarray(np.ones(2), dtype="float32", copy=False)
    with pytest.raises(ArgumentError, match="has no memory to share"):
        creation.asarray([1, 2], copy=False)


def test_from_dlpack():
    x = np.arange(4.0)
    ours = creation.from_dlpack(x)
    assert np.shares_memory(np.asarray(ours), x)
    assert x.flags.writeable
    check(creation.from_dlpack(x, copy=True), x)
    check(creation.from_dlpack(ours), x)
    with pytest.raises(ArgumentError, match="__dlpack__"):
        creation.from_dlpack([1])


@pytest.mark.parametrize("dtype", [None, *ALL], ids=str)
@pytest.mark.parametrize("shape", [(), 3, (2, 0), [2, 3]])
def test_filled(dtype, shape):
    wanted = np.float32 if dtype is None else dtype
    check(creation.zeros(shape, dtype), np.zeros(shape, wanted))
    check(creation.ones(shape, dtype), np.ones(shape, wanted))
    check(creation.empty(shape, dtype), np.zeros(shape, wanted))
    x = creation.zeros((2, 2), wanted)
    check(creation.ones_like(x), np.ones((2, 2), wanted))
    check(creation.zeros_like(x, shape=shape), np.zeros(shape, wanted))
    check(creation.full_like(x, 1, dtype="int8"), np.ones((2, 2), np.int8))
    check(creation.empty_like(x), np.zeros((2, 2), wanted))


def test_full():
    check(creation.full((2,), 7), np.full(2, 7))
    check(creation.full((2,), 1.5), np.full(2, 1.5, np.float32))
    check(creation.full((2,), 1.5, "int32"), np.full(2, 1, np.int32))
    check(creation.full((2, 3), np.arange(3)), np.tile(np.arange(3), (2, 1)))
    check(creation.full((2,), np.float64(3)), np.full(2, 3.0))
    check(creation.full((2,), creation.asarray(2.0), bfloat16), np.full(2, 2.0, bfloat16))
    assert math.copysign(1, np.asarray(creation.full(2, -0.0))[0]) == -1
    with pytest.raises(ShapeError, match=r"\[full\] shapes"):
        creation.full((2,), np.arange(3))
    with pytest.raises(DTypeError, match="300 does not fit into uint8"):
        creation.full((2,), 300, "uint8")


def test_default_dtype_is_followed():
    before = dtypes.default_dtype()
    try:
        dtypes.default_dtype("float64")
        assert creation.zeros(2).dtype == np.float64
        check(ranges.linspace(0, 1, 3), np.linspace(0, 1, 3))
        check(ranges.arange(0, 1, 0.1), np.arange(0, 1, 0.1))
    finally:
        dtypes.default_dtype(before)


@pytest.mark.parametrize("args", [(5,), (2, 5), (5, 2), (5, 2, -1), (0, 10, 3), (10, 0, -4), (-3,)])
def test_arange_of_integers(args):
    check(ranges.arange(*args), np.arange(*args))
    for dtype in ("int8", "int32", "float32", "float64", bfloat16):
        check(ranges.arange(*args, dtype=dtype), np.arange(*args).astype(dtype))


@pytest.mark.parametrize(
    "args", [(5.0,), (0, 1, 0.1), (1.5, 7.25), (3, 0, -0.3), (0, 1e3, 0.7), (1, 0, 0.5)]
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_arange_of_floats_is_numpy_bit_for_bit(args, dtype):
    ours, reference = ranges.arange(*args, dtype=dtype), np.arange(*args, dtype=dtype)
    assert np.asarray(ours).tobytes() == reference.tobytes()


def test_arange_of_scalars_and_mistakes():
    check(ranges.arange(np.int32(3)), np.arange(3))
    check(ranges.arange(creation.asarray(3)), np.arange(3))
    check(ranges.arange(True), np.arange(1))
    with pytest.raises(ArgumentError, match="step must not be 0"):
        ranges.arange(1, 2, 0)
    with pytest.raises(ArgumentError, match=r"\[arange\] stop: expected a real number"):
        ranges.arange("3")


@pytest.mark.parametrize("num", [0, 1, 2, 5])
@pytest.mark.parametrize("endpoint", [True, False])
def test_linspace(num, endpoint):
    for ends in [(0, 1), (-2.5, 3.0), (1, 1)]:
        reference = np.linspace(*ends, num, endpoint=endpoint)
        check(ranges.linspace(*ends, num, endpoint=endpoint), reference.astype(np.float32))
        check(ranges.linspace(*ends, num, endpoint=endpoint, dtype="float64"), reference)
        integers = np.linspace(*ends, num, endpoint=endpoint, dtype=int)
        check(ranges.linspace(*ends, num, endpoint=endpoint, dtype=int), integers)


def test_linspace_of_arrays():
    a, b = sample((2, 3), "float64"), sample((3,), "float64", 1)
    check(ranges.linspace(a, b, 4), np.linspace(a, b, 4))
    ours, step = ranges.linspace(creation.asarray(a), creation.asarray(b), 4, retstep=True, axis=-1)
    reference, its_step = np.linspace(a, b, 4, retstep=True, axis=-1)
    check(ours, reference)
    check(step, its_step)
    check(ranges.linspace(0, 1j, 3), np.linspace(0, 1j, 3).astype(np.complex64))
    with pytest.raises(ArgumentError, match="num must not be negative"):
        ranges.linspace(0, 1, -1)


def test_logspace():
    check(ranges.logspace(0, 3, 4), np.logspace(0, 3, 4).astype(np.float32))
    reference = np.logspace(-1, 3, 5, base=2.0, endpoint=False)
    check(ranges.logspace(-1, 3, 5, base=2.0, endpoint=False, dtype="float64"), reference)


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_meshgrid(indexing, sparse, n):
    xs = [np.arange(k + 2) for k in range(n)]
    check(
        ranges.meshgrid(*xs, indexing=indexing, sparse=sparse),
        np.meshgrid(*xs, indexing=indexing, sparse=sparse),
    )


def test_meshgrid_mistakes():
    with pytest.raises(ArgumentError, match="expected 'xy' or 'ij'"):
        ranges.meshgrid(np.arange(2), indexing="no")
    with pytest.raises(ShapeError, match="argument 0: expected a vector"):
        ranges.meshgrid(np.ones((2, 2)))


@pytest.mark.parametrize("k", [-4, -1, 0, 2, 5])
def test_triangles(k):
    check(matrices.eye(3, k=k), np.eye(3, k=k, dtype=np.float32))
    check(matrices.eye(3, 4, k=k, dtype=int), np.eye(3, 4, k=k, dtype=int))
    check(matrices.tri(3, 4, k), np.tri(3, 4, k, dtype=np.float32))
    for shape in [(3, 3), (2, 3, 4), (0, 2)]:
        for dtype in ALL:
            x = sample(shape, dtype)
            check(matrices.tril(x, k), np.tril(x, k))
            check(matrices.triu(x, k), np.triu(x, k))
    check(matrices.identity(2), np.identity(2, np.float32))


@pytest.mark.parametrize("k", [-4, -1, 0, 2, 5])
def test_diagonals(k):
    for shape in [(3, 3), (2, 3), (4, 2, 3)]:
        x = sample(shape)
        check(matrices.diagonal(x, k), np.diagonal(x, k))
        check(matrices.trace(x, k), np.trace(x, k))
        check(matrices.diagonal(x, k, -1, 0), np.diagonal(x, k, -1, 0))
    check(matrices.diag(sample((3, 4)), k), np.diag(sample((3, 4)), k))
    check(matrices.diag(sample((3,)), k), np.diag(sample((3,)), k))
    check(matrices.trace(sample((2, 2), "int8")), np.trace(sample((2, 2), "int8")))


def test_matrix_mistakes():
    with pytest.raises(ShapeError, match=r"\[tril\] expected an array of 2 or more axes"):
        matrices.tril(np.ones(3))
    with pytest.raises(ShapeError, match=r"\[diag\] expected an array of 1 or 2 axes"):
        matrices.diag(np.ones((1, 1, 1)))
    with pytest.raises(ShapeError, match="must differ"):
        matrices.diagonal(np.ones((2, 2)), 0, 1, 1)
    with pytest.raises(ArgumentError, match="expected an integer"):
        matrices.eye(3, k=0.5)


def test_creation_is_staged():
    def function(x: Array) -> list[Array]:
        return [
            mul_p(x, ranges.arange(3.0)),
            creation.zeros(2),
            matrices.eye(2),
            ranges.linspace(x, 1, 3),
        ]

    program = stage(function, [creation.ones(3).aval])
    check_program(program)
    assert {"iota", "full"} <= {eqn.prim.name for eqn in program.eqns}
    assert not program.consts or all(v.aval.shape == () for v in program.consts)
