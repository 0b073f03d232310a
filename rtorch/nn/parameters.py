"""What layers with parameters have in common: dtypes, checks, PyTorch's first values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, ShapeError, TreeError, describe
from rtorch.nn import initializers
from rtorch.nn.initializers import Initializer, uniform


def parameter_dtype(dtype: Any, of_input: Any) -> Any:
    """`dtype` if given, else that of the input if it is floating, else the default."""
    if dtype is not None:
        return dtype
    return of_input if rt.isdtype(of_input, "real floating") else rt.default_dtype()


def check_names(layer: str, what: str, tree: Any, wanted: Iterable[str]) -> None:
    """Raise unless `tree` is a dict with exactly these names."""
    if not isinstance(tree, dict) or tree.keys() != set(wanted):
        came = sorted(tree) if isinstance(tree, dict) else describe(tree)
        raise TreeError(f"[{layer}] {what}: expected a dict of {sorted(wanted)}, got {came}")


def parameter_names(layer: str, names: Any) -> tuple[str, ...]:
    """One name or several of parameters, as a tuple."""
    chosen = (names,) if isinstance(names, str) else names
    ok = isinstance(chosen, (tuple, list)) and chosen and all(isinstance(n, str) for n in chosen)
    if not ok:
        raise ArgumentError(
            f"[{layer}] names: expected the name of a parameter or several, got {names!r}"
        )
    return tuple(chosen)


def check_present(layer: str, tree: Any, wanted: Iterable[str], what: str = "params") -> None:
    """Raise unless `tree` is a dict that has all these names."""
    came = sorted(tree) if isinstance(tree, dict) else describe(tree)
    if not isinstance(tree, dict) or not set(wanted) <= tree.keys():
        raise TreeError(f"[{layer}] {what}: expected a dict with {sorted(wanted)}, got {came}")


def check_count(layer: str, argument: str, value: Any) -> None:
    """Raise unless `value` is a positive integer."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"[{layer}] {argument}: expected an int, 1 or more, got {value!r}")


def check_eps(layer: str, value: Any) -> None:
    """Raise unless `value` is a small number: PyTorch has the channels in its place."""
    if not isinstance(value, (int, float)) or value < 0:
        raise ArgumentError(f"[{layer}] eps: expected a number of 0 or more, got {value!r}")
    if value >= 1:
        raise ArgumentError(
            f"[{layer}] eps: expected a small number, got {value!r}; the number of channels comes "
            "from the input and is not given"
        )


def check_bias(layer: str, value: Any) -> None:
    """Raise unless `value` is True or False: PyTorch has the output's length in its place."""
    if not isinstance(value, bool):
        raise ArgumentError(
            f"[{layer}] bias: expected True or False, got {value!r}; the length of the input comes "
            f"from it and is not given: {layer}(out_features)"
        )


def first(layer: str, name: str, initializer: Any, key: Any, shape: Any, dtype: Any) -> rt.Array:
    """What `initializer` gives for the parameter `name`, checked."""
    known = getattr(initializer, "__name__", "")
    if known not in ("zeros", "ones") and getattr(initializers, known, None) is initializer:
        raise ArgumentError(
            f"[{layer}] {name}_init: expected an initializer, got the function that makes one: "
            f"call it, initializers.{known}()"
        )
    value: rt.Array = initializer(key, shape, dtype)
    if getattr(value, "shape", None) != shape:
        raise ShapeError(
            f"[{layer}] {name}_init: expected an array of shape {shape}, got {describe(value)}"
        )
    return value


def torch_uniform(fan_in: int) -> Initializer:
    """Uniform in ±1/sqrt(fan_in), where PyTorch's linear and convolutional layers start."""
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    return uniform(-bound, bound)
