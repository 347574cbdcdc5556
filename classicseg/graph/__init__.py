"""Graphs of pixels: how much each is like those around it, and what a segmentation cuts of it."""

from classicseg.graph._affinity import PixelAffinity, pixel_affinity
from classicseg.graph._cut import assoc, cut, ncut
from classicseg.graph._embedding import SpectralResult, spectral_embedding

__all__ = ["PixelAffinity", "SpectralResult", "assoc", "cut", "ncut", "pixel_affinity", "spectral_embedding"]
