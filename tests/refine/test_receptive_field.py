"""Receptive fields: the numbers of papers and lectures, and what really depends on what, layer by layer."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classicseg.refine import Layer, convolution_matrix, receptive_field

CONV3, POOL = (3, 1, 1, 1), (2, 2)
VGG16 = [CONV3, CONV3, POOL] * 2 + [CONV3, CONV3, CONV3, POOL] * 3


def test_plain_stacks_grow_by_a_constant():
    """1 + L (K - 1), as lectures print it."""
    assert receptive_field([3] * 4).sizes == (3, 5, 7, 9)
    assert receptive_field([5, 5]).sizes == (5, 9)
    assert receptive_field([7]).size == receptive_field([3, 3, 3]).size


def test_dilated_stacks_grow_exponentially():
    """Yu and Koltun: 2**(i + 2) - 1."""
    layers = [(3, 1, 2**i) for i in range(6)]
    assert receptive_field(layers).sizes == (3, 7, 15, 31, 63, 127)


def test_the_context_module_of_yu_and_koltun():
    dilations = (1, 1, 2, 4, 8, 16, 1)
    layers = [(3, 1, dilation) for dilation in dilations] + [1]
    assert receptive_field(layers).sizes == (3, 5, 9, 17, 33, 65, 67, 67)


def test_vgg_as_a_fully_convolutional_network():
    """212 pixels at pool5, 404 at fc7, stride 32: as Long et al. and Araujo et al. print them."""
    pool5 = receptive_field(VGG16)
    assert (pool5.size, pool5.stride, pool5.period) == (212, 32, 32)
    assert pool5.start == -90  # Araujo's padding of VGG-16
    assert receptive_field([*VGG16, 7, 1]).size == 404


def test_alexnet_and_resnet():
    """195 and 483 pixels: the table of Araujo et al."""
    alexnet = [(11, 4), (3, 2), 5, (3, 2), 3, 3, 3, (3, 2)]
    assert receptive_field(alexnet).size == 195
    # In the version of the table the last unit of a block has the stride.
    resnet50 = [(7, 2), (3, 2)]
    for n_units, stride in ((3, 2), (4, 2), (6, 2), (3, 1)):
        resnet50 += [1, 3, 1] * (n_units - 1) + [1, (3, stride), 1]
    found = receptive_field(resnet50)
    assert (found.size, found.stride) == (483, 32)


def test_a_network_that_enlarges_again():
    """Two levels of a U-Net: what it sees repeats every 4 pixels, though it has an output for each."""
    up = Layer(2, 2, transposed=True)
    found = receptive_field([3, POOL, 3, POOL, 3, up, 3, up, 3])
    assert (found.stride, found.period) == (1, 4)
    assert found.sizes[:5] == (3, 4, 8, 10, 18)


# --- What depends on what ----------------------------------------------------------------------------------------


def seen(stack, output):
    """The very pixels that an output depends on, going back layer by layer."""
    places = {output}
    for layer in reversed(stack):
        before = set()
        for place, tap in product(places, range(layer.kernel)):
            if layer.transposed:  # value i is written to i * stride - padding + tap
                i, rest = divmod(place + layer.padding - tap, layer.stride)
                before |= {i} if rest == 0 else set()
            else:
                before.add(place * layer.stride - layer.padding + tap * layer.dilation)
        places = before
    return places


plain = st.builds(Layer, st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2))
transposed = st.builds(
    lambda stride, more, padding: Layer(stride + more, stride, padding=padding, transposed=True),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 2),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(plain | transposed, min_size=1, max_size=4))
def test_what_is_told_is_what_is_seen(stack):
    found = receptive_field(stack)
    n_repeat = round(found.period / found.stride)
    outputs = [seen(stack, output) for output in range(2 * n_repeat)]
    assert found.size == max(max(places) - min(places) + 1 for places in outputs)
    assert found.start == min(outputs[0])
    for here, there in zip(outputs, outputs[n_repeat:]):
        assert {place + found.period for place in here} == there
    assert found.sizes == tuple(receptive_field(stack[: n + 1]).size for n in range(len(stack)))


@pytest.mark.parametrize("period", [1, 2, 3, 4])
def test_the_period_is_the_smallest(period):
    """Moved by less, the image meets other kernels of a layer below."""
    down, up = (period, period), Layer(period, period, transposed=True)
    found = receptive_field([3, down, 3, up])
    assert (found.stride, found.period) == (1, period)
    shifts = [
        move
        for move in range(1, period + 1)
        if {place + move for place in seen_by(down, up, 0)} == seen_by(down, up, move)
    ]
    assert shifts == [period]


def seen_by(down, up, output):
    return seen([Layer(3), Layer(*down), Layer(3), up], output)


@pytest.mark.parametrize(
    "stack",
    [
        [Layer(3, padding=1), Layer(2, 2), Layer(3, padding=1)],
        [Layer(3, 2, 2, 1), Layer(4, 2, padding=1, transposed=True)],
        [Layer(5, 3), Layer(3, 3, transposed=True), Layer(3)],
    ],
)
def test_what_is_seen_is_what_convolutions_compute(stack):
    """The product of the layers' matrices has its non-zeros there."""
    product_of_all = np.eye(60)
    for layer in stack:
        n = len(product_of_all)
        grown = (n - 1) * layer.stride - 2 * layer.padding + layer.kernel
        given = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        matrix = convolution_matrix(np.ones(layer.kernel), grown if layer.transposed else n, **given)
        product_of_all = (matrix.T if layer.transposed else matrix) @ product_of_all
    middle = len(product_of_all) // 2
    for output in range(middle - 3, middle + 3):
        assert set(np.flatnonzero(product_of_all[output]).tolist()) == seen(stack, output)


# --- Forms and errors --------------------------------------------------------------------------------------------


def test_layers_may_be_given_in_three_forms():
    assert receptive_field([Layer(3), (3,), 3, [3, 2], (5, 1, 2, 4)]).sizes == (3, 5, 7, 9, 25)


REFUSED = [
    ([], TypeError, "layers must be a sequence of layers, not empty, got []; one is given as [3]"),
    (3, TypeError, "layers must be a sequence of layers, not empty, got 3; one is given as [3]"),
    ("3", TypeError, "layers must be a sequence of layers, not empty, got '3'; one is given as [3]"),
    ([3, 0], ValueError, "layers[1]: kernel must be at least 1, got 0"),
    ([(3, 0)], ValueError, "layers[0]: stride must be at least 1, got 0"),
    ([(3, 1, 0)], ValueError, "layers[0]: dilation must be at least 1, got 0"),
    ([(3, 1, 1, -1)], ValueError, "layers[0]: padding must be at least 0, got -1"),
    ([3.0], TypeError, "layers[0]: kernel must be an integer, got 3.0 of type float"),
    ([()], ValueError, "layers[0] must be a Layer or (kernel, stride, dilation, padding), got ()"),
    (
        [(3, 1, 1, 1, True)],
        ValueError,
        "layers[0] must be a Layer or (kernel, stride, dilation, padding), got (3, 1, 1, 1, True)",
    ),
]


@pytest.mark.parametrize(("stack", "error", "message"), REFUSED)
def test_refused(stack, error, message):
    with pytest.raises(error) as caught:
        receptive_field(stack)
    assert str(caught.value) == message


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(1, 2, 1), (4, 2, 2)])
def test_transposed_layers_that_leave_gaps_are_refused(kernel, stride, dilation):
    with pytest.raises(ValueError) as caught:
        Layer(kernel, stride, dilation, transposed=True)
    assert str(caught.value) == (
        f"a transposed layer must have a kernel of at least its stride, and dilation 1, got kernel {kernel}, stride "
        f"{stride} and dilation {dilation}; of others some outputs see nothing"
    )


def test_a_layer_is_frozen_and_checked():
    with pytest.raises(AttributeError):
        Layer(3).kernel = 5
    with pytest.raises(ValueError, match=r"^kernel must be at least 1, got 0$"):
        Layer(0)
    with pytest.raises(TypeError, match=r"^transposed must be True or False, got 2; name what follows the padding$"):
        Layer(3, 1, 1, 0, 2)
