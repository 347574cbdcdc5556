"""Superpixels: small regions of like pixels, in place of pixels."""

from classicseg.superpixels._felzenszwalb import felzenszwalb
from classicseg.superpixels._slic import slic

__all__ = ["felzenszwalb", "slic"]
