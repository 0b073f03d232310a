"""Functions of mathematics: references, where they are measured, and the errors that they may have.

References are computed in the C library's long doubles, which have 64 digits where x86-64 has them.
"""

import ctypes
import ctypes.util
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Floats = np.ndarray[Any, Any]
Long = np.longdouble
LONG_HAS_DIGITS = np.finfo(Long).nmant >= 63


class Spec(NamedTuple):
    """A function.

    Attributes:
        reference: It, of long doubles.
        ulp: The errors allowed in float32 and in float64.
        slow: Whether the reference computes one element at a time.
        conditioned: Of the operands, what one ulp of the error is an ulp of, if that is not the
            result: where a sum cancels, digits are lost.
    """

    reference: Callable[..., Floats]
    ulp: tuple[float, float]
    slow: bool = False
    conditioned: Callable[..., Floats] | None = None


def of_c(name: str) -> Callable[..., Floats]:
    """A function of the C library, ``long double name(long double)``."""

    def apply(x: Floats) -> Floats:
        function = getattr(ctypes.CDLL(ctypes.util.find_library("m")), name)
        function.restype, function.argtypes = ctypes.c_longdouble, [ctypes.c_longdouble]
        return np.array([function(a) for a in x], Long)

    return apply


def sigmoid(x: Floats) -> Floats:
    e = np.exp(-abs(x))
    return np.where(x > 0, 1, e) / (1 + e)


def logit(x: Floats) -> Floats:
    return np.where(abs(x - 0.5) < 0.2, 2 * np.arctanh(2 * x - 1), np.log(x) - np.log1p(-x))


def or_zero(function: Callable[..., Floats]) -> Callable[..., Floats]:
    return lambda x, y: np.where((x == 0) & ~np.isnan(y), 0, x * function(y))


UNARY = {
    "exp": Spec(np.exp, (1.1, 1.1)),
    "exp2": Spec(np.exp2, (1.0, 1.1)),
    "expm1": Spec(np.expm1, (1.6, 2.3)),
    "log": Spec(np.log, (1.0, 1.0)),
    "log2": Spec(np.log2, (0.51, 0.51)),
    "log10": Spec(np.log10, (0.51, 0.51)),
    "log1p": Spec(np.log1p, (1.6, 1.1)),
    "sqrt": Spec(np.sqrt, (0.51, 0.51)),
    "rsqrt": Spec(lambda x: 1 / np.sqrt(x), (1.51, 1.51)),
    "cbrt": Spec(np.cbrt, (0.51, 0.52)),
    "sin": Spec(np.sin, (1.0, 1.0)),
    "cos": Spec(np.cos, (1.0, 1.0)),
    "tan": Spec(np.tan, (2.2, 2.3)),
    "asin": Spec(np.arcsin, (1.2, 1.2)),
    "acos": Spec(np.arccos, (1.2, 1.2)),
    "atan": Spec(np.arctan, (1.9, 1.5)),
    "sinh": Spec(np.sinh, (1.8, 1.8)),
    "cosh": Spec(np.cosh, (1.6, 1.6)),
    "tanh": Spec(np.tanh, (1.5, 1.5)),
    "asinh": Spec(np.arcsinh, (0.51, 1.8)),
    "acosh": Spec(np.arccosh, (0.51, 2.0)),
    "atanh": Spec(np.arctanh, (0.51, 1.8)),
    "sigmoid": Spec(sigmoid, (2.3, 2.3)),
    "logit": Spec(logit, (0.51, 2.3)),
    "erf": Spec(of_c("erfl"), (1.2, 1.2), slow=True),
    "erfc": Spec(of_c("erfcl"), (0.51, 2.3), slow=True),
    "lgamma": Spec(
        of_c("lgammal"),
        (0.51, 3.1),
        slow=True,
        conditioned=lambda x: np.where(x < 0, 3 + abs(x) * np.log1p(abs(x)), 0),
    ),
    "floor": Spec(np.floor, (0, 0)),
    "ceil": Spec(np.ceil, (0, 0)),
    "trunc": Spec(np.trunc, (0, 0)),
    "round": Spec(np.rint, (0, 0)),
}
BINARY = {
    "pow": Spec(np.power, (0.51, 1.3)),
    "atan2": Spec(np.arctan2, (1.9, 1.9)),
    "hypot": Spec(np.hypot, (0.51, 0.52)),
    "logaddexp": Spec(
        np.logaddexp, (1.6, 1.6), conditioned=lambda x, y: np.maximum(abs(x), abs(y))
    ),
    "fmod": Spec(np.fmod, (0, 0)),
    "copysign": Spec(np.copysign, (0, 0)),
    "xlogy": Spec(or_zero(np.log), (1.9, 1.9)),
    "xlog1py": Spec(or_zero(np.log1p), (2.3, 2.0)),
}

SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1.5,
           -1.5, 2.5, 0.1, 10.0, 100.0, 1000.0, 1e10, 1e22, -1e22)  # fmt: skip


def special(dtype: Any) -> Floats:
    """Zeros, infinities, nan, ones, the largest, the least, integers and halves."""
    info = np.finfo(dtype)
    ends = [info.max, info.tiny, info.smallest_subnormal, 5 * info.smallest_subnormal]
    ends += [dtype(1) + info.eps, dtype(1) - info.epsneg]
    return np.array([*SPECIAL, *ends, *[-e for e in ends]], dtype)


def points(dtype: Any, n: int, seed: int = 0) -> Floats:
    """All magnitudes, and more of those where functions bend; in no order."""
    rng = np.random.default_rng(seed)
    unsigned = np.uint32 if dtype == np.float32 else np.uint64
    bits = rng.integers(0, np.iinfo(unsigned).max, 2 * n, unsigned, endpoint=True).view(dtype)
    ranges = [(-1, 1), (-10, 10), (0, 2), (-750, 750)]
    near_one = 1 + rng.uniform(-1, 1, n) * 2.0 ** -rng.uniform(1, 30, n)
    angles = np.pi / 2 * rng.integers(-1000, 1000, n)
    parts = [bits, near_one, angles, *[rng.uniform(a, b, n) for a, b in ranges]]
    return rng.permutation(np.concatenate([p.astype(dtype) for p in parts] + [special(dtype)]))


def every(dtype: Any, stride: int) -> Floats:
    """All floats but for those between steps of their bits."""
    return np.arange(0, 1 << 32, stride, np.uint64).astype(np.uint32).view(dtype)


def ulps(actual: Floats, exact: Floats, scale: Floats | None = None) -> Floats:
    """The distance of results from long doubles in units in the last place of `scale`.

    An infinity counts as the power of two that follows the largest number; a wrong nan and a zero
    of the wrong sign count as a million.
    """
    info = np.finfo(actual.dtype)
    top = np.exp2(Long(info.maxexp))
    size = abs(exact) if scale is None else np.maximum(abs(exact), scale)
    size = np.clip(size, Long(info.tiny), Long(info.max))
    unit = np.exp2(np.floor(np.log2(size)) - info.nmant)
    beyond = abs(exact) >= (top + Long(info.max)) / 2
    wanted = np.where(beyond, np.copysign(top, exact), exact)
    given = np.where(np.isinf(actual), np.copysign(top, actual), actual.astype(Long))
    error = abs(given - wanted) / unit
    either, both = np.isnan(actual) | np.isnan(exact), np.isnan(actual) & np.isnan(exact)
    wrong = (either & ~both) | (
        (actual == 0) & (exact == 0) & (np.signbit(actual) != np.signbit(exact))
    )
    return np.where(wrong, 1e6, np.where(both, 0, error)).astype(np.float64)
