"""residual: layers with a way around them."""

from __future__ import annotations

from typing import Any

from rtorch.errors import ShapeError, api, describe
from rtorch.nn.branches import identity, side_by_side
from rtorch.nn.combinators import named_layers, serial
from rtorch.nn.layer import Layer, Params, State, as_layer, spec_after

__all__ = ["residual"]


def residual(*layers: Any, shortcut: Any = identity) -> Layer:
    """``shortcut(x) + f(x)``, where ``f`` is the layers one after the other.

    Args:
        *layers: One layer, or several as in `serial`.
        shortcut: A layer or a function; needed where ``f`` changes the shape.

    Returns:
        A `Layer` with parameters ``body`` and, if it has some, ``shortcut``.

    Raises:
        ShapeError: (``init``, ``apply``) if the two shapes differ.

    Example:
        >>> import rtorch as rt
        >>> net = rt.nn.residual(rt.nn.Linear(3), rt.nn.relu)
        >>> params, state = net.init(rt.random.key(0), rt.spec((2, 3)))
        >>> rt.tree.map(lambda p: p.shape, params)
        {'body': {'0': {'bias': (3,), 'weight': (3, 3)}}}

    References:
        He et al. 2016 (arXiv:1512.03385).
    """
    alone = len(layers) == 1 and (isinstance(layers[0], Layer) or callable(layers[0]))
    body = as_layer(layers[0]) if alone else serial(named_layers("residual", layers))
    parts = named_layers("residual", (("body", body), ("shortcut", shortcut)))
    both = side_by_side("residual", parts, lambda x: (x, x))

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        params, state = both.init(key, spec)
        _check_sum(*spec_after(both, params, state, spec))
        return params, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        ys, state = both.apply(params, state, x, key=key, train=train)
        _check_sum(*ys)
        return ys[0] + ys[1], state

    apply.__qualname__ = "residual.apply"
    return Layer(init, apply)


def _check_sum(y: Any, x: Any) -> None:
    if y.shape != x.shape:
        raise ShapeError(
            f"[residual] the layers give {describe(y)}, and the shortcut {describe(x)}: give a "
            "shortcut of the same shape, such as a Linear layer"
        )
