"""Superpixels, regions and their merging against scikit-image, OpenCV and fast-slic."""

from benchmarks.parts import joined
from benchmarks.registry import Contender

CASE = joined(
    "superpixels",
    "Superpixels, regions and their merging",
    (
        "superpixels_slic",
        "superpixels_scores",
        "superpixels_felzenszwalb",
        "superpixels_regions",
        "superpixels_memory",
    ),
    (
        Contender("classicseg", "ours"),
        Contender("scikit-image", "scikit_image", ("scikit-image",)),
        Contender("OpenCV", "opencv", ("opencv-python",)),
        Contender("OpenCV ximgproc", "ximgproc", ("opencv-contrib-python",), environment="ximgproc"),
        Contender("fast-slic", "fast_slic", ("fast-slic",), environment="fast-slic"),
        Contender("fast-slic, every pixel", "fast_slic_every_pixel", ("fast-slic",), environment="fast-slic"),
    ),
)
