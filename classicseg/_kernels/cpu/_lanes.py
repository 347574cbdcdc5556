"""Several numbers at once: short vectors that stay in a processor's registers.

Where the compiler turns a loop into vectors it reorders the sums, and may as well not find the vectors. Here they are
written out: 16 float32 or 8 float64, whatever the processor's own are, so that the order of a sum is the program's on
every machine. `_lanes_meaning` says in plain NumPy what the functions do, which is what runs with the JIT off;
`_lanes_types` and `_lanes_instructions` tell them to Numba.
"""

from classicseg._kernels.cpu import _lanes_instructions  # noqa: F401 - from here on Numba knows the functions
from classicseg._kernels.cpu._lanes_meaning import (
    BYTES,
    NARROW,
    WIDE,
    bits,
    count_of,
    each,
    first_of,
    fused,
    load,
    load_as,
    load_wide,
    lowest,
    ramp,
    size,
    spread,
    spread_from,
    store,
    together,
    total,
    where,
)

__all__ = [
    "BYTES",
    "NARROW",
    "WIDE",
    "bits",
    "count_of",
    "each",
    "first_of",
    "fused",
    "load",
    "load_as",
    "load_wide",
    "lowest",
    "ramp",
    "size",
    "spread",
    "spread_from",
    "store",
    "together",
    "total",
    "where",
]
