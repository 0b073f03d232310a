"""The public names of the library: what `__all__` lists, module by module."""

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import rtorch


class Public(NamedTuple):
    """A public object and the name by which users reach it."""

    name: str
    value: Any

    @property
    def is_documented_kind(self) -> bool:
        """Functions, classes and modules carry docstrings of their own; constants do not."""
        return callable(self.value) or inspect.ismodule(self.value)

    @property
    def where(self) -> str:
        """File and line of the definition, as far as Python knows them."""
        try:
            target = inspect.unwrap(self.value)
            return f"{inspect.getsourcefile(target)}:{inspect.getsourcelines(target)[1]}"
        except (TypeError, OSError):
            return f"in {getattr(self.value, '__module__', None) or type(self.value).__name__}"


def public_modules() -> dict[str, ModuleType]:
    """The package and each module of its own that `__all__` makes public, by name."""
    found = {"rtorch": rtorch}
    waiting = ["rtorch"]
    while waiting:
        name = waiting.pop()
        for child in getattr(found[name], "__all__", ()):
            value = getattr(found[name], child, None)
            known = any(value is module for module in found.values())
            if inspect.ismodule(value) and is_ours(value) and not known:
                found[f"{name}.{child}"] = value
                waiting.append(f"{name}.{child}")
    return found


def is_ours(value: object) -> bool:
    """Whether rtorch defines it: dtypes and the like come from elsewhere."""
    module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
    return str(module).partition(".")[0] == "rtorch"


def public_names() -> Iterator[Public]:
    """Every public object of rtorch's own once, under the shortest name that it has."""
    shortest: dict[int, Public] = {}
    for prefix, module in public_modules().items():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name, None)
            path = f"{prefix}.{name}"
            before = shortest.get(id(value))
            if is_ours(value) and (before is None or len(path) < len(before.name)):
                shortest[id(value)] = Public(path, value)
    yield from sorted(shortest.values(), key=lambda public: public.name)
