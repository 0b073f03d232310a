"""spectral_norm: a layer whose weight is divided by its largest singular value."""

from __future__ import annotations

from typing import Any

import rtorch as rt
from rtorch.errors import AxisError, api, describe
from rtorch.nn.layer import Layer, Params, State, kind_of, layer_for, needs_key
from rtorch.nn.parameters import check_count, check_present, parameter_names

_FIRST_ITERATIONS = 15


def spectral_norm(
    layer: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    axis: int | None = None,
) -> Layer:  # fmt: skip
    """`layer` with a weight divided by its largest singular value.

    That value is estimated by power iteration, which goes on while training only. For derivatives
    the singular vectors are constants.

    Args:
        layer: Any layer that has this parameter, of two axes or more.
        name: Of the parameter.
        n_power_iterations: Iterations for each call with ``train=True``.
        eps: The least norm by which a vector is divided.
        axis: The axis that becomes the rows of the matrix, all others being the columns; by
            default 0, or 1 for transposed convolutions.

    Returns:
        A `Layer` that has the parameter ``weight_orig`` instead of ``weight``, and in its state the
        singular vectors ``weight_u`` and ``weight_v``: the names of
        ``torch.nn.utils.spectral_norm``.

    Raises:
        TreeError: (``init``, ``apply``) if the layer has no such parameter.

    Example:
        >>> import rtorch as rt
        >>> layer = rt.nn.spectral_norm(rt.nn.Linear(2, bias=False))
        >>> params, state = layer.init(rt.random.key(0), rt.spec((1, 3)))
        >>> rt.tree.map(lambda p: p.shape, (params, state))
        ({'weight_orig': (2, 3)}, {'weight_u': (2,), 'weight_v': (3,)})

    References:
        Miyato et al. 2018 (arXiv:1802.05957).
    """
    check_count("spectral_norm", "n_power_iterations", n_power_iterations)
    inner, (name,) = layer_for("spectral_norm", layer), parameter_names("spectral_norm", (name,))
    original, u_name, v_name = (f"{name}_{part}" for part in ("orig", "u", "v"))
    if axis is None:
        axis = 1 if kind_of(inner).startswith("ConvTranspose") else 0

    @api
    def init(key: Any, spec: Any) -> tuple[Params, State]:
        needs_key("spectral_norm", key, "init")
        of_layer, of_u, of_v = rt.random.split(key, 3)
        params, state = inner.init(of_layer, spec)
        check_present("spectral_norm", params, (name,))
        rest = {other: value for other, value in params.items() if other != name}
        matrix = _matrix(params[name], axis)
        rows, columns = matrix.shape
        u, v = (
            _unit(rt.random.normal(k, (n,), matrix.dtype), eps)
            for k, n in ((of_u, rows), (of_v, columns))
        )
        u, v = _iterated(matrix, u, v, _FIRST_ITERATIONS, eps)
        return {**rest, original: params[name]}, {**state, u_name: u, v_name: v}

    @api
    def apply(
        params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
    ) -> tuple[Any, State]:
        check_present("spectral_norm", params, (original,))
        check_present("spectral_norm", state, (u_name, v_name), "state")
        rest = {other: value for other, value in params.items() if other != original}
        own = {other: value for other, value in state.items() if other not in (u_name, v_name)}
        weight, u, v = params[original], state[u_name], state[v_name]
        matrix = _matrix(weight, axis)
        if train:
            u, v = _iterated(rt.stop_gradient(matrix), u, v, n_power_iterations, eps)
        u, v = rt.stop_gradient(u), rt.stop_gradient(v)
        rest[name] = weight / (u @ (matrix @ v))
        y, own = inner.apply(rest, own, x, key=key, train=train)
        return y, {**own, u_name: u, v_name: v}

    apply.__qualname__ = "spectral_norm.apply"
    return Layer(init, apply)


def _matrix(weight: Any, axis: int) -> Any:
    if weight.ndim < 2 or not -weight.ndim <= axis < weight.ndim:
        raise AxisError(
            f"[spectral_norm] axis: expected a weight of two axes or more that has axis {axis}, "
            f"got {describe(weight)}"
        )
    return rt.reshape(rt.moveaxis(weight, axis, 0), (weight.shape[axis], -1))


def _iterated(matrix: Any, u: Any, v: Any, n: int, eps: float) -> tuple[Any, Any]:
    for _ in range(n):
        v = _unit(u @ matrix, eps)
        u = _unit(matrix @ v, eps)
    return u, v


def _unit(vector: Any, eps: float) -> Any:
    return vector / rt.maximum(rt.sqrt(vector @ vector), eps)
