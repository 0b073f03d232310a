"""The processor that native code is made for."""

from __future__ import annotations

import functools
from typing import NamedTuple


class Target(NamedTuple):
    """A processor, as LLVM names it.

    Attributes:
        triple: Architecture, vendor and system.
        cpu: The model.
        features: ``+avx2,-avx512f,...``.
        vector_bytes: How wide its vectors are.
        registers: How many vectors it holds.
        has_fma: Whether it multiplies and adds in one instruction.
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int
    has_fma: bool

    def lanes(self, nbytes: int) -> int:
        """How many elements of `nbytes` a vector holds."""
        return self.vector_bytes // nbytes

    @property
    def is_x86(self) -> bool:
        return self.triple.startswith(("x86_64", "i686", "amd64"))

    @property
    def rounds(self) -> bool:
        """Whether it has instructions that round to integers."""
        return not self.is_x86 or self.has_fma or "+sse4.1" in self.features.split(",")

    @property
    def has_half(self) -> bool:
        """Whether it converts half precision."""
        return not self.is_x86 or "+f16c" in self.features.split(",")

    @property
    def pause(self) -> str:
        """The instruction of a loop that waits for another thread."""
        if self.is_x86:
            return "call void @llvm.x86.sse2.pause()"
        if self.triple.startswith(("aarch64", "arm64")):
            return "call void @llvm.aarch64.hint(i32 1)"
        return 'fence syncscope("singlethread") seq_cst'


def target_of(triple: str, cpu: str, features: str) -> Target:
    """A `Target`, with what follows from its features."""
    has = set(features.split(","))
    if triple.startswith(("aarch64", "arm64")):
        return Target(triple, cpu, features, 16, 32, True)
    if {"+avx512f", "+avx512vl", "+avx512bw", "+avx512dq"} <= has:
        return Target(triple, cpu, features, 64, 32, True)
    if {"+avx2", "+fma"} <= has:
        return Target(triple, cpu, features, 32, 16, True)
    return Target(triple, cpu, features, 16, 16, False)


@functools.cache
def host() -> Target:
    """This machine."""
    from llvmlite import binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    return target_of(llvm.get_process_triple(), llvm.get_host_cpu_name(), features)
