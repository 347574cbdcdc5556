"""Bad and odd forms of an array or a mask, and what the checkers of arguments say about them.

A table says for every form of `FORMS` whether the result equals that on a clean copy (`SAME`), which error is
raised (type and whole message; ``{name}`` stands for the argument), or what else holds (a function that asserts
it). The tables of the algorithms are in `bad_input_subjects`.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SAME = "same as on a clean copy"


@dataclass(frozen=True)
class Refused:
    error: type[Exception]
    message: str


# --- Forms of an array argument -------------------------------------------------------------------------------


def with_one(array, value):
    changed = np.array(array, np.float64)
    changed[(1,) * array.ndim] = value
    return changed


def spaced(array):
    """Every second element of a larger array along each axis."""
    wide = np.zeros([2 * side for side in array.shape], array.dtype)
    view = wide[(slice(None, None, 2),) * array.ndim]
    view[...] = array
    return view


def backwards(array):
    return np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]


def read_only(array):
    locked = array.copy()
    locked.setflags(write=False)
    return locked


def memory_mapped(array):
    """A read-only map of a file; the file is gone from its folder at once, the map stays."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "array.npy", array)
        return np.load(Path(folder) / "array.npy", mmap_mode="r")


def big_endian(array):
    wide = array.astype(np.uint16) if array.dtype == np.uint8 else array
    return wide.astype(wide.dtype.newbyteorder(">"))


class Torch:
    """An array of another library, which gives its memory through DLPack."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


STORED: dict[str, Callable[[Any], Any]] = {  # other ways to hold the same values: never another result
    "strided": spaced,
    "negative strides": backwards,
    "Fortran order": np.asfortranarray,
    "read-only": read_only,
    "memory-mapped": memory_mapped,
    "big-endian": big_endian,
    "list": lambda array: array.tolist(),
    "subclass": lambda array: array.view(np.memmap),
    "DLPack": Torch,
}
FORMS: dict[str, Callable[[Any], Any]] = {
    **STORED,
    "no rows": lambda array: array[:0],
    "no columns": lambda array: array[:, :0],
    "0-d": lambda array: array[(0,) * array.ndim],
    "1-d": lambda array: array.ravel(),
    "5-d": lambda array: array.reshape((1,) * (5 - array.ndim) + array.shape),
    "1×1": lambda array: array[:1, :1],
    "constant": lambda array: np.full_like(array, 7),
    "NaN": lambda array: with_one(array, np.nan),
    "inf": lambda array: with_one(array, np.inf),
    "-inf": lambda array: with_one(array, -np.inf),
    "float16": lambda array: array.astype(np.float16),
    "float64": lambda array: array.astype(np.float64),
    "long double": lambda array: array.astype(np.longdouble),
    "int64": lambda array: array.astype(np.int64),
    "uint64": lambda array: array.astype(np.uint64),
    "1e36": lambda array: array.astype(np.float32) * np.float32(1e36),
    "1e300": lambda array: array.astype(np.float64) * 1e300,
    "bool": lambda array: array > np.mean(array),
    "complex": lambda array: array.astype(np.complex64),
    "object": lambda array: array.astype(object),
    "strings": lambda array: array.astype("U4"),
    "dates": lambda array: array.astype("M8[s]"),
    "records": lambda array: np.zeros(array.shape, [("a", "u1")]),
    "masked array": lambda array: np.ma.masked_array(array, np.zeros(array.shape, bool)),
    "ragged list": lambda array: [[1, 2], [3]],
    "None": lambda array: None,
    "path": lambda array: Path("frame.tif"),
    "dict": lambda array: {},
}


def plain(form):
    """Return the clean copy: contiguous, writable, of the nearest dtype that NumPy and the kernels both have."""
    array = np.from_dlpack(form) if isinstance(form, Torch) else np.asarray(form)
    dtype = {np.dtype(np.float16): np.float32, np.dtype(np.longdouble): np.float64}.get(array.dtype, array.dtype)
    return np.array(array, np.dtype(dtype).newbyteorder("="), order="C")


# --- Forms of a mask; `image` is the clean array of the subject ------------------------------------------------


def some(image):
    inside = np.ones(image.shape[:2], bool)
    inside[2:4, 3:6] = False
    return inside


MASKS: dict[str, Callable[[Any], Any]] = {
    "all True": lambda image: np.ones(image.shape[:2], bool),
    "list": lambda image: some(image).tolist(),
    "0 and 1": lambda image: some(image).astype(np.int64),
    "0 and 255": lambda image: some(image).astype(np.uint8) * 255,
    "strided": lambda image: spaced(some(image)),
    "read-only": lambda image: read_only(some(image)),
    "all False": lambda image: np.zeros(image.shape[:2], bool),
    "wrong shape": lambda image: np.ones((3, 2), bool),
    "0-d": lambda image: np.True_,
    "float": lambda image: some(image).astype(np.float32),
    "strings": lambda image: some(image).astype("U5"),
    "path": lambda image: "mask.png",
}


def asked(mask):
    """Return the clean copy of a mask."""
    return np.array(mask) != 0


# --- What the checkers of arguments say, each message whole ----------------------------------------------------

NO_ARRAYS = {
    "masked array": Refused(
        TypeError,
        "{name} must be a plain array, got a masked array; pass {name}.data, and mask=~np.ma.getmaskarray({name}) "
        "where there is a mask argument",
    ),
    "ragged list": Refused(
        ValueError,
        "{name} must be a regular array, got a sequence whose parts differ in length; make them equally long",
    ),
    "None": Refused(TypeError, "{name} must be an array of numbers, got None of type NoneType"),
    "path": Refused(TypeError, "{name} must be an array, got the text 'frame.tif'; read the file into an array first"),
    "dict": Refused(TypeError, "{name} must be an array of numbers, got {{}} of type dict"),
}
NO_NUMBERS = {
    kind: Refused(TypeError, f"{{name}} must be of an integer or floating dtype, got {dtype}; {way_out}")
    for kind, dtype, way_out in (
        ("bool", "bool", "convert it with .astype('uint8')"),
        ("complex", "complex64", "take the part you need, for example np.abs() or .real"),
        ("object", "object", "convert it, for example with .astype('float32')"),
        ("strings", "<U4", "pass numbers"),
        ("dates", "datetime64[s]", "pass numbers"),
        ("records", "[('a', 'u1')]", "pass numbers"),
    )
}
NUMBERS = dict.fromkeys(("float16", "float64", "long double", "int64", "uint64"), SAME)
INFINITE = "{name} must be finite, got 1 NaN or infinite values; mark such samples False in mask"


def refused(message: str, *forms: str) -> dict[str, Refused]:
    return {form: Refused(ValueError, message) for form in forms}


def too_large(largest: str, way_out: str = "mark such samples False in mask") -> dict[str, Refused]:
    message = f"{{name}} must lie within the range of float32, ±3.4e38, got values up to {largest}; {way_out}"
    return refused(f"{message}, or divide by a constant", "1e300")


BATCHES = "(M, N), (M, N, C) or (B, M, N, C)"


def image_table(shape, axes="(M, N) or (M, N, C)"):
    """What `check_image` says about an image of this shape."""
    rows, cols, *channels = shape
    empty = "{{name}} must not be empty, got shape {}"
    axes_of = f"{{name}} must have shape {axes}, got {{}}; pass one image at a time"
    five = (1,) * (5 - len(shape)) + shape
    return {
        **dict.fromkeys(STORED, SAME),
        **NUMBERS,
        **NO_ARRAYS,
        **NO_NUMBERS,
        **refused(empty.format((0, cols, *channels)), "no rows"),
        **refused(empty.format((rows, 0, *channels)), "no columns"),
        **refused(axes_of.replace("{}", "()"), "0-d"),
        **refused(axes_of.replace("{}", f"({int(np.prod(shape))},)"), "1-d"),
        **refused(axes_of.replace("{}", str(five)), "5-d"),
    }


def features_table(shape):
    rows, cols, channels = shape
    axes = "{{name}} must have shape (..., n_features), got {}; add the last axis with features[..., None]"
    return {
        **image_table(shape),
        **refused(axes.format("()"), "0-d"),
        **refused(axes.format(f"({rows * cols * channels},)"), "1-d"),
        "5-d": SAME,
        **refused(INFINITE, "NaN", "inf", "-inf"),
    }


def labels_table(shape):
    rows, cols = shape
    axes = "{{name}} must have 2 axes, got shape {}; pass one label image at a time"
    dtype = (
        "{{name}} must be of an integer dtype, got {}; number the regions, for example with "
        "np.unique(..., return_inverse=True)"
    )
    floats = {"float16": "float16", "float64": "float64", "long double": np.dtype(np.longdouble).name}
    floats |= dict.fromkeys(("NaN", "inf", "-inf", "1e300"), "float64") | {"1e36": "float32"}
    others = {"complex": "complex64", "object": "object", "strings": "<U4", "dates": "datetime64[s]"}
    others["records"] = "[('a', 'u1')]"
    return {
        **image_table(shape),
        **{form: Refused(TypeError, dtype.format(name)) for form, name in (floats | others).items()},
        **refused(axes.format("()"), "0-d"),
        **refused(axes.format(f"({rows * cols},)"), "1-d"),
        **refused(axes.format((1, 1, 1, rows, cols)), "5-d"),
    }


def masks_table(all_false, shape):
    """What `check_mask` says; `all_false` is the algorithm's own affair."""
    one_of = f"mask must have the image's shape {shape}, got {{}}"
    dtype = "mask must be boolean, True where pixels take part, got dtype {}; compare first, for example with > 0"
    return {
        **dict.fromkeys(("all True", "list", "0 and 1", "0 and 255", "strided", "read-only"), SAME),
        "all False": all_false,
        "wrong shape": Refused(ValueError, one_of.format((3, 2))),
        "0-d": Refused(ValueError, one_of.format("()")),
        "float": Refused(TypeError, dtype.format("float32")),
        "strings": Refused(TypeError, dtype.format("<U5")),
        "path": Refused(TypeError, "mask must be an array, got the text 'mask.png'; read the file into an array first"),
    }
