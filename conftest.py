import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _names_for_doctests(request, doctest_namespace):
    """Examples may use `rt` and `np` without importing them."""
    if isinstance(request.node, pytest.DoctestItem):
        import rtorch as rt

        doctest_namespace.update(rt=rt, np=np)
