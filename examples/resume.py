"""A training that can be killed at any moment, and goes on where it was.

Trains a convolutional network on scikit-learn's digits. Everything that changes is one dict of
pytrees; a checkpoint of it is written every 20 steps beside the training. Stop it with Ctrl-C, with
``kill -9``, or with --die-at, start it again, and it ends with the same numbers, bit by bit:

    python examples/resume.py --out out --die-at 130
    python examples/resume.py --out out
"""

import argparse
import hashlib
import os
import signal
from pathlib import Path

import _data
import numpy as np

import rtorch as rt
from rtorch import data, nn, optim

with _data.extras("resume"):
    from sklearn.datasets import load_digits

net = nn.serial(
    nn.Conv2d(16, 3, padding=1, bias=False), nn.BatchNorm2d(), nn.relu, nn.MaxPool2d(2),
    nn.Flatten(), nn.Dropout(0.3), nn.Linear(10),
)  # fmt: skip
opt = optim.adam(2e-3)


def loss(params, state, key, x, y):
    """The loss, and the state: the running statistics of the batches."""
    logits, state = net.apply(params, state, x, key=key, train=True)
    return nn.cross_entropy(logits, y), state


@rt.jit(donate_argnums=0)
def update(now, x, y):
    """Everything after one more step, and the loss."""
    key = rt.random.fold_in(now["key"], now["opt_state"].step)
    gradient = rt.value_and_grad(loss, has_aux=True)
    (value, state), grads = gradient(now["params"], now["state"], key, x, y)
    updates, opt_state = opt.update(grads, now["opt_state"], now["params"])
    params = optim.apply_updates(now["params"], updates)
    return {"params": params, "state": state, "opt_state": opt_state, "key": now["key"]}, value


def start(key):
    """Everything that changes, at the beginning."""
    init_key, key = rt.random.split(key)
    params, state = net.init(init_key, rt.zeros((1, 1, 8, 8)))
    return {"params": params, "state": state, "opt_state": opt.init(params), "key": key}


def train(checkpointer, loader, key, epochs, die_at):
    """The end of a training that began here, or in a program before this one."""
    now, place = start(key), loader.state()
    saved = checkpointer.restore(like={"now": now, "place": place, "step": 0})
    step = 0
    if saved is not None:
        now, place, step = saved["now"], saved["place"], saved["step"]
    print(f"at step {step}, in epoch {place.epoch}")
    while place.epoch < epochs:
        for (x, y), behind in loader.batches(place):
            now, value = update(now, x, y)
            place, step = behind, step + 1
            items = {"now": now, "place": place, "step": step}
            checkpointer.save(step, items, metrics={"loss": value})
            if step == die_at:
                os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        print(f"epoch {place.epoch}: loss {float(value):.4f}")
    return now


def digest(tree):
    """A few letters that depend on every bit of every array."""
    leaves = (np.asarray(leaf).tobytes() for leaf in rt.tree.leaves(tree))
    return hashlib.sha256(b"".join(leaves)).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training data")
    parser.add_argument("--seed", type=int, default=0, help="of the start, the order and the noise")
    parser.add_argument("--die-at", type=int, help="a step after which the program kills itself")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the results")
    parser.add_argument("--quick", action="store_true", help="3 epochs, to see that it runs")
    options = parser.parse_args()
    epochs = 3 if options.quick else options.epochs

    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    key, order_key = rt.random.split(rt.random.key(options.seed))
    digits = data.ArrayDataset((images, labels))
    loader = data.DataLoader(digits, 64, shuffle=True, key=order_key)
    folder = options.out / "resume"
    with rt.io.Checkpointer(folder, keep=2, best=("loss", "min"), every=20) as checkpointer:
        now = train(checkpointer, loader, key, epochs, options.die_at)
    logits, _ = net.apply(now["params"], now["state"], rt.asarray(images))
    print(f"accuracy {float(nn.accuracy(logits, rt.asarray(labels))):.2%}, digest {digest(now)}")


if __name__ == "__main__":
    main()
