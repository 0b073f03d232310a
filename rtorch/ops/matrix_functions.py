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
from rtorch.ops.base import add_p, add_tangents
from rtorch.ops.matrices import FINITE, MatrixOp, guarded, raise_at, scipy_linalg, swapped
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

    def __getitem__(self, i: int) -> _Dual:
        return _Dual(self.x[i], self.e[i])

    def __add__(self, other: _Dual) -> _Dual:
        return _Dual(self.x + other.x, self.e + other.e)

    def __sub__(self, other: _Dual) -> _Dual:
        return _Dual(self.x - other.x, self.e - other.e)

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
    times, halvings = 0, norm  # no times
    if not (norm <= _PADE_NORM).all():
        with np.errstate(divide="ignore", invalid="ignore"):
            halvings = xp.maximum(xp.ceil(xp.log2(norm / _PADE_NORM)), 0)
        halvings = xp.where(xp.isfinite(halvings), halvings, xp.zeros_like(halvings))
        times = int(halvings.max())
        scale = xp.exp2(-halvings).astype(x.real.dtype)[..., None, None]
        x, e = x * scale, None if e is None else e * scale
    if e is None:
        denominator, numerator = _pade(xp, x)
        out = xp.linalg.solve(denominator, numerator)
        for i in range(times):
            out = xp.where((halvings > i)[..., None, None], out @ out, out)
        return out
    denominator, numerator = _pade(xp, _Dual(x, e))
    pair = denominator.divides(xp, numerator)
    for i in range(times):
        again, go_on = pair @ pair, (halvings > i)[..., None, None]
        pair = _Dual(xp.where(go_on, again.x, pair.x), xp.where(go_on, again.e, pair.e))
    return pair.e


def _pade(xp: Any, x: Any) -> tuple[Any, Any]:
    """Denominator and numerator of the approximant at `x`."""
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    high, low = _mixed(xp, x2, x4, x6)
    parts = x6 @ high + low
    odd, even = x @ parts[0], parts[1]
    return even - odd, even + odd


# What goes into the odd and the even part: sums of 1, x2, x4 and x6, of which the first two are
# times x6.
_MIX = np.asarray(
    [[0.0, *_PADE[9::2]], [0.0, *_PADE[8::2]], _PADE[1:9:2], _PADE[0:8:2]]
)  # fmt: skip


def _mixed(xp: Any, *powers: Any) -> tuple[Any, Any]:
    """The four sums of even powers, in one product of matrices: two and two."""
    if isinstance(powers[0], _Dual):
        xs = _mixed(xp, *[p.x for p in powers])
        es = _sums(xp, 0.0, *[p.e for p in powers])
        return _Dual(xs[0], es[0]), _Dual(xs[1], es[1])
    return _sums(xp, _eye(xp, powers[0]), *powers)


def _sums(xp: Any, *terms: Any) -> tuple[Any, Any]:
    like = terms[1]
    stack = xp.empty((4, *like.shape), like.dtype)
    for i, term in enumerate(terms):
        stack[i] = term
    mix = xp.asarray(_MIX, like.real.dtype)
    out = (mix @ stack.reshape((4, math.prod(like.shape)))).reshape(stack.shape)
    return out[:2], out[2:]


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
        try:
            root = library.sqrtm(x[at])
        except np.linalg.LinAlgError:
            raise_at(what, FINITE, at)
        if np.iscomplexobj(root) and not np.iscomplexobj(x):
            raise_at(what, _NO_ROOT.format(what="root"), at)
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
_TRIANGULAR_FROM = 16  # rows: roots of larger matrices are taken of their Schur form
_AT_ONCE = 1 << 12  # elements of what is solved for all nodes at once


def _logm(xp: Any, x: Any) -> Any:
    """The logarithm, in double precision; of larger matrices that of the Schur form.

    A logarithm of 2**-k times the size, whose roots were taken k times, loses k bits.
    """
    dtype, x = x.dtype, x.astype(np.result_type(x.dtype, np.float64))
    library = scipy_linalg(True) if xp is np and x.size else None
    if library is None or x.shape[-1] < _TRIANGULAR_FROM:
        return _log_by_roots(xp, x).astype(dtype)
    form, q = np.empty_like(x), np.empty_like(x)
    for at in np.ndindex(x.shape[:-2]):
        try:
            form[at], q[at] = library.schur(x[at], check_finite=False)
        except np.linalg.LinAlgError:
            raise_at("logm", FINITE, at)
    out = q @ _log_by_roots(xp, form) @ q.conj().swapaxes(-1, -2)
    return out.astype(dtype)


def _log_by_roots(xp: Any, x: Any) -> Any:
    """Roots until the matrices are close to the identity, and Padé's approximant there."""
    one = _eye(xp, x)
    roots = 0
    while roots < 60 and bool((_norm(xp, x - one) > _LOG_NORM).any()):
        x = _sqrtm(xp, x, "logm")
        roots += 1
    return _log_near_one(xp, x - one, one) * x.real.dtype.type(2.0**roots)


def _log_near_one(xp: Any, y: Any, one: Any) -> Any:
    """The approximant of ``log(1 + y)``."""
    column = (len(_NODES), *(1,) * y.ndim)
    nodes = xp.asarray(_NODES + 0.5, y.real.dtype).reshape(column)
    weights = xp.asarray(_WEIGHTS, y.real.dtype).reshape(column)
    step = len(_NODES) if y.size <= _AT_ONCE else 1
    parts = [
        xp.linalg.solve(one + nodes[i : i + step] * y, weights[i : i + step] * y).sum(0)
        for i in range(0, len(_NODES), step)
    ]
    return sum(parts[1:], parts[0])


FUNCTIONS: dict[str, Callable[..., Any]] = {"exp": _expm, "sqrt": _sqrtm, "log": _logm}

matrix_function_p, frechet_p = MatrixFunction(), Frechet()
