"""`cg`, `bicgstab`, `gmres`: solutions, what they report, and derivatives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, TreeError
from rtorch.solvers import bicgstab, cg, gmres

N = 9
DTYPES = ["float32", "float64", "complex64", "complex128"]
SOLVERS = {"cg": cg, "bicgstab": bicgstab, "gmres": gmres}
each_solver = pytest.mark.parametrize("name", SOLVERS)


def system(name: str, dtype: str = "float64", n: int = N) -> tuple[Any, Any]:
    """A matrix that suits the solver, and a right-hand side."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(n, n)), rng.normal(size=n)
    if dtype.startswith("complex"):
        a, b = a + 1j * rng.normal(size=(n, n)), b + 1j * rng.normal(size=n)
    a = a @ a.conj().T + n * np.eye(n) if name == "cg" else a + 5 * np.eye(n)
    return a.astype(dtype), b.astype(dtype)


def tolerance(dtype: Any) -> float:
    return 1e-5 if rt.finfo(dtype).eps > 1e-10 else 1e-11


@each_solver
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit], ids=["eager", "jit"])
def test_solutions(name: str, dtype: str, wrap: Any) -> None:
    a, b = system(name, dtype)
    tol = tolerance(b.dtype)
    x, info = wrap(lambda a, b: SOLVERS[name](a, b, tol=tol))(a, b)
    assert x.dtype == dtype
    assert int(info) == 0
    assert np.linalg.norm(a @ np.asarray(x) - b) <= 3 * tol * np.linalg.norm(b)


@each_solver
def test_as_scipy_and_jax(name: str) -> None:
    linalg = pytest.importorskip("scipy.sparse.linalg")
    a, b = system(name)
    wanted, _ = getattr(linalg, name)(a, b, rtol=1e-12)
    x, _ = SOLVERS[name](a, b, tol=1e-12)
    np.testing.assert_allclose(x, wanted, rtol=1e-9)
    sparse = pytest.importorskip("jax.scipy.sparse.linalg")
    theirs, _ = getattr(sparse, name)(a.astype("float32"), b.astype("float32"))
    ours, _ = SOLVERS[name](a.astype("float32"), b.astype("float32"))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@each_solver
def test_functions_of_pytrees(name: str) -> None:
    a, b = system(name)
    tree = {"u": b[:4].reshape(2, 2), "v": b[4:]}

    def matvec(x: Any) -> Any:
        y = rt.asarray(a) @ rt.concatenate([rt.ravel(x["u"]), x["v"]])
        return {"u": rt.reshape(y[:4], (2, 2)), "v": y[4:]}

    x, info = SOLVERS[name](matvec, tree, tol=1e-11)
    wanted = np.linalg.solve(a, b)
    assert int(info) == 0
    np.testing.assert_allclose(x["u"], wanted[:4].reshape(2, 2), rtol=1e-8)
    np.testing.assert_allclose(x["v"], wanted[4:], rtol=1e-8)


@each_solver
def test_guesses_and_preconditioners(name: str) -> None:
    a, b = system(name)
    solver, wanted = SOLVERS[name], np.linalg.solve(a, b)
    steps = 1 if name != "gmres" else 2
    for options in ({"x0": wanted}, {"M": np.linalg.inv(a)}, {"M": lambda v: np.linalg.inv(a) @ v}):
        x, info = solver(a, b, tol=1e-9, maxiter=steps, **options)
        assert int(info) == 0
        np.testing.assert_allclose(x, wanted, rtol=1e-7)
    far, info = solver(a, b, 1e6 * wanted, tol=1e-9)  # worse than nothing: not used
    assert int(info) == 0
    np.testing.assert_allclose(far, wanted, rtol=1e-7)


def test_restarts() -> None:
    a, b = system("gmres")
    x, info = gmres(a, b, tol=1e-9, restart=4)
    assert int(info) == 0
    np.testing.assert_allclose(x, np.linalg.solve(a, b), rtol=1e-7)
    _, info = gmres(a, b, tol=1e-9, restart=2, maxiter=2)
    assert int(info) == 2


@each_solver
def test_what_did_not_converge_is_reported(name: str) -> None:
    a, b = system(name)
    solver = SOLVERS[name]
    options: Any = {"restart": 2} if name == "gmres" else {}
    x, info = rt.jit(lambda a, b: solver(a, b, tol=1e-12, maxiter=2, **options))(a, b)
    assert int(info) == 2
    assert bool(rt.all(rt.isfinite(x)))
    singular = np.diag([1.0, 0.0, -2.0])
    x, info = solver(singular, np.ones(3))
    assert int(info) != 0
    assert bool(rt.all(rt.isfinite(x)))
    x, info = solver(a, np.full(N, np.nan))
    assert int(info) != 0
    x, info = solver(np.full((N, N), np.nan), b)
    assert int(info) != 0
    assert bool(rt.all(rt.isfinite(x)))


@each_solver
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e30])
def test_very_small_and_large_sides(name: str, scale: float) -> None:
    a, b = system(name, "float32")
    x, info = SOLVERS[name](a, b * np.float32(scale))
    assert int(info) == 0
    np.testing.assert_allclose(x, np.linalg.solve(a, b) * scale, rtol=1e-3, atol=1e-4 * scale)


def loss_of(solve: Callable[..., Any]) -> Callable[..., rt.Array]:
    return lambda a, b: rt.sum(rt.sin(solve(a, b)))


@each_solver
@pytest.mark.parametrize(
    "apply",
    [
        lambda f: rt.grad(f, (0, 1)),
        lambda f: rt.jit(rt.grad(f, (0, 1))),
        lambda f: rt.jacfwd(f, 1),
        lambda f: rt.hessian(f, 1),
        lambda f: lambda a, b: rt.vmap(rt.grad(f, (0, 1)), (None, 0))(a, rt.stack([b, 3 * b])),
        lambda f: (
            lambda a, b: rt.grad(lambda b: rt.sum(rt.vmap(f, (None, 0))(a, b)))(
                rt.stack([b, 3 * b])
            )
        ),
    ],
    ids=["grad", "jit", "jacfwd", "hessian", "vmap(grad)", "grad(vmap)"],
)
def test_derivatives_are_those_of_a_dense_solve(name: str, apply: Any) -> None:
    a, b = map(rt.asarray, system(name, n=4))
    ours = apply(loss_of(lambda a, b: SOLVERS[name](a, b, tol=1e-12)[0]))(a, b)
    wanted = apply(loss_of(rt.linalg.solve))(a, b)
    rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-8), ours, wanted)


@each_solver
def test_derivatives_of_complex_systems(name: str) -> None:
    a, b = map(rt.asarray, system(name, "complex128", 4))
    loss = lambda solve: lambda a, b: rt.sum(rt.abs(solve(a, b)) ** 2)  # noqa: E731
    precond = rt.asarray(np.diag(1 / np.diag(a)))
    ours = rt.grad(loss(lambda a, b: SOLVERS[name](a, b, tol=1e-12, M=precond)[0]), (0, 1))(a, b)
    wanted = rt.grad(loss(rt.linalg.solve), (0, 1))(a, b)
    rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-8), ours, wanted)


@each_solver
def test_lanes_end_at_their_own_step(name: str) -> None:
    a, b = system(name)
    stacked = np.stack([np.eye(N), a])
    solver = SOLVERS[name]
    options: Any = {"restart": 2} if name == "gmres" else {}
    solve = lambda a: solver(a, b, tol=1e-9, maxiter=3, **options)  # noqa: E731
    for wrap in (lambda f: f, rt.jit):
        x, info = wrap(rt.vmap(solve))(stacked)
        assert info.tolist()[0] == 0
        np.testing.assert_allclose(x[0], b, rtol=1e-12)
        alone, alone_info = solve(stacked[1])
        assert int(info[1]) == int(alone_info)
        np.testing.assert_allclose(x[1], alone, rtol=1e-7)


@each_solver
def test_errors(name: str) -> None:
    a, b = system(name)
    solver = SOLVERS[name]
    with pytest.raises(ShapeError, match=rf"\[{name}\] A must be a square matrix"):
        solver(a[:3], b)
    with pytest.raises(DTypeError, match="b must be floating"):
        solver(a, np.arange(N))
    with pytest.raises(DTypeError, match="convert b with"):
        solver(a, b.astype("float32"))
    with pytest.raises(ArgumentError, match="maxiter"):
        solver(a, b, maxiter=2.5)
    with pytest.raises(ShapeError, match="x0 has 3 numbers"):
        solver(a, b, b[:3])
    with pytest.raises(TreeError):
        solver(lambda x: (x, x), b)
    with pytest.raises(ShapeError, match="A gives 3 numbers"):
        solver(lambda x: x[:3], b)


def test_compiled_solvers_can_be_saved(tmp_path: Path) -> None:
    a, b = map(rt.asarray, system("cg"))
    slope = rt.grad(lambda a: rt.sum(cg(a, b, tol=1e-12)[0]))
    rt.export.save(tmp_path / "slope.npz", slope, a)
    np.testing.assert_allclose(rt.export.load(tmp_path / "slope.npz").call(a), slope(a), rtol=1e-12)
