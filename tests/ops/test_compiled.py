"""The plan of a jitted call against eager evaluation: reuse of memory must not show."""

from typing import Any

import numpy as np
import pytest
from op_specs import BF16, BOOL, C64, COMPLEX, F64, FLOATS, I32, SPECS, OpSpec, short

import rtorch as rt
from rtorch.core.program import Var
from rtorch.core.trace import literal


def same(actual: Any, expected: Any, what: str) -> None:
    rt.testing.assert_close(actual, expected, what=what)  # the order of sums may differ


# One dtype of each kind of memory: every signature is compiled anew.
KINDS = (F64, BF16, C64, I32, BOOL)


def kinds(spec: OpSpec) -> list[Any]:
    return [d for d in spec.dtypes if d in KINDS] or list(spec.dtypes[:1])


def hidden(x: Any) -> Any:
    """`x` as an intermediate of the plan, in memory that the plan may write to."""
    if x.dtype in FLOATS + COMPLEX:
        return rt.negative(rt.negative(x))
    return rt.bitwise_invert(rt.bitwise_invert(x))


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.id)
def test_jit_equals_eager_with_new_data(spec: OpSpec) -> None:
    for dtype in kinds(spec):
        jitted = rt.jit(spec.call)
        kept = []
        for seed in (0, 1, 0):
            operands = spec.arrays(dtype, seed)
            before = [np.array(x) for x in operands]
            kept.append((jitted(*operands), spec.call(*operands)))
            for x, b in zip(operands, before, strict=True):
                rt.testing.assert_close(x, b, 0, 0, what="an operand after the call")
        for actual, expected in kept:  # later calls must not write into earlier results
            same(actual, expected, short(dtype))


@pytest.mark.parametrize("spec", [s for s in SPECS if s.operands], ids=lambda s: s.id)
def test_only_views_share_memory_with_operands(spec: OpSpec) -> None:
    operands = spec.arrays(kinds(spec)[0], 0)
    program = rt.make_program(spec.call)(*operands)
    env = dict(zip(program.in_vars, [np.array(x) for x in operands], strict=True))
    env.update((v, np.array(x)) for v, x in program.consts.items())
    for eqn in program.eqns:
        raw = [env[a] if isinstance(a, Var) else literal(a, None) for a in eqn.args]
        out = eqn.prim.impl(np, *raw, **eqn.params)
        outs = list(map(np.asarray, out if eqn.prim.multiple else (out,)))
        env.update(zip(eqn.outs, outs, strict=True))
        shared = any(np.shares_memory(x, y) for x in raw if isinstance(x, np.ndarray) for y in outs)
        assert not shared or eqn.prim.view or hasattr(eqn.prim, "into"), eqn.prim


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.id)
def test_donated_operands(spec: OpSpec) -> None:
    places = tuple(range(len(spec.operands)))
    for dtype in kinds(spec):
        jitted = rt.jit(spec.call, donate_argnums=places)
        for seed in (0, 1):
            expected = spec.call(*spec.arrays(dtype, seed))
            same(jitted(*spec.arrays(dtype, seed)), expected, short(dtype))


@pytest.mark.parametrize("spec", [s for s in SPECS if s.operands], ids=lambda s: s.id)
def test_operands_that_are_intermediates(spec: OpSpec) -> None:
    """Results may take the memory of operands that die, and of no others."""

    def dying(*operands: Any) -> Any:
        return rt.tree.map(hidden, spec.call(*map(hidden, operands)))

    def returned(*operands: Any) -> Any:
        return spec.call(*map(hidden, operands))

    def living(*operands: Any) -> Any:
        own = [hidden(x) for x in operands]
        out = spec.call(*own)
        return out, own, rt.tree.map(hidden, out)

    def twice(*operands: Any) -> Any:
        own = [hidden(x) for x in operands]
        return spec.call(*own), spec.call(*own[:-1], hidden(own[-1]))

    for dtype in kinds(spec):
        for f in (dying, returned, living, twice):
            jitted = rt.jit(f)
            draws = [spec.arrays(dtype, seed) for seed in (0, 1)]
            found = [jitted(*operands) for operands in draws]
            for operands, actual in zip(draws, found, strict=True):
                same(actual, f(*operands), f"{f.__name__} {short(dtype)}")


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.id)
def test_operands_that_are_constants(spec: OpSpec) -> None:
    """Folding computes what the plan would have."""
    for dtype in kinds(spec):
        operands = spec.arrays(dtype)
        flag = rt.zeros((), dtype=BOOL)
        out = rt.jit(lambda p, operands=operands: (p, spec.call(*operands)))(flag)[1]
        same(out, spec.call(*operands), short(dtype))


@pytest.mark.parametrize("spec", [s for s in SPECS if s.operands], ids=lambda s: s.id)
def test_operands_with_strides(spec: OpSpec) -> None:
    """Memory order is no part of a value."""
    for dtype in kinds(spec):
        drawn = spec.draw(dtype)
        expected = spec.call(*map(rt.asarray, drawn))
        odd = [rt.asarray(np.repeat(x.T, 2, axis=-1)) if x.ndim else rt.asarray(x) for x in drawn]

        def f(*xs: Any) -> Any:
            return spec.call(*[rt.permute_dims(x[..., ::2], tuple(range(x.ndim))[::-1])
                               if x.ndim else x for x in xs])  # fmt: skip

        same(f(*odd), expected, f"eager {short(dtype)}")
        same(rt.jit(f)(*odd), expected, f"jit {short(dtype)}")
