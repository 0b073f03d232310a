import os
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)
# In CI a failure must not depend on the day: the same examples in every run.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

SEED = 20240229


@cache
def why_no_gpu() -> str | None:
    """Why tests on a device cannot run here, None if they can."""
    try:
        import cupy

        count = cupy.cuda.runtime.getDeviceCount()
    except ImportError:
        return "CuPy is not installed"
    except Exception as error:  # CuPy without a driver raises its own errors
        return f"CuPy finds no device: {error}"
    return None if count else "CuPy finds no device"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and (reason := why_no_gpu()):
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def _keys_are_used_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests use no random key twice, unless marked with ``reuses_keys``."""
    if request.node.get_closest_marker("reuses_keys"):
        yield
        return
    from rtorch.random import check_key_reuse

    with check_key_reuse():
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run of every test."""
    return np.random.default_rng(SEED)
