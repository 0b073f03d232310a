"""Functions of square matrices: exponential, principal square root, principal logarithm.

All have the same derivative rule. For a smooth `f`, ``f([[x, e], [0, x]])`` is ``f(x)`` twice on
the diagonal, and above it the derivative of `f` at `x` along `e`: an operation linear in `e`,
whose transpose is itself at the transposed `x`.

References:
    Mathias 1996, "A chain rule for matrix functions and applications"
    Al-Mohy & Higham 2009, "Computing the Fréchet derivative of the matrix exponential"
    Higham 2005, "The scaling and squaring method for the matrix exponential revisited"
    Higham 2008, "Functions of Matrices", 6.3 (square root) and 11.4 (logarithm)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rtorch.core.aval import Aval
from rtorch.core.primitive import is_linear
from rtorch.errors import LinAlgError
from rtorch.ops.base import add_p, add_tangents
from rtorch.ops.matrices import MatrixOp, guarded, scipy_linalg, swapped
from rtorch.ops.shape import pad_p, slice_p


class MatrixFunction(MatrixOp):
    """The function `kind`, one of `FUNCTIONS`, of square matrices."""

    name = "matrix_function"
    counts = (0.0, 25.0)

    def impl(self, xp: Any, x: Any, *, kind: str) -> Any:
        return FUNCTIONS[kind](xp, x)

    def infer(self, x: Any, *, kind: str) -> Any:
        return x

    def jvp(self, primals: Any, tangents: Any, *, kind: str) -> tuple[Any, Any]:
        return self(*primals, kind=kind), frechet_p(*primals, *tangents, kind=kind)


class Frechet(MatrixOp):
    """The derivative of the matrix function `kind` at ``x`` along ``e``."""

    name = "frechet"
    counts = (0.0, 100.0)

    def impl(self, xp: Any, x: Any, e: Any, *, kind: str) -> Any:
        if kind == "exp":
            return _expm(xp, x, e)
        return _by_blocks(xp, x, e, FUNCTIONS[kind])

    def infer(self, x: Any, e: Any, *, kind: str) -> Aval:
        return Aval(x.shape, x.dtype)

    def jvp(self, primals: Any, tangents: Any, *, kind: str) -> tuple[Any, Any]:
        (x, e), (x_dot, e_dot) = primals, tangents
        tangent = None if e_dot is None else self(x, e_dot, kind=kind)
        if x_dot is not None:
            whole = add_p(_twice(x), _placed(e, 0, 1))
            tangent = add_tangents(tangent, _corner(self(whole, _twice(x_dot), kind=kind)))
        return self(x, e, kind=kind), tangent

    def transpose(self, ct: Any, x: Any, e: Any, *, kind: str) -> Any:
        return None, self(swapped(x), ct, kind=kind) if is_linear(e) else None


def _placed(x: Any, row: int, column: int) -> Any:
    """Two by two blocks, of which one is `x` and the others are zero."""
    n, front = x.shape[-1], (0,) * (len(x.shape) - 2)
    return pad_p(x, value=0, low=(*front, row * n, column * n),
                 high=(*front, n - row * n, n - column * n), interior=(*front, 0, 0))  # fmt: skip


def _twice(x: Any) -> Any:
    return add_p(_placed(x, 0, 0), _placed(x, 1, 1))


def _corner(x: Any) -> Any:
    """The upper right one of two by two blocks."""
    n, front = x.shape[-1] // 2, len(x.shape) - 2
    return slice_p(x, starts=(*(0,) * front, 0, n), limits=(*x.shape[:-2], n, 2 * n),
                   strides=(1,) * (front + 2))  # fmt: skip


# ---- with NumPy or CuPy --------------------------------------------------------------------------


def _norm(xp: Any, x: Any) -> Any:
    """The largest sum of absolute values of a column."""
    sums = abs(x).sum(-2)
    return sums.max(-1) if x.shape[-1] else sums.sum(-1)


def _eye(xp: Any, x: Any) -> Any:
    return xp.eye(x.shape[-1], dtype=x.dtype)


def _by_blocks(xp: Any, x: Any, e: Any, function: Callable[..., Any]) -> Any:
    n = x.shape[-1]
    # With e about as large as x: the steps of the algorithms are chosen by norms.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = xp.asarray(_norm(xp, x) / _norm(xp, e))
    ratio = xp.where(xp.isfinite(ratio) & (ratio > 0), ratio, xp.ones_like(ratio))[..., None, None]
    below = xp.concatenate([xp.zeros_like(x), x], -1)
    block = xp.concatenate([xp.concatenate([x, e * ratio], -1), below], -2)
    return function(xp, block)[..., :n, n:] / ratio


class _Dual:
    """The blocks ``[[x, e], [0, x]]``, in arithmetic that takes three products for one."""

    __array_ufunc__ = None  # numbers of NumPy leave arithmetic to this class

    def __init__(self, x: Any, e: Any) -> None:
        self.x, self.e = x, e

    def __add__(self, other: Any) -> _Dual:
        if isinstance(other, _Dual):
            return _Dual(self.x + other.x, self.e + other.e)
        return _Dual(self.x + other, self.e)

    def __sub__(self, other: _Dual) -> _Dual:
        return _Dual(self.x - other.x, self.e - other.e)

    def __rmul__(self, factor: Any) -> _Dual:
        return _Dual(factor * self.x, factor * self.e)

    def __matmul__(self, other: _Dual) -> _Dual:
        return _Dual(self.x @ other.x, self.x @ other.e + self.e @ other.x)

    def divides(self, xp: Any, other: _Dual) -> _Dual:
        """``inverse(self) @ other``."""
        x = xp.linalg.solve(self.x, other.x)
        return _Dual(x, xp.linalg.solve(self.x, other.e - self.e @ x))


# The [13/13] Padé approximant of exp, and up to which norm it and its derivative are exact to
# float64.
_PADE = [math.comb(13, k) * math.factorial(26 - k) / math.factorial(26) for k in range(14)]
_PADE_NORM = 4.74


def _expm(xp: Any, x: Any, e: Any = None) -> Any:
    """The exponential; with `e`, its derivative along `e` instead."""
    norm = _norm(xp, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        halvings = xp.maximum(xp.ceil(xp.log2(norm / _PADE_NORM)), 0)
    halvings = xp.where(xp.isfinite(halvings), halvings, xp.zeros_like(halvings))
    times = int(halvings.max()) if halvings.size else 0
    scale = xp.exp2(-halvings).astype(x.real.dtype)[..., None, None]
    one = _eye(xp, x)
    if e is None:
        denominator, numerator = _pade(x * scale, one, x.dtype.type)
        out = xp.linalg.solve(denominator, numerator)
        for i in range(times):
            out = xp.where((halvings > i)[..., None, None], out @ out, out)
        return out
    denominator, numerator = _pade(_Dual(x * scale, e * scale), one, x.dtype.type)
    pair = denominator.divides(xp, numerator)
    for i in range(times):
        again, go_on = pair @ pair, (halvings > i)[..., None, None]
        pair = _Dual(xp.where(go_on, again.x, pair.x), xp.where(go_on, again.e, pair.e))
    return pair.e


def _pade(x: Any, one: Any, number: Callable[[float], Any]) -> tuple[Any, Any]:
    """Denominator and numerator of the approximant at `x`."""
    c = [number(b) for b in _PADE]
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    odd = x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2
    odd = x @ (odd + c[1] * one)
    even = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2
    even = even + c[0] * one
    return even - odd, even + odd


_NO_ROOT = (
    "has no principal {what}: there is a zero or negative eigenvalue. Of a real matrix with "
    "negative ones it is complex: convert with x.astype(rt.complex128) first"
)


def _sqrtm(xp: Any, x: Any, what: str = "sqrtm") -> Any:
    library = scipy_linalg(True) if xp is np and x.size else None
    if library is None:
        return guarded(what, _NO_ROOT.format(what="root"), lambda a: _denman_beavers(xp, a), x)
    out = np.empty_like(x)
    for at in np.ndindex(x.shape[:-2]):
        root = library.sqrtm(x[at])
        if np.iscomplexobj(root) and not np.iscomplexobj(x):
            which = f"matrix {at} of the batch" if at else "the matrix"
            raise LinAlgError(f"[{what}] {which} {_NO_ROOT.format(what='root')}")
        out[at] = root
    return out


def _denman_beavers(xp: Any, x: Any) -> Any:
    """Newton's iteration for the root, in the product form of Denman and Beavers, scaled."""
    with np.errstate(all="ignore"):  # without a root it does not converge
        return _newton_root(xp, x)


def _newton_root(xp: Any, x: Any) -> Any:
    n, one = x.shape[-1], _eye(xp, x)
    root, m = x, x
    limit = 10 * n * float(np.finfo(x.dtype).eps)
    for _ in range(40):
        error = _norm(xp, m - one)
        if bool((error <= limit).all()):
            return root
        scale = xp.where(error > 1e-2, abs(xp.linalg.det(m)) ** (-1 / n), xp.ones_like(error))
        scale = scale.astype(x.real.dtype)[..., None, None]
        inverse = xp.linalg.inv(m) / scale
        root = xp.sqrt(scale) * (root @ (one + inverse)) / 2
        m = (one + (scale * m + inverse) / 2) / 2
    raise np.linalg.LinAlgError


# Gauss and Legendre's rule for the integral that is the logarithm: its [8/8] Padé approximant.
_NODES, _WEIGHTS = (v / 2 for v in np.polynomial.legendre.leggauss(8))
_LOG_NORM = 0.25


def _logm(xp: Any, x: Any) -> Any:
    """Roots until the matrices are close to the identity, and Padé's approximant there.

    In double precision: a logarithm of 2**-k times the size loses k bits.
    """
    dtype, x = x.dtype, x.astype(np.result_type(x.dtype, np.float64))
    one = _eye(xp, x)
    roots = 0
    while roots < 60 and bool((_norm(xp, x - one) > _LOG_NORM).any()):
        x = _sqrtm(xp, x, "logm")
        roots += 1
    y = x - one
    real = x.real.dtype.type
    parts = [
        real(w) * xp.linalg.solve(one + real(t + 0.5) * y, y) for t, w in zip(_NODES, _WEIGHTS)
    ]
    return (sum(parts[1:], parts[0]) * real(2.0**roots)).astype(dtype)


FUNCTIONS: dict[str, Callable[..., Any]] = {"exp": _expm, "sqrt": _sqrtm, "log": _logm}

matrix_function_p, frechet_p = MatrixFunction(), Frechet()
