"""One update of an optimizer beside PyTorch's and Optax's: ``python benchmarks/optim.py``.

Two sets of parameters: 1 million numbers in 20 leaves, as of a perceptron, and 150 small leaves.
Gradients are given; a step is update and new parameters. rtorch and Optax run under `jit` with
donated arguments, PyTorch as ``foreach`` and as ``fused`` where it has that. Libraries that are
not installed are left out. ``--quick``, ``--only TEXT`` and ``--json FILE`` as of overhead.py.
"""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _libraries import library
from _table import Row, heading, lines, ratio_at_most, summary, write_json
from _timing import QUICK, Call, Effort, paired

Arrays = list[np.ndarray]

SHAPES = {
    "1M in 20 leaves": [(316, 316), (316,)] * 10,
    "150 small leaves": [(16, 16), (16,), (8, 16)] * 50,
}

# Ours, Optax's, PyTorch's with its options; matrices alone for Muon.
OPTIMIZERS: dict[str, tuple[Any, Any, str, dict[str, Any]]] = {
    "Adam": (lambda o: o.adam(1e-3), lambda o: o.adam(1e-3), "Adam", {"lr": 1e-3}),
    "AdamW": (
        lambda o: o.adamw(1e-3, weight_decay=1e-2),
        lambda o: o.adamw(1e-3, weight_decay=1e-2),
        "AdamW",
        {"lr": 1e-3, "weight_decay": 1e-2},
    ),
    "SGD momentum": (
        lambda o: o.sgd(1e-3, 0.9),
        lambda o: o.sgd(1e-3, 0.9),
        "SGD",
        {"lr": 1e-3, "momentum": 0.9},
    ),
    "Muon": (lambda o: o.muon(1e-3, 0.0), lambda o: o.contrib.muon(1e-3), "Muon", {"lr": 1e-3}),
}


def problem(shapes: list[tuple[int, ...]]) -> tuple[Arrays, Arrays]:
    """Parameters and gradients, float32."""
    rng = np.random.default_rng(0)
    return tuple([rng.standard_normal(s).astype(np.float32) for s in shapes] for _ in range(2))


def ours(make: Any, params: Arrays, grads: Arrays) -> Call:
    rt = library("rtorch")
    opt = make(rt.optim)

    def step(params: Any, state: Any, grads: Any) -> Any:
        updates, state = opt.update(grads, state, params)
        return rt.optim.apply_updates(params, updates), state

    jitted = rt.jit(step, donate_argnums=(0, 1))
    return _loop(jitted, [rt.array(p) for p in params], opt.init, [rt.array(g) for g in grads])


def optaxs(make: Any, params: Arrays, grads: Arrays) -> Call:
    jax, optax = library("jax"), importlib.import_module("optax")
    opt = make(optax)

    def step(params: Any, state: Any, grads: Any) -> Any:
        updates, state = opt.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    jitted = jax.jit(step, donate_argnums=(0, 1))
    arrays = [[jax.numpy.array(x) for x in xs] for xs in (params, grads)]
    return _loop(lambda *xs: jax.block_until_ready(jitted(*xs)), arrays[0], opt.init, arrays[1])


def _loop(step: Callable[..., Any], params: Any, init: Any, grads: Any) -> Call:
    state = init(params)

    def run() -> Any:
        nonlocal params, state
        params, state = step(params, state, grads)
        return params

    return run


def torchs(cls: str, options: dict[str, Any], params: Arrays, grads: Arrays) -> Call:
    torch = library("torch")
    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    for p, g in zip(tensors, grads, strict=True):
        p.grad = torch.tensor(g)
    optimizer = getattr(torch.optim, cls)(tensors, **options)

    def run() -> Any:
        optimizer.step()
        return tensors

    return run


def sides(name: str, params: Arrays, grads: Arrays) -> dict[str, Call]:
    """A step of each library; ours first."""
    make, make_optax, cls, options = OPTIMIZERS[name]
    found = {"rtorch jit": ours(make, params, grads)}
    if library("jax") and importlib.util.find_spec("optax"):
        found["optax jit"] = optaxs(make_optax, params, grads)
    if library("torch"):
        kinds = [{}] if cls == "Muon" else [{"foreach": True}, {"fused": True}]
        for kind in kinds:
            label = " ".join(["torch", *kind])
            found[label] = torchs(cls, options | kind, params, grads)
    return found


def check(found: dict[str, Call]) -> None:
    """All sides move the parameters alike; Muon differs in rounding and in conventions."""
    moved = {name: [np.asarray(_numbers(p)) for p in step()] for name, step in found.items()}
    first, *others = moved.values()
    for other in others:
        for a, b in zip(first, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-3)


def _numbers(p: Any) -> Any:
    return p.detach().numpy() if hasattr(p, "detach") else p


def measure(name: str, size: str, effort: Effort) -> Row:
    shapes = [s for s in SHAPES[size] if name != "Muon" or len(s) == 2]
    params, grads = problem(shapes)
    found = sides(name, params, grads)
    check(found)
    samples = paired(found, effort)
    targets = [ratio_at_most(samples, "rtorch jit", other, 1.0) for other in list(found)[1:]]
    return Row(f"{name}, {size}", samples, targets)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples: a rough picture")
    parser.add_argument("--only", metavar="TEXT", default="", help="rows whose name contains it")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures to FILE")
    options = parser.parse_args()
    effort = QUICK if options.quick else Effort()
    print(heading())
    rows: list[Row] = []
    for name in OPTIMIZERS:
        for size in SHAPES:
            if options.only in f"{name}, {size}":
                rows.append(measure(name, size, effort))
                print("\n".join(lines(rows[-1])), flush=True)
    print(f"\n{summary(rows)}")
    if options.json:
        write_json(rows, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
