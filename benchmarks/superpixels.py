"""Superpixels, regions and their merging against scikit-image and OpenCV."""

from benchmarks.parts import joined
from benchmarks.registry import Contender

CASE = joined(
    "superpixels",
    "Superpixels, regions and their merging",
    ("superpixels_slic", "superpixels_felzenszwalb", "superpixels_regions"),
    (
        Contender("classicseg", "ours"),
        Contender("scikit-image", "scikit_image", ("scikit-image",)),
        Contender("OpenCV", "opencv", ("opencv-python",)),
        Contender("OpenCV ximgproc", "ximgproc", ("opencv-contrib-python",)),
    ),
)
