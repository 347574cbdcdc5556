"""The quality benchmark on a small generated data set; no test looks at a clock."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import graph as skimage_graph

from classicseg import RegionPairs

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks are run from a checkout and never installed

from benchmarks.quality import ours, peers, plot, report, run, score  # noqa: E402
from benchmarks.quality.data import LAYOUT, SPLITS, pictures_of, read_image, read_truth  # noqa: E402
from benchmarks.quality.generated import COUNTS, SHAPE, borders, write_data_set  # noqa: E402
from benchmarks.quality.judge import MEASURES  # noqa: E402
from benchmarks.quality.methods import METHODS, Method, sweep  # noqa: E402
from benchmarks.quality.score import FIELDS, label_scores, score_picture  # noqa: E402

BOUNDARY = MEASURES[3]


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return write_data_set(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def picture(data_set):
    return pictures_of(data_set)[0]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of results of the command that users type, at its smallest."""
    folder = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "benchmarks", "quality", "--tiny", "--processes", "2", "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, done


def result_in(folder):
    (path,) = folder.glob("quality-[0-9]*.json")
    return json.loads(path.read_text(encoding="utf-8"))


# The data


def test_pictures_come_with_their_truth_split_by_split(data_set):
    found = pictures_of(data_set)
    assert [picture.split for picture in found] == ["train"] * COUNTS["train"] + ["val"] * COUNTS["val"]
    for picture in found:
        image, truth = read_image(picture.image), read_truth(picture.truth)
        assert image.shape == (*SHAPE, 3)
        assert truth.labels.shape == truth.boundaries.shape == (3, *SHAPE)
        assert all(np.array_equal(borders(labels), drawn) for labels, drawn in zip(truth.labels, truth.boundaries))


@pytest.mark.parametrize("inside", ["data", "bsds", "BSDS500/data"])
def test_the_layout_is_found_inside(tmp_path, inside):
    write_data_set(tmp_path / inside, counts={"train": 1, "val": 1})
    assert [picture.name for picture in pictures_of(tmp_path)] == ["0000", "1000"]


def test_the_test_split_is_not_looked_at(tmp_path):
    write_data_set(tmp_path, counts={"train": 1, "val": 1, "test": 1})
    assert {picture.split for picture in pictures_of(tmp_path)} == {"train", "val"}


def test_a_folder_without_the_layout_is_told_so(tmp_path):
    with pytest.raises(SystemExit, match="holds no segmented pictures; expected images/"):
        pictures_of(tmp_path)
    for part in ("images", "groundTruth"):
        for split in SPLITS:
            (tmp_path / part / split).mkdir(parents=True)
    with pytest.raises(SystemExit) as caught:
        pictures_of(tmp_path)
    assert str(caught.value) == f"{tmp_path} has no pictures for train; it must hold {LAYOUT}"


def test_a_picture_without_truth_is_named(tmp_path):
    write_data_set(tmp_path)
    (tmp_path / "groundTruth" / "val" / "1001.mat").unlink()
    with pytest.raises(SystemExit, match=r"1001\.jpg has no 1001\.mat in groundTruth/val; add it"):
        pictures_of(tmp_path)


def test_the_data_set_is_the_same_every_time(data_set, tmp_path):
    write_data_set(tmp_path)
    for one, other in zip(pictures_of(data_set), pictures_of(tmp_path), strict=True):
        assert np.array_equal(read_image(one.image), read_image(other.image))
        assert np.array_equal(read_truth(one.truth).labels, read_truth(other.truth).labels)


def test_bsds_truth_is_read(test_data):
    folder = test_data / "bsds"
    if not folder.is_dir():
        pytest.skip("no bsds in CLASSICSEG_TEST_DATA")
    found = pictures_of(test_data)
    assert [sum(picture.split == split for picture in found) for split in SPLITS] == [26, 14]
    truth = read_truth(found[0].truth)
    assert truth.labels.shape == truth.boundaries.shape == (len(truth.labels), 321, 481)
    assert 5 <= len(truth.labels) <= 9
    assert 0 < truth.boundaries.mean() < 0.1


# The methods


def test_names_of_files_are_unique():
    assert len({method.slug for method in METHODS}) == len(METHODS)


def test_a_sweep_is_every_combination():
    assert sweep(a=(1, 2), b=(3,)) == ({"a": 1, "b": 3}, {"a": 2, "b": 3})


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.slug)
def test_every_method_segments_at_both_ends_of_its_sweep(method, picture):
    if run.missing(method.packages):
        pytest.skip(f"{method.packages} not installed")
    image = read_image(picture.image)
    before = image.copy()
    prepared = method.prepare(image)
    first, last, again = (np.asarray(method.segment(prepared, **method.settings[i])) for i in (0, -1, 0))
    for labels in (first, last):
        assert labels.shape == SHAPE
        assert labels.dtype.kind in "iu"
    assert np.array_equal(first, again)  # what settings share is not changed by any of them
    assert np.array_equal(image, before)


def test_merging_here_and_there_is_the_same(picture):
    """Where both start from the same superpixels."""
    image = read_image(picture.image)
    mine = ours.tree_of_colours(image)
    theirs = peers.Graph(image, mine.labels, skimage_graph.rag_mean_color(image, mine.labels))
    for threshold in (5, 20, 60):
        found, expected = ours.cut(mine, threshold=threshold), peers.merge_hierarchical(theirs, threshold=threshold)
        assert len(np.unique(np.stack([found, expected]).reshape(2, -1), axis=1).T) == len(np.unique(found))
        assert len(np.unique(found)) == len(np.unique(expected))


def test_neighbours_are_as_unlike_as_colours_and_border_say_and_less_where_small():
    pairs = RegionPairs(np.array([[400, 9000], [25, 400]]), np.zeros((2, 2, 3)), np.ones(2, int), np.array([30.0, 30]))
    pairs.mean[:, 1] = 3, 0, 4
    assert np.allclose(ours.unlike(pairs), [17.5, 17.5 / 16**0.2])


def test_the_same_clusters_give_the_same_regions_here_and_there(picture):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed; it comes with the extra benchmarks")
    image = read_image(picture.image)
    mine = ours.kmeans_colour(image, n_clusters=2, min_size=200)
    assert np.array_equal(mine, peers.sklearn_kmeans(image, n_clusters=2, min_size=200))


def test_alike_joins_neighbours_step_by_step():
    image = np.array([[0, 2, 4, 9], [50, 52, 6, 60], [49, 20, 22, 61]], np.uint8)[..., None].repeat(3, axis=2)
    image[1, 3, 1] = 70  # one channel differs
    found = peers.alike(image, 2)
    assert found.tolist() == [[0, 0, 0, 1], [2, 2, 0, 3], [2, 4, 4, 5]]


def test_merging_reaches_one_region_and_keeps_the_means():
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 10:] = 90
    labels = np.repeat(np.repeat(np.arange(1, 5).reshape(2, 2), 10, 0), 10, 1)
    from skimage.graph import rag_mean_color

    start = peers.Graph(image, labels, rag_mean_color(image, labels))
    totals = [start.graph.nodes[i]["total color"].copy() for i in range(1, 5)]
    two = peers.merge_hierarchical(start, threshold=10)
    assert len(np.unique(two)) == 2
    assert len(np.unique(two[:, :10])) == len(np.unique(two[:, 10:])) == 1
    assert len(np.unique(peers.merge_hierarchical(start, threshold=1000))) == 1
    assert np.array_equal(peers.merge_hierarchical(start, threshold=10), two)
    assert np.array_equal([start.graph.nodes[i]["total color"] for i in range(1, 5)], totals)  # for the next setting


# One method on one picture


def naive_scores(truth, labels):
    """Covering sums, Rand index and variation of information by the definitions, region by region."""
    covered, area, rand, variation = 0.0, 0, [], []
    for drawn in truth.labels:
        for value in np.unique(drawn):
            inside = drawn == value
            overlaps = [(inside & (labels == b)).sum() / (inside | (labels == b)).sum() for b in np.unique(labels)]
            covered += inside.sum() * max(overlaps)
            area += inside.sum()
        p, q = np.unique(drawn, return_inverse=True)[1].ravel(), np.unique(labels, return_inverse=True)[1].ravel()
        joint = np.zeros((p.max() + 1, q.max() + 1))
        np.add.at(joint, (p, q), 1)
        pairs = [(table * (table - 1) / 2).sum() for table in (joint, joint.sum(1), joint.sum(0))]
        all_pairs = p.size * (p.size - 1) / 2
        rand.append((all_pairs + 2 * pairs[0] - pairs[1] - pairs[2]) / all_pairs)
        h = [-(x[x > 0] / p.size * np.log2(x[x > 0] / p.size)).sum() for x in (joint, joint.sum(1), joint.sum(0))]
        variation.append(2 * h[0] - h[1] - h[2])
    return {"covered": covered, "area": area, "rand": np.mean(rand), "variation": np.mean(variation)}


def test_scores_are_those_of_the_definitions(picture):
    truth = read_truth(picture.truth)
    labels = ours.kmeans_colour(read_image(picture.image), n_clusters=4, min_size=100)
    found = label_scores(truth, labels)
    for name, value in naive_scores(truth, labels).items():
        assert np.isclose(found[name], value, rtol=1e-9), name
    assert found["labels"] == len(np.unique(labels))


def test_an_annotator_is_right_by_their_own_measure(picture):
    truth = read_truth(picture.truth)
    alone = truth._replace(labels=truth.labels[:1], boundaries=truth.boundaries[:1])
    found = label_scores(alone, truth.labels[0])
    assert found["covered"] == found["area"] == truth.labels[0].size
    assert found["rand"] == 1
    assert found["variation"] == 0
    assert found["n_recall"] == truth.boundaries[0].sum()
    assert found["tp_recall"] / found["n_recall"] > 0.85  # lines of one pixel against lines that are thicker in corners
    assert found["tp_precision"] / found["n_precision"] > 0.95


def test_felzenszwalb_gets_the_scores_that_others_published(test_data):
    """Boundary F of the original program at sigma 0.8, k 800, min 50, against scikit-image's, by our own counts.

    J. Pont-Tuset, F. Marques, "Supervised Evaluation of Image Segmentation and Object Proposal Techniques", IEEE
    TPAMI 38(7), 2016, doi:10.1109/TPAMI.2015.2481406.
    """
    folder = test_data / "metrics" / "bsds_classical"
    if not folder.is_dir():
        pytest.skip("no metrics/bsds_classical in CLASSICSEG_TEST_DATA")
    segmentation = pytest.importorskip("skimage.segmentation")
    names = (folder / "val_ids.txt").read_text().split()
    published = dict(zip(names, np.loadtxt(folder / "val_fb_EGB_0.8_800_50.txt")[:, 3:]))
    ours, theirs = [], []
    for picture in pictures_of(test_data):
        if picture.split == "val":
            labels = segmentation.felzenszwalb(read_image(picture.image), 800, sigma=0.8, min_size=50)
            found = label_scores(read_truth(picture.truth), labels)
            ours.append([found[name] for name in ("tp_recall", "n_recall", "tp_precision", "n_precision")])
            theirs.append(published[picture.name])
    ours, theirs = np.array(ours), np.array(theirs)
    assert np.array_equal(ours[:, 1], theirs[:, 1])  # pixels that people drew
    names = ("tp_recall", "n_recall", "tp_precision", "n_precision")
    pooled = [BOUNDARY.pool(dict(zip(names, counts.T))) for counts in (ours, theirs)]
    assert np.isclose(*pooled, atol=0.002)
    alone = [BOUNDARY.pool(dict(zip(names, counts.T[:, None]))) for counts in (ours, theirs)]
    assert np.median(np.abs(alone[0] - alone[1])) < 0.01  # the two programs break ties in their own ways


def test_every_setting_gets_a_record(picture):
    method = METHODS[0]
    records = score_picture(picture, method, method.settings[:2])
    assert [record["setting"] for record in records] == [dict(setting) for setting in method.settings[:2]]
    for record in records:
        assert record.keys() == {*FIELDS, "setting", "failed"}
        assert record["failed"] is None
        assert record["seconds"] >= 0


def test_a_setting_that_fails_counts_as_one_region(picture):
    def segment(image, *, good):
        if good:
            return np.arange(image[..., 0].size).reshape(image.shape[:2]) // 3000
        raise RuntimeError("no convergence")

    good, bad = score_picture(
        picture, Method("m", "lib", segment, sweep(good=(True, False))), sweep(good=(True, False))
    )
    assert good["failed"] is None
    assert bad["failed"] == "RuntimeError: no convergence"
    assert bad["labels"] == 1
    assert bad["area"] == good["area"]
    expected = naive_scores(read_truth(picture.truth), np.ones(SHAPE, int))
    assert np.isclose(bad["covered"], expected["covered"])


def test_the_first_call_is_not_counted_and_shared_work_is(picture, monkeypatch):
    calls, clock = [], iter(range(100))
    monkeypatch.setattr(score.time, "process_time", lambda: float(next(clock)))
    monkeypatch.setattr(score, "_warm", set())

    def prepare(image):
        calls.append("prepare")
        return image

    def segment(image, *, n):
        calls.append(n)
        next(clock)  # a second of work
        return np.full(image.shape[:2], n)

    method = Method("m", "lib", segment, sweep(n=(1, 2)), prepare=prepare)
    records = score_picture(picture, method, method.settings)
    assert calls == ["prepare", 1, "prepare", 1, 2]
    assert [record["seconds"] for record in records] == [3.0, 3.0]  # one tick to prepare, two per call
    score_picture(picture, method, method.settings)
    assert calls[5:] == ["prepare", 1, 2]


# The run


def test_the_command_runs_every_method_and_tells_the_progress(finished):
    folder, done = finished
    result = result_in(folder)
    names = {f"{method['library']} {method['name']}" for method in result["methods"]} | result["not_run"].keys()
    assert names == {f"{method.library} {method.name}" for method in METHODS}
    count = len(result["methods"]) * sum(COUNTS.values())
    assert f"quality: {count} of {count} methods × pictures, 0 s to go" in done.stderr
    assert result["pictures"] == COUNTS
    assert result["data"] == "generated"
    assert f"wrote quality-{result['date']}.json" in done.stdout
    assert report.table(result) in done.stdout


def test_scores_of_the_run_are_in_range(finished):
    for method in result_in(finished[0])["methods"]:
        assert sum(method["failed"].values()) == 0, method["name"]
        for split in SPLITS:
            for name in ("covering", "rand", "boundary_f"):
                assert 0 < method[split][name] <= 1
        for name, sign in {"covering": 1, "rand": 1, "variation": -1}.items():  # F is of pooled counts: no such bound
            assert sign * (method["best_per_picture"][name] - method["val"][name]) >= 0
        assert set(method["per_picture"]) == {"1000", "1001"}
        assert all(setting in method["sweep"] for setting in method["chosen"].values())
        assert method["seconds"] > 0


def test_results_have_no_private_name(finished):
    import getpass
    import platform

    (path,) = finished[0].glob("quality-[0-9]*.json")
    text = path.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert str(finished[0]) not in text
    assert platform.node() not in text.split('"')
    assert getpass.getuser() not in text.split('"')


def test_what_is_done_is_not_done_again(finished, tmp_path, capsys, data_set):
    pictures, (method, *_) = pictures_of(data_set), METHODS
    run.run_methods(pictures[:2], [method], tmp_path, processes=1, tiny=True)
    parts = sorted(tmp_path.rglob("*.json"))
    before = [part.stat().st_mtime_ns for part in parts]
    parts[0].write_text("{")  # as a crash of the disk might leave it
    capsys.readouterr()
    run.run_methods(pictures[:2], [method], tmp_path, processes=1, tiny=True)
    assert "quality: 1 of 2 are done from an earlier run" in capsys.readouterr().err
    assert json.loads(parts[0].read_text())["records"]
    assert parts[1].stat().st_mtime_ns == before[1]
    assert (tmp_path / ".gitignore").read_text() == "*\n"
    assert not list(tmp_path.rglob("*.partial"))


def test_records_are_kept_only_while_nothing_changed(data_set, tmp_path, monkeypatch):
    pictures, (method, *_) = pictures_of(data_set)[:1], METHODS

    def prints():
        (task,) = run.tasks_of(pictures, [method], tmp_path, tiny=False)
        return task.fingerprint

    first = prints()
    assert prints() == first
    with monkeypatch.context() as patch:
        patch.setattr(run, "sources_digest", lambda: "another")
        assert prints() != first
    with monkeypatch.context() as patch:
        patch.setattr(run, "versions", lambda names: {"numpy": "0"})
        assert prints() != first
    with monkeypatch.context() as patch:
        patch.setattr(run.Picture, "digest", lambda self: "another")
        assert prints() != first
    (task,) = run.tasks_of(pictures, [dataclasses.replace(method, settings=method.settings[:1])], tmp_path, tiny=False)
    assert task.fingerprint != first


def test_names_in_the_plot_cover_no_mark_and_no_other_name(rng):
    """Many methods of nearly the same time and score, as there are."""
    figure_of = pytest.importorskip("matplotlib.figure").Figure
    methods = [
        {
            "name": f"a method, number {i}",
            "library": "classicseg",
            "seconds": 0.01 * 1.2 ** float(rng.normal()),
            "val": {"covering": (score := 0.5 + 0.01 * float(rng.normal()))},
            "best_per_picture": {"covering": score + 0.05},
        }
        for i in range(8)
    ]
    figure = figure_of(figsize=(13, 6.6), layout="constrained")
    texts = plot.panel(figure.subplots(1, 2)[0], methods, "covering")
    plot.part(figure, texts)
    names, marks = [text.get_window_extent() for text in texts], [plot.mark_of(text) for text in texts]
    for i, name in enumerate(names):
        assert not any(name.overlaps(other) for other in (*names[:i], *marks))
        off = max(marks[i].x0 - name.x1, name.x0 - marks[i].x1), max(marks[i].y0 - name.y1, name.y0 - marks[i].y1)
        assert max(off) < 100  # pixels from its own
    assert len({text.get_text() for text in texts}) == len(methods)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("classicseg/metrics/_a.py", True),
        ("benchmarks/quality/peers.py", True),
        ("benchmarks/quality/methods.py", False),  # settings count by themselves, so a new method leaves the others
        ("benchmarks/quality/report.py", False),
    ],
)
def test_a_source_that_records_depend_on_changes_the_digest(tmp_path, name, counts):
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text("a = 1")
    first = run.sources_digest(tmp_path)
    assert run.sources_digest(tmp_path) == first
    file.write_text("a = 2")
    assert (run.sources_digest(tmp_path) != first) == counts


def test_a_missing_library_is_told_and_the_others_run():
    gone = Method("m", "lib", ours.kmeans_lab, METHODS[0].settings, packages=("no-such-distribution",))
    here, absent = run.available([METHODS[0], gone])
    assert here == [METHODS[0]]
    assert absent == {gone.slug: "no-such-distribution is not installed"}
