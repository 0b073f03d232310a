"""Every loss with its options, what it is given, and the same written with PyTorch."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from rtorch import nn

REDUCTIONS = ("mean", "sum", "none")


class Case(NamedTuple):
    """A loss, its arguments (of which the first ones are differentiated) and options."""

    name: str
    args: tuple[Any, ...]
    options: Mapping[str, Any] = MappingProxyType({})
    differentiated: int = 1
    theirs: Callable[..., Any] | None = None  # of (torch, *args, **options)
    reductions: tuple[str | None, ...] = REDUCTIONS

    def __str__(self) -> str:
        options = ",".join(f"{k}={v if np.isscalar(v) else ''}" for k, v in self.options.items())
        return f"{self.name}({options}){np.shape(self.args[0])}"

    def ours(self, reduction: str | None) -> Callable[..., Any]:
        chosen = {} if reduction is None else {"reduction": reduction}
        return partial(getattr(nn, self.name), **self.options, **chosen)

    def reference(self, torch: Any, reduction: str | None) -> Callable[..., Any]:
        """The function of PyTorch, or a formula with our reduction."""
        functional = torch.nn.functional
        options = {
            k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in self.options.items()
        }
        if self.theirs is None:
            options = options if reduction is None else {**options, "reduction": reduction}
            return partial(getattr(functional, self.name), **options)
        reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x, None: lambda x: x}
        return lambda *args: reduce[reduction](self.theirs(torch, *args, **options))


def log_cosh(torch: Any, x: Any, y: Any) -> Any:
    return torch.log(torch.cosh(x - y))


def hinge(torch: Any, x: Any, t: Any, p: int = 1, margin: float = 1.0) -> Any:
    return torch.relu(margin - t * x) ** p


def focal(torch: Any, x: Any, t: Any, alpha: float | None = 0.25, gamma: float = 2.0) -> Any:
    p = torch.sigmoid(x)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    losses = entropy * (1 - p * t - (1 - p) * (1 - t)) ** gamma
    return losses if alpha is None else losses * (alpha * t + (1 - alpha) * (1 - t))


def dice(
    torch: Any, p: Any, t: Any, axis: Any = (1, 2), smooth: float = 1.0, squared: bool = False
) -> Any:
    below = (p**2 + t**2).sum(axis) if squared else (p + t).sum(axis)
    return 1 - (2 * (p * t).sum(axis) + smooth) / (below + smooth)


def cosine(torch: Any, x: Any, y: Any, axis: int = -1) -> Any:
    return torch.nn.functional.cosine_similarity(x, y, dim=axis)


def info_nce(torch: Any, q: Any, k: Any, temperature: float = 0.1) -> Any:
    q, k = torch.nn.functional.normalize(q, dim=1), torch.nn.functional.normalize(k, dim=1)
    labels = torch.arange(len(q))
    return torch.nn.functional.cross_entropy(q @ k.T / temperature, labels, reduction="none")


def nt_xent(torch: Any, x: Any, y: Any, temperature: float = 0.5) -> Any:
    z, n = torch.nn.functional.normalize(torch.cat([x, y]), dim=1), len(x)
    scores = (z @ z.T / temperature).fill_diagonal_(-float("inf"))
    labels = (torch.arange(2 * n) + n) % (2 * n)
    return torch.nn.functional.cross_entropy(scores, labels, reduction="none")


def no_keepdim(torch: Any, x: Any, y: Any, **options: Any) -> Any:
    options["keepdim"] = options.pop("keepdims", False)
    return torch.nn.functional.pairwise_distance(x, y, **options)


def cases() -> list[Case]:
    rng = np.random.default_rng(0)
    x, y, z = (2 * rng.normal(size=(4, 3)) for _ in range(3))
    p, t, w = (rng.uniform(0.05, 0.95, size=(4, 3)) for _ in range(3))
    hard = rng.integers(0, 2, size=(4, 3)).astype(float)
    sign, row_sign = 2 * hard - 1, np.array([1.0, -1.0, 1.0, -1.0])
    labels, counts = np.array([0, 2, 1, 2]), rng.poisson(3, size=(4, 3)).astype(float)
    per_class = np.array([0.5, 2.0, 1.0])
    many = np.array([[0, 2, -1], [-1, 0, 1], [1, -1, 2], [2, 1, 0]])
    log_p, log_t = (np.log(rng.dirichlet(np.ones(3), size=4)) for _ in range(2))
    var = rng.uniform(0.5, 2, size=(4, 3))
    maps, truth = rng.uniform(size=(2, 3, 4)), rng.integers(0, 2, size=(2, 3, 4)).astype(float)
    found = [
        *(Case(name, (x, y), o, 2)
          for name in ("mse_loss", "l1_loss", "huber_loss") for o in ({}, {"weight": w})),
        *(Case("smooth_l1_loss", (x, y), {"beta": b}, 2) for b in (1.0, 0.3, 0.0, 3)),
        *(Case("huber_loss", (x, y), {"delta": d}, 2) for d in (0.3, 2)),
        Case("log_cosh_loss", (x, y), {}, 2, log_cosh),
        *(Case("binary_cross_entropy", (p, t), o, 2) for o in ({}, {"weight": per_class})),
        *(Case("soft_margin_loss", (x, sign), {}, 1) for x in (x, 20 * x, x[0, 0] * sign)),
        *(Case("multilabel_soft_margin_loss", (x, hard), o)
          for o in ({}, {"weight": per_class})),
        Case("multilabel_soft_margin_loss", (x[0], hard[0])),
        *(Case("hinge_loss", (x, sign), o, 1, hinge)
          for o in ({}, {"p": 2}, {"p": 2, "margin": 0.3})),
        *(Case("hinge_embedding_loss", (x, s), o)
          for s in (sign, 0 * sign) for o in ({}, {"margin": 0.4})),
        *(Case("multi_margin_loss", (x, labels), o)
          for o in ({}, {"p": 2}, {"margin": 0.3, "weight": per_class},
                    {"p": 2, "weight": per_class})),
        Case("multi_margin_loss", (x[0], labels[1])),
        Case("multilabel_margin_loss", (x, many)),
        Case("multilabel_margin_loss", (x[0], many[3])),
        *(Case("margin_ranking_loss", (x, y, sign), o, 2) for o in ({}, {"margin": 0.7})),
        *(Case("triplet_margin_loss", (x, y, z), o, 3)
          for o in ({}, {"swap": True}, {"p": 1, "margin": 0.3}, {"p": 3.5, "eps": 1e-3})),
        Case("triplet_margin_loss", (x[0], y[0], z[0]), {}, 3),
        *(Case("triplet_margin_with_distance_loss", (x, y, z), o, 3)
          for o in ({}, {"swap": True, "margin": 2.5})),
        *(Case("pairwise_distance", (x, y), o, 2, no_keepdim, (None,))
          for o in ({}, {"p": 1}, {"p": 3}, {"p": np.inf}, {"p": 1.5, "keepdims": True})),
        Case("pairwise_distance", (x, y[0]), {}, 2, no_keepdim, (None,)),
        *(Case("cosine_similarity", (x, y), o, 2, cosine, (None,)) for o in ({}, {"axis": 0})),
        Case("cosine_similarity", (x, y[0]), {}, 2, cosine, (None,)),
        *(Case("cosine_embedding_loss", (x, y, row_sign), o, 2) for o in ({}, {"margin": 0.2})),
        Case("cosine_embedding_loss", (x[0], y[0], np.array(-1)), {}, 2),
        *(Case("kl_div", (log_p, t), {}, 2, reductions=(r,)) for r in (*REDUCTIONS, "batchmean")),
        *(Case("kl_div", (log_p, log_t), {"log_target": True}, 2, reductions=(r,))
          for r in (*REDUCTIONS, "batchmean")),
        *(Case("gaussian_nll_loss", (x, y, v), o, 3)
          for v in (var, var[:, :1], var[:, 0]) for o in ({}, {"full": True, "eps": 0.8})),
        *(Case("poisson_nll_loss", (x, counts), o) for o in ({}, {"full": True})),
        *(Case("poisson_nll_loss", (p, counts), {"log_input": False, **o})
          for o in ({}, {"full": True, "eps": 1e-3})),
        *(Case("focal_loss", (x, t), o, 1, focal)
          for t in (hard, t) for o in ({}, {"alpha": None, "gamma": 0.5}, {"gamma": 0})),
        *(Case("dice_loss", (maps, truth), o, 1, dice)
          for o in ({}, {"axis": 1, "squared": True}, {"axis": (0, 2), "smooth": 0.5})),
        *(Case("info_nce_loss", (x, y), o, 2, info_nce) for o in ({}, {"temperature": 1.0})),
        *(Case("nt_xent_loss", (x, y), o, 2, nt_xent) for o in ({}, {"temperature": 1.0})),
        Case("nt_xent_loss", (x[:1], y[:1]), {}, 2, nt_xent),
    ]  # fmt: skip
    return found
