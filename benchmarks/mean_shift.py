"""Mean shift against OpenCV and scikit-learn, and beside mean shift of grid cells."""

from benchmarks.parts import joined
from benchmarks.registry import Contender

CASE = joined(
    "mean_shift",
    "Mean shift: the filter of images, and modes of colours",
    ("mean_shift_filter", "mean_shift_features"),
    (
        Contender("classicseg", "ours"),
        Contender("OpenCV", "opencv", ("opencv-python",)),
        Contender("OpenCV, level 1", "opencv_level_1", ("opencv-python",)),
        Contender("classicseg, 8-bit", "eight_bit", own=True),
        Contender("scikit-learn", "scikit_learn", ("scikit-learn",)),
        Contender("classicseg, own paths", "own_paths", own=True),
        Contender("GridShift", "grid_shift"),
        Contender("MeanShift++", "meanshift_pp"),
    ),
)
