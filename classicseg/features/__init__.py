"""Features of pixels: colour, temperature, depth, position, and computed channels for `extra`."""

from classicseg.features._motion import motion_features
from classicseg.features._pixel import pixel_features
from classicseg.features._recipe import PixelFeatures
from classicseg.features._texture import texture_features

__all__ = ["PixelFeatures", "motion_features", "pixel_features", "texture_features"]
