"""Random programs: every transformation is compared with another way to the same."""

from random import Random

import numpy as np
import program_checks
import program_nests
import program_ops
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from programs import Program, Writer, generate

import rtorch as rt
from rtorch.core.primitive import Primitive
from rtorch.ops import load_all

pytestmark = pytest.mark.reuses_keys

# Primitives that no program has, and why.
EXEMPT = {
    **dict.fromkeys(
        (
            "all_gather",
            "all_to_all",
            "axis_index",
            "axis_slice",
            "pmax",
            "pmin",
            "ppermute",
            "psum",
            "psum_scatter",
            "pvary",
        ),
        "program_nests.named_axis has it, but vmap makes something else of it at once",
    ),
    **dict.fromkeys(
        ("betainc_slope", "hyp1f1_slope", "hyp2f1_slope", "slope_quotient"),
        "of derivatives by parameters, of which there are two",
    ),
    "bitcast": "no public function uses it",
    "threefry2x32": "the same",
    "update_slice": "the same",
    "effect": "it prints or asserts",
    "dynamic": "it has no equation of its own: how while_loop is differentiated",
    "fused": "only the compiler makes it",
    "io_callback": "it acts, and has no derivative",
    "pure_callback": "the same",
    **dict.fromkeys(
        ("conv", "window_max", "window_pick", "window_place", "window_which"),
        "of neural networks: tests/nn",
    ),
    "root": "tests/transforms/test_root.py",
    "linear_map": "tests/transforms/test_linear_call.py",
    "linear_solve": "tests/transforms/test_linear_solve.py",
    "gamma_slope": "of random numbers: see random_gamma",
    "gamma_slope_by_a": "of random numbers, likewise",
    "random_gamma": "the derivative is not that of the same bits",
}


@pytest.fixture(autouse=True)
def _in_float64():
    before = rt.default_dtype()
    rt.default_dtype(rt.float64)
    yield
    rt.default_dtype(before)


def examine(program, seed, checks=program_checks.CHECKS):
    outcome = program_checks.examine(program, seed, checks)
    text = "\n".join(f"{check}: {why}" for check, why in outcome.failures)
    assert not outcome.failures, f"{text}\n\n{program.regression}"


@settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(0, 100))
def test_transformations_agree(random, seed):
    examine(generate(random), seed)


@settings(max_examples=4, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(0, 100))
def test_jax_agrees(random, seed):
    pytest.importorskip("jax")
    examine(generate(random), seed, [program_checks.jax])


# ---- the table -----------------------------------------------------------------------------------


def writer(seed):
    """A writer with arrays of many shapes."""
    w = Writer(Random(seed))
    rng = np.random.default_rng(seed)
    for shape in [(), (4,), (3, 3), (2, 3), (1,), (2, 3, 2)]:
        name = w.new("x")
        w.env[name] = rt.asarray(np.round(rng.uniform(-1.4, 1.4, shape), 3), dtype=rt.float64)
        w.scope.values.append(name)
    return w


def written(write):
    """A program whose result is what `write`, with a writer, has given; None if it never does."""
    for seed in range(60):
        w = writer(seed)
        inputs = {name: w.env[name] for name in w.scope.values}
        if write(w):
            return Program(inputs, tuple(w.scope.lines), (w.scope.values[-1],)).cleaned()
    return None


def primitives(program):
    """Names of the primitives of a Program, and of those inside."""
    names = {"call"} if program.eqns else set()
    for eqn in program.eqns:
        names.add(eqn.prim.name)
        for param in eqn.params.values():
            for inner in param if isinstance(param, tuple) else (param,):
                names |= primitives(inner) if isinstance(inner, rt.Program) else set()
    return names


def staged(program):
    """The primitives of a program and of its derivatives."""
    case = program_checks.Case(program)
    names = primitives(rt.make_program(case.f)(*case.xs))
    if case.floats(*case.xs):
        names |= primitives(rt.make_program(case.grad)(*case.xs))
        names |= primitives(rt.make_program(case.hvp)(*case.xs))
    return names


def test_every_expression_is_taken_and_every_primitive_drawn():
    load_all()
    seen, refused = set(), []
    for template in program_ops.expressions():
        program = written(lambda w, template=template: w.expression(template))
        if program is None:
            refused.append(template)
        else:
            seen |= staged(program)
    assert not refused, f"no arguments fit these: {refused}"
    for nest in program_nests.NESTS:
        seen |= staged(written(nest))
    missing = Primitive.registry.keys() - seen - EXEMPT.keys()
    assert not missing, f"no expression of tests/transforms/program_ops.py uses {sorted(missing)}"
