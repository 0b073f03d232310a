"""A Program as JSON and a list of constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.compiler.passes import eliminate_dead, inline
from rtorch.core import backend
from rtorch.core.array import Array
from rtorch.core.program import Eqn, Program, Var
from rtorch.core.trace import Tracer
from rtorch.errors import ArgumentError, SourceLine, describe
from rtorch.export.values import CannotHoldError, Json, aval_text, encode
from rtorch.transforms.call import call_p


class Writer:
    """Collects Programs, each after those that it holds, and their constants."""

    def __init__(self, sources: bool) -> None:
        self.sources: list[Json] | None = [] if sources else None
        self.programs: list[Json] = []
        self.constants: list[np.ndarray[Any, Any]] = []
        self.types: list[str] = []  # of the constants
        self._numbers: dict[int, tuple[int, Any]] = {}  # by identity, of what is kept alive

    def program(self, program: Program) -> int:
        """The number of `program` among the Programs of the file."""
        known = self._numbers.get(id(program))
        if known is None:
            entry = self._entry(flat(program))
            self.programs.append(entry)
            known = self._numbers[id(program)] = len(self.programs) - 1, program
        return known[0]

    def _entry(self, program: Program) -> Json:
        numbers: dict[Var, int] = {}

        def number(var: Var) -> int:
            return numbers.setdefault(var, len(numbers))

        inputs = [number(v) for v in program.in_vars]
        constants = [[number(v), self._constant(x)] for v, x in program.consts.items()]
        equations = [self._equation(eqn, number) for eqn in program.eqns]
        outputs = [number(v) for v in program.out_atoms]
        return {
            "name": program.name,
            "variables": [aval_text(v.aval) for v in numbers],
            "inputs": inputs,
            "constants": constants,
            "equations": equations,
            "outputs": outputs,
        }

    def _constant(self, x: Array) -> int:
        if isinstance(x, Tracer):
            raise ArgumentError(
                f"[export] the function closes over {x!r}, whose value is not known here: export "
                "it outside of the transformation, or pass the value as an argument"
            )
        known = self._numbers.get(id(x))
        if known is None:
            self.constants.append(backend.to_numpy(x._data))
            self.types.append(aval_text(x.aval))
            known = self._numbers[id(x)] = len(self.constants) - 1, x
        return known[0]

    def _equation(self, eqn: Eqn, number: Any) -> Json:
        if not eqn.prim.portable:
            raise refused(eqn, next((p for p in eqn.params.values() if callable(p)), None))
        try:
            params = {k: encode(v, self.program) for k, v in eqn.params.items()}
            operands = [self._operand(a, number) for a in eqn.args]
        except CannotHoldError as error:
            raise refused(eqn, error.args[0]) from None
        entry: dict[str, Json] = {
            "op": eqn.prim.name,
            "in": operands,
            "out": [number(v) for v in eqn.outs],
        }
        if params:
            entry["params"] = params
        if self.sources is not None and eqn.source is not None:
            entry["source"] = self._source(eqn.source)
        return entry

    def _operand(self, atom: Any, number: Any) -> Json:
        if type(atom) is Var:
            return number(atom)
        return {"int": atom} if type(atom) is int else encode(atom, self.program)

    def _source(self, source: SourceLine) -> int:
        """The number of a source line; of its file only the name is written, not the folder."""
        assert self.sources is not None
        file = source.file.replace("\\", "/").rsplit("/", 1)[-1]
        entry = [file, source.line, source.function, source.role, source.scope]
        if entry not in self.sources[-50:]:
            self.sources.append(entry)
        return len(self.sources) - 1 - self.sources[::-1].index(entry)


def refused(eqn: Eqn, what: Any) -> ArgumentError:
    """The error for an equation that holds something of Python's."""
    held = "" if what is None else f" ({what!r})" if callable(what) else f" ({describe(what)})"
    cure = "leave it out of the function, or export the parts around it"
    if eqn.prim.name == "dynamic":
        cure = "it is the reverse mode of a while_loop, which has one that fits with max_steps"
    error = ArgumentError(
        f"[export] operation '{eqn.prim.name}' holds a Python object{held}, which a file cannot "
        f"hold: {cure}"
    )
    error.where = eqn.source or error.where
    return error


def flat(program: Program) -> Program:
    """`program` with calls, and what only wraps a Program with rules of Python's, inlined."""
    while any(map(_is_wrapper, program.eqns)):
        eqns = [_as_call(eqn) if _is_wrapper(eqn) else eqn for eqn in program.eqns]
        program = inline(Program(
            program.in_vars, eqns, program.out_atoms, program.consts, program.name
        ))  # fmt: skip
    return eliminate_dead(inline(program))


def _is_wrapper(eqn: Eqn) -> bool:
    """Whether `eqn` runs a Program, and has parameters beside that a file cannot hold."""
    inner = eqn.params.get("program")
    if not isinstance(inner, Program) or eqn.prim is call_p:
        return False
    fits = [v.aval.shape for v in eqn.outs] == [v.shape for v in inner.out_avals]
    if not fits or len(inner.in_vars) != len(eqn.args):
        return False
    try:
        encode(tuple(eqn.params.values()), lambda program: 0)
    except CannotHoldError:
        return True
    return False


def _as_call(eqn: Eqn) -> Eqn:
    return Eqn(call_p, eqn.args, {"program": eqn.params["program"]}, eqn.outs, eqn.source)
