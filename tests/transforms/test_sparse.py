"""Sparse Jacobians and Hessians against dense ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.transforms.coloring import column_colors, star_colors

scipy_sparse = pytest.importorskip("scipy.sparse")


def of_pattern(mask: Any) -> Callable[[Any], Any]:
    """A function whose Jacobian has exactly the pattern `mask`."""
    weights = rt.asarray(np.where(mask, np.linspace(0.5, 1.5, mask.size).reshape(mask.shape), 0.0))
    return lambda x: rt.sin(weights @ (x**2))


def scalar_of_pattern(mask: Any) -> Callable[[Any], Any]:
    """A function whose Hessian has the symmetric pattern of `mask`."""
    weights = rt.asarray(np.where(mask, np.linspace(0.5, 1.5, mask.size).reshape(mask.shape), 0.0))
    return lambda x: rt.sum(weights * rt.sin(x)[:, None] * rt.cos(x) ** 2)


def band(n: int, below: int, above: int) -> Any:
    i = np.arange(n)
    return (i[:, None] - i <= below) & (i - i[:, None] <= above)


def arrow(n: int) -> Any:
    mask = np.eye(n, dtype=bool)
    mask[0] = mask[:, 0] = True
    return mask


def random(m: int, n: int, density: float, seed: int) -> Any:
    return np.random.default_rng(seed).random((m, n)) < density


MASKS = {
    "diagonal": np.eye(6, dtype=bool),
    "tridiagonal": band(12, 1, 1),
    "band": band(12, 3, 1),
    "wide": random(4, 15, 0.2, 0),
    "tall": random(15, 4, 0.2, 1),
    "row": np.arange(3)[:, None] == np.zeros(7),
    "column": np.zeros((7, 1)) == np.arange(3),
    "arrow": arrow(8),
    "full": np.ones((3, 4), bool),
    "nothing": np.zeros((3, 4), bool),
    "last columns only": np.arange(5) > np.full((5, 1), 2),
}


def point(n: int) -> Any:
    return rt.asarray(np.random.default_rng(n).uniform(-1, 1, n))


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), 1e-12, 1e-13)


# ---- Jacobians -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@pytest.mark.parametrize("name", MASKS)
def test_jacobian_is_the_dense_one(name: str, mode: str) -> None:
    mask = MASKS[name]
    f, x = of_pattern(mask), point(mask.shape[1])
    dense = rt.jacfwd(f)(x)
    jac = rt.sparse_jacobian(f, mask, mode)
    for matrix in (jac(x), rt.jit(jac)(x)):
        close(matrix.todense(), dense)
        close(matrix.values, np.asarray(dense)[np.nonzero(mask)])
        close(matrix.to_scipy().toarray(), dense)
        assert matrix.shape == mask.shape


def test_passes() -> None:
    assert rt.sparse_jacobian(rt.sin, band(1000, 1, 1)).passes == 3
    assert rt.sparse_jacobian(rt.sin, MASKS["band"]).passes == 5
    for mode, passes in (("forward", 7), ("reverse", 1), ("auto", 1)):
        jac = rt.sparse_jacobian(of_pattern(MASKS["row"]), MASKS["row"], mode)
        assert jac.passes == passes
    assert jac.mode == "reverse"


@pytest.mark.parametrize("seed", range(20))
def test_colors_of_columns_never_meet_in_a_row(seed: int) -> None:
    mask = random(12, 17, 0.15, seed)
    rows, cols = np.nonzero(mask)
    colors = column_colors(rows, cols)
    pairs = list(zip(rows.tolist(), colors[cols].tolist()))
    assert len(set(pairs)) == len(pairs)
    assert colors.max() < 1 + mask.sum(1).max() * mask.sum(0).max()


def test_patterns_in_every_form_and_order() -> None:
    mask = MASKS["band"]
    f, x = of_pattern(mask), point(12)
    dense = np.asarray(rt.jacfwd(f)(x))
    rows, cols = np.nonzero(mask)
    order = np.random.default_rng(0).permutation(len(rows))
    got = rt.sparse_jacobian(f, (rows[order], cols[order]))(x)
    close(got.values, dense[rows[order], cols[order]])
    assert got.rows.tolist() == rows[order].tolist()
    csc = scipy_sparse.csc_array(mask)
    for pattern in (csc, rt.asarray(mask), mask.tolist(), (rows.tolist(), cols.tolist())):
        close(rt.sparse_jacobian(f, pattern)(x).todense(), dense)
    assert rt.sparse_jacobian(f, mask)(x).to_scipy("csc").format == "csc"


def test_arrays_of_any_shape_aux_arguments_and_chunks() -> None:
    def f(scale: Any, x: Any) -> Any:
        y = rt.sin(x[:, 1:] * x[:, :-1]) * scale
        return y, {"scale": scale}

    x = point(12).reshape(3, 4)
    mask = np.asarray(rt.jacfwd(lambda x: f(2.0, x)[0])(rt.ones((3, 4)))).reshape(9, 12) != 0
    for mode in ("forward", "reverse"):
        for chunk in (None, 1):
            jac = rt.sparse_jacobian(f, mask, mode, argnums=1, has_aux=True, chunk_size=chunk)
            assert jac.passes <= 3
            matrix, aux = jac(2.0, x)
            close(matrix.todense(), rt.jacrev(lambda x: f(2.0, x)[0])(x).reshape(9, 12))
            assert float(aux["scale"]) == 2.0


def test_complex_numbers() -> None:
    x = point(3) + 1j
    for mode in ("forward", "reverse"):
        got = rt.sparse_jacobian(lambda x: x**2, np.eye(3), mode, holomorphic=True)(x)
        close(got.values, 2 * x)


def test_transformations_of_the_jacobian() -> None:
    mask = MASKS["tridiagonal"]
    f, x = of_pattern(mask), point(12)
    jac = rt.sparse_jacobian(f, mask)

    def total(jacobian: Any) -> Any:
        return lambda x: rt.sum(rt.sin(jacobian(x)))

    dense = rt.grad(total(lambda x: rt.jacfwd(f)(x)[np.nonzero(mask)]))(x)
    close(rt.grad(total(lambda x: jac(x).values))(x), dense)
    close(rt.jit(rt.grad(total(lambda x: jac(x).values)))(x), dense)
    batch = rt.stack([x, 2 * x])
    close(rt.vmap(jac)(batch).values, rt.stack([jac(x).values, jac(2 * x).values]))


# ---- Hessians ------------------------------------------------------------------------------------

SQUARE = {name: m for name, m in MASKS.items() if m.shape[0] == m.shape[1]}
SQUARE |= {f"random {seed}": random(11, 11, 0.12, seed) for seed in range(12)}


@pytest.mark.parametrize("name", SQUARE)
def test_hessian_is_the_dense_one(name: str) -> None:
    mask = SQUARE[name] | SQUARE[name].T | np.eye(len(SQUARE[name]), dtype=bool)
    f, x = scalar_of_pattern(mask), point(len(mask))
    dense = np.asarray(rt.hessian(f)(x))
    for pattern in (mask, np.tril(mask)):
        hess = rt.sparse_hessian(f, pattern)
        for matrix in (hess(x), rt.jit(hess)(x)):
            close(matrix.values, dense[np.nonzero(pattern)])
    close(rt.sparse_hessian(f, mask, chunk_size=1)(x).todense(), dense)


@pytest.mark.parametrize("seed", range(20))
def test_paths_of_four_have_three_colors(seed: int) -> None:
    mask = random(9, 9, 0.2, seed)
    colors = star_colors(*np.nonzero(mask))
    n = len(colors)
    linked = (mask | mask.T)[:n, :n] & ~np.eye(n, dtype=bool)
    near = [np.nonzero(row)[0].tolist() for row in linked]
    for v in range(n):
        for w in near[v]:
            assert colors[v] != colors[w]
            for x in near[w]:
                for y in near[x]:
                    if v not in (x, y) and y != w:
                        assert len({colors[i] for i in (v, w, x, y)}) >= 3


def test_passes_of_hessians() -> None:
    f = scalar_of_pattern(arrow(30))
    assert rt.sparse_hessian(f, arrow(30)).passes == 2
    assert rt.sparse_hessian(f, band(30, 1, 1)).passes == 3
    assert rt.sparse_hessian(f, np.eye(30)).passes == 1


def test_hessian_with_aux_and_argnums() -> None:
    def f(scale: Any, x: Any) -> Any:
        return scale * rt.sum(x**3), rt.max(x)

    x = point(6).reshape(2, 3)
    matrix, aux = rt.sparse_hessian(f, np.eye(6), argnums=1, has_aux=True)(2.0, x)
    close(matrix.values, 12 * x.reshape(6))
    assert float(aux) == float(rt.max(x))


def test_matrices_are_pytrees() -> None:
    matrix = rt.sparse_jacobian(rt.sin, np.eye(3))(point(3))
    doubled = rt.tree.map(lambda x: 2 * x, matrix)
    close(doubled.todense(), 2 * matrix.todense())
    assert rt.tree.structure(matrix) == rt.tree.structure(
        rt.sparse_jacobian(rt.cos, np.eye(3))(point(3))
    )
    assert "shape=(3, 3)" in repr(matrix)


# ---- messages ------------------------------------------------------------------------------------

X = rt.ones(3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: rt.sparse_jacobian(rt.sin, "band"), rt.errors.ArgumentError, "pattern: expected"),
        (lambda: rt.sparse_jacobian(rt.sin, np.ones(3)), rt.errors.ArgumentError, "a matrix of"),
        (lambda: rt.sparse_jacobian(rt.sin, ([0.5], [1])), rt.errors.ArgumentError, "integers"),
        (lambda: rt.sparse_jacobian(rt.sin, ([0, 1], [1])), rt.errors.ArgumentError, "one length"),
        (lambda: rt.sparse_jacobian(rt.sin, ([-1], [1])), rt.errors.ArgumentError, "non-negative"),
        (lambda: rt.sparse_jacobian(rt.sin, ([1, 1], [1, 1])), rt.errors.ArgumentError, "twice"),
        (lambda: rt.sparse_jacobian(rt.sin, np.eye(3), "both"), rt.errors.ArgumentError, "mode"),
        (lambda: rt.sparse_jacobian(rt.sin, np.eye(4))(X), rt.errors.ShapeError, "4 columns"),
        (lambda: rt.sparse_jacobian(rt.sin, np.eye(2))(X), rt.errors.ShapeError, r"\(2, 2\)"),
        (lambda: rt.sparse_jacobian(rt.sum, np.eye(3))(X), rt.errors.ShapeError, r"\(1, 3\)"),
        (lambda: rt.sparse_jacobian(rt.sum, np.eye(3), "reverse")(X), rt.errors.ShapeError, "rows"),
        (lambda: rt.sparse_jacobian(lambda x: (x, x), np.eye(3))(X), rt.errors.ArgumentError,
         "must return one array"),
        (lambda: rt.sparse_jacobian(rt.sin, np.eye(3))([X, X]), rt.errors.ArgumentError,
         "must be one array, got 2"),
        (lambda: rt.sparse_jacobian(rt.sin, np.eye(3), argnums=(0,))(X), rt.errors.ArgumentError,
         "argnums: expected one integer"),
        (lambda: rt.sparse_jacobian(rt.sin, np.eye(3))(rt.arange(3)), rt.errors.DTypeError,
         "must be floating"),
        (lambda: rt.sparse_hessian(rt.sum, np.eye(4))(X), rt.errors.ShapeError, r"\(4, 4\)"),
        (lambda: rt.sparse_hessian(rt.sin, np.eye(3))(X), rt.errors.ShapeError, "scalar"),
    ],
)  # fmt: skip
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
