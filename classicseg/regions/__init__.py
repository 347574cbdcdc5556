"""Regions: connected, numbered, merged.

Region labels are int32: connected regions are 1, 2, ... by their first pixel in raster order, and 0 lies outside
the mask.
"""

from classicseg.regions._connected import connected_regions
from classicseg.regions._merge import merge_small_regions

__all__ = ["connected_regions", "merge_small_regions"]
