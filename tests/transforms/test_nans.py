"""`debug_nans` and `debug_infs`: which operation, forward or backward, on which line."""

import re
import threading
from pathlib import Path

import pytest

import rtorch as rt
from rtorch.core.trace import EVAL, EvalTrace
from rtorch.errors import NanError
from rtorch.ops.convert import bitcast_p
from rtorch.transforms.watch import SHORT_CUTS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

X = rt.asarray([-1.0, 0.25, 4.0])


def loss(x):
    y = rt.sqrt(x)  # line of sqrt
    return rt.sum(y * 2)


def steep(x):
    y = x * 1e30  # line of the product
    return rt.sum(y * 1e30)


def message(call, *args):
    """The error of a call, with the line's own text for its place."""
    with pytest.raises(NanError) as caught:
        call(*args)
    assert isinstance(caught.value, FloatingPointError)
    return re.sub(r"\n  at .*?: ", "\n  at: ", str(caught.value))


FORWARD = """\
[debug_nans] 'sqrt' made 1 nan of 3 elements from operands without nan, in the forward pass
  result     float32[3] from 0.5 to 2, 1 nan
  operand 0  float32[3] from -1 to 4
  at: y = rt.sqrt(x)  # line of sqrt"""

CALLS = {
    "eager": loss,
    "grad": rt.grad(loss),
    "vjp": lambda x: rt.vjp(loss, x),
    "jvp": lambda x: rt.jvp(loss, (x,), (x,)),
    "jit": rt.jit(loss),
    "jit of grad": rt.jit(rt.grad(loss)),
    "grad of jit": rt.grad(rt.jit(loss)),
    "jit of jit": rt.jit(lambda x: rt.jit(loss)(x * 1)),
    "program": lambda x: rt.make_program(loss)(x)(x),
    "hessian": rt.hessian(loss),
}


@pytest.mark.parametrize("name", CALLS)
def test_forward(name):
    CALLS[name](X)  # off: nothing is raised, and jit has its entry
    with rt.debug_nans():
        assert message(CALLS[name], X) == FORWARD
    CALLS[name](X)


def test_forward_under_vmap():
    with rt.debug_nans():
        assert message(rt.vmap(loss), X[None]) == FORWARD.replace("[3]", "[1, 3]")


BACKWARD = """\
[debug_infs] 'mul' made 2 inf of 2 elements from operands without inf, in the backward step of 'mul'
  result     float32[2] 2 inf
  operand 0  float32[2] from 1e+30 to 1e+30
  operand 1  1e+30
  at: y = x * 1e30  # line of the product"""


@pytest.mark.parametrize(
    "call", [rt.grad(steep), rt.jit(rt.grad(steep)), rt.grad(rt.jit(steep)),
             lambda x: rt.vjp(steep, x)[1](1.0)]
)  # fmt: skip
def test_backward(call):
    with rt.debug_infs():
        assert message(call, rt.zeros(2)) == BACKWARD


def test_the_line_of_a_tape_that_is_run_later():
    with rt.debug_infs():
        pull = rt.vjp(steep, rt.zeros(2))[1]
        push = rt.linearize(steep, rt.zeros(2))[1]
        assert message(pull, 1.0) == BACKWARD
        assert "in the tangent of 'mul'" in message(push, rt.ones(2))


def test_derivative_rules_are_named():
    with rt.debug_infs():
        text = message(rt.grad(lambda x: rt.sqrt(x)), 0.0)
    assert text.startswith(
        "[debug_infs] 'div' made 1 inf of 1 elements from operands without inf, in the derivative "
        "of 'sqrt'\n  result     float32[] 1 inf\n  operand 0  0.5\n  operand 1  float32[]"
    )


INF = rt.asarray([rt.inf, 1.0])


@pytest.mark.parametrize(
    "call",
    [lambda: INF - INF, lambda: INF * 0.0, lambda: 0.0 * INF, lambda: INF / INF,
     lambda: rt.asarray(INF, rt.float16) % 2, lambda: (INF + 0j) * 0, lambda: INF @ rt.zeros(2)],
)  # fmt: skip
def test_operators_are_checked(call):
    call()
    with rt.debug_nans(), pytest.raises(NanError):
        call()


@pytest.mark.parametrize(
    "call",
    [lambda: rt.full(2, rt.nan), lambda: X + rt.nan, lambda: rt.where(X > 0, X, rt.nan),
     lambda: rt.asarray([rt.nan]) * 2, lambda: X.at[9].get(mode="fill", fill_value=rt.nan),
     lambda: bitcast_p(rt.full(2, -1, rt.int32), dtype=rt.float32) + 1,
     lambda: rt.log(X[1:]), lambda: rt.jit(lambda x: x * 2)(rt.asarray([rt.nan])),
     lambda: rt.jit(lambda x: rt.where(x > 0, rt.log(x), 0.0))(X)],
)  # fmt: skip
def test_what_is_no_fault_passes(call):
    with rt.debug_nans():
        call()


def test_nans_and_infs_are_two_switches():
    with rt.debug_nans():
        assert rt.isinf(1 / rt.zeros(())).item()
        with rt.debug_infs(), pytest.raises(NanError, match="debug_infs"):
            1 / rt.zeros(())
        with rt.debug_nans(False):
            rt.sqrt(X)
        with pytest.raises(NanError):
            rt.sqrt(X)


def test_other_threads_are_checked():
    caught = []

    def work():
        rt.grad(steep)(1e-30)  # this thread has had a current trace of its own
        ready.set()
        on.wait()
        try:
            _ = INF - INF
        except NanError as error:
            caught.append(error)

    ready, on = threading.Event(), threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    with rt.debug_nans():
        on.set()
        thread.join()
    assert len(caught) == 1


def test_switched_on_inside_a_transformation():
    def inner(x):
        with rt.debug_nans():
            return loss(x)

    assert message(rt.grad(inner), X) == FORWARD


def test_effects_are_not_repeated(capsys):
    def f(x):
        rt.debug.print("once")
        return loss(x)

    with rt.debug_nans():
        assert message(rt.jit(f), X) == FORWARD
    assert capsys.readouterr().out == "once\n"


def test_off_leaves_nothing_behind():
    with rt.debug_nans(), rt.debug_infs():
        assert type(EVAL) is not EvalTrace
    assert type(EVAL) is EvalTrace
    assert all(module.EVAL is EVAL for module in SHORT_CUTS)


def test_all_short_cuts_are_known():
    """A module that asks ``state.trace is EVAL`` on its way past `bind` belongs to the list."""
    package = Path(rt.__file__).parent
    asking = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if "if " in (text := file.read_text(encoding="utf-8")) and "trace is EVAL" in text
    }
    known = {Path(module.__file__).relative_to(package).as_posix() for module in SHORT_CUTS}
    assert asking - known == {"core/trace.py", "transforms/watch.py"}


def test_a_switch_serves_several_blocks():
    switch = rt.debug_nans()
    with switch:
        pass
    assert rt.isnan(rt.log(rt.asarray(-1.0)))
    with switch, pytest.raises(rt.errors.NanError):
        rt.log(rt.asarray(-1.0))
    assert rt.isnan(rt.log(rt.asarray(-1.0)))
