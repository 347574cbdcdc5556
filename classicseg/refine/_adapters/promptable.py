"""Segmenters that are asked by prompts: Segment Anything and its kin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_choice, check_float, check_int, check_numbers
from classicseg.metrics import decode_rle, encode_rle, non_maximum_suppression
from classicseg.refine._adapters.picture import Picture, check_picture, picture_of
from classicseg.refine._adapters.prompts import FITS, Fit, Prompt, low_mask, prompts_of, stability
from classicseg.refine._errors import RefinerError, kind_of
from classicseg.refine._refiner import Named, Refiner, check_classes
from classicseg.refine._results import InstanceResult, Task
from classicseg.refine._table import RegionTable

Part = Literal["medoid", "neighbours", "box", "mask"]
PARTS: tuple[Part, ...] = get_args(Part)
MASK_SIZE = 256  # rows and columns of the masks that Segment Anything takes and gives


@runtime_checkable
class PromptPredictor(Protocol):
    """What `from_promptable` asks: an image once, then as many prompts as there are.

    The predictors of Segment Anything have these methods: `segment_anything.SamPredictor`,
    `sam2.sam2_image_predictor.SAM2ImagePredictor`, and what `sam_predictor` makes of a model of `transformers`. An
    attribute ``mask_size`` says the rows and columns of the masks that it takes, 256 without it.
    """

    def set_image(self, image: NDArray[np.uint8]) -> object:
        """Take the image that the prompts are about.

        Parameters
        ----------
        image : ndarray of uint8, shape (M, N, 3)
            RGB.
        """
        ...

    def predict(
        self,
        *,
        point_coords: NDArray[np.float32] | None,
        point_labels: NDArray[np.int64] | None,
        box: NDArray[np.float32] | None,
        mask_input: NDArray[np.float32] | None,
        multimask_output: bool,
    ) -> tuple[Any, Any, Any]:
        """Return the masks that a prompt may mean.

        Parameters
        ----------
        point_coords : ndarray of float32, shape (p, 2), or None
            Columns and rows of points: their x and y in pixels of the image.
        point_labels : ndarray of int64, shape (p,), or None
            1 for points of the object, 0 for points beside it.
        box : ndarray of float32, shape (4,), or None
            Column and row of the object's first pixels and of its last: x and y.
        mask_input : ndarray of float32, shape (1, mask_size, mask_size), or None
            Logits of a first guess.
        multimask_output : bool
            Whether several masks may be answered.

        Returns
        -------
        masks : array, shape (c, M, N)
            Where the objects are, bool.
        scores : array, shape (c,)
            How good the predictor thinks they are.
        logits : array, shape (c, mask_size, mask_size)
            The masks before they were enlarged and cut at 0.
        """
        ...


@dataclass(frozen=True)
class PromptOptions:
    """What is asked, and which answers are kept."""

    parts: tuple[Part, ...]
    n_prompts: int
    n_negatives: int
    min_score: float
    min_stability: float
    max_iou: float
    fit: Fit


def from_promptable(
    predictor: PromptPredictor,
    *,
    classes: Sequence[str] = ("object",),
    prompt: Sequence[Part] = PARTS,
    n_prompts: int = 64,
    n_negatives: int = 4,
    min_score: float = 0.88,
    min_stability: float = 0.95,
    max_iou: float = 0.7,
    picture: Callable[[NDArray[Any]], ArrayLike] | None = None,
    fit: Fit = "pad",
) -> Refiner:
    """Make a refiner of a segmenter that is asked by prompts, such as Segment Anything; regions are the prompts.

    Parameters
    ----------
    predictor : PromptPredictor
        Takes an image once and answers prompts about it: a predictor of Segment Anything, or `sam_predictor` of a
        model of `transformers`.
    classes : sequence of str, default ("object",)
        The name that objects go by: one, since prompts tell no classes apart.
    prompt : sequence of {"medoid", "neighbours", "box", "mask"}, default all
        What of a region is told: its medoid as a point of the object; medoids of neighbours as points beside it; its
        box; its pixels as a first guess of low resolution. ("medoid",) leaves open how much around it is meant,
        which suits regions that are parts; the box and the mask hold the answer to the region.
    n_prompts : int, default 64
        How many prompts an image gives at most: of more regions, neighbours are merged by Ward's linkage until so
        many are left. As many as there are objects, and some, are enough; time grows with them. Regions that do not
        touch are never merged: an image of more separate parts than this gives a prompt for each.
    n_negatives : int, default 4
        How many neighbours are told, those with the longest border first. Fewer where objects consist of several
        regions.
    min_score : float, default 0.88
        The predictor's own score, its estimate of the intersection over union, from which a mask is kept.
    min_stability : float, default 0.95
        Intersection over union of the masks cut at logits of 1 and -1 from which a mask is kept.
    max_iou : float, default 0.7
        Of masks that overlap by a larger intersection over union only the one with the best score is kept.
    picture : callable, optional
        Is given the image and returns RGB of uint8, shape (M, N, 3), for the predictor. Default: RGB and 8-bit gray
        as they are, floats of 0 to 1 and 16 bits brought to 8; temperatures and counts stretched between their 1st
        and 99th percentile.
    fit : {"pad", "stretch"}, default "pad"
        How the predictor makes images square, which masks of low resolution follow: "pad" as Segment Anything does,
        "stretch" as Segment Anything 2.

    Returns
    -------
    Refiner
        A refiner of task "instances": masks by descending score.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value.

    See Also
    --------
    sam_predictor : A model of `transformers` as such a predictor.
    from_detector : Detectors, which need no prompts.

    Notes
    -----
    Every prompt may mean several things, a part or the whole. The predictor is asked for all of them, and the masks
    of all prompts are kept by score and stability, and thinned by non-maximum suppression. Source: A. Kirillov et al.,
    "Segment Anything", ICCV 2023, doi:10.1109/ICCV51070.2023.00371, whose defaults for whole images these are.

    Examples
    --------
    >>> from transformers import SamModel  # doctest: +SKIP
    >>> from classicseg.refine import from_promptable, refine_labels, sam_predictor
    >>> predictor = sam_predictor(SamModel.from_pretrained("facebook/sam-vit-base"))  # doctest: +SKIP
    >>> found = refine_labels(image, labels, from_promptable(predictor))  # doctest: +SKIP
    """
    missing = [name for name in ("set_image", "predict") if not callable(getattr(predictor, name, None))]
    if missing:
        raise TypeError(
            f"predictor must have the methods set_image and predict, got {type(predictor).__name__} without "
            f"{' and '.join(missing)}; sam_predictor() makes one of a model of transformers"
        )
    names = check_classes("classes", classes)
    if len(names) != 1:
        raise ValueError(f"classes must name one class, since prompts tell none apart, got {', '.join(names)}")
    options = PromptOptions(
        _check_parts(prompt),
        check_int("n_prompts", n_prompts, low=1),
        check_int("n_negatives", n_negatives, low=0),
        check_float("min_score", min_score, low=0, high=1),
        check_float("min_stability", min_stability, low=0, high=1),
        check_float("max_iou", max_iou, low=0, high=1),
        check_choice("fit", fit, FITS),
    )
    return PromptRefiner(predictor, names, options, check_picture(picture))


def _check_parts(prompt: object) -> tuple[Part, ...]:
    if isinstance(prompt, str) or not isinstance(prompt, Sequence):
        raise TypeError(f"prompt must be a sequence of words, got {prompt!r}; put it in a tuple, as in ('medoid',)")
    chosen = {check_choice("prompt", part, PARTS) for part in prompt}
    if not chosen - {"neighbours"}:
        raise ValueError(f"prompt must tell where the object is, by medoid, box or mask, got {tuple(prompt)}")
    return tuple(part for part in PARTS if part in chosen)


class PromptRefiner(Named):
    """A predictor as a refiner."""

    task: Task = "instances"

    def __init__(
        self, predictor: PromptPredictor, classes: tuple[str, ...], options: PromptOptions, picture: Picture | None
    ) -> None:
        self.name = type(predictor).__name__
        self.classes = classes
        self._predictor = predictor
        self._options = options
        self._picture = picture

    def refine(self, regions: RegionTable) -> InstanceResult:
        """Return the objects that the regions are found to belong to, by descending score."""
        options, shape = self._options, regions.labels.shape
        self._predictor.set_image(picture_of(regions, self._picture))
        masks: list[dict[str, Any]] = []  # as runs: those of a large image would not fit into memory
        scores: list[float] = []
        for prompt in prompts_of(regions, options.n_prompts, options.n_negatives):
            for mask, score in self._answers(prompt, shape):
                if (kept := mask & regions.mask).any():
                    masks += encode_rle(kept[None])
                    scores.append(score)
        best = non_maximum_suppression(masks, scores, max_iou=options.max_iou).tolist() if masks else []
        stack = decode_rle([masks[i] for i in best]) if best else np.empty((0, *shape), bool)
        categories = np.zeros(len(best), np.int64)
        return InstanceResult(stack, np.array([scores[i] for i in best], np.float32), categories)

    def _answers(self, prompt: Prompt, shape: tuple[int, ...]) -> Iterator[tuple[NDArray[np.bool_], float]]:
        """Yield the masks (M, N) that a prompt may mean, and their scores."""
        given = self._predictor.predict(**self._asked(prompt), multimask_output=True)
        try:
            masks, scores, logits = _check_answer(given, shape)
        except (ValueError, TypeError) as error:
            raise RefinerError(self.name, str(error)) from error
        sure = stability(logits, shape, self._options.fit) >= self._options.min_stability
        for i in np.flatnonzero(sure & (scores >= self._options.min_score)):
            yield masks[i], float(scores[i])

    def _asked(self, prompt: Prompt) -> dict[str, Any]:
        """Return the parts of a prompt that are to be told, by the names of Segment Anything; None for others."""
        parts = self._options.parts
        told = ["medoid" in parts, *["neighbours" in parts] * (len(prompt.points) - 1)]
        size = check_int("predictor.mask_size", getattr(self._predictor, "mask_size", MASK_SIZE), low=1)
        return {
            "point_coords": prompt.points[told] if any(told) else None,
            "point_labels": prompt.point_labels[told] if any(told) else None,
            "box": prompt.box if "box" in parts else None,
            "mask_input": low_mask(prompt.mask, size, self._options.fit) if "mask" in parts else None,
        }


def _check_answer(
    answer: Any, shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float32]]:
    """Return masks (c, M, N), scores (c,) and logits (c, h, w) of a predictor."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        raise TypeError(f"predict must return (masks, scores, logits), got {kind_of(answer)}")
    masks, scores, logits = (np.asarray(part) for part in answer)
    if masks.ndim != 3 or masks.shape[1:] != shape:
        raise ValueError(f"masks must have the image's shape, (c, {shape[0]}, {shape[1]}), got {masks.shape}")
    if scores.shape != masks.shape[:1] or logits.ndim != 3 or len(logits) != len(masks):
        raise ValueError(
            f"scores and logits must be as many as masks, {len(masks)}, got shapes {scores.shape} and {logits.shape}"
        )
    scores, logits = check_numbers("scores", scores), check_numbers("logits", logits)
    if not (np.isfinite(scores).all() and np.isfinite(logits).all()):
        raise ValueError("scores and logits must be finite, got NaN or infinite values; look for overflow")
    return masks > 0, scores.astype(np.float64).clip(0, 1), logits.astype(np.float32, copy=False)
