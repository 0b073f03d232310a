"""Scans as native loops.

A scan becomes a loop in native code if kernels compute all of its body: what changes from step to
step is then only where they read and write. The carry has two places, of which one is read and the
other written, in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from rtorch.compiler.fusion import Groups
from rtorch.compiler.lowering import Call, Launch, Spot, copy_kernel
from rtorch.compiler.native.entry import Moving, Turning
from rtorch.compiler.views import VIEWS, packed
from rtorch.core.program import Eqn, Program, Var

Argument: TypeAlias = "int | Moving | Turning"


class LoopLaunch(NamedTuple):
    """Launches that are repeated.

    Attributes:
        length: How often.
        reverse: Whether slices are taken from the last one on.
        launches: What each step runs; arguments may be `Moving` or `Turning`.
    """

    length: int
    reverse: bool
    launches: tuple[Any, ...]


def scan_call(eqn: Eqn, groups: Groups, fuse: Any) -> Call | None:
    """The call that runs a scan; None if something in it takes Python."""
    shape = eqn.params["shape"]
    body = _with_results_of_its_own(eqn.params["program"], shape.n_carry)
    if not shape.length or body.consts:
        return None
    fused = fuse(body)
    if any(e.prim.name != "fused" for e in fused.eqns):
        return None
    return _Writer(eqn, groups, fused).call()


def _is_packed(x: Any, groups: Groups) -> bool:
    view = groups.views[x]
    longer = [s for s, n in zip(view.strides, x.aval.shape) if n != 1]
    normal = [s for s, n in zip(packed(x.aval.shape), x.aval.shape) if n != 1]
    return view.offset == 0 and longer == normal and view.root.aval.size == x.aval.size


def _with_results_of_its_own(body: Program, n_carry: int) -> Program:
    """The body with a copy for each result that is an operand, a view, or another result."""
    from rtorch.ops.convert import convert_p

    made = {v for e in body.eqns if not e.prim.view for v in e.outs}
    outs: list[Var] = []
    eqns = list(body.eqns)
    for v in body.out_atoms:
        if v not in made or v in outs:
            copy = Var(v.aval)
            eqns.append(Eqn(convert_p, [v], {"dtype": v.aval.dtype}, [copy]))
            v = copy
        outs.append(v)
    return Program(body.in_vars, eqns, outs, body.consts, body.name)


class _Writer:
    """Builds the call of one scan from its body."""

    def __init__(self, eqn: Eqn, groups: Groups, body: Program) -> None:
        self.shape = eqn.params["shape"]
        self.body = body
        self.operands = tuple(dict.fromkeys([groups.views[a].root for a in eqn.args]))
        self.results = eqn.outs
        self.temporaries: list[tuple[tuple[int, ...], str]] = []
        self.places: dict[Var, Argument] = {}
        self.before: list[Launch] = []
        self.sources = [self._source(a, groups) for a in eqn.args]

    def _source(self, a: Var, groups: Groups) -> int:
        """The argument that holds an operand in row-major order: a copy if it is not so."""
        root = self.operands.index(groups.views[a].root)
        if _is_packed(a, groups):
            return root
        shape, dtype = a.aval.shape, str(a.aval.dtype)
        copy = self._temporary(shape, dtype)
        _, offset, strides, _ = groups.views[a]
        kernel = copy_kernel(shape, dtype, Spot(offset, strides))
        self.before.append(Launch(kernel, (root, copy)))
        return copy

    def call(self) -> Call:
        self._place_operands()
        self._place_results()
        inside: list[Any] = []
        for eqn in self.body.eqns:
            inside += self._launches(eqn)
        hoisted, inside = _hoisted(inside, self._varying())
        loop = LoopLaunch(self.shape.length, self.shape.reverse, tuple(inside))
        launches = (*self.before, *hoisted, loop)
        return Call(launches, self.operands, self.results, tuple(self.temporaries),
                    tuple([()] * len(self.results)))  # fmt: skip

    def _temporary(self, shape: tuple[int, ...], dtype: str) -> int:
        self.temporaries.append((shape, dtype))
        return len(self.operands) + len(self.results) + len(self.temporaries) - 1

    def _place_operands(self) -> None:
        """Where the body's operands are; the first carry is copied to its place."""
        consts, carry, xs = self.shape.split(self.body.in_vars)
        sources, first, stacked = self.shape.split(self.sources)
        self.places.update(zip(consts, sources))
        for x, source in zip(xs, stacked):
            self.places[x] = Moving(source, x.aval.size * x.aval.dtype.itemsize)
        self.carry: list[tuple[int, int]] = []
        for k, x in enumerate(carry):
            result = len(self.operands) + k
            other = self._temporary(x.aval.shape, str(x.aval.dtype))
            pair = (other, result) if self.shape.length % 2 else (result, other)
            self.carry.append(pair)
            self.places[x] = Turning(*pair)
            kernel = copy_kernel(x.aval.shape, str(x.aval.dtype))
            self.before.append(Launch(kernel, (first[k], pair[0])))

    def _place_results(self) -> None:
        n = self.shape.n_carry
        for v, (first, second) in zip(self.body.out_atoms[:n], self.carry):
            self.places[v] = Turning(second, first)
        for k, v in enumerate(self.body.out_atoms[n:]):
            size = v.aval.size * v.aval.dtype.itemsize
            self.places[v] = Moving(len(self.operands) + n + k, size)

    def _launches(self, eqn: Eqn) -> list[Any]:
        call: Call = eqn.params["call"]
        arguments: list[Argument] = [self.places[v] for v in call.operands]
        for v in call.results:
            if v not in self.places:
                self.places[v] = self._temporary(v.aval.shape, str(v.aval.dtype))
            arguments.append(self.places[v])
        arguments += [self._temporary(shape, dtype) for shape, dtype in call.temporaries]
        return [_placed(launch, arguments) for launch in call.launches]

    def _varying(self) -> set[int]:
        """The arguments that are results, or hold the carry: never the same in each step."""
        first = len(self.operands)
        fixed = set(range(first, first + len(self.results)))
        return fixed | {k for pair in self.carry for k in pair}


def _placed(launch: Any, arguments: Sequence[Argument]) -> Any:
    """A launch of the body with the arguments of the scan's call."""
    if isinstance(launch, LoopLaunch):
        inner = tuple([_placed(x, arguments) for x in launch.launches])
        return launch._replace(launches=inner)
    return launch._replace(args=tuple([_moved(a, arguments) for a in launch.args]))


def _moved(argument: Argument, arguments: Sequence[Argument]) -> Argument:
    if isinstance(argument, int):
        return arguments[argument]
    return argument.within(arguments)


def _hoisted(launches: Sequence[Any], varying: set[int]) -> tuple[list[Any], list[Any]]:
    """The launches that do the same in every step, and the others."""
    changing = set(varying)
    before, inside = [], []
    for launch in launches:
        if isinstance(launch, LoopLaunch):
            inside.append(launch)
            changing |= _written(launch)
            continue
        reads = [a for k, a in enumerate(launch.args) if k not in launch.part.writes]
        same = all(isinstance(a, int) for a in launch.args) and not changing & set(reads)
        writes = {a for k, a in enumerate(launch.args) if k in launch.part.writes}
        if same and not writes & varying:
            before.append(launch)
        else:
            inside.append(launch)
            changing |= _written(launch)
    return before, inside


def _written(launch: Any) -> set[int]:
    if isinstance(launch, LoopLaunch):
        return set().union(*[_written(x) for x in launch.launches])
    return {a for k, a in enumerate(launch.args) if k in launch.part.writes and isinstance(a, int)}


# ---- what does not change from step to step ------------------------------------------------------


def hoist(program: Program, optimize: Any) -> Program:
    """Scans with everything before them that is the same in each of their steps."""
    if not any(eqn.prim.name == "scan" for eqn in program.eqns):
        return program
    eqns: list[Eqn] = []
    consts = dict(program.consts)
    for eqn in program.eqns:
        if eqn.prim.name == "scan":
            eqn = _with_hoisted(eqn, optimize, eqns, consts)
        eqns.append(eqn)
    return Program(program.in_vars, eqns, program.out_atoms, consts, program.name)


def _with_hoisted(eqn: Eqn, optimize: Any, eqns: list[Eqn], consts: dict[Var, Any]) -> Eqn:
    """The scan of what is left in the body; the rest is appended to `eqns` and `consts`."""
    body: Program = eqn.params["program"].cached(
        "optimized", lambda: optimize(eqn.params["program"])
    )
    shape = eqn.params["shape"]
    params, carry, xs = shape.split(body.in_vars)
    outer: dict[Any, Any] = dict(zip(params, eqn.args))
    for var, x in body.consts.items():
        outer[var] = fresh = Var(var.aval)
        consts[fresh] = x
    inside: list[Eqn] = []
    for e in body.eqns:
        moves = e.effect or any(type(a) is Var and a not in outer for a in e.args)
        if not moves:
            fresh_outs = [Var(v.aval) for v in e.outs]
            args = [outer[a] if type(a) is Var else a for a in e.args]
            eqns.append(Eqn(e.prim, args, e.params, fresh_outs, e.source))
            outer.update(zip(e.outs, fresh_outs))
        if moves or e.prim.name in VIEWS:
            inside.append(e)
    made = {v for e in inside for v in e.outs} | set(carry) | set(xs)
    read = dict.fromkeys(a for e in _live(inside, body.out_atoms) for a in e.args if type(a) is Var)
    read |= dict.fromkeys(body.out_atoms)
    wanted = [v for v in read if v not in made]
    rest = Program([*wanted, *carry, *xs], _live(inside, body.out_atoms), body.out_atoms, {},
                   body.name)  # fmt: skip
    new = type(shape)(len(wanted), shape.n_carry, shape.length, shape.reverse)
    args = [*[outer[v] for v in wanted], *eqn.args[shape.n_consts :]]
    return Eqn(eqn.prim, args, {"program": rest, "shape": new}, eqn.outs, eqn.source)


def _live(eqns: Sequence[Eqn], outs: Sequence[Var]) -> list[Eqn]:
    """The equations that the results need."""
    wanted = set(outs)
    found = []
    for eqn in reversed(eqns):
        if eqn.effect or any(v in wanted for v in eqn.outs):
            wanted.update(a for a in eqn.args if type(a) is Var)
            found.append(eqn)
    return found[::-1]
