"""Every operator on maps, on every bad or odd form of an array: as on a clean copy, or an error that names it."""

import numpy as np
import pytest
from bad_input import FORMS, NO_ARRAYS, NO_NUMBERS, NUMBERS, SAME, STORED, Refused, plain, refused
from numpy.testing import assert_allclose

from classicseg.refine import (
    guided_upsample,
    max_pool,
    pixel_unshuffle,
    roi_align,
    roi_pool,
    upsample,
)

BOX = [[0.5, 1, 3.5, 4]]
PICTURE = np.arange(80.0).reshape(8, 10) % 7 / 7


def flat():
    return np.arange(24, dtype=np.uint8).reshape(4, 6) % 5


def deep():
    return np.arange(48, dtype=np.uint8).reshape(4, 6, 2) % 5


def halves():
    return np.where(flat() > 2, 1, 0).astype(np.uint8)


# Name of the argument, what the function is given, a clean array, the shapes it takes.
OPERATORS = {
    "bilinear": ("array", lambda array: upsample(array, 2), flat, (1, 2, 3)),
    "bicubic": ("array", lambda array: upsample(array, 2, method="bicubic"), deep, (1, 2, 3)),
    "nearest": ("array", lambda array: upsample(array, 2, method="nearest"), flat, (1, 2, 3)),
    "bed of nails": ("array", lambda array: upsample(array, 2, method="bed-of-nails"), deep, (1, 2, 3)),
    "transposed": ("array", lambda array: upsample(array, 2, method="transposed"), flat, (1, 2, 3)),
    "max pooling": ("array", lambda array: max_pool(array, 1).values, deep, (1, 2, 3)),
    "pixel unshuffle": ("array", lambda array: pixel_unshuffle(array, 1), deep, (3,)),
    "RoI pooling": ("array", lambda array: roi_pool(array, BOX, 2), flat, (2, 3)),
    "RoIAlign": ("array", lambda array: roi_align(array, BOX, 2), deep, (2, 3)),
    "guided upsampling": ("probabilities", lambda array: guided_upsample(array, PICTURE), halves, (2, 3)),
}
AXES = {1: "(N,)", 2: "(M, N)", 3: "(M, N, C)"}


def expected(clean, ndim, probabilities):
    """What each form comes to, whole messages; `{name}` stands for the argument."""
    *others, last = (AXES[n] for n in ndim)
    shapes = f"{', '.join(others)} or {last}" if others else last
    finite = "{name} must be finite, got 1 NaN or infinite values; "
    wide = "{name} must lie within the range of float32, ±3.4e38, got values up to {}; "
    way_out = "replace such values, for example with np.nan_to_num()"
    logits = "{name} must be 0 to 1, got {}; pass logits through a softmax or sigmoid first"

    def shaped(shape):
        return f"{{name}} must have shape {shapes}, got {shape}; pass one map at a time"

    forms = {
        **dict.fromkeys([*STORED, "1×1"], SAME),
        **NUMBERS,
        **NO_ARRAYS,
        **NO_NUMBERS,
        **refused(f"{{name}} must not be empty, got shape {clean[:0].shape}", "no rows"),
        **refused(f"{{name}} must not be empty, got shape {clean[:, :0].shape}", "no columns"),
        **refused(shaped("()"), "0-d"),
        **refused(shaped((1,) * (5 - clean.ndim) + clean.shape), "5-d"),
        **refused(finite + way_out, "NaN", "inf", "-inf"),
        **refused(wide.replace("{}", f"{clean.max() * 1e300:.1e}") + way_out + ", or divide by a constant", "1e300"),
        **dict.fromkeys(("constant", "1e36"), SAME),
        **({"1-d": SAME} if 1 in ndim else refused(shaped((clean.size,)), "1-d")),
    }
    if probabilities:
        forms |= refused(logits.replace("{}", "7 to 7"), "constant") | refused(
            logits.replace("{}", "0 to 1e+36"), "1e36"
        )
    return forms


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operator", OPERATORS)
def test_an_array_of_another_form(operator, form):
    name, call, clean, ndim = OPERATORS[operator]
    outcome = expected(clean(), ndim, name == "probabilities")[form]
    value = FORMS[form](clean())
    if isinstance(outcome, Refused):
        with pytest.raises(outcome.error) as caught:
            call(value)
        assert str(caught.value) == outcome.message.format(name=name)
        return
    before = plain(value)
    found, wanted = call(value), call(plain(value))
    assert found.dtype == wanted.dtype
    assert_allclose(found, wanted, rtol=1e-6)
    assert_allclose(plain(value), before, rtol=0)


def test_no_form_is_left_out():
    for name, _, clean, ndim in OPERATORS.values():
        assert expected(clean(), ndim, name == "probabilities").keys() == FORMS.keys()
