"""x"""
from rtorch.solvers.bicgstab import bicgstab
from rtorch.solvers.cg import cg
from rtorch.solvers.gmres import gmres
from rtorch.solvers.minimize import minimize, OptimizeResult
from rtorch.solvers.odeint import odeint
