"""Layers make their constants where their input is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import nn
from rtorch.core import backend
from tests.gpu.cupy_stand_in import CuPy


@pytest.fixture(autouse=True)
def _cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    module = CuPy()
    monkeypatch.setattr(backend, "cupy", lambda: module)


CASES: dict[str, Callable[[Any], Any]] = {
    "max_pool": lambda x: nn.max_pool2d(x, 2, return_indices=True)[0],
    "adaptive_max_pool": lambda x: nn.adaptive_max_pool2d(x, 4, return_indices=True)[0],
    "adaptive_avg_pool": lambda x: nn.adaptive_avg_pool2d(x, 4),
    "nearest": lambda x: nn.interpolate(x, 5),
    "linear": lambda x: nn.interpolate(x, 5, mode="bilinear"),
    "cubic": lambda x: nn.interpolate(x, 5, mode="bicubic", antialias=True),
    "pad": lambda x: nn.pad(x, 1, "reflect"),
    "fold": lambda x: nn.fold(nn.unfold(x, 2), 6, 2),
    "grid_sample": lambda x: nn.grid_sample(
        x, nn.affine_grid(x[:, 0, :2, :3], (1, 1, 4, 5)), "bicubic", "reflection"
    ),
    "cdist": lambda x: nn.cdist(x, x),
    "sparsemax": nn.sparsemax,
    "pixel_shuffle": lambda x: nn.pixel_shuffle(x, 2),
}


@pytest.mark.parametrize("name", CASES)
def test_constants_are_where_the_input_is(name: str, rng: np.random.Generator) -> None:
    function = CASES[name]
    x = rt.asarray(rng.normal(size=(1, 4, 6, 6)))

    def loss(x: Any) -> Any:
        return rt.sum(function(x) ** 2)

    for f in (function, rt.grad(loss), rt.jit(function)):
        actual = f(x.to("cuda"))
        assert actual.device == rt.Device("cuda", 0)
        np.testing.assert_allclose(np.asarray(actual.to("cpu")), f(x), rtol=1e-10, atol=1e-12)
