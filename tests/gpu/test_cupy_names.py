"""Without a GPU: an `impl` may use only what CuPy has.

Every primitive is run with a stand-in for CuPy: NumPy, seen through the names that CuPy 14 has
(`cupy_names.txt`). That finds a function CuPy lacks, and runs the branches for ``xp is not np``;
kernels are for `test_devices.py`, which needs a device.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtorch.core import dtypes
from tests.op_specs import SPECS, OpSpec

# Their impl calls cupyx.scipy.special, which takes arrays of CuPy alone.
SPECIAL = {"erf", "erfc", "lgamma", "digamma", "gamma_slope", "gamma_slope_by_a"}

NAMES = frozenset((Path(__file__).parent / "cupy_names.txt").read_text().split())


class StandIn:
    """NumPy with CuPy's names only."""

    __name__ = "cupy"

    def __getattr__(self, name: str) -> Any:
        if name not in NAMES:
            raise AttributeError(f"CuPy has no {name}")
        return getattr(np, name)


@pytest.mark.parametrize(
    "spec", [s for s in SPECS if s.name not in SPECIAL], ids=lambda spec: spec.id
)
def test_impl_uses_names_of_cupy(spec: OpSpec) -> None:
    dtype = dtypes.float32 if dtypes.float32 in spec.dtypes else spec.dtypes[0]
    raw = spec.draw(dtype)
    with np.errstate(all="ignore"):
        expected = spec.prim.impl(np, *[x.copy() for x in raw], **spec.params)
        actual = spec.prim.impl(StandIn(), *raw, **spec.params)
    several = spec.prim.multiple
    for a, e in zip(actual if several else (actual,), expected if several else (expected,)):
        np.testing.assert_allclose(np.asarray(a), np.asarray(e), rtol=1e-5, atol=1e-6)
