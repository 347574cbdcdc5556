"""Graphs of pixels and of regions against SciPy, PyMaxflow, networkx, scikit-image and scikit-learn."""

from benchmarks.parts import joined
from benchmarks.registry import Contender

CASE = joined(
    "graph",
    "Graphs of pixels and of regions",
    ("graph_affinity", "graph_embedding", "graph_mincut", "graph_ncut"),
    (
        Contender("classicseg", "ours"),
        Contender("SciPy", "scipy_csr", ("scipy",)),
        Contender("SciPy lobpcg + pyamg", "lobpcg_amg", ("scipy", "pyamg")),
        Contender("classicseg, 481×321", "ours_at_small", own=True),
        Contender("PyMaxflow", "pymaxflow", ("PyMaxflow",), environment="pymaxflow"),
        Contender("networkx", "networkx_cut", ("networkx",)),
        Contender("scikit-image", "skimage_cut", ("scikit-image",)),
        Contender("scikit-learn", "sklearn_cut", ("scikit-learn", "pyamg")),
        Contender("classicseg, 370 regions", "ours_at_few", own=True),
    ),
)
