"""Programs from the JSON that `write.py` makes, with every entry checked.

A file may come from anywhere: nothing in it is executed, and what an equation says of its types
must be what `infer` says. Programs refer to earlier ones only, so there are no cycles.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.core.program import Eqn, Program, Var, check_program
from rtorch.errors import RtorchError, SourceLine
from rtorch.export.check import check_equation
from rtorch.export.values import Json, damaged, decode, read_aval, shown


class Reader:
    """Builds Programs, one after the other."""

    def __init__(self, sources: list[Json], constant: Callable[[int, Aval, str], Array],
                 n_constants: int) -> None:  # fmt: skip
        self.sources = sources
        self.constant = constant
        self.n_constants = n_constants
        self.programs: list[Program] = []

    def add(self, entry: Json) -> None:
        """Read one more Program."""
        path = f"programs[{len(self.programs)}]"
        lists = ("variables", "inputs", "constants", "equations", "outputs")
        for key in lists:
            if not isinstance(entry, dict) or not isinstance(entry.get(key), list):
                raise damaged(path, f"expected an object with the lists {', '.join(lists)}")
        variables = [
            Var(read_aval(text, f"{path}/variables[{i}]"))
            for i, text in enumerate(entry["variables"])
        ]
        body = _Body(self, variables, path)
        inputs = body.new_variables(entry["inputs"], "inputs")
        consts = body.constants(entry["constants"])
        eqns = [body.equation(e, f"{path}/equations[{i}]")
                for i, e in enumerate(entry["equations"])]  # fmt: skip
        outs = [body.variable(v, f"{path}/outputs[{i}]") for i, v in enumerate(entry["outputs"])]
        program = Program(inputs, eqns, outs, consts, _text(entry.get("name"), f"{path}/name"))
        try:
            check_program(program)
        except Exception as error:
            why = error.args[0] if isinstance(error, RtorchError) else f"{error}"
            raise damaged(path, str(why)) from None
        self.programs.append(program)

    def program(self, number: Json, path: str) -> Program:
        """The Program that an equation refers to: one that has been read."""
        return self.programs[_index(number, len(self.programs), path, "of an earlier Program")]

    def source(self, number: Json, path: str) -> SourceLine | None:
        """The source line of that number."""
        if number is None:
            return None
        entry = self.sources[_index(number, len(self.sources), path, "of a source line")]
        match entry:
            case [str(), int(), str(), str(), str()]:
                return SourceLine(*entry)
        raise damaged(path, f"expected a source line, got {shown(entry)}")


class _Body:
    """One Program while it is read."""

    def __init__(self, reader: Reader, variables: list[Var], path: str) -> None:
        self.reader = reader
        self.variables = variables
        self.path = path
        self.known: set[Var] = set()

    def variable(self, number: Json, path: str) -> Var:
        return self.variables[_index(number, len(self.variables), path, "of a variable")]

    def new_variables(self, numbers: Json, what: str) -> list[Var]:
        """Variables that are defined here."""
        out = []
        for i, number in enumerate(numbers):
            path = f"{self.path}/{what}[{i}]"
            var = self.variable(number, path)
            if var in self.known:
                raise damaged(path, f"variable {number} is defined twice")
            self.known.add(var)
            out.append(var)
        return out

    def constants(self, pairs: list[Json]) -> dict[Var, Array]:
        out = {}
        for i, pair in enumerate(pairs):
            path = f"{self.path}/constants[{i}]"
            if not isinstance(pair, list) or len(pair) != 2:
                raise damaged(path, f"expected a variable and a constant, got {shown(pair)}")
            (var,) = self.new_variables([pair[0]], f"constants[{i}]")
            number = _index(pair[1], self.reader.n_constants, path, "of a constant")
            out[var] = self.reader.constant(number, var.aval, path)
        return out

    def equation(self, entry: Json, path: str) -> Eqn:
        if not isinstance(entry, dict):
            raise damaged(path, f"expected an equation, got {shown(entry)}")
        prim = _primitive(entry.get("op"), path)
        operands, outs, params = entry.get("in"), entry.get("out"), entry.get("params", {})
        if not isinstance(operands, list) or not isinstance(outs, list):
            raise damaged(path, "expected lists 'in' and 'out'")
        if not isinstance(params, dict):
            raise damaged(path, "expected an object 'params'")
        args = [self._operand(a, f"{path}/in[{i}]") for i, a in enumerate(operands)]
        values = {
            name: decode(value, self.reader.program, f"{path}/params/{name}")
            for name, value in params.items()
        }
        results = self.new_variables(outs, f"{path[len(self.path) + 1 :]}/out")
        source = self.reader.source(entry.get("source"), f"{path}/source")
        eqn = Eqn(prim, args, values, results, source)
        check_equation(eqn, path)
        return eqn

    def _operand(self, node: Json, path: str) -> Any:
        if type(node) is int:
            var = self.variable(node, path)
            if var not in self.known:
                raise damaged(path, f"variable {node} is read before it is defined")
            return var
        match node:
            case {"int": int(value)} if len(node) == 1 and type(value) is int:
                return value
        value = decode(node, self.reader.program, path)
        if type(value) not in (bool, float, complex):
            raise damaged(path, f"expected a variable or a number, got {shown(node)}")
        return value


def _index(number: Json, count: int, path: str, what: str) -> int:
    if type(number) is not int or not 0 <= number < count:
        raise damaged(path, f"expected the number {what} (0 to {count - 1}), got {shown(number)}")
    return number


def _text(x: Json, path: str) -> str:
    if not isinstance(x, str):
        raise damaged(path, f"expected text, got {shown(x)}")
    return x


def _primitive(name: Json, path: str) -> Primitive:
    if isinstance(name, str):
        if name not in Primitive.registry:
            importlib.import_module("rtorch.ops").load_all()
        if name not in Primitive.registry:
            importlib.import_module("rtorch.transforms").load_all()
        prim = Primitive.registry.get(name)
        if prim is not None and prim.portable:
            return prim
    raise damaged(
        f"{path}/op", f"there is no operation {shown(name)} that a file can hold: a newer rtorch, "
        "or one with operations of its own, may have written it"
    )  # fmt: skip
