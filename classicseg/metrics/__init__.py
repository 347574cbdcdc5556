"""How good a segmentation is: scores of pixels, regions, boundaries, boxes, masks and panoptic maps.

The first two arguments are the ground truth and what is judged. Label images are integers of any dtype; `mask`
marks the pixels that take part, `void` the ground truth's labels that are not judged.
"""

from typing import TYPE_CHECKING

__all__ = [
    "AdaptedRand",
    "AveragePrecision",
    "BoundaryCounts",
    "BoundaryMatch",
    "BoundaryScore",
    "BoundarySweep",
    "ClassScores",
    "CocoScores",
    "ContingencyTable",
    "Instances",
    "PanopticAverage",
    "PanopticImage",
    "PanopticScores",
    "RegionScores",
    "SequenceMatch",
    "SweepScores",
    "VariationOfInformation",
    "achievable_segmentation_accuracy",
    "adapted_rand_error",
    "average_precision",
    "best_covering",
    "best_probabilistic_rand_index",
    "best_variation_of_information",
    "boundary_counts",
    "boundary_f",
    "boundary_iou",
    "boundary_map",
    "boundary_precision",
    "boundary_recall",
    "boundary_sweep",
    "box_iou",
    "boxes_from_coco",
    "boxes_to_coco",
    "class_scores",
    "coco_average_precision",
    "coco_panoptic_quality",
    "compactness",
    "confusion_matrix",
    "contingency_table",
    "covering",
    "decode_rle",
    "dice",
    "encode_rle",
    "explained_variation",
    "frequency_weighted_iou",
    "mask_iou",
    "match_boundaries",
    "match_sequences",
    "mean_iou",
    "non_maximum_suppression",
    "panoptic_quality",
    "pixel_accuracy",
    "probabilistic_rand_index",
    "region_scores",
    "soft_iou",
    "thin",
    "undersegmentation_error",
    "variation_of_information",
]

if TYPE_CHECKING:
    from classicseg.metrics._average_precision import AveragePrecision, average_precision
    from classicseg.metrics._boundaries import BoundaryCounts, BoundaryScore, boundary_counts, boundary_f
    from classicseg.metrics._boundary_iou import boundary_iou
    from classicseg.metrics._boundary_maps import boundary_map, thin
    from classicseg.metrics._boundary_sweep import BoundarySweep, boundary_sweep
    from classicseg.metrics._boxes import box_iou, boxes_from_coco, boxes_to_coco
    from classicseg.metrics._coco import CocoScores, coco_average_precision
    from classicseg.metrics._contingency import ContingencyTable, contingency_table
    from classicseg.metrics._instances import Instances
    from classicseg.metrics._masks import decode_rle, encode_rle, mask_iou
    from classicseg.metrics._matching import BoundaryMatch, match_boundaries
    from classicseg.metrics._panoptic import PanopticAverage, PanopticImage, PanopticScores, panoptic_quality
    from classicseg.metrics._panoptic_files import coco_panoptic_quality
    from classicseg.metrics._pixels import (
        ClassScores,
        class_scores,
        confusion_matrix,
        dice,
        frequency_weighted_iou,
        mean_iou,
        pixel_accuracy,
    )
    from classicseg.metrics._regions import (
        AdaptedRand,
        RegionScores,
        VariationOfInformation,
        adapted_rand_error,
        covering,
        probabilistic_rand_index,
        region_scores,
        variation_of_information,
    )
    from classicseg.metrics._sequences import SequenceMatch, match_sequences, soft_iou
    from classicseg.metrics._superpixels import (
        achievable_segmentation_accuracy,
        boundary_precision,
        boundary_recall,
        compactness,
        explained_variation,
        undersegmentation_error,
    )
    from classicseg.metrics._suppression import non_maximum_suppression
    from classicseg.metrics._sweeps import (
        SweepScores,
        best_covering,
        best_probabilistic_rand_index,
        best_variation_of_information,
    )
else:
    from classicseg._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "_average_precision": (
                "AveragePrecision",
                "average_precision",
            ),
            "_boxes": (
                "box_iou",
                "boxes_from_coco",
                "boxes_to_coco",
            ),
            "_coco": (
                "CocoScores",
                "coco_average_precision",
            ),
            "_instances": ("Instances",),
            "_masks": (
                "decode_rle",
                "encode_rle",
                "mask_iou",
            ),
            "_panoptic": (
                "PanopticAverage",
                "PanopticImage",
                "PanopticScores",
                "panoptic_quality",
            ),
            "_panoptic_files": ("coco_panoptic_quality",),
            "_sequences": (
                "SequenceMatch",
                "match_sequences",
                "soft_iou",
            ),
            "_suppression": ("non_maximum_suppression",),
            "_boundaries": (
                "BoundaryCounts",
                "BoundaryScore",
                "boundary_counts",
                "boundary_f",
            ),
            "_boundary_iou": ("boundary_iou",),
            "_boundary_maps": (
                "boundary_map",
                "thin",
            ),
            "_boundary_sweep": (
                "BoundarySweep",
                "boundary_sweep",
            ),
            "_matching": (
                "BoundaryMatch",
                "match_boundaries",
            ),
            "_contingency": ("ContingencyTable", "contingency_table"),
            "_pixels": (
                "ClassScores",
                "class_scores",
                "confusion_matrix",
                "dice",
                "frequency_weighted_iou",
                "mean_iou",
                "pixel_accuracy",
            ),
            "_regions": (
                "AdaptedRand",
                "RegionScores",
                "VariationOfInformation",
                "adapted_rand_error",
                "covering",
                "probabilistic_rand_index",
                "region_scores",
                "variation_of_information",
            ),
            "_superpixels": (
                "achievable_segmentation_accuracy",
                "boundary_precision",
                "boundary_recall",
                "compactness",
                "explained_variation",
                "undersegmentation_error",
            ),
            "_sweeps": (
                "SweepScores",
                "best_covering",
                "best_probabilistic_rand_index",
                "best_variation_of_information",
            ),
        },
    )
