"""Graphs of pixels: how much each is like those around it, and what a segmentation cuts of it."""

from classicseg.graph._affinity import PixelAffinity, pixel_affinity
from classicseg.graph._cut import assoc, cut, ncut

__all__ = ["PixelAffinity", "assoc", "cut", "ncut", "pixel_affinity"]
