"""`odeint`: ordinary differential equations, with the adjoint method for reverse mode.

The tangent of a solution solves a linear differential equation beside it (the forward
sensitivities). Its transpose is an equation that goes backwards in time, the adjoint: Pontryagin et
al. 1962, "The mathematical theory of optimal processes"; Chen, Rubanova, Bettencourt, Duvenaud
2018, "Neural ordinary differential equations". Both are integrated by the same function, so
derivatives of derivatives are found in the same way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ArgumentError, DTypeError, ShapeError, TracerError, api, describe
from rtorch.solvers.dormand_prince import Options, integrate


class ODEInfo(NamedTuple):
    """How an integration went.

    Attributes:
        success: Whether the last time was reached.
        steps: The number of steps, with those that had to be repeated.
        nfev: The number of evaluations of the slope.

    Example:
        >>> import rtorch as rt
        >>> ys, info = rt.solvers.odeint(lambda y, t: -y, 1.0, [0.0, 1.0], full_output=True)
        >>> bool(info.success), int(info.nfev) == 2 + 6 * int(info.steps)
        (True, True)
    """

    success: rt.Array
    steps: rt.Array
    nfev: rt.Array


@api
def odeint(
    func: Callable[..., Any], y0: Any, t: Any, *args: Any, rtol: float | None = None,
    atol: float | None = None, mxstep: int | None = None, hmax: float = rt.inf,
    full_output: bool = False,
) -> Any:  # fmt: skip
    """The solution of ``dy/dt = func(y, t, *args)`` at the times `t`.

    Args:
        func: From ``(y, t, *args)`` to the slope, like `y`.
        y0: The solution at ``t[0]``: a pytree of floating arrays.
        t: Times in ascending or descending order, shape (T,).
        *args: Pytrees of arrays that `func` takes further.
        rtol: The relative error that a step may have; 1.4e-8 by default, 1.2e-6 in float32.
        atol: The absolute one; likewise.
        mxstep: The largest number of steps; by default 100,000.
        hmax: The largest step.
        full_output: Return an `ODEInfo` too.

    Returns:
        Like `y0`, with a leading axis of length T; with `full_output` ``(ys, info)``. Times that
        were not reached have nan (too many steps, a step below the resolution of `t`, a slope that
        is not finite): ``info.success`` is then False, and there is a warning if values are known.

    Derivatives by `y0`, `t`, `args` and what `func` closes over: forward mode integrates the
    sensitivities beside the solution, reverse mode the adjoint backwards from one time to the one
    before, from the values at the times `t`. They are those of the exact solution, and agree
    with differences of what is returned as far as the tolerances go. Modes nest: forward over
    reverse is the sensitivity of the adjoint. Under `vmap` each lane has its own steps.

    References:
        Dormand, Prince 1980, "A family of embedded Runge-Kutta formulae"; Hairer, Norsett, Wanner
        1993, "Solving ordinary differential equations I"; Chen et al. 2018, "Neural ordinary
        differential equations".

    Example:
        >>> import rtorch as rt
        >>> t = rt.asarray([0.0, 0.5, 1.0])
        >>> ys = rt.solvers.odeint(lambda y, t, rate: -rate * y, 1.0, t, 2.0)
        >>> rt.round(ys, 4)
        Array([1.    , 0.3679, 0.1353], dtype=float32)
        >>> end = lambda rate: rt.solvers.odeint(lambda y, t: -rate * y, 1.0, t)[-1]
        >>> round(float(rt.grad(end)(2.0)), 4)
        -0.1353
    """
    start, unravel, times = _arguments(y0, t)
    options = _options(start.dtype, rtol, atol, mxstep, hmax)

    def slope(y: rt.Array, t: rt.Array, *args: Any) -> rt.Array:
        out = func(unravel(y), t, *args)
        rt.tree.assert_same_structure(structure, rt.tree.structure(out))
        flat = rt.tree.ravel_pytree(out)[0]
        if flat.shape != y.shape:
            raise ShapeError(f"[odeint] func gives {flat.size} numbers for a y of {y.size}")
        if rt.promote_types(flat.dtype, y.dtype) != y.dtype:
            raise DTypeError(
                f"[odeint] func gives {flat.dtype} for a y of {y.dtype}: convert y0 with "
                f".astype(rt.{flat.dtype})"
            )
        return flat.astype(y.dtype)

    structure = rt.tree.structure(y0)
    converted, consts = rt.closure_convert(slope, start, times[0], *args)
    leaves, treedef = rt.tree.flatten((args, consts))
    leaves = [rt.asarray(x) for x in leaves]
    moving = [rt.isdtype(x.dtype, ("real floating", "complex floating")) for x in leaves]
    chosen = [x for x, m in zip(leaves, moving) if m]
    fixed = [x for x, m in zip(leaves, moving) if not m]

    def flat_slope(y: rt.Array, t: rt.Array, chosen: Any, fixed: Any) -> rt.Array:
        some, rest = iter(chosen), iter(fixed)
        args, consts = treedef.unflatten([next(some) if m else next(rest) for m in moving])
        return converted(y, t, *args, *consts)

    ys, info = _solution(flat_slope, options)(start, times, chosen, fixed)
    _warn(info[0])
    ys = rt.vmap(unravel)(ys)
    return (ys, ODEInfo(*info)) if full_output else ys


def _arguments(y0: Any, t: Any) -> tuple[rt.Array, Callable[[rt.Array], Any], rt.Array]:
    for leaf in rt.tree.leaves(y0):
        if not rt.isdtype(rt.asarray(leaf).dtype, ("real floating", "complex floating")):
            raise DTypeError(
                f"[odeint] y0 must be floating, got {describe(leaf)}. Convert it with "
                ".astype(rt.float32)"
            )
    start, unravel = rt.tree.ravel_pytree(y0)
    times = rt.asarray(t)
    if times.ndim != 1 or times.size == 0:
        raise ShapeError(f"[odeint] t must have shape (T,) with T >= 1, got {describe(t)}")
    if rt.isdtype(times.dtype, "complex floating"):
        raise DTypeError(f"[odeint] t must be real, got {describe(t)}")
    return start, unravel, times.astype(rt.real(start).dtype)


def _options(dtype: Any, rtol: Any, atol: Any, mxstep: Any, hmax: Any) -> Options:
    usual = max(1.4e-8, 10 * float(rt.finfo(dtype).eps))
    if mxstep is not None and (type(mxstep) is not int or mxstep < 1):
        raise ArgumentError(f"[odeint] mxstep: expected a positive integer, got {mxstep!r}")
    return Options(
        usual if rtol is None else rtol, usual if atol is None else atol,
        100_000 if mxstep is None else mxstep, hmax,
    )  # fmt: skip


def _warn(success: rt.Array) -> None:
    try:
        known = bool(success)
    except TracerError:
        return  # the caller has `full_output`
    if not known:
        text = "odeint did not reach the last time: what is missing is nan (see full_output)"
        warnings.warn(text, RuntimeWarning, stacklevel=4)


# ---- derivatives ---------------------------------------------------------------------------------

Slope = Callable[[rt.Array, rt.Array, Any, Any], rt.Array]  # (y, t, chosen, fixed)
Leaves = Sequence[rt.Array]


def _solution(f: Slope, options: Options) -> Callable[..., Any]:
    """The solution as a function of (y0, t, chosen, fixed) with its derivative.

    `chosen` are the arguments of the slope that have derivatives, `fixed` the others.
    """

    @rt.custom_jvp
    def solution(y0: rt.Array, t: rt.Array, chosen: Leaves, fixed: Leaves) -> Any:
        return integrate(lambda y, t: f(y, t, chosen, fixed), y0, t, options)

    def rule(primals: Any, tangents: Any) -> Any:
        _, t, chosen, fixed = primals
        ys, info = solution(*primals)
        dots = rt.linear_call(
            lambda known, dots: _sensitivity(f, options, known, dots),
            lambda known, cts: _adjoint(f, options, known, cts),
            (ys, t, list(chosen), list(fixed)),
            (tangents[0], tangents[1], list(tangents[2])),
        )
        return (ys, info), (dots, None)

    solution.defjvp(rule)
    return solution


def _sensitivity(f: Slope, options: Options, known: Any, dots: Any) -> rt.Array:
    """Tangents of the solution: they are integrated together with it."""
    ys, t, chosen, fixed = known
    y_dot, t_dot, chosen_dot = dots
    n = ys.shape[1]

    def both(z: rt.Array, t: rt.Array, moving: Any, fixed: Any) -> rt.Array:
        chosen, chosen_dot = moving
        point, dot = rt.jvp(
            lambda y, chosen: f(y, t, chosen, fixed), (z[:n], chosen), (z[n:], chosen_dot)
        )
        return rt.concatenate([point, dot])

    slopes = rt.vmap(lambda y, t: f(y, t, chosen, fixed))(ys, t)
    start = rt.concatenate([ys[0], y_dot - slopes[0] * t_dot[0]])
    zs, _ = _solution(both, options)(start, t, (chosen, chosen_dot), fixed)
    return zs[:, n:] + slopes * t_dot[:, None]


def _adjoint(f: Slope, options: Options, known: Any, cts: rt.Array) -> Any:
    """Cotangents of (y0, t, chosen): integrated backwards, from the solution at every time."""
    ys, t, chosen, fixed = known
    n = ys.shape[1]
    vector, unravel = rt.tree.ravel_pytree(chosen) if chosen else (ys[0][:0], lambda v: [])

    def back(z: rt.Array, t: rt.Array, moving: Any, fixed: Any) -> rt.Array:
        """The slope of the solution, of its cotangent and of those of the arguments."""
        point, pull = rt.vjp(lambda y, chosen: f(y, t, chosen, fixed), z[:n], moving)
        y_ct, chosen_ct = pull(-z[n : 2 * n])
        flat = rt.tree.ravel_pytree(chosen_ct)[0] if moving else vector
        return rt.concatenate([point, y_ct, flat.astype(z.dtype)])

    def interval(carry: Any, x: Any) -> Any:
        ct, sums = carry
        y, y_ct, late, early = x
        start = rt.concatenate([y, ct + y_ct, sums])
        zs, _ = _solution(back, options)(start, rt.stack([late, early]), chosen, fixed)
        end = zs[-1]
        return (end[n : 2 * n], end[2 * n :]), ()

    first = (rt.zeros_like(ys[0]), rt.zeros(vector.shape, dtype=ys.dtype))
    (ct, sums), _ = rt.scan(interval, first, (ys[1:], cts[1:], t[1:], t[:-1]), reverse=True)
    slopes = rt.vmap(lambda y, t: f(y, t, chosen, fixed))(ys, t)
    t_ct = rt.sum(cts * slopes, axis=1).at[0].set(-rt.sum(ct * slopes[0]))
    return ct + cts[0], t_ct.astype(t.dtype), unravel(sums.astype(vector.dtype))
