"""Handwritten digits: a functional training loop from data to saved parameters.

Trains a convolutional network with batch normalisation on the 1797 digits of 8x8 pixels that come
with scikit-learn, draws the loss curve, saves parameters and state, loads them back and shows that
nothing was lost.

    python examples/digits.py --epochs 20 --out out
"""

import argparse
import time
from pathlib import Path

import _data

import rtorch as rt
from rtorch import nn, optim

with _data.extras("digits"):
    import matplotlib
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from tqdm import tqdm

    matplotlib.use("Agg")  # draws into files; no display is needed
    import matplotlib.pyplot as plt

BATCH = 64


def block(channels):
    """A convolution, its outputs normalised over the batch, and a bend."""
    return nn.Conv2d(channels, 3, padding=1, bias=False), nn.BatchNorm2d(), nn.relu


net = nn.serial(
    *block(16),
    *block(32), nn.MaxPool2d(2),  # 4x4
    *block(64), nn.Flatten(), nn.Dropout(0.3),
    nn.Linear(10),
)  # fmt: skip


def digits(seed):
    """Images ``(n, 1, 8, 8)`` from 0 to 1 and labels: four fifths to train, one to test."""
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 1, 8, 8) / 16
    split = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=seed)
    train_x, test_x, train_y, test_y = (rt.asarray(part) for part in split)
    return (train_x.astype(rt.float32), train_y), (test_x.astype(rt.float32), test_y)


def loss(params, state, key, x, y):
    """The loss, and the state: the running statistics of the batches."""
    logits, state = net.apply(params, state, x, key=key, train=True)
    return nn.cross_entropy(logits, y), state


@rt.jit
def accuracy(params, state, x, y):
    logits, _ = net.apply(params, state, x)
    return nn.accuracy(logits, y)


def make_step(opt):
    """One step of training: compiled once, and the memory of what it replaces is used again."""

    @rt.jit(donate_argnums=(0, 1, 2))
    def step(params, state, opt_state, key, x, y):
        (value, state), grads = rt.value_and_grad(loss, has_aux=True)(params, state, key, x, y)
        updates, opt_state = opt.update(grads, opt_state, params)
        return optim.apply_updates(params, updates), state, opt_state, value

    return step


def train(params, state, data, test_data, epochs, key):
    """Parameters and state, the loss of every step, and the test accuracy of every epoch."""
    x, y = data
    n_batches = len(x) // BATCH
    rate = optim.schedules.warmup_cosine(3e-3, n_batches, epochs * n_batches + 1)
    opt = optim.chain(optim.clip_by_global_norm(1.0), optim.adamw(rate))
    opt_state, step = opt.init(params), make_step(opt)
    losses, accuracies = [], []
    progress = tqdm(range(epochs), unit="epoch", desc="training")
    for epoch in progress:
        order_key, *keys = rt.random.split(rt.random.fold_in(key, epoch), n_batches + 1)
        order = rt.random.permutation(order_key, len(x))
        batches = rt.reshape(order[: n_batches * BATCH], (n_batches, BATCH))
        for b, step_key in zip(batches, keys, strict=True):
            params, state, opt_state, value = step(params, state, opt_state, step_key, x[b], y[b])
            losses.append(float(value))
        accuracies.append(float(accuracy(params, state, *test_data)))
        progress.set_postfix(loss=f"{losses[-1]:.3f}", test=f"{accuracies[-1]:.1%}")
    return params, state, losses, accuracies


def draw(losses, accuracies, file):
    """The loss of every step with its running mean, and the test accuracy, over the epochs."""
    epochs = np.arange(1, len(losses) + 1) * len(accuracies) / len(losses)
    window = min(22, len(losses))
    mean = np.convolve(losses, np.ones(window) / window, mode="valid")
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    axes.semilogy(epochs, losses, color="tab:blue", alpha=0.25, linewidth=0.8)
    axes.semilogy(epochs[window - 1 :], mean, color="tab:blue", linewidth=2)
    axes.set(xlabel="epoch", xlim=(0, len(accuracies)), title="Handwritten digits, ConvNet")
    axes.set_ylabel("training loss (cross entropy)", color="tab:blue")
    axes.grid(alpha=0.25)
    right = axes.twinx()
    right.plot(range(1, len(accuracies) + 1), accuracies, color="tab:orange", linewidth=2)
    right.set_ylabel("test accuracy", color="tab:orange")
    right.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1.0))
    right.set_ylim(top=1.0)
    for side in (axes, right):
        side.spines["top"].set_visible(False)
    figure.savefig(file, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training data")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the start and the noise")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the results")
    parser.add_argument("--quick", action="store_true", help="3 epochs, to see that it runs")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    data, test_data = digits(options.seed)
    init_key, train_key = rt.random.split(rt.random.key(options.seed))
    params, state = net.init(init_key, data[0][:BATCH])
    size = sum(p.size for p in rt.tree.leaves(params))
    print(f"{len(data[0])} digits to train, {len(test_data[0])} to test, {size} parameters")

    start = time.perf_counter()
    epochs = 3 if options.quick else options.epochs
    params, state, losses, accuracies = train(params, state, data, test_data, epochs, train_key)
    print(f"trained {len(losses)} steps in {time.perf_counter() - start:.1f} s")
    print(f"accuracy: train {float(accuracy(params, state, *data)):.2%}, test {accuracies[-1]:.2%}")

    curve, file = options.out / "digits_loss.png", options.out / "digits.npz"
    draw(losses, accuracies, curve)
    rt.save(file, (params, state), metadata={"epochs": epochs, "seed": options.seed})
    again = float(accuracy(*rt.load(file), *test_data))
    print(f"wrote {curve} and {file}; test accuracy of the loaded parameters: {again:.2%}")
    assert again == accuracies[-1], "the loaded parameters must be the saved ones"


if __name__ == "__main__":
    main()
