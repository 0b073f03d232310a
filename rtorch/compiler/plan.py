"""The planned executor: a Program as one generated Python function of NumPy calls.

Every intermediate gets its place in memory beforehand: buffers are reused as soon as their last
reader has run, results of elementwise operations go into an operand that dies there, views of
buffers are made once. A call runs straight through without dispatch.

A primitive says how it takes part:

- ``ufunc``: a NumPy ufunc, called with its place as last argument;
- ``view = True``: its ``impl`` returns a view of the first operand, or several, no memory is
  needed (with ``view_if_packed`` a copy of an operand that is not in row-major order);
- ``into(out, *raw, **params)``: writes the result to `out`; ``overwrites`` names the operands
  whose memory `out` may be;
- otherwise ``impl`` is called and allocates.

Memory lives in workspaces, one per call in progress, so that threads and recursion are safe.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.compiler.choice import fused, native_code
from rtorch.compiler.passes import optimize
from rtorch.core.array import Array, take_memory
from rtorch.core.program import Atom, Eqn, Program, Var
from rtorch.core.trace import literal

# Results of this many bytes or more are kept and used again when nobody holds them any more:
# fresh memory of that size costs a page fault every 4 KiB.
POOLED = 1 << 16


def executable(
    program: Program, xp: Any, donated: tuple[int, ...] = (), transient: bool = False
) -> Callable[..., Any]:
    """The function from raw arrays to a tuple of raw arrays that `program` is.

    Args:
        program: What to run.
        xp: NumPy, or CuPy (equations are then run one after the other).
        donated: Parameters whose memory results may take.
        transient: Keep no memory between calls, and copy results that would be views of
            parameters, as is right for one equation among others of a plan.
    """
    if xp is not np:
        return program.cached(("steps", xp.__name__), lambda: _stepwise(program, xp))
    return program.cached(
        ("plan", donated, transient),
        lambda: Planner(fused(optimize(program)), donated, transient).compile(),
    )


def may_alias(program: Program) -> list[bool]:
    """Which results may be memory of an operand."""

    def find() -> list[bool]:
        planner = Planner(optimize(program), ())
        planner._find_last_uses()
        inner = planner.program
        return [planner.root.get(v, v) in inner.in_vars for v in inner.out_atoms]

    found: list[bool] = program.cached("may_alias", find)
    return found


def _stepwise(program: Program, xp: Any) -> Callable[..., Any]:
    program = optimize(program)
    steps = list(zip(program.eqns, dead_after(program)))

    def run(*raw: Any) -> tuple[Any, ...]:
        env: dict[Var, Any] = dict(zip(program.in_vars, raw))
        for var, x in program.consts.items():
            env[var] = xp.asarray(x._data)
        for eqn, dead in steps:
            dtype = next((a.aval.dtype for a in reversed(eqn.args) if type(a) is Var), None)
            args = [env[a] if type(a) is Var else literal(a, dtype, xp) for a in eqn.args]  # type: ignore[arg-type]
            out = eqn.prim.impl(xp, *args, **eqn.params)
            if type(out) is np.ndarray:  # made from nothing: traced functions know no device
                out = xp.asarray(out)
            env.update(zip(eqn.outs, out if eqn.prim.multiple else (out,)))
            for var in dead:
                del env[var]
        return tuple([env[v] for v in program.out_atoms])

    return run


def dead_after(program: Program) -> list[set[Var]]:
    """For each equation the variables that nothing after it reads."""
    read = set(program.out_atoms)
    dead = []
    for eqn in reversed(program.eqns):
        dead.append({a for a in (*eqn.args, *eqn.outs) if type(a) is Var} - read)
        read |= dead[-1]
    return dead[::-1]


class Place:
    """A piece of memory: of the workspace, of an argument, or of a result."""

    __slots__ = ("donated", "nbytes", "owned", "pooled")

    def __init__(self, nbytes: int, owned: bool) -> None:
        self.nbytes = nbytes
        self.owned = owned  # whether we may write to it
        self.pooled = False  # whether the memory returns to the free list
        self.donated = False


class Planner:
    """Generates the source of one executable."""

    def __init__(self, program: Program, donated: tuple[int, ...], transient: bool = False) -> None:
        self.program = program
        self.transient = transient
        self.names: dict[Var, str] = {}
        self.places: dict[Var, Place | None] = {}  # None: memory that Python manages
        self.direct: set[Var] = set()  # variables that are the whole of their place, not a view
        # Repeated scalars, by the name of the array without axes: ufuncs read that faster.
        self.scalars: dict[Atom, str] = {}
        self.body: list[str] = []
        self.setup: list[str] = []  # runs once per workspace
        self.fixed: set[Var] = set()  # variables that are the same object in every call
        self.fixed_names: list[str] = []
        self.globals: dict[str, Any] = {"np": np, "asarray": np.asarray, "empty": np.empty}
        self.free: dict[int, list[str]] = {}
        self.buffer_of: dict[Place, str] = {}
        self.donated = donated
        self.native = native_code(self)
        # Bytes: of the workspace; of what Python manages now, and at most.
        self.workspace, self.managed, self.most_managed = 0, 0, 0

    # -- names ---------------------------------------------------------------------------------

    def name(self, var: Var) -> str:
        if var not in self.names:
            self.names[var] = f"v{len(self.names)}"
        return self.names[var]

    def constant(self, value: Any, prefix: str = "c") -> str:
        name = f"{prefix}{len(self.globals)}"
        self.globals[name] = value
        return name

    def atom(self, atom: Atom, dtype: Any) -> str:
        if type(atom) is Var:
            return self.name(atom)
        return self.constant(literal(atom, dtype), "k")

    # -- liveness ------------------------------------------------------------------------------

    def _roots(self) -> dict[Var, Var]:
        """The variable whose memory each one reads."""
        root: dict[Var, Var] = {}
        for eqn in self.program.eqns:
            if getattr(eqn.prim, "view", False):
                root.update(dict.fromkeys(eqn.outs, root.get(eqn.args[0], eqn.args[0])))
        return root

    def _find_last_uses(self) -> None:
        self.root = self._roots()
        self.last_use: dict[Var, int] = {}
        for i, eqn in enumerate(self.program.eqns):
            for atom in eqn.args:
                if type(atom) is Var:
                    self.last_use[self.root.get(atom, atom)] = i
        for var in self.program.out_atoms:
            self.last_use[self.root.get(var, var)] = len(self.program.eqns)
        self.kept = {self.root.get(v, v) for v in self.program.out_atoms}

    # -- planning ------------------------------------------------------------------------------

    def compile(self) -> Callable[..., Any]:
        self._find_last_uses()
        params = [self.name(v) for v in self.program.in_vars]
        for i, var in enumerate(self.program.in_vars):
            self.places[var] = place = Place(0, owned=i in self.donated)
            self.direct.add(var)
            if i in self.donated:
                place.donated = True
        self._add_constants()
        for i, eqn in enumerate(self.program.eqns):
            self._emit(i, eqn)
            self._release(i, eqn)
        self.native.flush()
        return self._link(params, self.body, list(map(self._output, self.program.out_atoms)))

    def _add_constants(self) -> None:
        for var, x in self.program.consts.items():
            self.globals[self.name(var)] = x._data
            self.places[var] = Place(0, owned=False)
            self.fixed.add(var)

    def _release(self, i: int, eqn: Eqn) -> None:
        """Give back the memory whose last reader was equation `i`."""
        seen: set[Var] = set()
        for atom in (*eqn.args, *eqn.outs):
            if type(atom) is not Var:
                continue
            root = self.root.get(atom, atom)
            if root in seen or self.last_use.get(root, i) > i:
                continue
            seen.add(root)
            place = self.places.get(root)
            if place is None:
                if root in self.names and root not in self.fixed:
                    self.native.following().append(f"{self.names[root]} = None")
                    self._manage(root, -1)
            elif place.pooled and place in self.buffer_of:
                self.free.setdefault(place.nbytes, []).append(self.buffer_of.pop(place))

    def _emit(self, i: int, eqn: Eqn) -> None:
        prim = eqn.prim
        if prim.name == "fused":
            self.native.emit(i, eqn)
            return
        self.native.flush()
        dtype = next((a.aval.dtype for a in reversed(eqn.args) if type(a) is Var), None)
        args = [self.atom(a, dtype) for a in eqn.args]
        if getattr(prim, "view", False) and not prim.multiple:
            self._emit_view(eqn, args)
        elif prim.multiple:
            names = "".join(f"{self.name(v)}, " for v in eqn.outs)
            results = self._impl_call(eqn, args)
            if prim.view:
                self.body.append(f"{names}= {results}")
                self.places.update((v, self.places.get(self.root[v])) for v in eqn.outs)
                return
            if any(v.aval.shape == () for v in eqn.outs):
                results = f"map(asarray, {results})"  # NumPy returns scalars, as below
            self.body.append(f"{names}{'= ' if names else ''}{results}")
            for var in eqn.outs:
                if var in self.root:
                    self.places[var] = self.places.get(self.root[var])
                    continue
                self.places[var] = None
                self._manage(var, 1)
        elif getattr(prim, "ufunc", None) and not hasattr(prim, "into") and _is_plain(eqn):
            args = [self.scalars.get(a, name) for a, name in zip(eqn.args, args)]
            out = self._allocate(i, eqn, range(len(eqn.args)))
            ufunc = self._global(f"np_{prim.ufunc}", getattr(np, str(prim.ufunc)))
            place = f"out={out}" if prim.ufunc in ("maximum", "minimum") else out
            self.body.append(f"{ufunc}({', '.join(args)}, {place})")
        elif hasattr(prim, "into") and prim.can_write(eqn.outs[0].aval, **eqn.params):
            out = self._allocate(i, eqn, prim.overwrites)
            avals = [a.aval if type(a) is Var else a for a in eqn.args]
            if (text := prim.text(*avals, **eqn.params)) is not None:
                self.body.append(text.format(*args, out=out))
                return
            into = self._global(f"into_{prim.name}", prim.into)
            self.body.append(f"{into}({', '.join([out, *args])}{self._params(eqn)})")
        else:
            self.body.append(f"{self.name(eqn.outs[0])} = {self._impl_call(eqn, args)}")
            self.places[eqn.outs[0]] = None
            self._manage(eqn.outs[0], 1)

    def _global(self, name: str, value: Any) -> str:
        self.globals.setdefault(name, value)
        return name

    def _params(self, eqn: Eqn) -> str:
        return f", **{self.constant(eqn.params, 'p')}" if eqn.params else ""

    def _impl_call(self, eqn: Eqn, args: list[str]) -> str:
        impl = self._global(f"impl_{eqn.prim.name}", eqn.prim.impl)
        call = f"{impl}({', '.join(['np', *args])}{self._params(eqn)})"
        if not eqn.prim.multiple and eqn.outs[0].aval.shape == ():
            return f"asarray({call})"  # NumPy returns scalars instead of arrays without axes
        return call

    def _emit_view(self, eqn: Eqn, args: list[str]) -> None:
        (out,) = eqn.outs
        if eqn.prim.name == "broadcast" and eqn.args[0].aval.shape == ():
            self.scalars[out] = args[0]
        line = f"{self.name(out)} = {self._view_call(eqn, args)}"
        self.places[out] = self.places.get(self.root[out])
        if self._is_fixed_view(eqn):
            self.fix(out, line)
        else:
            self.body.append(line)

    def _is_fixed_view(self, eqn: Eqn) -> bool:
        """Whether the view made in the first call shows what later calls write."""
        source = eqn.args[0]
        if len(eqn.args) > 1 or source not in self.fixed:
            return False  # other operands say where the view begins, differently in every call
        place = self.places[self.root.get(source, source)]
        is_constant = place is not None and not place.owned
        return is_constant or source in self.direct or not eqn.prim.view_if_packed

    def _view_call(self, eqn: Eqn, args: list[str]) -> str:
        if eqn.prim.name == "reshape":
            return f"{args[0]}.reshape({eqn.params['shape']})"
        if eqn.prim.name == "permute_dims":
            return f"{args[0]}.transpose({eqn.params['axes']})"
        return self._impl_call(eqn, args)

    def fix(self, var: Var, line: str) -> None:
        """`line`, which defines `var`, runs once per workspace."""
        self.setup.append(line)
        self.fixed.add(var)
        self.fixed_names.append(self.name(var))

    # -- memory --------------------------------------------------------------------------------

    def _allocate(self, i: int, eqn: Eqn, overwrites: Any) -> str:
        """The place of the equation's result: a dying operand, a free buffer, or a new one."""
        (out,) = eqn.outs
        return self.place_of(i, out, self._dying_operand(i, eqn, overwrites))

    def place_of(self, i: int, out: Var, victim: Var | None) -> str:
        name = self.name(out)
        self.direct.add(out)
        if victim is not None and not (out in self.kept and self.places[victim].pooled):  # type: ignore[union-attr]
            self.places[out] = self.places[victim]
            place = self.places[out]
            assert place is not None
            if victim in self.fixed:
                self.fix(out, f"{name} = {self.name(victim)}")
            else:
                self.body.append(f"{name} = {self.name(victim)}")
            self.last_use[victim] = self.last_use.get(out, i)  # its memory lives on
            return name
        nbytes = out.aval.size * out.aval.dtype.itemsize
        if out in self.kept:
            self.places[out] = Place(nbytes, owned=True)
            self.body.append(f"{name} = {self._result(out, nbytes)}")
            return name
        self.places[out] = place = Place(nbytes, owned=True)
        place.pooled = True
        self.buffer_of[place] = buffer = self.buffer(nbytes)
        dtype = self.constant(out.aval.dtype, "t")
        self.fix(out, f"{name} = {buffer}[:{nbytes}].view({dtype}).reshape({out.aval.shape})")
        return name

    def _dying_operand(self, i: int, eqn: Eqn, overwrites: Any) -> Var | None:
        (out,) = eqn.outs
        for k in overwrites:
            x = eqn.args[k]
            if type(x) is not Var or x not in self.direct or x in self.kept:
                continue
            place = self.places.get(x)
            if place is None or not place.owned or self.last_use.get(x, i) != i:
                continue
            same = x.aval.shape == out.aval.shape and x.aval.dtype is out.aval.dtype
            others = [a for a in eqn.args if type(a) is Var and a is not x]
            if same and all(self.root.get(a, a) is not x for a in others):
                return x
        return None

    def _manage(self, var: Var, sign: int) -> None:
        """Count memory that Python manages, except results."""
        if var not in self.kept:
            self.managed += sign * var.aval.size * var.aval.dtype.itemsize
            self.most_managed = max(self.most_managed, self.managed)

    def buffer(self, nbytes: int) -> str:
        free = self.free.get(nbytes)
        if free:
            return free.pop()
        self.workspace += max(nbytes, 1)
        name = f"b{len(self.setup)}"
        self.setup.append(f"{name} = {self.native.memory(max(nbytes, 1))}")
        return name

    def _result(self, out: Var, nbytes: int) -> str:
        dtype = self.constant(out.aval.dtype, "t")
        make = f"empty({out.aval.shape}, {dtype})"
        if nbytes < POOLED or self.transient:
            return make
        pool = f"pool{len(self.setup)}"
        self.setup.append(f"{pool} = Pool({out.aval.shape}, {dtype})")
        self.fixed_names.append(pool)
        self.globals["Pool"] = ResultPool
        return f"{pool}.take()"

    # -- source --------------------------------------------------------------------------------

    def _link(self, params: list[str], body: list[str], outs: list[str]) -> Callable[..., Any]:
        fixed = list(dict.fromkeys(self.fixed_names))
        lines = ["def make():"]
        lines += [f"    {line}" for line in self.setup]
        lines += [f"    return ({''.join(n + ', ' for n in fixed)})"]
        lines += [f"def run({', '.join(params)}):"]
        if fixed and self.transient:
            lines += [f"    {''.join(n + ', ' for n in fixed)} = make()"]
        elif fixed:
            # To ask first whether there is one would let another thread take it in between.
            lines += ["    try: workspace = spare.pop()"]
            lines += ["    except IndexError: workspace = make()"]
            lines += [f"    {''.join(n + ', ' for n in fixed)} = workspace"]
        lines += [f"    {line}" for line in body]
        if fixed and not self.transient:
            lines += ["    spare.append(workspace)"]
        lines += [f"    return ({''.join(out + ', ' for out in outs)})"]
        source = "\n".join(lines)
        self.globals["spare"] = []
        self.globals |= self.native.functions()
        exec(compile(source, f"<rtorch plan of {self.program.name}>", "exec"), self.globals)
        run: Callable[..., Any] = self.globals["run"]
        run.source = source  # type: ignore[attr-defined]
        run.temp_bytes = self.workspace + self.most_managed  # type: ignore[attr-defined]
        return run

    def _output(self, var: Var) -> str:
        root = self.root.get(var, var)
        place = self.places.get(root)
        is_view = place is not None and place.donated and var is not root
        if is_view or (self.transient and root in self.program.in_vars):
            return f"{self.name(var)}.copy()"
        return self.name(var)


def _is_plain(eqn: Eqn) -> bool:
    """Whether all array operands have the shape of the result, as elementwise ones do."""
    shape = eqn.outs[0].aval.shape
    return not eqn.params and all(a.aval.shape == shape for a in eqn.args if type(a) is Var)


class ResultPool:
    """Memory of earlier results, given out again when nothing refers to it any more."""

    __slots__ = ("arrays", "dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype
        self.arrays: list[Any] = []

    def take(self) -> Any:
        for array in self.arrays:
            if sys.getrefcount(array) == _UNSHARED:
                if not array.flags.writeable:
                    array.setflags(write=True)  # it was exposed read-only, and let go again
                return array
        array = np.empty(self.shape, self.dtype)
        if len(self.arrays) < 4:
            self.arrays.append(array)
        return array


def _unshared() -> int:
    """What `sys.getrefcount` says of an array that only a list and a loop variable hold."""
    arrays = [np.empty(1)]
    for array in arrays:
        return sys.getrefcount(array)
    raise AssertionError


_UNSHARED = _unshared()


def claim(array: Array) -> Any:
    """The memory of a donated Array if nothing else refers to it, otherwise a copy of it.

    The Array itself says from now on that it was donated.
    """
    data = take_memory(array)
    alone = sys.getrefcount(data) == _ALONE  # before `flags`, which refers to it too
    flags = data.flags
    if alone and flags.owndata and flags.c_contiguous:
        if not flags.writeable:
            data.setflags(write=True)  # it was exposed read-only, and let go again
        return data
    return data.copy()


def _alone() -> int:
    """What `sys.getrefcount` says of an array that one local variable holds."""
    data = np.empty(1)
    return sys.getrefcount(data)


_ALONE = _alone()
