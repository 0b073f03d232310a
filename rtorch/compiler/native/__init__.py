"""Native code for the CPU: kernels as LLVM text, compiled through llvmlite, run on a thread pool.

- `target`: the processor that code is made for.
- `text`: functions as LLVM text: typed values, loops, vectors.
- `lanes`: values in registers with operators; sums and products with their rounding errors.
- `vector_math`, `trigonometry`, `hyperbolic`, `special`, `gamma`: functions of mathematics on
  vectors, the same bits at every width; `coefficients` are their polynomials.
- `division`, `rounding`: rests, shifts, conversions, on processors that differ.
- `scalars`: the closed set of scalar operations that kernels are made of.
- `kernel`: what a kernel is: loops over rows, in stages.
- `loops`: kernels as text.
- `build`: text to machine code, cached on disk.
"""
