"""Boundary scores against what the authors of the Berkeley benchmark published for five images.

Their matcher works on a graph with random edges: four runs on the same boundaries gave four answers. Ours finds the
most pairs there are, so it never counts fewer true pixels than they do.
"""

import naive_boundaries as naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage
from scipy.io import loadmat

from classicseg.metrics import boundary_counts, boundary_map, boundary_sweep, match_boundaries, thin

IDS = ("2018", "3063", "5096", "6046", "8068")
# Outputs, and what they were made from: a contour map at 5 thresholds (also as a picture of 8 bits), or 5 label images.
RUNS = {"test_1": "ucm2", "test_2": "ucm2", "test_3": "segs", "test_4": "segs"}
# What the random edges cost their runs: of all true pixels of five images, of those of one image, and in the scores.
FEWER, FEWER_IN_ONE, CONFIRMED, SCORE, SCORE_OF_ONE = 0.0005, 0.0015, 0.0015, 0.0005, 0.0012


def annotators(path):
    cells = [cell[0, 0] for cell in loadmat(path)["groundTruth"][0]]
    return [(cell["Segmentation"], cell["Boundaries"] > 0) for cell in cells]


@pytest.fixture(scope="module")
def oracle(test_data):
    folder = test_data / "bsds" / "bench_oracle"
    if not folder.is_dir():
        pytest.skip("CLASSICSEG_TEST_DATA holds no bsds/bench_oracle")
    return folder


@pytest.fixture(scope="module")
def counted(oracle):
    """Our counts of the five images, from the contour maps and from the label images."""
    counts = {"ucm2": [], "segs": []}
    for name in IDS:
        drawn = [boundaries for _, boundaries in annotators(oracle / "groundTruth" / f"{name}.mat")]
        strength = loadmat(oracle / "ucm2" / f"{name}.mat")["ucm2"][2::2, 2::2]  # pixels lie between cracks
        labels = loadmat(oracle / "segs" / f"{name}.mat")["segs"][0]
        counts["ucm2"].append(boundary_counts(drawn, strength, thresholds=5))
        counts["segs"].append(boundary_counts(drawn, [boundary_map(one) for one in labels]))
    return counts


def test_drawn_boundaries_are_the_thinned_ones_of_the_drawn_regions(oracle):
    for name in IDS:
        for labels, boundaries in annotators(oracle / "groundTruth" / f"{name}.mat"):
            assert_array_equal(thin(boundary_map(labels)), boundaries)


@pytest.mark.parametrize("run", RUNS)
def test_counts_per_threshold(oracle, counted, run):
    counts = counted[RUNS[run]]
    _, recall, precision, f = np.loadtxt(oracle / run / "eval_bdry_thr.txt").T
    n_recall = sum(one.n_recall for one in counts)
    n_precision = sum(one.n_precision for one in counts)
    theirs = whole(recall * n_recall)
    more = sum(one.tp_recall for one in counts) - theirs
    assert more.min() >= 0
    assert (more / n_recall).max() < FEWER
    confirmed = sum(one.tp_precision for one in counts) - whole(precision * n_precision)
    assert (np.abs(confirmed) / n_precision).max() < CONFIRMED
    assert_allclose(boundary_sweep(counts).f, f, atol=SCORE)


def whole(counts):
    """Return the counts that six digits of their quotient give: they come out whole only if all of them is right."""
    assert_allclose(counts, counts.round(), atol=0.05)
    return counts.round()


@pytest.mark.parametrize("run", RUNS)
def test_counts_of_each_image_at_its_best_setting(oracle, counted, run):
    rows = np.loadtxt(oracle / run / "eval_bdry_img.txt")
    assert len(rows) == len(IDS)
    for (_, best, recall, precision, f), one in zip(rows, counted[RUNS[run]]):
        levels = np.arange(1, 6) if one.thresholds is None else one.thresholds
        i = int(np.abs(levels - best).argmin())
        more = one.tp_recall[i] - whole(recall * one.n_recall[i])
        assert 0 <= more < FEWER_IN_ONE * one.n_recall[i]
        confirmed = one.tp_precision[i] - whole(precision * one.n_precision[i])
        assert abs(confirmed) < CONFIRMED * one.n_precision[i]
        sweep = boundary_sweep([one])
        assert sweep.best_setting == i
        assert sweep.ods.f == pytest.approx(f, abs=SCORE_OF_ONE)


@pytest.mark.parametrize("run", RUNS)
def test_best_scores_and_area(oracle, counted, run):
    best, *ods, ois_recall, ois_precision, ois_f, area = np.loadtxt(oracle / run / "eval_bdry.txt")
    found = boundary_sweep(counted[RUNS[run]])
    assert_allclose([found.ods.recall, found.ods.precision, found.ods.f], ods, atol=SCORE)
    assert_allclose(
        [found.ois.recall, found.ois.precision, found.ois.f], [ois_recall, ois_precision, ois_f], atol=SCORE
    )
    assert found.average_precision == pytest.approx(area, abs=SCORE)
    if found.best_threshold is None:
        assert found.best_setting == best - 1
    else:
        assert found.best_threshold == pytest.approx(best, abs=1e-6)


def test_contour_maps_and_label_images_hold_the_same_boundaries(counted):
    for from_contours, from_labels in zip(counted["ucm2"], counted["segs"]):
        for name in ("tp_recall", "n_recall", "tp_precision", "n_precision"):
            assert_array_equal(getattr(from_contours, name), getattr(from_labels, name))


@pytest.mark.parametrize("method", ["EGB_0.8_800_50", "MShift_7_9_2200", "NCut_40"])
def test_published_files_count_the_same_true_pixels(test_data, method):
    """Per image F, P, R, then the counts of recall and of precision."""
    folder = test_data / "metrics" / "bsds_classical"
    if not folder.is_dir():
        pytest.skip("CLASSICSEG_TEST_DATA holds no metrics/bsds_classical")
    names = (folder / "val_ids.txt").read_text().split()
    rows = dict(zip(names, np.loadtxt(folder / f"val_fb_{method}.txt")))
    paths = sorted((test_data / "bsds" / "groundTruth" / "val").glob("*.mat"))
    assert len(paths) >= 14
    for path in paths:
        drawn = [boundaries for _, boundaries in annotators(path)]
        nothing = boundary_counts(drawn, np.zeros_like(drawn[0]))
        f, precision, recall, tp_recall, n_recall, tp_precision, n_precision = rows[path.stem]
        assert nothing.n_recall[0] == n_recall
        assert_allclose([tp_recall / n_recall, tp_precision / n_precision], [recall, precision], atol=1e-6)
        assert f == pytest.approx(naive.f_of(recall, precision), abs=1e-6)


# --- The same on a generated scene ----------------------------------------------------------------------------


def scene(rng, shape=(61, 83)):
    """Regions as a fine and a coarse annotator draw them, and their contour map on the grid of twice the size."""
    height = ndimage.gaussian_filter(rng.standard_normal(shape), 5)
    fine = np.digitize(height, np.quantile(height, [0.3, 0.5, 0.8]))
    coarse = (ndimage.shift(height, (1, -1), mode="nearest") > np.quantile(height, 0.5)).astype(int)
    contours = np.zeros((2 * shape[0] + 1, 2 * shape[1] + 1))
    for level, labels in ((0.3, fine), (0.8, np.minimum(fine, 2) // 2)):
        contours[2::2, 2::2] = np.where(boundary_map(labels), level, contours[2::2, 2::2])
    return fine, coarse, contours


def test_contour_maps_and_label_images_agree_on_a_generated_scene(rng):
    fine, coarse, contours = scene(rng)
    drawn = [thin(boundary_map(labels)) for labels in (fine, coarse)]
    from_contours = boundary_counts(drawn, contours[2::2, 2::2], thresholds=[0.25, 0.75])
    maps = [boundary_map(fine), boundary_map(np.minimum(fine, 2) // 2)]
    from_labels = boundary_counts(drawn, maps)
    for name in ("tp_recall", "n_recall", "tp_precision", "n_precision"):
        assert_array_equal(getattr(from_contours, name), getattr(from_labels, name))
    for i, one in enumerate(naive.thin(one) for one in maps):
        assert from_labels.tp_recall[i] == sum(naive.match(true, one)[0] for true in drawn)
        assert from_labels.n_precision[i] == one.sum()
        confirmed = {tuple(p) for true in drawn for p in match_boundaries(true, one).pixels_pred.tolist()}
        assert from_labels.tp_precision[i] == len(confirmed)
    assert from_labels.tp_precision[0] == from_labels.n_precision[0]  # drawn by the fine annotator himself
    sweep = boundary_sweep([from_labels, from_labels])
    best, own, area = naive.sweep(
        np.stack(
            [np.stack([getattr(from_labels, n) for n in ("tp_recall", "n_recall", "tp_precision", "n_precision")], 1)]
            * 2
        )
    )
    assert_allclose([sweep.ods.f, sweep.ois.f, sweep.average_precision], [best[2], own[2], area])
