"""A stand-in for CuPy with arrays of its own, which, as CuPy's, do not mix with NumPy's."""

from __future__ import annotations

import operator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

NAMES = frozenset((Path(__file__).parent / "cupy_names.txt").read_text().split())


class Raw:
    """An array "on the GPU": a NumPy array that operators and functions of NumPy do not see."""

    __array_ufunc__ = None
    device = SimpleNamespace(id=0)

    def __init__(self, hidden: Any) -> None:
        self.hidden = np.asarray(hidden)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.hidden, name)
        return _on_gpu(found) if callable(found) else found

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def __getitem__(self, index: Any) -> Any:
        return _on_gpu(operator.getitem)(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        _on_gpu(operator.setitem)(self, index, value)

    def __bool__(self) -> bool:
        return bool(self.hidden)

    def __len__(self) -> int:
        return len(self.hidden)

    def __int__(self) -> int:
        return int(self.hidden)


def _hidden(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        raise TypeError("unsupported type <class 'numpy.ndarray'>")
    if isinstance(x, (tuple, list)):
        return type(x)(map(_hidden, x))
    return x.hidden if isinstance(x, Raw) else x


def _on_gpu(function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        out = function(*map(_hidden, args), **{k: _hidden(v) for k, v in kwargs.items()})
        return Raw(out) if isinstance(out, (np.ndarray, np.generic)) else out

    return call


_OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor lt le gt ge eq ne neg invert"
for _name in _OPERATORS.split():
    setattr(Raw, f"__{_name}__", _on_gpu(getattr(operator, f"__{_name}__")))
    if hasattr(np.ndarray, f"__r{_name}__"):
        setattr(Raw, f"__r{_name}__", _on_gpu(getattr(np.ndarray, f"__r{_name}__")))


class _Device:
    def __init__(self, number: int) -> None:
        assert number == 0

    def __enter__(self) -> None: ...

    def __exit__(self, *exc: object) -> None: ...


class CuPy:
    """The module."""

    __name__ = "cupy"
    cuda = SimpleNamespace(Device=_Device, runtime=SimpleNamespace(CUDARuntimeError=OSError))

    def asnumpy(self, x: Raw) -> Any:
        return x.hidden

    def asarray(self, x: Any, dtype: Any = None) -> Raw:  # the way to the GPU
        return Raw(np.asarray(x.hidden if isinstance(x, Raw) else x, dtype))

    def __getattr__(self, name: str) -> Any:
        if name not in NAMES:
            raise AttributeError(f"CuPy has no {name}")
        found = getattr(np, name)
        if isinstance(found, np.ufunc):
            call = _on_gpu(found)
            call.at, call.reduce = _on_gpu(found.at), _on_gpu(found.reduce)
            return call
        return _on_gpu(found) if callable(found) and not isinstance(found, type) else found
