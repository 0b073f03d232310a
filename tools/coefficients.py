"""Writes ``rtorch/compiler/native/coefficients.py``: polynomials for elementary functions.

Each approximates a smooth function by interpolation at the zeros of a Chebyshev polynomial, which
comes within a small factor of the smallest possible error (Trefethen 2013, Approximation Theory and
Approximation Practice, chapters 4 and 16). The error is printed beside each.

Run it with mpmath installed: ``python tools/coefficients.py``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpmath import mp, mpf

mp.dps = 60
TARGET = Path(__file__).parent.parent / "rtorch" / "compiler" / "native" / "coefficients.py"


def interpolate(function: Callable[[Any], Any], low: Any, high: Any, n: int) -> list[Any]:
    """The coefficients of the polynomial, the constant first."""
    middle, half = (low + high) / mpf(2), (high - low) / mpf(2)
    nodes = [middle + half * mp.cos(mp.pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    table = [function(x) for x in nodes]  # divided differences, then powers of x
    for level in range(1, n):
        for k in range(n - 1, level - 1, -1):
            table[k] = (table[k] - table[k - 1]) / (nodes[k] - nodes[k - level])
    powers = [table[-1]]
    for k in range(n - 2, -1, -1):
        shifted = [mpf(0), *powers]
        powers = [a - nodes[k] * b for a, b in zip(shifted, [*powers, mpf(0)], strict=True)]
        powers[0] += table[k]
    return powers


def largest_error(function: Callable[[Any], Any], powers: list[Any], low: Any, high: Any) -> Any:
    """Of the polynomial, over the interval."""
    points = [low + (high - low) * mpf(k) / 200 for k in range(201)]
    return max(abs(mp.polyval(powers[::-1], x) - function(x)) for x in points)


def root(z: Any) -> Any:
    """Of a positive number close to `z`."""
    return mp.sqrt(z if z else mpf(10) ** -36)


def away(x: Any) -> Any:
    """No zero over zero."""
    return x if abs(x) > mpf(10) ** -15 else mpf(10) ** -15


def odd(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``(f(x) - x) / x**3`` by ``z = x**2``."""

    def of(z: Any) -> Any:
        z = away(z)
        x = mp.sqrt(z)
        return (function(x) - x) / (z * x)

    return of


def scaled_erfc(t: Any) -> Any:
    """``(1 + 2 x) exp(x**2) erfc(x)`` by ``t = (x - 4) / (x + 4)``."""
    if t > 1 - mpf(10) ** -9:
        return 2 / mp.sqrt(mp.pi)
    x = 4 * (1 + t) / (1 - t)
    if x > 100:
        series = mp.nsum(lambda k: (-1) ** int(k) * mp.fac2(2 * k - 1) / (2 * x * x) ** k, [0, 12])
        return (1 + 2 * x) / (x * mp.sqrt(mp.pi)) * series
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


def cosine(z: Any) -> Any:
    """``(cos(x) - 1 + z / 2) / z**2`` by ``z = x**2``."""
    z = away(z)
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def atanh_rest(z: Any) -> Any:
    """``(2 atanh(s) / s - 2) / z`` by ``z = s**2``."""
    z = away(z)
    s = mp.sqrt(z)
    return 2 * (mp.atanh(s) / s - 1) / z


def lgamma(t: Any) -> Any:
    """``log(gamma(x)) / (x - 1) / (x - 2)`` by ``t = x - 1.9``."""
    x = t + mpf(1.9)
    for pole in (1, 2):
        if abs(x - pole) < mpf(10) ** -15:
            x = pole + mpf(10) ** -15
    return mp.loggamma(x) / (x - 1) / (x - 2)


# name: what the polynomial is, its argument, the interval, how many coefficients for float, for
# double, and for a float's digits in double arithmetic
LN2 = mp.log(2)
FUNCTIONS: dict[str, tuple[str, Any, float, float, tuple[int, int, int]]] = {
    "EXP": ("(exp(r) - 1 - r) / r**2", lambda r: (mp.expm1(away(r)) - away(r)) / away(r) ** 2,
            -0.3475, 0.3475, (6, 11, 7)),
    "EXP2": ("(2**r - 1) / r", lambda r: mp.expm1(away(r) * LN2) / away(r), -0.501, 0.501,
             (7, 14, 8)),
    "ATANH": ("(2 atanh(s) / s - 2) / z, z = s**2", atanh_rest, 0, 0.0296, (3, 8, 5)),
    "ATANH_LONG": ("(2 atanh(s) / s - 2 - 2 z / 3) / z**2, z = s**2",
                   lambda z: (atanh_rest(away(z)) - mpf(2) / 3) / away(z), 0, 0.0296, (4, 10, 4)),
    "SIN": ("(sin(x) - x) / x**3, z = x**2", odd(mp.sin), 0, 0.64, (4, 7, 5)),
    "COS": ("(cos(x) - 1 + z / 2) / z**2, z = x**2", cosine, 0, 0.64, (4, 7, 5)),
    "ATAN": ("(atan(x) - x) / x**3, z = x**2", odd(mp.atan), 0, 0.1725, (5, 12, 7)),
    "ASIN": ("(asin(x) - x) / x**3, z = x**2", odd(mp.asin), 0, 0.25, (7, 15, 8)),
    "SINH": ("(sinh(x) - x) / x**3, z = x**2", odd(mp.sinh), 0, 1, (4, 8, 5)),
    "TANH": ("(tanh(x) - x) / x**3, z = x**2", odd(mp.tanh), 0, 0.391, (6, 14, 8)),
    "ERF": ("erf(x) / x - 1, z = x**2", lambda z: mp.erf(root(z)) / root(z) - 1, 0, 1,
            (8, 14, 9)),
    "ERFC": ("(1 + 2 x) exp(x**2) erfc(x), t = (x - 4) / (x + 4)", scaled_erfc, -1, 1,
             (13, 25, 15)),
    "LGAMMA": ("lgamma(x) / (x - 1) / (x - 2), t = x - 1.9", lgamma, -1.15, 1.15, (18, 36, 18)),
    "CBRT": ("x**(-1/3)", lambda x: x ** (mpf(-1) / 3), 1, 2, (8, 8, 8)),
}  # fmt: skip


def shortest(x: Any, single: bool) -> str:
    """The digits of a float that single out it."""
    return repr(struct.unpack("<f", struct.pack("<f", float(x)))[0] if single else float(x))


def table(name: str) -> str:
    """The lines that define a polynomial in three forms."""
    what, function, low, high, counts = FUNCTIONS[name]
    lines = [f"# {what}, {low} to {high}", f"{name} = {{"]
    for kind, n in zip(("float", "double", "between"), counts, strict=True):
        powers = interpolate(function, low, high, n)
        digits = mp.nstr(largest_error(function, powers, low, high), 2)
        numbers = [shortest(c, kind == "float") for c in powers]
        lines.append(f'    "{kind}": (  # error {digits}')
        row = "       "
        for number in numbers:
            if len(row) + len(number) > 97:
                lines.append(row)
                row = "       "
            row += f" {number},"
        lines += [row, "    ),"]
    return "\n".join([*lines, "}  # fmt: skip"])


HEADER = '''"""Polynomials for elementary functions; written by ``tools/coefficients.py``.

The constant comes first. ``between`` are those for a float's digits in double arithmetic.
"""

from __future__ import annotations

'''


def words(x: Any, n: int) -> list[int]:
    """The first `n` words of 64 bits after the binary point."""
    whole = int(mp.floor(x * mpf(2) ** (64 * n)))
    return [whole >> 64 * (n - 1 - k) & (1 << 64) - 1 for k in range(n)]


def main() -> None:
    """Write the file."""
    with mp.workdps(420):
        pieces = words(2 / mp.pi, 20)
    rows = [
        "    " + ", ".join(f"0x{w:016X}" for w in pieces[k : k + 4]) + "," for k in range(0, 20, 4)
    ]
    text = [table(name) for name in FUNCTIONS]
    text.append("# 2 / pi, 64 bits each\nTWO_OVER_PI = (\n" + "\n".join(rows) + "\n)")
    TARGET.write_text(HEADER + "\n\n".join(text) + "\n")


if __name__ == "__main__":
    main()
