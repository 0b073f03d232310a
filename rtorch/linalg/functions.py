"""Functions of square matrices: powers, exponential, square root, logarithm."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from rtorch.core.array import Array
from rtorch.errors import api
from rtorch.linalg.arguments import square
from rtorch.numpy.operands import ArrayLike, broadcast, integer_of, operand
from rtorch.ops.linalg import inv_p
from rtorch.ops.matrices import identity_like
from rtorch.ops.matrix_functions import matrix_function_p

__all__ = ["expm", "logm", "matrix_power", "sqrtm"]


@api
def matrix_power(x: ArrayLike, n: int) -> Array:
    """Square matrices multiplied with themselves, by repeated squaring.

    Args:
        x: Shape ``(..., M, M)``.
        n: An integer; of negative ones, the power of the inverse.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.matrix_power(rt.asarray([[1.0, 1.0], [0.0, 1.0]]), 5)
        Array([[1., 5.],
               [0., 1.]], dtype=float32)
    """
    n = integer_of(n, "matrix_power", "n")
    base = operand(x, "matrix_power")
    exact = n >= 0 and base.ndim >= 2 and base.shape[-1] == base.shape[-2]
    if not exact:  # integers stay what they are if nothing is inverted
        base = square(x, "matrix_power")
    if n < 0:
        base, n = inv_p(base), -n
    if n == 0:
        return broadcast(identity_like(base), base.shape)
    power: Array | None = None
    while True:
        if n & 1:
            power = base if power is None else power @ base
        n >>= 1
        if not n:
            assert power is not None
            return power
        base = base @ base


@api
def expm(a: ArrayLike) -> Array:
    """The exponential of square matrices, by scaling, Padé's approximant and squaring.

    Args:
        a: Shape ``(..., M, M)``.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.expm(rt.asarray([[0.0, 1.0], [0.0, 0.0]]))
        Array([[1., 1.],
               [0., 1.]], dtype=float32)

    References:
        Higham 2005, "The scaling and squaring method for the matrix exponential revisited".
    """
    return matrix_function_p(square(a, "expm"), kind="exp")


@api
def sqrtm(a: ArrayLike) -> Array:
    """The principal square root of square matrices: ``x @ x = a``.

    Args:
        a: Shape ``(..., M, M)``. Real matrices give real roots.

    Raises:
        LinAlgError: if there is none: of a real matrix with negative eigenvalues, say.

    Example:
        >>> import rtorch as rt
        >>> [[round(v, 5) for v in row] for row in rt.linalg.sqrtm(4 * rt.eye(2)).tolist()]
        [[2.0, 0.0], [0.0, 2.0]]
    """
    return matrix_function_p(square(a, "sqrtm"), kind="sqrt")


@api
def logm(a: ArrayLike) -> Array:
    """The principal logarithm of square matrices: ``expm(x) = a``.

    Args:
        a: Shape ``(..., M, M)``. Real matrices give real logarithms.

    Raises:
        LinAlgError: if there is none: of a singular matrix, or a real one with negative
            eigenvalues.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.logm(rt.eye(2)).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    return matrix_function_p(square(a, "logm"), kind="log")
