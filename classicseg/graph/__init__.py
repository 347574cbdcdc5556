"""Graphs of pixels: how much each is like those around it, and what a segmentation cuts of it."""

from classicseg.graph._affinity import PixelAffinity, pixel_affinity
from classicseg.graph._cut import assoc, cut, ncut
from classicseg.graph._embedding import SpectralResult, spectral_embedding
from classicseg.graph._graph_cut import GraphCutResult, graph_cut
from classicseg.graph._minimum_cut import MinimumCutResult, minimum_cut

__all__ = [
    "GraphCutResult",
    "MinimumCutResult",
    "PixelAffinity",
    "SpectralResult",
    "assoc",
    "cut",
    "graph_cut",
    "minimum_cut",
    "ncut",
    "pixel_affinity",
    "spectral_embedding",
]
