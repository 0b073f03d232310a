"""Bad input to every public function: the message begins with the name that the user wrote."""

import inspect
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from public import Public, public_names

import rtorch as rt
from rtorch.errors import ArgumentError, OutOfBoundsError, RtorchError, ShapeError, TreeError

X = rt.ones((2, 3))
BAD_ARRAYS = ("zz", object(), rt.ones((2, 2, 2, 7)), rt.asarray(True), rt.asarray(1j), None, {})
BAD_OPTIONS = ("zz", 5, -7, 1.5, object())
OTHER_MODULES = ("debug", "io", "testing", "tree")  # which have a prefix of their own


def _is_swept(public: Public) -> bool:
    function, parts = public.value, public.name.split(".")
    home = getattr(function, "__module__", "").split(".")
    return (
        inspect.isfunction(function)
        and parts[1] not in OTHER_MODULES
        and home[1] not in ("transforms", "core", *OTHER_MODULES)
    )


FUNCTIONS = {public.name: public.value for public in public_names() if _is_swept(public)}


def _calls(function: Any) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Arguments of which one is bad."""
    parameters = list(inspect.signature(function).parameters.values())
    required = [
        p for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]  # fmt: skip
    n = len(required) or 1
    for bad in BAD_ARRAYS:
        for i in range(n):
            yield [X] * i + [bad] + [X] * (n - i - 1), {}
        yield [bad] * n, {}
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY or (p.kind is p.POSITIONAL_OR_KEYWORD and p not in required):
            for bad in BAD_OPTIONS:
                yield [X] * len(required), {p.name: bad}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_message_names_the_function(name: str) -> None:
    function = FUNCTIONS[name]
    names = {name.rpartition(".")[2], function.__name__}
    for args, kwargs in _calls(function):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            message = _message(function, args, kwargs)
        if message is not None:
            prefix = re.match(r"\[(\S+)\] ", message)
            assert prefix, f"{kwargs}: {message}"
            # A truth value that is asked for, as in ``if rate > 1``, is Python's own affair.
            assert prefix[1].rpartition(".")[2] in {*names, "bool()"}, f"{kwargs}: {message}"


def _message(function: Any, args: list[Any], kwargs: dict[str, Any]) -> str | None:
    """What rtorch says about these arguments, if it is about arguments and not Python's words."""
    try:
        function(*args, **kwargs)
    except TreeError:  # of tree.map, whose arguments the message is about
        return None
    except RtorchError as error:
        return str(error)
    except (TypeError, ValueError, OSError, AttributeError):
        return None  # too many arguments, or an option that is no number
    return None


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: rt.take(X, 5, axis=0), OutOfBoundsError, "[take] index 5 is out of bounds"),
        (lambda: rt.take(X, 0, axis=0, mode="zz"), ArgumentError, "[take] mode"),
        (lambda: rt.block([[X, rt.ones((5, 5))]]), ShapeError, "[block] array 1 has shape"),
        (lambda: rt.nanmax(X, axis=5), ShapeError, "[nanmax] axis 5"),
        (lambda: rt.nn.softmax(X, axis=5), ShapeError, "[softmax] axis 5"),
        (lambda: rt.linalg.norm(X, axis=7), ShapeError, "[norm] axis 7"),
        (lambda: rt.linalg.multi_dot([X, X]), ShapeError, "[multi_dot] shapes (2, 3)"),
        (lambda: rt.logspace(0, 1, -5), ArgumentError, "[logspace] num must not be negative"),
        (lambda: rt.zeros(2, dtype="zz"), rt.errors.DTypeError, "[zeros] 'zz' is not a dtype"),
        (lambda: rt.linspace(0, 1, 5, axis=3), ShapeError, "[linspace] axis 3"),
        (lambda: rt.rot90(X, axes=5), ArgumentError, "[rot90] axes: expected a sequence"),
        (lambda: X.choose([1], mode="zz"), ArgumentError, "[choose] mode"),
    ],
)
def test_inner_functions_are_not_named(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_functions_of_the_user_keep_their_messages() -> None:
    """What the user's own code calls is told under the name it has there."""
    for transformed in (
        rt.vmap(lambda x: rt.sum(x, axis=5)),
        rt.grad(lambda x: rt.sum(x, axis=5)),
        rt.jit(lambda x: rt.sum(x, axis=5)),
        lambda x: rt.piecewise(x, [x > 0], [lambda y: rt.sum(y, axis=5), 0.0]),
        lambda x: rt.apply_along_axis(lambda y: rt.sum(y, axis=5), 0, x),
        rt.vmap(lambda x: rt.nn.softmax(rt.sum(x, axis=5))),
        lambda x: rt.linalg.norm(rt.sum(x, axis=5)),
    ):
        with pytest.raises(ShapeError, match=r"^\[sum\] axis 5"):
            transformed(X)
    with pytest.raises(ArgumentError, match=r"^\[linear_transpose\] the function is not linear"):
        rt.linear_transpose(rt.nansum, X)(1.0)
