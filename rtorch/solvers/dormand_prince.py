"""The Runge-Kutta method of Dormand and Prince, of order 5(4), with its dense output.

Dormand, Prince 1980, "A family of embedded Runge-Kutta formulae"; starting step, step control and
interpolation of order 4 as in Hairer, Norsett, Wanner 1993, "Solving ordinary differential
equations I", sections II.4 to II.6; PI control: Gustafsson 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rtorch as rt

# The tableau. The last row of A is the solution of order 5: its slope begins the next step.
C = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
A = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
DENSE = (
    -12715105075 / 11282082432, 0.0, 87487479700 / 32700410799, -10690763975 / 1880347072,
    701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423,
)  # fmt: skip

SAFETY, SMALLEST, LARGEST = 0.9, 0.2, 10.0
BETA = 0.04  # of the PI controller

Slope = Callable[[rt.Array, rt.Array], rt.Array]


class Options(NamedTuple):
    """Tolerances, the largest number of steps and the largest step."""

    rtol: Any
    atol: Any
    mxstep: int
    hmax: Any


class _State(NamedTuple):
    """After a step from `before` to `t`."""

    y: rt.Array
    slope: rt.Array
    t: rt.Array
    h: rt.Array  # the size of the next step, positive
    before: rt.Array
    dense: tuple[rt.Array, ...]  # coefficients of the interpolation in between
    error: rt.Array  # that of the last good step, for the PI controller
    steps: rt.Array
    evals: rt.Array
    fine: rt.Array


def integrate(
    f: Slope, y0: rt.Array, t: rt.Array, options: Options
) -> tuple[rt.Array, tuple[rt.Array, rt.Array, rt.Array]]:
    """Solutions of ``dy/dt = f(y, t)`` at the times `t`, from ``y0`` at ``t[0]``.

    Args:
        f: The slope, of flat vectors.
        y0: A vector.
        t: Times in ascending or descending order.
        options: See `Options`.

    Returns:
        The solutions, of shape (len(t), len(y0)), and (success, steps, evaluations). What was not
        reached is nan.
    """
    sign = rt.where(t[-1] < t[0], -1.0, 1.0).astype(t.dtype)
    slope = f(y0, t[0])
    h = _first_step(f, y0, t[0], slope, sign, options)
    start = _State(
        y0, slope, t[0], h, t[0], (y0, *[rt.zeros_like(y0)] * 4), rt.full_like(h, 1e-4),
        rt.asarray(0), rt.asarray(2), rt.all(rt.isfinite(slope)),
    )  # fmt: skip

    def reach(s: _State, target: rt.Array) -> tuple[_State, rt.Array]:
        def short(s: _State) -> rt.Array:
            return s.fine & (sign * (target - s.t) > 0) & (s.steps < options.mxstep)

        s = rt.while_loop(short, lambda s: _step(f, s, sign, options), s)
        reached = sign * (target - s.t) <= 0
        width = s.t - s.before
        part = (target - s.before) / rt.where(width != 0, width, 1.0)
        return s, rt.where(reached, _interpolate(s.dense, part), rt.nan)

    end, ys = rt.scan(reach, start, t[1:])
    success = sign * (t[-1] - end.t) <= 0
    return rt.concatenate([y0[None], ys]), (success, end.steps, end.evals)


def _step(f: Slope, s: _State, sign: rt.Array, options: Options) -> _State:
    """Try a step; it is taken if the error is small enough."""
    h = sign * s.h
    slopes = [s.slope]
    y = s.y
    for c, row in zip(C, A):
        y = s.y + h * _combine(row, slopes)
        slopes.append(f(y, s.t + c * h))
    error = _norm(h * _combine(ERROR, slopes), s.y, y, options)
    finite = rt.isfinite(error)
    good = finite & (error <= 1.0)
    safe = rt.maximum(rt.where(finite, error, 1.0), 1e-10)
    grow = SAFETY * safe ** -(0.2 - 0.75 * BETA) * s.error**BETA
    shrink = rt.where(finite, rt.minimum(SAFETY * safe**-0.2, 1.0), SMALLEST)
    factor = rt.clip(rt.where(good, grow, shrink), SMALLEST, LARGEST)
    after = s.t + h
    taken = s._replace(
        y=y, slope=slopes[-1], t=after, before=s.t, error=rt.maximum(safe, 1e-4),
        dense=_dense(s.y, y, h, slopes),
    )  # fmt: skip
    out = _State(*rt.tree.map(lambda new, old: rt.where(good, new, old), taken, s))
    moves = after != s.t  # else the step is below the resolution of the numbers
    return out._replace(
        h=rt.minimum(s.h * factor, options.hmax).astype(s.h.dtype), steps=s.steps + 1,
        evals=s.evals + 6, fine=s.fine & moves,
    )  # fmt: skip


def _combine(weights: tuple[float, ...], slopes: list[rt.Array]) -> rt.Array:
    row = rt.asarray(weights, dtype=slopes[0].dtype)
    return row @ rt.stack(slopes[: len(weights)])


def _norm(error: rt.Array, y: rt.Array, after: rt.Array, options: Options) -> rt.Array:
    """The size of an error; 1 is what the tolerances allow."""
    scale = options.atol + options.rtol * rt.maximum(rt.abs(y), rt.abs(after))
    return rt.sqrt(rt.mean(rt.abs(error / scale) ** 2))


def _dense(y: rt.Array, after: rt.Array, h: rt.Array, slopes: list[rt.Array]) -> Any:
    """Hairer, Norsett, Wanner 1993, II.6, as in their code DOPRI5."""
    change = after - y
    bend = h * slopes[0] - change
    return y, change, bend, change - h * slopes[-1] - bend, h * _combine(DENSE, slopes)


def _interpolate(dense: tuple[rt.Array, ...], part: rt.Array) -> rt.Array:
    y, change, bend, third, fourth = dense
    rest = 1.0 - part
    return y + part * (change + rest * (bend + part * (third + rest * fourth)))


def _first_step(
    f: Slope, y: rt.Array, t: rt.Array, slope: rt.Array, sign: rt.Array, options: Options
) -> rt.Array:
    """A first step size (Hairer, Norsett, Wanner 1993, page 169)."""

    def size(x: rt.Array) -> rt.Array:
        return _norm(x, y, y, options)

    d0, d1 = size(y), size(slope)
    small = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = rt.where(small, 1e-6, 0.01 * d0 / rt.where(small, 1.0, d1))
    d2 = size(f(y + sign * h0 * slope, t + sign * h0) - slope) / h0
    largest = rt.maximum(d1, d2)
    flat = largest <= 1e-15
    h1 = rt.where(flat, rt.maximum(1e-6, h0 * 1e-3), (0.01 / rt.where(flat, 1.0, largest)) ** 0.2)
    h = rt.minimum(rt.minimum(100.0 * h0, h1), options.hmax)
    return rt.where(rt.isfinite(h), h, 1e-6).astype(t.dtype)
