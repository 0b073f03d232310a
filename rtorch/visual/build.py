"""From a Program to a `Graph`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from rtorch.core import backend
from rtorch.core.printer import param_text, programs_in
from rtorch.core.program import Atom, Eqn, Program, Var
from rtorch.core.trace import Tracer
from rtorch.visual.family import family_of
from rtorch.visual.graph import Box, Graph, Wire

_LONGEST = 34  # letters in a line of a box
_CALLS = ("call", "custom_jvp", "custom_vjp", "remat")


class Options(NamedTuple):
    """How much is drawn.

    Attributes:
        max_depth: Programs deeper than so many frames are one box.
        max_equations: Equations beyond so many, in one Program, are left out, with a note.
        chains: Whether elementwise operations that follow each other share a box.
    """

    max_depth: int
    max_equations: int
    chains: bool


Env = dict[Var, tuple[Box, int]]


class Builder:
    """Builds the graph of one Program, and those inside."""

    def __init__(self, program: Program, options: Options, depth: int = 0) -> None:
        self.program = program
        self.options = options
        self.depth = depth
        eqns = program.eqns[: options.max_equations]
        self.left_out = len(program.eqns) - len(eqns)
        self.eqns = eqns

    def build(self, in_names: Sequence[str], out_names: Sequence[str]) -> Graph:
        """The graph; the names stand in the boxes of parameters and results."""
        graph = Graph(self.program.name)
        env: Env = {}
        for var, name in zip(self.program.in_vars, in_names):
            self._end(graph, env, var, "in", name)
        for var, x in self.program.consts.items():
            self._end(graph, env, var, "const", _value(x))
        self._equations(graph, env, self.eqns, 0, set(self.program.out_atoms))
        if self.left_out:
            note = f"{self.left_out} more equations"
            graph.boxes.append(Box("op", note, "not drawn: max_equations", "note"))
        for var, name in zip(self.program.out_atoms, out_names):
            box = Box("out", name, str(var.aval), "end", tip=f"result {name}: {var.aval}", n_ins=1)
            graph.boxes.append(box)
            self._wire(graph, env, var, box, 0)
        return graph

    def _end(self, graph: Graph, env: Env, var: Var, kind: str, name: str) -> None:
        what = "parameter" if kind == "in" else "constant"
        tip = f"{what} {name}: {var.aval}"
        box = Box(kind, name, str(var.aval), "end", tip=tip, labels=[""])
        graph.boxes.append(box)
        env[var] = box, 0

    def _wire(self, graph: Graph, env: Env, var: Atom, box: Box, slot: int) -> None:
        if type(var) is Var and var in env:
            graph.wires.append(Wire(*env[var], box, slot))

    # -- equations -----------------------------------------------------------------------------

    def _equations(
        self, graph: Graph, env: Env, eqns: Sequence[Eqn], level: int, wanted: set[Atom]
    ) -> None:
        """Add equations, those of one scope as a frame; `wanted` are read behind them."""
        runs = [list(run) for _, run in groupby(eqns, lambda eqn: _scope(eqn, level))]
        later = [set(wanted)]
        for run in reversed(runs):
            later.append(later[-1] | {a for eqn in run for a in eqn.args})
        later = later[-2::-1]
        for run, read in zip(runs, later):
            name = _scope(run[0], level)
            if name and len(run) > 1:
                self._scope_frame(graph, env, run, level, name, read)
            elif name:
                self._equations(graph, env, run, level + 1, read)
            else:
                self._plain(graph, env, run, read)

    def _scope_frame(
        self, graph: Graph, env: Env, eqns: Sequence[Eqn], level: int, name: str, wanted: set[Atom]
    ) -> None:
        made = [v for eqn in eqns for v in eqn.outs]
        known = set(made)
        read = dict.fromkeys(a for e in eqns for a in e.args if type(a) is Var and a not in known)
        given = [v for v in made if v in wanted]
        inside = Graph(name)
        inner_env: Env = {}
        for var in read:
            inside.boxes.append(Box("port", family="end", labels=[""], tip=str(var.aval)))
            inner_env[var] = inside.boxes[-1], 0
        self._equations(inside, inner_env, eqns, level + 1, wanted)
        for var in given:
            inside.boxes.append(Box("port", family="end", tip=str(var.aval), n_ins=1))
            self._wire(inside, inner_env, var, inside.boxes[-1], 0)
        tip = f"scope {name}: {len(eqns)} equations"
        frame = Box("frame", name, "", "scope", tip, [str(v.aval) for v in given], [inside],
                    is_scope=True, n_ins=len(read))  # fmt: skip
        graph.boxes.append(frame)
        for slot, var in enumerate(read):
            self._wire(graph, env, var, frame, slot)
        env.update((var, (frame, k)) for k, var in enumerate(given))

    def _plain(self, graph: Graph, env: Env, eqns: Sequence[Eqn], wanted: set[Atom]) -> None:
        chains = _chains(eqns, wanted) if self.options.chains else [[eqn] for eqn in eqns]
        for chain in chains:
            box = self._box(chain[0]) if len(chain) == 1 else _chain_box(chain)
            graph.boxes.append(box)
            operands = [a for a in chain[0].args if type(a) is Var]
            box.n_ins = len(operands)
            for slot, var in enumerate(operands):
                self._wire(graph, env, var, box, slot)
            env.update((var, (box, k)) for k, var in enumerate(chain[-1].outs))

    def _box(self, eqn: Eqn) -> Box:
        labels = [str(v.aval) for v in eqn.outs]
        programs = [p for value in eqn.params.values() for p in programs_in(value)]
        family, tip = family_of(eqn.prim), _tip(eqn)
        if not programs:
            return Box("op", _with_literals(eqn), _params(eqn), family, tip, labels)
        names = {p.name for p in programs}
        title = f"{eqn.prim.name} {names.pop()}" if eqn.prim.name in _CALLS else eqn.prim.name
        if self.depth >= self.options.max_depth:
            n = sum(len(p.eqns) for p in programs)
            return Box("op", title, f"{n} equations inside", family, tip, labels)
        inner = [self._inside(eqn, program) for program in programs]
        return Box("frame", title, _params(eqn), family, tip, labels, inner)

    def _inside(self, eqn: Eqn, program: Program) -> Graph:
        builder = Builder(program, self.options, self.depth + 1)
        return builder.build(_inner_ins(eqn, program), _inner_outs(eqn, program))


# ---- text ----------------------------------------------------------------------------------------


def letters(n: int) -> list[str]:
    """Names for `n` parameters."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return [alphabet[i] if i < 26 else f"{alphabet[i % 26]}{i // 26}" for i in range(n)]


def out_letters(n: int) -> list[str]:
    """Names for `n` results."""
    return ["result"] if n == 1 else [f"result {i}" for i in range(n)]


def _inner_ins(eqn: Eqn, program: Program) -> list[str]:
    shape = eqn.params.get("shape")
    if eqn.prim.name != "scan" or shape is None:
        return letters(len(program.in_vars))
    kinds = zip(("const", "carry", "slice"), shape.split(program.in_vars))
    return [f"{kind} {i}" for kind, part in kinds for i, _ in enumerate(part)]


def _inner_outs(eqn: Eqn, program: Program) -> list[str]:
    shape = eqn.params.get("shape")
    if eqn.prim.name != "scan" or shape is None:
        return out_letters(len(program.out_atoms))
    n = shape.n_carry
    return [f"carry {i}" if i < n else f"slice {i - n}" for i in range(len(program.out_atoms))]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _with_literals(eqn: Eqn) -> str:
    """The name, and the numbers among the operands: ``mul · 2.0``."""
    if all(type(a) is Var for a in eqn.args):
        return eqn.prim.name
    return _cut(f"{eqn.prim.name} {' '.join('·' if type(a) is Var else repr(a) for a in eqn.args)}")


def _params(eqn: Eqn) -> str:
    shown = {k: v for k, v in eqn.params.items() if not programs_in(v)}
    if eqn.prim.name == "scan":
        return f"{eqn.params['shape'].length} steps"
    return _cut(" ".join(f"{k}={param_text(v)}" for k, v in shown.items() if v))


def _tip(eqn: Eqn) -> str:
    outs = ", ".join(str(v.aval) for v in eqn.outs)
    args = ", ".join(str(a.aval) if type(a) is Var else repr(a) for a in eqn.args)
    lines = [f"{eqn.prim.name}({args}) -> {outs}"]
    lines += [f"{k} = {param_text(v)}" for k, v in eqn.params.items() if not programs_in(v)]
    if eqn.source:
        lines.append(f"{eqn.source.file}:{eqn.source.line}, in {eqn.source.function}")
        lines += [text for text in (eqn.source.text, eqn.source.role, eqn.source.scope) if text]
    return "\n".join(lines)


def _value(x: Any) -> str:
    """A constant's name: its value if that is one number."""
    if x.size != 1 or isinstance(x, Tracer):
        return "constant"
    raw = x._data
    number = backend.to_numpy(raw).reshape(())
    return f"{number.item():.6g}" if raw.dtype.kind in "fiu" else str(number)


def _scope(eqn: Eqn, level: int) -> str:
    parts = eqn.source.scope.split("/") if eqn.source and eqn.source.scope else []
    return parts[level] if level < len(parts) else ""


# ---- chains --------------------------------------------------------------------------------------


def _chains(eqns: Sequence[Eqn], wanted: set[Atom]) -> list[list[Eqn]]:
    """Equations in lists: what alone reads the one result before it joins that one's list."""
    readers: dict[Atom, int] = {}
    for eqn in eqns:
        for atom in eqn.args:
            readers[atom] = readers.get(atom, 0) + 1
    ends: dict[Var, list[Eqn]] = {}
    chains = []
    for eqn in eqns:
        operands = [a for a in eqn.args if type(a) is Var]
        chain = ends.pop(operands[0], None) if len(operands) == 1 and _is_small(eqn) else None
        if chain is None:
            chain = []
            chains.append(chain)
        chain.append(eqn)
        if _is_small(eqn) and readers.get(eqn.outs[0]) == 1 and eqn.outs[0] not in wanted:
            ends[eqn.outs[0]] = chain
    return chains


def _is_small(eqn: Eqn) -> bool:
    return len(eqn.outs) == 1 and family_of(eqn.prim) in ("elementwise", "shape")


def _chain_box(chain: Sequence[Eqn]) -> Box:
    names = [_with_literals(eqn) for eqn in chain]
    shown = names if len(names) <= 4 else [*names[:2], f"{len(names) - 3} more", names[-1]]
    family = "elementwise" if any(family_of(e.prim) == "elementwise" for e in chain) else "shape"
    tip = "\n\n".join(map(_tip, chain[:8]))
    return Box("op", _cut(" → ".join(shown)), f"{len(chain)} operations", family, tip,
               [str(v.aval) for v in chain[-1].outs])  # fmt: skip
