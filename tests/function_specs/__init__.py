"""One table of all functions of the array namespace: how each is called, what NumPy says of it.

Each module here has a list `SPECS` of `Fn`, one for every way of calling a function; the tests in
`tests/functions/` ask the same questions of all of them, and `tests/functions/coverage.py` writes
the answers down as a table. A new function needs an entry (`test_complete.py` says so).
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from op_specs import (
    ALL,
    BF16,
    BOOL,
    C64,
    C128,
    F16,
    F32,
    F64,
    FLOATS,
    I8,
    I32,
    I64,
    INEXACT,
    INTS,
    NUMBERS,
    REAL,
    U8,
    Operand,
    index,
)

import rtorch as rt
from rtorch.core import dtypes

__all__ = [
    "ALL",
    "BF16",
    "BOOL",
    "C64",
    "C128",
    "F16",
    "F32",
    "F64",
    "FLOATS",
    "I8",
    "I32",
    "I64",
    "INEXACT",
    "INTS",
    "NUMBERS",
    "REAL",
    "U8",
    "Fn",
    "Operand",
    "index",
    "specs",
    "x",
]  # fmt: skip


def x(*shape: int, domain: tuple[float, float] = (-2.0, 2.0), dtype: Any = None) -> Operand:
    """An array argument of random numbers, all different; without `dtype` of that of the case."""
    return Operand(shape, domain, dtype)


@dataclass(frozen=True)
class Fn:
    """One way of calling a function of the namespace.

    Attributes:
        name: By which it is reached from ``rt``: ``"sum"``, ``"linalg.cholesky"``.
        args: The positional arguments: an `Operand` stands for an array, a list or tuple may hold
            some; anything else is passed as it is.
        reference: The same in NumPy (or SciPy), of raw arrays; by default NumPy's function of that
            name. None: the values are tested elsewhere.
        kwargs: Passed to both.
        dtypes: Those of the operands that fix none.
        order: To which order it is differentiable by those operands; 0 if not.
        why_not_smooth: Why `order` is 0, for the table.
        no_vmap: Why it does not work under vmap.
        no_jit: Why it does not work under jit.
        case: What distinguishes this call from the function's others.
        view: Applied to the results of both before they are compared or differentiated; for what
            is determined up to a sign, say.
        prepare: Applied to the drawn arrays first, as ``(*arrays) -> arrays``; for what must be
            positive definite, say. It takes and returns Arrays and works under transformations.
        tolerance: Allowed relative error by how many times the usual one.
        same_dtype: Whether the dtype of the result is NumPy's (in the dtypes that NumPy has).
    """

    name: str
    args: tuple[Any, ...]
    reference: Any = "numpy"
    kwargs: dict[str, Any] = field(default_factory=dict)
    dtypes: tuple[Any, ...] = (F32, F64)
    order: int = 0
    why_not_smooth: str = ""
    no_vmap: str = ""
    no_jit: str = ""
    case: str = ""
    view: Callable[..., Any] | None = None
    prepare: Callable[..., Any] | None = None
    tolerance: float = 1.0
    same_dtype: bool = True

    @property
    def id(self) -> str:
        return f"{self.name}-{self.case}" if self.case else self.name

    @property
    def function(self) -> Callable[..., Any]:
        return reach(rt, self.name)

    @property
    def in_numpy(self) -> Any:
        return reach(np, self.name) if self.reference == "numpy" else self.reference

    @property
    def operands(self) -> list[Operand]:
        """The array arguments, also those in lists."""
        return [a for a in rt.tree.leaves(list(self.args)) if isinstance(a, Operand)]

    @property
    def smooth(self) -> list[int]:
        """The operands that it is differentiated by."""
        return [i for i, o in enumerate(self.operands) if o.dtype is None] if self.order else []

    def draw(self, dtype: Any, seed: int = 0) -> list[Any]:
        """The operands as Arrays."""
        rng = np.random.default_rng(seed)
        arrays = [rt.asarray(o.draw(rng, dtype)) for o in self.operands]
        return list(self.prepare(*arrays)) if self.prepare else arrays

    def filled(self, arrays: Sequence[Any]) -> list[Any]:
        """The arguments with `arrays` in the places of the operands."""
        places = iter(arrays)
        return rt.tree.map(  # type: ignore[no-any-return]
            lambda a: next(places) if isinstance(a, Operand) else a,
            list(self.args), is_leaf=lambda a: a is None,
        )  # fmt: skip

    def call(self, *arrays: Any) -> Any:
        out = self.function(*self.filled(arrays), **self.kwargs)
        return self.view(out) if self.view else out

    def expected(self, arrays: Sequence[Any]) -> Any:
        """What NumPy says of them, computed in float32 where they are narrower."""
        raw = [np.asarray(a) for a in arrays]
        wide = [a.astype(F32) if a.dtype in (F16, BF16) else a for a in raw]
        with np.errstate(all="ignore"):
            out = self.in_numpy(*self.filled(wide), **self.kwargs)
        return self.view(out) if self.view else out

    @property
    def differentiable_dtypes(self) -> list[Any]:
        return [d for d in self.dtypes if d in dtypes.INEXACT] if self.order else []


def reach(module: Any, name: str) -> Any:
    """The attribute of `module` with a dotted name."""
    for part in name.split("."):
        module = getattr(module, part)
    return module


@cache
def specs() -> list[Fn]:
    """All entries of all modules here."""
    found: list[Fn] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        found += importlib.import_module(f"function_specs.{module}").SPECS
    return found
