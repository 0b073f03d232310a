"""Derivatives of primitives: against finite differences, transposed, and of the right dtype."""

from typing import Any

import pytest
from op_specs import C128, F64, SPECS, OpSpec, short

import rtorch as rt
from rtorch.core import dtypes

SMOOTH = [
    pytest.param(s, d, id=f"{s.id}-{short(d)}")
    for s in SPECS
    for d in (F64, C128)
    if d in s.differentiable_dtypes
]
LINEAR = [
    pytest.param(s, places, id=f"{s.id}-{''.join(map(str, places))}")
    for s in SPECS
    for places in s.linear
]


def closed(spec: OpSpec, operands: list[Any], places: Any) -> tuple[Any, list[Any]]:
    """The call as a function of the operands at `places`, and those operands."""

    def f(*xs: Any) -> Any:
        merged = list(operands)
        for i, x in zip(places, xs, strict=True):
            merged[i] = x
        return spec.call(*merged)

    return f, [operands[i] for i in places]


@pytest.mark.parametrize(("spec", "dtype"), SMOOTH)
def test_gradients(spec: OpSpec, dtype: Any) -> None:
    f, xs = closed(spec, spec.arrays(dtype), spec.varied)
    rt.testing.check_grads(f, xs, order=spec.order, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(("spec", "dtype"), SMOOTH)
def test_gradients_by_one_operand(spec: OpSpec, dtype: Any) -> None:
    """The other operands are constants then, and have no tangents."""
    if len(spec.varied) > 1:
        for i in spec.varied:
            f, xs = closed(spec, spec.arrays(dtype), [i])
            rt.testing.check_grads(f, xs, order=1, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(("spec", "places"), LINEAR)
def test_transpose(spec: OpSpec, places: tuple[int, ...]) -> None:
    together = next(group for group in spec.linear if set(places) <= set(group))
    for dtype in [d for d in spec.dtypes if d in dtypes.INEXACT]:
        # Of operands that are linear together only, the others must be zero.
        operands = [
            rt.zeros_like(x) if i in together else x for i, x in enumerate(spec.arrays(dtype))
        ]
        f, xs = closed(spec, operands, places)
        rt.testing.check_transpose(f, xs)
        rt.testing.check_transpose(rt.jit(f), xs)


@pytest.mark.parametrize("spec", [s for s in SPECS if s.order], ids=lambda s: s.id)
def test_dtypes_of_tangents_and_cotangents(spec: OpSpec) -> None:
    for dtype in spec.differentiable_dtypes:
        f, xs = closed(spec, spec.arrays(dtype), spec.varied)

        def smooth(*at: Any, f: Any = f) -> Any:
            out = f(*at)
            return out[0] if isinstance(out, tuple) else out

        y, push = rt.linearize(smooth, *xs)
        if y.dtype not in dtypes.INEXACT:
            continue
        for tangent in (rt.jvp(smooth, tuple(xs), tuple(xs))[1], push(*xs)):
            assert tangent.aval == y.aval, short(dtype)
        for x, ct in zip(xs, rt.vjp(smooth, *xs)[1](y), strict=True):
            assert ct.aval == x.aval, short(dtype)
        rt.testing.assert_close(push(*xs), rt.jvp(smooth, tuple(xs), tuple(xs))[1])


@pytest.mark.parametrize(("spec", "dtype"), SMOOTH)
def test_reverse_mode_composes(spec: OpSpec, dtype: Any) -> None:
    """With jit, outside and inside, and with vmap: the rules of what the rules call."""
    f, xs = closed(spec, spec.arrays(dtype), spec.varied)

    def back(*at: Any, f: Any = f) -> Any:
        out, pull = rt.vjp(f, *at)
        ones = rt.tree.map(lambda y: y * 0 + 1, out)
        return pull(ones)

    expected = back(*xs)
    rt.testing.assert_close(rt.jit(back)(*xs), expected, what="jit of vjp")
    rt.testing.assert_close(back(*xs, f=rt.jit(f)), expected, what="vjp of jit")
    stacked = [rt.stack([x, 1.01 * x]) for x in xs]
    rt.testing.check_batch(back, stacked)
    rt.testing.check_batch(lambda *at: rt.jvp(f, at, at)[1], stacked)
