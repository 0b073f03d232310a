"""A small training that goes on where it was left; `kill_training.py` runs and kills it.

    python tests/io/training.py FOLDER --steps 200 --interval 10

It has all that a checkpoint must hold: batch normalisation, dropout, Adam, an average of the
parameters, a shuffled loader, keys. What it does is appended to ``FOLDER/log``; at the end a digest
of every number is printed.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

import rtorch as rt
from rtorch import data, nn, optim

net = nn.serial(
    nn.Conv2d(8, 3, padding=1, bias=False), nn.BatchNorm2d(), nn.relu,
    nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(10),
)  # fmt: skip
opt = optim.ema(optim.adam(1e-3), 0.99)


def samples() -> data.ArrayDataset:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    centres = rng.normal(size=(10, 1, 8, 8))
    images = centres[labels] + rng.normal(size=(500, 1, 8, 8))
    return data.ArrayDataset((images.astype(np.float32), labels))


def loss(params: Any, state: Any, key: Any, x: Any, y: Any) -> Any:
    logits, state = net.apply(params, state, x, key=key, train=True)
    return nn.cross_entropy(logits, y), state


@rt.jit(donate_argnums=(0, 1, 2))
def update(params: Any, state: Any, opt_state: Any, key: Any, x: Any, y: Any) -> Any:
    (value, state), grads = rt.value_and_grad(loss, has_aux=True)(params, state, key, x, y)
    updates, opt_state = opt.update(grads, opt_state, params)
    return optim.apply_updates(params, updates), state, opt_state, value


def start(loader: data.DataLoader) -> dict[str, Any]:
    init_key, key = rt.random.split(rt.random.key(0))
    params, state = net.init(init_key, rt.zeros((32, 1, 8, 8)))
    return {
        "params": params, "state": state, "opt_state": opt.init(params), "key": key,
        "place": loader.state(), "step": 0,
    }  # fmt: skip


def digest(tree: Any) -> str:
    whole = hashlib.sha256()
    for path, leaf in rt.tree.leaves_with_path(tree):
        x = np.asarray(leaf)
        whole.update(f"{rt.tree.keystr(path)} {x.dtype} {x.shape} ".encode() + x.tobytes())
    return whole.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--wait", action="store_true", help="write before going on")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    log = os.open(options.folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    loader = data.DataLoader(samples(), 32, shuffle=True, key=rt.random.key(1))
    with rt.io.Checkpointer(
        options.folder / "checkpoints", keep=3, best=("loss", "min"), every=options.interval,
        asynchronous=not options.wait,
    ) as ck:  # fmt: skip
        now = start(loader)
        now = ck.restore(like=now) or now
        os.write(log, f"resumed {now['step']}\n".encode())
        while now["step"] < options.steps:
            for (x, y), place in loader.batches(now["place"]):
                step = now["step"] + 1
                step_key = rt.random.fold_in(now["key"], step)
                params, state, opt_state, value = update(
                    now["params"], now["state"], now["opt_state"], step_key, x, y
                )
                now = {
                    "params": params, "state": state, "opt_state": opt_state,
                    "key": now["key"], "place": place, "step": step,
                }  # fmt: skip
                ck.save(step, now, metrics={"loss": float(value)})
                os.write(log, f"step {step}\n".encode())
                if step == options.steps:
                    break
    print(digest(now))


if __name__ == "__main__":
    sys.exit(main())
