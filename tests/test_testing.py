"""The checks of `rtorch.testing` pass on what is right and raise on what is wrong."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, MissingRuleError, TreeError
from rtorch.testing import assert_close, check_batch, check_grads, check_transpose

X = rt.asarray([0.3, 1.7, -0.6], dtype=rt.float64)
Z = rt.asarray([0.3 + 1j, 1.7 - 0.2j], dtype=rt.complex128)


def broken(x: Any) -> Any:
    """sin(x) * x with the derivative of one factor missing."""
    return rt.sin(rt.stop_gradient(x)) * x


# ---- assert_close --------------------------------------------------------------------------------


def test_close_trees_pass() -> None:
    assert_close({"a": X, "b": [1, 2.0]}, {"a": np.asarray(X) * (1 + 1e-15), "b": [1, 2.0]})
    assert_close(rt.asarray([np.nan, np.inf]), rt.asarray([np.nan, np.inf]))
    assert_close(rt.asarray(1.0, dtype=rt.bfloat16), rt.asarray(1.01, dtype=rt.bfloat16))


@pytest.mark.parametrize(
    ("actual", "expected", "text"),
    [
        (X, X + 1e-3, r"3 of 3 elements differ .* largest difference is 0.001"),
        (X, rt.asarray(X, dtype=rt.float32), "dtype float64 came, float32 was expected"),
        (X, X[:2], r"shape \(3,\) came, \(2,\) was expected"),
        ({"w": [X, X]}, {"w": [X, 2 * X]}, r"\['w'\]\[1\]"),
        (rt.asarray([1.0, np.nan]), rt.asarray([1.0, 2.0]), r"1 of 2 .* at \(1,\): nan came, 2.0"),
        (rt.asarray([np.inf]), rt.asarray([-np.inf]), "1 of 1"),
        (rt.asarray([3, 4]), rt.asarray([3, 5]), r"at \(1,\): 4 came, 5 was expected"),
        (rt.asarray([True]), rt.asarray([False]), "True came, False was expected"),
        (rt.asarray(2, dtype=rt.uint8), rt.asarray(3, dtype=rt.uint8), "difference is 1"),
        (1.0, 1.1, "1.0 came, 1.1 was expected"),
        (Z, Z * 1j, "2 of 2"),
    ],
)
def test_different_values_raise(actual: Any, expected: Any, text: str) -> None:
    with pytest.raises(AssertionError, match=text):
        assert_close(actual, expected)


def test_tolerances_and_structure() -> None:
    assert_close(X, X + 1e-3, rtol=0, atol=2e-3)
    assert_close(X, rt.asarray(X, dtype=rt.float32), check_dtype=False)
    with pytest.raises(AssertionError, match="here"):
        assert_close(X, X + 1e-3, what="here")
    with pytest.raises(TreeError):
        assert_close([X], (X,))


# ---- check_grads ---------------------------------------------------------------------------------


@pytest.mark.parametrize("modes", [("fwd", "rev"), ("fwd",), ("rev",)])
def test_right_derivatives_pass(modes: tuple[str, ...]) -> None:
    check_grads(lambda x: rt.sin(x) * x, (X,), modes=modes)
    check_grads(lambda p: {"y": rt.exp(p["w"]) @ p["b"], "n": rt.argmax(p["w"])},
                ({"w": X, "b": 2 * X, "step": rt.asarray(3)},), modes=modes)  # fmt: skip


def test_third_order_complex_and_single_precision() -> None:
    check_grads(rt.tanh, (X,), order=3)
    check_grads(lambda z: rt.conj(z) * rt.abs(z) + rt.exp(z), (Z,))
    check_grads(lambda x: rt.sin(x) * x, (rt.asarray(X, dtype=rt.float32),))


@pytest.mark.parametrize("modes", [("fwd", "rev"), ("fwd",), ("rev",)])
def test_a_wrong_derivative_raises(modes: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError, match="finite difference") as caught:
        check_grads(broken, (X,), modes=modes)
    assert "against" in str(caught.value)


def right_once(x: Any) -> Any:
    """sin(x) with the right slope, which is a constant to the second derivative."""
    slope = rt.stop_gradient(rt.cos(x))
    return rt.stop_gradient(rt.sin(x) - slope * x) + slope * x


def test_a_wrong_second_derivative_raises() -> None:
    check_grads(right_once, (X,), order=1)
    with pytest.raises(AssertionError, match="fwd of fwd"):
        check_grads(right_once, (X,), order=2)
    with pytest.raises(AssertionError, match="rev of rev"):
        check_grads(right_once, (X,), order=2, modes=("rev",))


def test_a_reverse_mode_that_disagrees_with_forward_mode_raises(monkeypatch: Any) -> None:
    from rtorch.ops.elementwise import Div

    monkeypatch.setattr(Div, "transpose", lambda self, ct, x, y: (ct, None))
    with pytest.raises(AssertionError, match=r"rev: <t, vjp\(ct\)> against <ct, jvp\(t\)>"):
        check_grads(lambda x: rt.max(x, axis=0), (rt.stack([X, X]),), order=1)


def test_what_check_grads_refuses() -> None:
    with pytest.raises(ArgumentError, match="modes"):
        check_grads(rt.sin, (X,), modes=("forward",))
    with pytest.raises(ArgumentError, match="tuple"):
        check_grads(rt.sin, X)
    with pytest.raises(ArgumentError, match="no floating"):
        check_grads(rt.abs, (rt.asarray([1, 2]),))


# ---- check_transpose -----------------------------------------------------------------------------


def test_right_transposes_pass() -> None:
    check_transpose(lambda x: rt.cumsum(3 * x), (X,))
    check_transpose(lambda p: (p["a"] + p["b"], rt.flip(p["b"])), ({"a": X, "b": X},))
    check_transpose(lambda z: 1j * rt.conj(z), (Z,))


def test_a_wrong_transpose_raises(monkeypatch: Any) -> None:
    from rtorch.ops.shape import Flip

    monkeypatch.setattr(Flip, "transpose", lambda self, ct, x, axes: (ct,))
    with pytest.raises(AssertionError, match=r"<ct, f\(x\)> against <transpose\(ct\), x>"):
        check_transpose(rt.flip, (X,))


def test_a_function_that_is_not_linear_raises() -> None:
    with pytest.raises(MissingRuleError):
        check_transpose(rt.sin, (X,))
    with pytest.raises(AssertionError, match="against"):
        check_transpose(lambda x: x + 1, (X,))


# ---- check_batch ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 3])
def test_right_batching_passes(size: int) -> None:
    x = rt.ones((2, size, 3))
    check_batch(lambda x, y: {"s": x @ y, "n": rt.argmax(x)}, (x, rt.ones(3)), (1, None))
    check_batch(rt.sum, (x,), 1)


@pytest.mark.parametrize(("size", "text"), [(0, "batch of size 0"), (3, "lane 1 of vmap")])
def test_wrong_batching_raises(size: int, text: str, monkeypatch: Any) -> None:
    from rtorch.ops.shape import Flip

    def wrong(self: Any, args: Any, dims: Any, axes: Any) -> Any:
        out = rt.moveaxis(args[0], dims[0], 0)
        return (out[:, :1] if size == 0 else out), 0

    monkeypatch.setattr(Flip, "batch", wrong)
    x = rt.asarray(np.arange(2.0 * size).reshape(size, 2) ** 2 * np.arange(size)[:, None])
    with pytest.raises(AssertionError, match=text):
        check_batch(rt.flip, (x,))


def test_nothing_batched_is_refused() -> None:
    with pytest.raises(ArgumentError, match="at least one"):
        check_batch(rt.sin, (X,), None)
