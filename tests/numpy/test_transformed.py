"""The functions of the namespace under staging, batching and differentiation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from reference import check, sample

from rtorch.core.array import Array
from rtorch.core.program import check_program
from rtorch.core.trace import run, state
from rtorch.numpy import (
    contraction,
    cumulative,
    ignoring_nan,
    joining,
    manipulation,
    matrices,
    padding,
    quantiles,
    ranges,
    reductions,
    repeating,
    sorting,
    statistics,
)
from rtorch.numpy.creation import asarray
from rtorch.numpy.einsums import einsum
from rtorch.transforms.batch import BatchTrace, BatchTracer
from rtorch.transforms.jvp import JVPTrace, JVPTracer
from rtorch.transforms.stage import stage

Function = Callable[..., Any]

MATRIX = asarray(sample((3, 4), "float64", 7))
CASES: dict[str, Function] = {
    "reshape": lambda x: manipulation.reshape(x, (3, -1)),
    "transpose": manipulation.transpose,
    "squeeze": lambda x: manipulation.squeeze(manipulation.expand_dims(x, 1)),
    "broadcast_to": lambda x: manipulation.broadcast_to(x, (2, 2, 3)),
    "rot90": manipulation.rot90,
    "concat": lambda x: joining.concat([x, x], -1),
    "stack": lambda x: joining.stack([x, x], 1),
    "split": lambda x: joining.split(x, [1, 2], 1)[2],
    "unstack": lambda x: joining.unstack(x)[1],
    "tile": lambda x: repeating.tile(x, (2, 1, 2)),
    "repeat": lambda x: repeating.repeat(x, 2, 1),
    "repeat each": lambda x: repeating.repeat(x, [2, 0, 1], 1),
    "roll": lambda x: repeating.roll(x, 1, 1),
    "roll by array": lambda x: repeating.roll(x, asarray(2), 1),
    "pad": lambda x: padding.pad(x, 1, constant_values=3),
    "pad edge": lambda x: padding.pad(x, 1, "edge"),
    "tril": matrices.tril,
    "triu": lambda x: matrices.triu(x, 1),
    "diagonal": matrices.diagonal,
    "diag": lambda x: matrices.diag(manipulation.ravel(x)),
    "trace": matrices.trace,
    "linspace": lambda x: ranges.linspace(x, 1.0, 4, axis=1),
    "meshgrid": lambda x: ranges.meshgrid(manipulation.ravel(x), 1.0)[0],
    "sum": reductions.sum,
    "prod": lambda x: reductions.prod(x, 1),
    "max": lambda x: reductions.max(x, 1),
    "ptp": reductions.ptp,
    "logsumexp": lambda x: reductions.logsumexp(x, 1, keepdims=True),
    "mean": lambda x: statistics.mean(x, 0),
    "std": lambda x: statistics.std(x, 1, ddof=1),
    "average": lambda x: statistics.average(x, 1, [1.0, 2.0, 3.0]),
    "median": lambda x: quantiles.median(x, 1),
    "quantile": lambda x: quantiles.quantile(x, [0.3, 0.8]),
    "nanmean": ignoring_nan.nanmean,
    "cumsum": lambda x: cumulative.cumsum(x, 1),
    "cumprod": lambda x: cumulative.cumprod(x, 1),
    "cummax": lambda x: cumulative.cummax(x, 1),
    "cumulative_sum": lambda x: cumulative.cumulative_sum(x, axis=0, include_initial=True),
    "diff": cumulative.diff,
    "matmul": lambda x: contraction.matmul(x, MATRIX),
    "matmul itself": lambda x: contraction.matmul(x, manipulation.transpose(x)),
    "dot": lambda x: contraction.dot(x, MATRIX),
    "vdot": lambda x: contraction.vdot(x, x),
    "vecdot": lambda x: contraction.vecdot(x, x),
    "outer": lambda x: contraction.outer(x, MATRIX),
    "kron": lambda x: contraction.kron(x, MATRIX),
    "tensordot": lambda x: contraction.tensordot(x, MATRIX, 1),
    "einsum": lambda x: einsum("ij,jk,lk->l", x, MATRIX, MATRIX),
    "einsum diagonal": lambda x: einsum("ii->i", contraction.matmul(x, manipulation.transpose(x))),
    "einsum product": lambda x: einsum("ij,ij->ji", x, x),
    "sort": sorting.sort,
    "top_k": lambda x: sorting.top_k(x, 2)[0],
}


@pytest.fixture(params=CASES)
def function(request: pytest.FixtureRequest) -> Function:
    return CASES[request.param]


def distinct(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_staged(function: Function) -> None:
    x = asarray(distinct((2, 3)))
    program = stage(lambda x: [function(x)], [x.aval])
    check_program(program)
    check(program(x)[0], np.asarray(function(x)))


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_batched(function: Function, dim: int) -> None:
    lanes = distinct((4, 2, 3))
    x = asarray(np.moveaxis(lanes, 0, dim))
    trace = BatchTrace(state.trace, 4, "vmap", function)
    out = run(trace, lambda: function(BatchTracer(trace, x, dim)))
    check(out.value, np.stack([np.asarray(function(asarray(a))) for a in lanes], out.dim))


def test_tangent(function: Function) -> None:
    x, x_dot, step = distinct((2, 3)), distinct((2, 3), 1), 1e-6
    trace = JVPTrace(state.trace, "jvp", function)
    tracer = JVPTracer(trace, asarray(x), asarray(x_dot))
    out: Array = run(trace, lambda: function(tracer).tangent)
    ahead, behind = (np.asarray(function(asarray(x + s * x_dot))) for s in (step, -step))
    np.testing.assert_allclose(np.asarray(out), (ahead - behind) / (2 * step), atol=1e-7)
