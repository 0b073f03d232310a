"""Solvers: linear systems, fixed points, minima, differential equations.

Each has the derivative of what it solves, not of the steps it takes: by the implicit function
theorem (`rt.custom_linear_solve`, `rt.custom_root`) or the adjoint equation. They work eagerly,
under `jit` and under `vmap`, in both modes of differentiation.

Example:
    >>> import rtorch as rt
    >>> a = rt.asarray([[4.0, 1.0], [1.0, 3.0]])
    >>> x, info = rt.solvers.cg(a, rt.asarray([1.0, 2.0]))
    >>> int(info)
    0
"""

from __future__ import annotations

from rtorch.solvers.bicgstab import bicgstab
from rtorch.solvers.cg import cg
from rtorch.solvers.fixed_point import FixedPointResult, fixed_point
from rtorch.solvers.gmres import gmres
from rtorch.solvers.minimize import OptimizeResult, minimize
from rtorch.solvers.odeint import ODEInfo, odeint

__all__ = [
    "FixedPointResult",
    "ODEInfo",
    "OptimizeResult",
    "bicgstab",
    "cg",
    "fixed_point",
    "gmres",
    "minimize",
    "odeint",
]
