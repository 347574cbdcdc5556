"""Segment Anything as `transformers` has it, asked by prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.refine._adapters.planes import IMAGENET
from classicseg.refine._adapters.promptable import PromptPredictor
from classicseg.refine._adapters.prompts import low_shape
from classicseg.refine._adapters.torch import evaluating, import_torch, moved, to_numpy


def sam_predictor(model: Any, *, device: str | None = None) -> PromptPredictor:
    """Make a predictor for `from_promptable` of a Segment Anything model of `transformers`.

    Parameters
    ----------
    model : transformers.SamModel
        With its weights, for example of ``SamModel.from_pretrained("facebook/sam-vit-base")``; it runs as if in
        evaluation mode, and is left in the mode that it was in.
    device : str, optional
        Where to run, such as "cuda"; the model is moved there. Default: where its parameters are.

    Returns
    -------
    PromptPredictor
        Holds one image and answers prompts about it; one per thread.

    Raises
    ------
    TypeError
        If `model` has another interface.
    ValueError
        If PyTorch cannot use `device` here.
    ImportError
        If PyTorch cannot be imported.

    See Also
    --------
    from_promptable : Make a refiner of it.

    Notes
    -----
    An image is enlarged or made smaller until its longer side is the model's, 1024 pixels, and padded at its lower
    and right edge: `transformers.SamImageProcessor` does the same, with the filter of another library.

    Examples
    --------
    >>> from transformers import SamModel  # doctest: +SKIP
    >>> predictor = sam_predictor(SamModel.from_pretrained("facebook/sam-vit-base"))  # doctest: +SKIP
    """
    import_torch("sam_predictor")
    if not callable(getattr(model, "get_image_embeddings", None)) or not hasattr(model, "prompt_encoder"):
        raise TypeError(
            f"model must be a SamModel of transformers, got {type(model).__name__}; "
            "predictors of other packages go to from_promptable() as they are"
        )
    return TransformersSam(moved(model, device))


class TransformersSam:
    """A model, and the image that it is asked about."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.side: int = model.config.vision_config.image_size
        self.mask_size: int = 4 * model.config.prompt_encoder_config.image_embedding_size
        self._embeddings: Any = None
        self._shape = (0, 0)  # of the image
        self._inner = (0, 0)  # of what it was brought to, before padding

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Compute what the model sees in an image (M, N, 3)."""
        import torch

        self._shape = (image.shape[0], image.shape[1])
        self._inner = low_shape(self._shape, self.side, "pad")
        planes = torch.tensor(image).permute(2, 0, 1)[None].float()
        planes = _resized(planes, self._inner, antialias=True).round().clamp(0, 255) / 255
        mean, deviation = (torch.tensor(part)[:, None, None] for part in IMAGENET)
        below, right = (self.side - length for length in self._inner)
        pixels = torch.nn.functional.pad((planes - mean) / deviation, (0, right, 0, below))
        with evaluating(self.model), torch.inference_mode():
            self._embeddings = self.model.get_image_embeddings(pixels.to(self.model.device, self.model.dtype))

    def predict(
        self,
        *,
        point_coords: NDArray[np.float32] | None = None,
        point_labels: NDArray[np.int64] | None = None,
        box: NDArray[np.float32] | None = None,
        mask_input: NDArray[np.float32] | None = None,
        multimask_output: bool = True,
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]:
        """Return the masks (c, M, N) that a prompt may mean, their scores, and their logits of low resolution."""
        import torch

        given = {
            "input_points": None if point_coords is None else self._placed(point_coords)[None, None],
            "input_labels": None if point_labels is None else torch.tensor(point_labels)[None, None],
            "input_boxes": None if box is None else self._placed(box.reshape(2, 2)).reshape(1, 1, 4),
            "input_masks": None if mask_input is None else torch.tensor(mask_input)[None].to(self.model.dtype),
        }
        on_device = {name: part.to(self.model.device) for name, part in given.items() if part is not None}
        with evaluating(self.model), torch.inference_mode():
            answer = self.model(image_embeddings=self._embeddings, multimask_output=multimask_output, **on_device)
            logits, scores = answer.pred_masks[0, 0].float(), answer.iou_scores[0, 0]
            square = _resized(logits[None], (self.side, self.side))
            masks = _resized(square[..., : self._inner[0], : self._inner[1]], self._shape)[0] > 0
        return to_numpy(masks), to_numpy(scores), to_numpy(logits)

    def _placed(self, places: NDArray[np.float32]) -> Any:
        """Return x and y in pixels of the image as those of the model's."""
        import torch

        scale = np.array(self._inner[::-1]) / np.array(self._shape[::-1])
        return torch.tensor(places * scale).to(self.model.dtype)


def _resized(planes: Any, shape: tuple[int, int], *, antialias: bool = False) -> Any:
    import torch

    return torch.nn.functional.interpolate(planes, shape, mode="bilinear", align_corners=False, antialias=antialias)
