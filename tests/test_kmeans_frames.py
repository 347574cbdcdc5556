"""k-means of many frames: each as `kmeans` gives it."""

import numpy as np
import pytest

from classicseg import kmeans, kmeans_frames, pixel_features


def frames_of(rng, n=5, shape=(20, 24)):
    """Frames in °C of different ranges, which come to rest after different numbers of iterations."""
    return [rng.normal(20, 0.5 + 4 * b, shape).astype(np.float32) for b in range(n)]


def assert_same(found, expected):
    assert np.array_equal(found.labels, expected.labels)
    assert np.array_equal(found.centers, expected.centers)
    assert (found.inertia, found.n_iter, found.converged) == (expected.inertia, expected.n_iter, expected.converged)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("options", [{}, {"init": "random", "tol": 0}, {"init": "uniform", "max_num_iter": 3}])
def test_every_frame_gets_what_kmeans_gives_it(rng, n_threads, options):
    given = [pixel_features(frame, "Txy") for frame in frames_of(rng)]
    found = kmeans_frames(given, 4, rng=1, n_threads=n_threads, **options)
    for one, frame in zip(found, given, strict=True):
        assert_same(one, kmeans(frame, 4, rng=1, **options))
    assert len({one.n_iter for one in found}) > 1 or options.get("tol") != 0


def test_frames_of_other_shapes_dtypes_and_tolerances(rng):
    """The default tolerance of 8 bits is another one than that of floats."""
    small = rng.integers(0, 256, (9, 11, 2), np.uint8)
    masked = pixel_features(frames_of(rng)[3], "T", mask=rng.random((20, 24)) < 0.5)
    given = [small, rng.random((30, 2)), masked, small[::2] * 3]
    for one, frame in zip(kmeans_frames(given, 3, rng=5), given, strict=True):
        assert_same(one, kmeans(frame, 3, rng=5))


def test_an_array_is_its_first_axis_of_frames(rng):
    frames = rng.integers(0, 256, (3, 8, 9, 3), np.uint8)
    for one, frame in zip(kmeans_frames(frames, 2, rng=0), frames, strict=True):
        assert_same(one, kmeans(frame, 2, rng=0))


def test_a_generator_is_drawn_from_in_turn(rng):
    frames = frames_of(rng)
    generator = np.random.default_rng(3)
    expected = [kmeans(frame[..., None], 3, rng=generator) for frame in frames]
    found = kmeans_frames([frame[..., None] for frame in frames], 3, rng=np.random.default_rng(3))
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_frames_of_any_scale(rng, scale):
    frames = [(frame[..., None] * scale).astype(np.float32) for frame in frames_of(rng)]
    tol = 0.01 * scale
    for one, frame in zip(kmeans_frames(frames, 3, rng=0, tol=tol), frames, strict=True):
        assert_same(one, kmeans(frame, 3, rng=0, tol=tol))


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        ([], ValueError, "frames must hold at least one frame, got none"),
        (3, TypeError, "frames must be a sequence of frames, got int; put a single one in a list"),
        ([np.ones((4, 2)), np.full((4, 2), np.nan)], ValueError, r"frames\[1\]: features must be finite"),
        ([np.ones((4, 2)), np.ones((2, 2))], ValueError, "n_clusters must be at most 2, got 3"),
    ],
)
def test_frames_that_cannot_be_clustered(frames, error, message):
    with pytest.raises(error, match=message):
        kmeans_frames(frames, 3)


def test_one_features_object_is_no_sequence(rng):
    with pytest.raises(TypeError, match="frames must be a sequence of frames, got PixelFeatures"):
        kmeans_frames(pixel_features(rng.random((4, 4, 3)), "RGB"), 2)
