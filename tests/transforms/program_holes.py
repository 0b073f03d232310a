"""What the holes of an expression are filled with: arrays of the program, axes, indices."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from programs import Writer


class UnfilledError(Exception):
    """The program has no value that fits."""


RANGES = {"pos": "(1.5 + rt.tanh({}))", "unit": "(0.9 * rt.tanh({}))",
          "half": "(0.5 + 0.4 * rt.tanh({}))", "big": "(2.2 + rt.tanh({}))"}  # fmt: skip


class Holes(dict[str, str]):
    """The text for every hole, the same in every place of a name."""

    def __init__(self, writer: "Writer") -> None:
        self.w = writer
        self.rng = writer.rng
        self.main: str | None = None  # the array that axes, indices and other operands fit

    def __missing__(self, hole: str) -> str:
        if hole.rstrip("2") in RANGES:
            source = self["y" if hole.endswith("2") else "x"]
            found: Any = RANGES[hole.rstrip("2")].format(source)
        else:
            found = getattr(self, f"_{hole}")()
        if found is None:
            raise UnfilledError(hole)
        self[hole] = str(found)
        return self[hole]

    def _choose(self, *options: Any) -> Any:
        return self.rng.choice(options)

    def _array(self, accept: Callable[[Any], bool]) -> str | None:
        self.main = self.w.pick(accept)
        return self.main

    @property
    def like(self) -> Any:
        """The example value of the main array."""
        return self.w.env[self.main or self["u"]]

    # ---- arrays

    def _x(self) -> str | None:
        return self.main or self._array(lambda x: True)

    def _u(self) -> str | None:
        return self._array(lambda x: x.ndim >= 1 and x.size > 0)

    def _m(self) -> str | None:
        return self._array(lambda x: x.ndim >= 2 and x.size > 0)

    def _x2(self) -> str | None:
        return self.w.pick()

    def _beside(self, kind: str) -> str | None:
        """An array that broadcasts with the main one to its shape."""
        shape = self.like.shape if self.main else self.w.env[self["x"]].shape

        def fits(y: Any) -> bool:
            try:
                return np.broadcast_shapes(y.shape, shape) == shape
            except ValueError:
                return False

        return self.w.pick(fits, kind)

    def _y(self) -> str | None:
        return self._beside("f")

    def _z(self) -> str | None:
        return self._beside("f")

    def _i(self) -> str:
        found = self.w.pick(kind="i") if self.main is None else self._beside("i")
        return found or f"rt.floor({self['x']} * 2.0).astype(rt.int64)"

    def _j(self) -> str:
        found = self.w.pick(lambda j: 0 < j.size < 7, "i")
        return found or self._choose("rt.asarray([1, 0, 1])", "rt.asarray([[0], [2]])")

    def _i0(self) -> str:
        return self.w.pick(lambda i: i.ndim == 0, "i") or self._choose("0", "1", "rt.asarray(1)")

    def _b(self) -> str:
        return self._beside("b") or f"({self['x']} < {self['y']})"

    def _y0(self) -> str:
        return self.w.pick(lambda y: y.ndim == 0) or self._number()

    def _pos0(self) -> str:
        return RANGES["pos"].format(self._y0())

    def _pos_u(self) -> str:
        return RANGES["pos"].format(self["u"])

    # ---- matrices

    def _mat(self) -> str | None:
        m = self.w.pick(lambda x: x.ndim >= 2 and x.shape[-1] == x.shape[-2] > 0)
        if m is None:
            u = self.w.pick(lambda x: x.size > 1)
            m = u and self.w.assign(f"rt.outer({u}.ravel()[:3], rt.cos({u}.ravel()[:3]))")
        if m is None:
            return None
        n = self.w.env[m].shape[-1]
        diagonal = f"rt.diag(rt.asarray({[2.0 * k + 2 for k in range(n)]}))"
        # Gershgorin: eigenvalues are real, apart from each other and from zero.
        self.main = self.w.assign(f"{diagonal} + {0.9 / max(n - 1, 1):.2f} * rt.tanh({m})")
        return self.main

    def _sym(self) -> str | None:
        self.main = self.w.assign(f"({self['mat']} + {self['mat']}.mT) * 0.5")
        return self.main

    def _spd(self) -> str | None:
        return self._sym()

    def _tri(self) -> str | None:
        return self.w.assign(f"rt.tril({self['mat']})")

    # ---- numbers and static arguments

    def _number(self) -> str:
        return str(self._choose(0.5, -0.3, 1.2, 0.1, -0.7, 2.0))

    def _small(self) -> int:
        return self.rng.randrange(4)

    def _fraction(self) -> float:
        return self._choose(0.15, 0.4, 0.77)

    def _axis(self) -> int:
        ndim = self.like.ndim or self.w.env[self["u"]].ndim
        return self.rng.randrange(-ndim, ndim)

    def _n(self) -> int:
        return self.like.shape[int(self["axis"])] if self.like.ndim else 1

    def _n_last(self) -> int:
        return self.like.shape[-1]

    def _axes(self) -> Any:
        ndim = self.like.ndim
        if ndim == 0 or self.w.chance(0.3):
            return None if self.w.chance(0.9) else ()
        axes = sorted(self.rng.sample(range(ndim), self.rng.randrange(1, ndim + 1)))
        return tuple(axes) if len(axes) > 1 or self.w.chance(0.2) else axes[0] - ndim

    def _new_axis(self) -> int:
        return self.rng.randrange(-1, self.like.ndim + 1)

    def _keep(self) -> bool:
        return self.w.chance(0.5)

    def _shape(self) -> Any:
        shape = self.like.shape
        whole = (self.like.size,)
        rows = (shape[0], -1) if shape and shape[0] else whole
        return self._choose(shape[::-1], (1, *shape), shape or (1, 1), (*whole, 1), rows)

    def _perm(self) -> Any:
        return tuple(self.rng.sample(range(self.like.ndim), self.like.ndim))

    def _mode(self) -> str:
        return self._choose("'full'", "'same'", "'valid'")

    def _pad_mode(self) -> str:
        return self._choose("'edge'", "'reflect'", "'wrap'", "'symmetric'", "'mean'")

    def _part(self) -> Any:
        return tuple(self.rng.randrange(1, n + 1) for n in self.like.shape)

    def _segments(self) -> str:
        return f"(rt.arange({self.like.shape[0]}) + {self['i0']}) % 3"

    def _n_segments(self) -> int:
        return 3

    # ---- indices

    def _mask(self) -> str:
        return str([self.w.chance(0.6) for _ in range(self.like.shape[0])])

    def _dynamic_index(self) -> str:
        n = self.like.shape[0]
        more = ", ".join([self._place(n) for n in self.like.shape[1:2] if self.w.chance(0.5)])
        return f"({self._choose(self._j(), self._i0())}) % {n}" + (more and f", {more}")

    def _index(self) -> str:
        places = [self._place(n) for n in self.like.shape[: self.rng.randrange(1, 4)]]
        if self.w.chance(0.2):
            places.insert(self.rng.randrange(len(places) + 1), "None")
        if self.w.chance(0.2):
            places.append("...")
        if self.w.chance(0.2):
            picks = [self.rng.randrange(-n, n) for n in self.like.shape[:1] for _ in range(3)]
            places[places[0] == "None"] = str(picks)
        return ", ".join(places)

    def _place(self, n: int) -> str:
        i = self.rng.randrange(-n, n)
        return self._choose(f"{i}", f"{i}:", f":{i}", "::-1", ":", "::2", f"{i}::-1")

    # ---- einsum

    def _einsum(self) -> str:
        return self._contraction(2)

    def _einsum3(self) -> str:
        return self._contraction(3)

    def _contraction(self, count: int) -> str:
        names = [self.w.pick(lambda x: 0 < x.ndim < 4) or "" for _ in range(count)]
        if "" in names:
            raise UnfilledError("einsum")
        sizes: dict[str, int] = {}
        terms = []
        for name in names:
            letters = ""
            for n in self.w.env[name].shape:
                known = [letter for letter, size in sizes.items() if size == n]
                old = known and self.w.chance(0.6)
                letters += self.rng.choice(known) if old else "abcdefghi"[len(sizes)]
                sizes[letters[-1]] = n
            terms.append(letters)
        kept = "".join(self.rng.sample(sorted(sizes), self.rng.randrange(len(sizes) + 1)))
        return f"rt.einsum('{','.join(terms)}->{kept}', {', '.join(names)})"
