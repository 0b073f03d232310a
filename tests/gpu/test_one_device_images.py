"""Functions on images make their constants where the images are."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.core import backend
from tests.data.image_cases import CASES
from tests.gpu.cupy_stand_in import CuPy

pytestmark = pytest.mark.reuses_keys


@pytest.fixture(autouse=True)
def _cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    module = CuPy()
    monkeypatch.setattr(backend, "cupy", lambda: module)


@pytest.mark.parametrize("name", CASES)
def test_constants_are_where_the_images_are(name: str, rng: np.random.Generator) -> None:
    case = CASES[name]
    x, key = rt.asarray(rng.random((3, 3, 9, 8))), rt.random.key(3)

    def call(x: Any, key: Any) -> Any:
        return case.function(x, key=key) if case.keyed else case.function(x)

    for f in (call, rt.jit(call)):
        actual = f(x.to("cuda"), key.to("cuda"))
        assert actual.device == rt.Device("cuda", 0)
        np.testing.assert_allclose(np.asarray(actual.to("cpu")), f(x, key), rtol=1e-5, atol=1e-5)
