"""Receptive field: which pixels of the input one output of a stack of layers sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from classicseg._validate import check_int


@dataclass(frozen=True)
class Layer:
    """One layer of a stack along one axis: a convolution, a pooling, or a transposed convolution.

    Parameters
    ----------
    kernel : int
        Values that it takes in; of bilinear upsampling by s, a transposed convolution of 2s - s % 2.
    stride : int
        Places from one output to the next; of a transposed convolution, the factor by which it enlarges.
    dilation : int
        Places from one value taken in to the next.
    padding : int
        Places added before the first; of a transposed convolution, outputs cut off there.
    transposed : bool
        True for a transposed convolution.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    transposed: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, low in (("kernel", 1), ("stride", 1), ("dilation", 1), ("padding", 0)):
            object.__setattr__(self, name, check_int(name, getattr(self, name), low=low))
        if not isinstance(self.transposed, bool):
            raise TypeError(f"transposed must be True or False, got {self.transposed!r}; name what follows the padding")
        if self.transposed and (self.kernel < self.stride or self.dilation > 1):
            raise ValueError(
                "a transposed layer must have a kernel of at least its stride, and dilation 1, got kernel "
                f"{self.kernel}, stride {self.stride} and dilation {self.dilation}; of others some outputs see nothing"
            )

    @property
    def reach(self) -> int:
        """Places from the first value taken in to the last, both included."""
        return self.dilation * (self.kernel - 1) + 1


@dataclass(frozen=True, eq=False)
class ReceptiveFieldResult:
    """What one output of a stack of layers sees, along one axis.

    Parameters
    ----------
    size : int
        Pixels of the input from the first to the last that it depends on; with transposed layers, of the output that
        sees most.
    stride : float
        Pixels of the input from one output to the next.
    period : int
        Pixels by which an image must be moved for its outputs to move with it, unchanged: `stride`, or with transposed
        layers the stride of the deepest layer.
    start : int
        First pixel that output 0 sees; negative where it sees padding.
    sizes : tuple of int
        The size after each layer.
    """

    size: int
    stride: float
    period: int
    start: int
    sizes: tuple[int, ...]


def receptive_field(layers: Sequence[Layer | tuple[int, ...] | int]) -> ReceptiveFieldResult:
    """Return how many pixels one output of a stack of layers depends on.

    Parameters
    ----------
    layers : sequence of Layer, of tuples or of int
        From the input on. A tuple is ``(kernel, stride, dilation, padding)``, of which the last may be left out, an
        integer a kernel. Branches are followed one at a time: the largest size is that of all.

    Returns
    -------
    ReceptiveFieldResult
        Size, stride and start along one axis.

    Raises
    ------
    ValueError, TypeError
        If a layer has a wrong value.

    Notes
    -----
    Plain 3 × 3 convolutions see 3, 5, 7, … pixels; dilated by 1, 2, 4, … they see 3, 7, 15, … A network
    gives a tile's pixels the values of the whole image where `size` - 1 pixels around it are seen too and the tile
    starts at a multiple of `period`. Source: A. Araujo,
    W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019,
    doi:10.23915/distill.00021; F. Yu and V. Koltun, "Multi-scale context aggregation by dilated convolutions",
    ICLR 2016, arXiv:1511.07122.

    Examples
    --------
    >>> receptive_field([3, 3, 3]).sizes
    (3, 5, 7)
    >>> receptive_field([(3, 1, 1), (3, 1, 2), (3, 1, 4)]).sizes
    (3, 7, 15)
    >>> receptive_field([(7, 2, 1, 3), (3, 2, 1, 1)]).start  # the first layers of a ResNet
    -5
    """
    stack = [_layer(i, layer) for i, layer in enumerate(_sequence(layers))]
    strides = [Fraction(1)]
    for layer in stack:
        strides.append(strides[-1] / layer.stride if layer.transposed else strides[-1] * layer.stride)
    depths = range(1, len(stack) + 1)
    sizes = tuple(_largest(stack[:n], _repeats(strides[: n + 1])) for n in depths)
    period = int(_repeats(strides) * strides[-1])
    return ReceptiveFieldResult(sizes[-1], float(strides[-1]), period, _seen(stack, 0)[0], sizes)


def _sequence(layers: object) -> Sequence[object]:
    if not isinstance(layers, Sequence) or isinstance(layers, str) or not layers:
        raise TypeError(f"layers must be a sequence of layers, not empty, got {layers!r}; one is given as [3]")
    return layers


def _layer(i: int, layer: object) -> Layer:
    """Return a layer given in any of its forms; an error says which one of the stack is wrong."""
    if isinstance(layer, Layer):
        return layer
    numbers = layer if isinstance(layer, (tuple, list)) else (layer,)
    if not 1 <= len(numbers) <= 4:
        raise ValueError(f"layers[{i}] must be a Layer or (kernel, stride, dilation, padding), got {layer!r}")
    try:
        return Layer(*numbers)
    except (TypeError, ValueError) as error:
        raise type(error)(f"layers[{i}]: {error}") from None


def _repeats(strides: list[Fraction]) -> int:
    """Return after how many outputs what they see repeats: when they have moved by whole places at every depth."""
    return lcm(*((stride / strides[-1]).numerator for stride in strides))


def _largest(stack: list[Layer], n_outputs: int) -> int:
    """Return the most pixels that one of the first outputs sees."""
    return max(high - low + 1 for low, high in (_seen(stack, output) for output in range(n_outputs)))


def _seen(stack: list[Layer], output: int) -> tuple[int, int]:
    """Return the first and last pixel that an output sees, going back through the layers."""
    low = high = output
    for layer in reversed(stack):
        if layer.transposed:  # input i writes outputs i * stride - padding + (0 to reach - 1)
            low = -((layer.reach - 1 - layer.padding - low) // layer.stride)
            high = (high + layer.padding) // layer.stride
        else:
            low = low * layer.stride - layer.padding
            high = high * layer.stride - layer.padding + layer.reach - 1
    return low, high
