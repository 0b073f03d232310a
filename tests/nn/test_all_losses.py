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
    rt.check_grads(lambda *free: loss(*free, *args[n:]), tuple(args[:n]), order=2)


@pytest.mark.parametrize(("case", "reduction"), ONCE, ids=str)
def test_jit_and_vmap(case: Case, reduction: str | None) -> None:
    loss, args, n = case.ours(reduction), typed(case, "float64"), case.differentiated
    close = {"rtol": 1e-12, "atol": 1e-12}
    one = rt.value_and_grad(total_of(loss))(*args)
    jitted = rt.jit(rt.value_and_grad(total_of(loss)))(*args)
    rt.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **close), jitted, one)
    several = [rt.stack([a, a * 0.5, a * 0.9]) if i < n else a for i, a in enumerate(args)]
    some = tuple(0 if i < n else None for i in range(len(args)))
    for lanes, axes in (
        (several, some),
        ([rt.stack([a, a[::-1]]) if a.ndim else rt.stack([a, a]) for a in args], (0,) * len(args)),
    ):
        together = rt.vmap(loss, in_axes=axes)(*lanes)
        for i in range(len(lanes[0])):
            row = (a[i] if axis == 0 else a for a, axis in zip(lanes, axes, strict=True))
            np.testing.assert_allclose(together[i], loss(*row), **close)


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


ONES = [1.0, -1.0]
KINKS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("l1_loss", [[0.0, 1.0], [0.0, 1.0]], {}),
    ("smooth_l1_loss", [[1.0, 0.0], [0.0, 0.0]], {"beta": 1.0}),
    ("huber_loss", [[0.5, 0.0], [0.0, 0.0]], {"delta": 0.5}),
    ("binary_cross_entropy", [[0.0, 0.0, 1.0, 1.0, 1.0, 0.0], [0.0, 1, 0, 1, 0.5, 0.5]], {}),
    ("hinge_embedding_loss", [[1.0, 1.0], ONES], {}),
    ("multi_margin_loss", [[1.0, 0.0, 0.5], 0], {}),
    ("multi_margin_loss", [[1.0, 0.0, 0.5], 0], {"p": 2}),
    ("multilabel_margin_loss", [[1.0, 0.0, 0.5], [0, -1, 2]], {}),
    ("margin_ranking_loss", [[1.0, 0.0], [0.0, 1.0], ONES], {"margin": 1.0}),
    ("triplet_margin_loss", [[[0.0, 0.0]], [[0.0, 0.0]], [[1.0, 0.0]]], {"eps": 0.0}),
    *(
        ("pairwise_distance", [[[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]],
         {"p": p, "eps": 0.0})
        for p in (1, 2, 3, np.inf)
    ),
    ("cosine_similarity", [[[0.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]], {}),
    ("cosine_embedding_loss", [[[0.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]], ONES], {}),
    ("kl_div", [[-1.0, -0.5], [0.0, 1.0]], {}),
    ("poisson_nll_loss", [[0.0, 0.0, 1.0], [0.0, 1.0, 2.0]], {"full": True, "log_input": False}),
    ("gaussian_nll_loss", [[1.0, 0.0], [0.0, 0.0], [1e-9, 0.0]], {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options"), KINKS)
def test_slopes_at_kinks_are_pytorchs(name: str, args: list[Any], options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    arrays = [np.asarray(a) for a in args]
    tensors = [torch.tensor(a) for a in arrays]
    tensors[0].requires_grad_()
    reference, loss = getattr(torch.nn.functional, name), getattr(nn, name)
    if "distance" not in name and "similarity" not in name:
        options = {**options, "reduction": "none"}
    wanted = reference(*tensors, **options)
    wanted.sum().backward()
    given = [rt.asarray(a) for a in arrays]
    np.testing.assert_allclose(loss(*given, **options), wanted.detach(), rtol=1e-10)
    slope = rt.grad(total_of(lambda *xs: loss(*xs, **options)))(*given)
    # PyTorch's 1e-12 is one of float32.
    np.testing.assert_allclose(slope, tensors[0].grad, rtol=1e-8)


def test_where_pytorch_has_nan_or_inf() -> None:
    """Places where a finite slope or loss makes sense, and is given."""
    minus_inf = rt.asarray([-np.inf, -np.inf])
    divergence = rt.value_and_grad(lambda x, t: rt.sum(nn.kl_div(x, t)), argnums=(0, 1))
    assert divergence(minus_inf, rt.zeros(2))[0] == 0
    assert all(bool(rt.all(s == 0)) for s in divergence(minus_inf, rt.zeros(2))[1])
    logs = rt.grad(lambda t: nn.kl_div(rt.zeros(2), t, log_target=True))
    assert bool(rt.all(logs(minus_inf) == 0))
    value, slope = rt.value_and_grad(nn.soft_margin_loss)(rt.asarray([-1e3, 1e3]), rt.ones(2))
    assert float(value) == 500
    assert slope.tolist() == [-0.5, 0]
    value, slope = rt.value_and_grad(nn.log_cosh_loss)(rt.asarray([1e30, -1e-5]), rt.zeros(2))
    assert float(value) == float(rt.asarray(5e29))
    np.testing.assert_allclose(slope, [0.5, -5e-6], rtol=1e-6)


def test_a_nan_is_not_hidden() -> None:
    x, y = rt.asarray([np.nan, 1.0]), rt.asarray([1.0, -1.0])
    for name in ("hinge_embedding_loss", "hinge_loss", "huber_loss", "log_cosh_loss",
                 "poisson_nll_loss", "smooth_l1_loss"):  # fmt: skip
        assert np.isnan(np.asarray(getattr(nn, name)(x, y, reduction="none"))[0]), name
    assert np.isnan(nn.margin_ranking_loss(x, y, y))
    assert np.isnan(nn.triplet_margin_loss(x, y, y))
    assert np.isnan(nn.multi_margin_loss(x, rt.asarray(1)))
    assert np.isnan(nn.multilabel_margin_loss(x, rt.asarray([1, -1])))
    assert np.isnan(nn.dice_loss(x[None], y[None]))
    assert np.isnan(nn.kl_div(rt.zeros(2), x))
    assert np.isnan(rt.jit(nn.binary_cross_entropy)(x, y))
    with pytest.raises(errors.ArgumentError, match="probs: expected numbers from 0 to 1"):
        nn.binary_cross_entropy(x, y)
    with np.errstate(invalid="ignore"):
        assert np.isnan(nn.ctc_loss(rt.full((3, 2), np.nan), rt.asarray([1]), 3, 1))
