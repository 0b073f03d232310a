"""The standard normal distribution function, from elementary functions.

``erfc(z) = t exp(-z**2 + P(t))`` with ``t = 2 / (2 + z)`` for ``z >= 0``, the form of Numerical
Recipes (Press et al., section 6.2). ``P`` is smooth on (0, 1]; its Chebyshev series was computed
anew, to 40 digits. All derivatives are those of the series: right to about its precision.
"""

import math

import rtorch as rt

# Chebyshev coefficients of log(erfc(z) exp(z**2) / t) over t in (0, 1].
_SERIES = (
    -0.6513268598908547, 0.6419697923564902, 0.019476473204185836,
    -0.009561514786808632, -0.0009465953444820369, 0.00036683949785276145,
    4.252332480690777e-05, -2.0278578112534242e-05, -1.6242900046470256e-06,
    1.3036558355805232e-06, 1.5626441722066142e-08, -8.523809591492654e-08,
    6.5290544390988515e-09, 5.059343495551469e-09, -9.91364156493033e-10,
    -2.273651222931836e-10, 9.646791102015527e-11, 2.3940380830391146e-12,
    -6.886027526497553e-12, 8.944879273090725e-13, 3.130921399342958e-13,
    -1.1270822361367252e-13, 3.810905255189232e-16, 7.106097613609237e-15,
    -1.5230282014571043e-15, -9.457494571291233e-17, 1.210237189224279e-16,
)
_TERMS_FOR_FLOAT32 = 12  # an error of 2e-8
_LARGEST = 30.0  # erfc is 0 there in every dtype


def normal_cdf(x: rt.Array) -> rt.Array:
    """The probability that a standard normal number is at most `x`.

    Not more than a few units in the last place off, in the lower tail too, as far as
    ``exp(-x**2 / 2)`` itself is exact.
    """
    if rt.finfo(x.dtype).bits < 32:  # the series needs more digits than half precision has
        return normal_cdf(x.astype(rt.float32)).astype(x.dtype)
    z = x * -math.sqrt(0.5)
    negative = z < 0
    tail = _erfc_of_positive(rt.where(negative, -z, z)) * 0.5  # no abs: it has slope 0 at 0
    return rt.where(negative, 1.0 - tail, tail)


def _erfc_of_positive(z: rt.Array) -> rt.Array:
    z = rt.minimum(z, _LARGEST)
    t = 2.0 / (z + 2.0)
    return t * rt.exp(_chebyshev(t * 2.0 - 1.0) - z * z)


def _chebyshev(y: rt.Array) -> rt.Array:
    """The series at `y` in [-1, 1], by Clenshaw's recurrence."""
    terms = _SERIES if y.dtype == rt.float64 else _SERIES[:_TERMS_FOR_FLOAT32]
    y2 = y * 2.0
    last, before = rt.full_like(y, terms[-1]), rt.zeros_like(y)
    for coefficient in terms[-2:0:-1]:
        last, before = last * y2 - before + coefficient, last
    return last * y - before + terms[0]
