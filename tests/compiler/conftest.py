"""The tests in here run native code, which is switched off elsewhere."""

from collections.abc import Iterator

import pytest

from rtorch.compiler import choice


@pytest.fixture(autouse=True)
def _native_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pytest.importorskip("llvmlite", reason="native code needs llvmlite")
    monkeypatch.setenv("RTORCH_NATIVE", "1")
    choice.is_native.cache_clear()
    yield
    choice.is_native.cache_clear()
