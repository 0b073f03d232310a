"""Watching a training: a progress bar, records, plots and a report of a net that reads digits.

Trains a small network on the 1797 digits of 8x8 pixels that come with scikit-learn, and leaves a
directory with all that happened, a picture of the curves and a web page.

    python examples/watch.py --epochs 20 --out out/watch
"""

import argparse
from pathlib import Path

import _data

import rtorch as rt
from rtorch import nn, optim

with _data.extras("watch"):
    import matplotlib  # noqa: F401 - the plots need it
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

BATCH = 64

net = nn.serial(
    nn.Conv2d(16, 3, padding=1), nn.relu, nn.MaxPool2d(2),
    nn.Conv2d(32, 3, padding=1), nn.relu, nn.Flatten(),
    nn.Linear(10),
)  # fmt: skip


def digits(seed):
    """Images ``(n, 1, 8, 8)`` from 0 to 1 and labels: four fifths to train, one to validate."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    split = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=seed)
    train_x, valid_x, train_y, valid_y = (rt.asarray(part) for part in split)
    return (train_x, train_y), (valid_x, valid_y)


def loss(params, x, y):
    logits, _ = net.apply(params, {}, x)
    return nn.cross_entropy(logits, y), logits


def make_step(opt):
    @rt.jit
    def step(params, opt_state, x, y):
        (value, logits), grads = rt.value_and_grad(loss, has_aux=True)(params, x, y)
        updates, opt_state = opt.update(grads, opt_state, params)
        metrics = {"loss": value, "accuracy": nn.accuracy(logits, y)}
        return optim.apply_updates(params, updates), opt_state, metrics

    return step


@rt.jit
def evaluate(params, x, y):
    value, logits = loss(params, x, y)
    return {"loss": value, "accuracy": nn.accuracy(logits, y)}, rt.argmax(logits, axis=1)


def train(run, params, opt, data, valid, epochs, key):
    """The trained parameters; `run` is told of every step and every epoch."""
    (x, y), step = data, 0
    opt_state, update = opt.init(params), make_step(opt)
    n_batches = len(x) // BATCH
    orders = [rt.random.permutation(k, len(x)) for k in rt.random.split(key, epochs)]
    batches = [o[: n_batches * BATCH].reshape(n_batches, BATCH) for o in orders]
    for step, batch in enumerate(run.progress(rt.concatenate(batches), samples=BATCH), 1):
        params, opt_state, metrics = update(params, opt_state, x[batch], y[batch])
        run.log(step, train=metrics)
        if step % n_batches == 0:
            metrics, guesses = evaluate(params, *valid)
            run.log(step, valid=metrics)
            show(run, step, params, valid, guesses)
            run.plot(run.directory / "curves.png", every=5, smoothing=0.8)
    return params


def show(run, step, params, valid, guesses):
    """What is no number: the network's mistakes before some of its successes, and weights."""
    x, y = (np.asarray(part) for part in valid)
    guesses = np.asarray(guesses)
    order = np.argsort(guesses == y, kind="stable")[:32]
    labels = [f"{y[i]}" if y[i] == guesses[i] else f"{y[i]}, not {guesses[i]}" for i in order]
    run.images(step, "validation digits, mistakes first", x[order], labels)
    run.confusion(step, "validation", nn.metrics.confusion_matrix(guesses, y, num_classes=10))
    run.histogram(step, "weights of the last layer", params["6"]["weight"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training data")
    parser.add_argument("--rate", type=float, default=3e-3, help="learning rate of AdamW")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the start and the order")
    parser.add_argument("--out", type=Path, default=Path("out/watch"), help="folder of the run")
    parser.add_argument("--quick", action="store_true", help="3 epochs, to see that it runs")
    options = parser.parse_args()
    epochs = 3 if options.quick else options.epochs

    data, valid = digits(options.seed)
    init_key, train_key = rt.random.split(rt.random.key(options.seed))
    params, _ = net.init(init_key, data[0][:BATCH])
    opt = optim.adamw(options.rate)
    config = {**vars(options), "batch": BATCH, "optimizer": "adamw"}
    with rt.monitor.Run(options.out, "Handwritten digits", config=config) as run:
        run.model(nn.summary(net, data[0][:BATCH]))
        train(run, params, opt, data, valid, epochs, train_key)
    run.plot(options.out / "curves.png", smoothing=0.8)
    run.report(options.out / "report.html")
    columns = rt.monitor.read(options.out)
    print(f"validation accuracy {columns['valid/accuracy'][-1]:.2%}")
    print(f"wrote {options.out / 'report.html'} and {options.out / 'curves.png'}")


if __name__ == "__main__":
    main()
