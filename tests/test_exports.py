"""What `__all__` promises is there, once, and documented."""

import inspect
from types import FunctionType, ModuleType

import pytest
from public import public_modules, public_names

import rtorch

MODULES = public_modules()


@pytest.mark.parametrize("name", MODULES)
def test_all_is_declared_and_resolves(name: str) -> None:
    module = MODULES[name]
    assert hasattr(module, "__all__"), f"{name} has no __all__"
    missing = [entry for entry in module.__all__ if not hasattr(module, entry)]
    assert not missing, f"{name}.__all__ names what {name} has not: {missing}"


@pytest.mark.parametrize("name", MODULES)
def test_all_names_nothing_twice_and_nothing_private(name: str) -> None:
    entries = list(MODULES[name].__all__)
    assert len(entries) == len(set(entries)), sorted({e for e in entries if entries.count(e) > 1})
    private = [entry for entry in entries if entry.startswith("_") and entry != "__version__"]
    assert not private


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_what_they_are(name: str) -> None:
    assert (MODULES[name].__doc__ or "").strip(), f"{name} has no docstring"


def test_every_public_name_has_a_docstring() -> None:
    silent = [
        f"{public.name} ({public.where})"
        for public in public_names()
        if public.is_documented_kind and not (public.value.__doc__ or "").strip()
    ]
    if silent:
        pytest.fail(f"{len(silent)} without docstring:\n" + "\n".join(silent), pytrace=False)


def test_every_public_method_has_a_docstring() -> None:
    silent = [
        f"{public.name}.{name}"
        for public in public_names()
        if inspect.isclass(public.value)
        for name, member in vars(public.value).items()
        if not name.startswith("_")
        and isinstance(member, FunctionType | property | classmethod | staticmethod)
        and not (inspect.getdoc(getattr(public.value, name)) or "").strip()
    ]
    if silent:
        pytest.fail(f"{len(silent)} without docstring:\n" + "\n".join(silent), pytrace=False)


def test_a_star_import_gives_what_all_lists() -> None:
    namespace: dict[str, object] = {}
    exec("from rtorch import *", namespace)
    assert set(rtorch.__all__) <= set(namespace)


def test_modules_found_are_modules() -> None:
    assert all(isinstance(module, ModuleType) for module in MODULES.values())
