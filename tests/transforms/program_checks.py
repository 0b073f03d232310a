"""What must hold of every random program: each transformation against another way to the same.

A check is a function of a `Case` that raises an AssertionError; `examine` runs all of them. Staging
and compiling take most of the time, so each check draws which of its compiled forms it looks at.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

import numpy as np
from programs import Program

import rtorch as rt
from rtorch.compiler.passes import optimize
from rtorch.errors import MissingRuleError

STEP = 1e-4
TOLERANCE, NARROW = 1e-8, 2e-3
STEEP = 1e5  # derivatives beyond that: rounding errors have grown too large to compare anything


class UnsuitableError(Exception):
    """The program says nothing: it is too steep, or not smooth at its arguments."""


class Case:
    """A program with its arguments, directions and batches."""

    def __init__(self, program: Program, seed: int = 0) -> None:
        self.program = program
        self.seed = seed
        self.f = program.function()
        self.rng = np.random.default_rng(seed)
        self.xs = list(program.inputs.values())
        self.ts = [self.noise(x) for x in self.xs]
        self.cts = [self.noise(y) for y in self.floats(*self.xs)]
        self.tolerance = NARROW if program.says("float32") else TOLERANCE
        self.forward_mode = not (program.says("custom_vjp") or program.says("custom_gradient"))
        self.rough = False  # whether differences were taken across a kink
        self.in_jax = False  # whether JAX could run it

    @property
    def differences(self) -> bool:
        """Whether finite differences tell the derivative."""
        return not (self.program.says("float32") or self.program.says("stop_gradient"))

    def draw(self, what: str, options: Sequence[Any]) -> Any:
        """One of the options, the same for every program of this seed."""
        return Random(f"{what} {self.seed}").choice(options)

    def noise(self, x: Any) -> Any:
        return rt.asarray(np.round(self.rng.standard_normal(x.shape), 2), dtype=rt.float64)

    # ---- functions

    def floats(self, *xs: Any) -> list[Any]:
        """The results that have derivatives."""
        return [y for y in self.f(*xs) if y.dtype.kind == "f"]

    def loss(self, *xs: Any) -> Any:
        """A number: weighted sines of all results."""
        total = rt.asarray(0.0, dtype=rt.float64)
        for y, ct in zip(self.floats(*xs), self.cts):
            total = total + rt.sum(rt.sin(y) * ct)
        return total

    def jvp(self, *xs: Any) -> Any:
        return rt.jvp(self.floats, xs, tuple(self.ts))[1]

    def vjp(self, *xs: Any) -> Any:
        return list(rt.vjp(self.floats, *xs)[1](self.cts))

    def grad(self, *xs: Any) -> Any:
        return list(rt.grad(self.loss, tuple(range(len(xs))))(*xs))

    def hvp(self, *xs: Any) -> Any:
        return rt.jvp(self.grad, xs, tuple(self.ts))[1]

    @cached_property
    def outs(self) -> Any:
        return self.f(*self.xs)

    @cached_property
    def dots(self) -> Any:
        return self.jvp(*self.xs)

    @cached_property
    def grads(self) -> Any:
        return self.grad(*self.xs)

    # ---- comparisons

    def close(self, got: Any, want: Any, what: str, tolerance: float = 1.0) -> None:
        got, want = list(got), list(want)
        assert len(got) == len(want), f"{what}: {len(got)} results, not {len(want)}"
        for i, (x, y) in enumerate(zip(got, want)):
            assert x.shape == y.shape, f"{what}, result {i}: shape {x.shape}, not {y.shape}"
            assert x.dtype == y.dtype, f"{what}, result {i}: {x.dtype}, not {y.dtype}"
            x, y = np.asarray(x), np.asarray(y)
            size = 1 + np.abs(y[np.isfinite(y)]).max(initial=0)
            same = np.isclose(x, y, 0, size * self.tolerance * tolerance, equal_nan=True)
            assert same.all(), f"{what}, result {i}: {x}\n  is not\n{y}"

    def near_differences(self, got: Any, function: Callable[..., Any], what: str) -> None:
        """Compare with central differences, extrapolated; not across kinks."""
        if not self.differences:
            return
        fine, coarse = self.difference(function, STEP), self.difference(function, 2 * STEP)
        for i, (x, a, b) in enumerate(zip(got, fine, coarse, strict=True)):
            want, error = (4 * a - b) / 3, np.abs(a - b)
            size = 1 + np.abs(want).max(initial=0)
            smooth = error < 1e-3 * size
            self.rough = self.rough or not np.all(smooth)
            wrong = smooth & ~(np.abs(np.asarray(x) - want) <= 2e-7 * size + error)
            assert not wrong.any(), f"{what}, result {i}: {x} against differences\n{want}"

    def difference(self, function: Callable[..., Any], step: float) -> list[Any]:
        ends = [function(*[x + sign * step * t for x, t in zip(self.xs, self.ts)])
                for sign in (1, -1)]  # fmt: skip
        return [(np.asarray(a) - np.asarray(b)) / (2 * step) for a, b in zip(*ends)]

    @cached_property
    def batch(self) -> "Batch":
        return Batch(self)


class Batch:
    """Arguments with a batch axis, or without one."""

    def __init__(self, case: Case) -> None:
        rng, n = np.random.default_rng([case.seed, 1]), len(case.xs)
        self.size = int(rng.choice([1, 2, 3]))
        axes = [int(rng.integers(x.ndim + 1)) if rng.integers(4) else None for x in case.xs]
        axes[int(rng.integers(n))] = 0
        self.axes = tuple(axes)
        self.lanes = [
            [x + 0.05 * case.noise(x) if axis is not None else x for x, axis in zip(case.xs, axes)]
            for _ in range(self.size)
        ]
        self.xs = [column[0] if axis is None else rt.stack(column, axis=axis)
                   for column, axis in zip(zip(*self.lanes), axes)]  # fmt: skip

    def looped(self, function: Callable[..., Any]) -> list[Any]:
        return [rt.stack(column) for column in zip(*[function(*lane) for lane in self.lanes])]


def inner(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    return sum(float(np.sum(np.asarray(x) * np.asarray(y))) for x, y in zip(xs, ys, strict=True))


# ---- checks --------------------------------------------------------------------------------------


def suitable(c: Case) -> None:
    """Not a check of the library: the derivatives have a size that can be compared."""
    found = [*c.grads, *(c.hvp(*c.xs) if c.forward_mode else [])]
    if max([np.abs(np.asarray(x)).max(initial=0) for x in found], default=0) > STEEP:
        raise UnsuitableError("steep")


def jit(c: Case) -> None:
    compiled = rt.jit(c.f)
    first = compiled(*c.xs)
    compiled(*c.ts)
    c.close(first, c.outs, "jit(f)")  # which the next call leaves alone


def passes(c: Case) -> None:
    function = c.draw("passes", [c.f, c.vjp, c.jvp if c.forward_mode else c.vjp])
    wanted, program = function(*c.xs), rt.make_program(function)(*c.xs)
    rt.check_program(program)
    c.close(rt.eval_program(program, *c.xs), wanted, f"eval_program of {function.__name__}")
    best = optimize(program)
    rt.check_program(best)
    c.close(rt.eval_program(best, *c.xs), wanted, f"eval_program of optimized {function.__name__}")


def jvp(c: Case) -> None:
    if not c.forward_mode:
        return
    values, dots = rt.jvp(c.floats, tuple(c.xs), tuple(c.ts))
    c.close(values, c.floats(*c.xs), "value of jvp")
    c.near_differences(dots, c.floats, "jvp")
    if c.draw("jvp", [True, False]):
        c.close(rt.jit(c.jvp)(*c.xs), dots, "jit(jvp)")
    else:
        c.close(rt.jvp(rt.jit(c.floats), tuple(c.xs), tuple(c.ts))[1], dots, "jvp(jit)")


def linearize(c: Case) -> None:
    if not c.forward_mode:
        return
    value, push = rt.linearize(c.floats, *c.xs)
    c.close(value, c.floats(*c.xs), "value of linearize")
    c.close(push(*c.ts), c.dots, "linearize")
    if c.draw("linearize", [True, False, False]):
        pushed = rt.jit(lambda *xs: rt.linearize(c.floats, *xs)[1](*c.ts))
        c.close(pushed(*c.xs), c.dots, "jit(linearize)")


def vjp(c: Case) -> None:
    value, pull = rt.vjp(c.floats, *c.xs)
    c.close(value, c.floats(*c.xs), "value of vjp")
    bars = list(pull(c.cts))
    left = inner(bars, c.ts)
    if c.forward_mode:
        right = inner(c.cts, c.dots)
        size = 1 + sum(abs(inner([a], [b])) for a, b in zip(c.cts, c.dots))
        assert abs(left - right) <= c.tolerance * size, f"<vjp, t> {left} is not <ct, jvp> {right}"

    def along(*xs: Any) -> list[Any]:
        return [np.asarray(inner(c.cts, c.floats(*xs)))]

    c.near_differences([np.asarray(left)], along, "<vjp, t>")
    if c.draw("vjp", [True, False]):
        c.close(rt.jit(c.vjp)(*c.xs), bars, "jit(vjp)")
    else:
        c.close(rt.vjp(rt.jit(c.floats), *c.xs)[1](c.cts), bars, "vjp(jit)")


def grad(c: Case) -> None:
    if c.draw("grad", [True, False]):
        c.close(rt.jit(c.grad)(*c.xs), c.grads, "jit(grad)")
    else:
        value, found = rt.jit(rt.value_and_grad(rt.jit(c.loss), tuple(range(len(c.xs)))))(*c.xs)
        c.close([value, *found], [c.loss(*c.xs), *c.grads], "jit(value_and_grad(jit))")


def vmap(c: Case) -> None:
    b = c.batch
    function = c.draw("vmap", [c.f, c.f, c.grad, c.jvp if c.forward_mode else c.vjp])
    wanted = b.looped(function)
    mapped = rt.vmap(function, in_axes=b.axes)
    where = f"{function.__name__}, in_axes={b.axes}, {b.size} lanes"
    c.close(mapped(*b.xs), wanted, f"vmap of {where}")
    if c.draw("jit of vmap", [True, False]):
        c.close(rt.jit(mapped)(*b.xs), wanted, f"jit(vmap) of {where}")
    else:
        c.close(rt.vmap(rt.jit(function), in_axes=b.axes)(*b.xs), wanted, f"vmap(jit) of {where}")


def grad_of_vmap(c: Case) -> None:
    b = c.batch
    lanes = [c.grad(*lane) for lane in b.lanes]
    wanted = [sum(column[1:], column[0]) if axis is None else rt.stack(column, axis=axis)
              for column, axis in zip(zip(*lanes), b.axes)]  # fmt: skip

    def total(*xs: Any) -> Any:
        return rt.sum(rt.vmap(c.loss, in_axes=b.axes)(*xs))

    found = rt.grad(total, tuple(range(len(c.xs))))
    if c.draw("grad of vmap", [True, False]):
        found = rt.jit(found)
    c.close(found(*b.xs), wanted, f"grad(sum(vmap)), in_axes={b.axes}, {b.size} lanes")


def empty_batch(c: Case) -> None:
    """No lanes: the right shapes and dtypes."""
    function = c.draw("empty", [None, None, None, c.f, c.grad])
    if function:
        xs = [rt.zeros((0, *x.shape), dtype=rt.float64) for x in c.xs]
        wanted = [rt.zeros((0, *y.shape), dtype=y.dtype) for y in function(*c.xs)]
        c.close(rt.vmap(function)(*xs), wanted, "vmap over no lanes")


def second(c: Case) -> None:
    if not c.forward_mode:
        return
    dots = c.hvp(*c.xs)
    c.near_differences(dots, c.grad, "jvp(grad)")
    if c.draw("second", [True, False]):
        c.close(rt.jit(c.hvp)(*c.xs), dots, "jit(jvp(grad))", 10)
    else:
        c.close(rt.vjp(c.grad, *c.xs)[1](c.ts), dots, "vjp(grad)", 10)


def jax(c: Case) -> None:
    import program_jax

    program_jax.compare(c)


CHECKS = [jit, passes, jvp, linearize, vjp, grad, vmap, grad_of_vmap, empty_batch, second]


class Failure(NamedTuple):
    """Which check failed, and how."""

    check: str
    text: str


class Outcome(NamedTuple):
    """What became of a program."""

    failures: list[Failure]
    rough: bool = False
    unsuitable: bool = False
    in_jax: bool = False


def examine(
    program: Program, seed: int = 0, checks: Sequence[Callable[[Case], None]] = CHECKS
) -> Outcome:
    """Run checks; `seed` is that of directions, batches and choices."""
    failures = []
    with np.errstate(all="ignore"):
        case = Case(program, seed)
        for check in (suitable, *checks):
            try:
                check(case)
            except UnsuitableError:
                return Outcome([], unsuitable=True)
            except MissingRuleError as error:
                if case.forward_mode or "forward mode" not in str(error):
                    failures.append(Failure(check.__name__, f"MissingRuleError: {error}"))
            except Exception as error:
                failures.append(Failure(check.__name__, f"{type(error).__name__}: {error}"))
    return Outcome(failures, case.rough, False, case.in_jax)
