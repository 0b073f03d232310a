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
    bessel betainc betaln binom dawsn erfcx exp1 expi expn fresnel gamma gammainc gammaincc hyp1f1
    hyp2f1 log_ndtr loggamma logit ndtri owens_t poch sici spence sph_harm_y wofz xlog1py xlogy zeta
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
    _partly_smooth(add, elementwise, Operand)
    _several(add, Operand)


def _smooth(elementwise: Any) -> None:
    for name, domains in {
        "erfcx": (ANY,), "dawsn": (ANY,), "log_ndtr": (ANY,), "ndtri": (INSIDE,),
        "logit": (INSIDE,), "owens_t": (ANY, ANY), "xlogy": (ANY, POSITIVE),
        "xlog1py": (ANY, UNIT), "gamma": ((-2.9, -2.2),), "betaln": (POSITIVE, POSITIVE),
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


def _partly_smooth(add: Any, elementwise: Any, Operand: Any) -> None:
    """Differentiated by the last operand; the others have a dtype, and so are held fixed."""
    for name, *domains in (
        ("gammainc", POSITIVE, POSITIVE),
        ("gammaincc", POSITIVE, POSITIVE),
        ("betainc", POSITIVE, POSITIVE, INSIDE),
        ("zeta", (2.0, 4.0), POSITIVE),
        ("hyp1f1", POSITIVE, POSITIVE, UNIT),
        ("hyp2f1", POSITIVE, POSITIVE, POSITIVE, (-0.5, 0.5)),
    ):
        function = getattr(scipy, name)
        elementwise(name, function, *domains, order=0, special=(), tolerance=8)
        fixed = [Operand((2, 3), domain, F64) for domain in domains[:-1]]
        add(name, (*fixed, Operand((2, 3), domains[-1])), function, dtypes=(F64,), order=2,
            case="by the last")  # fmt: skip
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
