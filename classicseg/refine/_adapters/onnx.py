"""ONNX files that answer per pixel."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._errors import FileFormatError
from classicseg._validate import check_choice
from classicseg.refine._adapters.dense import DenseOptions, DenseRefiner, Network, Output, check_dense, fixed_tiling
from classicseg.refine._adapters.onnx_file import FLOATS, OnnxFile, read_onnx
from classicseg.refine._refiner import Refiner

Backend = Literal["opencv", "onnxruntime"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)


def from_onnx(
    path: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    backend: Backend = "opencv",
    tile: int | tuple[int, int] | None = None,
    overlap: int | None = None,
    multiple: int = 32,
    normalize: str | tuple[ArrayLike, ArrayLike] | Callable[[NDArray[Any]], ArrayLike] | None = None,
    output: Output = "auto",
) -> Refiner:
    """Make a refiner of an ONNX file whose network answers an image with maps of classes.

    Parameters
    ----------
    path : str or path
        The file. Its one input is (1, C, rows, cols) of floats, its first output (1, K, rows, cols), or of rows and
        columns divided by a whole number, which are enlarged between the centers of their pixels.
    classes : sequence of str, optional
        Names of the K classes, in the network's order. Two names for a single map: that of the second one. Default:
        those in the file's metadata under "classes", separated by commas.
    backend : {"opencv", "onnxruntime"}, default "opencv"
        What runs it: OpenCV's dnn module, or ONNX Runtime where it is installed, which knows every operator and uses
        the devices that it was built for.
    tile : int or (int, int), optional
        Rows and columns of the tiles in which the image is run, at most, rounded up to `multiple`. Default: those of
        the file where it fixes them, else the whole image at once.
    overlap : int, optional
        How far a tile sees beyond what it answers for, on every side, in pixels. Tiles are blended there. With at
        least the receptive field of the network the answer does not depend on the tiles; less leaves smooth seams.
        Default: a quarter of the tile.
    multiple : int, default 32
        What the network needs rows and columns to be a multiple of: 2 to the power of how often it halves them. The
        image is continued at its lower and right edge by its mirror image.
    normalize : "imagenet", (mean, std), callable or None, optional
        How the image becomes the network's input, see `from_torch`.
    output : {"auto", "logits", "probabilities"}, default "auto"
        What the maps are, see `from_torch`.

    Returns
    -------
    Refiner
        A refiner of task "semantic" that answers per pixel; it can be pickled.

    Raises
    ------
    FileFormatError
        If the file cannot be read, is not ONNX, or holds what the backend cannot run.
    ValueError, TypeError
        If an argument has the wrong type or value, does not go with the file, or the network is of another form.
    ImportError
        If OpenCV or ONNX Runtime cannot be imported.

    See Also
    --------
    from_torch : A network that need not be exported.

    Notes
    -----
    OpenCV 5 reads what both exporters of PyTorch write, OpenCV 4 that of ``torch.onnx.export(..., dynamo=False)``,
    with names for rows and columns in its ``dynamic_axes``. Both give what PyTorch gives, to 1e-5.

    Class names travel with a file as its metadata: ``onnx.helper.set_model_props(model, {"classes": "ground,roof"})``.

    Examples
    --------
    >>> from classicseg.refine import from_onnx, refine_labels
    >>> refiner = from_onnx("roofs.onnx", classes=["ground", "roof"])  # doctest: +SKIP
    >>> refine_labels(image, labels, refiner).labels  # doctest: +SKIP
    """
    backend = check_choice("backend", backend, BACKENDS)
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be the path of a file, got {path!r} of type {type(path).__name__}")
    file = read_onnx(Path(path))
    names = _classes_in(file) if classes is None else classes
    options = check_dense(names, normalize=normalize, tile=tile, overlap=overlap, multiple=multiple, output=output)
    size = _check_file(file)
    if size is not None:
        options = _with_size(options, size, tile, overlap)
    return DenseRefiner(Path(path).name, OnnxNetwork(file, backend), options, files=(file.path,))


def _classes_in(file: OnnxFile) -> list[str]:
    if "classes" not in file.notes:
        raise ValueError(
            f'classes must be given, got None: {file.path} has no metadata "classes"; name them in the network\'s order'
        )
    return [name.strip() for name in file.notes["classes"].split(",")]


def _check_file(file: OnnxFile) -> tuple[int, int] | None:
    """Return the rows and columns that a network takes, None for any; refuse one of another form."""
    shown = ", ".join(f"{one.name} {_shown(one.shape)}" for one in file.inputs)
    if len(file.inputs) != 1 or not file.outputs:
        raise FileFormatError(file.path, f"the inputs {shown or 'none'}", "one input, an image, and an output")
    (given,) = file.inputs
    fits = len(given.shape) == 4 and given.shape[0] in (1, None) and given.element in FLOATS
    if not fits:
        kind = FLOATS.get(given.element, f"element type {given.element}")
        raise FileFormatError(file.path, f"the input {shown} of {kind}", "an input (1, C, rows, cols) of floats")
    rows, cols = given.shape[2:]
    side = rows or cols  # where one is fixed, the other may be as well
    return None if side is None else (rows or side, cols or side)


def _shown(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in shape)})"


def _with_size(options: DenseOptions, size: tuple[int, int], tile: object, overlap: int | None) -> DenseOptions:
    """Return the options with tiles of the size that a file fixes."""
    if tile is not None and (tuple(tile) if isinstance(tile, (tuple, list)) else (tile, tile)) != size:
        raise ValueError(f"tile must be that of the file, {size}, got {tile}; leave it out")
    return replace(options, tiling=fixed_tiling(size, overlap, options.tiling.multiple))


# --- Backends --------------------------------------------------------------------------------------------------


class OnnxNetwork:
    """A file as a function of NumPy arrays. It is pickled by what was read of it, and loaded again."""

    def __init__(self, file: OnnxFile, backend: Backend) -> None:
        self._given = (file, backend)
        self._channels = file.inputs[0].shape[1]
        self._run = _LOADERS[backend](file)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by what it was made of: what backends hold cannot be."""
        return (type(self), self._given)

    def __call__(self, tile: NDArray[np.float32]) -> NDArray[Any]:
        """Return the first output for one tile (1, C, rows, cols)."""
        if self._channels not in (tile.shape[1], None):  # OpenCV 5 runs on others without a word
            raise ValueError(
                f"the network takes {self._channels} channels, the image has {tile.shape[1]}; pass a function as "
                "normalize= that returns as many"
            )
        return self._run(tile)


def _load_opencv(file: OnnxFile) -> Network:
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            f"from_onnx needs OpenCV, which cannot be imported: {error}; install opencv-python, or "
            'opencv-python-headless on a machine without a display, or pass backend="onnxruntime"'
        ) from error
    try:
        net = cv2.dnn.readNetFromONNX(file.path)
    except cv2.error as error:
        raise FileFormatError(
            file.path,
            f"what OpenCV {cv2.__version__} cannot run: {_in_a_line(error)}",
            'operators that it knows, or backend="onnxruntime"',
        ) from error
    turn = Lock()  # a net belongs to one thread from its input to its output

    def run(tile: NDArray[np.float32]) -> NDArray[Any]:
        with turn:
            try:
                net.setInput(tile)
                return np.array(net.forward(file.outputs[0]))  # it may return memory of its own
            except cv2.error as error:
                raise _not_run(tile, error) from error

    return run


def _load_runtime(file: OnnxFile) -> Network:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f'backend="onnxruntime" needs ONNX Runtime, which cannot be imported: {error}; install onnxruntime, or '
            "onnxruntime-gpu for a CUDA device"
        ) from error
    try:
        session = onnxruntime.InferenceSession(file.path, providers=onnxruntime.get_available_providers())
    except Exception as error:  # its errors have no other base in common
        raise FileFormatError(
            file.path, f"what ONNX Runtime {onnxruntime.__version__} cannot run: {_in_a_line(error)}", "another export"
        ) from error
    (given,) = file.inputs
    dtype, names = FLOATS[given.element], list(file.outputs[:1])

    def run(tile: NDArray[np.float32]) -> NDArray[Any]:
        try:
            found: NDArray[Any] = session.run(names, {given.name: tile.astype(dtype, copy=False)})[0]
        except Exception as error:  # as above
            raise _not_run(tile, error) from error
        return found

    return run


_LOADERS: dict[Backend, Callable[[OnnxFile], Network]] = {"opencv": _load_opencv, "onnxruntime": _load_runtime}


def _not_run(tile: NDArray[np.float32], error: Exception) -> ValueError:
    return ValueError(
        f"the network cannot run on {tile.shape}: {_in_a_line(error)}; see that multiple= is what rows and "
        "columns must be a multiple of"
    )


def _in_a_line(error: Exception) -> str:
    """Return the message of a backend's error, which may go over several lines, as one."""
    text = str(getattr(error, "err", "") or error)
    return " ".join(text.split()).strip("> ")[:400]
