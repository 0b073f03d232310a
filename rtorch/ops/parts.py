"""Numbers taken apart: mantissa and exponent, common divisors."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtorch.core.aval import Aval
from rtorch.core.primitive import Primitive
from rtorch.ops.base import batch_size, batched_front, neg_p
from rtorch.ops.comparison import Discrete, _declare

gcd_p, lcm_p = _declare(Discrete, "gcd", "gcd"), _declare(Discrete, "lcm", "lcm")


class Ldexp(Primitive):
    """``x`` times 2 to the power ``i``, an array of integers; linear in ``x``."""

    name = "ldexp"

    def impl(self, xp: Any, x: Any, i: Any) -> Any:
        return xp.ldexp(x, i).astype(x.dtype, copy=False)

    def infer(self, x: Any, i: Any) -> Aval:
        return Aval(x.shape, x.dtype)

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        (x, i), (t, _) = primals, tangents
        return self(x, i), None if t is None else self(t, i)

    def transpose(self, ct: Any, x: Any, i: Any) -> Any:
        return self(ct, i), None

    def batch(self, args: Any, dims: Any) -> tuple[Any, Any]:
        size = batch_size(args, dims)
        return self(*[batched_front(a, d, size) for a, d in zip(args, dims)]), 0


class Frexp(Primitive):
    """A number as a mantissa from 0.5 to 1 and the power of two that it is scaled by."""

    name = "frexp"
    multiple = True

    def impl(self, xp: Any, x: Any) -> Any:
        return tuple(xp.frexp(x))

    def infer(self, x: Any) -> Any:
        return Aval(x.shape, x.dtype), Aval(x.shape, np.dtype("int32"))

    def jvp(self, primals: Any, tangents: Any) -> tuple[Any, Any]:
        mantissa, exponent = self(*primals)
        return (mantissa, exponent), (ldexp_p(tangents[0], neg_p(exponent)), None)

    def batch(self, args: Any, dims: Any) -> tuple[Any, Any]:
        return self(*args), (dims[0], dims[0])


ldexp_p, frexp_p = Ldexp(), Frexp()
