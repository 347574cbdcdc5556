"""Regions: connected, numbered, merged.

Region labels are int32: connected regions are 1, 2, ... by their first pixel in raster order, and 0 lies outside
the mask.
"""

from classicseg.regions._connected import connected_regions
from classicseg.regions._graph import RegionGraph, region_graph
from classicseg.regions._merge import merge_small_regions
from classicseg.regions._merge_by import RegionPairs
from classicseg.regions._table import region_table
from classicseg.regions._tree import RegionTree, merge_regions, merge_tree

__all__ = [
    "RegionGraph",
    "RegionPairs",
    "RegionTree",
    "connected_regions",
    "merge_regions",
    "merge_small_regions",
    "merge_tree",
    "region_graph",
    "region_table",
]
