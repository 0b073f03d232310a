"""Arrays are written as NumPy writes them, byte by byte."""

import io
from typing import Any

import numpy as np
import pytest

from rtorch.io import npy

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "array",
    [X, X.T, X[:, ::2], X[::-1], X.transpose(1, 0, 2), X[0, 0, 0], X[:, :0], np.float64(3),
     X > 3, X.astype(np.complex64), X.astype(">i4"), np.broadcast_to(X[0, 0], (3, 4)),
     np.zeros((0, 3)), np.zeros((1, 5)), np.asfortranarray(X[0])],
    ids=lambda x: f"{x.dtype.str}{x.shape}",
)  # fmt: skip
def test_as_numpy_does(array: Any) -> None:
    array = np.asarray(array)
    ours, theirs = io.BytesIO(), io.BytesIO()
    npy.write(ours, array)
    np.save(theirs, array)
    assert ours.getvalue() == theirs.getvalue()
