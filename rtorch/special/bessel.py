"""Bessel functions.

The order is a Python number: by it there is no derivative, and the function of each order is a
program of its own under ``jit``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from rtorch.core.array import Array
from rtorch.errors import ArgumentError, TracerError, api
from rtorch.numpy.declare import document
from rtorch.numpy.joining import stack
from rtorch.numpy.operands import ArrayLike
from rtorch.ops.bessel import bessel_p
from rtorch.special.declare import reals, special, static_integer

__all__ = [
    "bessel_jn",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "ive",
    "j0",
    "j1",
    "jv",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "kv",
    "kve",
    "y0",
    "y1",
    "yv",
]

_KINDS = {
    "j": "Bessel's function of the first kind",
    "y": "Bessel's function of the second kind",
    "i": "the modified Bessel function of the first kind",
    "k": "the modified Bessel function of the second kind",
}
_SCALES = {"i": " times ``exp(-|x|)``", "k": " times ``exp(x)``"}


def _summary(kind: str, scaled: bool, order: str) -> str:
    text = f"{_KINDS[kind]}{_SCALES[kind] if scaled else ''}, of order {order}."
    return text[0].upper() + text[1:]


def _fixed_order(name: str, example: str) -> Callable[..., Array]:
    kind, order, scaled = name[0], int(name[1]), name.endswith("e")
    summary = _summary(kind, scaled, str(order))
    call = f"round(float(rt.special.{name}(1.0)), 4) -> {example}"
    return special(
        name, "x", bessel_p, summary, call, kind=kind, order=float(order), scaled=scaled
    )  # fmt: skip


def _any_order(name: str, example: str) -> Callable[[float, ArrayLike], Array]:
    kind, scaled = name[0], name.endswith("e")

    @api
    def function(v: Any, x: Any, /) -> Any:
        order = _order(v, name)
        (x,) = reals(name, x)
        return bessel_p(x, kind=kind, order=order, scaled=scaled)

    takes = (
        "Args:\n    v: The order, a Python number.\n"
        "    x: Real array or number; integers become the default float.\n\n"
        "Raises:\n    MissingDependencyError: without SciPy."
    )
    call = f"round(float(rt.special.{name}(2, 1.0)), 4) -> {example}"
    document(function, name, _summary(kind, scaled, "v"), call, takes)
    return function


def _order(v: Any, name: str) -> float:
    try:
        return float(v if isinstance(v, float) else operator.index(v))
    except TracerError:
        raise
    except TypeError:
        raise ArgumentError(f"[{name}] v: expected a Python number, got {v!r}") from None


j0, j1 = _fixed_order("j0", "0.7652"), _fixed_order("j1", "0.4401")
y0, y1 = _fixed_order("y0", "0.0883"), _fixed_order("y1", "-0.7812")
i0, i1 = _fixed_order("i0", "1.2661"), _fixed_order("i1", "0.5652")
k0, k1 = _fixed_order("k0", "0.421"), _fixed_order("k1", "0.6019")
i0e, i1e = _fixed_order("i0e", "0.4658"), _fixed_order("i1e", "0.2079")
k0e, k1e = _fixed_order("k0e", "1.1445"), _fixed_order("k1e", "1.6362")
jv, yv = _any_order("jv", "0.1149"), _any_order("yv", "-1.6507")
iv, kv = _any_order("iv", "0.1357"), _any_order("kv", "1.6248")
ive, kve = _any_order("ive", "0.0499"), _any_order("kve", "4.4168")


@api
def bessel_jn(z: ArrayLike, *, v: int, n_iter: int = 50) -> Array:
    """Bessel's functions of the first kind of the orders 0 to `v`.

    Args:
        z: Real array or number; integers become the default float.
        v: The last order, a Python integer of at least 0.
        n_iter: Exists for JAX's sake: nothing is iterated here.

    Returns:
        Shape ``(v + 1, *z.shape)``.

    Raises:
        MissingDependencyError: without SciPy.

    Example:
        >>> import rtorch as rt
        >>> rt.special.bessel_jn(0.0, v=2).tolist()
        [1.0, 0.0, 0.0]
    """
    (z,) = reals("bessel_jn", z)
    orders = range(static_integer(v, "bessel_jn", "v", 0) + 1)
    return stack([bessel_p(z, kind="j", order=float(n), scaled=False) for n in orders])
