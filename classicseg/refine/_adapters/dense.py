"""Networks that answer an image with a map of every class: the image on its way in, in tiles, and the maps back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from classicseg._validate import check_choice, check_int
from classicseg.refine._adapters.planes import Normalize, check_normalize, planes_of
from classicseg.refine._errors import RefinerError
from classicseg.refine._refiner import Named, check_classes
from classicseg.refine._results import SemanticResult, Task
from classicseg.refine._scores import are_probabilities, sigmoid, softmax
from classicseg.refine._table import RegionTable

Output = Literal["auto", "logits", "probabilities"]
OUTPUTS: tuple[Output, ...] = get_args(Output)

# One tile in, (1, C, rows, cols) float32; its maps out, (1, K, rows, cols), or smaller by a whole number.
Network = Callable[[NDArray[np.float32]], NDArray[Any]]


@dataclass(frozen=True)
class Tiling:
    """How an image is cut for a network."""

    tile: tuple[int, int] | None  # rows and columns of each at most; None: the whole image at once
    overlap: int  # pixels that a tile sees beyond what it answers for, on every side
    multiple: int  # of which corners are multiples, so that pooling falls on the same pixels whatever the tiles
    fixed: bool = False  # whether the network takes nothing but tiles of this size


@dataclass(frozen=True)
class DenseOptions:
    """What all networks of this kind are told, checked."""

    classes: tuple[str, ...]
    normalize: Normalize
    tiling: Tiling
    output: Output


class DenseRefiner(Named):
    """A refiner around a network that answers with a map of every class."""

    task: Task = "semantic"

    def __init__(self, name: str, network: Network, options: DenseOptions, files: tuple[str, ...] = ()) -> None:
        self.name = name
        self.classes = options.classes
        self.files = files
        self._network = network
        self._options = options

    def refine(self, regions: RegionTable) -> SemanticResult:
        """Return the probability of each class in every pixel (M, N, K)."""
        planes = planes_of(regions, self._options.normalize)
        return SemanticResult(tiled(planes, self._probabilities, len(self.classes), self._options.tiling))

    def _probabilities(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities (rows, cols, K) of one tile (1, C, rows, cols)."""
        try:
            maps = _check_maps(np.asarray(self._network(tile)), tile.shape, len(self.classes))
            return class_probabilities(maps, tile.shape[2:], len(self.classes), self._options.output)
        except ValueError as error:
            raise RefinerError(self.name, str(error)) from error


def check_dense(
    classes: object, *, normalize: object, tile: object, overlap: object, multiple: object, output: object
) -> DenseOptions:
    """Return the options that all networks of this kind share, checked."""
    return DenseOptions(
        check_classes("classes", classes),
        check_normalize(normalize),
        check_tiling(tile, overlap, multiple),
        check_choice("output", output, OUTPUTS),
    )


def check_tiling(tile: object, overlap: object, multiple: object) -> Tiling:
    """Return how images are cut; tiles grow to the next multiple."""
    multiple = check_int("multiple", multiple, low=1)
    if overlap is not None:
        overlap = check_int("overlap", overlap, low=0)
    if tile is None:
        return Tiling(None, 0, multiple)
    sides = tile if isinstance(tile, (tuple, list)) else (tile, tile)
    if len(sides) != 2:
        raise ValueError(f"tile must be one side or (rows, cols), got {tile!r}")
    rows, cols = (_up(check_int("tile", side, low=1), multiple) for side in sides)
    return Tiling((rows, cols), _overlap((rows, cols), overlap, multiple), multiple)


def fixed_tiling(tile: tuple[int, int], overlap: int | None, multiple: int) -> Tiling:
    """Return tiles of exactly this size, for a network that takes no other."""
    if min(tile) < multiple:  # so it halves them less often
        multiple = math.gcd(multiple, *tile)
    return Tiling(tile, _overlap(tile, overlap, multiple), multiple, fixed=True)


def _overlap(tile: tuple[int, int], overlap: int | None, multiple: int) -> int:
    """Return how far tiles overlap: by default a quarter of them."""
    least = min(tile)
    most = max(least - multiple, 0) // 2
    if overlap is None:
        overlap = min(least // 4, most)
    if overlap > most:
        raise ValueError(
            f"overlap must be at most {most}, half of what tiles of {tile[0]} by {tile[1]} are larger than multiple="
            f"{multiple}, got {overlap}; take larger tiles"
        )
    return overlap


def _up(length: int, multiple: int) -> int:
    return math.ceil(length / multiple) * multiple


# --- Tiles -----------------------------------------------------------------------------------------------------


def tiled(
    planes: NDArray[np.float32],
    function: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    n_classes: int,
    tiling: Tiling,
) -> NDArray[np.float32]:
    """Return what `function` makes of planes (M, N, C), tile by tile, as (M, N, K).

    Tiles are blended where they overlap. Within half of the overlap of its border a tile counts for nothing, so a
    network that sees no further gives the same whatever the tiles; one that sees further leaves no seams.
    """
    shape = planes.shape[:2]
    sides = tiling.tile or (None, None)
    (down, row_weights), (across, col_weights) = (_spans(*axis, tiling) for axis in zip(shape, sides))
    padding = [(0, spans[-1].stop - length) for spans, length in zip((down, across), shape)]
    # Beyond the image lies its mirror image, the same for all tiles.
    padded = np.pad(planes, [*padding, (0, 0)], mode="reflect") if any(map(any, padding)) else planes
    out = np.zeros((*shape, n_classes), np.float32)
    for rows, of_rows in zip(down, row_weights):
        for cols, of_cols in zip(across, col_weights):
            tile = np.array(padded[rows, cols].transpose(2, 0, 1)[None], order="C")  # a network may write into its own
            weight = of_rows[:, None, None] * of_cols[:, None]
            inside = out[rows, cols]  # less than the tile at the lower and the right edge
            inside += (function(tile) * weight)[: inside.shape[0], : inside.shape[1]]
    return out


def _spans(length: int, side: int | None, tiling: Tiling) -> tuple[list[slice], list[NDArray[np.float32]]]:
    """Return where tiles begin and end along an axis, and the weights of their pixels.

    From the border of a tile inwards the weights are 0 for half of the overlap, then rise to 1 over as many pixels as
    the overlap has; at the image's border they are 1. Those of all tiles that cover a pixel add up to 1.
    """
    overlap, multiple = tiling.overlap, tiling.multiple
    side = _side(length, side, tiling)
    end = side + _up(max(length - side, 0), multiple)
    step = max((side - 2 * overlap) // multiple * multiple, multiple)
    starts = [*range(0, end - side, step), end - side]
    depth = np.arange(side, dtype=np.float32) + np.float32(0.5)
    rise = np.clip((depth - overlap / 2) / overlap, 0, 1) if overlap else np.ones_like(depth)
    weights = np.zeros((len(starts), end), np.float32)
    for start, weight in zip(starts, weights):
        from_left = rise if start else np.ones_like(rise)
        from_right = rise[::-1] if start + side < end else np.ones_like(rise)
        weight[start : start + side] = np.minimum(from_left, from_right)
    weights /= weights.sum(axis=0)
    spans = [slice(start, start + side) for start in starts]
    return spans, [weight[span] for weight, span in zip(weights, spans)]


def _side(length: int, side: int | None, tiling: Tiling) -> int:
    """Return how long tiles are along an axis: no longer than as many of them need to cover it."""
    if side is None:
        return _up(length, tiling.multiple)
    if tiling.fixed:
        return side
    shared = _up(2 * tiling.overlap, tiling.multiple)  # by two tiles, since they begin at multiples
    n_tiles = max(math.ceil((length - shared) / (side - shared)), 1)
    return _up(math.ceil((length - shared) / n_tiles) + shared, tiling.multiple)


# --- Maps ------------------------------------------------------------------------------------------------------


def _check_maps(maps: NDArray[Any], tile: tuple[int, ...], n_classes: int) -> NDArray[np.float32]:
    """Return the maps of one tile as (rows, cols, K) float32."""
    whole = maps.ndim == 4 and len(maps) == 1 and maps.size > 0
    if not whole or any(size % part for part, size in zip(maps.shape[2:], tile[2:])):
        raise ValueError(
            f"answers must have shape (1, K, {tile[2]}, {tile[3]}) for a tile of shape {tile}, or rows and columns "
            f"divided by a whole number; got {maps.shape}; see that multiple= is what rows and columns must be a "
            "multiple of"
        )
    if maps.shape[1] != n_classes and (maps.shape[1], n_classes) != (1, 2):
        raise ValueError(
            f"answers must have one map per class, {n_classes}, got {maps.shape[1]}; name every class in the "
            "network's order, background too"
        )
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, which is told below
        maps = maps.astype(np.float32, copy=False)
    finite = np.isfinite(maps)
    if not finite.all():
        raise ValueError(
            f"answers must be finite, got {int(maps.size - finite.sum())} NaN or infinite values; see that the image "
            "is in the unit that the network was trained on (normalize=), and look for overflow"
        )
    by_pixel: NDArray[np.float32] = maps[0].transpose(1, 2, 0)
    return by_pixel


def class_probabilities(
    maps: NDArray[np.float32], shape: tuple[int, ...], n_classes: int, output: Output
) -> NDArray[np.float32]:
    """Return the probability of each class (M, N, K) of maps (m, n, K), which `shape` (M, N) is a multiple of.

    With "auto", maps that are not negative and add up to 1 are probabilities already, others are logits. One map for
    two classes is that of the second.
    """
    single = maps.shape[2] < n_classes
    if single and output == "auto":
        raise ValueError(
            'output must be "logits" or "probabilities" where one score tells two classes apart, got "auto"; it is '
            '"probabilities" if the network ends in a sigmoid'
        )
    given = output == "probabilities" or (output == "auto" and are_probabilities(maps, axis=2))
    full = _enlarged(maps, shape)
    if single:
        second = full if given else sigmoid(full)
        return np.concatenate([1 - second, second], axis=2)
    return full if given else softmax(full, axis=2)


def _enlarged(maps: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return maps (m, n, K) with the rows and columns of `shape`, bilinear between the centers of their pixels."""
    scale = (shape[0] // maps.shape[0], shape[1] // maps.shape[1])
    if scale == (1, 1):
        return maps
    from classicseg.refine._maps.upsample import upsample

    return np.asarray(upsample(maps, scale, method="bilinear"), np.float32)
