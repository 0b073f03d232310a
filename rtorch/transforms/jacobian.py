"""Derivatives of functions with array results: `jacfwd`, `jacrev`, `hessian`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rtorch.core import dtypes, tree
from rtorch.core.array import Array
from rtorch.errors import DTypeError, api, describe
from rtorch.numpy.matrices import eye
from rtorch.ops.base import reshape_p
from rtorch.transforms.arguments import argnums_of, check_callable, flatten_arrays, wraps
from rtorch.transforms.linear import jvp
from rtorch.transforms.vjp import vjp
from rtorch.transforms.vmap import vmap


@api
def jacfwd(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian, column by column in forward mode.

    The better choice when there are more results than arguments.

    Args:
        function: From pytrees to a pytree of arrays (with `has_aux`: and anything else).
        argnums: Which positional arguments to differentiate by.
        has_aux: Whether `function` returns ``(value, aux)``; then ``(jacobian, aux)`` is returned.
        holomorphic: Promise that `function` is complex differentiable; for complex arguments.
        chunk_size: Compute at most this many columns at a time, to bound memory.

    Returns:
        For every array of the result and every array of the argument an array of shape
        ``(*result.shape, *argument.shape)``, nested as the result and then the argument.

    Example:
        >>> import rtorch as rt
        >>> rt.jacfwd(lambda x: x**2)(rt.asarray([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    check_callable(function, "jacfwd")

    @wraps(function, "jacfwd")
    @api
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen, leaves, treedef, of_chosen = _chosen(
            function, argnums, args, kwargs, holomorphic, "jacfwd"
        )

        def directional(*dots: Array) -> Any:
            return jvp(of_chosen, (chosen,), (treedef.unflatten(dots),), has_aux=has_aux)[1:]

        out = vmap(directional, out_axes=(-1, None) if has_aux else (-1,), chunk_size=chunk_size)(
            *_basis(leaves)
        )
        jac = tree.map(lambda y: treedef.unflatten(_split(y, leaves, len(y.shape) - 1)), out[0])
        return (jac, out[1]) if has_aux else jac

    return jacobian


@api
def jacrev(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian, row by row in reverse mode.

    The better choice when there are more arguments than results. Arguments as for `jacfwd`;
    `chunk_size` bounds the number of rows computed at a time.

    Example:
        >>> import rtorch as rt
        >>> rt.jacrev(lambda x: x**2)(rt.asarray([1.0, 2.0])).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    check_callable(function, "jacrev")

    @wraps(function, "jacrev")
    @api
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen, _, treedef, of_chosen = _chosen(
            function, argnums, args, kwargs, holomorphic, "jacrev"
        )
        value, pull, *aux = vjp(of_chosen, chosen, has_aux=has_aux)
        outs, out_tree = flatten_arrays(value, "jacrev", "result")
        _check_results(outs, holomorphic)

        def rows(*cts: Array) -> Any:
            return pull(out_tree.unflatten(cts))[0]

        stacked = vmap(rows, chunk_size=chunk_size)(*_basis(outs))
        columns = [_split(x, outs, 0) for x in tree.leaves(stacked)]
        jac = out_tree.unflatten([treedef.unflatten(column) for column in zip(*columns)])
        return (jac, aux[0]) if has_aux else jac

    return jacobian


@api
def hessian(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the matrix of second derivatives, forward over reverse mode.

    Arguments as for `jacfwd`. To multiply by the Hessian without forming it, use `hvp`.

    Example:
        >>> import rtorch as rt
        >>> rt.hessian(lambda x: rt.sum(x**3))(rt.asarray([1.0, 2.0])).tolist()
        [[6.0, 0.0], [0.0, 12.0]]
    """
    options: dict[str, Any] = {
        "has_aux": has_aux, "holomorphic": holomorphic, "chunk_size": chunk_size
    }  # fmt: skip
    return jacfwd(jacrev(function, argnums, **options), argnums, **options)


jacobian = jacrev


def _check_results(outs: Sequence[Array], holomorphic: bool) -> None:
    """Real cotangents see only the real part of a complex result."""
    for y in outs:
        if y.dtype in dtypes.COMPLEXES and not holomorphic:
            raise DTypeError(
                f"[jacrev] complex results need holomorphic=True, got {describe(y)}; of real "
                "arguments, use rt.jacfwd"
            )


def _chosen(
    function: Any, argnums: Any, args: Any, kwargs: Any, holomorphic: bool, transform: str
) -> tuple[Any, list[Array], Any, Callable[..., Any]]:
    """The differentiated arguments, their leaves and structure, and a function of them alone."""
    numbers = argnums_of(argnums, len(args), transform)
    several = isinstance(argnums, (tuple, list))
    chosen = tuple(args[i] for i in numbers) if several else args[numbers[0]]
    leaves, treedef = flatten_arrays(chosen, transform, "argument")
    for x in leaves:
        if x.dtype not in dtypes.INEXACT:
            raise DTypeError(
                f"[{transform}] arguments must be floating, got {describe(x)}; choose with argnums="
            )
        if x.dtype in dtypes.COMPLEXES and not holomorphic:
            raise DTypeError(
                f"[{transform}] complex arguments need holomorphic=True, got {describe(x)}"
            )
    chosen = treedef.unflatten(leaves)

    def of_chosen(values: Any) -> Any:
        traced = list(args)
        for i, value in zip(numbers, values if several else (values,)):
            traced[i] = value
        return function(*traced, **kwargs)

    return chosen, leaves, treedef, of_chosen


def _basis(leaves: Sequence[Array]) -> list[Array]:
    """For every array, its part of the identity matrix over all their elements, row by row."""
    total, start, rows = sum(x.size for x in leaves), 0, []
    for x in leaves:
        block = eye(total, x.size, k=-start, dtype=x.dtype)
        rows.append(reshape_p(block, shape=(total, *x.shape)))
        start += x.size
    return rows


def _split(x: Array, leaves: Sequence[Array], axis: int) -> list[Array]:
    """`x`, whose axis counts the elements of all `leaves`, as one array per leaf."""
    parts, start = [], 0
    for leaf in leaves:
        index = (slice(None),) * axis + (slice(start, start + leaf.size),)
        shape = (*x.shape[:axis], *leaf.shape, *x.shape[axis + 1 :])
        parts.append(reshape_p(x[index], shape=shape))
        start += leaf.size
    return parts
