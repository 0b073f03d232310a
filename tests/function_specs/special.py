"""Special functions. SciPy is the reference; without it only the names are here."""

from typing import Any

import numpy as np

import rtorch as rt
from function_specs import C64, C128, F32, F64, FLOATS, I32, I64, Fn, Operand, x

try:
    import scipy.special as scipy
except ImportError:
    scipy: Any = None  # type: ignore[no-redef]

ANY, POSITIVE, UNIT, INSIDE = (-2.0, 2.0), (0.4, 3.0), (-0.8, 0.8), (0.1, 0.9)


def _of(name: str, *domains: Any, args: Any = None, reference: Any = None, **options: Any) -> Fn:
    """A function of matrices; the first has one row, so that they broadcast."""
    if args is None:
        shapes = [(2, 3), (3,), (2, 1), (2, 3)] if len(domains) > 1 else [(2, 3)]
        args = tuple(x(*s, domain=d) for s, d in zip(shapes, domains, strict=False))
    options = {"dtypes": FLOATS, "order": 2, "tolerance": 4, **options}
    return Fn(f"special.{name}", args, reference or getattr(scipy, name), **options)


# Domains of the arguments; all are smooth by all of them.
_SMOOTH: dict[str, tuple[Any, ...]] = {
    "erf": (ANY,), "erfc": (ANY,), "erfcx": (ANY,), "erfinv": (UNIT,), "dawsn": (ANY,),
    "expit": (ANY,), "log_expit": (ANY,), "log_ndtr": (ANY,), "logit": (INSIDE,), "ndtr": (ANY,),
    "ndtri": (INSIDE,), "owens_t": (ANY, ANY), "boxcox": (POSITIVE, ANY), "boxcox1p": (UNIT, ANY),
    "inv_boxcox": (UNIT, UNIT), "inv_boxcox1p": (UNIT, UNIT),
    "entr": (POSITIVE,), "exprel": (ANY,), "kl_div": (POSITIVE, POSITIVE),
    "rel_entr": (POSITIVE, POSITIVE), "xlog1py": (ANY, UNIT), "xlogy": (ANY, POSITIVE),
    "digamma": (POSITIVE,), "psi": (POSITIVE,), "gamma": (POSITIVE,), "gammaln": (POSITIVE,),
    "loggamma": (POSITIVE,), "beta": (POSITIVE, POSITIVE), "betaln": (POSITIVE, POSITIVE),
    "poch": (POSITIVE, POSITIVE), "binom": ((2.0, 5.0), (0.2, 1.8)),
    "comb": ((2.0, 5.0), (0.2, 1.8)), "exp1": (POSITIVE,),
    "expi": (POSITIVE,), "spence": (POSITIVE,), "sici": (POSITIVE,), "fresnel": (ANY,),
    **{f"{kind}{end}": (POSITIVE,) for kind in "jyik" for end in "01"},
    **{f"{kind}{end}e": (POSITIVE,) for kind in "ik" for end in "01"},
}  # fmt: skip
# Their slopes by parameters are sums in float64, the second ones of some difference quotients.
_BY_PARAMETERS: dict[str, tuple[Any, ...]] = {
    "gammainc": (POSITIVE, POSITIVE), "gammaincc": (POSITIVE, POSITIVE),
    "betainc": (POSITIVE, POSITIVE, INSIDE), "zeta": ((2.0, 4.0), POSITIVE),
    "hyp1f1": (POSITIVE, POSITIVE, UNIT), "hyp2f1": (POSITIVE, POSITIVE, POSITIVE, (-0.5, 0.5)),
}  # fmt: skip


def _bernoulli(n: int) -> Any:
    return scipy.bernoulli(n).astype(F32)


def _multigammaln(a: Any, d: int) -> Any:
    return scipy.multigammaln(a, d).astype(a.dtype)


def _polygamma(n: Any, x: Any) -> Any:
    return scipy.polygamma(n, x).astype(x.dtype)


def _bessel_jn(z: Any, v: int) -> Any:
    return np.stack([scipy.jv(n, z) for n in range(v + 1)])


def _harmonic(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    return scipy.sph_harm_y(n, m, theta, phi)


def _all() -> list[Fn]:
    found = [_of(name, *domains) for name, domains in _SMOOTH.items()]
    found += [_of(name, *domains, tolerance=16) for name, domains in _BY_PARAMETERS.items()]
    for name in ("jv", "yv", "iv", "kv", "ive", "kve"):
        for order in (0, 2, 1.5):
            found.append(_of(name, args=(order, x(2, 3, domain=POSITIVE)), case=str(order)))
    found.append(_of("factorial", POSITIVE, same_dtype=False))  # SciPy makes float64 of float32
    integers = {"dtypes": (I32, I64), "order": 0, "same_dtype": False, "case": "integers"}
    found += [_of(name, (1, 4), **integers) for name in ("gammaln", "i0", "ndtr", "expi")]
    return found + _more()


def _more() -> list[Fn]:
    line, angles = x(2, 3, domain=POSITIVE), (x(2, 3, domain=POSITIVE), x(2, 3))
    whole = Operand((3,), dtype=I64, values=[1, 2, 3])
    order = Operand((3,), dtype=I64, values=[-1, 0, 3])
    mask = Operand((2, 3), dtype=bool, values=[[1, 0, 1], [1, 1, 0]])
    complex_numbers = {"dtypes": (C64, C128)}
    return [
        _of("erf_inv", UNIT, reference=scipy.erfinv),
        _of("expn", args=(2, line), same_dtype=False),
        _of("expn", args=(whole, line), case="orders", dtypes=(F32, F64), same_dtype=False),
        _of("zeta", args=(x(2, 3, domain=(1.5, 4.0)),), case="riemann"),
        _of("zeta", args=(x(2, 3, domain=(-3.0, -0.5)),), case="below 0"),
        _of("gammasgn", (-3.0, 3.0), order=0, why_not_smooth="a sign"),
        _of("wofz", UNIT, **complex_numbers),
        _of("loggamma", POSITIVE, case="complex", **complex_numbers),
        _of("bernoulli", args=(8,), reference=_bernoulli, order=0, why_not_smooth="of integers"),
        _of("bessel_jn", args=(line,), kwargs={"v": 3}, reference=_bessel_jn, dtypes=(F32, F64)),
        _of("multigammaln", args=(x(2, 3, domain=(1.5, 4.0)), 3), reference=_multigammaln),
        _of("polygamma", args=(0, line), reference=_polygamma, case="0"),
        _of("polygamma", args=(2, line), reference=_polygamma, case="2"),
        _of("polygamma", args=(whole, line), reference=_polygamma, case="orders",
            dtypes=(F32, F64)),
        _of("comb", (2.0, 5.0), (0.2, 1.8), kwargs={"repetition": True}, case="repetition"),
        _of("sph_harm_y", args=(3, order, *angles), reference=_harmonic, dtypes=(F64,)),
        _of("logsumexp", ANY),
        _of("logsumexp", args=(x(2, 3),), kwargs={"axis": 0, "keepdims": True}, case="axis"),
        _of("logsumexp", args=(x(2, 3), 1, x(3, domain=POSITIVE)), case="weights"),
        _of("logsumexp", args=(x(2, 3), (0, 1), x(2, 3), True, True), case="signs"),
        _of("logsumexp", args=(x(2, 3), 1, None, False, False, mask), case="where",
            reference=lambda a, *args: scipy.logsumexp(np.where(args[-1], a, -np.inf), 1)),
        _of("softmax", ANY),
        _of("softmax", args=(x(2, 3), 1), case="axis"),
        _of("log_softmax", args=(x(2, 3),)),
        _of("log_softmax", args=(x(2, 3), -1), case="axis"),
    ]  # fmt: skip


def _names() -> list[Fn]:
    """Entries that say only why a function is not tested."""
    why = "SciPy is not installed"
    no_tests = {"dtypes": (), "reference": None, "no_jit": why, "no_vmap": why}
    return [Fn(f"special.{n}", (), why_not_smooth=why, **no_tests) for n in rt.special.__all__]


SPECS = _all() if scipy else _names()
