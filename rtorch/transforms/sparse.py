"""Sparse Jacobians and Hessians from few directional derivatives; see `coloring.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core import tree_register
from rtorch.core.array import Array
from rtorch.errors import ArgumentError, MissingDependencyError, ShapeError, api, describe
from rtorch.numpy.creation import asarray, zeros
from rtorch.ops.base import reshape_p
from rtorch.transforms.arguments import check_callable, wraps
from rtorch.transforms.coloring import (
    Pattern,
    column_colors,
    pattern_of,
    star_colors,
    symmetric_places,
)
from rtorch.transforms.jacobian import _check_results, _chosen
from rtorch.transforms.linear import jvp
from rtorch.transforms.vjp import grad, vjp
from rtorch.transforms.vmap import vmap

MODES = ("auto", "forward", "reverse")


class SparseMatrix:
    """A matrix as its entries: a pytree whose only leaf is `values`.

    Attributes:
        values: The entries, an Array in the order of the pattern.
        rows: The row of each entry, a NumPy array.
        cols: The column of each entry, a NumPy array.
        shape: The shape of the matrix.

    Example:
        >>> import rtorch as rt
        >>> matrix = rt.sparse_jacobian(lambda x: x**2, rt.eye(2))(rt.asarray([1.0, 2.0]))
        >>> matrix.values.tolist(), matrix.shape
        ([2.0, 4.0], (2, 2))
    """

    __slots__ = ("pattern", "values")

    def __init__(self, values: Any, pattern: Pattern) -> None:
        self.values = values
        self.pattern = pattern

    @property
    def rows(self) -> Any:
        """The row of each entry."""
        return self.pattern.rows

    @property
    def cols(self) -> Any:
        """The column of each entry."""
        return self.pattern.cols

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the matrix."""
        assert self.pattern.shape is not None
        return self.pattern.shape

    @api
    def todense(self) -> Array:
        """The matrix as an Array with all its zeros."""
        empty = zeros(self.shape, self.values.dtype)
        dense: Array = empty.at[self.rows, self.cols].set(self.values)
        return dense

    @api
    def to_scipy(self, format: str = "csr") -> Any:
        """The matrix as a sparse array of SciPy, in one of its formats."""
        try:
            from scipy.sparse import coo_array
        except ImportError:
            raise MissingDependencyError(
                "[to_scipy] SciPy is not installed: pip install scipy, or use todense()"
            ) from None
        entries = (np.asarray(self.values), (self.rows, self.cols))
        return coo_array(entries, shape=self.shape).asformat(format)

    def __repr__(self) -> str:
        return f"SparseMatrix(shape={self.shape}, values={self.values!r})"


tree_register.register_node(
    SparseMatrix,
    lambda matrix: ((matrix.values,), matrix.pattern),
    lambda pattern, values: SparseMatrix(values[0], pattern),
)


@api
def sparse_jacobian(
    function: Callable[..., Any],
    pattern: Any,
    mode: str = "auto",
    *,
    argnums: int = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of `function`, of which only a pattern is not zero.

    Columns that have no row in common share one directional derivative, so that a banded matrix
    takes as many as its band is wide, whatever its size. What shares is found once, here.

    Args:
        function: From an array to an array, of any shape; rows and columns count their elements
            in row-major order.
        pattern: Where the Jacobian may differ from zero: a matrix of booleans, a sparse matrix of
            SciPy, or a pair of integer vectors ``(rows, columns)``. It is not checked: if it
            lacks a place, other entries are wrong.
        mode: ``"forward"`` colours columns, ``"reverse"`` rows; ``"auto"`` takes the fewer.
        argnums: Which positional argument to differentiate by.
        has_aux: Whether `function` returns ``(value, aux)``; then ``(jacobian, aux)`` is returned.
        holomorphic: Promise that `function` is complex differentiable; for complex arguments.
        chunk_size: Compute at most this many directions at a time, to bound memory.

    Returns:
        A function of the same arguments that returns a `SparseMatrix` with the entries in the
        order of the pattern (row by row for a matrix of booleans). It has attributes ``mode`` and
        ``passes``, the number of directions.

    Raises:
        ShapeError: if the pattern does not fit argument and result.

    Example:
        >>> import rtorch as rt
        >>> def f(x):
        ...     return x[1:] - x[:-1] ** 2
        >>> jac = rt.sparse_jacobian(f, ([0, 0, 1, 1], [0, 1, 1, 2]))
        >>> jac(rt.asarray([1.0, 2.0, 3.0])).values.tolist(), jac.passes
        ([-2.0, 1.0, -4.0, 1.0], 2)

    References:
        Curtis, Powell, Reid 1974, "On the estimation of sparse Jacobian matrices"; Coleman and
        Moré 1983, "Estimation of sparse Jacobian matrices and graph coloring problems".
    """
    check_callable(function, "sparse_jacobian")
    places = pattern_of(pattern, "sparse_jacobian")
    mode, colors = _coloring(places, mode)

    @wraps(function, "sparse_jacobian")
    @api
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        x, of_x = _one_array(function, argnums, args, kwargs, holomorphic, "sparse_jacobian")
        if mode == "forward":
            products, n_rows, aux = _columns(of_x, x, colors, has_aux, chunk_size)
            index = (colors[places.cols], places.rows)
        else:
            products, n_rows, aux = _rows(of_x, x, colors, has_aux, holomorphic, chunk_size)
            index = (colors[places.rows], places.cols)
        known = places.of_shape((n_rows, x.size), "sparse_jacobian")
        matrix = SparseMatrix(products[index], known)
        return (matrix, aux) if has_aux else matrix

    jacobian.mode, jacobian.passes = mode, _n_colors(colors)
    return jacobian


@api
def sparse_hessian(
    function: Callable[..., Any],
    pattern: Any,
    *,
    argnums: int = 0,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the second derivatives of which only a pattern is not zero.

    Each direction is a product of the Hessian and a vector. A star colouring makes use of the
    symmetry: a matrix with an arrow of full rows and columns takes two directions, not all.

    Args:
        function: From an array of any shape to a floating scalar.
        pattern: As for `sparse_jacobian`; the lower or upper triangle is enough.
        argnums: Which positional argument to differentiate by.
        has_aux: Whether `function` returns ``(value, aux)``; then ``(hessian, aux)`` is returned.
        chunk_size: Compute at most this many directions at a time, to bound memory.

    Returns:
        A function of the same arguments that returns a `SparseMatrix` with the places of the
        pattern; its attribute ``passes`` is the number of directions.

    Raises:
        ShapeError: if the pattern does not fit the argument.

    Example:
        >>> import rtorch as rt
        >>> def f(x):
        ...     return rt.sum(x[1:] * x[:-1] ** 2)
        >>> hess = rt.sparse_hessian(f, ([0, 1, 1, 2, 2], [0, 0, 1, 1, 2]))
        >>> hess(rt.asarray([1.0, 2.0, 3.0])).values.tolist(), hess.passes
        ([4.0, 2.0, 6.0, 4.0, 0.0], 2)

    References:
        Powell and Toint 1979, "On the estimation of sparse Hessian matrices"; Coleman and Moré
        1984, "Estimation of sparse Hessian matrices and graph coloring problems".
    """
    check_callable(function, "sparse_hessian")
    places = pattern_of(pattern, "sparse_hessian")
    colors = star_colors(places.rows, places.cols)
    index = symmetric_places(places.rows, places.cols, colors)
    gradient = grad(function, argnums, has_aux=has_aux)

    @wraps(function, "sparse_hessian")
    @api
    def hessian(*args: Any, **kwargs: Any) -> Any:
        x, of_x = _one_array(gradient, argnums, args, kwargs, False, "sparse_hessian")
        known = places.of_shape((x.size, x.size), "sparse_hessian")
        products, _, aux = _columns(of_x, x, colors, has_aux, chunk_size)
        matrix = SparseMatrix(products[index], known)
        return (matrix, aux) if has_aux else matrix

    hessian.passes = _n_colors(colors)
    return hessian


def _coloring(places: Pattern, mode: str) -> tuple[str, Any]:
    """The direction of differentiation, and the colours of the columns or rows."""
    if mode not in MODES:
        raise ArgumentError(f"[sparse_jacobian] mode: expected one of {MODES}, got {mode!r}")
    found = {}
    if mode != "reverse":
        found["forward"] = column_colors(places.rows, places.cols)
    if mode != "forward":
        found["reverse"] = column_colors(places.cols, places.rows)
    best = min(found, key=lambda m: _n_colors(found[m]))
    return best, found[best]


def _n_colors(colors: Any) -> int:
    return int(colors.max(initial=0)) + 1


def _one_array(
    function: Any, argnums: Any, args: Any, kwargs: Any, holomorphic: bool, transform: str
) -> tuple[Array, Callable[..., Any]]:
    """The argument that is differentiated, and a function of it alone."""
    if not isinstance(argnums, int):
        raise ArgumentError(f"[{transform}] argnums: expected one integer, got {argnums!r}")
    _, leaves, treedef, of_chosen = _chosen(function, argnums, args, kwargs, holomorphic, transform)
    if len(leaves) != 1:
        raise ArgumentError(
            f"[{transform}] argument {argnums} must be one array, got {len(leaves)} of them: join "
            "them with rt.tree.ravel_pytree"
        )
    return leaves[0], lambda x: of_chosen(treedef.unflatten([x]))


def _columns(
    of_x: Callable[..., Any], x: Array, colors: Any, has_aux: bool, chunk_size: int | None
) -> tuple[Array, int, Any]:
    """The Jacobian times the sum of unit vectors of each colour; its number of rows; aux."""

    def directional(x_dot: Array) -> Any:
        return jvp(of_x, (x,), (x_dot,), has_aux=has_aux)[1:]

    seeds = _seeds(colors, x, "columns")
    out_axes = (0, None) if has_aux else (0,)
    out = vmap(directional, out_axes=out_axes, chunk_size=chunk_size)(seeds)
    return *_as_matrix(out[0]), out[1] if has_aux else None


def _rows(
    of_x: Callable[..., Any], x: Array, colors: Any, has_aux: bool, holomorphic: bool,
    chunk_size: int | None,
) -> tuple[Array, int, Any]:  # fmt: skip
    """The sum of unit vectors of each colour times the Jacobian; its number of rows; aux."""
    value, pull, *aux = vjp(of_x, x, has_aux=has_aux)
    value = _array_result(value)
    _check_results([value], holomorphic)
    seeds = _seeds(colors, value, "rows")
    products = vmap(lambda ct: pull(ct)[0], chunk_size=chunk_size)(seeds)
    return _as_matrix(products)[0], value.size, aux[0] if aux else None


def _seeds(colors: Any, like: Array, what: str) -> Array:
    """For each colour an array like `like`, which is 1 at the elements of that colour."""
    if len(colors) > like.size:
        raise ShapeError(
            f"[sparse_jacobian] pattern has {len(colors)} {what} or more, the matrix has "
            f"{like.size}: one for each element"
        )
    seeds = np.zeros((_n_colors(colors), like.size), like.dtype)
    seeds[colors, np.arange(len(colors))] = 1
    return reshape_p(asarray(seeds), shape=(len(seeds), *like.shape))


def _as_matrix(products: Any) -> tuple[Array, int]:
    """Products of any shape as rows of a matrix, and how long these are."""
    products = _array_result(products)
    n = int(np.prod(products.shape[1:], dtype=np.int64))
    return reshape_p(products, shape=(products.shape[0], n)), n


def _array_result(value: Any) -> Array:
    if not isinstance(value, Array):
        raise ArgumentError(
            f"[sparse_jacobian] the function must return one array, got {describe(value)}"
        )
    return value
