"""Jacobians where arguments and results are not both real."""

import pytest

import rtorch as rt
from rtorch import errors


def test_jacrev_refuses_complex_results_of_real_arguments() -> None:
    x = rt.asarray([1.0, 2.0])
    with pytest.raises(errors.DTypeError, match="complex results need holomorphic=True"):
        rt.jacrev(lambda x: x * 1j)(x)
    assert rt.jacfwd(lambda x: x * 1j)(x).tolist() == [[1j, 0j], [0j, 1j]]
