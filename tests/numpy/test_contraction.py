"""Products against NumPy."""

import numpy as np
import pytest
from reference import ALL, both, check, sample, wide

from rtorch.errors import ArgumentError, ShapeError
from rtorch.numpy import contraction
from rtorch.numpy.creation import asarray
from rtorch.numpy.einsums import einsum
from rtorch.transforms.stage import stage

PAIRS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (1, 5, 3, 4)),
    ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 3), (4, 5, 3, 1)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_matmul(shapes, dtype):
    (x, a), (y, b) = (both(shape, dtype, i) for i, shape in enumerate(shapes))
    check(contraction.matmul(x, y), np.matmul(wide(a), wide(b)), dtype)


def test_matmul_promotes():
    check(contraction.matmul(np.ones((2, 3), "int32"), np.ones((3, 2), "float16")),
          np.full((2, 2), 3, "float16"))  # fmt: skip
    check(contraction.matmul([[1, 2]], [[1.5], [2.0]]), np.float32([[5.5]]))


@pytest.mark.parametrize(
    "shapes", [((2, 3), (2, 3)), ((3,), (2,)), ((2, 2, 3), (3, 3, 2)), ((), (2,))], ids=str
)
def test_matmul_mistakes(shapes):
    with pytest.raises(ShapeError, match=r"\[matmul\] (shapes|a factor)"):
        contraction.matmul(*map(sample, shapes))


@pytest.mark.parametrize(
    "shapes", [((), ()), ((), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (5, 3, 4))], ids=str
)
def test_dot(shapes):
    (x, a), (y, b) = (both(shape, "float64", i) for i, shape in enumerate(shapes))
    check(contraction.dot(x, y), np.dot(a, b))
    with pytest.raises(ShapeError, match=r"\[dot\] shapes"):
        contraction.dot(np.ones((2, 3)), np.ones((2, 3)))


@pytest.mark.parametrize("dtype", ["int32", "float32", "complex64"])
def test_products_of_vectors(dtype):
    (x, a), (y, b) = both((2, 3), dtype), both((2, 3), dtype, 1)
    check(contraction.inner(x, y), np.inner(a, b))
    check(contraction.inner(2.0, asarray([1.0, 2.0])), np.float32([2, 4]))
    check(contraction.vdot(x, y), np.vdot(a, b))
    check(contraction.vecdot(x, y), np.vecdot(a, b))
    check(contraction.vecdot(x, y, axis=0), np.vecdot(a, b, axis=0))
    check(contraction.vecdot(x, b[0]), np.vecdot(a, b[0]))
    check(contraction.outer(x, y), np.outer(a, b))
    check(contraction.outer(2, y), np.outer(2, b).astype(dtype))
    with pytest.raises(ShapeError, match=r"\[vdot\]"):
        contraction.vdot(a, b[0])
    with pytest.raises(ShapeError, match=r"\[vecdot\] lengths"):
        contraction.vecdot(a, b[:, :2])


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        (((2, 3), (3, 4)), 1), (((2, 3), (2, 3)), 2), (((2,), (3,)), 0),
        (((2, 3, 4), (4, 2, 5)), ([0, 2], [1, 0])), (((2, 3, 4), (4, 2, 5)), (-1, 0)),
        (((2, 3, 4), (3, 4, 2)), ([2, 0, 1], [1, 2, 0])),
    ],
    ids=str,
)  # fmt: skip
def test_tensordot(shapes, axes):
    (x, a), (y, b) = (both(shape, "float64", i) for i, shape in enumerate(shapes))
    check(contraction.tensordot(x, y, axes), np.tensordot(a, b, axes))


def test_tensordot_mistakes():
    x = np.ones((2, 3))
    for axes, text in [(1, "they must be equal"), (3, "3 axes of arrays"), ([0], "two lists"),
                       ([[0, 1], [0]], "2 axes of x"), ([[0, 0], [0, 1]], "twice")]:  # fmt: skip
        with pytest.raises((ShapeError, ArgumentError), match=text):
            contraction.tensordot(x, x, axes)


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 3), (4, 5)), ((2,), (3, 2)), ((), (2,))])
def test_kron(shapes):
    (x, a), (y, b) = (both(shape, "float64", i) for i, shape in enumerate(shapes))
    check(contraction.kron(x, y), np.kron(a, b))


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)),
    ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ba", (2, 3)), ("ii", (3, 3)),
    ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("ijij->ji", (2, 3, 2, 3)), ("iii->i", (2, 2, 2)),
    ("i,i", (3,), (3,)), ("i,i->i", (3,), (3,)), ("i,j->ij", (2,), (3,)), ("i,j->ji", (2,), (3,)),
    (",ij->ij", (), (2, 3)), ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)), ("ij,k->j", (2, 3), (4,)),
    ("bij,bkj->bik", (5, 2, 3), (5, 4, 3)), ("bqhd,bkhd->bhqk", (2, 3, 4, 5), (2, 6, 4, 5)),
    ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)), ("...ij,...jk", (1, 2, 3), (5, 3, 4)),
    ("...ij,jk->...ik", (6, 5, 2, 3), (3, 4)), ("i...->...", (2, 3, 4)), ("...,...", (2, 3), (3,)),
    ("...i->i...", (2, 3, 4)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ij,jk,kl,lm->", (2, 3), (3, 4), (4, 5), (5, 2)), ("i,i,i->i", (3,), (3,), (3,)),
    ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)), ("ij,j->ij", (2, 3), (1,)),
    ("ij,jk->ik", (2, 0), (0, 4)),
    ("ij , jk -> ik", (2, 3), (3, 4)), ("ijk,jil->kl", (3, 4, 5), (4, 3, 2)),
    ("ij,jj->i", (2, 3), (3, 3)),
    ("abc,cd,be->ade", (2, 3, 4), (4, 5), (3, 6)),
]  # fmt: skip


@pytest.mark.parametrize("optimize", ["auto", False])
@pytest.mark.parametrize("case", EINSUMS, ids=str)
def test_einsum(case, optimize):
    subscripts, *shapes = case
    arrays = [sample(shape, "float64", i) for i, shape in enumerate(shapes)]
    ours = einsum(subscripts, *map(asarray, arrays), optimize=optimize)
    check(ours, np.einsum(subscripts, *arrays))


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_einsum_dtypes(dtype):
    (x, a), (y, b) = both((2, 3), dtype), both((3, 4), dtype, 1)
    check(einsum("ij,jk->ik", x, y), np.einsum("ij,jk->ik", wide(a), wide(b)), dtype)
    check(einsum("ij->ji", x), a.T)


def test_einsum_of_lists():
    a, b = sample((2, 3)), sample((3, 4), seed=1)
    check(einsum(a, [0, 1], b, [1, 2], [0, 2]), a @ b)
    check(einsum(a, [0, 1], b, [1, 2]), a @ b)
    check(einsum(a, [Ellipsis, 1], [1, Ellipsis]), a.T)


def test_einsum_path_is_kept_and_staged():
    xs = [asarray(sample(shape)) for shape in [(2, 3), (3, 4), (4, 5)]]
    program = stage(lambda *a: [einsum("ij,jk,kl->il", *a)], [x.aval for x in xs])
    assert [eqn.prim.name for eqn in program.eqns] == ["dot_general", "dot_general"]


def test_einsum_needs_no_transposition_where_the_order_can_be_chosen():
    xs = [asarray(sample(shape)) for shape in [(2, 3), (3, 4)]]
    program = stage(lambda *a: [einsum("ij,jk->ki", *a)], [x.aval for x in xs])
    assert [eqn.prim.name for eqn in program.eqns] == ["dot_general"]


@pytest.mark.parametrize(
    ("subscripts", "shapes", "text"),
    [
        ("ij,jk->ik", [(2, 3), (4, 5)], "'j' has lengths 3 and 4"),
        ("ij->ik", [(2, 3)], "every letter of the output"),
        ("ij->ii", [(2, 3)], "only once"),
        ("ij,jk", [(2, 3)], "is for 2 arrays, got 1"),
        ("ijk", [(2, 3)], "does not fit shape"),
        ("i1->i", [(2, 3)], "not made of letters"),
        ("i....", [(2, 3)], "not made of letters"),
        ("ii", [(2, 3)], "'i' has lengths 2 and 3"),
        ("", [], "at least one array"),
    ],
)
def test_einsum_mistakes(subscripts, shapes, text):
    with pytest.raises((ShapeError, ArgumentError), match=text):
        einsum(subscripts, *map(sample, shapes))
