"""The bridge: regions into any learned refiner, and back. Plain arrays on both sides.

A refiner is given a `RegionTable` and returns a `SemanticResult`, an `InstanceResult` or a `PanopticResult`. No
learning library is imported unless its adapter is used.
"""

from typing import TYPE_CHECKING

__all__ = [
    "CheckerboardResult",
    "InstanceResult",
    "Layer",
    "MaxPoolResult",
    "PanopticResult",
    "PromptPredictor",
    "ReceptiveFieldResult",
    "RefinedLabels",
    "Refiner",
    "RefinerError",
    "RefinerWarning",
    "RegionTable",
    "ScribbleRefiner",
    "Scribbles",
    "Segment",
    "SemanticResult",
    "SmoothResult",
    "available_refiners",
    "check_result",
    "checkerboard",
    "classes_from_panoptic",
    "convolution_matrix",
    "describe_regions",
    "from_callable",
    "from_detector",
    "from_onnx",
    "from_promptable",
    "from_region_head",
    "from_scribbles",
    "from_sklearn",
    "from_torch",
    "guided_upsample",
    "instances_from_panoptic",
    "load_refiner",
    "load_scribbles",
    "max_pool",
    "max_unpool",
    "panoptic_merge",
    "paste_masks",
    "pixel_shuffle",
    "pixel_unshuffle",
    "pool",
    "pv_unet",
    "receptive_field",
    "refine_labels",
    "roi_align",
    "roi_pool",
    "sam_predictor",
    "smooth",
    "snap",
    "transposed_convolution",
    "unpool",
    "upsample",
]

if TYPE_CHECKING:
    from classicseg.refine._callable import from_callable
    from classicseg.refine._check import check_result
    from classicseg.refine._checkerboard import CheckerboardResult, checkerboard
    from classicseg.refine._detector import from_detector
    from classicseg.refine._errors import RefinerError, RefinerWarning
    from classicseg.refine._guided import guided_upsample
    from classicseg.refine._onnx import from_onnx
    from classicseg.refine._panoptic import classes_from_panoptic, instances_from_panoptic, panoptic_merge
    from classicseg.refine._paste import paste_masks
    from classicseg.refine._pool import pool, snap, unpool
    from classicseg.refine._potts import SmoothResult, smooth
    from classicseg.refine._promptable import PromptPredictor, from_promptable
    from classicseg.refine._pv_unet import pv_unet
    from classicseg.refine._receptive_field import Layer, ReceptiveFieldResult, receptive_field
    from classicseg.refine._refine import RefinedLabels, refine_labels
    from classicseg.refine._refiner import Refiner
    from classicseg.refine._region_head import from_region_head
    from classicseg.refine._registry import available_refiners, load_refiner
    from classicseg.refine._results import InstanceResult, PanopticResult, Segment, SemanticResult
    from classicseg.refine._roi import roi_align, roi_pool
    from classicseg.refine._sam import sam_predictor
    from classicseg.refine._scribble_refiner import ScribbleRefiner, load_scribbles
    from classicseg.refine._scribbles import Scribbles, from_scribbles
    from classicseg.refine._sklearn import from_sklearn
    from classicseg.refine._subpixel import pixel_shuffle, pixel_unshuffle
    from classicseg.refine._table import RegionTable, describe_regions
    from classicseg.refine._torch import from_torch
    from classicseg.refine._transposed import convolution_matrix, transposed_convolution
    from classicseg.refine._unpool import MaxPoolResult, max_pool, max_unpool
    from classicseg.refine._upsample import upsample
else:
    from classicseg._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "_callable": ("from_callable",),
            "_check": ("check_result",),
            "_checkerboard": (
                "CheckerboardResult",
                "checkerboard",
            ),
            "_detector": ("from_detector",),
            "_errors": ("RefinerError", "RefinerWarning"),
            "_guided": ("guided_upsample",),
            "_onnx": ("from_onnx",),
            "_panoptic": ("classes_from_panoptic", "instances_from_panoptic", "panoptic_merge"),
            "_paste": ("paste_masks",),
            "_pool": ("pool", "snap", "unpool"),
            "_potts": ("SmoothResult", "smooth"),
            "_promptable": ("PromptPredictor", "from_promptable"),
            "_pv_unet": ("pv_unet",),
            "_receptive_field": (
                "Layer",
                "ReceptiveFieldResult",
                "receptive_field",
            ),
            "_refine": ("RefinedLabels", "refine_labels"),
            "_refiner": ("Refiner",),
            "_region_head": ("from_region_head",),
            "_registry": ("available_refiners", "load_refiner"),
            "_results": (
                "InstanceResult",
                "PanopticResult",
                "Segment",
                "SemanticResult",
            ),
            "_roi": (
                "roi_align",
                "roi_pool",
            ),
            "_sam": ("sam_predictor",),
            "_scribble_refiner": ("ScribbleRefiner", "load_scribbles"),
            "_scribbles": ("Scribbles", "from_scribbles"),
            "_sklearn": ("from_sklearn",),
            "_subpixel": (
                "pixel_shuffle",
                "pixel_unshuffle",
            ),
            "_table": ("RegionTable", "describe_regions"),
            "_torch": ("from_torch",),
            "_transposed": (
                "convolution_matrix",
                "transposed_convolution",
            ),
            "_unpool": (
                "MaxPoolResult",
                "max_pool",
                "max_unpool",
            ),
            "_upsample": ("upsample",),
        },
    )
