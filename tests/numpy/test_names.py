"""Every public name of NumPy and of JAX's array modules is here, or left out with a reason."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest
from function_specs import reach

import rtorch as rt

PAGE = Path(__file__).parent.parent.parent / "docs" / "left_out.md"


def left_out(section: str) -> set[str]:
    """The names in code marks below a heading of the page."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")
    assert rest, f"{PAGE.name} has no section {section}"
    return set(re.findall(r"`([^`\s]+)`", rest.partition("\n## ")[0]))


def public(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None) or dir(module)
    return [
        name for name in names
        if not name.startswith("_") and not isinstance(getattr(module, name), ModuleType)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "ours", "sections"),
    [
        ("numpy", "", ["numpy"]),
        ("jax.numpy", "", ["numpy"]),
        ("jax.numpy.linalg", "linalg", ["linalg"]),
        ("numpy.linalg", "linalg", ["linalg"]),
        ("jax.numpy.fft", "fft", []),
        ("jax.random", "random", ["random"]),
        ("jax.scipy.special", "special", ["special"]),
    ],
)
def test_every_name_is_there_or_left_out(theirs: str, ours: str, sections: list[str]) -> None:
    pytest.importorskip(theirs.partition(".")[0])
    module = importlib.import_module(theirs)
    home = reach(rt, ours) if ours else rt
    known = set().union(*map(left_out, sections))
    missing = [n for n in public(module) if not hasattr(home, n) and n not in known]
    assert not missing, f"neither in rt.{ours} nor in docs/{PAGE.name}: {missing}"


def test_nothing_is_left_out_that_is_there() -> None:
    there = [n for n in left_out("numpy") if hasattr(rt, n)]
    assert not there, f"docs/{PAGE.name} says that these are left out: {there}"
