"""Initializers beyond the plain ones: distributions, and what PyTorch and JAX give."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors
from rtorch.nn import initializers as inits

KEY = rt.random.key
SHAPE = (200, 100, 2)


@pytest.mark.parametrize(
    ("init", "bound", "std"),
    [
        (inits.truncated_normal(0.5), 1.0, 0.5 * 0.8796256610342398),
        (inits.variance_scaling(), 2 * np.sqrt(1 / 200) / 0.8796, np.sqrt(1 / 200)),
        (inits.variance_scaling(2.0, "fan_out", "normal"), None, np.sqrt(2 / 400)),
        (inits.variance_scaling(1.0, "fan_avg", "uniform"), np.sqrt(3 / 300), np.sqrt(1 / 300)),
        (inits.variance_scaling(1.0, "fan_geo_avg", "normal"), None, (200 * 400) ** -0.25),
    ],
)
def test_variances(init: Any, bound: float | None, std: float) -> None:
    w = np.asarray(init(KEY(3), SHAPE, rt.float64))
    assert w.dtype == np.float64
    assert abs(w.mean()) < 0.02 * std
    assert abs(w.std() / std - 1) < 0.02
    if bound is not None:
        assert 0.98 * bound < np.abs(w).max() <= bound * 1.001


def test_trunc_normal_is_cut_where_torch_cuts() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.init.trunc_normal_(torch.empty(40000, dtype=torch.float64), 1.0, 3.0, -2, 2)
    ours = inits.trunc_normal(1.0, 3.0, -2.0, 2.0)(KEY(0), (40000,), rt.float64)
    assert -2 <= float(rt.min(ours)) < -1.99 < 1.99 < float(rt.max(ours)) <= 2
    assert abs(float(rt.mean(ours)) - float(theirs.mean())) < 0.05
    assert abs(float(rt.std(ours)) - float(theirs.std())) < 0.03


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5), (4, 3, 2), (10, 2, 2, 2)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    w = np.asarray(inits.orthogonal(2.0)(KEY(0), shape, rt.float64)).reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_delta_orthogonal() -> None:
    w = np.asarray(inits.delta_orthogonal()(KEY(0), (6, 4, 3, 5), rt.float64))
    np.testing.assert_allclose(w[:, :, 1, 2].T @ w[:, :, 1, 2], np.eye(4), atol=1e-12)
    assert np.count_nonzero(w) == np.count_nonzero(w[:, :, 1, 2])


@pytest.mark.parametrize(("shape", "groups"), [((4, 2, 3), 1), ((6, 2, 3, 4), 3), ((2, 3, 5), 2)])
def test_dirac_is_that_of_torch(shape: tuple[int, ...], groups: int) -> None:
    torch = pytest.importorskip("torch")
    wanted = torch.nn.init.dirac_(torch.empty(shape), groups)
    np.testing.assert_array_equal(inits.dirac(groups)(None, shape, rt.float32), wanted)


def test_sparse_columns() -> None:
    w = np.asarray(inits.sparse(0.3)(KEY(0), (11, 500), rt.float64))
    assert ((w == 0).sum(0) == 4).all()
    assert abs(w[w != 0].std() / 0.01 - 1) < 0.05
    assert len({tuple(column) for column in (w == 0).T}) > 100


@pytest.mark.parametrize(
    "name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "conv2d"]
)
def test_gains_are_those_of_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    assert inits.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    if name == "leaky_relu":
        assert inits.calculate_gain(name, 0.3) == torch.nn.init.calculate_gain(name, 0.3)


@pytest.mark.reuses_keys
@pytest.mark.parametrize(
    ("init", "shape"),
    [
        (inits.orthogonal(), (3, 4)), (inits.delta_orthogonal(), (3, 2, 3)), (inits.eye, (2, 3)),
        (inits.dirac(), (3, 2, 3)), (inits.sparse(0.5), (3, 4)), (inits.truncated_normal(), (3,)),
    ],
)  # fmt: skip
def test_dtypes_and_jit(init: Any, shape: tuple[int, ...]) -> None:
    for dtype in (rt.float32, rt.float64):
        eager = init(KEY(0), shape, dtype)
        jitted = rt.jit(lambda key, dtype=dtype: init(key, shape, dtype))(KEY(0))
        assert eager.dtype == jitted.dtype == dtype
        np.testing.assert_allclose(eager, jitted, rtol=1e-5, atol=1e-6)
    assert init(KEY(0), shape, float).dtype == rt.default_dtype()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: inits.orthogonal()(KEY(0), (3,), float), errors.ShapeError, r"got \(3,\)"),
        (lambda: inits.delta_orthogonal()(KEY(0), (2, 3, 1), float), errors.ShapeError, "as many"),
        (lambda: inits.dirac(2)(None, (3, 3, 3), float), errors.ShapeError, "2 groups"),
        (lambda: inits.eye(None, (3,), float), errors.ShapeError, r"\(out, in\)"),
        (lambda: inits.sparse(2.0), errors.ArgumentError, "from 0 to 1"),
        (lambda: inits.variance_scaling(1, "in"), errors.ArgumentError, "mode: expected one of"),
        (lambda: inits.calculate_gain("gelu"), errors.ArgumentError, "nonlinearity"),
    ],
)
def test_messages(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
