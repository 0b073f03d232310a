"""One training step: a 784-512-512-10 perceptron, batch of 128, cross entropy, Adam.

All sides do the same arithmetic from the same start and must report the same losses. The
exponentials are not shifted: the logits are small here. Adam's bias corrections are folded into
the step size and into epsilon (Kingma & Ba 2015, end of section 2), on every side.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from _libraries import JaxLike, jax_likes, library
from _table import Row, ratio_at_most
from _timing import Effort, Samples, paired

SIZES = (784, 512, 512, 10)
BATCH = 128
LEARNING_RATE, B1, B2, EPS = 1e-3, 0.9, 0.999, 1e-8

Step = Callable[[], float]  # one step; the loss before it


def problem() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Parameters (weight, bias, weight, ...), inputs (BATCH, 784), one-hot labels (BATCH, 10)."""
    rng = np.random.default_rng(0)
    params = []
    for n_in, n_out in pairwise(SIZES):
        params.append(rng.standard_normal((n_in, n_out)) * math.sqrt(2 / n_in))
        params.append(np.zeros(n_out))
    x = rng.uniform(size=(BATCH, SIZES[0])) / 4
    labels = np.eye(SIZES[-1])[rng.integers(SIZES[-1], size=BATCH)]
    return [p.astype(np.float32) for p in params], x.astype(np.float32), labels.astype(np.float32)


class HandWritten:
    """The step in plain NumPy: nothing is allocated, every operation writes to `out=`.

    Parameters are updated one array at a time: in one flat buffer, or in blocks that fit a
    cache, the same update was slower when this was written.
    """

    def __init__(self) -> None:
        self.params, self.x, self.labels = problem()
        self.grads = [np.empty_like(p) for p in self.params]
        self.scratch = [np.empty_like(p) for p in self.params]
        self.m = [np.zeros_like(p) for p in self.params]
        self.v = [np.zeros_like(p) for p in self.params]
        self.t = 0
        self.h = [np.empty((BATCH, n), np.float32) for n in SIZES[1:]]
        self.d = [np.empty((BATCH, n), np.float32) for n in SIZES[1:]]
        self.positive = [np.empty((BATCH, n), np.bool_) for n in SIZES[1:-1]]
        self.column = np.empty((BATCH, 1), np.float32)
        self.ones = np.ones(BATCH, np.float32)
        self.views()

    def views(self) -> None:
        """Transposes, made once."""
        self.inputs_t = [self.x.T, *(h.T for h in self.h[:-1])]
        self.weights_t = [p.T for p in self.params[::2]]

    def __call__(self) -> float:
        self.forward()
        loss = self.loss_and_logit_gradient()
        self.backward()
        self.adam()
        return loss

    def forward(self) -> None:
        below = self.x
        for layer, h in enumerate(self.h):
            np.matmul(below, self.params[2 * layer], out=h)
            np.add(h, self.params[2 * layer + 1], out=h)
            if layer < len(self.h) - 1:
                np.maximum(h, 0, out=h)
            below = h

    def loss_and_logit_gradient(self) -> float:
        logits, d, column = self.h[-1], self.d[-1], self.column
        np.multiply(logits, self.labels, out=d)
        picked = np.add.reduce(d, axis=None)
        np.exp(logits, out=d)
        np.add.reduce(d, axis=1, keepdims=True, out=column)
        np.divide(d, column, out=d)
        np.subtract(d, self.labels, out=d)
        np.multiply(d, np.float32(1 / BATCH), out=d)
        np.log(column, out=column)
        return float(np.add.reduce(column, axis=None) - picked) / BATCH

    def backward(self) -> None:
        for layer in reversed(range(len(self.h))):
            d = self.d[layer]
            np.matmul(self.inputs_t[layer], d, out=self.grads[2 * layer])
            np.matmul(self.ones, d, out=self.grads[2 * layer + 1])
            if layer:
                below, positive = self.d[layer - 1], self.positive[layer - 1]
                np.matmul(d, self.weights_t[layer], out=below)
                np.greater(self.h[layer - 1], 0, out=positive)
                np.multiply(below, positive, out=below)

    def adam(self) -> None:
        self.t += 1
        correction = math.sqrt(1 - B2**self.t)
        rate = np.float32(LEARNING_RATE * correction / (1 - B1**self.t))
        eps = np.float32(EPS * correction)
        for p, g, m, v, s in zip(
            self.params, self.grads, self.m, self.v, self.scratch, strict=True
        ):
            np.multiply(g, g, out=s)
            np.multiply(s, np.float32(1 - B2), out=s)
            np.multiply(v, np.float32(B2), out=v)
            np.add(v, s, out=v)
            np.multiply(g, np.float32(1 - B1), out=g)
            np.multiply(m, np.float32(B1), out=m)
            np.add(m, g, out=m)
            np.sqrt(v, out=s)
            np.add(s, eps, out=s)
            np.divide(m, s, out=s)
            np.multiply(s, rate, out=s)
            np.subtract(p, s, out=p)


def functional_step(lib: JaxLike) -> Step:
    """The step as a user of rtorch or JAX writes it: a pure function under `jit`."""

    def loss_function(params: list[Any], x: Any, labels: Any) -> Any:
        h = x
        for weight, bias in zip(params[:-2:2], params[1:-2:2], strict=True):
            h = lib.maximum(h @ weight + bias, 0.0)
        logits = h @ params[-2] + params[-1]
        log_total = lib.log(lib.sum(lib.exp(logits), axis=1))
        return lib.sum(log_total - lib.sum(logits * labels, axis=1)) / BATCH

    def step(params: list[Any], state: Any, x: Any, labels: Any) -> Any:
        loss, grads = lib.value_and_grad(loss_function)(params, x, labels)
        t = state["t"] + 1.0
        correction = lib.sqrt(1 - lib.exp(t * math.log(B2)))
        rate = LEARNING_RATE * correction / (1 - lib.exp(t * math.log(B1)))
        m = lib.tree.map(lambda m, g: B1 * m + (1 - B1) * g, state["m"], grads)
        v = lib.tree.map(lambda v, g: B2 * v + (1 - B2) * (g * g), state["v"], grads)
        params = lib.tree.map(
            lambda p, m, v: p - rate * (m / (lib.sqrt(v) + EPS * correction)), params, m, v
        )
        return params, {"m": m, "v": v, "t": t}, loss

    arrays, x, labels = problem()
    x, labels = lib.asarray(x), lib.asarray(labels)
    params = [lib.asarray(p) for p in arrays]
    state = {
        "m": [lib.asarray(np.zeros_like(p)) for p in arrays],
        "v": [lib.asarray(np.zeros_like(p)) for p in arrays],
        "t": lib.asarray(np.zeros((), np.float32)),
    }
    jitted = lib.jit(step, donate_argnums=(0, 1))

    def run() -> float:
        nonlocal params, state
        params, state, loss = lib.wait(jitted(params, state, x, labels))
        return float(loss)

    return run


def torch_step(torch: Any) -> Step:
    """The usual eager training step, with PyTorch's fused Adam."""
    arrays, x, labels = problem()
    layers: list[Any] = []
    for weight, bias in zip(arrays[::2], arrays[1::2], strict=True):
        linear = torch.nn.Linear(*weight.shape)
        linear.weight.data = torch.tensor(weight.T.copy())
        linear.bias.data = torch.tensor(bias)
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(model.parameters(), LEARNING_RATE, (B1, B2), EPS, fused=True)
    inputs, targets = torch.tensor(x), torch.tensor(labels.argmax(1))

    def run() -> float:
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        adam.step()
        return float(loss.detach())

    return run


def check_losses(steps: dict[str, Step]) -> None:
    """The first ten losses agree, and fall."""
    reference = HandWritten()
    want = np.array([reference() for _ in range(10)])
    assert want[-1] < 0.8 * want[0], want
    for name, step in steps.items():
        got = np.array([step() for _ in range(10)])
        np.testing.assert_allclose(got, want, rtol=2e-3, err_msg=name)


def training_step(effort: Effort) -> Row:
    """Both NumPy sides first: idle threads of the others' pools spin for a while and disturb."""
    steps: dict[str, Step] = {"numpy by hand": HandWritten()}
    peers: dict[str, Step] = {}
    for name, lib in jax_likes().items():
        group = steps if name == "rtorch" else peers
        group[f"{name} jit"] = functional_step(lib)
    if torch := library("torch"):
        peers["torch eager"] = torch_step(torch)
    effort = effort._replace(slot=5 * effort.slot)  # a step takes milliseconds
    samples: Samples = {}
    for group in (steps, *({name: step} for name, step in peers.items())):
        check_losses(group)
        samples |= paired(group, effort)
    targets = [ratio_at_most(samples, "rtorch jit", "numpy by hand", 1.1)]
    return Row(f"MLP {'-'.join(map(str, SIZES))}, batch {BATCH}, Adam step", samples, targets)
