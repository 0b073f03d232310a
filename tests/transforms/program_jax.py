"""Random programs in JAX: the same source with a namespace of JAX's functions as ``rt``."""

from typing import Any

import numpy as np
from program_checks import Case

# Where the two differ on purpose, or an argument is called otherwise.
DIFFERENT = """
    random. stop_gradient max_steps copysign heaviside rt.cond( fill_diagonal put_along
    batch_size .mT top_k cummax cummin segment_prod unwrap special.sici special.fresnel
    special.expn hyp1f1 custom_gradient custom_batching policy= checkpoint= checkpoint_name
    multi_dot dynamic_slice dynamic_update_slice apply( .divide( rt.repeat({
"""


class Namespace:
    """JAX's counterpart of what ``rt`` has, looked up by name."""

    def __init__(self, *modules: Any) -> None:
        self.modules = modules

    def __getattr__(self, name: str) -> Any:
        for module in self.modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(name)


def namespace() -> Namespace:
    """A namespace for programs."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    rt = Namespace(jnp, jax.lax, jax, jax.nn)
    loops = jax.lax
    vars(rt).update(
        map=loops.map, scan=loops.scan, cond=loops.cond, switch=loops.switch,
        linalg=Namespace(jnp.linalg, jax.scipy.linalg), special=jax.scipy.special,
        grad=jax.grad, tree=jax.tree,
    )  # fmt: skip
    return rt


def compare(c: Case) -> None:
    """The value and the gradient (or jvp, where JAX has no reverse mode) of a program."""
    import jax

    if any(c.program.says(word) for word in DIFFERENT.split()):
        return
    f = c.program.function(namespace())
    xs = [np.asarray(x) for x in c.xs]

    def floats(*xs: Any) -> Any:
        return [y for y in f(*xs) if y.dtype.kind == "f"]

    def jvp(*xs: Any) -> Any:
        return jax.jvp(floats, xs, tuple([np.asarray(t) for t in c.ts]))

    def vjp(*xs: Any) -> Any:
        return jax.vjp(floats, *xs)[1]([np.asarray(ct) for ct in c.cts])

    try:
        values, dots = jax.jit(jvp)(*xs)
    except Exception:  # it has no such function, or not with these arguments
        return
    c.in_jax = True
    near(c, values, c.floats(*c.xs), "JAX")
    near(c, dots, c.dots, "jvp in JAX")
    try:
        bars = jax.jit(vjp)(*xs)
    except ValueError:  # a while loop
        return
    near(c, bars, c.vjp(*c.xs), "vjp in JAX")


def near(c: Case, theirs: Any, ours: Any, what: str) -> None:
    for i, (x, y) in enumerate(zip(theirs, ours, strict=True)):
        x, y = np.asarray(x), np.asarray(y)
        assert x.shape == y.shape, f"{what}, result {i}: shape {x.shape}, rtorch {y.shape}"
        size = 1 + np.abs(x[np.isfinite(x)]).max(initial=0)
        same = np.isclose(x, y, 0, 100 * c.tolerance * size, equal_nan=True)
        assert same.all(), f"{what}, result {i}: {x}\n  rtorch {y}"
