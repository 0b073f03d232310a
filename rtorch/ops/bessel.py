"""Bessel functions of a static real order.

References:
    DLMF 10.6, 10.29, recurrence relations and derivatives; 10.2.2 and 10.25.2, series
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from rtorch.ops.base import Elementwise, add_p, mul_p, neg_p, sub_p
from rtorch.ops.elementwise import sign_p
from rtorch.ops.library import find, in_float32, need


@functools.cache
def _name(kind: str, order: float, scaled: bool) -> str:
    """The orders 0 and 1 have functions of their own, which are faster."""
    which = f"{order:.0f}" if order in (0, 1) else "v"
    return f"{kind}{which}{'e' if scaled else ''}"


def _by_neighbours(xp: Any, x: Any, *, kind: str, n: int, scaled: bool) -> Any:
    """Order ``n`` from the orders 0 and 1, which CuPy has; from a series where that is unstable."""
    before, first = (need(_name(kind, m, scaled), xp)(x) for m in (0, 1))
    out, sign = first, -1 if kind in "jy" else 1
    with np.errstate(all="ignore"):
        for m in range(1, n):
            step = (2 * m / x) * out
            before, out = out, (before - step if kind == "i" else step + sign * before)
        if kind in "ji":
            near = xp.abs(x) < (n if kind == "j" else 20)
            out = xp.where(near, _series(xp, xp.where(near, x, 0), sign, n, scaled), out)
        else:
            out = xp.where(x == 0, first, out)  # the pole
    return out.astype(x.dtype)


def _series(xp: Any, x: Any, sign: int, n: int, scaled: bool) -> Any:
    """``(x / 2)^n / n!`` times the sum of ``(sign x² / 4)^k n! / (k! (n + k)!)``."""
    square, out = sign * (x / 2) ** 2, 1
    for k in range(50, 0, -1):
        out = 1 + out * square / (k * (k + n))
    out = out * (x / 2) ** n / math.factorial(n)
    return out * xp.exp(-xp.abs(x)) if scaled else out


class Bessel(Elementwise):
    """``kind`` is j, y, i or k; ``scaled`` ones are i times exp(-|x|) and k times exp(x)."""

    name = "bessel"

    def impl(self, xp: Any, x: Any, *, kind: str, order: float, scaled: bool) -> Any:
        name = _name(kind, order, scaled)
        if find(name, xp) is None and xp is not np and order == int(order) > 1:
            params = {"kind": kind, "n": int(order), "scaled": scaled}
            return in_float32(_by_neighbours, xp, x, **params)
        function = need(name, xp)
        more = () if order in (0, 1) else (order,)
        return in_float32(lambda xp, x: function(*more, x), xp, x)

    @staticmethod
    def slope(out: Any, x: Any, *, kind: str, order: float, scaled: bool) -> Any:
        """Half the sum of the neighbours, up to signs; below order 0 they are those above."""
        above = bessel_p(x, kind=kind, order=order + 1, scaled=scaled)
        if order == 0:
            slope = above if kind == "i" else neg_p(above)
        else:
            below = bessel_p(x, kind=kind, order=order - 1, scaled=scaled)
            both = sub_p(below, above) if kind in "jy" else add_p(below, above)
            slope = mul_p(both, -0.5 if kind == "k" else 0.5)
        if not scaled:
            return slope
        return add_p(slope, out) if kind == "k" else sub_p(slope, mul_p(sign_p(x), out))

    partials = (lambda out, x, **params: Bessel.slope(out, x, **params),)


bessel_p = Bessel()
