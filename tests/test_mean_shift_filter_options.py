"""Every bad option of the mean-shift filter, with its whole message."""

import numpy as np
import pytest

from classicseg import mean_shift_filter

OPTIONS = [
    ({"spatial_bandwidth": 0.5}, ValueError, "spatial_bandwidth must be at least 1, got 0.5"),
    ({"spatial_bandwidth": 5000}, ValueError, "spatial_bandwidth must be at most 4096, got 5000.0"),
    ({"spatial_bandwidth": np.nan}, ValueError, "spatial_bandwidth must be finite, got nan"),
    ({"spatial_bandwidth": "8"}, TypeError, "spatial_bandwidth must be a number, got '8' of type str"),
    ({"spatial_bandwidth": True}, TypeError, "spatial_bandwidth must be a number, got True of type bool"),
    ({"range_bandwidth": 0}, ValueError, "range_bandwidth must be at least 1e-30, got 0.0"),
    ({"range_bandwidth": -3}, ValueError, "range_bandwidth must be at least 1e-30, got -3.0"),
    ({"range_bandwidth": np.inf}, ValueError, "range_bandwidth must be finite, got inf"),
    ({"range_bandwidth": None}, TypeError, "range_bandwidth must be a number, got None of type NoneType"),
    ({"range_bandwidth": 1e300}, ValueError, "range_bandwidth must be at most 3.4028234663852886e+38, got 1e+300"),
    (
        {"range_bandwidth": [10, 20]},
        ValueError,
        "range_bandwidth must be one number, or one per channel in shape (3,), got shape (2,)",
    ),
    ({"range_bandwidth": [10, 20, 0]}, ValueError, "range_bandwidth must be at least 1e-30, got 0.0"),
    (
        {"range_bandwidth": [[1], [2, 3]]},
        ValueError,
        "range_bandwidth must be a regular array, got a sequence whose parts differ in length; make them equally long",
    ),
    (
        {"kernel": "square"},
        ValueError,
        "kernel must be one of 'flat', 'gaussian', 'epanechnikov', 'opencv', got 'square'",
    ),
    ({"tol": -1}, ValueError, "tol must be at least 0, got -1.0"),
    ({"tol": 1e300}, ValueError, "tol must be at most 1000000.0, got 1e+300"),
    ({"max_num_iter": 0}, ValueError, "max_num_iter must be at least 1, got 0"),
    ({"max_num_iter": 2**70}, ValueError, f"max_num_iter must be at most 1000000, got {2**70}"),
    ({"max_num_iter": 2.5}, TypeError, "max_num_iter must be an integer, got 2.5 of type float"),
    ({"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
    (
        {"kernel": "opencv", "spatial_bandwidth": 2.5},
        ValueError,
        "spatial_bandwidth must be a whole number for kernel='opencv', got 2.5",
    ),
    (
        {"kernel": "opencv", "range_bandwidth": [10, 20, 30]},
        ValueError,
        "range_bandwidth must be one number up to 442 for kernel='opencv', got 10, 20, 30",
    ),
    (
        {"kernel": "opencv", "range_bandwidth": 500},
        ValueError,
        "range_bandwidth must be one number up to 442 for kernel='opencv', got 500, 500, 500",
    ),
    (
        {"kernel": "opencv", "image": np.zeros((4, 4, 3), np.float32)},
        TypeError,
        "image must be uint8 with up to 3 channels for kernel='opencv', got float32 with 3; "
        "take kernel='flat' for other images",
    ),
    (
        {"kernel": "opencv", "image": np.zeros((4, 4, 4), np.uint8)},
        TypeError,
        "image must be uint8 with up to 3 channels for kernel='opencv', got uint8 with 4; "
        "take kernel='flat' for other images",
    ),
]


@pytest.mark.parametrize(("options", "error", "message"), OPTIONS)
def test_a_bad_option(options, error, message):
    arguments = {
        "image": np.zeros((9, 12, 3), np.uint8),
        "spatial_bandwidth": 3,
        "range_bandwidth": 20,
        **options,
    }
    with pytest.raises(error) as caught:
        mean_shift_filter(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("width", [1e-30, 1e-6, 1e6, 3e38])
@pytest.mark.parametrize("kernel", ["flat", "epanechnikov", "gaussian"])
def test_bandwidths_far_from_the_values(width, kernel):
    """Far below every difference all pixels stay; far above, a constant weight of value is left."""
    image = np.array([[1.0, 2.0, 3e10, -5e-10, 0.0]], np.float32)
    found = mean_shift_filter(image, 8, width, kernel=kernel, max_num_iter=1)
    assert np.isfinite(found).all()
    if width < 1e-8:
        np.testing.assert_array_equal(found, image)
    if width > 1e20 and kernel == "flat":
        np.testing.assert_allclose(found, np.full((1, 5), image.astype(float).mean()), atol=width * 1e-3)


def test_bandwidths_of_channels_far_apart():
    image = np.array([[[1.0, 5.0], [2.0, 9e30]]], np.float32)
    np.testing.assert_array_equal(mean_shift_filter(image, 2, [1e-30, 1e38]), image)
    np.testing.assert_array_equal(mean_shift_filter(image, 2, [1e-30, 1e-30]), image)
