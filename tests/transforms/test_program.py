# ruff: noqa: E501 - tables read better in long lines
"""Programs: their text, their check, and passes that keep what they compute."""

import numpy as np
import pytest

import rtorch as rt
from rtorch.compiler import passes
from rtorch.core.printer import program_text
from rtorch.core.program import Eqn, Program, Var, check_program
from rtorch.errors import ArgumentError, DTypeError, ShapeError

PASSES = ("inline", "fold", "simplify", "share", "eliminate_dead")
V = rt.spec(3)


def names(program):
    return [eqn.prim.name for eqn in program.eqns]


def test_text():
    program = rt.make_program(lambda x: {"y": rt.sum(rt.sin(x) * 2.0), "x": x})(V)
    assert program_text(program, source=False) == (
        "<lambda>(a: f32[3]):\n"
        "  b: f32[3] = sin a\n"
        "  c: f32[3] = mul b 2.0\n"
        "  d: f32[] = reduce_sum[axes=(0)] c\n"
        "  return a, d"
    )
    line = repr(program).splitlines()[1]
    assert "# test_program.py:" in line


def test_source_lines():
    def f(x):
        y = rt.sin(x)
        return y + 1

    program = rt.make_program(f)(V)
    assert [eqn.source.text for eqn in program.eqns] == ["y = rt.sin(x)", "return y + 1"]


FUNCTIONS = {
    "constants": lambda x: x + rt.sin(rt.ones(3)) * 2,
    "twice": lambda x: rt.sin(x) + rt.sin(x) * rt.cos(x),
    "dead": lambda x: (rt.exp(x), x)[1] * 1,
    "views": lambda x: x.reshape(3, 1).reshape(1, 3).T.T.reshape(3) - 0,
    "call": lambda x: rt.jit(lambda y: rt.jit(rt.sin)(y) * 2)(x) + rt.jit(rt.sin)(x),
    "signed zeros": lambda x: (rt.full((3,), 0.0) * x, rt.full((3,), -0.0) * x, x + 0),
    "gradient": rt.grad(lambda x: rt.sum(rt.where(x > 1, x**2, rt.log(x)))),
    "batched": rt.vmap(lambda x: rt.zeros(2).at[0].add(x)),
    "select": lambda x: rt.where(x > 1, 1.0, 0.0) * rt.where(True, x, 2.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_passes_keep_values_and_types(name):
    x = rt.asarray([0.5, 1.5, 2.5])
    program = rt.make_program(FUNCTIONS[name])(x)
    check_program(program)
    want = program(x)
    for step in PASSES:
        program = getattr(passes, step)(program)
        check_program(program)
        for w, y in zip(want, program(x), strict=True):
            np.testing.assert_array_equal(np.asarray(w), np.asarray(y))
            np.testing.assert_array_equal(np.signbit(np.asarray(w)), np.signbit(np.asarray(y)))


def test_what_passes_achieve():
    optimized = lambda f: passes.optimize(rt.make_program(f)(V))  # noqa: E731
    assert names(optimized(lambda x: x + rt.sin(rt.ones(3)))) == ["add"]
    assert names(optimized(lambda x: rt.sin(x) + rt.sin(x))) == ["sin", "add"]
    assert names(optimized(lambda x: (rt.exp(x), x * 2)[1])) == ["mul"]
    assert names(optimized(lambda x: x * 1 - 0)) == []
    assert names(optimized(lambda x: rt.jit(rt.sin)(x))) == ["sin"]


def test_check_finds_what_is_wrong():
    program = rt.make_program(lambda x: rt.sin(x))(V)
    (eqn,) = program.eqns
    stranger = Var(V)
    with pytest.raises(ArgumentError, match="not defined"):
        check_program(Program(program.in_vars, [eqn.replace([stranger])], program.out_atoms))
    with pytest.raises(ArgumentError, match="twice"):
        check_program(Program(program.in_vars, [eqn, eqn], program.out_atoms))
    for aval, error in ((rt.spec(4), ShapeError), (rt.spec(3, rt.float64), DTypeError)):
        wrong = Eqn(eqn.prim, eqn.args, eqn.params, [Var(aval)])
        with pytest.raises(error):
            check_program(Program(program.in_vars, [wrong], wrong.outs))


def test_a_program_checks_its_arguments():
    program = rt.make_program(lambda x: x * 2)(V)
    assert program(rt.ones(3))[0].tolist() == [2, 2, 2]
    for args, error in [((), ArgumentError), ((np.ones(3),), ArgumentError), ((rt.ones(4),), ShapeError),
                        ((rt.ones(3, dtype=rt.float64),), DTypeError)]:  # fmt: skip
        with pytest.raises(error):
            program(*args)
