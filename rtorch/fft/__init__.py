"""Discrete Fourier transforms, with the names and arguments of NumPy and the array API standard.

Single precision stays single: float32 and narrower dtypes give complex64, float64 gives
complex128, integers become the default float first. The transforms are linear, and so are their
derivatives: each is another transform.

References:
    Cooley & Tukey 1965, An algorithm for the machine calculation of complex Fourier series
"""

from __future__ import annotations

from rtorch.fft.frequencies import fftfreq, fftshift, ifftshift, rfftfreq
from rtorch.fft.one import fft, hfft, ifft, ihfft, irfft, rfft
from rtorch.fft.several import fft2, fftn, ifft2, ifftn, irfft2, irfftn, rfft2, rfftn

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]
