"""Features of pixels: colour, temperature, depth, position, and computed channels for `extra`."""

from classicseg.features._pixel import pixel_features
from classicseg.features._recipe import PixelFeatures

__all__ = ["PixelFeatures", "pixel_features"]
