"""Projections against Optax's and against their definitions; other wrappers that Optax has."""

from typing import Any

import numpy as np
import pytest

import rtorch as rt
from rtorch import errors, optim
from rtorch.optim import projections

LIKE_OPTAX: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "non_negative": (projections.non_negative, ()),
    "box": (projections.box, (-0.5, 0.8)),
    "simplex": (projections.simplex, (1.5,)),
    "l1_ball": (projections.l1_ball, (2.0,)),
    "l2_ball": (projections.l2_ball, (1.5,)),
    "linf_ball": (projections.linf_ball, (0.7,)),
}
LOOSE = {"box": 1e-7, "linf_ball": 1e-7, "accumulate": 1e-7}  # where Optax computes in float32
TREE = {"a": np.asarray([[0.9, -2.0, 0.3], [1.4, 0.0, -0.6]]), "b": np.asarray(1.1)}


def arrays(scale: float = 1.0) -> Any:
    return rt.tree.map(lambda x: rt.asarray(x * scale), TREE)


@pytest.mark.parametrize("name", LIKE_OPTAX)
@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_like_optax(name: str, scale: float) -> None:
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    ours, options = LIKE_OPTAX[name]
    with jax.enable_x64(True):
        theirs = getattr(optax.projections, f"projection_{name}")
        tree = jax.tree.map(lambda x: jax.numpy.asarray(x * scale), TREE)
        if name == "box":  # there, bounds are trees
            full = [jax.tree.map(lambda x, v=v: jax.numpy.full_like(x, v), tree) for v in options]
            wanted = theirs(tree, *full)
        else:
            wanted = theirs(tree, *options)
        wanted = jax.tree.map(np.asarray, wanted)
    for found in (ours(arrays(scale), *options), rt.jit(ours)(arrays(scale), *options)):
        rt.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, rtol=LOOSE.get(name, 1e-12), atol=1e-15),
            found, wanted,
        )  # fmt: skip


@pytest.mark.parametrize("name", LIKE_OPTAX)
def test_the_nearest_point(name: str) -> None:
    """It stays where it is, and no other point of the set is nearer."""
    project, options = LIKE_OPTAX[name]
    x = rt.asarray(TREE["a"].ravel())
    p = project(x, *options)
    np.testing.assert_allclose(project(p, *options), p, atol=1e-15)
    others = rt.random.normal(rt.random.key(0), (200, 6), dtype=rt.float64)
    inside = rt.vmap(lambda y: project(y, *options))(others)
    assert float(rt.min(rt.sum((inside - p) * (p - x), axis=1))) > -1e-12


def test_leaves_that_are_not_floating_and_half_precision() -> None:
    tree = {"n": rt.asarray(-3), "none": None, "x": rt.asarray([-3.0, 2.0], dtype=rt.float16)}
    for project, options in LIKE_OPTAX.values():
        found = project(tree, *options)
        assert rt.eval_shape(lambda t: t, found) == rt.eval_shape(lambda t: t, tree)
        assert int(found["n"]) == -3
    assert projections.simplex(rt.zeros(0)).shape == (0,)


@pytest.mark.parametrize("name", LIKE_OPTAX)
def test_training_stays_in_the_set(name: str) -> None:
    project, options = LIKE_OPTAX[name]
    opt = optim.chain(optim.adam(0.3), optim.project(lambda p: project(p, *options)))
    params = arrays()
    state = opt.init(params)
    for _ in range(3):
        updates, state = rt.jit(opt.update)(arrays(-1), state, params)
        params = optim.apply_updates(params, updates)
    rt.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, atol=1e-14), params, project(params, *options)
    )


@pytest.mark.parametrize("name", ["accumulate", "lookahead", "centralize", "skip_nonfinite"])
def test_wrappers_like_optax(name: str) -> None:
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    grads = [rt.tree.map(lambda x, t=t: np.sin(x * 3 + t), TREE) for t in range(6)]
    if name == "skip_nonfinite":
        grads[2] = grads[2] | {"b": np.asarray(np.inf)}
    ours = {
        "accumulate": lambda: optim.accumulate(optim.adam(0.1), 3),
        "lookahead": lambda: optim.lookahead(optim.adam(0.1), 3, 0.4),
        "centralize": lambda: optim.chain(optim.centralize(), optim.adam(0.1)),
        "skip_nonfinite": lambda: optim.skip_nonfinite(optim.adam(0.1)),
    }[name]()
    params = arrays()
    state = ours.init(params)
    for g in grads:
        updates, state = ours.update(rt.tree.map(rt.asarray, g), state, params)
        params = optim.apply_updates(params, updates)
    with jax.enable_x64(True):
        theirs = {
            "accumulate": lambda: optax.MultiSteps(optax.adam(0.1), 3),
            "lookahead": lambda: optax.lookahead(optax.adam(0.1), 3, 0.4),
            "centralize": lambda: optax.chain(optax.centralize(), optax.adam(0.1)),
            "skip_nonfinite": lambda: optax.apply_if_finite(optax.adam(0.1), 10),
        }[name]()
        p = jax.tree.map(jax.numpy.asarray, TREE)
        p = optax.LookaheadParams.init_synced(p) if name == "lookahead" else p
        state = theirs.init(p)

        @jax.jit
        def step(p: Any, state: Any, g: Any) -> Any:
            updates, state = theirs.update(g, state, p)
            return optax.apply_updates(p, updates), state

        for g in grads:
            p, state = step(p, state, g)
        wanted = jax.tree.map(np.asarray, p.fast if name == "lookahead" else p)
    rtol = LOOSE.get(name, 1e-10)
    rt.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol), params, wanted)


def test_messages() -> None:
    with pytest.raises(errors.ArgumentError, match=r"\[box\] low: expected at most high=0.0"):
        projections.box(rt.ones(2), 1.0, 0.0)
    with pytest.raises(errors.ArgumentError, match=r"\[simplex\] total: expected more than 0"):
        projections.simplex(rt.ones(2), 0.0)
    with pytest.raises(errors.ArgumentError, match=r"\[project\] projection: expected a function"):
        optim.project(3)  # type: ignore[arg-type]
    with pytest.raises(errors.ArgumentError, match=r"\[project\] update needs the parameters"):
        optim.project(projections.simplex).update(rt.ones(2), ())
