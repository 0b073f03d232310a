"""Einstein summation."""

from function_specs import C128, F32, F64, I64, Fn, x

MANY = (F32, F64, C128, I64)

SPECS = [
    *[Fn("einsum", (text, *operands), case=text, dtypes=MANY, order=2)
      for text, operands in {
          "ij,jk->ik": (x(2, 3), x(3, 2)),
          "ij,jk": (x(2, 3), x(3, 2)),
          "ii": (x(3, 3),),
          "ii->i": (x(3, 3),),
          "ba": (x(2, 3),),
          "...i,...i->...": (x(2, 3), x(3)),
          "i...,ij->j...": (x(2, 3), x(2, 2)),
          "bij,bjk->bik": (x(2, 2, 3), x(2, 3, 2)),
          "i,j->ji": (x(2), x(3)),
          "ij,jk,kl->il": (x(2, 3), x(3, 2), x(2, 2)),
          "iij,j->i": (x(2, 2, 3), x(3)),
          "ij,kl->": (x(2, 2), x(2, 2)),
      }.items()],
    Fn("einsum", (x(2, 3), [0, 1], x(3, 2), [1, 2], [0, 2]), case="lists", dtypes=MANY, order=2),
]  # fmt: skip
