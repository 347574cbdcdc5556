"""PyTorch modules that answer per pixel."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg.refine._adapters.dense import DenseRefiner, Output, check_dense
from classicseg.refine._refiner import Refiner

HELD = ("out", "logits")  # where torchvision and transformers put the scores of classes


def from_torch(
    module: Any,
    *,
    classes: Sequence[str],
    tile: int | tuple[int, int] | None = None,
    overlap: int | None = None,
    multiple: int = 32,
    device: str | None = None,
    normalize: str | tuple[ArrayLike, ArrayLike] | Callable[[NDArray[Any]], ArrayLike] | None = None,
    output: Output = "auto",
) -> Refiner:
    """Make a refiner of a PyTorch module that answers an image with maps of classes: an FCN, a U-Net and the like.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a batch of one, (1, C, rows, cols) of float32, and gives maps (1, K, rows, cols), or of rows and columns
        divided by a whole number, which are enlarged between the centers of their pixels. They may be held in a
        mapping as "out" or "logits", as by torchvision and transformers, or come first in a tuple. It runs as if in
        evaluation mode and without gradients, and is left in the mode that it was in.
    classes : sequence of str
        Names of the K classes, in the module's order. Two names for a single map: that of the second one.
    tile : int or (int, int), optional
        Rows and columns of the tiles in which the image is run, at most, rounded up to `multiple`. Default: the whole
        image at once. Tiles of 512 need little memory; larger ones repeat less work.
    overlap : int, optional
        How far a tile sees beyond what it answers for, on every side, in pixels. Tiles are blended there. With at
        least the receptive field of the module the answer does not depend on the tiles; less leaves smooth seams.
        Default: a quarter of the tile.
    multiple : int, default 32
        What the module needs rows and columns to be a multiple of: 2 to the power of how often it halves them, such
        as 32 for five times. The image is continued at its lower and right edge by its mirror image.
    device : str, optional
        Where to run, such as "cuda"; the module is moved there. Default: where its parameters are.
    normalize : "imagenet", (mean, std), callable or None, optional
        How the image becomes the module's input. None: integers over the range of their dtype, 0 to 1, floats as they
        are. (mean, std): that, less the mean and over the standard deviation of each channel; "imagenet" for those
        of ImageNet. A function is given the image and returns (M, N) or (M, N, C) itself: it can repeat gray as
        three channels, or take a temperature relative to the frame's.
    output : {"auto", "logits", "probabilities"}, default "auto"
        What the maps are. "auto": probabilities where they are not negative and sum to 1, else logits, which go
        through a softmax; a single map, whose sum tells nothing, needs "logits" or "probabilities".

    Returns
    -------
    Refiner
        A refiner of task "semantic" that answers per pixel.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value.
    ImportError
        If PyTorch cannot be imported.

    See Also
    --------
    from_onnx : The same module, exported, without PyTorch.
    receptive_field : How far a stack of layers sees.

    Notes
    -----
    Pixels outside the mask are seen as the nearest one inside. Tiles begin at multiples of `multiple`, so pooling falls
    on the same pixels in each. A module that looks at the whole image at once, by global pooling or attention, gives
    other answers in tiles than without.

    Source: J. Long, E. Shelhamer, T. Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
    doi:10.1109/CVPR.2015.7298965; O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical
    Image Segmentation", MICCAI 2015, doi:10.1007/978-3-319-24574-4_28, whose overlapping tiles these are.

    Examples
    --------
    >>> import torch  # doctest: +SKIP
    >>> from classicseg.refine import from_torch, refine_labels
    >>> net = torch.hub.load("pytorch/vision", "fcn_resnet50", weights="DEFAULT")  # doctest: +SKIP
    >>> refiner = from_torch(net, classes=VOC_NAMES, tile=512, overlap=128, normalize="imagenet")  # doctest: +SKIP
    """
    torch = import_torch("from_torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(
            f"module must be a torch.nn.Module, got {module!r} of type {type(module).__name__}; "
            "from_callable() takes functions"
        )
    options = check_dense(classes, normalize=normalize, tile=tile, overlap=overlap, multiple=multiple, output=output)
    return DenseRefiner(type(module).__name__, TorchNetwork(module, device), options)


class TorchNetwork:
    """A module as a function of NumPy arrays."""

    def __init__(self, module: Any, device: str | None) -> None:
        self._module = moved(module, device)

    def __call__(self, tile: NDArray[np.float32]) -> NDArray[Any]:
        """Return the maps (1, K, rows, cols) of one tile (1, C, rows, cols)."""
        import torch

        with evaluating(self._module), torch.inference_mode():
            answer = self._module(as_input(torch.from_numpy(tile), self._module))
        return to_numpy(tensor_in(answer))


def tensor_in(answer: Any) -> Any:
    """Return the tensor of scores of classes that a module's answer is or holds."""
    if isinstance(answer, Mapping):
        found = [answer[name] for name in HELD if name in answer]
        if not found:
            raise ValueError(
                f"answers must hold scores of classes as {' or '.join(map(repr, HELD))}, got "
                f"{', '.join(map(repr, answer))}; wrap the module in one that returns the tensor"
            )
        answer = found[0]
    elif isinstance(answer, (tuple, list)) and answer:
        answer = answer[0]
    if not hasattr(answer, "detach"):
        kind = type(answer).__name__
        raise ValueError(f"answers must be tensors, got {kind}; wrap the module in one that returns one")
    return answer


def is_module(function: object) -> bool:
    """Say whether this is a PyTorch module, which cannot exist before PyTorch was imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(function, torch.nn.Module)


def import_torch(function: str) -> Any:
    """Return PyTorch, or say what to install."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{function} needs PyTorch, which cannot be imported: {error}; install it with "
            "pip install 'classicseg[refine]', or for the CPU alone as https://pytorch.org/get-started tells"
        ) from error
    return torch


def moved(module: Any, device: str | None) -> Any:
    """Return a module on a device, or where it is."""
    if device is None:
        return module
    try:
        return module.to(device)
    except (RuntimeError, AssertionError) as error:  # what PyTorch raises for names and devices that it does not have
        told = " ".join(str(error).split())[:400]
        raise ValueError(f"device must be one that PyTorch can use here, got {device!r}: {told}") from error


def as_input(tensor: Any, module: Any) -> Any:
    """Return a tensor on the device of a module and in the floating dtype of its parameters."""
    own = next((part for part in (*module.parameters(), *module.buffers()) if part.is_floating_point()), None)
    return tensor if own is None else tensor.to(own.device, own.dtype)


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """Put a module and all its parts into evaluation mode, and each of them back."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def to_numpy(tensor: Any) -> NDArray[Any]:
    """Return a tensor of any device and dtype as an array."""
    held = tensor.detach().cpu()
    array: NDArray[Any] = (held.float() if held.is_floating_point() else held).numpy()  # NumPy has no bfloat16
    return array
