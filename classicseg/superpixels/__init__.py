"""Superpixels: small regions of like pixels, in place of pixels."""

from classicseg.superpixels._slic import slic

__all__ = ["slic"]
