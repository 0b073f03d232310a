"""The parameters of MultiHeadAttention, and what goes through them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import rtorch as rt
from rtorch.errors import ShapeError, describe
from rtorch.nn.initializers import kaiming_uniform, xavier_normal, xavier_uniform
from rtorch.nn.layer import Params
from rtorch.nn.parameters import check_names


class Projections(NamedTuple):
    """From queries, keys and values to heads of them.

    Keys and values have `num_kv_heads` heads, each as long as those of the queries.
    """

    embed_dim: int
    num_heads: int
    num_kv_heads: int
    bias: bool
    bias_kv: bool

    @property
    def head_dim(self) -> int:
        """Features of a head."""
        return self.embed_dim // self.num_heads

    @property
    def rows(self) -> tuple[int, int, int]:
        """How many features queries, keys and values have behind the projections."""
        kv = self.num_kv_heads * self.head_dim
        return self.embed_dim, kv, kv

    def init(self, key: Any, kdim: int, vdim: int, dtype: Any) -> Params:
        """Parameters that begin as PyTorch's."""
        e, rows, keys = self.embed_dim, self.rows, rt.random.split(key, 6 if self.bias_kv else 4)
        out: Params = {"weight": kaiming_uniform(math.sqrt(5))(keys[0], (e, e), dtype)}
        params: Params = {"out_proj": out}
        if kdim == vdim == e:
            params["in_proj_weight"] = xavier_uniform()(keys[1], (sum(rows), e), dtype)
        else:
            for k, name, n, size in zip(keys[1:], "qkv", rows, (e, kdim, vdim), strict=False):
                params[f"{name}_proj_weight"] = xavier_uniform()(k, (n, size), dtype)
        if self.bias:
            params["in_proj_bias"] = rt.zeros(sum(rows), dtype=dtype)
            out["bias"] = rt.zeros(e, dtype=dtype)
        if self.bias_kv:
            for k, name in zip(keys[4:], ("bias_k", "bias_v"), strict=True):
                params[name] = xavier_normal()(k, (1, 1, rows[1]), dtype)
        return params

    def project(self, params: Params, query: Any, key: Any, value: Any) -> list[rt.Array]:
        """The three, ``(..., features)``, behind the first projections."""
        together = "in_proj_weight" in params
        self._check_names(params, together)
        cuts = [self.rows[0], self.rows[0] + self.rows[1]]
        bias = params["in_proj_bias"] if self.bias else None
        if together and query is key and key is value:  # one product, not three
            return rt.split(_linear(query, params["in_proj_weight"], bias), cuts, axis=-1)
        if together:
            weights = rt.split(params["in_proj_weight"], cuts)
        else:
            weights = [params[f"{name}_proj_weight"] for name in "qkv"]
        biases = [None] * 3 if bias is None else rt.split(bias, cuts)
        for name, x, w in zip(("query", "key", "value"), (query, key, value), weights, strict=True):
            if x.shape[-1] != w.shape[-1]:
                raise ShapeError(f"[MultiHeadAttention] {name}: expected {w.shape[-1]} features, "
                                 f"as its weight has, got {describe(x)}")  # fmt: skip
        return list(map(_linear, (query, key, value), weights, biases))

    def _check_names(self, params: Params, together: bool) -> None:
        first = ["in_proj_weight"] if together else [f"{name}_proj_weight" for name in "qkv"]
        bias = ["in_proj_bias"] if self.bias else []
        more = ["bias_k", "bias_v"] if self.bias_kv else []
        check_names("MultiHeadAttention", "params", params, [*first, *bias, *more, "out_proj"])

    def split(self, x: rt.Array) -> rt.Array:
        """``(..., steps, features)`` as ``(..., heads, steps, features of a head)``."""
        return rt.swapaxes(
            rt.reshape(x, (*x.shape[:-1], x.shape[-1] // self.head_dim, self.head_dim)), -2, -3
        )

    def extra(self, params: Params, like: rt.Array, zero: bool) -> tuple[rt.Array, rt.Array]:
        """The learned key and value, and after them zeros if `zero`, of all sequences."""
        shape = (*like.shape[:-2], 1, self.head_dim)
        found = []
        for name in ("bias_k", "bias_v"):
            parts = [rt.zeros(shape, dtype=like.dtype)] if zero else []
            if self.bias_kv:
                learned = rt.reshape(params[name], (self.num_kv_heads, 1, self.head_dim))
                parts.insert(0, rt.broadcast_to(learned, shape))
            found.append(rt.concat(parts, axis=-2))
        return found[0], found[1]

    def join(self, params: Params, y: rt.Array) -> rt.Array:
        """The output of all heads, through the last projection."""
        y = rt.reshape(rt.swapaxes(y, -2, -3), (*y.shape[:-3], y.shape[-2], self.embed_dim))
        return _linear(y, params["out_proj"]["weight"], params["out_proj"].get("bias"))


def _linear(x: rt.Array, weight: rt.Array, bias: rt.Array | None) -> rt.Array:
    y: rt.Array = x @ weight.T
    return y if bias is None else y + bias
