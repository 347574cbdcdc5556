"""`kmeans` on CuPy arrays: what it gives on NumPy arrays, on the device of its input."""

import numpy as np
import pytest
from problems import photograph

import classicseg
from classicseg import kmeans, kmeans_frames, pixel_features

IMAGE = photograph((40, 53))
CELSIUS = photograph((40, 53), 2, np.float32)


def check_equal(cuda, on_device, on_host):
    assert isinstance(on_device.labels, cuda.cupy.ndarray)
    assert on_device.labels.dtype == np.int32
    assert np.array_equal(cuda.take(on_device.labels), on_host.labels)
    assert isinstance(on_device.centers, np.ndarray)
    assert np.array_equal(on_device.centers, on_host.centers)
    assert (on_device.n_iter, on_device.converged) == (on_host.n_iter, on_host.converged)
    assert on_device.inertia == pytest.approx(on_host.inertia, rel=1e-9)


@pytest.mark.parametrize("image", [IMAGE, CELSIUS], ids=["uint8", "float32"])
@pytest.mark.parametrize("init", ["subset", "random", "uniform", "k-means++"])
def test_every_start_gives_what_the_cpu_gives(cuda, image, init):
    options = {"init": init, "rng": 4, "max_num_iter": 20, "tol": 0.2}
    check_equal(cuda, kmeans(cuda.put(image), 5, **options), kmeans(image, 5, **options))


def test_given_centers_mask_and_weights(cuda, rng):
    mask = rng.random(IMAGE.shape[:2]) < 0.6
    weight = rng.uniform(0, 2, IMAGE.shape[:2])
    centers = IMAGE[::9, ::20].reshape(-1, 3)[:6]
    options = {"init": centers, "max_num_iter": 7}
    on_device = kmeans(cuda.put(IMAGE), 6, mask=cuda.put(mask), sample_weight=cuda.put(weight), **options)
    on_host = kmeans(IMAGE, 6, mask=mask, sample_weight=weight, **options)
    check_equal(cuda, on_device, on_host)
    assert np.array_equal(cuda.take(on_device.labels) == -1, ~mask)


def test_init_from_a_masked_image_draws_the_same_samples(cuda, rng):
    image = CELSIUS.copy()
    mask = rng.random(image.shape[:2]) < 0.5
    image[~mask] = np.nan
    for init in ("subset", "uniform"):
        options = {"init": init, "rng": 1, "tol": 0.1}
        on_device = kmeans(cuda.put(image), 3, mask=cuda.put(mask), **options)
        check_equal(cuda, on_device, kmeans(image, 3, mask=mask, **options))


def test_positions_inside_a_mask_on_the_device(cuda, rng):
    mask = rng.random(IMAGE.shape[:2]) < 0.5
    options = {"init": [[0, 0], [200, 100], [100, 30]], "max_num_iter": 5}
    on_device = kmeans(pixel_features(cuda.put(IMAGE), "xy", mask=cuda.put(mask)), 3, **options)
    check_equal(cuda, on_device, kmeans(pixel_features(IMAGE, "xy", mask=mask), 3, **options))


def test_centers_given_on_the_device(cuda):
    centers = np.float32([[0, 0, 0], [200, 100, 50]])
    on_device = kmeans(cuda.put(IMAGE), 2, init=cuda.put(centers))
    check_equal(cuda, on_device, kmeans(IMAGE, 2, init=centers))


def test_the_stop_is_seen_between_two_looks_of_the_host(cuda):
    """The host looks every 8th step; the number of steps is what the device did."""
    counts = set()
    for tol in (0.5, 1.0, 2.0, 4.0, 8.0):
        options = {"init": IMAGE[::13, ::17].reshape(-1, 3)[:5], "tol": tol}
        on_device, on_host = kmeans(cuda.put(IMAGE), 5, **options), kmeans(IMAGE, 5, **options)
        check_equal(cuda, on_device, on_host)
        counts.add(on_host.n_iter % cuda.kernels.CHECK_EVERY)
    assert len(counts) > 2


def test_predict_and_mean_image_stay_on_the_device(cuda):
    other = photograph((31, 20), seed=3)
    on_device, on_host = (kmeans(image, 4, rng=0) for image in (cuda.put(IMAGE), IMAGE))
    labels = on_device.predict(cuda.put(other))
    assert np.array_equal(cuda.take(labels), on_host.predict(other))
    assert isinstance(on_device.predict(other), np.ndarray)  # where the input lies
    assert np.array_equal(cuda.take(on_device.mean_image()), on_host.mean_image())


def test_what_comes_to_the_host_does_not_grow_with_the_image(emulated):
    transfers = []
    for shape in ((40, 53), (80, 106)):
        image = emulated.put(photograph(shape))
        emulated.cupy.transfers = 0
        kmeans(image, 3, init=np.array([[20.0, 20, 20], [120, 120, 120], [220, 220, 220]]), max_num_iter=16, tol=0)
        transfers.append(emulated.cupy.transfers)
    assert transfers[0] == transfers[1] <= 5  # two looks and the end, centers, partial inertias


def test_the_input_is_not_changed(cuda):
    image = cuda.put(IMAGE)
    kmeans(image, 3, rng=0)
    assert np.array_equal(cuda.take(image), IMAGE)


@pytest.mark.parametrize("argument", ["mask", "sample_weight"])
def test_arguments_that_lie_apart_are_refused(cuda, argument):
    values = np.ones(IMAGE.shape[:2], np.uint8)
    with pytest.raises(
        TypeError, match=rf"{argument} must lie where features does, got {argument} in host memory and "
    ):
        kmeans(cuda.put(IMAGE), 2, **{argument: values})
    with pytest.raises(TypeError, match=rf"pass classicseg.to_device\({argument}, 'cpu'\)"):
        kmeans(IMAGE, 2, **{argument: cuda.put(values)})


def test_bad_input_is_told_as_on_the_cpu(cuda):
    broken = CELSIUS.copy()
    broken[3, 4] = np.nan
    for image, complaint in (
        (broken, "features must be finite, got 1 NaN"),
        (IMAGE[..., 0, None].T[0, 0], "n_features"),
    ):
        with pytest.raises(ValueError, match=complaint):
            kmeans(cuda.put(np.ascontiguousarray(image)), 2)
    with pytest.raises(ValueError, match="mask must mark at least one"):
        kmeans(cuda.put(IMAGE), 2, mask=cuda.put(np.zeros(IMAGE.shape[:2], bool)))
    with pytest.raises(ValueError, match="sample_weight must not be negative"):
        kmeans(cuda.put(IMAGE), 2, sample_weight=cuda.put(np.full(IMAGE.shape[:2], -1.0)))


def test_integers_that_no_kernel_reads_are_converted(cuda):
    image = IMAGE.astype(np.int64)
    check_equal(cuda, kmeans(cuda.put(image), 3, rng=0), kmeans(image, 3, rng=0))


def test_functions_of_the_cpu_say_so(cuda):
    labels = kmeans(cuda.put(IMAGE), 2, rng=0).labels
    with pytest.raises(TypeError, match=r"labels is a CuPy array, .* pass classicseg.to_device\(labels, 'cpu'\)"):
        classicseg.merge_small_regions(labels, 4)


def test_a_device_that_is_too_old_is_told(emulated, monkeypatch):
    class Turing(emulated.cupy.cuda.Device):
        def __init__(self, device=None):
            super().__init__(device)
            self.compute_capability = "75"

    monkeypatch.setattr(emulated.cupy.cuda, "Device", Turing)
    with pytest.raises(
        classicseg.DeviceError, match=r"need compute capability 8\.0 or newer, this device has 7\.5; pass "
    ):
        kmeans(emulated.put(IMAGE), 2)


@pytest.mark.parametrize("tol", [None, 0.0, 0.3])
def test_frames_are_clustered_together_on_the_device(cuda, tol):
    """Two kinds of frames, of different ranges: each stops by itself, as on the CPU."""
    frames = [photograph((14, 15), 1, np.float32, seed) * np.float32(10.0**seed) for seed in range(3)]
    frames += [photograph((9, 12), 1, np.float32, 7), photograph((14, 15), 1, np.uint8, 8)]
    options = {"init": "random", "rng": 2, "tol": tol, "max_num_iter": 19}
    on_device, on_host = (kmeans_frames([put(frame) for frame in frames], 3, **options) for put in (cuda.put, np.array))
    for one, other in zip(on_device, on_host, strict=True):
        check_equal(cuda, one, other)
    assert len({one.n_iter for one in on_host}) > 1


def test_frames_lie_on_one_device(cuda):
    with pytest.raises(TypeError, match=r"frames\[1\] must lie where frames\[0\] does"):
        kmeans_frames([IMAGE, cuda.put(IMAGE)], 2)
