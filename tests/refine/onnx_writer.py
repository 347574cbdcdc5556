"""ONNX files written byte by byte, so that tests of what reads them need no library.

A file is a tree of Protocol Buffers: `message` makes one of numbered fields. The numbers are those of onnx.proto.
"""

import numpy as np

FLOAT, INT64, FLOAT16 = 1, 7, 10
ATTRIBUTE_INT, ATTRIBUTE_TEXT, ATTRIBUTE_INTS = 2, 3, 7


def whole(number):
    """Return a whole number, 7 bits per byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def message(*fields):
    """Return a message of (number, value) pairs; a value is an int, text, bytes or a message."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts.append(whole(number << 3) + whole(value))
        else:
            data = value.encode() if isinstance(value, str) else value
            parts.append(whole(number << 3 | 2) + whole(len(data)) + data)
    return b"".join(parts)


def tensor(name, array):
    """Return the values of an initializer."""
    element = INT64 if array.dtype == np.int64 else FLOAT
    return message(*((1, size) for size in array.shape), (2, element), (8, name), (9, array.tobytes()))


def attribute(name, value):
    if isinstance(value, str):
        return message((1, name), (4, value), (20, ATTRIBUTE_TEXT))
    if isinstance(value, int):
        return message((1, name), (3, value), (20, ATTRIBUTE_INT))
    return message((1, name), *((8, one) for one in value), (20, ATTRIBUTE_INTS))


def node(kind, inputs, outputs, **attributes):
    given = [*((1, name) for name in inputs), *((2, name) for name in outputs), (3, outputs[0]), (4, kind)]
    return message(*given, *((5, attribute(name, value)) for name, value in attributes.items()))


def value(name, shape, element=FLOAT):
    """Return what a graph says of an input or output; an axis is a number or a name."""
    sizes = [(1, message((1, size) if isinstance(size, int) else (2, size))) for size in shape]
    return message((1, name), (2, message((1, message((1, element), (2, message(*sizes)))))))


def model(nodes, inputs, outputs, initializers=(), notes=None):
    """Return the bytes of a file: nodes and values as bytes, initializers as name → array, notes as name → text."""
    held = dict(initializers)
    graph = message(
        *((1, one) for one in nodes),
        (2, "graph"),
        *((5, tensor(name, array)) for name, array in held.items()),
        *((11, one) for one in inputs),
        *((12, one) for one in outputs),
    )
    said = [(14, message((1, name), (2, text))) for name, text in (notes or {}).items()]
    return message((1, 8), (2, "tests"), (7, graph), (8, message((1, ""), (2, 13))), *said)


def convolution(weights, bias, *, size=("rows", "cols"), last=None, notes=None):
    """Return a file of one convolution (K, C, 3, 3) that keeps the size, and perhaps one more node behind it."""
    n_classes, channels = weights.shape[:2]
    nodes = [
        node("Conv", ["image", "weights", "bias"], ["maps" if last else "out"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    ]
    if last:
        options = {"axis": 1} if last == "Softmax" else {}
        nodes.append(node(last, ["maps"], ["out"], **options))
    held = {"weights": weights.astype(np.float32), "bias": bias.astype(np.float32)}
    shape = (1, channels, *size)
    return model(nodes, [value("image", shape)], [value("out", (1, n_classes, *size))], held, notes)
