"""Twenty steps of every optimizer are those of PyTorch, of Optax or of the paper."""

import json
from typing import Any

import numpy as np
import pytest
from optimizer_cases import ALSO_OPTAX, LIKE_OPTAX, LIKE_PAPER, LIKE_TORCH, LOOSE, OURS
from trajectories import GOLDEN, optaxs, ours, papers, torchs

from rtorch import optim

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)


def check(found: dict[str, Any], wanted: dict[str, Any], dtype: str, at_least: float = 0.0) -> None:
    for key, x in found.items():
        assert x.dtype == dtype
        tolerance = max(TOLERANCE[dtype], at_least)
        np.testing.assert_allclose(
            x, np.reshape(wanted[key], x.shape), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("name", OURS)
@DTYPES
def test_golden_numbers(name: str, dtype: str) -> None:
    check(ours(OURS[name], dtype), json.loads(GOLDEN.read_text())[name], dtype)


@pytest.mark.parametrize("name", LIKE_TORCH)
@DTYPES
def test_like_torch(name: str, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    check(ours(OURS[name], dtype), torchs(torch, name, dtype), dtype)


@pytest.mark.parametrize("name", LIKE_OPTAX)
@DTYPES
def test_like_optax(name: str, dtype: str) -> None:
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    check(ours(OURS[name], dtype), optaxs(jax, optax, LIKE_OPTAX[name], dtype), dtype)


@pytest.mark.parametrize("name", ALSO_OPTAX)
@DTYPES
def test_also_like_optax(name: str, dtype: str) -> None:
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    case = ALSO_OPTAX[name]
    check(ours(case[0], dtype), optaxs(jax, optax, case, dtype), dtype, LOOSE.get(name, 0.0))


def test_every_optimizer_of_optax_is_compared_or_known_to_differ() -> None:
    optax = pytest.importorskip("optax")
    pytest.importorskip("jax")
    differs = {"amsgrad", "rprop", "adan", "lbfgs"}  # docs/optim.md says how
    left_out = {
        "adopt", "fromage", "noisy_sgd", "optimistic_gradient_descent", "optimistic_adam",
        "optimistic_adam_v2", "polyak_sgd", "sign_sgd", "signum", "sm3",
    }  # fmt: skip
    compared = {case[1] for case in (LIKE_OPTAX | ALSO_OPTAX).values()}
    there = {name for name in vars(optax) if name in _aliases(optax)}
    assert there - left_out == {name for name in compared if "." not in name} | differs


def _aliases(optax: Any) -> set[str]:
    module = optax._src.alias
    return {
        name for name, f in vars(module).items()
        if not name.startswith("_") and getattr(f, "__module__", "") == module.__name__
    }  # fmt: skip


@pytest.mark.parametrize("name", LIKE_PAPER)
def test_like_the_paper(name: str) -> None:
    check(ours(OURS[name], "float64"), papers(name), "float64")


def test_muon_like_torch() -> None:
    """To the precision of bfloat16, to which PyTorch rounds in between."""
    torch = pytest.importorskip("torch")
    for adjust in ("original", "match_rms_adamw"):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(6, 4))
        p = torch.tensor(x, requires_grad=True)
        theirs = torch.optim.Muon([p], lr=0.1, adjust_lr_fn=adjust)
        opt = optim.muon(0.1, adjust_lr_fn=adjust)
        params = optim.apply_updates(x, 0 * x)
        state = opt.init(params)
        for _ in range(20):
            g = rng.normal(size=x.shape)
            p.grad = torch.tensor(g)
            theirs.step()
            updates, state = opt.update(g, state, params)
            params = optim.apply_updates(params, updates)
        assert float(abs(np.asarray(params) - p.detach().numpy()).max()) < 0.02
        assert float(abs(np.asarray(params) - x).max()) > 0.2
