"""Segment an image, or an image file: the one-command form. By merging, by k-means, or by mean shift."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, UnidentifiedImageError

from classicseg._errors import FileFormatError
from classicseg._segment_tree import MIN_SIZE, SCALE, segment
from classicseg._validate import check_choice, check_float, check_image, check_int, check_unused
from classicseg.cluster import kmeans, mean_shift_segment
from classicseg.features import pixel_features
from classicseg.features._channels import full_range
from classicseg.regions import connected_regions, merge_small_regions
from classicseg.regions._merge import merge_equal_regions

if TYPE_CHECKING:
    from classicseg.refine import Refiner

Method = Literal["tree", "kmeans", "mean_shift"]
METHODS: tuple[Method, ...] = get_args(Method)
SUFFIXES = (".png", ".tif", ".tiff", ".npy")
N_CLUSTERS = 6
SMALLEST = 64  # pixels of a region by k-means and mean shift
SPATIAL, RANGE = 6, 16.0  # bandwidths of mean shift: pixels, levels of 255


def segment_image(
    image: ArrayLike,
    *,
    method: Method = "tree",
    scale: float | None = None,
    unit: float | None = None,
    n_clusters: int | None = None,
    spatial_bandwidth: int | None = None,
    range_bandwidth: float | None = None,
    min_size: int | None = None,
    rng: int | None = None,
) -> NDArray[np.int32]:
    """Split an image into connected regions.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, 3)
        Gray or RGB image; float images range over 0 to 1, or are temperatures. NaN in a float image is outside.
    method : {"tree", "kmeans", "mean_shift"}, default "tree"
        ``"tree"``: `segment`, which merges small regions as long as people would hardly draw a line between them.
        ``"kmeans"``: k-means over colour and position, then connected regions. ``"mean_shift"``: every pixel climbs
        to the colour that is most common around it, and neighbours that end up alike are a region; nobody says how
        many colours there are. Other images than uint8 are rounded to 255 levels, and must lie within their range.
    scale : float, optional
        For ``"tree"``: lines stay that people draw with this probability, 0 to 1. Default: 0.5.
    unit : float, optional
        For ``"tree"``: the difference that counts like from black to white, as in `segment`. Temperatures of so little
        contrast that all is one region want 4 or 2 instead of 10.
    n_clusters : int, optional
        For ``"kmeans"``: colours to tell apart; fewer where the image has fewer pixels. Default: 6.
    spatial_bandwidth : int, optional
        For ``"mean_shift"``: how far a pixel looks, in pixels. Default: 6.
    range_bandwidth : float, optional
        For ``"mean_shift"``: contrast below which colours are one, in levels of 255. Default: 16.
    min_size : int, optional
        No region has fewer pixels; by k-means and mean shift such are merged into the neighbour of nearest colour.
        Default: 30 for ``"tree"``, 64 for the others.
    rng : int, optional
        For ``"kmeans"``: seed. Default: 0.

    Returns
    -------
    ndarray of int32, shape (M, N)
        Region labels, 1, 2, ... by first pixel; 0 outside. Neighbours of equal mean colour are one region.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or goes with another method, or no pixel of `image` is
        finite.
    """
    array = check_image("image", image)
    if array.ndim == 3 and array.shape[2] != 3:
        raise ValueError(
            f"image must have shape (M, N) or (M, N, 3), got {array.shape}; "
            "leave out an alpha channel with image[..., :3]"
        )
    own: dict[Method, dict[str, Any]] = {
        "tree": {"scale": scale, "unit": unit},
        "kmeans": {"n_clusters": n_clusters, "rng": rng},
        "mean_shift": {"spatial_bandwidth": spatial_bandwidth, "range_bandwidth": range_bandwidth},
    }
    method = check_choice("method", method, METHODS)
    for other in METHODS:
        if other != method:
            check_unused(own[other], method, other)
    smallest = MIN_SIZE if method == "tree" else SMALLEST
    smallest = smallest if min_size is None else check_int("min_size", min_size, low=1)
    regions = _BY[method](array, _inside(array), smallest, **own[method])
    return merge_equal_regions(regions, array)  # all can part a large area of one colour


def _inside(array: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return where all channels are finite, None where that is everywhere."""
    inside = np.asarray(np.isfinite(array.reshape(*array.shape[:2], -1)).all(axis=2))
    if not inside.any():
        raise ValueError(f"image must have a pixel that is finite, got none of {inside.size}")
    return None if inside.all() else inside


def _by_tree(
    array: NDArray[Any], mask: NDArray[np.bool_] | None, min_size: int, scale: float | None, unit: float | None
) -> NDArray[np.int32]:
    return segment(array, SCALE if scale is None else scale, unit=unit, mask=mask, min_size=min_size)


def _by_kmeans(
    array: NDArray[Any], mask: NDArray[np.bool_] | None, min_size: int, n_clusters: int | None, rng: int | None
) -> NDArray[np.int32]:
    wanted = N_CLUSTERS if n_clusters is None else check_int("n_clusters", n_clusters, low=1)
    n_inside = array.shape[0] * array.shape[1] if mask is None else int(np.count_nonzero(mask))
    # Crossing the image counts as a fifth of the range of colour: enough to part far away regions of one colour.
    weights = {"xy": 0.2}
    features = pixel_features(array, "Ixy" if array.ndim == 2 else "RGBxy", channel_weights=weights, mask=mask)
    found = kmeans(features, min(wanted, n_inside), rng=0 if rng is None else rng)
    return merge_small_regions(connected_regions(found.labels), min_size, image=array)


def _by_mean_shift(
    array: NDArray[Any],
    mask: NDArray[np.bool_] | None,
    min_size: int,
    spatial_bandwidth: int | None,
    range_bandwidth: float | None,
) -> NDArray[np.int32]:
    space = SPATIAL if spatial_bandwidth is None else check_int("spatial_bandwidth", spatial_bandwidth, low=1)
    levels = RANGE if range_bandwidth is None else check_float("range_bandwidth", range_bandwidth, above=0)
    found = mean_shift_segment(_levels(array, mask), space, levels, min_size=min_size, kernel="opencv", mask=mask)
    return found.labels


def _levels(array: NDArray[Any], mask: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Return the image in levels of 255, on which mean shift is many times as fast as on floats."""
    if array.dtype == np.uint8:
        return array
    inside, highest = array if mask is None else array[mask], full_range(array.dtype)
    low, high = inside.min(), inside.max()
    if low < 0 or high > highest:
        raise ValueError(
            f"image of {array.dtype} must lie within 0 to {highest:g} for method='mean_shift', "
            f"got {low:g} to {high:g}; scale it, or take method='kmeans'"
        )
    values = array.astype(np.float64)
    if mask is not None:
        values[~mask] = 0
    return np.rint(values * (255 / highest)).astype(np.uint8)


_BY: dict[Method, Callable[..., NDArray[np.int32]]] = {
    "tree": _by_tree,
    "kmeans": _by_kmeans,
    "mean_shift": _by_mean_shift,
}


def segment_file(
    image_path: str | Path,
    labels_path: str | Path,
    *,
    refiner: Refiner | None = None,
    **options: Any,
) -> int:
    """Segment an image file and write its label image.

    Parameters
    ----------
    image_path : str or Path
        Any picture that Pillow reads.
    labels_path : str or Path
        ``.png`` (16 bit, up to 65,535 regions), ``.tif`` (32 bit) or ``.npy``.
    refiner : Refiner, optional
        What says what the regions are: its classes are written, numbered from 1 on, or its instances or segments.
    **options
        As in `segment_image`.

    Returns
    -------
    int
        Number of regions; with a refiner the highest number written.

    Raises
    ------
    FileFormatError
        If the picture cannot be read.
    RefinerError
        If the refiner raises, or gives what is no result.
    ValueError
        If `labels_path` has another suffix, lies in no folder or is the picture itself, or the labels do not fit
        into it.
    """
    labels_path = Path(labels_path)
    suffix = check_choice("the suffix of the label file", labels_path.suffix.lower(), SUFFIXES)
    if not labels_path.parent.is_dir():
        raise ValueError(f"the folder of the label file must exist, got {str(labels_path.parent)!r}; make it first")
    if labels_path.exists() and Path(image_path).exists() and labels_path.samefile(image_path):
        raise ValueError(f"the label file must not be the picture itself, got {str(labels_path)!r}; name another")
    image = read_picture(image_path)
    labels = segment_image(image, **options)
    if refiner is not None:
        from classicseg.refine import refine_labels

        found = refine_labels(image, labels, refiner)
        labels = found.labels + 1 if refiner.task == "semantic" else found.labels
    count = int(labels.max())
    partial = labels_path.with_name(labels_path.name + ".part")  # a crash leaves no half-written label image
    try:
        _write_labels(partial, labels, suffix, count)
        partial.replace(labels_path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def read_picture(path: str | Path) -> NDArray[Any]:
    """Return a picture as a gray (M, N) or an RGB (M, N, 3) array; colour palettes and alpha become RGB."""
    try:
        with Image.open(path) as picture:
            if picture.mode in ("L", "I;16", "I;16B", "I", "F"):
                return np.asarray(picture)
            return np.asarray(picture.convert("RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise FileFormatError(
            path, f"an unreadable picture ({error})", "a picture such as PNG, JPEG or TIFF"
        ) from error


def _write_labels(path: Path, labels: NDArray[np.int32], suffix: str, count: int) -> None:
    if suffix == ".npy":
        with path.open("wb") as file:
            np.save(file, labels)
        return
    if suffix == ".png":
        if count > np.iinfo(np.uint16).max:
            raise ValueError(f"{count} regions do not fit into a 16-bit PNG; write .tif or .npy, or raise min_size")
        Image.fromarray(labels.astype(np.uint16)).save(path, format="PNG")
        return
    Image.fromarray(labels).save(path, format="TIFF", compression="tiff_adobe_deflate")
