"""Graphs of pixels against SciPy's sparse arrays."""

from benchmarks.parts import joined
from benchmarks.registry import Contender

CASE = joined(
    "graph",
    "Graphs of pixels",
    ("graph_affinity", "graph_embedding"),
    (
        Contender("classicseg", "ours"),
        Contender("SciPy", "scipy_csr", ("scipy",)),
        Contender("SciPy lobpcg + pyamg", "lobpcg_amg", ("scipy", "pyamg")),
        Contender("classicseg, 481×321", "ours_at_small", own=True),
    ),
)
