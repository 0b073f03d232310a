"""weight_norm: a layer whose weight is learned as direction and length."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import AxisError, api, describe
from rtorch.nn.layer import Layer, Params, State, layer_for
from rtorch.nn.normalization import wide
from rtorch.nn.parameters import check_present, parameter_names


def weight_norm(layer: Any, names: Any = "weight", axis: int | None = 0) -> Layer:
    """`layer` with each named parameter learned as ``weight_g * weight_v / |weight_v|``.

    It begins where the layer begins: ``weight_v`` is its weight, and ``weight_g`` the norms of it.

    Args:
        layer: Any layer that has these parameters.
        names: Of a parameter or of several, such as ``("weight_ih_l0", "weight_hh_l0")`` of an
            LSTM.
        axis: A norm for each entry of this axis (0: for each output; 1 for those of a transposed
            convolution); None: one norm for the whole.

    Returns:
        A `Layer` that has ``weight_g``, shape ``(out, 1, ...)``, and ``weight_v`` instead of
        ``weight``: the names of ``torch.nn.utils.weight_norm``.

    Raises:
        TreeError: (``init``, ``apply``) if the layer has no such parameter.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.weight_norm(rt.nn.Linear(2))
        >>> params, state = layer.init(rt.random.key(0), rt.spec((1, 3)))
        >>> rt.tree.map(lambda p: p.shape, params)
        {'bias': (2,), 'weight_g': (2, 1), 'weight_v': (2, 3)}

    References:
        Salimans & Kingma 2016 (arXiv:1602.07868).
    """
    inner, chosen = layer_for("weight_norm", layer), parameter_names("weight_norm", names)

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        params, state = inner.init(key, spec)
        check_present("weight_norm", params, chosen)
        made = {name: value for name, value in params.items() if name not in chosen}
        for name in chosen:
            weight = params[name]
            made[f"{name}_g"], made[f"{name}_v"] = _norms(weight, axis), weight
        return made, state

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        parts = {f"{name}_{part}" for name in chosen for part in "gv"}
        check_present("weight_norm", params, sorted(parts))
        whole = {name: value for name, value in params.items() if name not in parts}
        for name in chosen:
            g, v = params[f"{name}_g"], params[f"{name}_v"]
            whole[name] = (v * (g / _norms(v, axis))).astype(v.dtype)
        return inner.apply(whole, state, x, key=key, train=train)

    apply.__qualname__ = "weight_norm.apply"
    return Layer(init, apply)


def _norms(weight: Any, axis: int | None) -> Any:
    """The norm for each entry of `axis`, the other axes kept with length 1."""
    if axis is None:
        return rt.sqrt(rt.sum(wide(weight) ** 2)).astype(weight.dtype)
    if not -weight.ndim <= axis < weight.ndim:
        raise AxisError(f"[weight_norm] axis: there is no axis {axis} in {describe(weight)}")
    others = tuple(i for i in range(weight.ndim) if i != axis % weight.ndim)
    return rt.sqrt(rt.sum(wide(weight) ** 2, axis=others, keepdims=True)).astype(weight.dtype)
