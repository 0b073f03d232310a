"""Primitives under vmap against a loop: every combination of axes, batches of 0, 1 and 3."""

import itertools
from typing import Any

import numpy as np
import pytest
from op_specs import SPECS, OpSpec

import rtorch as rt

BATCHED = [s for s in SPECS if s.operands]


def axes_of(ndim: int) -> list[int | None]:
    """Not batched, first, in the middle, last."""
    return list(dict.fromkeys([None, 0, *([1] if ndim >= 2 else []), -1 if ndim else 0]))


def combinations(spec: OpSpec) -> list[tuple[int | None, ...]]:
    choices = [axes_of(len(operand.shape)) for operand in spec.operands]
    if len(choices) > 2:  # what matters of index operands is whether they are batched
        choices = [c if len(o.shape) and o.dtype is None else [None, 0]
                   for c, o in zip(choices, spec.operands, strict=True)]  # fmt: skip
    return [c for c in itertools.product(*choices) if any(d is not None for d in c)]


def batched(spec: OpSpec, axes: tuple[int | None, ...], size: int) -> list[Any]:
    """Operands with a batch axis of `size` where `axes` says."""
    rng = np.random.default_rng(size)
    dtype = spec.dtypes[0]
    out = []
    for operand, axis in zip(spec.operands, axes, strict=True):
        if axis is None:
            out.append(operand.draw(rng, dtype))
            continue
        lanes = [operand.draw(rng, dtype) for _ in range(size)]
        if operand.values is not None:  # other places in every lane
            lanes = [np.roll(lane, i) for i, lane in enumerate(lanes)]
        empty = np.zeros((0, *operand.shape), operand.dtype or dtype)
        out.append(np.moveaxis(np.stack(lanes) if size else empty, 0, axis))
    return out


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("spec", BATCHED, ids=lambda s: s.id)
def test_vmap_is_a_loop(spec: OpSpec, size: int) -> None:
    for axes in combinations(spec):
        try:
            rt.testing.check_batch(spec.call, batched(spec, axes, size), axes)
        except Exception as error:
            error.add_note(f"in_axes={axes}")
            raise


@pytest.mark.parametrize("spec", BATCHED, ids=lambda s: s.id)
def test_vmap_of_vmap(spec: OpSpec) -> None:
    """The rule of a rule: two batch axes, the inner one last."""
    lanes = [batched(spec, (-1,) * len(spec.operands), 2) for _ in range(2)]
    operands = [rt.asarray(np.stack(columns)) for columns in zip(*lanes, strict=True)]
    inner = rt.vmap(spec.call, -1)
    rt.testing.check_batch(inner, operands)


@pytest.mark.parametrize("spec", BATCHED, ids=lambda s: s.id)
def test_vmap_under_jit(spec: OpSpec) -> None:
    axes = (0,) * len(spec.operands)
    operands = [rt.asarray(x) for x in batched(spec, axes, 3)]
    f = rt.vmap(spec.call)
    expected = f(*operands)
    rt.testing.assert_close(rt.jit(f)(*operands), expected, what="jit of vmap")
    rt.testing.assert_close(rt.vmap(rt.jit(spec.call))(*operands), expected, what="vmap of jit")


@pytest.mark.parametrize("spec", BATCHED, ids=lambda s: s.id)
def test_every_primitive_has_a_batch_rule(spec: OpSpec) -> None:
    assert spec.prim.has_rule("batch")
