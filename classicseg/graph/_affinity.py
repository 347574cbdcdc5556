"""The affinity of pixels: a graph that links each to those around it, as half of a stencil."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device, contiguous, to_host
from classicseg._kernels import adopt, kernels_for
from classicseg._kernels._links import Links
from classicseg._validate import check_choice, check_float, check_int, check_numbers
from classicseg.features import PixelFeatures
from classicseg.graph._sources import FARTHEST, NARROWEST, Sources, contour_of, sources_of
from classicseg.graph._stencil import lines_of, offsets_of

Distance = Literal["squared", "euclidean"]
DISTANCES: tuple[Distance, ...] = get_args(Distance)
WIDEST = 64.0  # pixels of radius: 6432 links of every pixel


@dataclass(frozen=True, eq=False)
class PixelAffinity:
    """Links of pixels and their weights, as `pixel_affinity` makes them: a sparse symmetric matrix in half its room.

    Nothing links a pixel to itself. Pixels outside the mask have no links.

    Parameters
    ----------
    shape : tuple of int
        Shape (M, N) of the image.
    offsets : ndarray of int64, shape (n_offsets, 2)
        Rows and columns from a pixel to those it links to, of the half of the disc that comes after it in raster
        order.
    stored : ndarray of float32, shape (margin + M, n_offsets, columns)
        The weights among margins of zeros, as the kernels read them; `weights` is the part that counts.
    sigma : tuple of float
        Width of each feature, as given or as estimated.
    spatial_sigma : float
        Width of the distance in the image, in pixels; infinite where it does not count.
    mask : ndarray of bool, shape (M, N), or None
        True where pixels take part; None where all do.

    Notes
    -----
    Of features on a GPU `stored`, `mask`, the degree and products lie there too, as CuPy's arrays; `offsets` are
    NumPy's. Weights and degrees have the CPU's bits there, products are summed in another order.
    """

    shape: tuple[int, int]
    offsets: NDArray[np.int64]
    stored: NDArray[np.float32]
    sigma: tuple[float, ...]
    spatial_sigma: float
    mask: NDArray[np.bool_] | None

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weights, shape (n_offsets, M, N): entry [o, i, j] links pixel (i, j) to (i, j) + offsets[o].

        A view; 0 where that lies outside the image or the mask, and where the weight is below 1e-12.
        """
        top, left = _kernels(self).margins(self.offsets)
        inner: NDArray[np.float32] = self.stored[top:, :, left : left + self.shape[1]].swapaxes(0, 1)
        return inner

    @cached_property
    def degree(self) -> NDArray[np.float64]:
        """Sum of the weights of each pixel's links, shape (M, N); computed at first use."""
        found: NDArray[np.float64] = _kernels(self).degrees(self.stored, self.offsets, self.shape)
        return found

    def matvec(self, vectors: ArrayLike, *, n_threads: int | None = None) -> NDArray[Any]:
        """Return the product of the symmetric matrix with one vector or many.

        Parameters
        ----------
        vectors : array_like, shape (M, N), (M * N,) or (K, M, N)
            A value for each pixel, or K of them, one image after the other.
        n_threads : int, optional
            Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
            processors this process may use.

        Returns
        -------
        ndarray of float32 or float64, shape of `vectors`
            The product, in float64 where the vectors are of float64 or of wide integers, else in float32.

        Raises
        ------
        ValueError, TypeError
            If an argument has the wrong shape, dtype or value.

        Examples
        --------
        >>> affinity = pixel_affinity([[1.0, 2.0, 9.0]], 1, sigma=1, spatial_sigma=np.inf)
        >>> affinity.matvec([[1.0, 0.0, 0.0]]).round(3)
        array([[0.   , 0.607, 0.   ]])
        """
        array = check_numbers("vectors", adopt(vectors), cuda=True)
        n_rows, n_cols = self.shape
        if array.shape != (n_rows * n_cols,) and (array.ndim not in (2, 3) or array.shape[-2:] != self.shape):
            raise ValueError(
                f"vectors must have shape {self.shape}, ({n_rows * n_cols},) or (K, {n_rows}, {n_cols}), "
                f"got {array.shape}"
            )
        check_same_device("vectors", array, "affinity", self.stored)
        n_threads = _threads(n_threads)
        kernels = _kernels(self)
        narrow = array.dtype.itemsize <= 2 or array.dtype == np.float32
        planar = array.reshape(-1, n_rows, n_cols).astype(np.float32 if narrow else np.float64, copy=False)
        padded = kernels.pad(planar, self.offsets)
        found = kernels.product(self.stored, self.offsets, padded, n_threads)
        product: NDArray[Any] = contiguous(kernels.unpad(found, self.offsets, self.shape)).reshape(array.shape)
        return product

    def to_scipy(self, *, n_threads: int | None = None) -> Any:
        """Return the graph as SciPy's functions and scikit-learn take it.

        Parameters
        ----------
        n_threads : int, optional
            Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
            processors this process may use.

        Returns
        -------
        scipy.sparse.csr_array of float32, shape (M * N, M * N)
            The symmetric matrix, pixels in raster order. It takes four times the memory: each link twice, and its
            place. SciPy computes on the CPU: a graph on a GPU is copied to the host.

        Raises
        ------
        ValueError, TypeError
            If `n_threads` has the wrong type or value.

        Examples
        --------
        >>> pixel_affinity([[1.0, 2.0, 2.0]], 1, sigma=1, spatial_sigma=np.inf).to_scipy().toarray().round(3)
        array([[0.   , 0.607, 0.   ],
               [0.607, 0.   , 1.   ],
               [0.   , 1.   , 0.   ]], dtype=float32)
        """
        from scipy.sparse import csr_array

        size = self.shape[0] * self.shape[1]
        parts = _kernels(self).to_csr(self.stored, self.offsets, self.shape, _threads(n_threads))
        return csr_array(tuple(map(to_host, parts)), shape=(size, size))


def pixel_affinity(
    features: ArrayLike | PixelFeatures,
    radius: float = 5,
    *,
    sigma: float | Sequence[float] | None = None,
    spatial_sigma: float | None = None,
    distance: Distance = "squared",
    contour: ArrayLike | None = None,
    contour_sigma: float | None = None,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> PixelAffinity:
    """Link each pixel to those around it, by how much alike they are.

    The weight of two pixels at most `radius` apart is exp(-d²/2σ²), with d the distance of their features, times the
    same of their distance in the image: 1 for the same, and near 0 where they differ by more than 3 σ.

    Parameters
    ----------
    features : array_like, shape (M, N) or (M, N, F), or PixelFeatures
        An image, temperatures, or any features of pixels; those of `pixel_features` may hold positions and depth.
    radius : float, default 5
        Largest distance of linked pixels, up to 64: 1 gives 4 neighbours, 1.5 gives 8, 5 gives 80. Wider graphs carry
        an eigenvector over texture and noise, and take memory and time with the square of it.
    sigma : float or sequence of float, optional
        Width σ of the features in their unit, for all or one for each: differences well below it count as none. The
        best values lie between the noise inside a region and the contrast at its border; 20 to 30 suits 8-bit colours.
        Default: the median distance of the features of pixels that lie `radius` apart in a row or a column, but at
        least 1/100 of their range (2.55 for uint8, 0.01 for floats, 0.1 K for temperatures of `pixel_features`).
    spatial_sigma : float, optional
        Width of the distance in the image, in pixels; ``numpy.inf`` gives all within `radius` the same. Default:
        ``radius / 2``.
    distance : {"squared", "euclidean"}, default "squared"
        "squared": exp(-d²/2σ²), of Shi and Malik. "euclidean": exp(-d/2σ²), as lectures print it, for features and for
        positions; each difference of a feature is divided by 2σ² of its own.
    contour : array_like, shape (M, N), optional
        How sure it is that a contour passes through each pixel, such as an edge detector's output, from 0 up. The
        weight is multiplied by exp(-e²/2σ²) of the highest value e on the line between the pixels, both included.
    contour_sigma : float, optional
        Width of the contour's values: one of 3 widths lets nothing pass. Default: 0.25, for probabilities.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; NaN is allowed elsewhere. The mask of `PixelFeatures` counts too.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    PixelAffinity
        The graph: 4 bytes for each of the links, which are counted once.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `features` have NaN inside the mask.

    See Also
    --------
    region_graph : The same of regions instead of pixels.

    Notes
    -----
    Weights are computed in float32, within 1e-6 of their own size times 1 + their exponent, and those below 1e-12 are
    0: eigenvectors cannot tell them from none. Sources: J. Shi, J. Malik, "Normalized Cuts and Image Segmentation",
    IEEE Trans. Pattern Anal. Mach. Intell. 22(8), 2000, doi:10.1109/34.868688; for the contour J. Malik, S. Belongie,
    T. Leung, J. Shi, "Contour and Texture Analysis for Image Segmentation", Int. J. Computer Vision 43(1), 2001,
    doi:10.1023/A:1011174803800.

    Examples
    --------
    >>> affinity = pixel_affinity([[20.0, 20.1, 35.0], [20.2, 20.1, 35.2]], 1, sigma=1)
    >>> affinity.degree.round(3)
    array([[0.267, 0.27 , 0.133],
           [0.267, 0.27 , 0.133]])
    """
    sources = sources_of(features, mask)
    radius = check_float("radius", radius, low=1, high=WIDEST)
    distance = check_choice("distance", distance, DISTANCES)
    widths = _widths(sigma, sources, radius)
    spatial = _spatial_sigma(spatial_sigma, radius)
    edges = contour_of(contour, contour_sigma, sources)
    n_threads = _threads(n_threads)

    kernels: Any = kernels_for(sources.there, "affinity")
    offsets = offsets_of(radius, sources.shape)
    factors = 1 / (np.sqrt(2) * widths) if distance == "squared" else 1 / (2 * widths**2)
    planes = kernels.planes(*sources.scaled(factors), sources.inside, sources.shape, n_threads)
    apart = np.sqrt((offsets**2).sum(axis=1)) / spatial
    exponent = apart**2 / 2 if distance == "squared" else apart / (2 * spatial)
    links = Links(
        planes,
        _capped(edges * edges / 2),
        _capped(np.where(sources.inside, 0, FARTHEST)) if sources.inside is not None else np.empty((0, 0), np.float32),
        offsets,
        _capped(sources.place(factors, offsets), 1e30),
        _capped(exponent),
        *lines_of(offsets),
    )
    weights = kernels.weigh(links, sources.shape, distance == "squared", n_threads)
    return PixelAffinity(sources.shape, offsets, weights, tuple(widths.tolist()), spatial, sources.inside)


def _capped(values: NDArray[Any], most: float = FARTHEST) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.minimum(values, most).astype(np.float32)
    return found


def _widths(sigma: float | Sequence[float] | None, sources: Sources, radius: float) -> NDArray[np.float64]:
    n_features = sources.n_features
    if sigma is None:
        return np.full(n_features, sources.typical_distance(radius))
    array = check_numbers("sigma", sigma)
    if array.shape not in ((), (n_features,)):
        raise ValueError(
            f"sigma must be a number or one for each of the {n_features} features, got shape {array.shape}"
        )
    values = [check_float("sigma", value, low=NARROWEST) for value in np.broadcast_to(array, n_features).tolist()]
    return np.array(values, np.float64)


def _spatial_sigma(spatial_sigma: float | None, radius: float) -> float:
    if spatial_sigma is None:
        return radius / 2
    if isinstance(spatial_sigma, float) and spatial_sigma == np.inf:
        return float(np.inf)
    return check_float("spatial_sigma", spatial_sigma, low=NARROWEST)


def _threads(n_threads: int | None) -> int | None:
    return None if n_threads is None else check_int("n_threads", n_threads, low=1)


def _kernels(affinity: PixelAffinity) -> Any:
    return kernels_for(affinity.stored, "affinity")
