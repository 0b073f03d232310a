"""Functions decorated with a rule of their own, and one call of such a function.

Rules get all arguments by position. Those that are not differentiated (`nondiff_argnums`) stay as
they are; the others are flattened into arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, ClassVar

from rtorch.core import tree
from rtorch.core.array import Array
from rtorch.core.dtypes import INEXACT
from rtorch.core.trace import EvalTrace, Tracer, state
from rtorch.errors import ArgumentError, TracerError, TreeError, hide_internal_frames
from rtorch.transforms.arguments import (
    check_callable,
    flatten_arrays,
    like_primal,
    name_of,
    paths_of,
)
from rtorch.transforms.custom import Custom, captured_error, chain
from rtorch.transforms.stage import StageTrace


class UserCall:
    """One call of a decorated function: its functions, with the arguments' structure filled in."""

    def __init__(self, custom: CustomFunction, args: Sequence[Any]) -> None:
        self.custom = custom
        self.name = self.__name__ = name_of(custom.function)
        self.kind = custom.kind
        numbers = custom.nondiff_positions(len(args))
        self.static = [args[i] for i in numbers]
        self.numbers = numbers
        self.places = [i for i in range(len(args)) if i not in numbers]
        chosen = tuple([args[i] for i in self.places])
        self.leaves, self.in_tree = tree.flatten(chosen)
        if not all(isinstance(x, Array) for x in self.leaves):
            self.leaves = [x for i in self.places for x in self._arrays(args[i], i)]
        self.out_tree: Any = None

    def _arrays(self, arg: Any, place: int) -> list[Array]:
        what = f"{self.custom.argument(place)} of {self.name}"
        try:
            return flatten_arrays(arg, self.kind, what)[0]
        except ArgumentError as error:
            raise ArgumentError(f"{error.args[0]}. {self.custom.cure}") from None

    def all_arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """The user's arguments in order."""
        values = dict(zip(self.places, self.in_tree.unflatten(leaves)))
        values.update(zip(self.numbers, self.static))
        return [values[i] for i in range(len(values))]

    def function(self, *leaves: Any) -> list[Any]:
        out = self.run("the function", self.custom.function, *self.all_arguments(leaves))
        return self.flat_result(out, "the function")

    def run(self, role: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the user's; say so if it closes over what it must not."""
        try:
            return function(*args)
        except TracerError as error:
            known = chain(state.trace)
            for what, x in captures(function, self.static):
                outer = isinstance(x._trace, StageTrace) and x._trace.alive
                if x._trace not in known and not outer:
                    origin = x._trace.origin
                    raise captured_error(self.kind, self.name, role, what, origin) from error
            raise

    def flat_result(self, out: Any, role: str) -> list[Any]:
        outs, out_tree = flatten_arrays(out, self.kind, f"the result of {role} of {self.name}")
        if self.out_tree is None:
            self.out_tree = out_tree
        elif out_tree != self.out_tree:
            names = (f"the result of {self.name}", f"that of {role}")
            raise tree.mismatch(self.kind, names, self.out_tree, out_tree)
        return outs

    def like(self, given: Any, whole: Any, likes: Sequence[Any], what: str, other: str) -> Any:
        """Tangents or cotangents for the arrays `likes` of structure `whole`.

        None stands for zeros, of a leaf or of a subtree; what has no derivative gets None too.
        """
        found = self._spread(given, whole, likes, what, other)
        paths = paths_of(whole, likes) if likes else []
        return [
            None if t is None or x.dtype not in INEXACT
            else like_primal(t, x, self.kind, what + path, other)
            for t, x, path in zip(found, likes, paths)
        ]  # fmt: skip

    def _spread(self, given: Any, whole: Any, likes: Any, what: str, other: str) -> list[Any]:
        values, prefix = tree.flatten(given, is_leaf=lambda x: x is None)
        names = (other, what)
        try:
            parts = tree.flatten_up_to(prefix, whole.unflatten(likes))
        except TreeError:
            raise tree.mismatch(self.kind, names, whole, given) from None
        found: list[Any] = []
        for value, part in zip(values, parts):
            structure = tree.structure(part)
            if value is not None and structure.spec is not None:
                raise tree.mismatch(self.kind, names, whole, given)
            found += [value] * structure.num_leaves
        return found


def captures(function: Any, others: Sequence[Any] = (), depth: int = 3) -> Iterator[Any]:
    """Tracers that a function closes over or is given, each with what to call it."""
    for x in others:
        yield from _tracers_in(x, "a nondiff argument,", depth)
    if isinstance(function, functools.partial):
        yield from _tracers_in((function.args, function.keywords), "an argument,", depth)
        yield from captures(function.func, (), depth)
        return
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars if code else (), cells):
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        yield from _tracers_in(value, f"'{name}',", depth)
    yield from _tracers_in(getattr(function, "__defaults__", None), "a default value,", depth)


def _tracers_in(value: Any, what: str, depth: int) -> Iterator[Any]:
    for leaf in tree.leaves(value):
        if isinstance(leaf, Tracer):
            yield f"{what} a value {leaf.aval}", leaf
        elif depth and callable(leaf) and not isinstance(leaf, (type, Array)):
            yield from captures(leaf, (), depth - 1)


# ---- the decorated function ----------------------------------------------------------------------

_VARIADIC = 4 | 8  # the flags of code objects with *args or **kwargs


def _takes(code: CodeType, count: int) -> bool:
    """Whether a function has `count` parameters, all by position."""
    fixed = not code.co_flags & _VARIADIC and not code.co_kwonlyargcount
    return fixed and count == code.co_argcount


class CustomFunction:
    """What the decorators return."""

    kind: ClassVar[str]
    cure: ClassVar[str] = (  # for an argument that is no array
        "What is no array can be an argument without derivative, with nondiff_argnums=... or "
        "nondiff_argnames"
    )
    primitive: ClassVar[Custom]
    user_call: ClassVar[Callable[..., UserCall]]

    def __init__(self, function: Any, nondiff_argnums: Any = (), nondiff_argnames: Any = ()):
        check_callable(function, self.kind)
        functools.update_wrapper(self, function)
        self.function = function
        self._parameters: Any = None
        names = (nondiff_argnames,) if isinstance(nondiff_argnames, str) else nondiff_argnames
        numbers = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else nondiff_argnums
        if not all(type(n) is int for n in numbers):
            raise ArgumentError(f"[{self.kind}] nondiff_argnums: expected integers, got {numbers}")
        self._nondiff = (*numbers, *map(self._position, names))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if isinstance(state.trace, EvalTrace):
                return self.function(*args, **kwargs)
            call = self.user_call(self, self._positional(args, kwargs))
            outs = self.primitive(*call.leaves, call=call)
            return call.out_tree.unflatten(outs)
        except Exception as error:
            hide_internal_frames(error)
            raise

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def nondiff_positions(self, count: int) -> list[int]:
        """Where the arguments without derivatives stand, in a call with `count` arguments."""
        for n in self._nondiff:
            if not -count <= n < count:
                raise ArgumentError(
                    f"[{self.kind}] nondiff_argnums {n} does not fit a call of "
                    f"{name_of(self.function)} with {count} arguments"
                )
        return sorted({n % count for n in self._nondiff})

    def argument(self, number: int) -> str:
        """What messages call an argument."""
        code = getattr(self.function, "__code__", None)
        names = code.co_varnames[: code.co_argcount] if code else ()
        return f"argument {number}" + (f" ('{names[number]}')" if number < len(names) else "")

    # -- arguments by keyword ------------------------------------------------------------------

    @property
    def _signature(self) -> Any:
        if self._parameters is None:
            import inspect  # slow to import, and few calls need it

            self._parameters = inspect.signature(self.function)
        return self._parameters

    def _position(self, name: str) -> int:
        try:
            return list(self._signature.parameters).index(name)
        except ValueError:
            raise ArgumentError(
                f"[{self.kind}] nondiff_argnames {name!r}: {name_of(self.function)} has parameters "
                f"{list(self._signature.parameters)}"
            ) from None

    def _positional(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Sequence[Any]:
        """All arguments by position, those left out with their default values."""
        code = getattr(self.function, "__code__", None)
        if code is not None and not kwargs and _takes(code, len(args)):
            return args
        try:
            signature = self._signature
        except (TypeError, ValueError):  # there is none, of some functions written in C
            if not kwargs:
                return args
            raise
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"[{self.kind}] {name_of(self.function)}: {error}") from None
        bound.apply_defaults()
        if bound.kwargs:
            raise ArgumentError(
                f"[{self.kind}] {name_of(self.function)} takes {sorted(bound.kwargs)} by keyword "
                "alone, but rules get all arguments by position: let it take them by position too"
            )
        return tuple(bound.args)
