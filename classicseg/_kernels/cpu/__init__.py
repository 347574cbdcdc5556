"""CPU kernels, compiled by Numba under the one policy in `_jit`."""
