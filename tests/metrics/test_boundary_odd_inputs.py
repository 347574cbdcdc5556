"""Boundary scores on every form of an array: the result of a clean copy, or an error that says what to do."""

import sys
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

sys.path.insert(0, str(Path(__file__).parents[1]))

from bad_input import FORMS, NO_ARRAYS, STORED, Refused, plain

from classicseg.metrics import boundary_counts, boundary_f, boundary_iou, boundary_map, match_boundaries, thin

LABELS = np.arange(1, 13, dtype=np.int32).reshape(3, 4).repeat(3, axis=0).repeat(3, axis=1)
DRAWN = thin(boundary_map(LABELS))
OTHER = np.roll(DRAWN, 1, axis=0)
ROWS, COLS = DRAWN.shape

# Argument, what is called with it in its place, and what to do about an array that is not boolean.
MAPS = {
    "thin": ("boundaries", lambda given: [thin(given)]),
    "match, true": ("boundaries_true", lambda given: astuple(match_boundaries(given, same_size(OTHER, given)))),
    "match, pred": ("boundaries_pred", lambda given: astuple(match_boundaries(same_size(OTHER, given), given))),
    "f, pred": ("boundaries_pred", lambda given: astuple(boundary_f(same_size(OTHER, given), given))),
    "iou, true": ("mask_true", lambda given: [boundary_iou(given, same_size(OTHER, given))]),
    "iou, pred": ("mask_pred", lambda given: [boundary_iou(same_size(OTHER, given), given)]),
}
MAKE_A_MAP = "make a map of 0 and 1 one with > 0, and a label image with boundary_map()"
VALID = {*STORED, "1×1", "constant", "bool"}
OTHER_DTYPES = {
    **dict.fromkeys(("NaN", "inf", "-inf", "float64", "1e300"), "float64"),
    **{name: name for name in ("float16", "int64", "uint64")},
    "long double": np.dtype(np.longdouble).name,
    "1e36": "float32",
    "complex": "complex64",
    "object": "object",
    "strings": "<U4",
    "records": "[('a', 'u1')]",
    "dates": "datetime64[s]",
}
ODD_SHAPES = {
    "no rows": (0, COLS),
    "no columns": (ROWS, 0),
    "0-d": (),
    "1-d": (ROWS * COLS,),
    "5-d": (1, 1, 1, ROWS, COLS),
}


def same_size(array, given):
    """Cut `array` to the size of what is given, where that is an image."""
    shape = np.shape(plain(given)) if hasattr(given, "shape") or hasattr(given, "__dlpack__") else ()
    return array[: shape[0], : shape[1]] if len(shape) == 2 and 0 not in shape else array


def form_of(array, form):
    """Make the form; a date is made of a number."""
    return FORMS[form](array.astype(np.int32) if form == "dates" else array)


def expected(argument, form):
    """Return what is raised about a map, None where it is valid."""
    if form in VALID:
        return None
    if form in NO_ARRAYS:
        refusal = NO_ARRAYS[form]
        return Refused(refusal.error, refusal.message.format(name=argument))
    mask = argument.startswith("mask")
    if form in OTHER_DTYPES:
        way_out = "compare first, for example with > 0" if mask else MAKE_A_MAP
        return Refused(TypeError, f"{argument} must be boolean, got {OTHER_DTYPES[form]}; {way_out}")
    shape = ODD_SHAPES[form]
    if mask:
        return Refused(
            ValueError, f"{argument} must have shape (M, N) and not be empty, got {shape}; pass one mask at a time"
        )
    if len(shape) == 2:
        return Refused(ValueError, f"{argument} must not be empty, got shape {shape}")
    return Refused(ValueError, f"{argument} must have shape (M, N), got {shape}; pass one image at a time")


def check(refusal, call, given, clean):
    before = plain(given).copy() if isinstance(given, np.ndarray) else None
    if refusal is None:
        for found, wanted in zip(call(given), call(clean(given)), strict=True):
            assert_array_equal(found, wanted)
    else:
        with pytest.raises(refusal.error) as caught:
            call(given)
        assert str(caught.value) == refusal.message
    if before is not None and given.dtype.kind in "biu":
        assert_array_equal(plain(given), before)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("subject", MAPS)
def test_a_map_of_another_form(subject, form):
    argument, call = MAPS[subject]
    check(expected(argument, form), call, form_of(DRAWN, form), plain)


@pytest.mark.parametrize("form", FORMS)
def test_labels_of_another_form(form):
    given = form_of(LABELS, form)
    if form in VALID | {"int64", "uint64"}:
        check(None, lambda labels: [boundary_map(labels)], given, plain)
        return
    with pytest.raises((TypeError, ValueError), match=r"^labels must ") as caught:
        boundary_map(given)
    if form not in NO_ARRAYS:
        assert ("dtype" in str(caught.value)) == (form in OTHER_DTYPES)


@pytest.mark.parametrize("form", sorted(VALID - {"1×1"}))
def test_annotators_and_settings_of_another_form(form):
    """Alone, in a sequence and in a stack: the same counts."""
    one = form_of(DRAWN, form)
    stack = plain(one)[None]
    wanted = astuple(boundary_counts(stack, stack))
    for true, pred in ((one, one), ([one], one), (one, [one]), (stack, (one,))):
        for found, expected_count in zip(astuple(boundary_counts(true, pred)), wanted, strict=True):
            assert_array_equal(found, expected_count)
