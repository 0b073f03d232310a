"""Bessel functions of a static real order.

References:
    DLMF 10.6, 10.29, derivatives as functions of the neighbouring orders
"""

from __future__ import annotations

from typing import Any

from rtorch.ops.base import Elementwise, add_p, mul_p, neg_p, sub_p
from rtorch.ops.elementwise import sign_p
from rtorch.ops.library import in_float32, need


class Bessel(Elementwise):
    """``kind`` is j, y, i or k; ``scaled`` ones are i times exp(-|x|) and k times exp(x)."""

    name = "bessel"

    def impl(self, xp: Any, x: Any, *, kind: str, order: float, scaled: bool) -> Any:
        end = "e" if scaled else ""
        if order in (0, 1):
            function = need(f"{kind}{order:.0f}{end}", xp)
            return in_float32(lambda xp, x: function(x), xp, x)
        general = need(f"{kind}v{end}", xp)
        return in_float32(lambda xp, x: general(order, x), xp, x)

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
