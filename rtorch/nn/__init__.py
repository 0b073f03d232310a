"""Neural networks: layers as pairs of functions, activations, losses, initializers.

A layer is ``(init, apply)``, see `Layer`. Parameters are dicts of arrays, with PyTorch's names and
shapes; they are trained with `rtorch.optim` and saved with `rtorch.save`.

Example:
    >>> import rtorch as rt
    >>> from rtorch import nn
    >>> net = nn.serial(nn.Linear(16), nn.relu, nn.Linear(3))
    >>> params, state = net.init(rt.random.key(0), rt.spec((8, 4)))
    >>> logits, state = net.apply(params, state, rt.ones((8, 4)))
    >>> logits.shape
    (8, 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtorch.nn import initializers, metrics
from rtorch.nn.activations import (
    celu,
    elu,
    geglu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    one_hot,
    reglu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softmin,
    softplus,
    softsign,
    squareplus,
    swiglu,
    swish,
    tanh,
    tanh_shrink,
    threshold,
)
from rtorch.nn.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from rtorch.nn.adaptive_pooling_layers import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
from rtorch.nn.attention import scaled_dot_product_attention
from rtorch.nn.batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from rtorch.nn.bilinear import Bilinear
from rtorch.nn.branches import (
    fan_in_concat,
    fan_in_sum,
    fan_out,
    identity,
    lambda_,
    parallel,
)
from rtorch.nn.channel_dropout import (
    AlphaDropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    FeatureAlphaDropout,
)
from rtorch.nn.combinators import serial
from rtorch.nn.conv_layers import Conv1d, Conv2d, Conv3d
from rtorch.nn.conv_transpose_layers import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from rtorch.nn.convolution import conv1d, conv2d, conv3d
from rtorch.nn.depthwise import (
    DepthwiseConv1d,
    DepthwiseConv2d,
    DepthwiseConv3d,
    SeparableConv1d,
    SeparableConv2d,
    SeparableConv3d,
)
from rtorch.nn.distances import cdist, normalize
from rtorch.nn.dropout import Dropout
from rtorch.nn.embedding import Embedding
from rtorch.nn.embedding_bag import EmbeddingBag
from rtorch.nn.flatten import Flatten, Unflatten
from rtorch.nn.folding import Fold, Unfold, fold, unfold
from rtorch.nn.global_pooling import GlobalAvgPool, GlobalMaxPool
from rtorch.nn.grids import affine_grid, grid_sample
from rtorch.nn.gru import GRU, GRUCell
from rtorch.nn.instance_norm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from rtorch.nn.interpolation import Upsample, interpolate
from rtorch.nn.layer import Layer, as_layer, output_spec, stateless
from rtorch.nn.leaky import PReLU, RReLU
from rtorch.nn.linear import Linear
from rtorch.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    cosine_similarity,
    cross_entropy,
    ctc_loss,
    dice_loss,
    focal_loss,
    gaussian_nll_loss,
    hinge_embedding_loss,
    hinge_loss,
    huber_loss,
    info_nce_loss,
    kl_div,
    l1_loss,
    log_cosh_loss,
    margin_ranking_loss,
    mse_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    nll_loss,
    nt_xent_loss,
    pairwise_distance,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from rtorch.nn.lstm import LSTM, LSTMCell
from rtorch.nn.max_unpool import (
    MaxUnpool1d,
    MaxUnpool2d,
    MaxUnpool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)
from rtorch.nn.metrics import accuracy
from rtorch.nn.multihead import MultiHeadAttention
from rtorch.nn.normalization import GroupNorm, LayerNorm, RMSNorm
from rtorch.nn.padding import Pad, pad
from rtorch.nn.pooling_functions import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from rtorch.nn.pooling_layers import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    LPPool1d,
    LPPool2d,
    LPPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from rtorch.nn.positions import (
    LearnedPositions,
    SinusoidalPositions,
    alibi,
    rope,
    sinusoidal_positions,
)
from rtorch.nn.precision import Policy, cast
from rtorch.nn.repeat import repeat
from rtorch.nn.residual import residual
from rtorch.nn.response_norm import LocalResponseNorm
from rtorch.nn.rnn import RNN, RNNCell
from rtorch.nn.shuffles import (
    ChannelShuffle,
    PixelShuffle,
    PixelUnshuffle,
    channel_shuffle,
    pixel_shuffle,
    pixel_unshuffle,
)
from rtorch.nn.sparse_softmax import gumbel_softmax, sparsemax, standardize
from rtorch.nn.spectral_norm import spectral_norm
from rtorch.nn.state_dict import NotLoaded, load_state_dict, state_dict
from rtorch.nn.summary import Summary, SummaryRow, summary
from rtorch.nn.transformer_decoder import TransformerDecoder, TransformerDecoderLayer
from rtorch.nn.transformer_encoder import TransformerEncoder, TransformerEncoderLayer
from rtorch.nn.transposed_convolution import conv_transpose1d, conv_transpose2d, conv_transpose3d
from rtorch.nn.weight_norm import weight_norm

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Bilinear",
    "ChannelShuffle",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "DepthwiseConv1d",
    "DepthwiseConv2d",
    "DepthwiseConv3d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "EmbeddingBag",
    "FeatureAlphaDropout",
    "Flatten",
    "Fold",
    "GRUCell",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LSTMCell",
    "Layer",
    "LayerNorm",
    "LearnedPositions",
    "Linear",
    "LocalResponseNorm",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "MultiHeadAttention",
    "NotLoaded",
    "PReLU",
    "Pad",
    "PixelShuffle",
    "PixelUnshuffle",
    "Policy",
    "RMSNorm",
    "RNNCell",
    "RReLU",
    "SeparableConv1d",
    "SeparableConv2d",
    "SeparableConv3d",
    "SinusoidalPositions",
    "Summary",
    "SummaryRow",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "Unflatten",
    "Unfold",
    "Upsample",
    "accuracy",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "affine_grid",
    "alibi",
    "as_layer",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cast",
    "cdist",
    "celu",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dice_loss",
    "elu",
    "fan_in_concat",
    "fan_in_sum",
    "fan_out",
    "focal_loss",
    "fold",
    "gaussian_nll_loss",
    "geglu",
    "gelu",
    "glu",
    "grid_sample",
    "gumbel_softmax",
    "hard_shrink",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "identity",
    "info_nce_loss",
    "initializers",
    "interpolate",
    "kl_div",
    "l1_loss",
    "lambda_",
    "leaky_relu",
    "load_state_dict",
    "log_cosh_loss",
    "log_sigmoid",
    "log_softmax",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "metrics",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "nt_xent_loss",
    "one_hot",
    "output_spec",
    "pad",
    "pairwise_distance",
    "parallel",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "reglu",
    "relu",
    "relu6",
    "repeat",
    "residual",
    "rope",
    "scaled_dot_product_attention",
    "selu",
    "serial",
    "sigmoid",
    "silu",
    "sinusoidal_positions",
    "smooth_l1_loss",
    "soft_margin_loss",
    "soft_shrink",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "sparsemax",
    "spectral_norm",
    "squareplus",
    "standardize",
    "state_dict",
    "stateless",
    "summary",
    "swiglu",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "weight_norm",
]

if not TYPE_CHECKING:  # there, any name would seem to exist

    def __getattr__(name: str) -> object:
        from rtorch.nn.names_of_torch import message

        raise AttributeError(message(name, __all__))
