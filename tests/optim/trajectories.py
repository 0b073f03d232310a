"""Twenty steps with fixed gradients: ours, PyTorch's, Optax's, a formula's.

``python tests/optim/trajectories.py`` writes golden.json, the float64 results of the others, by
which ours are tested where the others are not installed.
"""

import json
import operator
from pathlib import Path
from typing import Any

import numpy as np
from optimizer_cases import LIKE_OPTAX, LIKE_PAPER, LIKE_TORCH, gradients, start

import rtorch as rt
from rtorch import optim

GOLDEN = Path(__file__).with_name("golden.json")


def ours(optimizer: optim.Optimizer, dtype: str) -> dict[str, Any]:
    """The parameters after 20 steps."""
    params = rt.tree.map(rt.asarray, start(dtype))
    state = optimizer.init(params)
    for grads in gradients(dtype):
        updates, state = optimizer.update(rt.tree.map(rt.asarray, grads), state, params)
        params = optim.apply_updates(params, updates)
    return {key: np.asarray(p) for key, p in params.items()}


def torchs(torch: Any, name: str, dtype: str) -> dict[str, Any]:
    """The same by PyTorch."""
    _, cls, options = LIKE_TORCH[name]
    params = {key: torch.tensor(x, requires_grad=True) for key, x in start(dtype).items()}
    # PyTorch keeps counters and the rates made of them in the default dtype: float32 would be
    # wrong by 1e-8 in some optimizers.
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        optimizer = getattr(torch.optim, cls)(params.values(), **options)
        for grads in gradients(dtype):
            for key, p in params.items():
                p.grad = torch.tensor(grads[key])
            optimizer.step()
    finally:
        torch.set_default_dtype(before)
    return {key: p.detach().numpy() for key, p in params.items()}


def optaxs(
    jax: Any, optax: Any, case: tuple[Any, str, dict[str, Any]], dtype: str
) -> dict[str, Any]:
    """The same by Optax."""
    _, function, options = case
    with jax.enable_x64(True):
        optimizer = operator.attrgetter(function)(optax)(**options)
        params = jax.tree.map(jax.numpy.asarray, start(dtype))
        state = optimizer.init(params)

        @jax.jit
        def step(params: Any, state: Any, grads: Any) -> Any:
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        for grads in gradients(dtype):
            params, state = step(params, state, grads)
        return {key: np.asarray(p) for key, p in params.items()}


def papers(name: str) -> dict[str, Any]:
    """The same by a formula, in float64; muon leaves vectors as they are."""
    formula = LIKE_PAPER[name][1]
    found = start("float64")
    for key, p in start("float64").items():
        if name != "muon" or p.ndim == 2:
            found[key] = formula(p, [grads[key] for grads in gradients("float64")])
    return found


def main() -> None:
    import jax
    import optax
    import torch

    found = {
        **{name: torchs(torch, name, "float64") for name in LIKE_TORCH},
        **{name: optaxs(jax, optax, case, "float64") for name, case in LIKE_OPTAX.items()},
        **{name: papers(name) for name in LIKE_PAPER},
    }
    rows = (
        f"{json.dumps(name)}: {json.dumps({key: x.ravel().tolist() for key, x in case.items()})}"
        for name, case in found.items()
    )
    GOLDEN.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
