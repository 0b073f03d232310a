"""`jit`: stage a function once per signature of its arguments, then run the compiled Program.

A call first tries the *entries* it has: functions generated for one signature each
(`transforms/entry.py`), which take the arguments apart, check them and run the executable. Only
when none fits are the arguments flattened generically, the function staged, and an entry made.
Inside other transformations a jitted function becomes one call operation (`call.py`).
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

from rtorch.core import dtypes, tree
from rtorch.core.array import Array, CudaArray
from rtorch.core.program import Program
from rtorch.core.trace import EVAL, Tracer, quietly, state
from rtorch.errors import ArgumentError, api, describe, hide_internal_frames
from rtorch.transforms.arguments import argument_path, as_array, check_callable
from rtorch.transforms.call import call
from rtorch.transforms.entry import MISS, make_entry, static_key, static_value
from rtorch.transforms.lowered import Lowered
from rtorch.transforms.programs import Staged, aval_like, stage_function

MAX_ENTRIES = 256  # signatures kept for one function
WARN_AFTER = 32  # misses before the warning about retracing


class disable_jit:  # noqa: N801 - reads as a function: with rt.disable_jit()
    """Run jitted functions eagerly, step by step, within a ``with`` block or from now on.

    Example:
        >>> import rtorch as rt
        >>> with rt.disable_jit():
        ...     y = rt.jit(lambda x: x + 1 if x > 0 else x)(rt.ones(()))
        >>> float(y)
        2.0
    """

    active = False

    def __init__(self, disable: bool = True) -> None:
        self._before, disable_jit.active = disable_jit.active, disable

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        disable_jit.active = self._before


class CacheInfo(NamedTuple):
    """Counts of one jitted function; `misses` is how often it was staged."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


class Signature(NamedTuple):
    """What selects the compiled Program of a call."""

    structure: Any
    leaves: tuple[Any, ...]  # of arrays: aval and device kind
    statics: tuple[Any, ...]  # (place, key, value)
    default_dtype: Any
    axes: Any  # the named axes in scope, with their sizes


class Jitted:
    """What `jit` returns."""

    def __init__(
        self, function: Callable[..., Any], static_argnums: Any, static_argnames: Any,
        donate_argnums: Any, debug: bool,
    ) -> None:  # fmt: skip
        functools.update_wrapper(self, function)
        self._function = function
        self._static = _Statics(function, static_argnums, static_argnames)
        self._donated = _numbers(donate_argnums, "donate_argnums")
        _check_positions(function, self._donated, "donate_argnums")
        self._debug = debug
        self._entries: list[Callable[..., Any]] = []  # the latest signatures, tried in turn
        self._cache: OrderedDict[Signature, Staged] = OrderedDict()
        self._misses: list[Signature] = []
        self._n_misses = 0
        self._n_hits = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if self._debug or disable_jit.active:
                return self._function(*args, **kwargs)
            if state.trace is EVAL:
                for entry in self._entries:
                    out = entry(args, kwargs)
                    if out is not MISS:
                        self._n_hits += 1
                        return out
            return self._call(args, kwargs)
        except Exception as error:
            hide_internal_frames(error)
            raise

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    # -- the long way --------------------------------------------------------------------------

    def _call(self, args: Any, kwargs: Any) -> Any:
        statics, dynamic, dynamic_kwargs = self._static.split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, dynamic_kwargs))
        arrays = [x if isinstance(x, Array) else self._as_array(x, i, dynamic, dynamic_kwargs)
                  for i, x in enumerate(leaves)]  # fmt: skip
        signature = Signature(
            treedef, tuple([_leaf_signature(x) for x in arrays]), statics,
            dtypes.default_dtype(), state.trace.axes,
        )  # fmt: skip
        staged = self._lookup(signature, arrays, treedef)
        on_cpu = all(not isinstance(x, (Tracer, CudaArray)) for x in arrays)
        if state.trace is EVAL and on_cpu and not _has_tracers(staged.program):
            entry = make_entry(
                staged, (args, kwargs), self._static, self._donated, dtypes.default_dtype()
            )
            if entry is not None:
                self._entries.insert(0, entry)
                del self._entries[8:]
                out = entry(args, kwargs)
                if out is not MISS:
                    return out
        return staged.out_tree.unflatten(quietly(call, staged.program, arrays))

    def _as_array(self, leaf: Any, i: int, args: Any, kwargs: Any) -> Array:
        try:
            return as_array(leaf, "jit", argument_path(i, args, kwargs))
        except ArgumentError as error:
            raise ArgumentError(
                f"{error.args[0]}. Arguments that are no arrays can be static: "
                "jit(f, static_argnums=...) or static_argnames"
            ) from None

    def _lookup(self, signature: Signature, arrays: Sequence[Array], treedef: Any) -> Staged:
        try:
            staged = self._cache.get(signature)
        except TypeError:
            bad = [v for _, _, v in signature.statics if not _is_hashable(v)]
            raise ArgumentError(
                f"[jit] static arguments must be hashable, got {', '.join(map(describe, bad))}"
            ) from None
        if staged is not None:
            self._cache.move_to_end(signature)
            self._n_hits += 1
            return staged
        self._note_miss(signature)
        function = self._static.closure(self._function, signature.statics)
        staged = stage_function(function, [x.aval for x in arrays], treedef, "jit")
        if not _has_tracers(staged.program):  # else it is for this call of the outer function
            self._cache[signature] = staged
            if len(self._cache) > MAX_ENTRIES:
                self._cache.popitem(last=False)
        return staged

    def _note_miss(self, signature: Signature) -> None:
        self._n_misses += 1
        self._misses.append(signature)
        del self._misses[:-WARN_AFTER]
        if self._n_misses == WARN_AFTER:
            warnings.warn(
                f"[jit] {getattr(self, '__name__', 'function')} has been staged {WARN_AFTER} times "
                f"for different arguments; the last: {self.explain_misses().splitlines()[-1]}",
                stacklevel=5,
            )

    # -- what it tells -------------------------------------------------------------------------

    @api
    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Stage for these arguments (arrays or specs) without running.

        Returns:
            A `Lowered`: its text, what it takes and gives, what it costs, and ``compile()``.
        """
        statics, dynamic, dynamic_kwargs = self._static.split(args, kwargs)
        leaves, treedef = tree.flatten((dynamic, dynamic_kwargs))
        avals = [aval_like(x, "jit", "argument") for x in leaves]
        function = self._static.closure(self._function, statics)
        name = getattr(self, "__name__", "function")
        return Lowered(stage_function(function, avals, treedef, "jit"), treedef, name)

    def cache_info(self) -> CacheInfo:
        """Hits, misses and the number of signatures held."""
        return CacheInfo(self._n_hits, self._n_misses, MAX_ENTRIES, len(self._cache))

    def clear_cache(self) -> None:
        """Forget all compiled Programs."""
        self._entries.clear()
        self._cache.clear()

    def explain_misses(self) -> str:
        """Why the function was staged each time: what differed from the nearest call before."""
        lines = []
        for i, signature in enumerate(self._misses):
            earlier = self._misses[:i]
            lines.append(f"{i + 1}. {_difference(signature, earlier)}")
        return "\n".join(lines) or "no misses yet"


@api
def jit(
    function: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    debug: bool = False,
) -> Any:
    """Compile a function for the shapes and dtypes it is called with.

    The function is run once with tracers in place of its arrays, and what it does is recorded,
    optimized and planned; later calls with the same signature run the plan. It must be pure:
    prints and other side effects happen while it is recorded only.

    Args:
        function: From and to pytrees of arrays. Without it a decorator is returned.
        static_argnums: Positions of arguments that are constants (hashable); each value of them
            is compiled for itself.
        static_argnames: The same by name.
        donate_argnums: Positions of arguments whose memory results may take; they cannot be used
            after the call.
        debug: Run eagerly, step by step, as `disable_jit` does.

    Returns:
        A callable with ``lower``, ``cache_info``, ``explain_misses`` and ``clear_cache``.

    Example:
        >>> import rtorch as rt
        >>> f = rt.jit(lambda x: x * 2 + 1)
        >>> f(rt.arange(3)).tolist()
        [1, 3, 5]
        >>> f.cache_info().misses
        1
    """
    if function is None:
        return functools.partial(
            jit, static_argnums=static_argnums, static_argnames=static_argnames,
            donate_argnums=donate_argnums, debug=debug,
        )  # fmt: skip
    check_callable(function, "jit")
    return Jitted(function, static_argnums, static_argnames, donate_argnums, debug)


# ---- signatures ----------------------------------------------------------------------------------


def _leaf_signature(x: Array) -> Any:
    return x.aval if not isinstance(x, CudaArray) else (x.aval, x.device)


def _has_tracers(program: Program) -> bool:
    return any(isinstance(x, Tracer) for x in program.consts.values())


def _is_hashable(x: Any) -> bool:
    try:
        hash(x)
    except Exception:
        return False
    return True


def _difference(signature: Signature, earlier: Sequence[Signature]) -> str:
    if not earlier:
        return "first call"
    nearest = max(earlier, key=lambda other: _likeness(signature, other))
    if signature.structure != nearest.structure:
        return f"another structure: {signature.structure}, before {nearest.structure}"
    for i, (new, old) in enumerate(zip(signature.leaves, nearest.leaves)):
        if new != old:
            whole = tree.unflatten(signature.structure, list(range(len(signature.leaves))))
            return f"{argument_path(i, *whole)} is {new}, before {old}"
    for (place, key, new), (_, old_key, old) in zip(signature.statics, nearest.statics):
        if (key, new) != (old_key, old):
            return f"static argument {place!r} is {new!r}, before {old!r}"
    if signature.default_dtype is not nearest.default_dtype:
        return f"the default dtype is {signature.default_dtype}, before {nearest.default_dtype}"
    if signature.axes != nearest.axes:
        return f"the named axes are {dict(signature.axes)}, before {dict(nearest.axes)}"
    return "it closes over values of an outer transformation, or the cache was cleared"


def _likeness(a: Signature, b: Signature) -> int:
    same_structure = a.structure == b.structure
    same_leaves = sum(x == y for x, y in zip(a.leaves, b.leaves)) if same_structure else 0
    return 1000 * same_structure + same_leaves + (a.statics == b.statics)


# ---- static arguments ----------------------------------------------------------------------------


def _numbers(argnums: Any, name: str) -> tuple[int, ...]:
    if argnums is None:
        return ()
    numbers = tuple(argnums) if isinstance(argnums, (tuple, list, set, frozenset)) else (argnums,)
    if not all(isinstance(n, int) for n in numbers):
        raise ArgumentError(f"[jit] {name}: expected integers, got {argnums!r}")
    return numbers


def _check_positions(function: Any, numbers: tuple[int, ...], name: str) -> None:
    """Refuse positions that the function does not have, where its code tells."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & _TAKES_ANY_NUMBER:
        return
    n = code.co_argcount
    for number in numbers:
        if not -n <= number < n:
            raise ArgumentError(
                f"[jit] {name} {number} does not fit the function, which has {n} positional "
                "parameters"
            )


_TAKES_ANY_NUMBER = 4  # the flag of code objects with *args


def _names(argnames: Any) -> set[str]:
    if argnames is None:
        return set()
    names = argnames if isinstance(argnames, (tuple, list, set, frozenset)) else (argnames,)
    if not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"[jit] static_argnames: expected strings, got {argnames!r}")
    return set(names)


class _Statics:
    """Which arguments are static, whether they come by position or by name."""

    def __init__(self, function: Any, argnums: Any, argnames: Any) -> None:
        self.numbers = set(_numbers(argnums, "static_argnums"))
        self.names = _names(argnames)
        if self.numbers or self.names:
            self._complete(function)

    def _complete(self, function: Any) -> None:
        """Positions for the names and names for the positions, as far as the signature tells."""
        import inspect  # slow to import, and only static arguments need it

        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (ValueError, TypeError):
            return
        flexible = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
        unknown = self.names - {p.name for p in parameters}
        if unknown and not flexible:
            raise ArgumentError(
                f"[jit] static_argnames {sorted(unknown)}: the function has parameters "
                f"{[p.name for p in parameters]}"
            )
        positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD or
                      p.kind is p.POSITIONAL_ONLY]  # fmt: skip
        n = len(positional)
        for number in self.numbers:
            if number < -n or (number >= n and not flexible) or (number < 0 and flexible):
                raise ArgumentError(
                    f"[jit] static_argnums {number} does not fit the function, which has "
                    f"{n} positional parameters{' and takes more' if flexible else ''}"
                )
        self.numbers = {number % n if number < 0 else number for number in self.numbers}
        for i, parameter in enumerate(positional):
            if i in self.numbers or parameter.name in self.names:
                self.numbers.add(i)
                if parameter.kind is not parameter.POSITIONAL_ONLY:
                    self.names.add(parameter.name)

    def split(self, args: Any, kwargs: Any) -> tuple[tuple[Any, ...], Any, Any]:
        """The static arguments as (place, key, value), and the dynamic ones."""
        if not self.numbers and not self.names:
            return (), args, kwargs
        named = [(i, a) for i, a in enumerate(args) if i in self.numbers]
        named += [(k, kwargs[k]) for k in sorted(kwargs) if k in self.names]
        statics = [(place, static_key(a), static_value(a)) for place, a in named]
        dynamic = tuple(a for i, a in enumerate(args) if i not in self.numbers)
        for place, _, value in statics:
            if isinstance(value, Array):
                raise ArgumentError(
                    f"[jit] static argument {place!r} is an array; pass it as an ordinary argument"
                )
        return tuple(statics), dynamic, {k: v for k, v in kwargs.items() if k not in self.names}

    def closure(self, function: Any, statics: tuple[Any, ...]) -> Any:
        """`function` of the dynamic arguments alone."""
        if not statics:
            return function
        by_place = {place: value for place, _, value in statics if isinstance(place, int)}
        by_name = {place: value for place, _, value in statics if isinstance(place, str)}

        @functools.wraps(function)
        def with_statics(*args: Any, **kwargs: Any) -> Any:
            rest = iter(args)
            n = len(args) + len(by_place)
            merged = [by_place[i] if i in by_place else next(rest) for i in range(n)]
            return function(*merged, **kwargs, **by_name)

        return with_statics
