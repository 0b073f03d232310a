"""Circular functions and their inverses on vectors.

An angle is reduced by multiples of pi / 2 in three parts (Cody & Waite 1980). Those are not enough
for huge angles, which a branch reduces with as many digits of 2 / pi as they need (Payne & Hanek
1983, Radian reduction for trigonometric functions, ACM SIGNUM Newsletter 18(1)).
"""

from __future__ import annotations

import math
from typing import TypeAlias

from rtorch.compiler.native import coefficients as c
from rtorch.compiler.native.lanes import (
    INF,
    MAGIC,
    NAN,
    Lanes,
    Pair,
    copysign,
    fma,
    magnitude,
    narrow,
    polynomial,
    product_of,
    residual,
    some,
    sqrt,
    sum_of_ordered,
    where,
    wide,
)
from rtorch.compiler.native.text import Function, Slot, Value

HALF_PI = {
    "float": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    "double": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
FAR = {"float": 2.0**17, "double": 2.0**40}  # from where angles are huge
TINY_ANGLE = {"float": 2.0**-13, "double": 2.0**-27}

Reduced: TypeAlias = tuple[Lanes, Lanes, Lanes]

# ---- reduction of the angle ----------------------------------------------------------------------


def _reduced(x: Lanes) -> Reduced:
    """``r``, its rounding error, and the quadrant ``n``: ``x = n pi / 2 + r``."""
    magic = MAGIC[x.kind]
    shifted = fma(x, 2 / math.pi, magic)
    n, whole = shifted - magic, shifted.bits
    first, second, third = HALF_PI[x.kind]
    start = residual(x, n, first)
    product, rest = product_of(n, second)
    r = start - product
    low = ((start - r) - product) - fma(n, third, rest)
    r, low = sum_of_ordered(r, low)
    far = magnitude(x) >= FAR[x.kind]
    return _with_huge(x, far, (r, low, whole))


def _with_huge(x: Lanes, far: Lanes, usual: Reduced) -> Reduced:
    """`usual`, and where `far` what takes more digits."""
    f = x.f
    slots = [f.variable(y.kind, y.v.lanes, y.v) for y in usual]
    with f.when(some(far)):
        f.declarations.add(_huge_function(f))
        out = f.scratch("i64", 3)
        with f.loop(0, x.v.lanes) as lane:
            one = _lane(x, lane)
            f.line(f"call void @reduce_huge_angle({(wide(one) if x.kind == 'float' else one).v}, "
                   f"{out})")  # fmt: skip
            is_far = _lane(far, lane)
            high, low = (Lanes(f, f.load(f.at(out, k, "i64"), "double")) for k in range(2))
            n = Lanes(f, f.load(f.at(out, 2, "i64"), "i64"))
            if x.kind == "float":
                low = narrow(low + (high - wide(narrow(high))))
                high, n = narrow(high), n.cast("trunc", "i32")
            for slot, y in zip(slots, (high, low, n), strict=True):
                _set_lane(f, slot, lane, is_far, y)
    high, low, n = (Lanes(f, f.get(slot)) for slot in slots)
    return high, low, n


def _lane(x: Lanes, lane: Value) -> Lanes:
    if x.v.lanes == 1:
        return x
    return Lanes(x.f, x.f.let(f"extractelement {x.v}, {lane}", x.kind))


def _set_lane(f: Function, slot: Slot, lane: Value, condition: Lanes, y: Lanes) -> None:
    old = f.get(slot)
    if slot.lanes == 1:
        f.set(slot, f.select(condition.v, y.v, old))
        return
    kept = Lanes(f, f.let(f"extractelement {old}, {lane}", slot.kind))
    new = where(condition, y, kept)
    f.set(slot, f.let(f"insertelement {old}, {new.v}, {lane}", slot.kind, slot.lanes))


def _huge_function(outer: Function) -> str:
    """``reduce_huge_angle(x, out)`` of a double: r and its error as doubles, n as an integer.

    ``x = m * 2**e``; the product of ``m`` and the 192 bits of 2 / pi that matter is computed
    modulo 4 in integers.
    """
    f = Function("reduce_huge_angle", "double %x, ptr %out", outer.target, internal=True)
    words = (0, *c.TWO_OVER_PI)  # angles that are not so huge begin before the point
    numbers = ", ".join(f"i64 {w}" for w in words)
    table = f"@two_over_pi = internal constant [{len(words)} x i64] [{numbers}]"
    outer.declarations.add(table)
    x = Lanes(f, Value("%x", "double"))
    bits = magnitude(x).bits
    m = (bits & ((1 << 52) - 1)) | (1 << 52)
    start = bits.shift_down(52) - (1023 + 52 + 2 - 64)  # the first bit that matters
    start = where((start < 0) | (start > 1040), 0, start)
    first, shift = start.shift_down(6), start & 63
    pieces = [Lanes(f, f.load(f.at(Value("@two_over_pi", "ptr"), (first + k).v, "i64"), "i64"))
              for k in range(4)]  # fmt: skip
    window = [Lanes(f, f.call("fshl", pieces[k].v, pieces[k + 1].v, shift.v)) for k in range(3)]
    m, (high, middle, low) = _long(m), (_long(w) for w in window)
    total = ((m * high) << 64) + m * middle + (m * low).shift_down(64)  # a turn is 2**128
    n = (total + (1 << 125)) >> 126
    rest = total - (n << 126)
    upper = (rest >> 64).cast("trunc", "i64")
    lower = rest.cast("trunc", "i64").cast("uitofp", "double")
    top = upper.cast("sitofp", "double")
    under = (upper - top.cast("fptosi", "i64")).cast("sitofp", "double")
    a, b = sum_of_ordered(top * 2.0**-62, fma(under, 2.0**-62, lower * 2.0**-126))
    first_part, second_part, _ = HALF_PI["double"]
    p, rest_p = product_of(a, first_part)
    r, r_low = sum_of_ordered(p, rest_p + fma(a, second_part, b * first_part))
    sign = x < 0.0
    n64 = n.cast("trunc", "i64")
    for k, y in enumerate((where(sign, -r, r), where(sign, -r_low, r_low),
                           where(sign, -n64, n64))):  # fmt: skip
        f.store(f.at(Value("%out", "ptr"), k, "i64"), y.v)
    f.ret()
    outer.declarations.update(f.declarations)
    return f.text()


def _long(x: Lanes) -> Lanes:
    return x.cast("zext", "i128")


# ---- sine, cosine, tangent -----------------------------------------------------------------------


def _sine_near(r: Lanes, low: Lanes) -> Lanes:
    z = r * r
    return r + fma(z * r, polynomial(z, c.SIN[r.kind]), fma(z * low, -0.5, low))


def _cosine_near(r: Lanes, low: Lanes) -> Lanes:
    z = r * r
    half = z * 0.5
    w = 1.0 - half
    return w + (((1.0 - w) - half) + fma(z * z, polynomial(z, c.COS[r.kind]), -(r * low)))


def _finite_only(x: Lanes, result: Lanes) -> Lanes:
    return where(magnitude(x) < INF, result, x - x)


def _wave(x: Lanes, turn: int) -> Lanes:
    r, low, n = _reduced(x)
    n = n + turn
    y = where((n & 1).equals(0), _sine_near(r, low), _cosine_near(r, low))
    return _finite_only(x, where((n & 2).equals(0), y, -y))


def sin(x: Lanes) -> Lanes:
    return where(magnitude(x) < TINY_ANGLE[x.kind], x, _wave(x, 0))


def cos(x: Lanes) -> Lanes:
    return _wave(x, 1)


def tan(x: Lanes) -> Lanes:
    r, low, n = _reduced(x)
    s, k = _sine_near(r, low), _cosine_near(r, low)
    even = (n & 1).equals(0)
    y = where(even, s, -k) / where(even, k, s)
    return where(magnitude(x) < TINY_ANGLE[x.kind], x, _finite_only(x, y))


# ---- inverse functions ---------------------------------------------------------------------------

PI = {
    "float": (3.1415927410125732, -8.742278000372485e-8),
    "double": (math.pi, 1.2246467991473532e-16),
}


def _angle(y: Lanes, x: Lanes) -> Pair:
    """The angle of ``0 <= y <= x``, up to pi / 4, as a sum."""
    steep = y > x * 0.41421356
    q = where(steep, y - x, y) / where(steep, y + x, x)
    z = q * q
    high, low = PI[x.kind]
    series = (z * q) * polynomial(z, c.ATAN[x.kind])
    total, rest = sum_of_ordered(where(steep, q.filled(high / 4), 0.0), q)
    return where(steep, total, q), where(steep, rest + (series + low / 4), series)


def atan2(y: Lanes, x: Lanes) -> Lanes:
    """The angle of the point (x, y)."""
    a, b = magnitude(x), magnitude(y)
    swapped = b > a
    large, small = where(swapped, b, a), where(swapped, a, b)
    same = a.equals(b) & (a.equals(INF) | a.equals(0.0))
    small = where(same & a.equals(INF), 1.0, small)
    large = where(same, 1.0, large)
    if x.kind == "double":  # neither their sum nor their quotient's digits may be lost
        factor = where(large > 2.0**1000, 0.25, where(large < 2.0**-900, x.filled(2.0**100), 1.0))
        small, large = small * factor, large * factor
    else:
        factor = where(large > 2.0**120, 0.25, where(large < 2.0**-100, x.filled(2.0**24), 1.0))
        small, large = small * factor, large * factor
    high, low = _angle(small, large)
    pi, pi_rest = PI[x.kind]
    high, low = _from(swapped, pi / 2, pi_rest / 2, high, low)
    high, low = _from(x.bits < 0, pi, pi_rest, high, low)
    return where(x.is_nan | y.is_nan, x + y, copysign(high + low, y))


def _from(mask: Lanes, start: float, start_rest: float, high: Lanes, low: Lanes) -> Pair:
    """``start - (high + low)`` where `mask`, else as before."""
    total, rest = sum_of_ordered(high.filled(start), -high)
    return where(mask, total, high), where(mask, (start_rest - low) + rest, low)


def atan(x: Lanes) -> Lanes:
    a = magnitude(x)
    swapped = a > 1.0
    high, low = _angle(where(swapped, 1.0, a), where(swapped, a, 1.0))
    pi, pi_rest = PI[x.kind]
    high, low = _from(swapped, pi / 2, pi_rest / 2, high, low)
    return where(x.is_nan, x, copysign(high + low, x))


def _arc(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """Whether ``|x| <= 1/2``; then `x`, else sqrt((1 - |x|) / 2); and what asin adds to that."""
    a = magnitude(x)
    middle = a <= 0.5
    z = where(middle, x * x, (1.0 - a) * 0.5)
    y = where(middle, x, sqrt(z))
    return middle, y, (y * z) * polynomial(z, c.ASIN[x.kind])


def asin(x: Lanes) -> Lanes:
    middle, y, more = _arc(x)
    pi, pi_rest = PI[x.kind]
    total, rest = sum_of_ordered(y.filled(pi / 2), y * -2.0)
    outer = total + fma(more, -2.0, rest + pi_rest / 2)
    y = where(middle, y + more, copysign(outer, x))
    return where(magnitude(x) < TINY_ANGLE[x.kind], x, _inside(x, y))


def acos(x: Lanes) -> Lanes:
    middle, y, more = _arc(x)
    pi, pi_rest = PI[x.kind]
    total, rest = sum_of_ordered(y.filled(pi / 2), -y)
    near = total + ((rest + pi_rest / 2) - more)
    double = (y + more) * 2.0
    total, rest = sum_of_ordered(y.filled(pi), y * -2.0)
    below = total + fma(more, -2.0, rest + pi_rest)
    return _inside(x, where(middle, near, where(x > 0.0, double, below)))


def _inside(x: Lanes, y: Lanes) -> Lanes:
    return where(magnitude(x) <= 1.0, y, where(x.is_nan, x, NAN))
