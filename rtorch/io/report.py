"""How what a file holds compares with what a program asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt
from rtorch import tree as _tree
from rtorch.errors import TreeError

_MOST_SHOWN = 5  # differences in one message


class Mismatch(NamedTuple):
    """A leaf that is in both, but not alike.

    Example:
        >>> import rtorch as rt
        >>> rt.io.Mismatch("w", found="float32[2]", wanted="float32[3]").wanted
        'float32[3]'
    """

    name: str
    found: str
    wanted: str


class Comparison(NamedTuple):
    """What `compare` found, as the names of leaves.

    Attributes:
        same: The leaves with the shape and dtype that are asked for.
        missing: Asked for, not in the file.
        unexpected: In the file, not asked for.
        mismatched: In both with another shape, dtype or type: (name, found, wanted).

    Example:
        >>> import rtorch as rt
        >>> rt.io.Comparison(same=("w",), missing=("b",), unexpected=(), mismatched=())
        Comparison: 1 leaves are the same
          missing: b
    """

    same: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing is missing, unexpected or mismatched."""
        return not (self.missing or self.unexpected or self.mismatched)

    def __repr__(self) -> str:
        return "\n  ".join([f"Comparison: {len(self.same)} leaves are the same", *self._lines()])

    def _lines(self) -> list[str]:
        lines = [f"missing: {name}" for name in self.missing]
        lines += [f"unexpected: {name}" for name in self.unexpected]
        return lines + [f"{m.name}: {m.found} in the file, {m.wanted} in like" for m in self[3]]

    def check(self, function: str, shown: dict[str, str]) -> None:
        """Raise a TreeError unless the file fits; `shown` is how messages call the leaves."""
        if self.fits:
            return
        missing = tuple(shown[name] for name in self.missing)
        mismatched = tuple(m._replace(name=shown[m.name]) for m in self.mismatched)
        unexpected = tuple(map(repr, self.unexpected))
        lines = Comparison((), missing, unexpected, mismatched)._lines()
        if len(lines) > _MOST_SHOWN:
            lines[_MOST_SHOWN:] = [f"... and {len(lines) - _MOST_SHOWN} more"]
        cure = "load with strict=False to take what fits"
        head = f"[{function}] what the file holds is not what like asks for ({cure}):"
        raise TreeError("\n  ".join([head, *lines]))


def comparison(found: dict[str, str], wanted: dict[str, str]) -> Comparison:
    """Compare the forms of leaves by their names."""
    both = [name for name in wanted if name in found]
    return Comparison(
        tuple(name for name in both if found[name] == wanted[name]),
        tuple(name for name in wanted if name not in found),
        tuple(name for name in found if name not in wanted),
        tuple(
            Mismatch(name, found[name], wanted[name])
            for name in both
            if found[name] != wanted[name]
        ),
    )


def form(leaf: Any) -> str:
    """Shape and dtype of an array or spec, the type of anything else."""
    if not hasattr(leaf, "dtype"):
        return f"a Python {type(leaf).__name__}"
    return array_form(leaf.dtype, leaf.shape)


def array_form(dtype: Any, shape: tuple[int, ...]) -> str:
    """The form of an array."""
    return f"{dtype}[{', '.join(map(str, shape))}]"


class Wanted(NamedTuple):
    """A tree that a file is loaded into, leaf by leaf."""

    names: list[str]  # in the file
    leaves: list[Any]
    shown: dict[str, str]  # how messages call the leaves
    structure: Any

    @property
    def forms(self) -> dict[str, str]:
        """Shape and dtype of each leaf."""
        return dict(zip(self.names, map(form, self.leaves), strict=True))

    def filled(self, function: str, found: Comparison, value: Callable[[str], Any]) -> Any:
        """The tree with the values of the file, and its own leaves where the file has none."""
        same = set(found.same)
        leaves = []
        for name, leaf in zip(self.names, self.leaves, strict=True):
            if name in same:
                leaf = _placed(value(name), leaf)
            elif isinstance(leaf, rt.Aval):
                raise TreeError(
                    f"[{function}] the file has nothing for {self.shown[name]}, where like has a "
                    "spec and no values: give an array there"
                )
            leaves.append(leaf)
        return _tree.unflatten(self.structure, leaves)


def _placed(value: Any, leaf: Any) -> Any:
    """`value` on the device of `leaf`, if both are arrays."""
    if isinstance(value, rt.Array) and isinstance(leaf, rt.Array):
        return value.to(leaf.device)
    return value


def wanted(like: Any, names: list[str]) -> Wanted:
    """The leaves of `like` under their names in a file."""
    pairs = _tree.leaves_with_path(like)
    shown = [f"tree{_tree.keystr(path)}" for path, _ in pairs]
    leaves = [leaf for _, leaf in pairs]
    by_name = dict(zip(names, shown, strict=True))
    return Wanted(names, leaves, by_name, _tree.structure(like))
