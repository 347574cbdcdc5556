"""Texture features: filter energies, texton histograms and binary patterns over square windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import FLOAT32_MAX, check_choice, check_float, check_image, check_int, check_mask
from classicseg.features._channels import full_range
from classicseg.features._codes import N_PATTERNS, binary_patterns, n_textons, textons
from classicseg.features._jets import Jet, jet, oriented_energies, reach
from classicseg.features._planes import check_inside, filled, luma, native, value_range
from classicseg.features._windows import window_sizes, window_sums

Kind = Literal["textons", "filters", "lbp"]
KINDS: tuple[Kind, ...] = ("textons", "filters", "lbp")
BLOCK = 1 << 16  # pixels whose filter responses a thread holds together, or more where filters reach far
OUTSIDE = 255  # code of a pixel outside the mask, which no histogram counts
SMALL, LARGE = 1e-12, 1e12  # the largest value of an image that is filtered as it is: sums of squares fit into float32
CONTRAST = 0.02  # of the image's range: weaker structure is flat


def texture_features(
    image: ArrayLike,
    *,
    kind: Kind = "textons",
    size: int = 31,
    sigma: float = 1.0,
    n_orientations: int = 4,
    contrast: float | None = None,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> NDArray[np.float32]:
    """Describe the texture around every pixel, as channels for `pixel_features`.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, 3)
        Gray or RGB image, or temperatures; of RGB the luma is looked at.
    kind : {"textons", "filters", "lbp"}, default "textons"
        "textons" gives the histogram of textons in the window: of flat spots, slopes, blobs, lines and saddles, by
        orientation. "filters" gives the energy of the filters in the window: how strong structure is at each
        orientation. "lbp" gives the histogram of local binary patterns: fine, on unsmoothed pixels, whatever the
        contrast and the orientation. Textons suit most images, energies those where textures differ in strength, and
        textons beside binary patterns, ``np.concatenate([..., ...], axis=-1)``, see most.
    size : int, default 31
        Side of the square window in pixels, odd. It should hold a few repeats of the texture; larger windows are
        surer of the texture and blur its borders more.
    sigma : float, default 1.0
        Width of the filters in pixels, 0.5 to 100, about that of the lines and half that of the blobs of the texture.
        1 tells fine textures apart; more sees through noise. "lbp" does not use it.
    n_orientations : int, default 4
        Orientations told apart, 1 to 8; with 1 a texture that turns stays the same. "lbp" does not use it.
    contrast : float, optional
        Textons below this contrast are flat, in the image's own unit. Default: 0.02 of its range (5 gray levels
        of 255); for temperatures choose a few times the sensor's noise. Only "textons" uses it.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part. Those outside do not count in any window; what they hold is replaced by the
        nearest pixel inside before filters look at it.
    n_threads : int, optional
        Threads to use. Default: ``CLASSICSEG_NUM_THREADS``, else all processors this process may use.

    Returns
    -------
    ndarray of float32, shape (M, N, E)
        With n orientations, E is 3 n + 4 for "textons" (flat; n slopes; dark blob; light blob; n dark lines; n light
        lines; saddle), n + 1 for "filters" (n orientations; centre-surround) and 10 for "lbp" (patterns of 0 to 8
        brighter neighbours in a row; all others). Orientation k is that of structures whose normal is k / n of half
        a turn from the column axis (0: upright stripes) towards the row axis. 0 outside the mask.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `image` has NaN or infinity inside the mask.

    Notes
    -----
    Channels are in the image's own unit, so that they weigh like its colour in `pixel_features`: an energy is the root
    of the mean square response in the window, and the bins of a histogram sum to the range of the dtype (255, 65535,
    1 for floats). With Lab, whose unit is smaller, ``channel_weights={"extra": 0.4}`` gives the same balance for
    uint8; with T ``{"extra": 10}`` lets the whole of a histogram count like 10 K. The scale is fixed by the dtype;
    values elsewhere in the image never change it.

    Filters are the first and second derivatives of a Gaussian along rows and columns, times sigma per order, steered
    to the orientations; centre-surround is the Laplacian. Their windows stop at the border of the image, beyond which
    filters see the last pixel. Textons have a codebook fixed in advance, the basic image features, so that the same
    patch has the same texton in every image. Computed in float32: structure weaker than 1e-18 is none, or than 1e-18
    of the largest value where that is below 1e-12 or above 1e12. Energies beyond float32 are its largest number.
    Memory beside the result: codes, the luma of RGB and what a mask needs, at most 9 bytes per pixel or 13 of float64;
    and per thread 4 MB, or 800 sigma bytes for each column of the image where that is more.

    Sources: J. Malik, S. Belongie, T. Leung, J. Shi, "Contour and texture analysis for image segmentation", Int. J.
    Computer Vision 43(1), 2001, doi:10.1023/A:1011174803800 (textons, windowed histograms); M. Crosier, L. D. Griffin,
    "Using basic image features for texture classification", Int. J. Computer Vision 88(3), 2010,
    doi:10.1007/s11263-009-0315-0; T. Ojala, M. Pietikäinen, T. Mäenpää, "Multiresolution gray-scale and rotation
    invariant texture classification with local binary patterns", IEEE Trans. Pattern Anal. Mach. Intell. 24(7),
    2002, doi:10.1109/TPAMI.2002.1017623 (here on the 8 pixels around, without interpolation).

    Examples
    --------
    >>> stripes = np.tile(np.array([0, 0, 200, 200], np.uint8), (40, 10))
    >>> texture_features(stripes, kind="filters")[20, 20].round()
    array([85., 48.,  0., 48., 72.], dtype=float32)
    """
    array = check_image("image", image)
    if array.ndim == 3 and array.shape[2] != 3:
        raise ValueError(f"image must have shape (M, N) or (M, N, 3), got {array.shape}; pass one channel at a time")
    kind = check_choice("kind", kind, KINDS)
    size = check_int("size", size, low=1)
    if size % 2 == 0:
        raise ValueError(f"size must be odd, so that a window has a middle, got {size}; use {size + 1}")
    sigma = check_float("sigma", sigma, low=0.5, high=100)
    n_orientations = check_int("n_orientations", n_orientations, low=1, high=8)
    unit = full_range(array.dtype)
    contrast = CONTRAST * unit if contrast is None else check_float("contrast", contrast, low=0)
    inside = check_mask(mask, array.shape[:2])
    if n_threads is not None:
        n_threads = check_int("n_threads", n_threads, low=1)
    check_inside("image", array, inside)
    gray = filled(luma(native(array)), inside)
    radius = min(size // 2, max(gray.shape))  # a window beyond the image holds all of it
    if kind == "filters":
        bank = Bank(gray, sigma, n_orientations, _scale(array, inside))
        return _energies(bank, radius, inside, n_threads)
    if kind == "textons":
        bank = Bank(gray, sigma, n_orientations, _scale(array, inside))
        codes = _codes(gray.shape, reach(sigma), lambda start, stop: bank.textons(start, stop, contrast), n_threads)
    else:
        codes = _codes(gray.shape, 1, lambda start, stop: binary_patterns(gray, start, stop), n_threads)
    n_bins = n_textons(n_orientations) if kind == "textons" else N_PATTERNS
    out = np.empty((*gray.shape, n_bins), np.float32)
    if inside is not None:
        codes[~inside] = OUTSIDE
    kernels_for(codes, "texture").window_histograms(codes, radius, unit, out, n_threads)
    if inside is not None:
        out[~inside] = 0
    return out


class Bank(NamedTuple):
    """A gray image with the filters that look at it."""

    gray: NDArray[Any]
    sigma: float
    n_orientations: int
    scale: float

    def jet(self, start: int, stop: int) -> Jet:
        return jet(self.gray, self.sigma, start, stop, self.scale)

    def textons(self, start: int, stop: int, contrast: float) -> NDArray[np.uint8]:
        return textons(self.jet(start, stop), min(contrast * self.scale, FLOAT32_MAX), self.n_orientations)

    def energies(self, start: int, stop: int) -> Iterator[NDArray[np.float32]]:
        return oriented_energies(self.jet(start, stop), self.n_orientations)


def _scale(image: NDArray[Any], inside: NDArray[np.bool_] | None) -> float:
    """Return the power of two that brings very large or small values to where their squares fit into float32.

    It changes no bit of what fits already, so values elsewhere in the image change nothing; 1 for the usual image.
    """
    low, high = value_range(image, inside) if image.dtype.kind == "f" else (0.0, 0.0)
    largest = max(-low, high)
    if largest == 0 or SMALL <= largest <= LARGE:
        return 1.0
    return 2.0 ** max(min(-math.frexp(largest)[1], 126), -126)  # so that 1 / scale is no infinity either


def _for_blocks(shape: tuple[int, ...], halo: int, function: Callable[[int, int], None], n_threads: int | None) -> None:
    """Call ``function(start, stop)`` for blocks of about BLOCK values, high enough that their halo costs little."""
    from classicseg._kernels.cpu._jit import run_blocks

    rows = max(BLOCK // shape[1], 4 * halo, 1)
    run_blocks(lambda i: function(i * rows, min((i + 1) * rows, shape[0])), -(-shape[0] // rows), n_threads)


def _codes(
    shape: tuple[int, ...], halo: int, codes_of: Callable[[int, int], NDArray[np.uint8]], n_threads: int | None
) -> NDArray[np.uint8]:
    codes = np.empty(shape, np.uint8)

    def block(start: int, stop: int) -> None:
        codes[start:stop] = codes_of(start, stop)

    _for_blocks(shape, halo, block, n_threads)
    return codes


def _energies(bank: Bank, radius: int, inside: NDArray[np.bool_] | None, n_threads: int | None) -> NDArray[np.float32]:
    """Return the root of the mean energy in each window, in the image's unit; sums along rows, then along columns."""
    n_rows, n_cols = bank.gray.shape
    out = np.empty((n_rows, n_cols, bank.n_orientations + 1), np.float32)
    counts = None if inside is None else np.empty((n_rows, n_cols), np.float32)

    def along_rows(start: int, stop: int) -> None:
        for e, energy in enumerate(bank.energies(start, stop)):
            values = energy if inside is None else energy * inside[start:stop]
            out[start:stop, :, e] = window_sums(values, radius, axis=1)
        if inside is not None and counts is not None:
            counts[start:stop] = window_sums(inside[start:stop].astype(np.float32), radius, axis=1)

    def along_columns(start: int, stop: int) -> None:
        part = out[:, start:stop]
        if inside is None or counts is None:
            share = np.multiply.outer(window_sizes(n_rows, radius), window_sizes(n_cols, radius)[start:stop])
        else:
            share = np.maximum(window_sums(counts[:, start:stop], radius, axis=0), 1)
        means = window_sums(part, radius, axis=0) / share[..., None]
        with np.errstate(over="ignore"):  # an energy may exceed every value of an image near the end of float32
            part[...] = np.minimum(np.sqrt(means) * np.float32(1 / bank.scale), np.float32(FLOAT32_MAX))
        if inside is not None:
            part[~inside[:, start:stop]] = 0

    _for_blocks((n_rows, n_cols), reach(bank.sigma), along_rows, n_threads)
    _for_blocks((n_cols, n_rows * out.shape[2]), 0, along_columns, n_threads)
    return out
