"""Mixed precision: in which dtypes a layer keeps its parameters, computes, and answers."""

from __future__ import annotations

from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import DTypeError, api
from rtorch.nn.layer import Layer, Params, Spec, State, as_layer, as_spec


class Policy(NamedTuple):
    """Dtypes of parameters, of the computation, and of the output.

    Only floating leaves change their dtype. The state of a layer (running statistics) stays as the
    layer made it, in `param_dtype`.

    Attributes:
        param_dtype: Of the parameters, which the optimizer sees.
        compute_dtype: To which parameters and inputs are converted.
        output_dtype: To which the output is converted.

    Example:
        >>> import rtorch as rt
        >>> policy = rt.nn.Policy(rt.float32, rt.bfloat16, rt.float32)
        >>> layer = policy.wrap(rt.nn.serial(rt.nn.Linear(8), rt.nn.relu, rt.nn.Linear(2)))
        >>> params, state = layer.init(rt.random.key(0), rt.spec((4, 3)))
        >>> y, state = layer.apply(params, state, rt.ones((4, 3)))
        >>> params["0"]["weight"].dtype == y.dtype == rt.float32
        True

    References:
        Micikevicius et al. 2018 (arXiv:1710.03740).
    """

    param_dtype: Any = rt.float32
    compute_dtype: Any = rt.float32
    output_dtype: Any = rt.float32

    def wrap(self, layer: Any) -> Layer:
        """The layer with this policy.

        Args:
            layer: A `Layer`, of any size, or a function.

        Example:
            >>> import rtorch as rt
            >>> layer = rt.nn.Policy(compute_dtype=rt.float16).wrap(rt.nn.Linear(2))
            >>> spec = rt.spec((1, 3))
            >>> rt.nn.output_spec(layer, *layer.init(rt.random.key(0), spec), spec)
            f32[1,2]
        """
        inner, policy = as_layer(layer), _checked(self)

        @api
        def init(key: Any, spec: Spec) -> tuple[Params, State]:
            params, state = inner.init(key, _cast_spec(as_spec(spec), policy.param_dtype))
            return cast(params, policy.param_dtype), state

        @api
        def apply(
            params: Params, state: State, x: Any, *, key: Any = None, train: bool = False
        ) -> tuple[Any, State]:
            params, x = cast((params, x), policy.compute_dtype)
            y, new = inner.apply(params, state, x, key=key, train=train)
            return cast(y, policy.output_dtype), _like(state, new)

        return Layer(init, apply)


@api
def cast(tree: Any, dtype: Any) -> Any:
    """A pytree whose floating arrays have been converted to a dtype.

    Example:
        >>> import rtorch as rt
        >>> rt.nn.cast({"x": rt.ones(1), "n": rt.asarray([3])}, rt.float16)
        {'n': Array([3], dtype=int64), 'x': Array([1.], dtype=float16)}
    """
    return rt.tree.map(lambda x: rt.asarray(x).astype(dtype) if _is_real(x) else x, tree)


def _is_real(x: Any) -> bool:
    return hasattr(x, "dtype") and rt.isdtype(x.dtype, "real floating")


def _cast_spec(spec: Any, dtype: Any) -> Any:
    return rt.eval_shape(lambda x: cast(x, dtype), spec)


def _like(old: State, new: State) -> State:
    """State in the dtypes that it had, so that it may be donated and carried through loops."""
    if rt.tree.structure(old) != rt.tree.structure(new):
        return new
    return rt.tree.map(lambda a, b: b.astype(a.dtype) if _is_real(a) else b, old, new)


def _checked(policy: Policy) -> Policy:
    for name, dtype in policy._asdict().items():
        if not rt.isdtype(rt.dtype(dtype), "real floating"):
            raise DTypeError(f"[Policy] {name}: expected a floating dtype, got {dtype!r}")
    return policy
