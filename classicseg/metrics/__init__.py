"""How good a segmentation is: scores of pixels, regions, boundaries, boxes, masks and panoptic maps.

The first two arguments are the ground truth and what is judged. Label images are integers of any dtype; `mask`
marks the pixels that take part, `void` the ground truth's labels that are not judged.
"""

from typing import TYPE_CHECKING

__all__ = [
    "AdaptedRand",
    "BoundaryCounts",
    "BoundaryMatch",
    "BoundaryScore",
    "BoundarySweep",
    "ClassScores",
    "ContingencyTable",
    "RegionScores",
    "SweepScores",
    "VariationOfInformation",
    "achievable_segmentation_accuracy",
    "adapted_rand_error",
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
    "class_scores",
    "compactness",
    "confusion_matrix",
    "contingency_table",
    "covering",
    "dice",
    "explained_variation",
    "frequency_weighted_iou",
    "match_boundaries",
    "mean_iou",
    "pixel_accuracy",
    "probabilistic_rand_index",
    "region_scores",
    "thin",
    "undersegmentation_error",
    "variation_of_information",
]

if TYPE_CHECKING:
    from classicseg.metrics._boundaries import BoundaryCounts, BoundaryScore, boundary_counts, boundary_f
    from classicseg.metrics._boundary_iou import boundary_iou
    from classicseg.metrics._boundary_maps import boundary_map, thin
    from classicseg.metrics._boundary_sweep import BoundarySweep, boundary_sweep
    from classicseg.metrics._contingency import ContingencyTable, contingency_table
    from classicseg.metrics._matching import BoundaryMatch, match_boundaries
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
    from classicseg.metrics._superpixels import (
        achievable_segmentation_accuracy,
        boundary_precision,
        boundary_recall,
        compactness,
        explained_variation,
        undersegmentation_error,
    )
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
