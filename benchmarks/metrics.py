"""Scores of segmentations, boundaries and detections against NumPy, SciPy, scikit-image and COCO's evaluators."""

from benchmarks.parts import joined
from benchmarks.registry import Contender

CASE = joined(
    "metrics",
    "Scores of segmentations, boundaries and detections",
    ("metrics_regions", "metrics_boundary", "metrics_detection"),
    (
        Contender("classicseg", "ours"),
        Contender("NumPy", "numpy"),
        Contender("NumPy, by tables", "numpy_tables"),
        Contender("scikit-image", "scikit_image", ("scikit-image",)),
        Contender("SciPy", "scipy", ("scipy",)),
        Contender("pycocotools", "pycocotools", ("pycocotools",)),
        Contender("faster-coco-eval", "faster_coco_eval", ("faster-coco-eval",)),
    ),
)
