"""Graphs of pixels and of regions: how much each is like those around it, and where to cut them into segments."""

from classicseg.graph._affinity import PixelAffinity, pixel_affinity
from classicseg.graph._cut import assoc, cut, ncut
from classicseg.graph._embedding import SpectralResult, spectral_embedding
from classicseg.graph._graph_cut import GraphCutResult, graph_cut
from classicseg.graph._minimum_cut import MinimumCutResult, minimum_cut
from classicseg.graph._normalized_cut import normalized_cut, split_tree
from classicseg.graph._sparse import region_affinity
from classicseg.graph._split_tree import SplitTree

__all__ = [
    "GraphCutResult",
    "MinimumCutResult",
    "PixelAffinity",
    "SpectralResult",
    "SplitTree",
    "assoc",
    "cut",
    "graph_cut",
    "minimum_cut",
    "ncut",
    "normalized_cut",
    "pixel_affinity",
    "region_affinity",
    "spectral_embedding",
    "split_tree",
]
