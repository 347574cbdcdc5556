"""Clustering of samples in feature space, k-means and mean shift; mean shift of pixels in position and value."""

from classicseg.cluster._kmeans import KMeansResult, kmeans
from classicseg.cluster._kmeans_frames import kmeans_frames
from classicseg.cluster._mean_shift import MeanShiftResult, mean_shift
from classicseg.cluster._mean_shift_filter import mean_shift_filter
from classicseg.cluster._mean_shift_segment import MeanShiftSegmentation, mean_shift_segment

__all__ = [
    "KMeansResult",
    "MeanShiftResult",
    "MeanShiftSegmentation",
    "kmeans",
    "kmeans_frames",
    "mean_shift",
    "mean_shift_filter",
    "mean_shift_segment",
]
