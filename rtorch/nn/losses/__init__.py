"""Loss functions, with PyTorch's names and conventions.

`reduction` is ``"mean"``, ``"sum"`` or ``"none"``. Shapes must agree: nothing is broadcast, since
a loss over ``(n, 1)`` and ``(n,)`` is nearly always a mistake. Numbers of 16 bits are computed in
float32 and rounded at the end.
"""

from __future__ import annotations

from rtorch.nn.losses.binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from rtorch.nn.losses.classification import cross_entropy, nll_loss
from rtorch.nn.losses.contrastive import info_nce_loss, nt_xent_loss
from rtorch.nn.losses.ctc import ctc_loss
from rtorch.nn.losses.margins import (
    hinge_embedding_loss,
    hinge_loss,
    multi_margin_loss,
    multilabel_margin_loss,
)
from rtorch.nn.losses.probabilistic import gaussian_nll_loss, kl_div, poisson_nll_loss
from rtorch.nn.losses.ranking import (
    margin_ranking_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from rtorch.nn.losses.regression import (
    huber_loss,
    l1_loss,
    log_cosh_loss,
    mse_loss,
    smooth_l1_loss,
)
from rtorch.nn.losses.segmentation import dice_loss, focal_loss
from rtorch.nn.losses.similarity import (
    cosine_embedding_loss,
    cosine_similarity,
    pairwise_distance,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dice_loss",
    "focal_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "info_nce_loss",
    "kl_div",
    "l1_loss",
    "log_cosh_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "nt_xent_loss",
    "pairwise_distance",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]
