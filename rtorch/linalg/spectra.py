"""Eigenvalues and singular values."""

# Primitives return Any: an Array, or a tuple of them.

from __future__ import annotations

from rtorch.core.array import Array
from rtorch.errors import ArgumentError, api
from rtorch.linalg.arguments import EighResult, EigResult, SVDResult, matrices, square
from rtorch.linalg.factorizations import hermitian
from rtorch.numpy.operands import ArrayLike
from rtorch.ops.matrices import adjoint
from rtorch.ops.spectra import eig_p, eigh_p, eigvals_p, eigvalsh_p, svd_p, svdvals_p

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "polar", "svd", "svdvals"]


def _one_triangle(x: ArrayLike, uplo: str | None, name: str) -> Array:
    """Matrices whose lower triangle is that of the Hermitian ones that are meant."""
    x = square(x, name)
    if uplo is None:
        return hermitian(x)
    if uplo not in ("L", "U", "l", "u"):
        raise ArgumentError(f"[{name}] UPLO: expected 'L', 'U' or None, got {uplo!r}")
    return x if uplo in "Ll" else adjoint(x)


@api
def eigh(x: ArrayLike, UPLO: str | None = None) -> EighResult:
    """Eigenvalues and eigenvectors of Hermitian matrices.

    Args:
        x: Shape ``(..., M, M)``.
        UPLO: ``"L"`` or ``"U"``: read that triangle only. By default the mean of `x` and its
            adjoint is taken, so that derivatives are Hermitian too.

    Returns:
        ``EighResult(eigenvalues, eigenvectors)``: ascending, shape ``(..., M)``, and as columns,
        shape ``(..., M, M)``. For derivatives at equal eigenvalues see the page on conventions.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.eigh(rt.asarray([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
        Array([1., 2.], dtype=float32)
    """
    return EighResult(*eigh_p(_one_triangle(x, UPLO, "eigh")))


@api
def eigvalsh(x: ArrayLike, UPLO: str | None = None) -> Array:
    """The eigenvalues of Hermitian matrices, ascending; the arguments are those of `eigh`.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.eigvalsh(rt.asarray([[2.0, 0.0], [0.0, 1.0]]))
        Array([1., 2.], dtype=float32)
    """
    return eigvalsh_p(_one_triangle(x, UPLO, "eigvalsh"))


@api
def eig(x: ArrayLike) -> EigResult:
    """Eigenvalues and eigenvectors of square matrices.

    Args:
        x: Shape ``(..., M, M)``.

    Returns:
        ``EigResult(eigenvalues, eigenvectors)``, complex always: shape ``(..., M)``, in no
        particular order, and as columns of length 1, shape ``(..., M, M)``.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.eig(rt.asarray([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues
        Array([0.+1.j, 0.-1.j], dtype=complex64)
    """
    return EigResult(*eig_p(square(x, "eig")))


@api
def eigvals(x: ArrayLike) -> Array:
    """The eigenvalues of square matrices, complex always, in no particular order.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.eigvals(rt.asarray([[2.0, 1.0], [0.0, 1.0]]))
        Array([2.+0.j, 1.+0.j], dtype=complex64)
    """
    return eigvals_p(square(x, "eigvals"))


@api
def svd(
    x: ArrayLike, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> SVDResult | Array:
    """The singular value decomposition ``x = u @ diag(s) @ vh``.

    Args:
        x: Shape ``(..., M, N)``; K is the smaller of M and N.
        full_matrices: Whether ``u`` and ``vh`` are square, instead of having K columns and rows.
        compute_uv: Whether to return more than the singular values.
        hermitian: Whether the matrices are Hermitian; then they must be square.

    Returns:
        ``SVDResult(U, S, Vh)``, S descending, or S. For derivatives at equal singular values see
        the page on conventions.

    Example:
        >>> import rtorch as rt
        >>> u, s, vh = rt.linalg.svd(rt.asarray([[3.0], [4.0]]), full_matrices=False)
        >>> u.shape, round(float(s[0]), 5), vh.shape
        ((2, 1), 5.0, (1, 1))
    """
    x = square(x, "svd") if hermitian else matrices(x, "svd")
    if not compute_uv:
        return svdvals_p(x)
    return SVDResult(*svd_p(x, full_matrices=bool(full_matrices)))


@api
def svdvals(x: ArrayLike) -> Array:
    """The singular values of matrices, descending.

    Example:
        >>> import rtorch as rt
        >>> rt.linalg.svdvals(rt.asarray([[0.0, 3.0], [2.0, 0.0]]))
        Array([3., 2.], dtype=float32)
    """
    return svdvals_p(matrices(x, "svdvals"))


@api
def polar(a: ArrayLike, side: str = "right") -> tuple[Array, Array]:
    """The polar decomposition: ``a = u @ p``, with ``p`` Hermitian and not negative.

    Args:
        a: Shape ``(..., M, N)``.
        side: ``"left"`` for ``a = p @ u``.

    Returns:
        ``(u, p)``; u has the shape of `a`, and orthonormal columns or rows.

    Example:
        >>> import rtorch as rt
        >>> u, p = rt.linalg.polar(rt.asarray([[0.0, -2.0], [2.0, 0.0]]))
        >>> (u + 0).tolist()
        [[0.0, -1.0], [1.0, 0.0]]
    """
    if side not in ("left", "right"):
        raise ArgumentError(f"[polar] side: expected 'left' or 'right', got {side!r}")
    x = matrices(a, "polar")
    w, _, vh = svd_p(x, full_matrices=False)
    u = w @ vh
    return u, hermitian(adjoint(u) @ x if side == "right" else x @ adjoint(u))
