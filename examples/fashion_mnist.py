"""Fashion-MNIST: a convolutional network with batch normalisation, on 60,000 images of clothes.

Trains five epochs with AdamW and a one-cycle schedule, prints loss and test accuracy of each,
saves parameters and state, and draws some images with their predictions and the confusion matrix.

    python examples/fashion_mnist.py --epochs 5 --out out
"""

import argparse
import time
from pathlib import Path

import _data
import numpy as np

import rtorch as rt
from rtorch import nn, optim

with _data.extras("fashion_mnist"):
    import matplotlib
    from tqdm import tqdm

    matplotlib.use("Agg")  # draws into files; no display is needed
    import matplotlib.pyplot as plt

BATCH = 128
NAMES = ["T-shirt", "trouser", "pullover", "dress", "coat",
         "sandal", "shirt", "sneaker", "bag", "boot"]  # fmt: skip


def block(channels, size, stride=1):
    """A convolution, its outputs normalised over the batch, and a bend."""
    conv = nn.Conv2d(channels, size, stride, padding=size // 2, bias=False)
    return conv, nn.BatchNorm2d(), nn.relu


net = nn.serial(
    *block(32, 5, stride=2),  # 14x14
    *block(48, 3), nn.MaxPool2d(2),  # 7x7
    *block(96, 3), nn.Flatten(), nn.Dropout(0.2),
    nn.Linear(10),
)  # fmt: skip


def forward(params, state, images, **options):
    """Logits and new state, of images as bytes."""
    x = images[:, None].astype(rt.float32) / 255
    return net.apply(params, state, x, **options)


def loss(params, state, key, images, labels):
    logits, state = forward(params, state, images, key=key, train=True)
    return nn.cross_entropy(logits, labels), state


def make_step(opt):
    """One step of training; what it replaces gives its memory."""

    @rt.jit(donate_argnums=(0, 1, 2))
    def step(params, state, opt_state, key, images, labels):
        value_and_grad = rt.value_and_grad(loss, has_aux=True)
        (value, state), grads = value_and_grad(params, state, key, images, labels)
        updates, opt_state = opt.update(grads, opt_state, params)
        return optim.apply_updates(params, updates), state, opt_state, value

    return step


@rt.jit
def classify(params, state, images):
    return rt.argmax(forward(params, state, images)[0], axis=1)


def predictions(params, state, images):
    """The class of each image, a thousand at a time."""
    parts = [classify(params, state, images[i : i + 1000]) for i in range(0, len(images), 1000)]
    return np.concatenate(parts)


def train(params, state, data, test_data, epochs, key):
    """The trained parameters and state, and the predictions for the test images."""
    images, labels = data
    n_batches = len(images) // BATCH
    rate = optim.schedules.one_cycle(4e-3, epochs * n_batches, pct_start=0.25)
    opt = optim.adamw(rate)
    opt_state, step = opt.init(params), make_step(opt)
    for epoch in range(epochs):
        start, losses = time.perf_counter(), []
        order_key, *keys = rt.random.split(rt.random.fold_in(key, epoch), n_batches + 1)
        order = rt.random.permutation(order_key, len(images))[: n_batches * BATCH]
        batches = tqdm(rt.reshape(order, (n_batches, BATCH)), f"epoch {epoch + 1}", leave=False)
        for batch, step_key in zip(batches, keys, strict=True):
            params, state, opt_state, value = step(
                params, state, opt_state, step_key, images[batch], labels[batch]
            )
            losses.append(value)
        predicted = predictions(params, state, test_data[0])
        test = np.mean(predicted == np.asarray(test_data[1]))
        mean, seconds = float(np.mean(losses)), time.perf_counter() - start
        print(f"epoch {epoch + 1}: loss {mean:.3f}, test accuracy {test:.2%}, {seconds:.1f} s")
    return params, state, predicted


def draw(images, labels, predicted, file):
    """The first test images with their predictions, and how often each class is taken for which."""
    figure = plt.figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subfigures(1, 2)
    for axes, image, label, guess in zip(left.subplots(4, 5).flat, images, labels, predicted):
        axes.imshow(image, cmap="gray_r")
        axes.set_axis_off()
        axes.set_title(NAMES[guess], fontsize=9, color="black" if guess == label else "tab:red")
    confusion = np.bincount(10 * labels + predicted, minlength=100).reshape(10, 10)
    axes = right.subplots()
    axes.imshow(np.sqrt(confusion), cmap="Blues")
    for (row, column), count in np.ndenumerate(confusion):
        color = "white" if row == column else "black"
        axes.text(column, row, count, ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(range(10), NAMES, rotation=60)
    axes.set_yticks(range(10), NAMES)
    axes.set(xlabel="predicted", ylabel="true")
    figure.savefig(file, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    _data.add_option(parser)
    parser.add_argument("--epochs", type=int, default=5, help="passes over the training data")
    parser.add_argument("--seed", type=int, default=0, help="of the start, the order and the noise")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the results")
    parser.add_argument("--quick", action="store_true", help="one epoch of 2560 images")
    options = parser.parse_args()

    arrays = _data.fashion_mnist(options.data)
    images, labels, *test = (a[: 20 * BATCH] if options.quick else a for a in arrays)
    epochs = 1 if options.quick else options.epochs
    init_key, train_key = rt.random.split(rt.random.key(options.seed))
    params, state = net.init(init_key, rt.spec((BATCH, 1, 28, 28)))
    size = sum(p.size for p in rt.tree.leaves(params))
    print(f"{len(images)} images to train, {len(test[0])} to test, {size} parameters")
    data, test_data = rt.tree.map(rt.asarray, ((images, labels), tuple(test)))
    params, state, predicted = train(params, state, data, test_data, epochs, train_key)
    options.out.mkdir(parents=True, exist_ok=True)
    picture, file = options.out / "fashion_mnist.png", options.out / "fashion_mnist.npz"
    draw(*test, predicted, picture)
    rt.save(file, {"params": params, "state": state}, metadata={"epochs": epochs})
    print(f"wrote {picture} and {file}")


if __name__ == "__main__":
    main()
