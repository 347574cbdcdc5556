"""Graphs of pixels against SciPy's sparse arrays."""

from benchmarks.parts import joined
from benchmarks.registry import Contender

CASE = joined(
    "graph",
    "Graphs of pixels",
    ("graph_affinity",),
    (Contender("classicseg", "ours"), Contender("SciPy", "scipy_csr", ("scipy",))),
)
