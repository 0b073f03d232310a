# ruff: noqa: E501 - messages read better in long lines
"""`debug.print`, `check` and `breakpoint`, eagerly, transformed and compiled."""

import io
import re

import pytest

import rtorch as rt
from rtorch.compiler.passes import optimize
from rtorch.core.primitive import Primitive
from rtorch.core.program import eval_program
from rtorch.errors import ArgumentError, CheckError
from rtorch.ops.effects import effect_p


def show(x):
    rt.debug.print("x = {}", x)
    return rt.sin(x) * x


PRINTING = {
    "eager": (show, 1.0, "x = 1.0\n"),
    "grad": (rt.grad(show), 1.0, "x = 1.0\n"),
    "jvp": (lambda x: rt.jvp(show, (x,), (1.0,)), 1.0, "x = 1.0\n"),
    "jit": (rt.jit(show), 1.0, "x = 1.0\n"),
    "jit of grad": (rt.jit(rt.grad(show)), 1.0, "x = 1.0\n"),
    "grad of jit": (rt.grad(rt.jit(show)), 1.0, "x = 1.0\n"),
    "jvp of jit": (lambda x: rt.jvp(rt.jit(show), (x,), (1.0,)), 1.0, "x = 1.0\n"),
    "hessian of jit": (rt.hessian(rt.jit(show)), 1.0, "x = 1.0\n"),
    "nested jit": (rt.jit(lambda x: rt.jit(show)(x) + 1), 1.0, "x = 1.0\n"),
    "vmap": (rt.vmap(show), [1.0, 2.0], "x = 1.0\nx = 2.0\n"),
    "vmap of grad": (rt.vmap(rt.grad(show)), [1.0, 2.0], "x = 1.0\nx = 2.0\n"),
    "jit of vmap": (rt.jit(rt.vmap(show)), [1.0, 2.0], "x = 1.0\nx = 2.0\n"),
    "vmap of jit": (rt.vmap(rt.jit(show)), [1.0, 2.0], "x = 1.0\nx = 2.0\n"),
    "vmap of vmap": (
        rt.vmap(rt.vmap(show), in_axes=1), [[1.0, 2.0], [3.0, 4.0]],
        "x = 1.0\nx = 3.0\nx = 2.0\nx = 4.0\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTING)
def test_print(name, capsys):
    function, x, expected = PRINTING[name]
    for _ in range(2):  # the second call of a jitted function runs its entry
        function(rt.asarray(x))
        assert capsys.readouterr().out == expected


def test_print_of_pytrees_and_other_values(capsys):
    @rt.jit
    def f(params):
        rt.debug.print("{0[w]:.2f} {0[b]} {name} {n}", params, name="f", n=3)

    f({"w": rt.asarray(1.0), "b": rt.asarray([1, 2])})
    assert capsys.readouterr().out == "1.00 [1 2] f 3\n"


def test_effects_keep_their_order_and_number(capsys):
    @rt.jit
    def f(x, y):
        late = rt.exp(x)
        rt.debug.print("a {}", y)
        rt.debug.print("b {}", x)
        rt.debug.print("a {}", y)
        rt.debug.print("dead {}", rt.sum(y) * 2)
        rt.debug.print("constant")
        return rt.sum(y), late

    f(1.0, rt.ones(2))
    expected = "a [1. 1.]\nb 1.0\na [1. 1.]\ndead 4.0\nconstant\n"
    assert capsys.readouterr().out == expected


def test_a_callback_may_keep_what_it_gets():
    kept = []

    @rt.jit
    def f(x):
        y = x * 2 + 1  # in memory that is used again
        rt.debug.callback(lambda v, name: kept.append((name, v)), y, "y")
        return rt.exp(rt.exp(y) * 2)

    for value in (1.0, 2.0):
        f(rt.full(3, value))
    assert [(name, v.tolist()) for name, v in kept] == [("y", [3.0] * 3), ("y", [5.0] * 3)]
    with pytest.raises(ArgumentError):
        rt.debug.callback("no function")


def test_programs_that_hold_effects_are_not_dropped_or_shared(capsys):
    inner = rt.make_program(lambda x: (rt.debug.print("inner {}", x), x)[1])(1.0)

    class Held(type(effect_p)):
        name = "held"
        effect = False

        def impl(self, xp, x, *, programs):
            return eval_program(programs[0], rt.asarray(x)) and ()

        def infer(self, x, *, programs):
            return ()

    held = Held()
    del Primitive.registry["held"]
    f = rt.jit(lambda x: (held(x, programs=(inner,)), held(x, programs=(inner,)), x)[2])
    f(2.0)
    assert capsys.readouterr().out == "inner 2.0\n" * 2


def test_programs_with_effects_are_checked_and_printed():
    program = rt.make_program(rt.vmap(rt.grad(show)))(rt.spec(3))
    rt.check_program(optimize(program))
    assert "effect[action=print 'x = {}' per lane] a " in str(program)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: rt.debug.print(rt.ones(2)),
         '[debug.print] expected a format string, got float32[2]; write rt.debug.print("x = {}", x)'),
        (lambda: rt.debug.print("x", 1),
         "[debug.print] the format string 'x': no place for argument 0; write {} where it goes"),
        (lambda: rt.debug.print("{} {}", 1),
         "[debug.print] the format string '{} {}': it has more places than the 1 arguments"),
        (lambda: rt.debug.print("{x}", y=1),
         "[debug.print] the format string '{x}': no argument is named 'x'"),
        (lambda: rt.debug.check(rt.ones(2) > 0, "{", 1),
         "[debug.check] the format string '{': Single '{' encountered in format string"),
        (lambda: rt.debug.check("yes", ""),
         "[debug.check] expected an array or a number, got str 'yes'"),
    ],
)  # fmt: skip
def test_messages(call, expected):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value).split("\n")[0] == expected


def checked(x):
    rt.debug.check(x > 0, "x is {}", x)
    return rt.log(x)


@pytest.mark.parametrize(
    "function",
    [checked, rt.grad(checked), rt.jit(checked), rt.jit(rt.grad(checked)),
     rt.grad(rt.jit(checked)), rt.jit(lambda x: (checked(x), 0.0)[1])],
)  # fmt: skip
def test_check(function):
    function(2.0)
    with pytest.raises(CheckError) as caught:
        function(-2.0)
    assert isinstance(caught.value, AssertionError)
    assert re.fullmatch(
        r"\[debug.check\] x is -2.0\n  at .*test_debug.py:\d+, in checked: "
        r'rt.debug.check\(x > 0, "x is \{\}", x\)', str(caught.value)
    )  # fmt: skip
    function(2.0)  # and goes on working


@pytest.mark.parametrize("wrap", [lambda f: f, rt.jit])
def test_check_names_the_lane(wrap):
    with pytest.raises(CheckError, match=r"x is -3.0 \(lane 2\)"):
        wrap(rt.vmap(checked))(rt.asarray([1.0, 2.0, -3.0]))


def test_check_of_a_constant_waits_for_the_run():
    f = rt.jit(lambda x: (rt.debug.check(False, "never"), x)[1])
    lowered = f.lower(1.0)
    with pytest.raises(CheckError, match="never"):
        lowered.compile()(rt.asarray(1.0))


def stopping(x):
    y = x * 2
    rt.debug.breakpoint()
    return y + 1


def stopping_with(x):
    rt.debug.breakpoint(x, double=x * 2)
    return x


@pytest.mark.parametrize(
    ("function", "commands", "expected"),
    [
        (stopping, "p float(y)", "4.0"),
        (rt.grad(stopping), "p y.item()", "4.0"),
        (rt.jit(stopping), "p y", "Array(4., dtype=float32)"),
        (rt.jit(rt.grad(stopping)), "p x", "Array(2., dtype=float32)"),
        (rt.jit(stopping_with), "p arg0, float(double)", "(Array(2., dtype=float32), 4.0)"),
    ],
)
def test_breakpoint(function, commands, expected, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{commands}\nc\n"))
    assert float(function(2.0)) in (2.0, 5.0)
    assert expected in capsys.readouterr().out


def test_breakpoints_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("PYTHONBREAKPOINT", "0")
    assert float(rt.jit(stopping)(2.0)) == 5.0
