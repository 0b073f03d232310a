"""Changes of type: dtype casts, bit casts, the parts of complex numbers, stop_gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.core.primitive import is_linear
from rtorch.core.trace import aval_of
from rtorch.ops.base import Elementwise, Linear, Nondifferentiable, neg_p, zeros


class ElementwiseLinear(Linear):
    """Linear and elementwise, with a result of another dtype."""

    batch = Elementwise.batch
    flops = Elementwise.flops


class Convert(ElementwiseLinear):
    """``x`` as ``dtype``; complex to real drops the imaginary part."""

    name = "convert"

    def impl(self, xp: Any, x: Any, *, dtype: Any) -> Any:
        if x.dtype in dtypes.COMPLEXES and dtype not in dtypes.COMPLEXES:
            x = x.real
        return x.astype(dtype)

    @staticmethod
    def into(out: Any, x: Any, *, dtype: Any) -> None:
        if x.dtype in dtypes.COMPLEXES and out.dtype not in dtypes.COMPLEXES:
            x = x.real
        np.copyto(out, x, casting="unsafe")

    def infer(self, x: Any, *, dtype: Any) -> Aval:
        return Aval(x.shape, dtype)

    def jvp(self, primals: Any, tangents: Any, *, dtype: Any) -> tuple[Any, Any]:
        if dtype not in dtypes.INEXACT:
            return self(*primals, dtype=dtype), None
        return super().jvp(primals, tangents, dtype=dtype)

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        if params["dtype"] not in dtypes.INEXACT:
            return self(*primals, **params), None
        return super().linearize(tape, primals, tangents, **params)

    def transpose(self, ct: Any, x: Any, *, dtype: Any) -> Any:
        return (convert_p(ct, dtype=x.dtype),)

    def lower(self, scalar: Any, x: Any, *, dtype: Any) -> Any:
        return scalar("convert", x, dtype=str(dtype), extra=str(dtype))

    def batch(self, args: Any, dims: Any, *, dtype: Any) -> tuple[Any, Any]:
        return self(args[0], dtype=dtype), dims[0]


class Promote(Convert):
    """``x`` as ``dtype`` among the operands of one operation: a weak operand stays weak."""

    name = "promote"
    keeps_weak = True


class Bitcast(Nondifferentiable):
    """The bits of ``x`` read as ``dtype``, of the same width."""

    name = "bitcast"
    view = True

    def impl(self, xp: Any, x: Any, *, dtype: Any) -> Any:
        return x.view(dtype)

    def infer(self, x: Any, *, dtype: Any) -> Aval:
        return Aval(x.shape, dtype)

    def batch(self, args: Any, dims: Any, *, dtype: Any) -> tuple[Any, Any]:
        return self(args[0], dtype=dtype), dims[0]


class StopGradient(Nondifferentiable, Elementwise):
    """``x`` as a constant to differentiation."""

    name = "stop_gradient"
    view = True

    def impl(self, xp: Any, x: Any) -> Any:
        return x


class Real(ElementwiseLinear):
    """The real part."""

    name = "real"
    view = True

    def impl(self, xp: Any, x: Any) -> Any:
        return x.real

    def infer(self, x: Any) -> Aval:
        return Aval(x.shape, dtypes.real_dtype(x.dtype))

    def transpose(self, ct: Any, x: Any) -> Any:
        return (convert_p(ct, dtype=x.dtype),)


class Imag(ElementwiseLinear):
    """The imaginary part of a complex array."""

    name = "imag"
    view = True

    def impl(self, xp: Any, x: Any) -> Any:
        return x.imag

    def infer(self, x: Any) -> Aval:
        return Aval(x.shape, dtypes.real_dtype(x.dtype))

    def transpose(self, ct: Any, x: Any) -> Any:
        # Cotangents pair as Re(ct * x), without conjugation.
        return (complex_p(zeros(aval_of(ct)), neg_p(ct)),)


class Complex(ElementwiseLinear):
    """``x + iy``."""

    name = "complex"

    def impl(self, xp: Any, x: Any, y: Any) -> Any:
        out = xp.empty(np.broadcast_shapes(x.shape, y.shape), dtypes.complex_dtype(x.dtype))
        out.real, out.imag = x, y
        return out

    def infer(self, x: Any, y: Any) -> Aval:
        return Aval(x.shape, dtypes.complex_dtype(x.dtype))

    def transpose(self, ct: Any, x: Any, y: Any) -> Any:
        return real_p(ct) if is_linear(x) else None, imag_p(neg_p(ct)) if is_linear(y) else None


class Conj(ElementwiseLinear):
    """The complex conjugate."""

    name = "conj"

    def impl(self, xp: Any, x: Any) -> Any:
        return xp.conjugate(x)

    def infer(self, x: Any) -> Aval:
        return x

    def transpose(self, ct: Any, x: Any) -> Any:
        return (conj_p(ct),)


convert_p, promote_p = Convert(), Promote()
bitcast_p, stop_gradient_p = Bitcast(), StopGradient()
real_p, imag_p, complex_p, conj_p = Real(), Imag(), Complex(), Conj()
