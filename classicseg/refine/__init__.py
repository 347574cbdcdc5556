"""The bridge: regions into any learned refiner, and back. Plain arrays on both sides.

A refiner is given a `RegionTable` and returns a `SemanticResult`, an `InstanceResult` or a `PanopticResult`. No
learning library is imported unless its adapter is used.
"""

from typing import TYPE_CHECKING

__all__ = [
    "InstanceResult",
    "PanopticResult",
    "RefinedLabels",
    "Refiner",
    "RefinerError",
    "RefinerWarning",
    "RegionTable",
    "Segment",
    "SemanticResult",
    "available_refiners",
    "check_result",
    "describe_regions",
    "load_refiner",
    "pool",
    "refine_labels",
    "snap",
    "unpool",
]

if TYPE_CHECKING:
    from classicseg.refine._check import check_result
    from classicseg.refine._errors import RefinerError, RefinerWarning
    from classicseg.refine._pool import pool, snap, unpool
    from classicseg.refine._refine import RefinedLabels, refine_labels
    from classicseg.refine._refiner import Refiner
    from classicseg.refine._registry import available_refiners, load_refiner
    from classicseg.refine._results import (
        InstanceResult,
        PanopticResult,
        Segment,
        SemanticResult,
    )
    from classicseg.refine._table import RegionTable, describe_regions
else:
    from classicseg._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "_check": ("check_result",),
            "_errors": ("RefinerError", "RefinerWarning"),
            "_pool": ("pool", "snap", "unpool"),
            "_refine": ("RefinedLabels", "refine_labels"),
            "_refiner": ("Refiner",),
            "_registry": ("available_refiners", "load_refiner"),
            "_results": (
                "InstanceResult",
                "PanopticResult",
                "Segment",
                "SemanticResult",
            ),
            "_table": ("RegionTable", "describe_regions"),
        },
    )
