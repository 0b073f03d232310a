"""Determinants: det, with derivatives that are right where it is zero, and slogdet."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.ops.base import broadcast_p, mul_p, reshape_p, sub_p
from rtorch.ops.comparison import eq_p, or_p, select_p
from rtorch.ops.convert import convert_p, imag_p, real_p
from rtorch.ops.creation import iota_p
from rtorch.ops.linalg import inv_p
from rtorch.ops.matrices import (
    FINITE,
    MatrixOp,
    adjoint,
    as_rows,
    diagonal_of,
    guarded,
    only_diagonal,
    product,
    trace_of_product,
    without_diagonal,
)
from rtorch.ops.reduction import reduce_prod_p
from rtorch.ops.spectra import svd_p


class Det(MatrixOp):
    """The determinants of square matrices."""

    name = "det"
    counts = (0.0, 2 / 3)

    def impl(self, xp: Any, x: Any) -> Any:
        return xp.asarray(xp.linalg.det(x))

    def infer(self, x: Any) -> Aval:
        return Aval(x.shape[:-2], x.dtype)

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        return self(*primals), trace_of_product(adjugate_p(*primals), *tangents)


class Adjugate(MatrixOp):
    """The transposed cofactors: the derivative of the determinant.

    With ``x = u @ diag(s) @ vh`` it is ``det(u @ vh) * v @ diag(w) @ uh``, where ``w[i]`` is the
    product of all singular values but the i-th: nothing is divided by.
    """

    name = "adjugate"
    counts = (6.0, 20.0)

    def impl(self, xp: Any, x: Any) -> Any:
        fast = self._by_inverse(xp, x) if x.size else xp.array(x)
        if fast is not None:
            return fast
        u, s, vh = guarded("det", FINITE, xp.linalg.svd, x)
        det = xp.asarray(xp.linalg.det(xp.matmul(u, vh)))[..., None, None]
        others = xp.where(xp.eye(x.shape[-1], dtype=bool), s.dtype.type(1), s[..., None, :])
        weights = xp.multiply.reduce(others, -1)[..., None]
        v, uh = xp.swapaxes(xp.conjugate(vh), -1, -2), xp.swapaxes(xp.conjugate(u), -1, -2)
        return (det * xp.matmul(v, weights * uh)).astype(x.dtype, copy=False)

    @staticmethod
    def _by_inverse(xp: Any, x: Any) -> Any:
        """``det(x) * inv(x)`` if all matrices are far from singular: in a tenth of the time."""
        try:
            inverse = xp.linalg.inv(x)
        except np.linalg.LinAlgError:
            return None
        worst = abs(x).sum(-1).max(-1) * abs(inverse).sum(-1).max(-1)
        if not bool((worst < xp.finfo(x.dtype).eps ** -0.5).all()):
            return None
        return xp.asarray(xp.linalg.det(x))[..., None, None] * inverse

    def infer(self, x: Any) -> Any:
        return x

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        u, s, vh = svd_p(x, full_matrices=False)
        v, uh = adjoint(vh), adjoint(u)
        turned = product(uh, t, v)
        minors = convert_p(_products_without_two(s), dtype=x.dtype)
        n = x.shape[-1]
        weighted = product(minors, _column(diagonal_of(turned)))
        on_diagonal = only_diagonal(as_rows(reshape_p(weighted, shape=s.shape), n))
        change = sub_p(on_diagonal, mul_p(turned, minors))
        det = det_p(product(u, vh))
        factor = broadcast_p(det, shape=x.shape, axes=tuple(range(len(x.shape) - 2)))
        return self(x), mul_p(product(v, change, uh), factor)


def _column(v: Any) -> Any:
    return reshape_p(v, shape=(*v.shape, 1))


def _products_without_two(s: Any) -> Any:
    """``out[i, j]``, the product of all of `s` but the i-th and the j-th; 0 on the diagonal."""
    n, k = s.shape[-1], len(s.shape) - 1
    shape = (*s.shape[:-1], n, n, n)
    i, j, place = (
        iota_p(shape=shape, dtype=dtypes.int64, axis=k + axis, device=s.device) for axis in range(3)
    )
    factors = broadcast_p(s, shape=shape, axes=(*range(k), k + 2))
    left_out = or_p(eq_p(place, i), eq_p(place, j))
    return without_diagonal(reduce_prod_p(select_p(left_out, 1, factors), axes=(k + 2,)))


class SlogDet(MatrixOp):
    """The signs of determinants and the logarithms of their absolute values."""

    name = "slogdet"
    multiple = True
    counts = (0.0, 2 / 3)

    def impl(self, xp: Any, x: Any) -> Any:
        sign, log = xp.linalg.slogdet(x)
        return xp.asarray(sign), xp.asarray(log)

    def infer(self, x: Any) -> Any:
        shape = x.shape[:-2]
        return Aval(shape, x.dtype), Aval(shape, dtypes.real_dtype(x.dtype))

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        sign, log = self(*primals)
        change = trace_of_product(inv_p(*primals), *tangents)
        if sign.dtype not in dtypes.COMPLEXES:
            return (sign, log), (None, change)
        turn = convert_p(imag_p(change), dtype=sign.dtype)
        return (sign, log), (mul_p(turn, mul_p(sign, 1j)), real_p(change))


det_p, adjugate_p, slogdet_p = Det(), Adjugate(), SlogDet()
