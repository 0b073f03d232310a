r"""Tree paths as names of members of an archive, and back to what a message shows.

``{"layer": [x]}`` has its leaf at ``layer/0``. What a zip file or a file system could take amiss
in a key (``/``, ``\``, ``%``, ``~``, control characters, what is not Unicode) is percent-encoded;
names that would still be equal get ``~2``, ``~3``, ... at their end.
"""

from __future__ import annotations

from typing import Any

from rtorch import tree

# Spelled out: what is legible in a listing of the file. All else is percent-encoded.
_PLAIN = frozenset("-_.,:+=@ ()[]{}<>!#$&'\"*;?^`|")
_LONGEST = 200  # of one step; longer ones are cut, and told apart by ~2


def leaf_names(pytree: Any) -> list[str]:
    """A name for every leaf, in their order, all different."""
    taken: dict[str, int] = {}
    return [_different(_name(path), taken) for path, _ in tree.leaves_with_path(pytree)]


def _name(path: tree.Path) -> str:
    return "/".join(_escaped(tree.keystr((step,), simple=True)) for step in path) or "value"


def _escaped(step: str) -> str:
    text = "".join(c if c.isalnum() or c in _PLAIN else _percent(c) for c in step)[:_LONGEST]
    return text if text.strip(".") else text.replace(".", "%2E") or "%"  # "", "." and ".."


def _percent(c: str) -> str:
    return "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogatepass"))


def _different(name: str, taken: dict[str, int]) -> str:
    folded = name.casefold()  # some tools unpack onto file systems that ignore case
    taken[folded] = taken.get(folded, 0) + 1
    return name if taken[folded] == 1 else f"{name}~{taken[folded]}"
