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
    "refine_frames",
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
    from classicseg.refine._adapters.callable import from_callable
    from classicseg.refine._adapters.detector import from_detector
    from classicseg.refine._adapters.onnx import from_onnx
    from classicseg.refine._adapters.promptable import PromptPredictor, from_promptable
    from classicseg.refine._adapters.region_head import from_region_head
    from classicseg.refine._adapters.sam import sam_predictor
    from classicseg.refine._adapters.sklearn import from_sklearn
    from classicseg.refine._adapters.torch import from_torch
    from classicseg.refine._check import check_result
    from classicseg.refine._errors import RefinerError, RefinerWarning
    from classicseg.refine._frames import refine_frames
    from classicseg.refine._maps.checkerboard import CheckerboardResult, checkerboard
    from classicseg.refine._maps.guided import guided_upsample
    from classicseg.refine._maps.paste import paste_masks
    from classicseg.refine._maps.receptive_field import Layer, ReceptiveFieldResult, receptive_field
    from classicseg.refine._maps.roi import roi_align, roi_pool
    from classicseg.refine._maps.subpixel import pixel_shuffle, pixel_unshuffle
    from classicseg.refine._maps.transposed import convolution_matrix, transposed_convolution
    from classicseg.refine._maps.unpool import MaxPoolResult, max_pool, max_unpool
    from classicseg.refine._maps.upsample import upsample
    from classicseg.refine._panoptic import classes_from_panoptic, instances_from_panoptic, panoptic_merge
    from classicseg.refine._pool import pool, snap, unpool
    from classicseg.refine._potts import SmoothResult, smooth
    from classicseg.refine._pv_unet.network import pv_unet
    from classicseg.refine._refine import RefinedLabels, refine_labels
    from classicseg.refine._refiner import Refiner
    from classicseg.refine._registry import available_refiners, load_refiner
    from classicseg.refine._results import InstanceResult, PanopticResult, Segment, SemanticResult
    from classicseg.refine._scribbles.refiner import ScribbleRefiner, load_scribbles
    from classicseg.refine._scribbles.scribbles import Scribbles, from_scribbles
    from classicseg.refine._table import RegionTable, describe_regions
else:
    from classicseg._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "_adapters.callable": ("from_callable",),
            "_adapters.detector": ("from_detector",),
            "_adapters.onnx": ("from_onnx",),
            "_adapters.promptable": ("PromptPredictor", "from_promptable"),
            "_adapters.region_head": ("from_region_head",),
            "_adapters.sam": ("sam_predictor",),
            "_adapters.sklearn": ("from_sklearn",),
            "_adapters.torch": ("from_torch",),
            "_check": ("check_result",),
            "_errors": ("RefinerError", "RefinerWarning"),
            "_frames": ("refine_frames",),
            "_maps.checkerboard": ("CheckerboardResult", "checkerboard"),
            "_maps.guided": ("guided_upsample",),
            "_maps.paste": ("paste_masks",),
            "_maps.receptive_field": ("Layer", "ReceptiveFieldResult", "receptive_field"),
            "_maps.roi": ("roi_align", "roi_pool"),
            "_maps.subpixel": ("pixel_shuffle", "pixel_unshuffle"),
            "_maps.transposed": ("convolution_matrix", "transposed_convolution"),
            "_maps.unpool": ("MaxPoolResult", "max_pool", "max_unpool"),
            "_maps.upsample": ("upsample",),
            "_panoptic": ("classes_from_panoptic", "instances_from_panoptic", "panoptic_merge"),
            "_pool": ("pool", "snap", "unpool"),
            "_potts": ("SmoothResult", "smooth"),
            "_pv_unet.network": ("pv_unet",),
            "_refine": ("RefinedLabels", "refine_labels"),
            "_refiner": ("Refiner",),
            "_registry": ("available_refiners", "load_refiner"),
            "_results": ("InstanceResult", "PanopticResult", "Segment", "SemanticResult"),
            "_scribbles.refiner": ("ScribbleRefiner", "load_scribbles"),
            "_scribbles.scribbles": ("Scribbles", "from_scribbles"),
            "_table": ("RegionTable", "describe_regions"),
        },
    )
