"""Clustering of samples in feature space: k-means."""

from classicseg.cluster._kmeans import KMeansResult, kmeans

__all__ = ["KMeansResult", "kmeans"]
