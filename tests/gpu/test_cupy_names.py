"""Without a GPU: an `impl` may use only what CuPy has.

Every primitive is run with a stand-in for CuPy: NumPy, seen through the names that CuPy 14 has
(`cupy_names.txt`), and for special functions SciPy, seen through those of `cupyx.scipy.special`.
That finds a function CuPy lacks, and runs the branches for ``xp is not np``; kernels are for
`test_devices.py`, which needs a device.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtorch.core import dtypes
from rtorch.errors import MissingDependencyError
from rtorch.ops import library
from tests.op_specs import SPECS, OpSpec
from tests.special_op_specs import NOT_ON_GPU

HERE = Path(__file__).parent


class StandIn:
    """A module with CuPy's names only."""

    def __init__(self, module: Any, file: str) -> None:
        self.module = module
        self.names = frozenset((HERE / file).read_text().split())
        self.__name__ = "cupy"

    def __getattr__(self, name: str) -> Any:
        if name not in self.names:
            raise AttributeError(f"CuPy has no {name}")
        return getattr(self.module, name)


CUPY = StandIn(np, "cupy_names.txt")


@pytest.fixture(autouse=True)
def _special_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    on_cpu = library.load("special", True)
    on_gpu = on_cpu and StandIn(on_cpu, "cupyx_special_names.txt")
    monkeypatch.setattr(library, "load", lambda module, cpu: on_cpu if cpu else on_gpu)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_impl_uses_names_of_cupy(spec: OpSpec) -> None:
    dtype = dtypes.float32 if dtypes.float32 in spec.dtypes else spec.dtypes[0]
    raw = spec.draw(dtype)
    with np.errstate(all="ignore"):
        expected = spec.prim.impl(np, *[x.copy() for x in raw], **spec.params)
        try:
            actual = spec.prim.impl(CUPY, *raw, **spec.params)
        except MissingDependencyError:
            assert spec.name in NOT_ON_GPU
            return
    several = spec.prim.multiple
    for a, e in zip(actual if several else (actual,), expected if several else (expected,)):
        np.testing.assert_allclose(np.asarray(a), np.asarray(e), rtol=1e-5, atol=1e-6)
