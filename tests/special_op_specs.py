"""The primitives of `rtorch.special` for the table in `op_specs.py`."""

from typing import Any

import numpy as np

from rtorch.core import dtypes

try:
    import scipy.special as scipy
except ImportError:
    scipy: Any = None  # type: ignore[no-redef]

F64, F32, C64, C128 = dtypes.float64, dtypes.float32, dtypes.complex64, dtypes.complex128
# Without SciPy, which computes most of them and checks all.
_NAMES = """
    bessel beta betainc betainc_slope betaln binom boxcox boxcox1p dawsn erfcx exp1 expi expn
    fresnel gamma gammainc gammaincc hyp1f1 hyp1f1_slope hyp2f1 hyp2f1_slope inv_boxcox inv_boxcox1p
    log_ndtr loggamma logit ndtri owens_t poch riemann_zeta sici slope_quotient spence sph_harm_y
    wofz xlog1py xlogy zeta zeta_slope
"""
EXEMPT = {} if scipy else dict.fromkeys(_NAMES.split(), "SciPy is not installed")
# What CuPy does not compute (of Bessel's functions, those of fractional order): an error says so.
NOT_ON_GPU = {"bessel", "dawsn", "fresnel", "hyp1f1", "hyp2f1", "owens_t", "spence", "wofz"}
ANY, POSITIVE, UNIT, INSIDE = (-2.0, 2.0), (0.4, 3.0), (-0.8, 0.8), (0.1, 0.9)


def declare(add: Any, elementwise: Any, Operand: Any) -> None:
    """Add all entries by the functions of `op_specs`."""
    if scipy is None:
        return
    _smooth(elementwise)
    _by_parameters(add, elementwise, Operand)
    _several(add, Operand)


def _smooth(elementwise: Any) -> None:
    for name, domains in {
        "erfcx": (ANY,), "dawsn": (ANY,), "log_ndtr": (ANY,), "ndtri": (INSIDE,),
        "logit": (INSIDE,), "owens_t": (ANY, ANY), "xlogy": (ANY, POSITIVE),
        "xlog1py": (ANY, UNIT), "gamma": ((-2.9, -2.2),), "betaln": (POSITIVE, POSITIVE),
        "beta": (POSITIVE, POSITIVE), "boxcox": (POSITIVE, ANY), "boxcox1p": (UNIT, ANY),
        "inv_boxcox": (UNIT, UNIT), "inv_boxcox1p": (UNIT, UNIT),
        "binom": ((2.0, 5.0), (0.2, 1.8)), "poch": (POSITIVE, POSITIVE), "expi": (POSITIVE,),
        "exp1": (POSITIVE,), "spence": (POSITIVE,),
    }.items():  # fmt: skip
        elementwise(name, getattr(scipy, name), *domains, special=(), tolerance=4)
    elementwise("gamma", scipy.gamma, POSITIVE, case="positive", special=())
    elementwise("wofz", scipy.wofz, UNIT, dtypes=(C128, C64), special=(), tolerance=4)
    elementwise("loggamma", scipy.loggamma, POSITIVE, dtypes=(F64, F32, C128, C64), special=())
    for kind in "jyik":
        for order in (0.0, 1.0, 2.5, 3.0):
            for scaled in (False, True) if kind in "ik" else (False,):
                params = {"kind": kind, "order": order, "scaled": scaled}
                elementwise("bessel", _bessel, POSITIVE, params=params, special=(), tolerance=4,
                            case=f"{kind}{order}{'e' * scaled}")  # fmt: skip


def _bessel(x: Any, kind: str, order: float, scaled: bool) -> Any:
    return getattr(scipy, f"{kind}v{'e' * scaled}")(order, x)


def _by_parameters(add: Any, elementwise: Any, Operand: Any) -> None:
    """Their slopes too, against difference quotients of SciPy."""
    for name, *domains in (
        ("gammainc", POSITIVE, POSITIVE),
        ("gammaincc", POSITIVE, POSITIVE),
        ("betainc", POSITIVE, POSITIVE, INSIDE),
        ("zeta", (2.0, 4.0), POSITIVE),
        ("hyp1f1", POSITIVE, POSITIVE, UNIT),
        ("hyp2f1", POSITIVE, POSITIVE, POSITIVE, (-0.5, 0.5)),
    ):
        elementwise(name, getattr(scipy, name), *domains, special=(), tolerance=16)
        if name in ("betainc", "hyp1f1", "hyp2f1"):
            for by in range(len(domains) - 1):
                _slope(add, elementwise, Operand, name, domains, by)
    elementwise("riemann_zeta", scipy.zeta, (1.5, 4.0), special=(), tolerance=16)
    add("zeta_slope", (Operand((2, 3), (2.0, 4.0)), Operand((2, 3), POSITIVE)),
        lambda s, q, order: _quotient(scipy.zeta, (s, q), 0), {"order": 1}, dtypes=(F64,),
        order=2, **_ROUGH)  # fmt: skip
    elementwise("zeta_slope",
                lambda s, q, order: _quotient(scipy.zeta, (s, q), 0).astype(F32), (2.0, 4.0),
                POSITIVE, params={"order": 1}, dtypes=(F32,), order=0, special=(),
                case="shapes", tolerance=1e3)  # fmt: skip
    _expn(add, Operand)


# The references are difference quotients.
_ROUGH: Any = {"tolerance": 1e9}


def _quotient(function: Any, xs: Any, by: int, step: float = 1e-4) -> Any:
    xs = [np.asarray(x, F64) for x in xs]
    above, below = ([x + s * step * (i == by) for i, x in enumerate(xs)] for s in (1, -1))
    return np.asarray((function(*above) - function(*below)) / (2 * step))


def _slope(add: Any, elementwise: Any, Operand: Any, name: str, domains: Any, by: int) -> None:
    function, slope = getattr(scipy, name), f"{name}_slope"

    def reference(*xs: Any, by: int) -> Any:
        return _quotient(function, xs, by)

    def second(*xs: Any, of: str, by: int, again: int) -> Any:
        return _quotient(lambda *xs: reference(*xs, by=by), xs, again, 1e-3)

    operands = [Operand((2, 3), d) for d in domains]
    elementwise(slope, lambda *xs, by: reference(*xs, by=by).astype(F32), *domains,
                params={"by": by}, case=f"{by}", special=(), order=0, dtypes=(F32,),
                tolerance=1e3)  # fmt: skip
    # Rounding depends on what else is in the array: how many terms there are.
    exact = name != "betainc" or by == 1
    add(
        slope,
        operands,
        reference,
        {"by": by},
        dtypes=(F64,),
        order=int(exact),
        case=f"{by}-f64",
        **_ROUGH,
    )
    if name == "betainc":
        return
    add("slope_quotient", operands, second, {"of": slope, "by": by, "again": 0}, dtypes=(F64,),
        case=f"{name}-{by}", tolerance=1e10)  # fmt: skip


def _expn(add: Any, Operand: Any) -> None:
    """Differentiated by the last operand only; the order has a dtype, and so is held fixed."""
    for n in (0, 1, 3):
        order = Operand((2, 3), dtype=F64, values=float(n))
        add("expn", (order, Operand((2, 3), POSITIVE)), scipy.expn, dtypes=(F64,), order=2,
            case=str(n), tolerance=4)  # fmt: skip


def _several(add: Any, Operand: Any) -> None:
    for shape in ((2, 3), (), (0, 3)):
        for name in ("sici", "fresnel"):
            add(name, (Operand(shape, POSITIVE),), getattr(scipy, name), order=2,
                case=str(shape))  # fmt: skip
        degree = Operand(shape, dtype=dtypes.int64, values=3)
        for m in (-3, 0, 2):
            order = Operand(shape, dtype=dtypes.int64, values=m)
            angles = (Operand(shape, POSITIVE), Operand(shape, ANY))
            add("sph_harm_y", (degree, order, *angles), _harmonic, dtypes=(F64, F32), order=2,
                case=f"{shape} {m}")  # fmt: skip


def _harmonic(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    return np.asarray(scipy.sph_harm_y(n, m, theta, phi)).astype(dtypes.complex_dtype(theta.dtype))
