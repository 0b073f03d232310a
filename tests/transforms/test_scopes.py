"""`named_scope`: which part of a function an operation belongs to."""

import threading

import pytest

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, user_line


def scopes_of(program):
    return [eqn.source.scope for eqn in program.eqns]


def test_blocks_nest_and_end():
    def f(x):
        with rt.named_scope("encoder"):
            x = rt.sin(x)
            with rt.named_scope("attention"):
                x = rt.cos(x)
            x = rt.exp(x)
        return rt.tanh(x)

    program = rt.make_program(f)(rt.spec(3))
    assert scopes_of(program) == ["encoder", "encoder/attention", "encoder", ""]
    text = str(program)
    assert " in encoder/attention\n" in text


def test_decorator_keeps_the_function():
    @rt.named_scope("head")
    def f(x, *, power=2):
        """Doc."""
        return x**power

    assert (f.__name__, f.__doc__) == ("f", "Doc.")
    assert float(f(3.0, power=3)) == 27.0
    assert scopes_of(rt.make_program(f)(1.0)) == ["head"]


def test_jitted_functions_are_in_the_scope_of_each_call():
    @rt.jit
    @rt.named_scope("layer")
    def layer(x):
        return rt.sin(x)

    @rt.jit
    def f(x):
        for i in range(2):
            with rt.named_scope(f"block{i}"):
                x = layer(x)
        return x

    text = f.lower(rt.spec(3)).as_text("optimized")
    assert "in block0/layer" in text
    assert "in block1/layer" in text


def test_derivatives_have_the_scope_of_the_operation():
    def f(x):
        with rt.named_scope("inner"):
            y = rt.tanh(x)
        return rt.sum(y)

    program = rt.make_program(rt.grad(f))(rt.spec(3))
    backward = [e for e in program.eqns if e.source.role]
    assert {e.source.scope for e in backward if "tanh" in e.source.role} == {"inner"}


def test_errors_name_it_in_eager_mode_too():
    with (
        pytest.raises(ShapeError, match=r"\(scope outer/inner\)"),
        rt.named_scope("outer"),
        rt.named_scope("inner"),
    ):
        rt.ones(2) + rt.ones(3)
    assert user_line().scope == ""


def test_an_error_ends_the_scope():
    with pytest.raises(ZeroDivisionError), rt.named_scope("a"):
        1 / 0  # noqa: B018
    assert user_line().scope == ""


def test_threads_have_scopes_of_their_own():
    seen = []
    with rt.named_scope("main"):
        thread = threading.Thread(target=lambda: seen.append(user_line().scope))
        thread.start()
        thread.join()
    assert seen == [""]


@pytest.mark.parametrize("name", ["", None, 3, lambda x: x])
def test_names_are_text(name):
    with pytest.raises(ArgumentError, match="named_scope"):
        rt.named_scope(name)
