"""Samples, and the comparison with NumPy, for the tests of the namespace."""

from typing import Any

import ml_dtypes
import numpy as np

from rtorch.core.array import Array
from rtorch.numpy.creation import asarray

bfloat16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = [np.dtype(d) for d in ("float16", bfloat16, "float32", "float64")]
INTEGERS = [np.dtype(d) for d in ("int8", "uint8", "int32", "int64", "uint32")]
ALL = [np.dtype(bool), *INTEGERS, *FLOATS, np.dtype("complex64")]
SHAPES = [(), (1,), (4,), (2, 3), (3, 1, 2), (0,), (2, 0, 3)]
_TOLERANCE = {"float16": 4e-3, "bfloat16": 4e-2, "float32": 2e-5, "complex64": 2e-5}


def sample(shape: Any = (2, 3), dtype: Any = "float32", seed: int = 0) -> np.ndarray:
    """Small numbers, among them equal ones."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -5, 6, shape).astype(dtype)
    x = rng.integers(-8, 9, shape) / 4
    if dtype.kind == "c":
        x = x + 1j * rng.integers(-8, 9, shape) / 4
    return np.asarray(x).astype(dtype)


def wide(x: np.ndarray) -> np.ndarray:
    """`x` in a dtype that NumPy computes well in."""
    return x.astype(np.float64) if x.dtype in (np.float16, bfloat16) else x


def check(ours: Any, reference: Any, dtype: Any = None) -> None:
    """Raise unless `ours` is an Array like `reference`, of `dtype` if given."""
    if isinstance(ours, (list, tuple)):
        assert len(ours) == len(reference), f"{len(ours)} results, NumPy has {len(reference)}"
        for one, other in zip(ours, reference, strict=True):
            check(one, other, dtype)
        return
    assert isinstance(ours, Array), f"{type(ours).__name__} is no Array"
    reference = np.asarray(reference)
    assert ours.shape == reference.shape, f"shape {ours.shape}, NumPy has {reference.shape}"
    wanted = reference.dtype if dtype is None else np.dtype(dtype)
    assert ours.dtype == wanted, f"dtype {ours.dtype}, expected {wanted}"
    data = np.asarray(ours)
    if wanted.kind in "biu":
        np.testing.assert_array_equal(data, reference)
        return
    kind = np.complex128 if wanted.kind == "c" else np.float64
    tolerance = _TOLERANCE.get(str(wanted), 1e-12)
    np.testing.assert_allclose(
        data.astype(kind), reference.astype(kind), rtol=tolerance, atol=tolerance
    )


def both(shape: Any = (2, 3), dtype: Any = "float32", seed: int = 0) -> tuple[Array, np.ndarray]:
    """A sample as an Array and as NumPy has it."""
    x = sample(shape, dtype, seed)
    return asarray(x), x
