"""Running statistics of batch normalisation for parameters that were never trained: averages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import rtorch as rt
from rtorch.errors import ArgumentError, api, describe

_STATISTICS, _COUNT = ("running_mean", "running_var"), "num_batches_tracked"


@api
def update_bn(
    model: Any, params: Any, state: Any, batches: Iterable[Any], *, key: Any = None
) -> Any:
    """The state of a model whose running statistics are means over `batches`.

    Averaged parameters (`swa`, `ema`) have other activations than any that were trained, so that
    the running statistics of BatchNorm do not fit them. This makes new ones, in which each batch
    counts as much as any other, whatever the momentum of the layers (but not 0); parameters and the
    rest of the state stay.

    Args:
        model: A layer, or any pair of functions with
            ``y, state = model.apply(params, state, x, key=key, train=True)``.
        params: The parameters to evaluate with.
        state: A state of the model.
        batches: Inputs; of tuples and lists the first element, as a data loader gives them.
        key: For layers that draw, such as Dropout.

    Returns:
        The state, of the same structure.

    Raises:
        ArgumentError: if there is no batch.

    Example:
        >>> import rtorch as rt
        >>> model = rt.nn.BatchNorm1d()
        >>> params, state = model.init(None, rt.spec((4, 1)))
        >>> batches = [rt.asarray([[1.0], [3.0]]), rt.asarray([[5.0], [7.0]])]
        >>> state = rt.optim.update_bn(model, params, state, batches)
        >>> state["running_mean"], state["running_var"]
        (Array([4.], dtype=float32), Array([2.], dtype=float32))

    References:
        Izmailov et al. 2018 (arXiv:1803.05407), section 3.2; PyTorch's ``swa_utils.update_bn``.
    """
    zeros = [rt.zeros_like(x) for x in _statistics(state)]
    if not zeros:
        return state
    ones = [rt.ones_like(x) for x in zeros]

    @rt.jit
    def of_batch(x: Any, key: Any) -> list[rt.Array]:
        def after(start: list[rt.Array]) -> list[rt.Array]:
            before = _replaced(state, start, 0)
            return _statistics(model.apply(params, before, x, key=key, train=True)[1])

        # A layer makes ``kept * old + (1 - kept) * batch``: linear in the old.
        new, kept = rt.jvp(after, (zeros,), (ones,))
        return [n / (1 - k) for n, k in zip(new, kept, strict=True)]

    total, count = zeros, 0
    for count, batch in enumerate(batches, 1):
        x = batch[0] if isinstance(batch, (tuple, list)) else batch
        found = of_batch(x, None if key is None else rt.random.fold_in(key, count))
        total = [a + b for a, b in zip(total, found, strict=True)]
    if not count:
        raise ArgumentError(f"[update_bn] batches: expected one or more, got {describe(batches)}")
    return _replaced(state, [a / count for a in total], count)


def _statistics(state: Any) -> list[rt.Array]:
    """The running means and variances, in the order of the leaves."""
    return [x for path, x in _named(state) if path in _STATISTICS]


def _replaced(state: Any, statistics: list[rt.Array], count: int) -> Any:
    """`state` with these in their place, and `count` batches seen."""
    rest = iter(statistics)
    leaves = [
        next(rest) if name in _STATISTICS else rt.full_like(x, count) if name == _COUNT else x
        for name, x in _named(state)
    ]
    return rt.tree.unflatten(rt.tree.structure(state), leaves)


def _named(state: Any) -> list[tuple[str, Any]]:
    """Leaves and the last names of their paths."""
    return [
        (rt.tree.keystr(path[-1:], simple=True), x) for path, x in rt.tree.leaves_with_path(state)
    ]
