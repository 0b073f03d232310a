"""Staged functions ahead of time: `Lowered`, from ``jit(f).lower``, and `Compiled` from that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rtorch.compiler.cost import Memory, cost_analysis, memory_analysis
from rtorch.compiler.passes import optimize
from rtorch.compiler.plan import executable
from rtorch.core import tree
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.dtypes import PYTHON_SCALARS
from rtorch.core.printer import program_text
from rtorch.core.program import Program
from rtorch.core.trace import quietly
from rtorch.core.tree import mismatch
from rtorch.errors import ArgumentError, DTypeError, ShapeError, api
from rtorch.numpy.operands import convert
from rtorch.transforms.arguments import argument_path, as_array
from rtorch.transforms.call import call
from rtorch.transforms.programs import Staged

STAGES = ("program", "optimized", "plan")


class Signature:
    """What a staged function takes and gives: the structures, and the types of their arrays."""

    def __init__(self, name: str, program: Program, in_tree: Any, out_tree: Any) -> None:
        self.name = name
        self.program = program
        self.in_tree = in_tree  # of (args, kwargs)
        self.out_tree = out_tree

    @property
    def in_info(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """``(args, kwargs)`` with the aval of every array."""
        return self.in_tree.unflatten(self.program.in_avals)

    @property
    def out_info(self) -> Any:
        """The structure of the result with the aval of every array."""
        return self.out_tree.unflatten(self.program.out_avals)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the Program on arguments of these structures and types."""
        leaves, treedef = tree.flatten((args, kwargs))
        if treedef != self.in_tree:
            raise mismatch(
                self.name, ("the signature", "the arguments"), self.in_info, (args, kwargs)
            )
        return self.call_flat(leaves, args, kwargs)

    def call_flat(self, leaves: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """The same, where the structure has been checked."""
        arrays = [
            self._checked(x, aval, i, args, kwargs)
            for i, (x, aval) in enumerate(zip(leaves, self.program.in_avals))
        ]
        return self.out_tree.unflatten(quietly(call, self.program, arrays))

    def _checked(self, leaf: Any, aval: Aval, i: int, args: Any, kwargs: Any) -> Array:
        if isinstance(leaf, Array) and leaf.shape == aval.shape and leaf.dtype is aval.dtype:
            return leaf
        path = argument_path(i, args, kwargs)
        x = as_array(leaf, self.name, path)
        if x.shape != aval.shape:
            raise ShapeError(
                f"[{self.name}] {path} must have type {aval}, got {x.aval}: it was compiled for "
                "these shapes; jit compiles for others when it is called with them"
            )
        if x.dtype is aval.dtype:
            return x
        exact = type(leaf) is int and float(leaf) == leaf
        if type(leaf) in PYTHON_SCALARS and (x.dtype.kind == aval.dtype.kind or exact):
            return convert(x, aval.dtype)
        raise DTypeError(
            f"[{self.name}] {path} must have type {aval}, got {x.aval}: convert it with "
            f".astype({str(aval.dtype)!r})"
        )


class _Ahead:
    """What `Lowered` and `Compiled` tell."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self.program = signature.program
        self.in_tree = signature.in_tree
        self.out_tree = signature.out_tree

    @property
    def in_info(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """``(args, kwargs)`` with the aval of every array; static arguments are left out."""
        return self._signature.in_info

    @property
    def out_info(self) -> Any:
        """The structure of the result with the aval of every array."""
        return self._signature.out_info

    def cost_analysis(self) -> dict[str, float]:
        """How much one run computes, counted from the optimized Program.

        Returns:
            ``"flops"``: additions, multiplications and the like, a fused pair as two;
            ``"transcendentals"``: values of functions such as exp; ``"bytes accessed"``: operands
            and results of all operations. Of branches the dearest counts, of a loop without a
            known length one step.
        """
        return cost_analysis(self.program)

    def memory_analysis(self) -> Memory:
        """Bytes of the arguments, results and constants, and of what is needed in between."""
        return memory_analysis(self.program)


class Lowered(_Ahead):
    """A staged function before it runs, from ``jit(f).lower(*args)``.

    Attributes:
        program: The Program.
        in_tree: The structure of ``(args, kwargs)``, without static arguments.
        out_tree: The structure of the result.
    """

    def __init__(self, staged: Staged, in_tree: Any, name: str = "function") -> None:
        super().__init__(Signature(name, staged.program, in_tree, staged.out_tree))

    @api
    def as_text(self, stage: str = "program") -> str:
        """The Program as text: ``"program"``, ``"optimized"`` by the passes, or its ``"plan"``."""
        if stage == "program":
            return program_text(self.program)
        if stage == "optimized":
            return program_text(optimize(self.program))
        if stage == "plan":
            return str(executable(self.program, np).source)  # type: ignore[attr-defined]
        raise ArgumentError(f"[lower] stage: expected one of {STAGES}, got {stage!r}")

    def compile(self) -> Compiled:
        """The function for these shapes and dtypes only, ready to run."""
        executable(self.program, np)
        return Compiled(self._signature)

    def __repr__(self) -> str:
        return self.as_text()


class Compiled(_Ahead):
    """A compiled function; called with arguments like those it was lowered for.

    Static arguments are left out: they are part of the function now.
    """

    @api
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run. Other structures, shapes or dtypes are an error: nothing is staged again.

        Raises:
            TreeError, ShapeError, DTypeError: if an argument does not fit the signature.
        """
        return self._signature.call(args, kwargs)

    def as_text(self) -> str:
        """The source of the plan."""
        return str(executable(self.program, np).source)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"Compiled<{self._signature.name}: {self.in_info} -> {self.out_info}>"
