"""`checkpoint`: trade time for memory in reverse mode. The mechanism is in `remat.py`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import dtypes, tree
from rtorch.core.array import Array
from rtorch.core.primitive import Primitive
from rtorch.core.trace import Trace, Tracer, is_staging, state
from rtorch.errors import ArgumentError, api, describe, hide_internal_frames
from rtorch.numpy.operands import operand
from rtorch.transforms import checkpoint_policies as checkpoint_policies
from rtorch.transforms.arguments import argnums_of, argument_path, as_array, check_callable
from rtorch.transforms.entry import static_key
from rtorch.transforms.linearize import LinearizeTrace
from rtorch.transforms.programs import Staged, stage_function
from rtorch.transforms.remat import remat as bind_remat

MAX_ENTRIES = 256  # signatures kept for one function


@api
def checkpoint(
    function: Callable[..., Any] | None = None,
    *,
    policy: Callable[..., bool] | None = None,
    prevent_cse: bool = True,
    static_argnums: int | Sequence[int] = (),
) -> Any:
    """The same function, whose inner values are computed again for the backward pass, not kept.

    Reverse mode keeps the inner values of every function until it comes back to it. Of a
    checkpointed function it keeps the arguments and what `policy` chooses; the rest is computed a
    second time when it is needed. Where nothing is differentiated in reverse mode, nothing changes.

    Under `grad` and in `jit` the function is recorded, once for each shape and dtype of its
    arguments, as `jit` does: it must be pure, and may not ask for values (``if x > 0``).

    Args:
        function: From and to pytrees of arrays. Without it a decorator is returned.
        policy: What to keep besides the arguments: one of `rt.checkpoint_policies`, or a function
            ``(primitive, *avals, **params) -> bool``. By default nothing.
        prevent_cse: Accepted for compatibility: the second computation is never merged with the
            first.
        static_argnums: Positions of arguments that are no arrays (flags, names, functions).

    Returns:
        A function of the same arguments with the same results and derivatives.

    Raises:
        ArgumentError: if `policy` is no function, or an argument is no array and not static.

    Example:
        >>> import rtorch as rt
        >>> @rt.checkpoint
        ... def layer(w, x):
        ...     return rt.tanh(rt.tanh(w @ x))
        >>> rt.grad(lambda w: layer(w, rt.ones(2)).sum())(rt.zeros((2, 2))).tolist()
        [[1.0, 1.0], [1.0, 1.0]]

    References:
        Griewank and Walther 2000, "Algorithm 799: revolve"; Chen, Xu, Zhang, Guestrin 2016,
        "Training deep nets with sublinear memory cost".
    """
    if function is None:
        return functools.partial(
            checkpoint, policy=policy, prevent_cse=prevent_cse, static_argnums=static_argnums
        )
    check_callable(function, "checkpoint")
    if policy is not None and not callable(policy):
        raise ArgumentError(
            f"[checkpoint] policy: expected a function, such as those of rt.checkpoint_policies, "
            f"got {describe(policy)}"
        )
    return Checkpointed(function, policy or checkpoint_policies.nothing_saveable, static_argnums)


remat = checkpoint


class Checkpointed:
    """What `checkpoint` returns."""

    def __init__(self, function: Any, policy: Any, static_argnums: Any) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._policy = policy
        self._static = static_argnums
        self._cache: dict[Any, Staged] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if _is_plain():
                return self._function(*args, **kwargs)
            return self._call(args, kwargs)
        except Exception as error:
            hide_internal_frames(error)
            raise

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def _call(self, args: Any, kwargs: Any) -> Any:
        numbers = argnums_of(self._static, len(args), "checkpoint")
        dynamic = tuple([x for i, x in enumerate(args) if i not in numbers])
        leaves, treedef = tree.flatten((dynamic, kwargs))
        arrays = [x if isinstance(x, Array) else _as_array(x, i, dynamic, kwargs)
                  for i, x in enumerate(leaves)]  # fmt: skip
        staged = self._staged(arrays, treedef, {i: args[i] for i in numbers})
        out = bind_remat(staged.program, arrays, self._policy, again=False)
        return staged.out_tree.unflatten(out)

    def _staged(self, arrays: Sequence[Array], treedef: Any, statics: dict[int, Any]) -> Staged:
        key = (
            treedef, tuple([(x.aval, x.device) for x in arrays]), dtypes.default_dtype(),
            tuple([(i, static_key(value), value) for i, value in statics.items()]),
        )  # fmt: skip
        try:
            found = self._cache.get(key)
        except TypeError:  # a static value that is not hashable: recorded for every call
            return self._stage(arrays, treedef, statics)
        if found is not None:
            return found
        staged = self._stage(arrays, treedef, statics)
        if not any(isinstance(x, Tracer) for x in staged.program.consts.values()):
            if len(self._cache) >= MAX_ENTRIES:
                self._cache.clear()
            self._cache[key] = staged
        return staged

    def _stage(self, arrays: Sequence[Array], treedef: Any, statics: dict[int, Any]) -> Staged:
        function = _with_statics(self._function, statics) if statics else self._function
        return stage_function(function, [x.aval for x in arrays], treedef, "checkpoint")


def _is_plain() -> bool:
    """Whether no reverse mode is on, or can come later, as it can for a Program."""
    trace: Trace = state.trace
    while (parent := getattr(trace, "parent", None)) is not None:
        if isinstance(trace, LinearizeTrace):
            return False
        trace = parent
    return not is_staging()


def _as_array(leaf: Any, i: int, args: Any, kwargs: Any) -> Array:
    try:
        return as_array(leaf, "checkpoint", argument_path(i, args, kwargs))
    except ArgumentError as error:
        raise ArgumentError(
            f"{error.args[0]}. Name arguments that are no arrays: "
            "rt.checkpoint(f, static_argnums=...)"
        ) from None


def _with_statics(function: Any, statics: dict[int, Any]) -> Any:
    """`function` of the other arguments alone."""

    @functools.wraps(function)
    def partly(*args: Any, **kwargs: Any) -> Any:
        rest = iter(args)
        merged = [
            statics[i] if i in statics else next(rest) for i in range(len(args) + len(statics))
        ]
        return function(*merged, **kwargs)

    return partly


# ---- names ---------------------------------------------------------------------------------------


class CheckpointName(Primitive):
    """``x``, with a name that policies know."""

    name = "checkpoint_name"
    keeps_weak = True
    view = True

    def impl(self, xp: Any, x: Any, *, name: str) -> Any:
        return x

    def infer(self, x: Any, *, name: str) -> Any:
        return x

    def jvp(self, primals: Any, tangents: Any, *, name: str) -> tuple[Any, Any]:
        return self(*primals, name=name), tangents[0]

    def linearize(self, tape: Any, primals: Any, tangents: Any, *, name: str) -> tuple[Any, Any]:
        return self(*primals, name=name), tangents[0]

    def transpose(self, ct: Any, x: Any, *, name: str) -> Any:
        return (ct,)

    def batch(self, args: Any, dims: Any, *, name: str) -> tuple[Any, Any]:
        return self(*args, name=name), dims[0]


checkpoint_name_p = CheckpointName()


@api
def checkpoint_name(x: Any, name: str) -> Any:
    """`x` itself, named for the policies of `checkpoint`.

    Args:
        x: A pytree of arrays.
        name: What `rt.checkpoint_policies.save_only_these_names` calls it.

    Returns:
        The same values. Only operations that read the returned arrays are spared the second
        computation.

    Example:
        >>> import rtorch as rt
        >>> rt.checkpoint_name(rt.ones(2), "ones").tolist()
        [1.0, 1.0]
    """
    if not isinstance(name, str):
        raise ArgumentError(f"[checkpoint_name] name: expected a string, got {describe(name)}")
    return tree.map(lambda leaf: checkpoint_name_p(operand(leaf, "checkpoint_name"), name=name), x)
