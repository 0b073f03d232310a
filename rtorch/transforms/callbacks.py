"""`pure_callback` and `io_callback`: results that a Python function of the user's computes.

The function gets NumPy arrays, whatever is around the call: that is what code outside rtorch
takes. Its results are checked against the spec, for that is all that staging knows of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rtorch.core import backend, dtypes, tree
from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.core.tree import mismatch
from rtorch.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError, api, describe
from rtorch.ops.base import batch_size, batched_front, move_dim, reshape_p
from rtorch.transforms.arguments import as_array, check_callable, name_of, paths_of
from rtorch.transforms.programs import aval_like

# One host function: from NumPy arrays, and the avals its results must have, to NumPy arrays.
Host = Callable[[tuple[Aval, ...], Sequence[Any]], list[Any]]

METHODS = (None, "sequential", "expand_dims", "broadcast_all", "legacy_vectorized")


@api
def pure_callback(
    function: Callable[..., Any], result_spec: Any, *args: Any,
    vmap_method: str | None = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """Results of a Python function that rtorch cannot trace, inside every transformation.

    The function must depend on its arguments only: it may be called more than once, or not at all
    if nothing reads its results.

    Args:
        function: Called with NumPy arrays (copies of its own) in the places of arrays
            and numbers. Returns a pytree of arrays or numbers.
        result_spec: What it returns: a pytree of specs (`rt.spec`), or of arrays like the results.
        *args: Pytrees of arrays and numbers; other leaves (text, say) are passed on as they are.
        vmap_method: What `vmap` does: ``"sequential"`` calls the function once for every lane;
            ``"expand_dims"`` once with a leading batch axis, which has length 1 in arguments that
            are not batched; ``"broadcast_all"`` once with all arguments batched;
            ``"legacy_vectorized"`` once, without a batch axis where there is none. None refuses.
        **kwargs: Likewise.

    Returns:
        Arrays in the structure of `result_spec`.

    Raises:
        TreeError, ShapeError, DTypeError: if results are not those of `result_spec`.
        MissingRuleError: if a derivative is asked for. Give it with `custom_jvp`.

    Example:
        >>> import numpy as np, rtorch as rt
        >>> @rt.jit
        ... def f(x):
        ...     return 2 * rt.pure_callback(np.sort, rt.spec(3), x)
        >>> f(rt.asarray([3.0, 1.0, 2.0])).tolist()
        [2.0, 4.0, 6.0]
    """
    check_callable(function, "pure_callback")
    if vmap_method not in METHODS:
        raise ArgumentError(
            f"[pure_callback] vmap_method: expected one of {METHODS}, got {vmap_method!r}"
        )
    return _bind(pure_callback_p, function, result_spec, args, kwargs, method=vmap_method)


@api
def io_callback(
    function: Callable[..., Any], result_spec: Any, *args: Any,
    ordered: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """Results of a Python function that acts: reads a file, draws a frame, asks a simulator.

    It is called once each time that the program gets there, in the order of the program.

    Args:
        function: Called with NumPy arrays (copies of its own) in the places of arrays
            and numbers. Returns a pytree of arrays or numbers.
        result_spec: What it returns: a pytree of specs (`rt.spec`), or of arrays like the
            results; None if it returns None.
        *args: Pytrees of arrays and numbers; other leaves (text, say) are passed on as they are.
        ordered: Promise the order of the program without `vmap`, which is refused. Otherwise
            `vmap` calls the function once for every lane.
        **kwargs: Likewise.

    Returns:
        Arrays in the structure of `result_spec`.

    Raises:
        TreeError, ShapeError, DTypeError: if results are not those of `result_spec`.
        MissingRuleError: if a derivative of the results is asked for.

    Example:
        >>> import rtorch as rt
        >>> seen = []
        >>> def log(x):
        ...     seen.append(float(x))
        ...     return len(seen)
        >>> f = rt.jit(lambda x: rt.io_callback(log, rt.spec((), rt.int32), x) * 10)
        >>> int(f(1.5)), int(f(2.5)), seen
        (10, 20, [1.5, 2.5])
    """
    check_callable(function, "io_callback")
    return _bind(io_callback_p, function, result_spec, args, kwargs, method=bool(ordered))


def _bind(prim: Callback, function: Any, spec: Any, args: Any, kwargs: Any, method: Any) -> Any:
    specs, out_tree = tree.flatten(spec)
    avals = [aval_like(x, prim.name, "result_spec") for x in specs]
    leaves, in_tree = tree.flatten((args, kwargs))
    leaves = [as_array(x, prim.name, "argument") if _is_data(x) else x for x in leaves]
    host = _Host(prim.name, function, leaves, in_tree, out_tree)
    arrays = [x for x in leaves if isinstance(x, Array)]
    out = tuple([Aval(v.shape, v.dtype) for v in avals])
    return out_tree.unflatten(prim(*arrays, host=host, out=out, method=method))


def _is_data(x: Any) -> bool:
    return type(x) in dtypes.PYTHON_SCALARS or isinstance(x, (np.ndarray, np.generic))


# ---- the primitives ------------------------------------------------------------------------------


class Callback(Primitive):
    """The results ``host(out, arrays)``, which must be like the avals `out`."""

    multiple = True
    portable = False

    def impl(self, xp: Any, *raw: Any, host: Host, out: tuple[Aval, ...], method: Any) -> Any:
        # Copies: a plan writes to its memory again, and the function may keep what it gets.
        results = host(out, [np.array(backend.to_numpy(x)) for x in raw])
        return tuple([xp.asarray(y) for y in results])

    def infer(self, *avals: Any, host: Host, out: tuple[Aval, ...], method: Any) -> Any:
        return out

    def jvp(self, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        out: tuple[Aval, ...] = params["out"]
        smooth = any(v.dtype in dtypes.INEXACT for v in out)
        if smooth and any(t is not None for t in tangents):
            raise MissingRuleError(
                f"[{self.name}] the derivative of {params['host']} is not known: wrap the call "
                "in a function with a rule (rt.custom_jvp), or hold its arguments fixed with "
                "rt.stop_gradient(x)"
            )
        return self(*primals, **params), (None,) * len(out)


class PureCallback(Callback):
    """A callback without effects; `method` says what `vmap` does."""

    name = "pure_callback"

    def batch(self, args: Any, dims: Any, *, host: Host, out: tuple[Aval, ...], method: Any) -> Any:
        size = batch_size(args, dims)
        if method is None:
            raise MissingRuleError(
                f"[vmap] pure_callback of {host} does not say what to do with a batch: pass "
                'vmap_method="sequential" (a call for every lane), or "expand_dims" or '
                '"broadcast_all" if the function takes leading batch axes'
            )
        if method == "sequential":
            return _per_lane(self, args, dims, host, out, method)
        batched_out = tuple([Aval((size, *v.shape), v.dtype) for v in out])
        arrays = [_leading(x, d, size, method) for x, d in zip(args, dims)]
        return self(*arrays, host=host, out=batched_out, method=method), (0,) * len(out)


class IOCallback(Callback):
    """A callback that acts; `method` says whether it is ordered."""

    name = "io_callback"
    effect = True

    def batch(self, args: Any, dims: Any, *, host: Host, out: tuple[Aval, ...], method: Any) -> Any:
        if method:
            raise MissingRuleError(
                f"[vmap] io_callback of {host} is ordered=True, and the lanes of a batch have no "
                "order: loop over them, or pass ordered=False for one call after the other"
            )
        return _per_lane(self, args, dims, host, out, method)


pure_callback_p, io_callback_p = PureCallback(), IOCallback()


def _leading(x: Any, dim: int | None, size: int, method: str) -> Any:
    """An operand of one call for all lanes, with the batch axis in front."""
    if dim is not None:
        return move_dim(x, dim, 0)
    if method == "broadcast_all":
        return batched_front(x, None, size)
    return reshape_p(x, shape=(1, *x.shape)) if method == "expand_dims" else x


def _per_lane(prim: Callback, args: Any, dims: Any, host: Host, out: Any, method: Any) -> Any:
    size = batch_size(args, dims)
    lanes = _PerLane(host, tuple([d is not None for d in dims]), size)
    arrays = [x if d is None else move_dim(x, d, 0) for x, d in zip(args, dims)]
    batched_out = tuple([Aval((size, *v.shape), v.dtype) for v in out])
    return prim(*arrays, host=lanes, out=batched_out, method=method), (0,) * len(out)


# ---- what is called ------------------------------------------------------------------------------


class _Host:
    """A function of pytrees as one of NumPy arrays, with its results checked."""

    def __init__(self, name: str, function: Any, leaves: Any, in_tree: Any, out_tree: Any) -> None:
        self.name = name
        self.function = function
        self.leaves = [None if isinstance(x, Array) else x for x in leaves]
        self.places = [i for i, x in enumerate(leaves) if isinstance(x, Array)]
        self.in_tree = in_tree
        self.out_tree = out_tree

    def __call__(self, avals: tuple[Aval, ...], arrays: Sequence[Any]) -> list[Any]:
        leaves = list(self.leaves)
        for place, x in zip(self.places, arrays):
            leaves[place] = x
        args, kwargs = self.in_tree.unflatten(leaves)
        results, out_tree = tree.flatten(self.function(*args, **kwargs))
        if out_tree != self.out_tree:
            raise mismatch(
                self.name, ("result_spec", f"the result of {self}"), self.out_tree,
                out_tree.unflatten(results),
            )  # fmt: skip
        paths = paths_of(out_tree, results)
        return [self._checked(y, v, path) for y, v, path in zip(results, avals, paths)]

    def _checked(self, y: Any, aval: Aval, path: str) -> Any:
        where = f"[{self.name}] result{path} of {self}"
        if type(y) in dtypes.PYTHON_SCALARS and aval.shape == ():
            return self._number(y, aval, where)
        array = y._data if isinstance(y, Array) else y
        if isinstance(array, (np.ndarray, np.generic, list, tuple)):
            array = np.asarray(array)
        if not hasattr(array, "shape") or not hasattr(array, "dtype"):
            raise ArgumentError(f"{where} must be an array {aval}, got {describe(y)}")
        if tuple(array.shape) != aval.shape:
            raise ShapeError(
                f"{where} has shape {tuple(array.shape)}, result_spec says {aval.shape}"
            )
        if array.dtype != aval.dtype:
            raise DTypeError(
                f"{where} has dtype {array.dtype}, result_spec says {aval.dtype}: convert it with "
                ".astype, or change the spec"
            )
        return backend.to_numpy(array)

    @staticmethod
    def _number(y: Any, aval: Aval, where: str) -> Any:
        array = np.asarray(y)
        if not np.can_cast(array.dtype, aval.dtype, "same_kind") and type(y) is not bool:
            raise DTypeError(f"{where} is the Python {describe(y)}, result_spec says {aval.dtype}")
        return array.astype(aval.dtype)

    def __repr__(self) -> str:
        return f"'{name_of(self.function)}'"


class _PerLane:
    """A host function on each lane of batched arrays, one after the other."""

    def __init__(self, host: Host, batched: tuple[bool, ...], size: int) -> None:
        self.host = host
        self.batched = batched
        self.size = size

    def __call__(self, avals: tuple[Aval, ...], arrays: Sequence[Any]) -> list[Any]:
        out = [np.empty(v.shape, v.dtype) for v in avals]
        inner = tuple([Aval(v.shape[1:], v.dtype) for v in avals])
        for i in range(self.size):
            lane = [x[i, ...].copy() if b else x.copy() for x, b in zip(arrays, self.batched)]
            for y, value in zip(out, self.host(inner, lane)):
                y[i] = value
        return out

    def __repr__(self) -> str:
        return repr(self.host)
