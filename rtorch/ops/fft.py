"""Discrete Fourier transforms: of complex numbers along several axes, of real ones along one.

Lengths are those of the operands: who wants others cuts or fills up first. ``norm`` says which
direction divides by the length, as in NumPy: "forward", "backward", or "ortho", both by its root.

References:
    Cooley & Tukey 1965, An algorithm for the machine calculation of complex Fourier series
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rtorch.core import dtypes
from rtorch.core.aval import Aval
from rtorch.ops.base import Linear, broadcast_p, mul_p
from rtorch.ops.convert import conj_p, real_p
from rtorch.ops.creation import full_p
from rtorch.ops.shape import pad_p

# The transform in the other direction divides where this one does not.
SWAPPED = {"forward": "backward", "backward": "forward", "ortho": "ortho"}


def _moved(axis: int, dim: int) -> int:
    return axis + (dim <= axis)


def _flops(aval: Aval, axes: Any) -> float:
    """5 n log2 n for each complex line of length n; see fftw.org/speed."""
    points = math.prod([aval.shape[a] for a in axes])
    return 5.0 * aval.size * math.log2(max(points, 1))


class FFT(Linear):
    """The transform along ``axes``; the result is complex, ``x`` may be real."""

    name = "fft"

    def impl(self, xp: Any, x: Any, *, axes: Any, inverse: bool, norm: Any) -> Any:
        if x.size == 0:
            return xp.zeros(x.shape, dtypes.complex_dtype(x.dtype))
        if len(axes) == 1:  # half the time of the general function for short lines
            return (xp.fft.ifft if inverse else xp.fft.fft)(x, axis=axes[0], norm=norm)
        return (xp.fft.ifftn if inverse else xp.fft.fftn)(x, axes=axes, norm=norm)

    @staticmethod
    def into(out: Any, x: Any, *, axes: Any, inverse: bool, norm: Any) -> None:
        if x.size:
            (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=axes, norm=norm, out=out)

    def flops(self, x: Any, *, axes: Any, inverse: bool, norm: Any) -> float:
        return _flops(x, axes)

    def infer(self, x: Any, *, axes: Any, inverse: bool, norm: Any) -> Aval:
        return Aval(x.shape, dtypes.complex_dtype(x.dtype))

    def transpose(self, ct: Any, x: Any, **params: Any) -> Any:
        ct = self(ct, **params)  # the matrix is symmetric
        return (ct if x.dtype in dtypes.COMPLEXES else real_p(ct),)

    def batch(self, args: Any, dims: Any, *, axes: Any, **params: Any) -> tuple[Any, Any]:
        (dim,) = dims
        return self(args[0], axes=tuple([_moved(a, dim) for a in axes]), **params), dim


class RFFT(Linear):
    """The first ``n // 2 + 1`` coefficients of real ``x``; the others are conjugates of these."""

    name = "rfft"

    def impl(self, xp: Any, x: Any, *, axis: int, norm: Any) -> Any:
        if x.size == 0:
            shape = self.infer(x, axis=axis, norm=norm).shape
            return xp.zeros(shape, dtypes.complex_dtype(x.dtype))
        return xp.fft.rfft(x, axis=axis, norm=norm)

    @staticmethod
    def into(out: Any, x: Any, *, axis: int, norm: Any) -> None:
        if x.size:
            np.fft.rfft(x, axis=axis, norm=norm, out=out)

    def flops(self, x: Any, *, axis: int, norm: Any) -> float:
        return _flops(x, (axis,)) / 2

    def infer(self, x: Any, *, axis: int, norm: Any) -> Aval:
        shape = (*x.shape[:axis], x.shape[axis] // 2 + 1, *x.shape[axis + 1 :])
        return Aval(shape, dtypes.complex_dtype(x.dtype))

    def transpose(self, ct: Any, x: Any, *, axis: int, norm: Any) -> Any:
        # irfft counts a coefficient that has a conjugate twice.
        n = x.shape[axis]
        half = mul_p(conj_p(ct), _multiples(ct, axis, n, 0.5))
        return (irfft_p(half, axis=axis, n=n, norm=SWAPPED[norm]),)

    def batch(self, args: Any, dims: Any, *, axis: int, norm: Any) -> tuple[Any, Any]:
        (dim,) = dims
        return self(args[0], axis=_moved(axis, dim), norm=norm), dim


class IRFFT(Linear):
    """The ``n`` real numbers whose first ``n // 2 + 1`` coefficients are ``x``."""

    name = "irfft"

    def impl(self, xp: Any, x: Any, *, axis: int, n: int, norm: Any) -> Any:
        if x.size == 0:
            aval = self.infer(x, axis=axis, n=n, norm=norm)
            return xp.zeros(aval.shape, aval.dtype)
        return xp.fft.irfft(x, n, axis, norm)

    @staticmethod
    def into(out: Any, x: Any, *, axis: int, n: int, norm: Any) -> None:
        if x.size:
            np.fft.irfft(x, n, axis, norm, out)

    def flops(self, x: Any, *, axis: int, n: int, norm: Any) -> float:
        return _flops(self.infer(x, axis=axis, n=n, norm=norm), (axis,)) / 2

    def infer(self, x: Any, *, axis: int, n: int, norm: Any) -> Aval:
        shape = (*x.shape[:axis], n, *x.shape[axis + 1 :])
        return Aval(shape, dtypes.real_dtype(x.dtype))

    def transpose(self, ct: Any, x: Any, *, axis: int, n: int, norm: Any) -> Any:
        bar = conj_p(rfft_p(ct, axis=axis, norm=SWAPPED[norm]))
        return (mul_p(bar, _multiples(bar, axis, n, 2)),)

    def batch(self, args: Any, dims: Any, *, axis: int, n: int, norm: Any) -> tuple[Any, Any]:
        (dim,) = dims
        return self(args[0], axis=_moved(axis, dim), n=n, norm=norm), dim


def _multiples(coefficients: Any, axis: int, n: int, weight: float) -> Any:
    """`weight` for the coefficients that stand for their conjugates too, 1 for the others."""
    shape, paired = coefficients.shape, (n - 1) // 2
    weights = full_p(shape=(paired,), value=weight, dtype=coefficients.dtype,
                     device=coefficients.device)  # fmt: skip
    weights = pad_p(weights, value=1, low=(1,), high=(shape[axis] - 1 - paired,), interior=(0,))
    return broadcast_p(weights, shape=shape, axes=(axis,))


fft_p, rfft_p, irfft_p = FFT(), RFFT(), IRFFT()
