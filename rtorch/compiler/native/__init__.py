"""Native code for the CPU: kernels as LLVM text, compiled through llvmlite, run on a thread pool.

- `target`: the processor that code is made for.
- `text`: functions as LLVM text: typed values, loops, vectors.
- `vector_math`: exp, log, tanh, ... on vectors, the same bits at every width.
- `scalars`: the closed set of scalar operations that kernels are made of.
- `kernel`: what a kernel is: loops over rows, in stages.
- `loops`: kernels as text.
- `build`: text to machine code, cached on disk.
"""
