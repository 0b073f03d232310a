"""Checks for functions made of rtorch: derivatives, transposes, batching, closeness.

Each raises `AssertionError` with both values when it finds a difference, and returns None
otherwise. They serve the tests of the library and those of programs that are built on it.
Random directions come from a fixed seed, so that a check that passes once passes always.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import rtorch as rt
from rtorch import tree
from rtorch.errors import ArgumentError, describe

__all__ = ["assert_close", "check_batch", "check_grads", "check_transpose"]

# Relative error that a few operations may leave, as a power of two times the dtype's epsilon.
_SLACK = 2.0**7
_MODES = ("fwd", "rev")


# ---- closeness -----------------------------------------------------------------------------------


def tolerance(*dtypes: Any) -> float:
    """The relative error that `assert_close` allows between arrays of `dtypes`: 0 for integers."""
    inexact = [d for d in dtypes if rt.isdtype(d, ("real floating", "complex floating"))]
    return max((_SLACK * float(rt.finfo(d).eps) for d in inexact), default=0.0)


def assert_close(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    *,
    check_dtype: bool = True,
    what: str = "",
) -> None:
    """Raise unless two pytrees of arrays agree in structure, shape, dtype and value.

    Values agree where ``|actual - expected| <= atol + rtol * |expected|``; nan agrees with nan,
    an infinity with itself.

    Args:
        actual: A pytree of arrays or numbers.
        expected: A pytree of the same structure, of rtorch or NumPy arrays or numbers.
        rtol: By default 128 times the epsilon of the coarser dtype, and 0 for integers.
        atol: By default `rtol`.
        check_dtype: Whether dtypes must be the same; Python numbers have none.
        what: What is compared, for the message.

    Raises:
        AssertionError: with the first path at which the trees differ and both values there.
        TreeError: if the structures differ.

    Example:
        >>> import rtorch as rt
        >>> rt.testing.assert_close(rt.exp(rt.zeros(2)), rt.ones(2))
        >>> rt.testing.assert_close({"w": rt.ones(2)}, {"w": rt.zeros(2)})
        Traceback (most recent call last):
        ...
        AssertionError: [assert_close] ['w']: 2 of 2 elements differ ...
    """
    tree.assert_same_structure(actual, expected)
    rows = zip(tree.leaves_with_path(actual), tree.leaves(expected), strict=True)
    for (path, x), y in rows:
        _leaf_close(x, y, rtol, atol, check_dtype, f"{what}{tree.keystr(path)}")


def _leaf_close(
    x: Any, y: Any, rtol: float | None, atol: float | None, check_dtype: bool, where: str
) -> None:
    place = f"[assert_close] {where}: " if where else "[assert_close] "
    typed = hasattr(x, "dtype") and hasattr(y, "dtype")
    a, b = np.asarray(x), np.asarray(y)
    if a.shape != b.shape:
        raise AssertionError(f"{place}shape {a.shape} came, {b.shape} was expected")
    if check_dtype and typed and a.dtype != b.dtype:
        raise AssertionError(f"{place}dtype {a.dtype} came, {b.dtype} was expected")
    known = [z.dtype for z, of in ((a, x), (b, y)) if hasattr(of, "dtype")]
    rtol = tolerance(*(known or [a.dtype])) if rtol is None else rtol
    atol = rtol if atol is None else atol
    wide_a, wide_b = _widen(a), _widen(b)
    wrong = ~np.isclose(wide_a, wide_b, rtol, atol, equal_nan=True)
    if wrong.any():
        raise AssertionError(place + _difference(wide_a, wide_b, wrong, rtol, atol))


def _widen(x: Any) -> Any:
    """`x` in a dtype that tells its values apart and that NumPy compares."""
    if rt.isdtype(x.dtype, "complex floating"):
        return x.astype(np.complex128)
    return x.astype(np.float64) if rt.isdtype(x.dtype, "real floating") else x


def _difference(a: Any, b: Any, wrong: Any, rtol: float, atol: float) -> str:
    with np.errstate(all="ignore"):
        # Differences of truth values and unsigned integers are not defined, or wrap around.
        gap = np.where(wrong, np.abs(a.astype(complex) - b.astype(complex)), 0)
    worst = np.unravel_index(np.argmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
    index = tuple(int(i) for i in worst)
    place = f" at {index}" if index else ""
    text = f"{int(wrong.sum())} of {a.size} elements differ by more than rtol={rtol:.2g}, "
    text += f"atol={atol:.2g}; the largest difference is {gap[worst]:.6g}{place}: "
    text += f"{a[worst]!s} came, {b[worst]!s} was expected"
    if 1 < a.size <= 20:
        text += f"\n  actual:\n{a}\n  expected:\n{b}"
    return text


# ---- flat functions ------------------------------------------------------------------------------


def _is_inexact(x: Any) -> bool:
    return rt.isdtype(x.dtype, ("real floating", "complex floating"))


def _flat(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Callable[..., Any], list[Any]]:
    """`f` as a function from its floating and complex leaves to those of its result."""
    leaves, treedef = tree.flatten(tuple(args))
    leaves = [rt.asarray(x) for x in leaves]
    places = [i for i, x in enumerate(leaves) if _is_inexact(x)]

    def flat(*xs: Any) -> list[Any]:
        merged = list(leaves)
        for i, x in zip(places, xs, strict=True):
            merged[i] = x
        outs = tree.leaves(f(*treedef.unflatten(merged)))
        return [y for y in map(rt.asarray, outs) if _is_inexact(y)]

    return flat, [leaves[i] for i in places]


def _like(rng: np.random.Generator, xs: Sequence[Any]) -> list[Any]:
    """Normal random numbers with the shapes and dtypes of `xs`."""

    def one(x: Any) -> Any:
        values: Any = rng.standard_normal(x.shape)
        if rt.isdtype(x.dtype, "complex floating"):
            values = values + 1j * rng.standard_normal(x.shape)
        return rt.asarray(np.asarray(values).astype(x.dtype))

    return [one(x) for x in xs]


def _inner(xs: Sequence[Any], ys: Sequence[Any]) -> tuple[float, float]:
    """The real part of the sum of all ``x * y``, in float64; and the same with absolute values."""
    total = size = 0.0
    for x, y in zip(xs, ys, strict=True):
        product = _widen(np.asarray(x)) * _widen(np.asarray(y))
        total += float(np.sum(product).real)
        size += float(np.sum(np.abs(product)))
    return total, size


def _same_inner(left: Any, right: Any, rtol: float, atol: float, text: str) -> None:
    """Raise unless two inner products agree, up to rounding of their terms."""
    (a, a_size), (b, b_size) = _inner(*left), _inner(*right)
    if not abs(a - b) <= atol + rtol * max(a_size, b_size):
        raise AssertionError(f"{text}: {a!r} against {b!r}, a difference of {abs(a - b):.6g}")


# ---- derivatives ---------------------------------------------------------------------------------


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
) -> None:
    """Raise unless the derivatives of a function agree with central finite differences.

    Forward mode is compared with ``(f(x + eps t) - f(x - eps t)) / (2 eps)`` for a random
    direction ``t``; reverse mode with forward mode by ``<ct, J t> = <J^T ct, t>``. For the next
    order the derivatives are themselves such functions, in every sequence of `modes`.

    Args:
        f: From pytrees to a pytree of arrays. Leaves that are no floating or complex numbers are
            held fixed among the arguments and left out of the result.
        args: A tuple of arguments. Differences of float64 and complex128 are precise to about
            eight digits, those of narrower dtypes to two or three.
        order: How often to differentiate.
        modes: ``"fwd"``, ``"rev"`` or both.
        atol: Absolute tolerance; 1e-6 for float64 by default.
        rtol: Relative tolerance; 1e-6 for float64 by default.
        eps: The step, by default the cube root of the dtype's epsilon.

    Raises:
        AssertionError: with the derivative, the difference quotient and the sequence of modes.

    Example:
        >>> import rtorch as rt
        >>> x = rt.asarray([0.3, 2.0], dtype=rt.float64)
        >>> rt.testing.check_grads(lambda x: rt.sin(x) * x, (x,))

    References:
        Griewank & Walther 2008, "Evaluating Derivatives", sections 1.3 and 3.2.
    """
    unknown = [mode for mode in modes if mode not in _MODES]
    if unknown or not modes:
        raise ArgumentError(f"[check_grads] modes: expected some of {_MODES}, got {modes!r}")
    if not isinstance(args, tuple | list):
        raise ArgumentError(f"[check_grads] args: expected a tuple, got {describe(args)}")
    flat, xs = _flat(f, args)
    if not xs:
        raise ArgumentError("[check_grads] args: there is no floating or complex array to vary")
    coarsest = max(float(rt.finfo(x.dtype).eps) for x in xs)
    step = coarsest ** (1 / 3) if eps is None else eps
    # The error of the quotient is about step**2 + epsilon / step.
    default = min(0.2, 2**15 * step**2)
    rtol = default if rtol is None else rtol
    atol = default if atol is None else atol
    _Derivatives(tuple(modes), rtol, atol, step).check(flat, xs, order, ())


class _Derivatives:
    """The settings of one `check_grads`."""

    def __init__(self, modes: tuple[str, ...], rtol: float, atol: float, eps: float) -> None:
        self.modes = modes
        self.rtol = rtol
        self.atol = atol
        self.eps = eps
        self.rng = np.random.default_rng(0)

    def check(
        self, f: Callable[..., Any], xs: list[Any], order: int, done: tuple[str, ...]
    ) -> None:
        """Both modes at `xs`, then both modes of the derivatives."""
        ts = _like(self.rng, xs)
        quotient = self.quotient(f, xs, ts)
        cts = _like(self.rng, f(*xs))
        if "fwd" in self.modes:
            self.forward(f, xs, ts, quotient, (*done, "fwd"))
        if "rev" in self.modes:
            self.reverse(f, xs, ts, cts, quotient, (*done, "rev"))
        if order > 1 and "fwd" in self.modes:
            self.check(lambda *at: rt.jvp(f, at, tuple(ts))[1], xs, order - 1, (*done, "fwd"))
        if order > 1 and "rev" in self.modes:
            self.check(lambda *at: list(rt.vjp(f, *at)[1](cts)), xs, order - 1, (*done, "rev"))

    def quotient(self, f: Callable[..., Any], xs: list[Any], ts: list[Any]) -> list[Any]:
        """The central difference quotient along `ts`, in float64 or complex128."""
        above = f(*[self.moved(x, t, self.eps) for x, t in zip(xs, ts, strict=True)])
        below = f(*[self.moved(x, t, -self.eps) for x, t in zip(xs, ts, strict=True)])
        wide = [[_widen(np.asarray(y)) for y in ys] for ys in (above, below)]
        return [(a - b) / (2 * self.eps) for a, b in zip(*wide, strict=True)]

    @staticmethod
    def moved(x: Any, t: Any, step: float) -> Any:
        values = _widen(np.asarray(x)) + step * _widen(np.asarray(t))
        return rt.asarray(np.asarray(values).astype(x.dtype))

    def forward(self, f: Any, xs: Any, ts: Any, quotient: Any, path: tuple[str, ...]) -> None:
        outs, dots = rt.jvp(f, tuple(xs), tuple(ts))
        for i, (y, dot, expected) in enumerate(zip(outs, dots, quotient, strict=True)):
            where = f"[check_grads] {' of '.join(reversed(path))}, result {i}"
            _same_type(dot, y, f"{where}: the tangent", "the value")
            try:
                assert_close(dot, expected, self.rtol, self.atol, check_dtype=False)
            except AssertionError as error:
                text = str(error).removeprefix("[assert_close] ")
                raise AssertionError(
                    f"{where}: jvp (came) against the finite difference (expected): {text}"
                ) from None

    def reverse(
        self, f: Any, xs: Any, ts: Any, cts: Any, quotient: Any, path: tuple[str, ...]
    ) -> None:
        where = f"[check_grads] {' of '.join(reversed(path))}"
        bars = rt.vjp(f, *xs)[1](cts)
        for i, (x, bar) in enumerate(zip(xs, bars, strict=True)):
            _same_type(bar, x, f"{where}: cotangent {i}", "the argument")
        dots, rtol, atol, rule = quotient, self.rtol, self.atol, "the finite difference"
        if "fwd" in self.modes:  # which has been checked: no error but of rounding
            dots, rule = rt.jvp(f, tuple(xs), tuple(ts))[1], "jvp"
            rtol = min(rtol, tolerance(*[x.dtype for x in (*xs, *dots)]))
        text = f"{where}: <t, vjp(ct)> against <ct, {rule}(t)>"
        _same_inner((ts, bars), (cts, dots), rtol, min(atol, rtol), text)


def _same_type(x: Any, like: Any, what: str, other: str) -> None:
    if x.shape != like.shape or x.dtype != like.dtype:
        raise AssertionError(
            f"{what} has shape {x.shape} and dtype {x.dtype}, {other} {like.shape} and {like.dtype}"
        )


# ---- linear functions ----------------------------------------------------------------------------


def check_transpose(
    f: Callable[..., Any],
    args: Sequence[Any],
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Raise unless ``<f(x), ct> = <x, transpose(ct)>`` for a linear function, up to rounding.

    Args:
        f: Linear in all its floating and complex arguments together.
        args: A tuple of arguments; only shapes and dtypes matter, values are drawn at random.
        rtol: Tolerance relative to the sum of the absolute products, by default that of
            `assert_close` for the dtype.
        atol: Absolute tolerance, by default `rtol`.

    Raises:
        AssertionError: with the two inner products.
        MissingRuleError: if an operation in `f` is not linear.

    Example:
        >>> import rtorch as rt
        >>> rt.testing.check_transpose(lambda x: rt.cumsum(3 * x), (rt.ones(4),))
    """
    flat, xs = _flat(f, args)
    rng = np.random.default_rng(0)
    xs = _like(rng, xs)
    ys = flat(*xs)
    cts = _like(rng, ys)
    bars = rt.linear_transpose(flat, *xs)(cts)
    for i, (x, bar) in enumerate(zip(xs, bars, strict=True)):
        _same_type(bar, x, f"[check_transpose] cotangent {i}", "the argument")
    rtol = tolerance(*[x.dtype for x in (*xs, *ys)]) if rtol is None else rtol
    text = "[check_transpose] <ct, f(x)> against <transpose(ct), x>"
    _same_inner((cts, ys), (bars, xs), rtol, rtol if atol is None else atol, text)


# ---- batching ------------------------------------------------------------------------------------


def check_batch(
    f: Callable[..., Any],
    args: Sequence[Any],
    in_axes: Any = 0,
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Raise unless ``vmap(f, in_axes)`` gives what a loop over the lanes gives.

    Of a batch of size 0, for which there is nothing to compare, shapes and dtypes are checked.

    Args:
        f: From arrays to a pytree of arrays.
        args: A tuple of arrays, batched as `in_axes` says.
        in_axes: An axis or None, or a tuple with one of them for every argument.
        rtol: Relative tolerance, by default that of `assert_close`.
        atol: Absolute tolerance, by default `rtol`.

    Raises:
        AssertionError: with the lane and both values.

    Example:
        >>> import rtorch as rt
        >>> rt.testing.check_batch(rt.matmul, (rt.ones((4, 2, 3)), rt.ones(3)), (0, None))
    """
    axes = in_axes if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
    arrays = [rt.asarray(x) for x in args]
    size = next((x.shape[d] for x, d in zip(arrays, axes, strict=True) if d is not None), None)
    if size is None:
        raise ArgumentError("[check_batch] in_axes: at least one argument must be batched")
    batched = rt.vmap(f, tuple(axes))(*arrays)
    pieces = [
        (x, None) if d is None else (np.asarray(x), d) for x, d in zip(arrays, axes, strict=True)
    ]
    if size == 0:
        specs = [
            rt.spec(x.shape if d is None else _without(x.shape, d), x.dtype) for x, d in pieces
        ]
        _check_empty(batched, rt.eval_shape(f, *specs))
    for i in range(size):
        lane = f(*[x if d is None else rt.asarray(np.take(x, i, d)) for x, d in pieces])
        mine = tree.map(lambda y, i=i: np.asarray(y)[i], batched)
        assert_close(mine, lane, rtol, atol, what=f"lane {i} of vmap against f on its own")


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]


def _check_empty(batched: Any, avals: Any) -> None:
    for (path, y), aval in zip(tree.leaves_with_path(batched), tree.leaves(avals), strict=True):
        if y.shape != (0, *aval.shape) or y.dtype != aval.dtype or math.prod(y.shape):
            raise AssertionError(
                f"[check_batch] {tree.keystr(path)}: a batch of size 0 gave shape {y.shape}, dtype "
                f"{y.dtype}; one lane has shape {aval.shape}, dtype {aval.dtype}"
            )
