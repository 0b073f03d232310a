"""The families of primitives, and the few operations that their rules rest on.

A family supplies most rules by inheritance:

- `Elementwise`: one partial derivative per operand, given the answer; linearized by recording
  the partials, so that reverse mode is one multiplication per operand.
- `Linear`: linear in all its operands together; states `transpose`.
- `Bilinear`: linear in each of two operands; states `transpose`.
- `Nondifferentiable`: results without derivatives (comparisons, indices).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy import ndarray

from rtorch.core.array import Array
from rtorch.core.aval import Aval
from rtorch.core.dtypes import HALVES, DType, float32, is_bfloat16
from rtorch.core.primitive import Primitive, is_linear
from rtorch.core.trace import aval_of, state

# ---- helpers of rules ----------------------------------------------------------------------------


def add_tangents(x: Any, y: Any) -> Any:
    """The sum of two tangents or cotangents, either of which may be None (zero)."""
    if x is None:
        return y
    return x if y is None else add_p(x, y)


def scale(t: Any, factor: Any, singular: bool = False) -> Any:
    """``t * factor`` for a tangent or cotangent; the factor may be a Python scalar."""
    if factor is None:
        return None
    if isinstance(factor, (int, float)):
        if factor == 1:
            return t
        if factor == -1:
            return neg_p(t)
    return mul_no_nan_p(t, factor) if singular else mul_p(t, factor)


def zeros(aval: Aval) -> Any:
    """Zeros of an aval, as an array without memory of its own."""
    return broadcast_p(wrap_scalar(0, aval.dtype), shape=aval.shape, axes=())


def wrap_scalar(value: Any, dtype: DType) -> Array:
    return Array(np.asarray(value, dtype))


def instantiate(tangent: Any, primal: Any) -> Any:
    """`tangent`, or zeros like `primal` for None."""
    return zeros(aval_of(primal)) if tangent is None else tangent


def move_dim(x: Any, src: int, dst: int) -> Any:
    """`x` with axis `src` moved to `dst`."""
    if src == dst:
        return x
    axes = [i for i in range(len(x.shape)) if i != src]
    axes.insert(dst, src)
    return permute_dims_p(x, axes=tuple(axes))


def batch_size(args: Sequence[Any], dims: Sequence[int | None]) -> int:
    return next(a.shape[d] for a, d in zip(args, dims) if d is not None)


def free_axes(ndim: int, *used: Sequence[int]) -> tuple[int, ...]:
    """The axes that are not in `used`."""
    return tuple([i for i in range(ndim) if not any(i in axes for axes in used)])


def batched_front(x: Any, dim: int | None, size: int) -> Any:
    """`x` with its batch axis in front; an unbatched array is broadcast."""
    if dim is not None:
        return move_dim(x, dim, 0)
    if not isinstance(x, Array):
        return x
    return broadcast_p(x, shape=(size, *x.shape), axes=tuple(range(1, len(x.shape) + 1)))


def align(args: Sequence[Any], dims: Sequence[int | None]) -> tuple[Sequence[Any], int]:
    """All array operands batched along one axis; Python scalars stay as they are."""
    dim, last = dims[0], dims[-1]
    if (
        len(args) <= 2
        and dim is not None
        and (dim == last or (last is None and not isinstance(args[1], Array)))
    ):
        return args, dim
    seen = {d for a, d in zip(args, dims) if d is not None or isinstance(a, Array)}
    if len(seen) == 1:
        return args, seen.pop()  # type: ignore[return-value]
    size = batch_size(args, dims)
    return [batched_front(a, d, size) for a, d in zip(args, dims)], 0


# ---- families ------------------------------------------------------------------------------------

# Given the answer and the operands: the derivative by one operand, as an array or a Python scalar.
Partial: TypeAlias = Callable[..., Any]


# What takes few machine instructions; `cost_analysis` counts the others as transcendental.
ARITHMETIC = {
    "abs", "add", "ceil", "copysign", "div", "floor", "floor_divide", "fmod", "integer_pow",
    "maximum", "minimum", "mul", "mul_no_nan", "neg", "nextafter", "relu", "remainder", "round",
    "select", "sign", "sub", "trunc",
}  # fmt: skip


class Elementwise(Primitive):
    """A scalar function applied to every element; operands have one shape, or are scalars."""

    keeps_weak = True
    partials: tuple[Partial | None, ...] = ()  # None: the derivative is zero everywhere
    singular: ClassVar[bool] = False  # partials may be infinite: 0 * inf is 0 in derivatives

    def __init__(self) -> None:
        super().__init__()
        if self.ufunc is not None and type(self).impl is Elementwise.impl:
            self.direct = getattr(np, self.ufunc)
        self.transcendental = self.differentiable and self.name not in ARITHMETIC  # type: ignore[misc]

    def flops(self, *args: Any, **params: Any) -> float:
        return float(self.infer(*args, **params).size)

    def impl(self, xp: Any, *xs: Any, **params: Any) -> Any:
        assert self.ufunc is not None
        return getattr(xp, self.ufunc)(*xs)

    def infer(self, *operands: Any, **params: Any) -> Aval:
        return next(Aval(x.shape, x.dtype) for x in operands if isinstance(x, Aval))

    def jvp(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        primals, tangents = args
        out = self(*primals, **params)
        tangent = None
        for partial, t in zip(self.partials, tangents):
            if t is not None and partial is not None:
                factor = partial(out, *primals, **params)
                tangent = add_tangents(tangent, scale(t, factor, self.singular))
        return out, tangent

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        out = state.trace.bind(self, primals, params)
        terms = []
        for partial, t in zip(self.partials, tangents):
            if t is not None and partial is not None:
                factor = partial(out, *primals, **params)
                if factor is not None:
                    terms.append((t, factor))
        return out, tape.scaled(terms, self.singular, out) if terms else None

    def lower(self, scalar: Any, *operands: Any, **params: Any) -> Any:
        return scalar(self.name, *operands)

    def batch(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        operands, dims = args
        dim = dims[0]
        if dim is None or dim != dims[-1] or len(dims) > 2:
            operands, dim = align(operands, dims)
        return state.trace.bind(self, tuple(operands), params), dim


class Nondifferentiable(Primitive):
    """A primitive whose result has no derivative."""

    differentiable = False

    def jvp(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        primals, _ = args
        return self(*primals, **params), None


def elementwise(
    name: str,
    impl: str | Callable[..., Any],
    *partials: Partial | None,
    singular: bool = False,
    into: Callable[..., None] | None = None,
    doc: str = "",
) -> Elementwise:
    """Declare an elementwise primitive in one line.

    Args:
        name: The primitive's name.
        impl: The name of a NumPy ufunc, or ``(xp, *raw) -> raw``.
        *partials: One per operand: ``(answer, *operands) -> derivative``; None where it is zero.
        singular: Whether a partial can be infinite.
        into: ``(out, *raw) -> None``: writes the result, for an `impl` that is no ufunc.
        doc: What it computes.
    """
    members: dict[str, Any] = {"name": name, "partials": partials, "singular": singular}
    if isinstance(impl, str):
        members["ufunc"] = impl
    else:
        members["impl"] = lambda self, xp, *xs: impl(xp, *xs)
    if into is not None:
        members |= {"into": staticmethod(into), "overwrites": (0,)}
    members["__doc__"] = doc or f"Elementwise {name}."
    return type(name, (Elementwise,), members)()


class Linear(Primitive):
    """Linear in all array operands together: the derivative is the operation itself."""

    def jvp(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        primals, tangents = args
        out = self(*primals, **params)
        return out, self(*map(instantiate, tangents, primals), **params)

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        out = state.trace.bind(self, primals, params)
        if len(tangents) > 1:
            tangents = [aval_of(p) if t is None else t for p, t in zip(primals, tangents)]
        return out, tape.image(self, (tangents,), params, out)


class Bilinear(Primitive):
    """Linear in each of its two operands."""

    def jvp(self, *args: Any, **params: Any) -> tuple[Any, Any]:
        primals, tangents = args
        (x, y), (x_dot, y_dot) = primals, tangents
        left = None if x_dot is None else self(x_dot, y, **params)
        right = None if y_dot is None else self(x, y_dot, **params)
        return self(x, y, **params), add_tangents(left, right)

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        (x, y), (x_dot, y_dot) = primals, tangents
        parts = []
        if x_dot is not None:
            parts.append((x_dot, y))
        if y_dot is not None:
            parts.append((x, y_dot))
        out = state.trace.bind(self, primals, params)
        return out, tape.image(self, parts, params, out)


# ---- arithmetic that derivatives are made of -----------------------------------------------------


class Neg(Elementwise):
    """``-x``."""

    name = "neg"
    ufunc = "negative"
    partials = (lambda out, x: -1,)

    def transpose(self, ct: Any, x: Any) -> Any:
        return (neg_p(ct),)


class Add(Elementwise):
    """``x + y``."""

    name = "add"
    ufunc = "add"
    partials = (lambda out, x, y: 1, lambda out, x, y: 1)

    def transpose(self, ct: Any, x: Any, y: Any) -> Any:
        return ct if is_linear(x) else None, ct if is_linear(y) else None


class Sub(Elementwise):
    """``x - y``."""

    name = "sub"
    ufunc = "subtract"
    partials = (lambda out, x, y: 1, lambda out, x, y: -1)

    def transpose(self, ct: Any, x: Any, y: Any) -> Any:
        return ct if is_linear(x) else None, neg_p(ct) if is_linear(y) else None


class Mul(Elementwise):
    """``x * y``."""

    name = "mul"
    ufunc = "multiply"
    partials = (lambda out, x, y: y, lambda out, x, y: x)

    def transpose(self, ct: Any, x: Any, y: Any) -> Any:
        return (mul_p(ct, y), None) if is_linear(x) else (None, mul_p(ct, x))


class MulNoNan(Elementwise):
    """``x * y``, and 0 where ``x`` is 0 whatever ``y`` is.

    Derivatives of functions with infinite slopes use it, so that a branch that ``where`` did not
    take contributes 0 instead of 0 * inf = nan.
    """

    name = "mul_no_nan"
    partials = (lambda out, x, y: y, None)

    def impl(self, xp: Any, x: Any, y: Any) -> Any:
        out = xp.multiply(x, y)
        if xp is np and np.isfinite(np.add.reduce(out, None)):
            return out  # nothing to repair, and one pass is cheaper than three
        return xp.where(x == 0, xp.zeros((), out.dtype), out)

    @staticmethod
    def into(out: Any, x: Any, y: Any) -> None:
        np.multiply(x, y, out)
        if not np.isfinite(np.add.reduce(out, None)):
            np.copyto(out, 0, where=x == 0)

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        (x, y), (x_dot, y_dot) = primals, tangents
        left = None if x_dot is None else mul_no_nan_p(x_dot, y)
        right = None if y_dot is None else mul_no_nan_p(x, y_dot)
        return mul_no_nan_p(x, y), add_tangents(left, right)

    def linearize(self, tape: Any, primals: Any, tangents: Any, **params: Any) -> tuple[Any, Any]:
        return Bilinear.linearize(self, tape, primals, tangents)  # type: ignore[arg-type]

    def transpose(self, ct: Any, x: Any, y: Any) -> Any:
        return (mul_no_nan_p(ct, y), None) if is_linear(x) else (None, mul_no_nan_p(x, ct))


neg_p, add_p, sub_p, mul_p, mul_no_nan_p = Neg(), Add(), Sub(), Mul(), MulNoNan()

# ---- shape ---------------------------------------------------------------------------------------


class Broadcast(Linear):
    """Axis ``i`` of ``x`` becomes axis ``axes[i]`` of ``shape``; axes of length 1 stretch."""

    name = "broadcast"
    keeps_weak = True
    view = True

    def impl(self, xp: Any, x: Any, *, shape: Any, axes: Any) -> Any:
        if type(x) is ndarray and x.flags.c_contiguous and not is_bfloat16(x.dtype) and x.size:
            strides = [0] * len(shape)
            for axis, n, stride in zip(axes, x.shape, x.strides):
                strides[axis] = stride if n == shape[axis] else 0
            # np.broadcast_to does this too, in five times the time.
            return ndarray(shape, x.dtype, x, 0, strides)
        if type(x) is ndarray and x.ndim and x.size and not any(x.strides):  # one element, repeated
            return self.impl(xp, x[(0,) * x.ndim + (...,)], shape=shape, axes=())
        kept = [slice(None) if i in axes else None for i in range(len(shape))]
        return xp.broadcast_to(x[tuple(kept)], shape)

    def infer(self, x: Any, *, shape: Any, axes: Any) -> Aval:
        return Aval(shape, x.dtype)

    def transpose(self, ct: Any, x: Any, *, shape: Any, axes: Any) -> Any:
        summed = [i for i in range(len(shape)) if i not in axes]
        summed += [a for a, n in zip(axes, x.shape) if n != shape[a]]
        ct = reduce_sum_p(ct, axes=tuple(sorted(summed))) if summed else ct
        return (ct if ct.shape == x.shape else reshape_p(ct, shape=x.shape),)

    def batch(self, args: Any, dims: Any, *, shape: Any, axes: Any) -> tuple[Any, Any]:
        x = move_dim(args[0], dims[0], 0)
        axes = (0, *(a + 1 for a in axes))
        return self(x, shape=(x.shape[0], *shape), axes=axes), 0


class Reshape(Linear):
    """The elements of ``x``, in row-major order, as ``shape``."""

    name = "reshape"
    keeps_weak = True
    view = True
    view_if_packed = True

    def impl(self, xp: Any, x: Any, *, shape: Any) -> Any:
        return x.reshape(shape)

    def infer(self, x: Any, *, shape: Any) -> Aval:
        return Aval(shape, x.dtype)

    def transpose(self, ct: Any, x: Any, *, shape: Any) -> Any:
        return (reshape_p(ct, shape=x.shape),)

    def batch(self, args: Any, dims: Any, *, shape: Any) -> tuple[Any, Any]:
        x = move_dim(args[0], dims[0], 0)
        return self(x, shape=(x.shape[0], *shape)), 0


class PermuteDims(Linear):
    """``x`` with axis ``axes[i]`` at place ``i``."""

    name = "permute_dims"
    keeps_weak = True
    view = True

    def impl(self, xp: Any, x: Any, *, axes: Any) -> Any:
        return x.transpose(axes)

    def infer(self, x: Any, *, axes: Any) -> Aval:
        return Aval(tuple([x.shape[i] for i in axes]), x.dtype)

    def transpose(self, ct: Any, x: Any, *, axes: Any) -> Any:
        inverse = [0] * len(axes)
        for i, axis in enumerate(axes):
            inverse[axis] = i
        return (permute_dims_p(ct, axes=tuple(inverse)),)

    def batch(self, args: Any, dims: Any, *, axes: Any) -> tuple[Any, Any]:
        (x,), (dim,) = args, dims
        return self(x, axes=(dim, *(a + (a >= dim) for a in axes))), 0


class ReduceSum(Linear):
    """Sum over ``axes``, which go."""

    name = "reduce_sum"

    def impl(self, xp: Any, x: Any, *, axes: Any) -> Any:
        if x.dtype in HALVES:  # accumulated in float32
            return xp.asarray(xp.add.reduce(x, axes, float32)).astype(x.dtype)
        if len(axes) == x.ndim:
            axes = None  # NumPy is faster so
        return xp.add.reduce(x, axes, x.dtype)

    def can_write(self, out: Aval, **params: Any) -> bool:
        return out.dtype not in HALVES

    @staticmethod
    def into(out: Any, x: Any, *, axes: Any) -> None:
        np.add.reduce(x, None if len(axes) == x.ndim else axes, None, out)

    def flops(self, x: Any, *, axes: Any) -> float:
        return float(x.size)

    def infer(self, x: Any, *, axes: Any) -> Aval:
        return Aval(tuple([n for i, n in enumerate(x.shape) if i not in axes]), x.dtype)

    def transpose(self, ct: Any, x: Any, *, axes: Any) -> Any:
        shape = x.shape
        kept = () if len(axes) == len(shape) else free_axes(len(shape), axes)
        return (state.trace.bind(broadcast_p, (ct,), {"shape": shape, "axes": kept}),)

    def batch(self, args: Any, dims: Any, *, axes: Any) -> tuple[Any, Any]:
        return batch_reduction(self, args[0], dims[0], axes)


def batch_reduction(prim: Primitive, x: Any, dim: int, axes: Any, **params: Any) -> tuple[Any, int]:
    """The batch rule of whatever removes ``axes`` and treats the others alike."""
    shifted, out_dim = _shifted(axes, dim)
    return prim(x, axes=shifted, **params), out_dim


@functools.lru_cache(1024)
def _shifted(axes: tuple[int, ...], dim: int) -> tuple[tuple[int, ...], int]:
    """Where `axes` are beside a batch axis `dim`, and where that is when they are gone."""
    shifted = tuple([a + (a >= dim) for a in axes])
    return shifted, dim - sum(a < dim for a in shifted)


broadcast_p, reshape_p, permute_dims_p = Broadcast(), Reshape(), PermuteDims()
reduce_sum_p = ReduceSum()
