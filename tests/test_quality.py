"""The quality benchmark on a small generated data set; no test looks at a clock."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks are run from a checkout and never installed

from benchmarks import table as tables  # noqa: E402
from benchmarks.quality import ours, peers, plot, report, run, score  # noqa: E402
from benchmarks.quality.data import LAYOUT, SPLITS, pictures_of, read_image, read_truth  # noqa: E402
from benchmarks.quality.generated import COUNTS, SHAPE, borders, write_data_set  # noqa: E402
from benchmarks.quality.judge import MEASURES, Scores, Training, Validation  # noqa: E402
from benchmarks.quality.methods import METHODS, Method, sweep  # noqa: E402
from benchmarks.quality.score import FIELDS, label_scores, score_picture  # noqa: E402

COVERING, RAND, VARIATION, BOUNDARY = MEASURES


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


# Choosing and judging


def records(*rows):
    """Records of pictures a, b, …; one row of (covered, rand, variation, tp) per picture."""
    names = ("covered", "rand", "variation", "tp_recall")
    made = {}
    for picture, row in zip("abcdef", rows):
        made[picture] = [
            dict(zip(names, values))
            | {"area": 100, "n_recall": 10, "tp_precision": values[3], "n_precision": 10, "labels": 2 + i}
            | {"seconds": 0.25 * (i + 1), "setting": {"n": i}, "failed": None}
            for i, values in enumerate(row)
        ]
    return made


ROWS = (
    [(60, 0.5, 3.0, 2), (80, 0.4, 1.0, 8), (50, 0.9, 2.0, 5)],
    [(90, 0.6, 2.0, 9), (40, 0.5, 2.5, 1), (50, 0.7, 1.0, 5)],
)


def test_each_measure_chooses_its_own_setting():
    choice = Training(Scores.of(records(*ROWS), FIELDS)).choose()
    assert choice.setting == {"covering": 0, "rand": 2, "variation": 2, "boundary_f": 0}
    assert np.allclose(list(choice.score.values()), [0.75, 0.8, 1.5, 0.55])
    assert choice.pictures == ("a", "b")


def test_of_equal_settings_the_first_is_chosen():
    row = [(50, 0.5, 2.0, 5)] * 3
    assert set(Training(Scores.of(records(row), FIELDS)).choose().setting.values()) == {0}


def test_a_choice_is_judged_on_other_pictures_only():
    training = Training(Scores.of(records(*ROWS), FIELDS))
    values = {
        f"val-{name}": row for name, row in records([(30, 0.2, 4.0, 3), (70, 0.9, 1.0, 7), (20, 0.1, 5, 1)]).items()
    }
    verdict = Validation(Scores.of(values, FIELDS)).judge(training.choose())
    assert np.allclose(list(verdict.score.values()), [0.3, 0.1, 5.0, 0.3])  # not the best of these pictures
    assert np.allclose(list(verdict.best_per_picture.values()), [0.7, 0.9, 1.0, 0.7])
    assert verdict.seconds == 0.25
    assert verdict.labels == 2
    assert verdict.per_picture["covering"].tolist() == [0.3]


def test_the_pictures_that_are_judged_have_no_say():
    """What is chosen is the same whatever the other pictures hold, and `Validation` has no way to choose."""
    assert {field.name for field in dataclasses.fields(Training)} == {"scores"}
    assert not hasattr(Validation, "choose")
    assert not hasattr(Training, "judge")
    training = Training(Scores.of(records(*ROWS), FIELDS))
    with pytest.raises(ValueError, match="must be judged by settings chosen on others, got a in both"):
        Validation(training.scores).judge(training.choose())


def test_records_of_other_settings_are_refused():
    made = records(*ROWS)
    made["b"] = made["b"][:2]
    with pytest.raises(ValueError, match="records of the same settings, b has others; run it anew"):
        Scores.of(made, FIELDS)


def test_scores_pool_over_pictures_as_the_berkeley_benchmark_does():
    """Sums for covering and for boundaries, means for the others; best per picture, then pooled alike."""
    from classicseg import metrics

    rng = np.random.default_rng(0)
    shape = (5, 4)
    values = {name: rng.uniform(0, 50, shape) for name in ("covered", "rand", "variation")}
    values["area"] = rng.uniform(100, 200, (5, 1)).repeat(4, axis=1)
    for name in ("recall", "precision"):
        values[f"n_{name}"] = rng.integers(50, 90, shape).astype(float)
        values[f"tp_{name}"] = rng.integers(0, 50, shape).astype(float)
    scores = Scores(tuple("abcde"), tuple({"n": i} for i in range(4)), values, 0)
    expected = {
        "covering": metrics.best_covering(values["covered"], values["area"][:, 0]),
        "rand": metrics.best_probabilistic_rand_index(values["rand"]),
        "variation": metrics.best_variation_of_information(values["variation"]),
    }
    for measure in MEASURES[:3]:
        found = scores.per_setting(measure)
        assert np.allclose(found, expected[measure.name].per_setting)
        assert measure.best(found) == expected[measure.name].best_setting
        assert np.isclose(scores.best_per_picture(measure), expected[measure.name].ois)
    tp, n = values["tp_recall"].sum(0), values["n_recall"].sum(0)
    tq, m = values["tp_precision"].sum(0), values["n_precision"].sum(0)
    assert np.allclose(scores.per_setting(BOUNDARY), 2 / (n / tp + m / tq))


def test_no_boundary_at_all_is_worth_nothing():
    row = [(50, 0.5, 2.0, 0)]
    made = records(row)
    made["a"][0]["n_precision"] = 0
    assert Scores.of(made, FIELDS).per_setting(BOUNDARY).tolist() == [0.0]


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


# The report


def made_result():
    def method(name, library, covering, **more):
        scores = {"covering": covering, "rand": 0.8125, "variation": 1.5, "boundary_f": 0.6}
        made = {"name": name, "library": library, "sweep": [{"n": 1}, {"n": 2}], "val": scores, "train": scores}
        made |= {"chosen": {key: {"n": 2} for key in scores}, "best_per_picture": scores | {"covering": 0.75}}
        return made | {"seconds": 0.125, "labels": 5.0, "failed": {"train": 0, "val": 0}, "per_picture": {}} | more

    return {
        "case": "quality",
        "title": report.TITLE,
        "date": "2026-01-02",
        "data": "pictures that people segmented",
        "machine": {"cpu": "a processor"},
        "versions": {"numpy": "2"},
        "pictures": {"train": 3, "val": 2},
        "methods": [method("a", "classicseg", 0.5), method("b", "OpenCV", 0.625, failed={"train": 1, "val": 2})],
        "not_run": {"scikit-learn c": "scikit-learn is not installed"},
    }


def test_the_table_is_ranked_and_tells_what_failed():
    text = report.table(made_result())
    lines = text.splitlines()
    assert lines[4] == "| b | OpenCV | 0.625 | 0.750 | 0.812 | 1.50 | 0.600 | 0.125 | n 2 |"
    assert lines[5].startswith("| a | classicseg | 0.500 |")
    assert "b of OpenCV failed in 3 of 10 calls, counted as one region." in lines
    assert "scikit-learn c was not run: scikit-learn is not installed." in lines
    assert "chosen on 3 pictures and judged on 2 others" in text
    assert "Measured 2026-01-02 on a processor, one thread" in text


def test_the_readme_gets_the_newest_table_between_marks_of_its_own(tmp_path):
    assert tables.quality_table(tmp_path) == ""
    for date in ("2026-01-02", "2025-12-31"):
        made = made_result() | {"date": date}
        (tmp_path / f"quality-{date}.json").write_text(json.dumps(made), encoding="utf-8")
    text = tables.quality_table(tmp_path)
    assert "Measured 2026-01-02" in text
    readme = tmp_path / "README.md"
    start, end = tables.QUALITY_MARKS
    readme.write_text(f"{tables.START}\nspeed\n{tables.END}\n{start}\nold\n{end}\nb\n")
    tables.write_readme(readme, text, tables.QUALITY_MARKS)
    assert readme.read_text(encoding="utf-8") == f"{tables.START}\nspeed\n{tables.END}\n{start}\n{text}\n{end}\nb\n"
    readme.write_text("no marks")
    with pytest.raises(SystemExit, match="must hold the marks <!-- quality:start --> and <!-- quality:end -->"):
        tables.write_readme(readme, text, tables.QUALITY_MARKS)


def test_the_plot_shows_every_method_in_both_panels():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed; it comes with the notebooks")
    from matplotlib.figure import Figure

    assert matplotlib.__version__
    axes = Figure().subplots()
    plot.panel(axes, made_result()["methods"], "covering")
    assert {text.get_text() for text in axes.texts} == {"a", "b"}
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert sorted(float(line.get_ydata()[0]) for line in marks) == [0.5, 0.625]
    assert [float(line.get_xdata()[0]) for line in marks] == [0.125, 0.125]


def test_no_name_covers_another_in_the_plot():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; it comes with the notebooks")
    from matplotlib.figure import Figure

    methods = [made_result()["methods"][0] | {"name": f"method {i}", "seconds": 0.1 + 0.001 * i} for i in range(4)]
    figure = Figure()
    texts = plot.panel(figure.subplots(), methods, "covering")
    plot.part(figure, texts)
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_the_report_is_three_files(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; it comes with the notebooks")
    paths = report.write_report(made_result(), tmp_path)
    assert [path.name for path in paths] == [f"quality-2026-01-02.{kind}" for kind in ("json", "md", "png")]
    assert json.loads(paths[0].read_text(encoding="utf-8")) == made_result()
    assert paths[1].read_text(encoding="utf-8") == report.table(made_result()) + "\n"
    assert read_image(paths[2]).std() > 5


def test_without_matplotlib_there_is_no_plot(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "missing", lambda names: list(names))
    paths = report.write_report(made_result(), tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert [path.suffix for path in paths] == [".json", ".md"]
