"""What the tables do not show: errors, degenerate spectra, empty stacks, NumPy without SciPy."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.ops import matrix_functions, triangular
from rtorch.testing import assert_close, check_grads

la = rt.linalg
RNG = np.random.default_rng(0)


def random(*shape: int, complex_: bool = False) -> rt.Array:
    x: Any = RNG.standard_normal(shape)
    return rt.asarray(x + 1j * RNG.standard_normal(shape) if complex_ else x)


SINGULAR = rt.asarray([[1.0, 2.0], [2.0, 4.0]], rt.float64)

# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: la.inv(SINGULAR * 0), r"\[inv\] the matrix is singular"),
        (lambda: la.solve(rt.stack([rt.eye(2), rt.zeros((2, 2))]), rt.ones(2)),
         r"\[solve\] matrix \(1,\) of the batch is singular"),
        (lambda: la.cholesky(-rt.eye(2)), r"\[cholesky\] the matrix is not positive definite"),
        (lambda: rt.jit(rt.vmap(la.cholesky))(rt.stack([rt.eye(2), -rt.eye(2)])),
         r"\[cholesky\] matrix \(1,\) of the batch"),
        (lambda: la.solve_triangular(rt.zeros((2, 2)), rt.ones(2)), "zero on its diagonal"),
        (lambda: la.svd(rt.full((2, 2), rt.nan)), r"\[svd\] the matrix has nan or inf"),
        (lambda: la.eigvals(rt.full((2, 2), rt.inf)), r"\[eigvals\] the matrix has nan or inf"),
        (lambda: la.sqrtm(-rt.eye(2)), r"\[sqrtm\] the matrix has no principal root"),
        (lambda: rt.grad(lambda x: la.slogdet(x)[1])(SINGULAR * 0), r"\[slogdet\] the matrix is s"),
    ],
)  # fmt: skip
def test_matrices_without_a_result(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(rt.errors.LinAlgError, match=message):
        call()
    with pytest.raises(np.linalg.LinAlgError):
        call()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: la.inv(rt.ones(3)), rt.errors.ShapeError, r"\[inv\] expected a matrix or a stack"),
        (lambda: la.det(rt.ones((2, 3))), rt.errors.ShapeError,
         r"\[det\] expected square matrices, .* got \(2, 3\): 2 rows and 3 columns"),
        (lambda: la.solve(rt.eye(3), rt.ones(2)), rt.errors.ShapeError, r"\[solve\] 3 rows"),
        (lambda: la.eigh(rt.eye(2), "X"), rt.errors.ArgumentError, r"\[eigh\] UPLO: expected"),
        (lambda: la.qr(rt.eye(2), "raw"), rt.errors.ArgumentError, r"\[qr\] mode: expected"),
        (lambda: la.norm(rt.ones((2, 2)), 3), rt.errors.ArgumentError, "for matrices, got 3"),
        (lambda: la.norm(rt.ones(2), "fro"), rt.errors.ArgumentError, "for vectors, got 'fro'"),
        (lambda: la.norm(rt.ones((2, 2, 2)), 1), rt.errors.ShapeError, "say which axes"),
        (lambda: la.norm(rt.ones((2, 2)), axis=(0, 0)), rt.errors.AxisError, "names an axis twice"),
        (lambda: la.solve_triangular(rt.eye(2), rt.ones(2), trans=3), rt.errors.ArgumentError,
         "trans: expected 0, 1, 2"),
        (lambda: la.cross(rt.ones(2), rt.ones(2)), rt.errors.ShapeError, "vectors of 3 elements"),
        (lambda: la.multi_dot([rt.eye(2)]), rt.errors.ArgumentError, "two or more arrays, got 1"),
        (lambda: la.tensorsolve(rt.ones((2, 3)), rt.ones(2)), rt.errors.ShapeError, "does not beg"),
        (lambda: la.tensorinv(rt.ones((2, 3)), 1), rt.errors.ShapeError, "have 2 elements"),
        (lambda: la.lu_solve((rt.eye(3), rt.arange(2)), rt.ones(3)), rt.errors.ShapeError, "pivot"),
        (lambda: la.cho_solve(rt.eye(3), rt.ones(3)), rt.errors.ArgumentError, "expected a pair"),
    ],
)  # fmt: skip
def test_wrong_arguments(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["inv", "cholesky", "det", "qr", "svdvals", "expm", "eigh"])
def test_half_precision_is_refused(name: str) -> None:
    for dtype in (rt.float16, rt.bfloat16):
        with pytest.raises(rt.errors.DTypeError, match=rf"\[{name}\] .*astype\(rt.float32\)"):
            getattr(la, name)(rt.eye(2, dtype=dtype))
        assert la.norm(rt.ones(3, dtype=dtype)).dtype == dtype  # no LAPACK in it


def test_integers_become_the_default_float() -> None:
    assert la.inv(rt.asarray([[1, 1], [0, 1]])).dtype == rt.float32
    assert la.matrix_power(rt.asarray([[1, 1], [0, 1]]), 3).tolist() == [[1, 3], [0, 1]]


# ---- equal eigenvalues, zero determinants ------------------------------------------------------


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("name", ["eigh", "svd", "eig"])
def test_equal_eigenvalues_give_finite_gradients(name: str, complex_: bool) -> None:
    x = rt.eye(3, dtype=rt.complex128 if complex_ else rt.float64)

    def loss(x: Any) -> Any:
        return sum(rt.sum(rt.real(y * (1 + rt.arange(y.size).reshape(y.shape))))
                   for y in getattr(la, name)(x))  # fmt: skip

    for f in (rt.grad(loss), rt.jit(rt.grad(loss))):
        assert np.isfinite(np.asarray(f(x))).all()


@pytest.mark.parametrize("complex_", [False, True])
def test_gradients_that_equal_singular_values_do_not_spoil(complex_: bool) -> None:
    q = la.qr(random(3, 3, complex_=complex_)).Q
    check_grads(lambda x: la.polar(x)[0], (2 * q,), order=1, rtol=2e-5, atol=2e-5)
    check_grads(lambda x: la.norm(x, "nuc"), (2 * q,), order=2, rtol=2e-5, atol=2e-5)
    for f in (la.inv, la.pinv, la.expm, la.sqrtm):
        check_grads(f, (2 * rt.eye(3, dtype=rt.float64),), order=2, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_det_of_singular_matrices(rank: int) -> None:
    x = random(4, rank) @ random(rank, 4)
    check_grads(la.det, (x,), order=2, rtol=2e-5, atol=2e-5)


def test_pinv_without_full_rank_along_matrices_of_that_rank() -> None:
    left, right = random(4, 2), random(2, 3)
    check_grads(lambda a, b: la.pinv(a @ b, rtol=1e-8), (left, right), rtol=1e-4, atol=1e-4)


def test_the_norm_of_nothing_and_its_slope() -> None:
    for order in (None, 2, 1, 3, "fro"):
        x = rt.zeros((2, 2)) if order == "fro" else rt.zeros(3)
        assert np.isfinite(np.asarray(rt.grad(lambda x, o=order: la.norm(x, o))(x))).all()


# ---- empty ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0)])
def test_empty_stacks(shape: tuple[int, ...]) -> None:
    x = rt.zeros(shape)
    for f in (la.inv, la.cholesky, la.expm, la.sqrtm, la.logm, la.pinv, la.matrix_transpose):
        assert f(x).shape == shape
    assert la.det(x).shape == shape[:-2]
    for f in (la.eigh, la.eig, la.svd, la.qr, la.lu, la.slogdet):
        assert all(y.shape[: len(shape) - 2] == shape[:-2] for y in f(x))
    grads = rt.grad(lambda x: rt.sum(la.inv(x)) + rt.sum(la.det(x)))(x)
    assert grads.shape == shape


def test_an_empty_determinant_is_one() -> None:
    assert la.det(rt.zeros((0, 0))).item() == 1.0
    assert la.slogdet(rt.zeros((0, 0))).logabsdet.item() == 0.0


# ---- with and without SciPy ----------------------------------------------------------------------


@pytest.fixture
def _no_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (triangular, matrix_functions):
        monkeypatch.setattr(module, "scipy_linalg", lambda on_cpu: None)


@pytest.mark.usefixtures("_no_scipy")
@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (7, 4), (4, 7), (2, 3, 3)])
def test_lu_with_numpy_alone(shape: tuple[int, ...], complex_: bool) -> None:
    x = random(*shape, complex_=complex_)
    p, lower, upper = la.lu(x)
    assert_close(p.astype(x.dtype) @ lower @ upper, x, rtol=1e-12)
    scipy = pytest.importorskip("scipy.linalg")
    for index in np.ndindex(shape[:-2]):
        packed, pivots = scipy.lu_factor(np.asarray(x[index]))
        assert_close(la.lu_factor(x)[0][index], packed, rtol=1e-12)
        assert np.asarray(la.lu_factor(x)[1][index]).tolist() == pivots.tolist()


@pytest.mark.usefixtures("_no_scipy")
@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("trans", [0, 1, 2])
def test_systems_with_numpy_alone(trans: int, complex_: bool) -> None:
    a = random(2, 6, 6, complex_=complex_) + 6 * rt.eye(6)
    b = random(2, 6, 3, complex_=complex_)
    turned = [a, a.mT, rt.conj(a.mT)][trans]
    assert_close(la.lu_solve(la.lu_factor(a), b, trans), la.solve(turned, b), rtol=1e-12)
    for lower in (True, False):
        t = rt.tril(a) if lower else rt.triu(a)
        whole = [t, t.mT, rt.conj(t.mT)][trans]
        assert_close(la.solve_triangular(a, b, trans, lower), la.solve(whole, b), rtol=1e-12)


@pytest.mark.usefixtures("_no_scipy")
@pytest.mark.parametrize("complex_", [False, True])
def test_matrix_functions_with_numpy_alone(complex_: bool) -> None:
    x = random(2, 4, 4, complex_=complex_) * 0.3
    a = x @ rt.conj(x.mT) + rt.eye(4)
    assert_close(la.sqrtm(a) @ la.sqrtm(a), a, rtol=1e-10)
    assert_close(la.expm(la.logm(a)), a, rtol=1e-10)
    check_grads(lambda a: rt.abs(la.sqrtm(a) + la.logm(a)), (a,), order=2, rtol=2e-5, atol=2e-5)
    with pytest.raises(rt.errors.LinAlgError, match="principal root"):
        la.sqrtm(-rt.eye(2))


@pytest.mark.parametrize("n", [1, 5, 15, 16, 40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_exponentials_and_logarithms_of_all_sizes(n: int, dtype: Any) -> None:
    scipy = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(n)
    for scale in (0.01, 1.0, 20.0):
        x, e = rng.normal(size=(2, 2, n, n)) * scale / np.sqrt(n)
        x = (x + 1j * e if dtype is np.complex128 else x).astype(dtype)
        tolerance = {"rtol": 0, "atol": 1e4 * np.finfo(dtype).eps}
        wide = x.astype(np.result_type(x, np.float64))
        wanted = np.stack([scipy.expm(matrix) for matrix in wide])
        out = np.asarray(la.expm(rt.asarray(x)))
        assert out.dtype == dtype
        size = abs(wanted).max()
        assert_close(out.astype(wanted.dtype) / size, wanted / size, **tolerance)
        definite = (wide @ wide.conj().swapaxes(-1, -2) + scale * np.eye(n)).astype(dtype)
        back = np.asarray(la.expm(la.logm(rt.asarray(definite))))
        size = abs(definite).max()
        assert_close(back / size, definite / size, **tolerance)


@pytest.mark.parametrize("n", [4, 20])
def test_matrices_without_logarithm(n: int) -> None:
    pytest.importorskip("scipy.linalg")
    negative = np.stack([np.eye(n), np.diag([-1.0, *[1.0] * (n - 1)])])
    for function in (la.logm, la.sqrtm):
        with pytest.raises(rt.errors.LinAlgError, match=r"matrix \(1,\) of the batch has no princ"):
            function(rt.asarray(negative))
    with pytest.raises(rt.errors.LinAlgError, match=r"\[logm\] the matrix has nan or inf"):
        la.logm(rt.full((n, n), rt.inf))


def test_many_small_systems_do_not_go_through_scipy_one_by_one() -> None:
    a, b = random(50, 3, 3) + 3 * rt.eye(3), random(50, 3, 2)
    assert_close(la.solve_triangular(a, b), la.solve(rt.triu(a), b), rtol=1e-12)
    assert_close(la.lu_solve(la.lu_factor(a), b), la.solve(a, b), rtol=1e-11)


def test_the_module_does_not_import_scipy() -> None:
    code = "import sys, rtorch as rt; rt.linalg.inv(rt.eye(2)); print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---- NumPy's functions on Arrays -----------------------------------------------------------------


def test_every_function_of_numpy_is_here() -> None:
    assert set(np.linalg.__all__) <= set(la.__all__)


@pytest.mark.parametrize(
    "f",
    [
        lambda np, x: np.linalg.norm(x, axis=1).sum(),
        lambda np, x: np.linalg.solve(x, x[0]).sum(),
        lambda np, x: np.linalg.slogdet(x)[1],
        lambda np, x: np.linalg.eigh(x, "U").eigenvalues[0],
        lambda np, x: np.linalg.svd(x, compute_uv=False)[0],
        lambda np, x: np.linalg.lstsq(x, x[0], rcond=None)[0].sum(),
        lambda np, x: np.linalg.cholesky(x, upper=True).sum(),
        lambda np, x: np.linalg.multi_dot([x, x, x[0]]).sum(),
    ],
)
def test_numpy_functions_under_grad(f: Callable[[Any, Any], Any]) -> None:
    x = rt.asarray([[3.0, 1.0], [1.0, 2.0]], rt.float64)
    assert_close(f(np, x), f(np, np.asarray(x)))
    assert_close(rt.grad(lambda x: f(np, x))(x), rt.grad(lambda x: f(rt, x))(x))


# ---- JAX -----------------------------------------------------------------------------------------


def _positive(n: Any, x: Any) -> Any:
    return n.swapaxes(x, -1, -2).conj() @ x + 3 * n.eye(x.shape[-1])


GOLDEN: dict[str, Callable[[Any, Any], Any]] = {
    "slogdet": lambda n, x: n.linalg.slogdet(x)[1],
    "det": lambda n, x: abs(n.linalg.det(x)),
    "inv": lambda n, x: abs(n.linalg.inv(x)),
    "solve": lambda n, x: abs(n.linalg.solve(x, x[..., :2] * 2 + 1)),
    "cholesky": lambda n, x: abs(n.linalg.cholesky(_positive(n, x))),
    "cholesky of the matrix": lambda n, x: abs(n.linalg.cholesky(x + 9 * n.eye(3))),
    "eigh": lambda n, x: n.linalg.eigh(x)[0] ** 2,
    "eigenvectors": lambda n, x: abs(n.linalg.eigh(_positive(n, x))[1]) ** 2,
    "eigvals": lambda n, x: abs(n.linalg.eigvals(x)).sum(),
    "svdvals": lambda n, x: n.linalg.svd(x[..., :2], compute_uv=False) ** 3,
    "svd": lambda n, x: abs(n.linalg.svd(x, full_matrices=False)[0]) ** 2,
    "qr": lambda n, x: abs(n.linalg.qr(x[..., :2])[0]) ** 2,
    "pinv": lambda n, x: abs(n.linalg.pinv(x[..., :2])),
    "nuclear norm": lambda n, x: n.linalg.norm(x, "nuc", (-2, -1)),
    "spectral norm": lambda n, x: n.linalg.norm(x, 2, (-2, -1)),
    "norm 3": lambda n, x: n.linalg.norm(x, 3, -1),
    "matrix_power": lambda n, x: abs(n.linalg.matrix_power(x, 3)),
    "cond": lambda n, x: n.linalg.cond(x),
}


COMPLEX = {"slogdet", "det", "inv", "cholesky", "eigenvectors", "eigvals", "svd", "qr", "pinv"}


@pytest.mark.parametrize("name", GOLDEN)
def test_values_and_gradients_are_those_of_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    f = GOLDEN[name]
    rng = np.random.default_rng(3)
    x: Any = rng.standard_normal((2, 3, 3))
    x = x + 1j * rng.standard_normal(x.shape) if name in COMPLEX else x
    with jax.enable_x64(True):
        expected = jax.value_and_grad(lambda x: f(jax.numpy, x).sum())(x)
    found = rt.value_and_grad(lambda x: f(rt, x).sum())(rt.asarray(x))
    for y, e in zip(found, expected, strict=True):
        assert_close(y, np.asarray(e), rtol=1e-9)


def test_gradients_of_lu_and_expm_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    x = np.random.default_rng(4).standard_normal((3, 3))
    with jax.enable_x64(True):
        of_jax = jax.scipy.linalg
        lu = jax.grad(lambda x: (of_jax.lu(x)[1] ** 2 + of_jax.lu(x)[2] ** 2).sum())(x)
        exponential = jax.grad(lambda x: (of_jax.expm(x) ** 2).sum())(x)
    a = rt.asarray(x)
    assert_close(rt.grad(lambda x: (la.lu(x)[1] ** 2 + la.lu(x)[2] ** 2).sum())(a), np.asarray(lu))
    assert_close(rt.grad(lambda x: (la.expm(x) ** 2).sum())(a), np.asarray(exponential), rtol=1e-9)
