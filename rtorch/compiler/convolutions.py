"""The primitive `conv` as convolutions of native code.

A convolution of a dilated input, the derivative of one with strides, is several without: each has
the places of the window that meet input, for pixels at regular distances. No zeros are multiplied.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from rtorch.compiler.fusion import Groups
from rtorch.compiler.lowering import Call, Launch
from rtorch.compiler.native.conv import (
    Convolution,
    Sums,
    Weights,
    packed_size,
    partial_size,
)
from rtorch.compiler.native.conv_dot import Dots, Total, dot_plan
from rtorch.compiler.native.conv_plan import Conv, Pixel, Step, cost, simplified
from rtorch.compiler.native.padding import Pad
from rtorch.compiler.native.target import host
from rtorch.compiler.products import KINDS
from rtorch.compiler.views import Ints, View, packed
from rtorch.core.program import Eqn

MOST_ELEMENTS = 1 << 31  # that the tables of a kernel can count

# Lines of pixels at the edge are convolutions of their own, in large ones, without what is zero.
LARGE = 10_000_000  # multiplications
FEW_LINES = 6
MOST_CUTS = 5
LEAST_SAVED = 0.03  # of the multiplications


class _Phase(NamedTuple):
    """Along one axis, pixels that meet the same places of the window.

    Pixel ``first + p * every`` and place ``tap + k * each`` of the window meet input
    ``at + p * step + k * reach``.
    """

    first: int
    every: int
    pixels: int
    tap: int
    each: int
    taps: int
    at: int
    step: int
    reach: int

    @property
    def last(self) -> int:
        """The last input that is met."""
        return self.at + (self.pixels - 1) * self.step + (self.taps - 1) * self.reach


def conv_call(eqn: Eqn, groups: Groups) -> Call | None:
    """The call that computes a `conv`; None where NumPy must."""
    x, w = eqn.args
    (out,) = eqn.outs
    kind = KINDS.get(str(out.aval.dtype))
    sizes = [v.aval.size for v in (x, w, out)]
    if kind is None or 0 in sizes or max(sizes) >= MOST_ELEMENTS or x.aval.ndim < 3:
        return None
    along = _along(eqn)
    if along is None:
        return None
    if len(along) > 1 and math.prod(out.aval.shape) * math.prod(w.aval.shape[1:]) >= LARGE:
        along[0] = _inside(along[0], x.aval.shape[2])
    low, high = _zeros(along, x.aval.shape[2:])
    source, of_w = groups.views[x], groups.views[w]
    operands = tuple(dict.fromkeys([source.root, of_w.root]))
    launches, temporaries = [], []
    dtype = str(out.aval.dtype)
    number_of_x = operands.index(source.root)

    def temporary(size: int) -> int:
        temporaries.append(((size,), dtype))
        return len(operands) + len(temporaries)  # after the operands and the result

    if any(low) or any(high):
        pad, shape = _pad(kind, source, x.aval.shape, low, high)
        number = temporary(math.prod(shape))
        launches.append(Launch(pad, (number_of_x, number)))
        number_of_x = number
        source = View(source.root, 0, packed(shape), None)
    convs = [simplified(_conv(kind, eqn, phases, low, source, of_w))
             for phases in itertools.product(*along)]  # fmt: skip
    number_of_w = operands.index(of_w.root)
    dots = dot_plan(convs[0], host()) if len(convs) == 1 else None
    if dots is not None and dots.cost < cost(convs[0], host()):
        size = out.aval.size
        to = temporary(dots.parts * size) if dots.parts > 1 else len(operands)
        launches.append(Launch(Dots(convs[0], size), (number_of_x, number_of_w, to)))
        if dots.parts > 1:
            launches.append(Launch(Total(kind, dots.parts, size), (to, len(operands))))
        convs = []
    for conv in convs:
        weights = temporary(packed_size(conv, host()))
        launches.append(Launch(Weights(conv), (number_of_w, weights)))
        size = partial_size(conv, host())
        to = temporary(size) if size else len(operands)
        launches.append(Launch(Convolution(conv), (number_of_x, weights, to)))
        if size:
            launches.append(Launch(Sums(conv), (to, len(operands))))
    return Call(tuple(launches), operands, (out,), tuple(temporaries), ((),))


def _along(eqn: Eqn) -> list[list[_Phase]] | None:
    """The phases of every axis; None if one has both strides and a dilated input."""
    (_, w), (out,), params = eqn.args, eqn.outs, eqn.params
    found = []
    for m, k, s, (low, _), gap, d in zip(
        out.aval.shape[2:], w.aval.shape[2:], params["strides"], params["padding"],
        params["lhs_dilation"], params["rhs_dilation"],
    ):  # fmt: skip
        if gap == 1:
            found.append([_Phase(0, 1, m, 0, 1, k, -low, s, d)])
        elif s == 1:
            found.append([_phase(r, m, k, low, gap, d) for r in range(min(gap, m))])
        else:
            return None
    return found


def _phase(first: int, m: int, k: int, low: int, gap: int, d: int) -> _Phase:
    """Every `gap`-th pixel from `first` on."""
    each = gap // math.gcd(gap, d)
    pixels = -(-(m - first) // gap)
    for tap in range(min(each, k)):
        if (first + tap * d - low) % gap == 0:
            at = (first + tap * d - low) // gap
            taps = -(-(k - tap) // each)
            return _Phase(first, gap, pixels, tap, each, taps, at, 1, each * d // gap)
    return _Phase(first, gap, pixels, 0, 1, 0, 0, 0, 0)


def _inside(phases: list[_Phase], n: int) -> list[_Phase]:
    """The phases of an axis, cut so that none meets the zeros about the input if that pays."""
    found: list[_Phase] = []
    for p in phases:
        for q in range(p.pixels):
            at = p.at + q * p.step
            first = min(p.taps, max(0, -(at // p.reach))) if p.taps else 0
            last = max(first, min(p.taps, (n - 1 - at) // p.reach + 1)) if p.taps else 0
            part = _Phase(p.first + q * p.every, p.every, 1, p.tap + first * p.each, p.each,
                          last - first, at + first * p.reach, p.step, p.reach)  # fmt: skip
            before = found[-1] if found else None
            if q and before is not None and (before.tap, before.taps) == (part.tap, part.taps):
                found[-1] = before._replace(pixels=before.pixels + 1)
            else:
                found.append(part)
    work = sum(p.pixels * p.taps for p in phases)
    saved = work - sum(p.pixels * p.taps for p in found)
    narrow = len(phases) > 1 or phases[0].pixels < FEW_LINES or len(found) > MOST_CUTS
    return phases if narrow or saved < LEAST_SAVED * work else found


def _zeros(along: list[list[_Phase]], space: Ints) -> tuple[Ints, Ints]:
    """How many zeros the input needs before and after, along each axis."""
    met = [[p for p in phases if p.taps] for phases in along]
    low = [max([0, *[-p.at for p in phases]]) for phases in met]
    high = [max([0, *[p.last - n + 1 for p in phases]]) for phases, n in zip(met, space)]
    return tuple(low), tuple(high)


def _pad(kind: str, view: View, shape: Ints, low: Ints, high: Ints) -> tuple[Pad, Ints]:
    padded = tuple([n + a + b for n, a, b in zip(shape[2:], low, high)])
    axes = list(zip(shape, view.strides))
    pad = Pad(kind, tuple(axes[:2]), tuple(axes[2:]), low, padded, view.offset)
    return pad, (*shape[:2], *padded)


def _conv(kind: str, eqn: Eqn, phases: tuple[_Phase, ...], low: Ints, x: View, w: View) -> Conv:
    out, groups = eqn.outs[0].aval.shape, eqn.params["groups"]
    outs, each = out[1] // groups, eqn.args[1].aval.shape[1]
    of_out = packed(out)
    steps = [Step(each, x.strides[1], w.strides[1])]
    pixels = [Pixel(out[0], x.strides[0], of_out[0])]
    x_at, w_at, c_at = x.offset, w.offset, 0
    for k, phase in enumerate(phases, 2):
        steps.append(Step(phase.taps, phase.reach * x.strides[k], phase.each * w.strides[k]))
        pixels.append(Pixel(phase.pixels, phase.step * x.strides[k], phase.every * of_out[k]))
        x_at += (phase.at + low[k - 2]) * x.strides[k]
        w_at += phase.tap * w.strides[k]
        c_at += phase.first * of_out[k]
    if any(phase.taps == 0 for phase in phases):  # smaller than the distance: zeros remain
        steps = [Step(0, 0, 0)]
    return Conv(
        kind, groups, outs, tuple(steps), tuple(pixels),
        (x_at, each * x.strides[1]), (w_at, outs * w.strides[0], w.strides[0]),
        (c_at, outs * of_out[1], of_out[1]),
    )  # fmt: skip
