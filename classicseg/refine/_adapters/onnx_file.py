"""What an ONNX file says of itself: its inputs, outputs and notes, read without a library.

ONNX files are Protocol Buffers: fields of a number and a value, where a value is a whole number, or bytes that may be
fields again. https://onnx.ai/onnx/repo-docs/IR.html says which number is what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from classicseg._errors import FileFormatError, UnreadableError

EXPECTED = "an ONNX model; torch.onnx.export writes one"

# Numbers of the fields that are read, of a model, its graph, a value, and a note.
GRAPH, NOTES = 7, 14
INITIALIZER, INPUT, OUTPUT = 5, 11, 12
VALUE_NAME, VALUE_TYPE = 1, 2
TENSOR_NAME = 8
FLOATS = {1: "float32", 10: "float16", 11: "float64"}  # element types that images can be given as


@dataclass(frozen=True)
class OnnxInput:
    """An input of a model."""

    name: str
    element: int  # number of its element type
    shape: tuple[int | None, ...]  # None where any size fits


@dataclass(frozen=True)
class OnnxFile:
    """What is known of a model."""

    path: str
    inputs: tuple[OnnxInput, ...]  # without those that the file holds the values of
    outputs: tuple[str, ...]
    notes: dict[str, str]


def read_onnx(path: Path) -> OnnxFile:
    """Read a file's description; raise FileFormatError if it is no ONNX model."""
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error), EXPECTED) from error
    try:
        model = list(_fields(data))
        graph = [field for part in _of(model, GRAPH) for field in _fields(part)]
        if not graph:
            raise ValueError("no graph")
        held = {_text(_fields(part), TENSOR_NAME) for part in _of(graph, INITIALIZER)}
        inputs = tuple(_input(list(_fields(part))) for part in _of(graph, INPUT))
        outputs = tuple(_text(_fields(part), VALUE_NAME) for part in _of(graph, OUTPUT))
        notes = [list(_fields(part)) for part in _of(model, NOTES)]
        found = {_text(note, 1): _text(note, 2) for note in notes}
    except ValueError as error:
        raise FileFormatError(path, f"{len(data)} bytes that are no model: {error}", EXPECTED) from error
    return OnnxFile(str(path), tuple(one for one in inputs if one.name not in held), outputs, found)


Field = tuple[int, "int | memoryview"]


def _fields(data: memoryview) -> Iterator[Field]:
    """Yield the number and value of every field in a message."""
    at = 0
    while at < len(data):
        key, at = _whole(data, at)
        number, kind = key >> 3, key & 7
        if number == 0 or kind not in (0, 1, 2, 5):
            raise ValueError(f"there is no field {number} of kind {kind}")
        if kind == 0:
            value, at = _whole(data, at)
            yield number, value
            continue
        length, at = _whole(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        if at + length > len(data):
            raise ValueError(f"field {number} ends {at + length - len(data)} bytes beyond the file or what holds it")
        yield number, data[at : at + length]
        at += length


def _whole(data: memoryview, at: int) -> tuple[int, int]:
    """Return a whole number, 7 bits per byte from the lowest on, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("it ends within a number")
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is longer than 64 bits")


def _of(fields: list[Field], number: int) -> Iterator[memoryview]:
    """Yield the messages among fields that have a number."""
    for own, value in fields:
        if own == number:
            if isinstance(value, int):
                raise ValueError(f"field {number} is a number")
            yield value


def _text(fields: Iterator[Field] | list[Field], number: int) -> str:
    """Return the text of a field, empty where there is none."""
    return next((bytes(value).decode() for own, value in fields if own == number and not isinstance(value, int)), "")


def _input(fields: list[Field]) -> OnnxInput:
    element, shape = 0, []
    for kind in _of(fields, VALUE_TYPE):
        for tensor in _of(list(_fields(kind)), 1):
            of_tensor = list(_fields(tensor))
            element = next((value for number, value in of_tensor if number == 1 and isinstance(value, int)), 0)
            for dimensions in _of(of_tensor, 2):
                shape = [_size(list(_fields(one))) for one in _of(list(_fields(dimensions)), 1)]
    return OnnxInput(_text(fields, VALUE_NAME), element, tuple(shape))


def _size(fields: list[Field]) -> int | None:
    """Return the size of an axis, None where it has a name or nothing."""
    return next((value for number, value in fields if number == 1 and isinstance(value, int) and value > 0), None)
