"""Clustering of samples in feature space: k-means and mean shift."""

from classicseg.cluster._kmeans import KMeansResult, kmeans
from classicseg.cluster._mean_shift import MeanShiftResult, mean_shift

__all__ = ["KMeansResult", "MeanShiftResult", "kmeans", "mean_shift"]
