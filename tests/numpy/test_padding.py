"""All modes of pad against NumPy, of every width; what is not in the table of functions."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import rtorch as rt
from rtorch.errors import ArgumentError

REPEATING = [
    "edge",
    "reflect",
    "symmetric",
    "wrap",
    "mean",
    "maximum",
    "minimum",
    "median",
    "linear_ramp",
]


@given(
    st.integers(1, 5),
    st.integers(0, 14),
    st.integers(0, 14),
    st.sampled_from(REPEATING),
    st.booleans(),
    st.sampled_from(["int32", "float64"]),
)
def test_widths(n, before, after, mode, odd, dtype):
    x = np.random.default_rng(n).integers(-9, 9, (2, n)).astype(dtype)
    options = {"reflect_type": "odd" if odd else "even"} if mode in ("reflect", "symmetric") else {}
    widths = ((0, 1), (before, after))
    want = np.pad(x, widths, mode, **options)
    rt.testing.assert_close(rt.pad(rt.asarray(x), widths, mode, **options), want)


def test_a_function():
    def frame(row, width, axis, options):
        before, after = width
        return row.at[:before].set(options["value"]).at[len(row) - after :].set(axis)

    def frame_in_place(row, width, axis, options):
        row[: width[0]] = options["value"]
        row[len(row) - width[1] :] = axis

    x = np.arange(6.0).reshape(2, 3)
    want = np.pad(x, ((1, 2), (0, 1)), frame_in_place, value=7.0)
    call = lambda x: rt.pad(x, ((1, 2), (0, 1)), frame, value=7.0)  # noqa: E731
    rt.testing.assert_close(call(rt.asarray(x)), want)
    rt.testing.assert_close(rt.jit(call)(rt.asarray(x)), want)
    rt.testing.check_grads(call, (rt.asarray(x),))
    with pytest.raises(ArgumentError, match="must return the row"):
        rt.pad(x, 1, lambda *args: None)


def test_values_that_are_traced():
    call = lambda x, v: rt.pad(x, ((1, 0), (2, 1)), constant_values=((v, 1), (2, v)))  # noqa: E731
    x, v = rt.asarray(np.arange(6.0).reshape(2, 3)), rt.asarray(5.0, rt.float64)
    want = np.pad(np.asarray(x), ((1, 0), (2, 1)), constant_values=((5, 1), (2, 5)))
    rt.testing.assert_close(call(x, v), want)
    rt.testing.assert_close(rt.jit(call)(x, v), want)
    rt.testing.check_grads(call, (x, v), order=2)
    rt.testing.assert_close(
        rt.jit(lambda x, v: rt.pad(x, 1, constant_values=v))(x, v),
        np.pad(np.asarray(x), 1, constant_values=5),
    )


@pytest.mark.parametrize(
    ("mode", "options", "text"),
    [
        ("constant", {"stat_length": 3}, "takes the options"),
        ("q", {}, "mode: expected one of"),
        ("reflect", {"reflect_type": "q"}, "reflect_type"),
        ("maximum", {"stat_length": 0}, "stat_length"),
        ("edge", {"constant_values": 1}, "takes the options"),
    ],
)
def test_mistakes(mode, options, text):
    with pytest.raises(ArgumentError, match=text):
        rt.pad(rt.ones(3), 1, mode, **options)
