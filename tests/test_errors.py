# ruff: noqa: E501 - tables read better in long lines
"""What wrong input is told: golden messages, and tracebacks without rtorch's frames."""

import re
import traceback

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors
from rtorch.core.primitive import Primitive

X = rt.ones((2, 3))


class Bare(Primitive):
    """Has no rule but evaluation."""

    name = "test_bare"

    def impl(self, xp, x):
        return x + 1

    def infer(self, x):
        return x


bare = Bare()
del Primitive.registry["test_bare"]  # which other tests go through


def message(call):
    """The first line of the error of `call`, with this file's places taken out."""
    with pytest.raises(errors.RtorchError) as caught:
        call()
    text = str(caught.value).replace(__file__, "FILE")
    return re.sub(r"FILE:\d+", "FILE", text.split("\n  at ")[0])


GOLDEN = {
    "add": (lambda: X + rt.ones(4), "[add] shapes (2, 3) and (4,) do not broadcast: axis -1 has lengths 3 and 4; lengths must be equal, or one of them 1"),
    "matmul": (lambda: X @ X, "[matmul] shapes (2, 3) and (2, 3): the last axis of x has length 3, axis 0 of y has 2; they must be equal"),
    "reshape": (lambda: X.reshape(4), "[reshape] the 6 elements of shape (2, 3) cannot fill (4,), which has 4"),
    "concatenate": (lambda: rt.concatenate([X, rt.ones(4)]), "[concatenate] array 1 has shape (4,), array 0 has (2, 3): they may differ along axis 0 only"),
    "index": (lambda: X[5], "[indexing] index 5 is out of bounds for axis 0 of length 2"),
    "axis": (lambda: X.sum(5), "[sum] axis 5 is out of range for an array of 2 axes"),
    "axis twice": (lambda: X.sum((0, 0)), "[sum] axis (0, 0) names an axis twice"),
    "grad of an array": (lambda: rt.grad(lambda x: x)(X), "[grad] the function must return a scalar, got shape (2, 3); reduce it with rt.sum or rt.mean, or use rt.vjp or rt.jacrev"),
    "grad by integers": (lambda: rt.grad(lambda x: x)(rt.arange(3)), "[grad] argument 0 has no floating leaf to differentiate by: int64[3]. Convert it with .astype(rt.float32), choose another with argnums=, or pass allow_int=True"),
    "vmap sizes": (lambda: rt.vmap(lambda x, y: x)(rt.ones(2), rt.ones(3)), "[vmap] batch sizes differ:\n  args[0] has size 2 along axis 0 (shape (2,))\n  args[1] has size 3 along axis 0 (shape (3,))"),
    "vmap in_axes": (lambda: rt.vmap(lambda x: x, in_axes=2)(rt.ones(2)), "[vmap] in_axes is 2 for args[0], which has shape (2,)"),
    "jit static": (lambda: rt.jit(lambda x, n: x, static_argnums=1)(X, [1]), "[jit] static arguments must be hashable, got list [1]"),
    "jit argument": (lambda: rt.jit(lambda x, n: x)(X, "a"), "[jit] args[1]: expected an array or a number, got str 'a'. Arguments that are no arrays can be static: jit(f, static_argnums=...) or static_argnames"),
    "cotangent": (lambda: rt.vjp(lambda x: {"a": x}, X)[1]({"a": 1.0}), "[vjp] the cotangent['a'] has shape (), its result has shape (2, 3)"),
    "tangent": (lambda: rt.jvp(lambda x: x, (X,), (rt.ones(3),)), "[jvp] the tangent has shape (3,), its primal has shape (2, 3)"),
    "no batch rule": (lambda: rt.grad(lambda x: rt.sum(bare(x)))(X), "[jvp] jvp of primitive 'test_bare' is not defined: give class Bare a `jvp` method"),
    "no rule": (lambda: rt.linear_transpose(rt.sin, 1.0)(1.0), "[vjp] vjp of primitive 'sin' is not defined: give class sin a `transpose` method"),
    "not linear": (lambda: rt.linear_transpose(lambda x: x * x, 1.0)(1.0), "[linear_transpose] the function is not linear: 'mul' of two values that depend on its arguments, or by one"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    call, want = GOLDEN[name]
    assert message(call) == want


@pytest.mark.parametrize(
    "ask",
    [
        bool,
        int,
        float,
        np.asarray,
        lambda x: "ab"[x],
        lambda x: rt.zeros(x),
        lambda x: rt.sum(rt.ones(2), axis=x),
    ],
)
def test_a_staged_value_is_not_known(ask):
    text = message(lambda: rt.jit(ask)(1))
    assert "jit of" in text
    assert "[" in text


def test_the_users_line_is_named():
    with pytest.raises(errors.ShapeError) as caught:
        X + rt.ones(4)
    assert caught.value.where.text == "X + rt.ones(4)"


def user(x):
    return helper(x)


def helper(x):
    return x @ x


CALLS = [
    lambda: user(X), lambda: rt.grad(user)(X), lambda: rt.jit(user)(X), lambda: rt.vmap(user)(X[None]),
    lambda: rt.jit(rt.grad(user))(X), lambda: rt.jvp(user, (X,), (X,)), lambda: rt.jacrev(user)(X),
    lambda: rt.eval_shape(user, X), lambda: rt.make_program(user)(X),
]  # fmt: skip


def frames(call):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its frames are asked, not its kind
        call()
    return traceback.extract_tb(caught.value.__traceback__)


def inside(frame):
    return "/rtorch/" in frame.filename.replace("\\", "/") and "/tests/" not in frame.filename


@pytest.mark.parametrize("call", CALLS)
def test_tracebacks_show_the_user_and_one_frame_of_rtorch(call):
    seen = frames(call)
    assert sum(map(inside, seen)) <= 1, seen
    assert [f.name for f in seen if f.name in ("user", "helper")] == ["user", "helper"]
    with rt.full_tracebacks():
        assert sum(map(inside, frames(call))) > 1


@pytest.mark.parametrize(
    "call", [lambda: bool(X), lambda: X[9], lambda: X.at[9].set(1.0), lambda: X.reshape(7), lambda: rt.grad(3),
             lambda: rt.jit(user, static_argnums=9), lambda: X.item(), lambda: X.to("q"), lambda: rt.sum("a")],
)  # fmt: skip
def test_direct_calls_show_one_frame_of_rtorch(call):
    assert sum(map(inside, frames(call))) <= 1


@pytest.mark.parametrize(
    "transform", [rt.grad, rt.jit, rt.vmap, lambda f: rt.jit(rt.grad(f)), rt.jacfwd]
)
def test_the_users_own_exceptions_pass_unchanged(transform):
    class MyError(Exception):
        pass

    def raises(x):
        raise MyError(3)

    with pytest.raises(MyError, match="3") as caught:
        transform(raises)(rt.ones(2))
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "raises"


WRONG = ["a", None, {}, object(), 1.5, -1, (1, "a"), [[1], [2, 3]], rt.ones((2, 3)), 1j, set(), len]
FUZZED = ["sum", "max", "reshape", "transpose", "concatenate", "stack", "split", "tile", "roll", "pad", "repeat",
          "expand_dims", "squeeze", "where", "clip", "matmul", "dot", "einsum", "cumsum", "sort", "argmax", "take",
          "broadcast_to", "flip", "moveaxis", "arange", "linspace", "zeros", "full", "eye", "mean", "var", "tril",
          "diag", "searchsorted", "sin", "add", "dynamic_slice", "take_along_axis", "meshgrid", "asarray",
          "array", "geomspace", "diagflat", "indices", "ix_", "diag_indices", "tril_indices", "fill_diagonal", "block",
          "insert", "delete", "trim_zeros", "resize", "rollaxis", "packbits", "unpackbits", "nonzero", "argwhere",
          "flatnonzero", "compress", "extract", "choose", "select", "piecewise", "put", "put_along_axis", "place",
          "masked_fill", "unravel_index", "ravel_multi_index", "segment_sum", "segment_max", "one_hot", "ravel",
          "dynamic_slice_in_dim", "dynamic_index_in_dim", "dynamic_update_slice_in_dim", "cross", "matvec", "vecmat",
          "dynamic_update_index_in_dim", "einsum_path", "frombuffer", "fromiter", "fromfunction", "can_cast",
          "issubdtype", "shape", "size", "array_repr", "array_str"]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUZZED)
def test_wrong_arguments_never_raise_from_the_depths(name):
    function = getattr(rt, name)
    for args in [(w,) for w in WRONG] + [(X, w) for w in WRONG] + [(X, 0, w) for w in WRONG]:
        try:
            function(*args)
        except errors.RtorchError:
            pass
        except TypeError as error:  # Python's own: the number of arguments
            if "argument" not in str(error):
                pytest.fail(f"{name}{args!r} raised TypeError: {error}")
        except Exception as error:  # everything else is what is being looked for
            pytest.fail(f"{name}{args!r} raised {type(error).__name__}: {error}")


@pytest.mark.parametrize("apply", [
    lambda f, x, y: rt.tree.map(f, [x], [y]), lambda f, x, y: rt.tree.reduce(f, [x, y]),
    lambda f, x, y: rt.scan(f, x, y[None]), lambda f, x, y: rt.jit(f)(x, y),
])  # fmt: skip
def test_a_function_of_ours_that_is_given_to_another_is_named(apply):
    with pytest.raises(errors.ShapeError, match=r"^\[matmul\]"):
        apply(rt.matmul, rt.ones((2, 3)), rt.ones((4, 5)))
