"""The libraries that take part, those of them that are installed."""

import importlib
from functools import cache
from typing import Any

# Modules that a benchmark touches, to be imported before anything is timed.
MODULES = {
    "rtorch": "rtorch",
    "jax": "jax",
    "torch": "torch",
    "autograd": "autograd",
}


@cache
def library(name: str) -> Any:
    """The module, or None where it is not installed."""
    try:
        module = importlib.import_module(MODULES[name])
        if name == "autograd":
            importlib.import_module("autograd.numpy")
    except ImportError:
        return None
    return module


class JaxLike:
    """rtorch and JAX under one set of names: what differs is where the functions live."""

    def __init__(self, root: Any, functions: Any, wait: Any) -> None:
        self.grad, self.vmap, self.jit = root.grad, root.vmap, root.jit
        self.value_and_grad, self.tree = root.value_and_grad, root.tree
        self.asarray, self.sum, self.maximum = functions.asarray, functions.sum, functions.maximum
        self.tanh, self.exp, self.log, self.sqrt = (
            functions.tanh,
            functions.exp,
            functions.log,
            functions.sqrt,
        )
        self.scan = getattr(root, "scan", None) or root.lax.scan
        self.make_program = getattr(root, "make_program", None) or root.make_jaxpr
        self.wait = wait  # until a result is there; rtorch on the CPU has it when it returns


@cache
def jax_likes() -> dict[str, JaxLike]:
    """rtorch and JAX by name, in this order, where installed."""
    found = {}
    if rtorch := library("rtorch"):
        found["rtorch"] = JaxLike(rtorch, rtorch, lambda result: result)
    if jax := library("jax"):
        found["jax"] = JaxLike(jax, importlib.import_module("jax.numpy"), jax.block_until_ready)
    return found
