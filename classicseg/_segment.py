"""Segment an image, or an image file: the one-command form. Its method is k-means."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, UnidentifiedImageError

from classicseg._errors import FileFormatError
from classicseg._validate import check_choice, check_image, check_int
from classicseg.cluster import kmeans
from classicseg.features import pixel_features
from classicseg.regions import connected_regions, merge_small_regions
from classicseg.regions._merge import merge_equal_regions

Method = Literal["kmeans"]
METHODS: tuple[Method, ...] = ("kmeans",)
SUFFIXES = (".png", ".tif", ".tiff", ".npy")


def segment_image(
    image: ArrayLike, *, method: Method = "kmeans", n_clusters: int = 6, min_size: int = 64, rng: int = 0
) -> NDArray[np.int32]:
    """Split an image into connected regions of similar colour.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, 3)
        Gray or RGB image; float images range over 0 to 1. NaN in a float image is outside.
    method : {"kmeans"}, default "kmeans"
        k-means over colour and position, then connected regions.
    n_clusters : int, default 6
        Colours to tell apart; fewer where the image has fewer pixels.
    min_size : int, default 64
        Smaller regions, in pixels, are merged into the neighbour of nearest colour.
    rng : int, default 0
        Seed.

    Returns
    -------
    ndarray of int32, shape (M, N)
        Region labels, 1, 2, ... by first pixel; 0 outside. Neighbours of equal mean colour are one region.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel of `image` is finite.
    """
    array = check_image("image", image)
    if array.ndim == 3 and array.shape[2] != 3:
        raise ValueError(
            f"image must have shape (M, N) or (M, N, 3), got {array.shape}; "
            "leave out an alpha channel with image[..., :3]"
        )
    check_choice("method", method, METHODS)
    n_clusters = check_int("n_clusters", n_clusters, low=1)
    min_size = check_int("min_size", min_size, low=1)
    inside = np.asarray(np.isfinite(array.reshape(*array.shape[:2], -1)).all(axis=2))
    n_inside = int(np.count_nonzero(inside))
    if n_inside == 0:
        raise ValueError(f"image must have a pixel that is finite, got none of {inside.size}")
    mask = None if inside.all() else inside
    # Crossing the image counts as a fifth of the range of colour: enough to part far away regions of one colour.
    weights = {"xy": 0.2}
    features = pixel_features(array, "Ixy" if array.ndim == 2 else "RGBxy", channel_weights=weights, mask=mask)
    found = kmeans(features, min(n_clusters, n_inside), rng=rng)
    regions = merge_small_regions(connected_regions(found.labels), min_size, image=array)
    return merge_equal_regions(regions, array)  # k-means parts a large area of one colour by position


def segment_file(
    image_path: str | Path,
    labels_path: str | Path,
    *,
    method: Method = "kmeans",
    n_clusters: int = 6,
    min_size: int = 64,
    rng: int = 0,
) -> int:
    """Segment an image file and write its label image.

    Parameters
    ----------
    image_path : str or Path
        Any picture that Pillow reads.
    labels_path : str or Path
        ``.png`` (16 bit, up to 65,535 regions), ``.tif`` (32 bit) or ``.npy``.
    method, n_clusters, min_size, rng
        As in `segment_image`.

    Returns
    -------
    int
        Number of regions.

    Raises
    ------
    FileFormatError
        If the picture cannot be read.
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
    labels = segment_image(read_picture(image_path), method=method, n_clusters=n_clusters, min_size=min_size, rng=rng)
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
