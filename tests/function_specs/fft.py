"""Fourier transforms. In half precision they are another function in NumPy: not here."""

from function_specs import C64, C128, F32, F64, I64, INTS, Fn, x

_BOTH = {"dtypes": (F32, F64, C64, C128), "order": 2}
_REAL = {"dtypes": (F32, F64), "order": 2}
_INTEGERS = {"case": "integers", "dtypes": (I64,), "same_dtype": False}  # NumPy makes float64


def _one(name: str, **options: object) -> list[Fn]:
    return [
        Fn(f"fft.{name}", (x(2, 5),), **options),
        Fn(f"fft.{name}", (x(2, 6),), case="even", **options),
        Fn(f"fft.{name}", (x(5, 2),), kwargs={"n": 3, "axis": 0}, case="cut", **options),
        Fn(f"fft.{name}", (x(2, 3),), kwargs={"n": 8, "norm": "ortho"}, case="filled", **options),
        Fn(f"fft.{name}", (x(4),), kwargs={"n": 7, "norm": "forward"}, case="forward", **options),
        Fn(f"fft.{name}", (x(4),), **_INTEGERS),
    ]


def _several(name: str, **options: object) -> list[Fn]:
    crossed = {"axes": (-1, 0), "norm": "ortho"}
    found = [
        Fn(f"fft.{name}", (x(2, 3, 4),), **options),
        Fn(f"fft.{name}", (x(3, 2, 4),), kwargs=crossed, case="crossed", **options),
        Fn(f"fft.{name}", (x(3, 2, 4),), kwargs={**crossed, "s": (3, 4), "norm": "forward"},
           case="fitted", **options),
    ]  # fmt: skip
    if name.endswith("n"):
        found.append(Fn(f"fft.{name}", (x(4, 3),), kwargs={"axes": (0,)}, case="one", **options))
    return found


SPECS = [
    *[f for name in ("fft", "ifft", "irfft", "hfft") for f in _one(name, **_BOTH)],
    *[f for name in ("rfft", "ihfft") for f in _one(name, **_REAL)],
    *[f for name in ("fft2", "ifft2", "irfft2") for f in _several(name, **_BOTH)],
    *[f for name in ("fftn", "ifftn", "irfftn") for f in _several(name, **_BOTH)],
    *[f for name in ("rfft2", "rfftn") for f in _several(name, **_REAL)],
    Fn("fft.fftshift", (x(2, 5),), dtypes=(F32, F64, C64, *INTS), order=1),
    Fn("fft.fftshift", (x(2, 5),), kwargs={"axes": 1}, order=1, case="axis"),
    Fn("fft.ifftshift", (x(2, 5),), dtypes=(F32, F64, C64, *INTS), order=1),
    Fn("fft.ifftshift", (x(3, 4, 5),), kwargs={"axes": (0, 2)}, order=1, case="axes"),
    *[
        Fn(f"fft.{name}", (n,), kwargs={"d": 0.3}, why_not_smooth="of integers", case=str(n),
           same_dtype=False)
        for name in ("fftfreq", "rfftfreq") for n in (1, 4, 5)
    ],
]  # fmt: skip
