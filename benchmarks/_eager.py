"""Single calls without `jit`: one addition, indexing, the gradient of a small function."""

import importlib
import operator
from functools import partial
from typing import Any

import numpy as np
from _libraries import JaxLike, jax_likes, library
from _table import Row, at_most, faster_than
from _timing import Call, Effort, paired

X = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32) / 4
BATCH = np.stack([X, X + 0.1, X - 0.1, 2 * X])


def addition(effort: Effort) -> Row:
    sides = {"numpy": partial(operator.add, X, X)}
    for name, lib in jax_likes().items():
        sides[name] = partial(operator.add, lib.asarray(X), lib.asarray(X))
    if torch := library("torch"):
        sides["torch"] = partial(operator.add, torch.tensor(X), torch.tensor(X))
    samples = paired(sides, effort)
    return Row("x + y, 8x8", samples, [at_most(samples, "rtorch", 1.2e-6, over="numpy")])


def basic_index(effort: Effort) -> Row:
    key = slice(2, 4)
    sides = {"numpy": partial(operator.getitem, X, key)}
    for name, lib in jax_likes().items():
        sides[name] = partial(operator.getitem, lib.asarray(X), key)
    samples = paired(sides, effort)
    return Row("x[2:4], 8x8", samples, [at_most(samples, "rtorch", 2e-6)])


def array_index(effort: Effort) -> Row:
    index = np.array([0, 5, 2, 2])
    sides = {"numpy": partial(operator.getitem, X, index)}
    for name, lib in jax_likes().items():
        sides[name] = partial(operator.getitem, lib.asarray(X), lib.asarray(index))
    samples = paired(sides, effort)
    return Row("x[idx], 4 rows of 8x8", samples, [at_most(samples, "rtorch", 4e-6)])


def indexed_set(effort: Effort) -> Row:
    row = X[0]

    def copy_and_set() -> np.ndarray:
        y = X.copy()
        y[2] = row
        return y

    def functional_set(x: Any, value: Any) -> Any:
        return x.at[2].set(value)

    sides: dict[str, Call] = {"numpy": copy_and_set}
    for name, lib in jax_likes().items():
        sides[name] = partial(functional_set, lib.asarray(X), lib.asarray(row))
    samples = paired(sides, effort)
    return Row("x.at[2].set(v), 8x8", samples, [at_most(samples, "rtorch", 5e-6)])


def small_function(lib: Any, x: Any) -> Any:
    return lib.sum(lib.tanh(x @ x + x) * x)


def reference_gradient(x: np.ndarray) -> np.ndarray:
    """The gradient of `small_function` by hand; what is timed must give this."""
    t = np.tanh(x @ x + x)
    inner = (1 - t * t) * x
    return t + inner + inner @ x.T + x.T @ inner


def waiting(lib: JaxLike, function: Any, x: Any) -> Any:
    return lib.wait(function(x))


def torch_backward(x: Any) -> Any:
    x.grad = None
    (((x @ x + x).tanh()) * x).sum().backward()
    return x.grad


def gradient_sides() -> dict[str, Call]:
    sides: dict[str, Call] = {}
    for name, lib in jax_likes().items():
        gradient = lib.grad(partial(small_function, lib))
        sides[name] = partial(waiting, lib, gradient, lib.asarray(X))
    if autograd := library("autograd"):
        anp = importlib.import_module("autograd.numpy")
        sides["autograd"] = partial(autograd.grad(partial(small_function, anp)), X)
    if torch := library("torch"):
        gradient = torch.func.grad(partial(small_function, torch))
        sides["torch.func.grad"] = partial(gradient, torch.tensor(X))
        sides["torch backward()"] = partial(torch_backward, torch.tensor(X, requires_grad=True))
    return sides


def gradient(effort: Effort) -> Row:
    sides = gradient_sides()
    for name, side in sides.items():
        np.testing.assert_allclose(np.asarray(side()), reference_gradient(X), 1e-4, 1e-5, name)
    samples = paired(sides, effort)
    targets = [at_most(samples, "rtorch", 60e-6), faster_than(samples, "rtorch", "jax", 30)]
    others = ("autograd", "torch.func.grad", "torch backward()")
    targets += [faster_than(samples, "rtorch", other) for other in others]
    return Row("eager gradient of sum(tanh(x@x+x)*x), 8x8", samples, targets)


def batched_gradient(effort: Effort) -> Row:
    want = np.stack([reference_gradient(x) for x in BATCH])
    sides = {}
    for name, lib in jax_likes().items():
        function = lib.vmap(lib.grad(partial(small_function, lib)))
        sides[name] = partial(waiting, lib, function, lib.asarray(BATCH))
        np.testing.assert_allclose(np.asarray(sides[name]()), want, 1e-4, 1e-5, name)
    if torch := library("torch"):
        function = torch.func.vmap(torch.func.grad(partial(small_function, torch)))
        sides["torch.func"] = partial(function, torch.tensor(BATCH))
    samples = paired(sides, effort)
    targets = [at_most(samples, "rtorch", 150e-6), faster_than(samples, "rtorch", "jax", 15)]
    return Row("eager vmap(grad) of it, batch of 4", samples, targets)
