"""The examples of functions that are made by others: doctest does not find these by itself.

It looks for functions whose globals are their module's; those of a function that is declared in a
table are the declaring module's.
"""

import doctest
import inspect
from collections.abc import Iterator

import pytest

import rtorch as rt
from rtorch import numpy as namespace
from rtorch.numpy import declare

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def declared() -> Iterator[str]:
    for name in sorted(namespace.__all__):
        function = inspect.unwrap(getattr(rt, name))
        if getattr(function, "__globals__", None) is vars(declare):
            yield name


def test_there_are_some() -> None:
    assert {"sin", "add", "negative"} <= set(declared())


@pytest.mark.parametrize("name", list(declared()))
def test_example(name: str) -> None:
    function = getattr(rt, name)
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=FLAGS)
    examples = parser.get_doctest(function.__doc__, {"rt": rt}, name, None, None)
    assert examples.examples, f"rt.{name} has no example"
    text: list[str] = []
    runner.run(examples, out=text.append)
    assert not runner.failures, "".join(text)
