"""What motion_features refuses, before it needs OpenCV: radiometric frames, frames that do not fit, no OpenCV."""

import builtins

import numpy as np
import pytest

from classicseg import motion_features
from classicseg.thermal import ThermalImage

RADIOMETRIC = (
    "{name} must be a frame of a video, uint8 or floats of 0 to 1 (colour may be uint16), got {found}. Optical flow "
    "follows brightness that stays the same from frame to frame; temperatures and raw counts of a thermal camera do "
    "not, as it corrects its offset and drifts. Where they do, map both frames by one fixed range: "
    "np.clip((frame - low) * (255 / (high - low)), 0, 255).astype('uint8')"
)


def thermal_frame():
    return ThermalImage("frame.jpg", np.full((20, 20), 21.5, np.float32), None, calibrated=True, unit="celsius")


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (np.full((20, 20), 21.5, np.float32), "floats from 0 to 21.5"),
        (np.full((20, 20), -12.25), "floats from -12.25 to 0"),
        (np.full((20, 20, 3), 255.0), "floats from 0 to 255"),
        (np.full((20, 20), 7000, np.uint16), "gray values of uint16"),
        (np.full((20, 20), 7000, np.int16), "gray values of int16"),
        (np.full((20, 20, 3), 7, np.int64), "colours of int64"),
        (None, "a ThermalImage"),
    ],
)
def test_radiometric_sequences_are_refused(frame, found):
    frame = thermal_frame() if frame is None else frame
    with pytest.raises(ValueError) as caught:
        motion_features(frame, frame)
    assert str(caught.value) == RADIOMETRIC.format(name="previous", found=found)


def test_a_radiometric_second_frame_is_refused():
    with pytest.raises(ValueError) as caught:
        motion_features(np.zeros((20, 20)), np.full((20, 20), 30.0))
    assert str(caught.value) == RADIOMETRIC.format(name="image", found="floats from 0 to 30")
    with pytest.raises(ValueError, match=r"^image must be a frame of a video.*got a ThermalImage"):
        motion_features(np.zeros((20, 20)), thermal_frame())


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        (
            (np.zeros((20, 20)), np.zeros((20, 21))),
            {},
            "previous and image must have one shape and dtype, got (20, 20) of float64 and (20, 21) of float64",
        ),
        (
            (np.zeros((20, 20), np.float16), np.zeros((20, 20), np.uint8)),
            {},
            "previous and image must have one shape and dtype, got (20, 20) of float16 and (20, 20) of uint8",
        ),
        (
            (np.zeros((20, 20)), np.zeros((20, 20), np.uint8)),
            {},
            "previous and image must have one shape and dtype, got (20, 20) of float64 and (20, 20) of uint8",
        ),
        (
            (np.zeros((9, 9, 4)), np.zeros((9, 9, 4))),
            {},
            "previous must have shape (M, N) or (M, N, 3), got (9, 9, 4); pass one channel at a time",
        ),
        (
            (np.zeros((9, 9)), np.full((9, 9), np.nan)),
            {},
            "image must be finite, got 81 NaN or infinite values; mark such pixels False in mask",
        ),
        (
            (np.full((9, 9), np.nan), np.zeros((9, 9))),
            {"mask": np.eye(9, dtype=bool)},
            "previous must be finite, got 9 NaN or infinite values; mark such pixels False in mask",
        ),
        (
            (np.zeros((9, 9)), np.zeros((9, 9))),
            {"mask": np.zeros((9, 9), bool)},
            "mask must mark at least one pixel as True, got none",
        ),
        (
            (np.zeros((9, 9)), np.zeros((9, 9))),
            {"mask": np.ones((9, 8), bool)},
            "mask must have the image's shape (9, 9), got (9, 8)",
        ),
    ],
)
def test_bad_values(frames, options, message):
    with pytest.raises(ValueError) as caught:
        motion_features(*frames, **options)
    assert str(caught.value) == message


def test_without_opencv_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without_cv2(name, *arguments, **options):
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_cv2)
    with pytest.raises(ImportError) as caught:
        motion_features(np.zeros((20, 20)), np.zeros((20, 20)))
    assert str(caught.value) == (
        "motion_features needs OpenCV, which cannot be imported: libGL.so.1: cannot open shared object file; install "
        "opencv-python, or opencv-python-headless on a machine without a display"
    )
