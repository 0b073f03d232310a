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

from rtorch.nn import initializers
from rtorch.nn.activations import (
    celu,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    one_hot,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    swish,
    tanh,
)
from rtorch.nn.attention import scaled_dot_product_attention
from rtorch.nn.bilinear import Bilinear
from rtorch.nn.branches import (
    fan_in_concat,
    fan_in_sum,
    fan_out,
    identity,
    lambda_,
    parallel,
    repeat,
    residual,
)
from rtorch.nn.cells import GRUCell, LSTMCell, RNNCell
from rtorch.nn.combinators import serial
from rtorch.nn.dropout import Dropout
from rtorch.nn.embedding import Embedding
from rtorch.nn.flatten import Flatten
from rtorch.nn.gates import geglu, reglu, swiglu
from rtorch.nn.layer import Layer, as_layer, output_spec, stateless
from rtorch.nn.leaky import PReLU, RReLU
from rtorch.nn.linear import Linear
from rtorch.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    mse_loss,
    nll_loss,
)
from rtorch.nn.metrics import accuracy
from rtorch.nn.multihead import MultiHeadAttention
from rtorch.nn.positions import (
    LearnedPositions,
    SinusoidalPositions,
    alibi,
    rope,
    sinusoidal_positions,
)
from rtorch.nn.recurrent import GRU, LSTM, RNN
from rtorch.nn.summary import Summary, SummaryRow, summary
from rtorch.nn.thresholds import (
    hard_shrink,
    soft_shrink,
    softmin,
    squareplus,
    tanh_shrink,
    threshold,
)
from rtorch.nn.transformer import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bilinear",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "LSTMCell",
    "Layer",
    "LearnedPositions",
    "Linear",
    "MultiHeadAttention",
    "PReLU",
    "RNNCell",
    "RReLU",
    "SinusoidalPositions",
    "Summary",
    "SummaryRow",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "accuracy",
    "alibi",
    "as_layer",
    "binary_cross_entropy_with_logits",
    "celu",
    "cross_entropy",
    "elu",
    "fan_in_concat",
    "fan_in_sum",
    "fan_out",
    "geglu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "identity",
    "initializers",
    "l1_loss",
    "lambda_",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "output_spec",
    "parallel",
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
    "soft_shrink",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "squareplus",
    "stateless",
    "summary",
    "swiglu",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
