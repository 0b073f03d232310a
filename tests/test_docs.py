"""Every public function shows an example, and the examples run (see `make doctest`)."""

import inspect

import pytest
from public import Public, public_names

# Name: why no example is possible or useful. An entry that is not needed any more fails the test.
EXEMPT: dict[str, str] = {}


def is_function(public: Public) -> bool:
    """Exceptions are shown by the functions that raise them."""
    if inspect.isclass(public.value):
        return not issubclass(public.value, BaseException)
    return callable(public.value)


def has_example(public: Public) -> bool:
    return ">>>" in (inspect.getdoc(public.value) or "")


FUNCTIONS = {public.name: public for public in public_names() if is_function(public)}


def test_every_public_function_has_an_example() -> None:
    missing = [
        public
        for name, public in FUNCTIONS.items()
        if name not in EXEMPT and not has_example(public)
    ]
    if missing:
        shown = len(FUNCTIONS) - len(missing)
        lines = [f"  {public.name:<40} {public.where}" for public in missing]
        head = f"{shown} of {len(FUNCTIONS)} public functions show an example; these do not:"
        cure = "Add an `Example:` with `>>>` to the docstring, or a reason to EXEMPT."
        pytest.fail("\n".join([head, *lines, cure]), pytrace=False)


def test_exemptions_are_needed() -> None:
    gone = sorted(EXEMPT.keys() - FUNCTIONS.keys())
    shown = [name for name in EXEMPT if name in FUNCTIONS and has_example(FUNCTIONS[name])]
    assert not gone, f"no such public function: {gone}"
    assert not shown, f"have an example now: {shown}"


def test_exemptions_give_a_reason() -> None:
    assert all(reason.strip() for reason in EXEMPT.values())
