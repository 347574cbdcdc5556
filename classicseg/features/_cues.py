"""Cues that tell regions apart: planes in one unit, how steep they are, and codes of texture and colour."""

from __future__ import annotations

import functools
import operator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicseg._array import like, to_host
from classicseg._kernels import kernels_for
from classicseg.features._channels import COUNTS, KELVIN, full_range
from classicseg.features._codebooks import PALETTE, TEXTONS
from classicseg.features._planes import (
    HIGHEST,
    LOWEST,
    check_inside,
    converted,
    inside_blocks,
    native,
    row_blocks,
)
from classicseg.features._spikes import without_spikes

Array = NDArray[Any]
Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]

WHITE = 100.0  # of CIE lightness: the unit of all planes is that from black to white
LARGEST = 1e6  # values beyond, in this unit, count as that: their squares stay within float32
ORDINARY = 0.99  # the share of float values that must range over 0 to 1 for these to be intensities

SIGMAS = (1.0, 2.0, 4.0)  # widths of the gradients, in pixels
STEEP = 20.0  # units per pixel: a strength of 1
TEXTON_SIGMA, TEXTON_CONTRAST = 1.25, 0.2  # structure much stronger than this differs by the ratio of its strengths
N_TEXTONS = len(TEXTONS)
COLOR_SIGMA, N_COLORS = 1.0, len(PALETTE)
PALETTE_WEIGHTS = (0.7, 1.0, 1.0)  # of L, a and b: light and shadow tell colours apart less
STEP = 5.0  # of light that gets a code of its own, where there is no colour; after N_COLORS of them they begin again
OUTSIDE = 255  # code of a pixel outside the mask


class Scene(NamedTuple):
    """An image as planes that can be compared."""

    planes: Plane  # (C, M, N), in units of CIE lightness; 0 or another finite value outside the mask
    light: Plane  # (M, N) that texture is looked for in
    is_lab: bool  # whether the first three planes are L, a, b
    mask: Mask | None


class Cues(NamedTuple):
    """What regions of an image are compared by."""

    planes: Plane  # (C, M, N), in units of CIE lightness
    strengths: Plane  # (S, M, N) gradients at SIGMAS, in units of STEEP; 0 outside the mask
    textons: NDArray[np.uint8]  # (M, N), below N_TEXTONS; OUTSIDE outside the mask
    colors: NDArray[np.uint8]  # (M, N), below N_COLORS; OUTSIDE outside the mask
    mask: Mask | None


def cues(
    image: Array,
    mask: Mask | None = None,
    depth: Array | None = None,
    *,
    unit: float | None = None,
    n_threads: int | None = None,
) -> Cues:
    """Return the cues of an image of any kind; `scene_of` says how each is read."""
    scene = scene_of(image, mask, depth, unit=unit)
    # One hot pixel would change which regions are merged far from it.
    cleaned, light = without_spikes(scene.planes, mask), without_spikes(scene.light[None], mask)[0]
    scene = scene._replace(planes=cleaned, light=light)
    shape = scene.light.shape
    strengths = np.empty_like(scene.planes, np.float32, "C", shape=(len(SIGMAS), *shape))
    kernels_for(scene.planes, "gradients").strengths(scene.planes, mask, SIGMAS, 1 / STEEP, strengths, n_threads)
    textons = np.empty_like(scene.planes, np.uint8, "C", shape=shape)
    codebook = like(np.array(TEXTONS, np.float32), textons)
    kernels_for(textons, "codes").texton_codes(
        scene.light, mask, TEXTON_SIGMA, TEXTON_CONTRAST, codebook, textons, n_threads
    )
    return Cues(scene.planes, strengths, textons, color_codes(scene, n_threads), mask)


def scene_of(image: Array, mask: Mask | None = None, depth: Array | None = None, *, unit: float | None = None) -> Scene:
    """Return the planes of an image (M, N) or (M, N, C) of any kind.

    Colours become L, a, b, and gray the L of that gray. One channel of floats that does not range over 0 to 1 is
    temperatures, of which 10 K count like from black to white, and of wide integers it is counts, by 500. Other numbers
    of channels are taken as they are, so that a change of all by their range counts like that. `unit` tells the range:
    255 for such floats, any for one channel of temperatures or raw counts. Depth is compared by its logarithm: 10 %
    farther counts 9.5 of 100, whatever its unit, and where it is not known, which is NaN, infinity, 0 or less, that of
    the pixels around stands, fading from one to the other.
    """
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    dtype, image = image.dtype, native(image)
    check_inside("image", image, mask)
    if image.ndim == 3 and image.shape[2] == 3:
        planes = _lab(image, mask, unit or full_range(dtype))
    elif image.ndim == 2 and unit is None and _encoded(image, mask, full_range(dtype)):
        planes = _lightness(image, full_range(dtype))
    elif image.ndim == 2:
        planes = _scaled(image[..., None], mask, unit or (KELVIN if dtype.kind == "f" else COUNTS))
    else:
        planes = _scaled(image, mask, unit or full_range(dtype))
    is_lab, light = image.ndim == 3 and len(planes) == 3, planes[0]
    if len(planes) > 1 and not is_lab:
        light = functools.reduce(operator.add, planes) * np.float32(len(planes) ** -0.5)
    if depth is not None:
        planes = np.concatenate([planes, _log_depth(depth, mask)[None]])
    return Scene(planes, light, is_lab, mask)


def color_codes(scene: Scene, n_threads: int | None = None) -> NDArray[np.uint8]:
    """Return the colour of each pixel, smoothed: the nearest of the palette, or of other images the step of the light.

    Nothing is chosen for the image, so that no pixel changes the code of another.
    """
    light, mask = scene.light, scene.mask
    if scene.is_lab:
        codes: NDArray[np.uint8] = np.empty_like(light, np.uint8, "C")
        numbers = like(np.array(PALETTE_WEIGHTS, np.float32), light), like(np.array(PALETTE, np.float32), light)
        kernels_for(light, "codes").color_codes(scene.planes[:3], mask, COLOR_SIGMA, *numbers, codes, n_threads)
        return codes
    smoothed = np.empty_like(light[None])
    kernels_for(light, "gradients").smooth(light[None], mask, COLOR_SIGMA, smoothed, n_threads)
    steps = np.floor(smoothed[0] * np.float32(1 / STEP)).astype(np.int32) % N_COLORS
    codes = steps.astype(np.uint8)
    return codes if mask is None else np.where(mask, codes, np.uint8(OUTSIDE))


def _encoded(image: Array, mask: Mask | None, top: float) -> bool:
    """Say whether nearly all values range over 0 to `top`; a few outliers change nothing."""
    if image.dtype.kind == "u" and top >= full_range(image.dtype):
        return True
    count = fits = 0
    for values in inside_blocks(image, mask):
        count += values.size
        fits += int(np.count_nonzero((values >= LOWEST * top) & (values <= HIGHEST * top)))
    return fits >= ORDINARY * count


def _lab(image: Array, mask: Mask | None, top: float) -> Plane:
    if not _encoded(image, mask, top):
        raise ValueError(
            f"image must range over 0 to {top:g}, got values beyond; divide by the highest value that the source can "
            "hold, such as 255"
        )
    planes: Plane = converted(_intensities(image, top), "Lab")
    return planes


def _lightness(gray: Array, top: float) -> Plane:
    """Return the L of a gray image as one plane."""
    values = _intensities(gray, top)
    planes: Plane = converted(np.broadcast_to(values[..., None], (*gray.shape, 3)), "Lab")
    return planes[:1].copy()


def _intensities(image: Array, top: float) -> Array:
    """Return what ranges over 0 to `top` as colours are read: whole numbers as they are where that is their range."""
    if image.dtype.kind == "u" and top == full_range(image.dtype):
        return image
    with np.errstate(over="ignore", invalid="ignore"):  # outside the mask anything may stand
        values: Array = (image.astype(np.float32) * np.float32(1 / top)).clip(LOWEST, HIGHEST)
    return values


def _scaled(image: Array, mask: Mask | None, top: float) -> Plane:
    """Return the channels of (M, N, C), so that a change of all by `top` has the length of that from black to white."""
    n_channels = image.shape[2]
    planes = np.empty_like(image, np.float32, "C", shape=(n_channels, *image.shape[:2]))
    factor = np.float32(WHITE / top * n_channels**-0.5)
    with np.errstate(over="ignore", invalid="ignore"):  # as above
        for rows in row_blocks(image):
            for c in range(n_channels):
                values = (image[rows, :, c].astype(np.float32) * factor).clip(-LARGEST, LARGEST)
                planes[c, rows] = values if mask is None else np.where(mask[rows], values, np.float32(0))
    return planes


def _log_depth(depth: Array, mask: Mask | None) -> Plane:
    """Return WHITE times the logarithm of the depth, without holes: the work of the host."""
    given = to_host(depth)
    known = np.isfinite(given) & (given > 0)
    if mask is not None:
        known &= to_host(mask)
        if not known.any() and mask.any():
            raise ValueError("depth must hold a finite value above 0 inside the mask, got none")
    elif not known.any():
        raise ValueError("depth must hold a finite value above 0 somewhere, got none")
    values = np.log(np.where(known, given, 1), dtype=np.float64) * WHITE
    plane: Plane = like(_without_holes(values.astype(np.float32), known), depth)
    return plane


def _without_holes(values: Plane, known: Mask) -> Plane:
    """Return values (M, N) with those that are not known made of the mean of 2 × 2 pixels, or where none of these is
    known of 4 × 4, and so on, smoothed at each size: a hole becomes a slope, and no border is made up inside it.
    """
    if known.all() or not known.any():
        return values
    n_rows, n_cols = values.shape
    even = [(0, n_rows % 2), (0, n_cols % 2)]
    blocks = np.pad(known.astype(np.float32), even), np.pad(np.where(known, values, np.float32(0)), even)
    counts, sums = (block.reshape(-(-n_rows // 2), 2, -(-n_cols // 2), 2).sum(axis=(1, 3)) for block in blocks)
    coarse = _without_holes(sums / np.maximum(counts, 1), counts > 0)
    for axis in (0, 1):
        fine = np.repeat(coarse, 2, axis)
        around = np.pad(fine, [(1, 1) if axis == a else (0, 0) for a in (0, 1)], mode="edge")
        one, other = (np.take(around, np.arange(fine.shape[axis]) + step, axis) for step in (0, 2))
        coarse = np.float32(0.5) * fine + np.float32(0.25) * (one + other)
    return np.where(known, values, coarse[:n_rows, :n_cols])
