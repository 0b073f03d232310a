"""`Program`: what a staged function became.

Typed, first order, in static single assignment and A-normal form: every operand is a variable, a
constant or a Python scalar; every variable is assigned once. Each equation keeps the user's line
it came from. `eval_program` binds the primitives again, so a Program can itself be transformed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.errors import ArgumentError, DTypeError, ShapeError, SourceLine, api, describe


class Var:
    """A variable of a Program; two are the same only if they are the same object."""

    __slots__ = ("aval",)

    def __init__(self, aval: Aval) -> None:
        self.aval = aval

    def __repr__(self) -> str:
        return f"Var({self.aval})"


# What an equation reads: a variable, or a Python scalar (of an elementwise primitive).
Atom: TypeAlias = Any


class Eqn:
    """One line: ``outs = prim[params](*args)``."""

    __slots__ = ("args", "outs", "params", "prim", "source")

    def __init__(
        self,
        prim: Primitive,
        args: Sequence[Atom],
        params: dict[str, Any],
        outs: Sequence[Var],
        source: SourceLine | None = None,
    ) -> None:
        self.prim = prim
        self.args = tuple(args)
        self.params = params
        self.outs = tuple(outs)
        self.source = source

    @property
    def effect(self) -> bool:
        """Whether it does more than give results: itself, or a Program that it holds."""
        return self.prim.effect or any(map(_has_effect, self.params.values()))

    def replace(self, args: Sequence[Atom]) -> Eqn:
        """This equation reading `args`."""
        return Eqn(self.prim, args, self.params, self.outs, self.source)


def _has_effect(param: Any) -> bool:
    if isinstance(param, tuple):
        return any(map(_has_effect, param))
    return isinstance(param, Program) and any(eqn.effect for eqn in param.eqns)


class Program:
    """A function as a list of equations.

    Attributes:
        in_vars: The parameters.
        eqns: The equations in order.
        out_atoms: The results: variables.
        consts: The arrays that the function closed over, by the variable that stands for each.
        name: The function's name.

    Example:
        >>> import rtorch as rt
        >>> program = rt.make_program(lambda x: x * 2)(rt.spec((3,)))
        >>> program.in_avals, len(program.eqns)
        ([f32[3]], 1)
        >>> [y.tolist() for y in program(rt.ones(3))]
        [[2.0, 2.0, 2.0]]
    """

    __slots__ = ("__weakref__", "cache", "consts", "eqns", "in_vars", "name", "out_atoms")

    def __init__(
        self,
        in_vars: Sequence[Var],
        eqns: Sequence[Eqn],
        out_atoms: Sequence[Atom],
        consts: dict[Var, Array] | None = None,
        name: str = "program",
    ) -> None:
        self.in_vars = tuple(in_vars)
        self.eqns = tuple(eqns)
        self.out_atoms = tuple(out_atoms)
        self.consts = consts or {}
        self.name = name
        self.cache: dict[Any, Any] = {}  # what transformations and the compiler made of it

    @property
    def in_avals(self) -> list[Aval]:
        """Shapes and dtypes of the parameters."""
        return [v.aval for v in self.in_vars]

    @property
    def out_avals(self) -> list[Aval]:
        """Shapes and dtypes of the results."""
        return [v.aval for v in self.out_atoms]

    def cached(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once for each `key`."""
        if key not in self.cache:
            self.cache[key] = make()
        return self.cache[key]

    @api
    def __call__(self, *args: Any) -> list[Any]:
        """Run the equations on `args`, one array per parameter."""
        self.check_arguments(args)
        return eval_program(self, *args)

    def check_arguments(self, args: Sequence[Any]) -> None:
        """Raise unless `args` are arrays of the parameters' shapes and dtypes."""
        if len(args) != len(self.in_vars):
            raise ArgumentError(
                f"[{self.name}] the Program takes {len(self.in_vars)} arrays, got {len(args)}"
            )
        for i, (x, aval) in enumerate(zip(args, self.in_avals)):
            what = f"[{self.name}] argument {i} of the Program"
            if not isinstance(x, Array):
                raise ArgumentError(f"{what} must be an Array, got {describe(x)}")
            if x.shape != aval.shape:
                raise ShapeError(f"{what} must have type {aval}, got {x.aval}")
            if x.dtype is not aval.dtype:
                raise DTypeError(f"{what} must have type {aval}, got {x.aval}")

    def __repr__(self) -> str:
        from rtorch.core.printer import program_text

        return program_text(self)


def eval_program(program: Program, *args: Any) -> list[Any]:
    """Bind the primitives of `program` again, in the current trace.

    Args:
        program: What to run.
        *args: One array per parameter.

    Returns:
        A list of the results.

    Example:
        >>> import rtorch as rt
        >>> program = rt.make_program(lambda x: rt.sin(x))(1.0)
        >>> float(rt.grad(lambda x: rt.eval_program(program, x)[0])(0.0))
        1.0
    """
    env: dict[Var, Any] = dict(zip(program.in_vars, args))
    env.update(program.consts)

    def read(atom: Atom) -> Any:
        return env[atom] if type(atom) is Var else atom

    for eqn in program.eqns:
        _source = eqn.source  # whose line it is: see errors.user_line
        out = eqn.prim(*map(read, eqn.args), **eqn.params)
        if eqn.prim.multiple:
            env.update(zip(eqn.outs, out))
        else:
            env[eqn.outs[0]] = out
    return [read(atom) for atom in program.out_atoms]


def run_again(program: Program, *args: Any) -> list[Any]:
    """`eval_program` without the effects, which have acted already."""
    eqns = [eqn for eqn in program.eqns if not eqn.prim.effect]
    return eval_program(Program(program.in_vars, eqns, program.out_atoms, program.consts,
                                program.name), *args)  # fmt: skip


def check_program(program: Program) -> None:
    """Raise unless every operand is defined before it is read and every aval is what `infer` says.

    Passes are followed by this check in the tests.

    Example:
        >>> import rtorch as rt
        >>> rt.check_program(rt.make_program(rt.sin)(1.0))
    """
    known = {*program.in_vars, *program.consts}
    for number, eqn in enumerate(program.eqns):
        where = f"[check_program] equation {number} ({eqn.prim})"
        for atom in eqn.args:
            if type(atom) is Var and atom not in known:
                raise ArgumentError(f"{where} reads a variable {atom.aval} that is not defined")
        avals = [a.aval if type(a) is Var else a for a in eqn.args]
        inferred = eqn.prim.infer(*avals, **eqn.params)
        for var, aval in zip(eqn.outs, inferred if eqn.prim.multiple else (inferred,), strict=True):
            if var in known:
                raise ArgumentError(f"{where} assigns a variable twice")
            if var.aval.shape != aval.shape:
                raise ShapeError(f"{where} has type {var.aval}, infer says {aval}")
            if var.aval.dtype != aval.dtype:
                raise DTypeError(f"{where} has type {var.aval}, infer says {aval}")
            known.add(var)
    for atom in program.out_atoms:
        if atom not in known:
            raise ArgumentError("[check_program] an output is not defined")
