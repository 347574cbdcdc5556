"""The thermal network by definition: its file read byte by byte, its layers as sums over the window."""

import numpy as np

# Numbers of fields in onnx.proto, of which these are enough for a network of convolutions.
GRAPH, NODE, INITIALIZER = 7, 1, 5
INPUT, OUTPUT, OP_TYPE, ATTRIBUTE = 1, 2, 4, 5
NAME, INT, INTS = 1, 3, 8
DIMS, TENSOR_NAME, RAW_DATA = 1, 8, 9
NOTE, KEY, VALUE = 14, 1, 2


def fields(message):
    """Return (number, value) of each field of a Protocol Buffers message: integers, or bytes."""
    found, at = [], 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            value, at = varint(message, at)
        elif key & 7 == 2:
            size, at = varint(message, at)
            value, at = message[at : at + size], at + size
        elif key & 7 == 5:
            value, at = message[at : at + 4], at + 4
        else:
            raise ValueError(f"wire type {key & 7}")
        found.append((key >> 3, value))
    return found


def varint(message, at):
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def every(message, number):
    return [value for found, value in fields(message) if found == number]


def integers(message, number):
    """Return repeated integers, which stand one by one or packed into bytes."""
    found = []
    for value in every(message, number):
        if isinstance(value, int):
            found.append(value)
        else:
            at = 0
            while at < len(value):
                one, at = varint(value, at)
                found.append(one)
    return found


def read_network(path):
    """Return the nodes (operator, inputs, output, attributes) and the weights by name."""
    (graph,) = every(path.read_bytes(), GRAPH)
    weights = {}
    for tensor in every(graph, INITIALIZER):
        (name,), (data,) = every(tensor, TENSOR_NAME), every(tensor, RAW_DATA)
        weights[name.decode()] = np.frombuffer(data, "<f4").reshape(integers(tensor, DIMS))
    nodes = []
    for node in every(graph, NODE):
        attributes = {
            every(one, NAME)[0].decode(): (integers(one, INTS) or every(one, INT) or [None])
            for one in every(node, ATTRIBUTE)
        }
        inputs, (output,), (operator,) = (every(node, number) for number in (INPUT, OUTPUT, OP_TYPE))
        nodes.append((operator.decode(), [name.decode() for name in inputs], output.decode(), attributes))
    return nodes, weights


def notes(path):
    """Return the metadata of a file."""
    texts = [[every(note, number)[0].decode() for number in (KEY, VALUE)] for note in every(path.read_bytes(), NOTE)]
    return dict(texts)


def run_network(path, image):
    """Return what the network says of `image` (C, M, N), in float64."""
    nodes, values = read_network(path)
    values = {**values, "image": image.astype(np.float64)}
    for operator, inputs, output, attributes in nodes:
        given = [values[name] for name in inputs]
        values[output] = OPERATORS[operator](*given, **attributes)
    return values["probabilities"]


def convolve(x, weights, bias, pads=(0, 0, 0, 0), **_):
    height, width = weights.shape[2:]
    padded = np.pad(x, [(0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    rows, cols = padded.shape[1] - height + 1, padded.shape[2] - width + 1
    out = np.zeros((len(weights), rows, cols)) + bias[:, None, None]
    for i in range(height):
        for j in range(width):
            out += np.einsum("oc,cmn->omn", weights[:, :, i, j], padded[:, i : i + rows, j : j + cols])
    return out


def transposed(x, weights, bias, strides, kernel_shape, **_):
    """Write every pixel's window beside that of its neighbour: stride and window are of one size."""
    assert strides == kernel_shape
    _, rows, cols = x.shape
    out = np.zeros((weights.shape[1], strides[0] * rows, strides[1] * cols)) + bias[:, None, None]
    for i in range(strides[0]):
        for j in range(strides[1]):
            out[:, i :: strides[0], j :: strides[1]] += np.einsum("co,cmn->omn", weights[:, :, i, j], x)
    return out


def largest(x, kernel_shape, strides, **_):
    assert strides == kernel_shape == [2, 2]
    return np.maximum(np.maximum(x[:, ::2, ::2], x[:, 1::2, ::2]), np.maximum(x[:, ::2, 1::2], x[:, 1::2, 1::2]))


def softmax(x, **_):
    powers = np.exp(x - x.max(axis=0))
    return powers / powers.sum(axis=0)


OPERATORS = {
    "Conv": convolve,
    "ConvTranspose": transposed,
    "MaxPool": largest,
    "Relu": lambda x: np.maximum(x, 0),
    "Concat": lambda *parts, **_: np.concatenate(parts),
    "Softmax": softmax,
}


def network_input(values, celsius):
    """Return what the network is given, pixel by pixel."""
    rows, cols = values.shape
    blocks = -(-rows // 16), -(-cols // 16)
    medians = np.empty(blocks)
    for i in range(blocks[0]):
        for j in range(blocks[1]):
            block = [values[min(16 * i + a, rows - 1), min(16 * j + b, cols - 1)] for a in range(16) for b in range(16)]
            medians[i, j] = np.median(block)
    local = np.empty(blocks)
    for i in range(blocks[0]):
        for j in range(blocks[1]):
            near = [at(medians, i + a, j + b) for a in range(-2, 3) for b in range(-2, 3)]
            local[i, j] = np.median(near)
    ordered = values.ravel()[:: 7 if values.size >= 1000 else 1]
    low, middle, high = np.quantile(ordered, (0.05, 0.5, 0.95))
    unit = 5.0 if celsius else (high - low) / 3
    out = np.empty((rows, cols, 4))
    for row in range(rows):
        for col in range(cols):
            u, v = (row + 0.5) / 16 - 0.5, (col + 0.5) / 16 - 0.5
            i, j = int(np.floor(u)), int(np.floor(v))
            here = sum((1 - abs(u - a)) * (1 - abs(v - b)) * at(local, a, b) for a in (i, i + 1) for b in (j, j + 1))
            out[row, col] = [(values[row, col] - level) / unit for level in (here, middle, low, high)]
    return np.dstack([out[..., :2].clip(-6, 6), out[..., 2:].clip(-1, 1)])


def at(table, row, col):
    """Return an entry; beyond the border the last one goes on."""
    return table[min(max(row, 0), len(table) - 1), min(max(col, 0), table.shape[1] - 1)]
