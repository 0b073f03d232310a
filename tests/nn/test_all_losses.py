"""Every loss: PyTorch's values and gradients, all transforms, all dtypes, extreme inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from loss_cases import Case, cases

import rtorch as rt
from rtorch import errors, nn

CASES = cases()
RUNS = [(case, reduction) for case in CASES for reduction in case.reductions]
TOLERANCE = {"float64": 1e-10, "float32": 1e-5, "float16": 4e-3, "bfloat16": 4e-2}


def typed(case: Case, dtype: Any) -> list[rt.Array]:
    """Floating arguments in `dtype`."""
    return [rt.asarray(a).astype(dtype) if a.dtype.kind == "f" else rt.asarray(a)
            for a in map(np.asarray, case.args)]  # fmt: skip


def total_of(loss: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: rt.sum(loss(*args))


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # of kl_div
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("case", "reduction"), RUNS, ids=str)
def test_values_and_gradients_are_pytorchs(case: Case, reduction: str | None, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    loss, n = case.ours(reduction), case.differentiated
    args = typed(case, dtype)
    tensors = [torch.tensor(np.asarray(a), requires_grad=i < n) for i, a in enumerate(args)]
    options = {k: v.astype(dtype) if isinstance(v, np.ndarray) else v
               for k, v in case.options.items()}  # fmt: skip
    wanted = case._replace(options=options).reference(torch, reduction)(*tensors)
    wanted.sum().backward()
    got = loss(*args)
    assert str(got.dtype) == dtype
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(got, wanted.detach(), **close)
    slopes = rt.grad(total_of(loss), argnums=tuple(range(n)))(*args)
    for slope, tensor in zip(slopes, tensors, strict=False):
        np.testing.assert_allclose(slope, tensor.grad, **close)


ONCE = [(case, case.reductions[-1]) for case in CASES]
SMOOTH = [run for run in ONCE if run[0].options.get("eps") != 0.8]  # a clamp with a slope


@pytest.mark.parametrize(("case", "reduction"), SMOOTH, ids=str)
def test_finite_differences(case: Case, reduction: str | None) -> None:
    args, n = typed(case, "float64"), case.differentiated
    loss = total_of(case.ours(reduction))
    rt.check_grads(lambda *free: loss(*free, *args[n:]), tuple(args[:n]), order=1)


@pytest.mark.parametrize(("case", "reduction"), ONCE, ids=str)
def test_jit_and_vmap(case: Case, reduction: str | None) -> None:
    loss, args, n = case.ours(reduction), typed(case, "float64"), case.differentiated
    close = {"rtol": 1e-12, "atol": 1e-12}
    one = rt.value_and_grad(total_of(loss))(*args)
    jitted = rt.jit(rt.value_and_grad(total_of(loss)))(*args)
    rt.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **close), jitted, one)
    lanes = [rt.stack([a, a * 0.5, a * 0.9]) if i < n else a for i, a in enumerate(args)]
    axes = tuple(0 if i < n else None for i in range(len(args)))
    together = rt.vmap(loss, in_axes=axes)(*lanes)
    for i in range(3):
        alone = loss(*(a[i] if axis == 0 else a for a, axis in zip(lanes, axes, strict=True)))
        np.testing.assert_allclose(together[i], alone, **close)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("case", "reduction"), ONCE, ids=str)
def test_sixteen_bits(case: Case, reduction: str | None, dtype: str) -> None:
    """Computed in more, rounded once: equal to float32 of the same inputs but for that."""
    loss, args = case.ours(reduction), typed(case, dtype)
    got, wide = loss(*args), loss(*(a.astype(rt.float32) if a.dtype == dtype else a for a in args))
    assert str(got.dtype) == dtype
    close = {"rtol": TOLERANCE[dtype], "atol": 1e-6}
    np.testing.assert_allclose(np.asarray(got, dtype=float), wide, **close)
    slope = rt.grad(total_of(loss))(*args)
    assert str(slope.dtype) == dtype
    assert bool(rt.all(rt.isfinite(slope)))


@pytest.mark.parametrize(("case", "reduction"), ONCE, ids=str)
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e25])
def test_no_nan_far_out_or_at_zero(case: Case, reduction: str | None, size: float) -> None:
    """Kinks, zero distances and large numbers have finite slopes."""
    ranged = ("binary_cross_entropy", "kl_div", "dice_loss", "gaussian_nll_loss")
    if size > 1 and (case.name in ranged or case.name == "poisson_nll_loss"):
        pytest.skip("the arguments have a range, or the loss an exponential")
    args, n = typed(case, "float32"), case.differentiated
    args = [a * size if i < n else a for i, a in enumerate(args)]
    both = rt.value_and_grad(total_of(case.ours(reduction)), argnums=tuple(range(n)))
    with np.errstate(over="ignore"):  # a square may be infinite
        value, slopes = both(*args)
    assert not bool(rt.isnan(value))
    assert not any(bool(rt.any(rt.isnan(slope))) for slope in slopes)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_wrong_arguments_are_refused(case: Case) -> None:
    args, prefix = typed(case, "float32"), rf"^\[{case.name}\] "
    loss = case.ours(None)
    with pytest.raises(errors.DTypeError, match=prefix + ".*expected real numbers"):
        loss(args[0] + 1j, *args[1:])
    if case.reductions != (None,):
        for bad in ("avg", None):
            with pytest.raises(errors.ArgumentError, match=prefix + "reduction: expected"):
                getattr(nn, case.name)(*args, **{**case.options, "reduction": bad})
        with pytest.raises(errors.ShapeError, match=prefix):
            loss(rt.ones((5, 7, 2)), *args[1:])
