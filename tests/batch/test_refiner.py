"""Frames refined by a plug-in: classes of hot spots in every output, frames on which it fails, and reruns."""

import csv
import dataclasses
import importlib.metadata
import json
import os
import shutil
import sys

import batch_refiners
import numpy as np
import pytest
from batch_trees import same, tree
from numpy.testing import assert_array_equal
from PIL import Image
from test_outputs import SPOT, done, text_of
from test_report import report

from classicseg import cli
from classicseg.batch import BatchOptions, BatchSummary, run_batch
from classicseg.batch._console import batch_lines
from classicseg.batch._options import described, options_hash
from classicseg.batch._refined import image_of, refined, regions_of
from classicseg.batch._tables import write_csv, write_geojson
from classicseg.refine import RefinerError, SemanticResult, load_refiner, refine_labels
from classicseg.thermal import find_hotspots, read

OPTIONS = BatchOptions(refiner="warm:kelvin=8")


@pytest.fixture(scope="module", autouse=True)
def plugin(tmp_path_factory):
    """The plug-in, installed for this process and the workers that it starts."""
    folder = tmp_path_factory.mktemp("plugin")
    batch_refiners.install(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))
        yield folder
    sys.modules.pop("batch_plugin", None)


@pytest.fixture(scope="module")
def frames(flight):
    """Three frames with hot spots."""
    return flight.paths[:3]


@pytest.fixture(scope="module")
def whole(frames, tmp_path_factory):
    """Output folder of a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("refined") / "out"
    assert run_batch(frames, out, workers=1, options=OPTIONS).all_good
    return out


def table_of(out):
    with open(out / "hotspots.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary_of(out):
    return json.loads((out / "summary.json").read_text(encoding="utf-8"))


def expected(path):
    """Hot spots and refined labels of a frame, found without the batch."""
    image = read(path)
    spots = find_hotspots(image)
    labels = regions_of(image.values, spots.labels, spots.unit)
    metadata = {"file": os.path.basename(path)}
    return spots, refine_labels(image.values, labels, load_refiner(OPTIONS.refiner), metadata=metadata)


def test_hot_spots_have_the_class_of_the_refiner_in_every_table(frames, whole):
    rows, features = table_of(whole), json.loads((whole / "hotspots.geojson").read_text(encoding="utf-8"))["features"]
    seen = set()
    for path in frames:
        spots, found = expected(path)
        mine = [row for row in rows if row["file"] == os.path.basename(path)]
        assert [int(row["label"]) for row in mine] == spots.table["label"].tolist() != []
        for row in mine:
            means = found.probabilities[spots.labels == int(row["label"])].mean(axis=0)
            assert row["refined"] == "yes"
            assert row["class"] == found.classes[means.argmax()]
            assert float(row["class_probability"]) == pytest.approx(means.max(), abs=6e-4)
            seen.add(row["class"])
    assert len(seen) > 1
    for row, feature in zip(rows, features, strict=True):
        told = feature["properties"]
        assert [str(told[name]) for name in ("refined", "class", "class_probability")] == [
            row[name] for name in ("refined", "class", "class_probability")
        ]


def test_refined_labels_lie_beside_the_label_images(frames, whole):
    for path, result in zip(frames, summary_of(whole)["results"], strict=True):
        name = os.path.basename(path).replace(".jpg", ".png")
        _, found = expected(path)
        with Image.open(whole / "refined" / name) as picture:
            assert picture.mode == "P"
            assert_array_equal(np.asarray(picture), found.labels + 1)
            assert len(set(zip(*[iter(picture.getpalette()[:12])] * 3))) == 4  # outside and three classes
        assert f"refined/{name}" in result["outputs"]
        areas = np.bincount(found.labels[found.labels >= 0], minlength=3).tolist()
        assert result["refined"] == {"task": "semantic", "classes": dict(zip(found.classes, areas))}
    head = summary_of(whole)
    assert head["unrefined"] == 0
    assert head["options"]["refiner"] == "warm:kelvin=8"


def test_the_report_tells_the_classes(whole):
    text = (whole / "report.html").read_text(encoding="utf-8")
    assert '<button type="button">Class</button>' in text
    assert "hot spot <small>" in text
    assert "cold <b>" not in text
    assert "<td>refiner</td><td>warm:kelvin=8</td>" in text
    areas = np.sum([list(result["refined"]["classes"].values()) for result in summary_of(whole)["results"]], axis=0)
    with Image.open(whole / "refined" / "SYN_0001.png") as picture:
        palette = bytes(picture.getpalette())
    for number, (name, area) in enumerate(zip(("cold &lt;b&gt;", "warm", "hot spot"), areas), start=1):
        color = palette[3 * number : 3 * number + 3].hex()
        share = 100 * area / areas.sum()
        assert f'style="--c:#{color}">{number} {name}</span> <small>{share:.1f} %</small>' in text
    assert "not refined" not in text.lower()


def test_other_outputs_are_those_of_a_run_without_refiner(frames, whole, tmp_path):
    shutil.copytree(whole, tmp_path / "out")
    assert run_batch(frames, tmp_path / "out", workers=1).n_skipped == 0
    plain, refined_tree = tree(tmp_path / "out"), tree(whole)
    assert {name for name in refined_tree if name.startswith("refined")} == refined_tree.keys() - plain.keys()
    assert [name for name in plain if name.startswith("labels") and plain[name] != refined_tree[name]] == []
    assert {row["refined"] + row["class"] + row["class_probability"] for row in table_of(tmp_path / "out")} == {""}
    assert "Class" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_frame_on_which_it_fails_is_done_without_and_marked(frames, whole, tmp_path, monkeypatch):
    bad, out = tmp_path / "bad.txt", tmp_path / "out"
    bad.write_text("SYN_0002.jpg")
    monkeypatch.setenv("BROKEN_FRAMES", str(bad))
    summary = run_batch(frames, out, workers=1, options=OPTIONS)
    assert (summary.n_done, summary.n_failed, summary.n_unrefined, summary.all_good) == (3, 0, 1, False)
    error = "refiner Warm: raised RuntimeError: no memory for SYN_0002.jpg"
    rows, good = table_of(out), table_of(whole)
    for row, other in zip(rows, good, strict=True):
        if row["file"] == "SYN_0002.jpg":
            assert (row["refined"], row["class"], row["class_probability"]) == ("no", "", "")
            assert row["delta_celsius"] == other["delta_celsius"]
        else:
            assert row == other
    made, undisturbed = tree(out), tree(whole)
    assert undisturbed.keys() - made.keys() == {"refined/SYN_0002.png"}
    assert made["labels/SYN_0002.png"] == undisturbed["labels/SYN_0002.png"]
    result = summary_of(out)["results"][1]
    assert result["state"] == "done"
    assert result["refined"] == {"task": "semantic", "error": error}
    assert result["notes"][-1] == f"not refined: {error}"
    assert summary_of(out)["unrefined"] == 1
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "<small>not refined</small></td>" in text
    assert '<div class="value">1 <small>of 3</small></div><div class="name">Not refined</div>' in text
    assert f"not refined: {error} <small>(1 frame)" in text
    log = (out / ".classicseg" / "log.txt").read_text(encoding="utf-8")
    assert f"not refined: SYN_0002.jpg: {error}\n" in log
    assert "Traceback" in log.partition(error)[2]
    bad.unlink()
    again = run_batch(frames, out, workers=1, options=OPTIONS)  # once the reason is gone
    assert (again.n_skipped, again.n_unrefined, again.all_good) == (2, 0, True)
    assert same(out, whole)


def test_names_that_are_no_unicode_are_escaped(frames, tmp_path, monkeypatch, plugin):
    """A terminal hands over bytes; all outputs are UTF-8."""
    source = (plugin / "batch_plugin.py").read_text()
    own = tmp_path / "own"
    own.mkdir()
    batch_refiners.install(own)
    (own / "batch_plugin.py").write_text(source.replace('"warm", "hot spot"', '"w\\udcff", "hot spot"'))
    monkeypatch.setenv("PYTHONPATH", str(own))
    given = BatchOptions(refiner="warm:kelvin=1e9,model=x\udcfe")
    assert described(given)["refiner"] == "warm:kelvin=1e9,model=x\\udcfe"
    assert run_batch(frames[:1], tmp_path / "out", workers=1, options=BatchOptions(refiner="warm:kelvin=1e9")).all_good
    assert {row["class"] for row in table_of(tmp_path / "out")} == {"w\\udcff"}
    assert "2 w\\udcff</span>" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert list(summary_of(tmp_path / "out")["results"][0]["refined"]["classes"])[1] == "w\\udcff"


def test_an_interrupted_run_goes_on(frames, whole, tmp_path):
    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(frames, tmp_path / "out", workers=1, options=OPTIONS, progress=stop)
    assert run_batch(frames, tmp_path / "out", workers=2, options=OPTIONS).n_skipped >= 1
    assert same(tmp_path / "out", whole)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("nobody", ValueError, "refiner must be one of .*'warm', got 'nobody'; install the package"),
        ("broken", RefinerError, "refiner broken: cannot be made with no options: RuntimeError: no licence"),
        ("warm:size=3", RefinerError, "refiner warm: cannot be made with {'size': 3}: TypeError: .*'size'"),
    ],
)
def test_a_refiner_that_cannot_be_loaded_writes_nothing(frames, tmp_path, spec, error, message):
    with pytest.raises(error, match=message):
        run_batch(frames, tmp_path / "out", options=BatchOptions(refiner=spec))
    assert not (tmp_path / "out").exists()


def test_a_refiner_of_another_form_is_refused_at_once():
    with pytest.raises(ValueError, match="must be option=value,option=value, got 'kelvin' in 'warm:kelvin'"):
        BatchOptions(refiner="warm:kelvin")


def test_frames_are_done_again_when_the_refiner_is_another(tmp_path, plugin, monkeypatch):
    def changed(spec):
        return options_hash(BatchOptions(refiner=spec))

    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.txt").write_text("0.5")
    one, two = (f"warm:model={tmp_path / folder / 'model.txt'}" for folder in ("one", "two"))
    hashes = [options_hash(BatchOptions()), changed("warm"), changed("warm:kelvin=8"), changed("nothing"), changed(one)]
    assert changed(two) == hashes[-1]  # the same file elsewhere
    assert described(BatchOptions(refiner=one))["refiner"] == "warm:model=model.txt"
    (tmp_path / "one" / "model.txt").write_text("0.6")
    hashes.append(changed(one))
    import batch_plugin

    monkeypatch.setattr(batch_plugin.Warm, "files", (tmp_path / "two" / "model.txt",))
    hashes.append(changed("warm"))
    (tmp_path / "two" / "model.txt").write_text("0.7")
    hashes.append(changed("warm"))
    monkeypatch.setattr(batch_plugin.Warm, "classes", ("a", "b", "c"))
    hashes.append(changed("warm"))
    batch_refiners.install(plugin, "2.0")
    hashes.append(changed("warm"))
    batch_refiners.install(plugin)
    (tmp_path / "two" / "other.txt").write_text("1")
    several = f"warm:model={tmp_path / 'two' / 'other.txt'}|{tmp_path / 'two' / 'model.txt'}"
    with monkeypatch.context() as patch:  # whatever it makes of several files
        patch.setattr(batch_plugin.Warm, "__init__", lambda self, model: None)
        hashes.append(changed(several))
        (tmp_path / "two" / "model.txt").write_text("0.8")
        hashes.append(changed(several))
        assert described(BatchOptions(refiner=several))["refiner"] == "warm:model=other.txt|model.txt"
    known = importlib.metadata.version
    other = {"onnxruntime": "0.0"}  # whether it is installed or not
    monkeypatch.setattr("classicseg.batch._options.version", lambda name: other.get(name) or known(name))
    hashes.append(changed("warm"))
    assert len(set(hashes)) == len(hashes)


def test_regions_are_superpixels_and_hot_spots(rng):
    values = rng.normal(20, 0.1, (60, 80)).astype(np.float32)
    values[10:13, 20:23] += 9
    spots = np.zeros(values.shape, np.int32)
    spots[10:13, 20:23], spots[40, 50] = 1, 2
    values[50:, :9] = np.nan
    for unit, scale in (("celsius", 1), ("counts", 50)):
        labels = regions_of(values * scale, spots, unit)
        assert_array_equal(labels == 0, np.isnan(values))
        for number in (1, 2):
            (own,) = np.unique(labels[spots == number])
            assert_array_equal(labels == own, spots == number)
        assert 35 <= len(np.unique(labels)) <= 60
    assert_array_equal(regions_of(values, spots, "celsius"), regions_of(values * 50, spots, "counts"))


def test_a_refiner_tells_degrees_from_counts_by_the_dtype(rng):
    values = np.array([[20.5, np.nan], [-3.0, 21.0]], np.float32)
    assert_array_equal(image_of(values, "celsius"), values)
    counts = np.array([[20000, np.nan], [0, 65535]], np.float32)
    assert_array_equal(image_of(counts, "counts"), np.nan_to_num(counts))
    assert image_of(counts, "counts").dtype == np.uint16
    seen = []
    refiner = load_refiner("warm")
    refiner.refine = lambda regions: seen.append(regions) or SemanticResult(np.eye(3)[regions.numbers * 0])
    frame = rng.normal(20, 1, (30, 40)).astype(np.float32)
    for unit, scale in (("celsius", 1), ("counts", 50)):
        found = refined(refiner, frame * scale, np.zeros((30, 40), np.int32), unit, {"unit": unit})
        assert found.error == ""
    assert [regions.names[0] for regions in seen] == ["temperature_mean", "gray_mean"]
    assert [regions.metadata["unit"] for regions in seen] == ["celsius", "counts"]


def ask(spec, values, spots):
    return refined(load_refiner(spec), values, spots, "celsius", {"file": "a.jpg"})


@pytest.mark.parametrize("spec", ["warm", "warm:per_pixel=true"])
def test_classes_are_numbered_from_1_and_nodata_is_0(rng, spec):
    values = rng.normal(20, 0.1, (60, 80)).astype(np.float32)
    values[:, :3] = np.nan
    found = ask(spec, values, np.zeros(values.shape, np.int32))
    assert_array_equal(found.labels == 0, np.isnan(values))
    assert found.labels.max() <= 3
    assert found.spots == []
    assert sum(found.record["classes"].values()) == np.isfinite(values).sum()


def test_no_instance_is_no_class():
    spots = np.zeros((40, 40), np.int32)
    spots[5:9, 5:9] = 1
    found = ask("nothing", np.where(spots, 30, 20).astype(np.float32), spots)
    assert not found.labels.any()
    assert found.palette is None
    assert found.spots == [{"refined": "yes", "class": None, "class_probability": 0.0}]
    assert found.record == {"task": "instances", "classes": {"cold <b>": 0, "warm": 0, "hot spot": 0}}


def test_what_is_no_result_leaves_the_frame_unrefined():
    spots = np.ones((20, 20), np.int32)
    found = ask("unsound", np.full((20, 20), 20, np.float32), spots)
    assert found.labels is None
    assert found.error.startswith("refiner Unsound: probabilities must sum to 1 over the classes within 0.001, got 3 ")
    assert found.spots == [{"refined": "no", "class": None, "class_probability": None}]
    refiner = load_refiner("warm")
    refiner.refine = lambda regions: sys.exit(3)
    ended = refined(refiner, np.full((20, 20), 20, np.float32), spots, "celsius", {})
    assert ended.error == "the refiner ended the program: exit 3"
    assert "SystemExit" in ended.details


def test_a_frame_without_any_measurement_is_no_failure():
    found = ask("warm", np.full((20, 20), np.nan, np.float32), np.zeros((20, 20), np.int32))
    assert (found.error, found.spots) == ("", [])
    assert found.record == {"task": "semantic", "classes": {"cold <b>": 0, "warm": 0, "hot spot": 0}}
    assert_array_equal(found.labels, np.zeros((20, 20), np.int32))
    assert found.palette == ask("warm", np.full((20, 20), 20, np.float32), np.zeros((20, 20), np.int32)).palette


def test_a_refiner_that_works_in_place_changes_nothing_of_the_frame(rng):
    values = rng.normal(20, 1, (30, 40)).astype(np.float32)
    values[0, 0] = np.nan
    for unit in ("celsius", "counts"):
        before, spots = values.copy(), np.zeros(values.shape, np.int32)
        spots[5:9, 5:9] = 1
        refiner = load_refiner("warm")
        usual = refiner.refine

        def spoil(regions, usual=usual):
            for array in (regions.image, regions.labels, regions.mask):
                array[:] = 0
            return usual(regions)

        refiner.refine = spoil
        refined(refiner, values, spots, unit, {})
        assert_array_equal(values, before)
        assert spots.sum() == 16


def test_what_tables_and_report_say_of_each_case():
    known = {**SPOT, "refined": "yes", "class": "<i>cell", "class_probability": 0.876}
    none = {**SPOT, "label": 2, "refined": "yes", "class": None, "class_probability": 0.0}
    unrefined = {**SPOT, "refined": "no", "class": None, "class_probability": None}
    failed = dataclasses.replace(done("b.jpg", hotspots=[unrefined]), kind="unrefined", error="why")
    rows = [done(hotspots=[known, none]), failed]
    cells = list(csv.reader(text_of(write_csv, rows).splitlines()))
    places = [cells[0].index(name) for name in ("refined", "class", "class_probability")]
    assert [[row[place] for place in places] for row in cells[1:]] == [
        ["yes", "<i>cell", "0.876"],
        ["yes", "", "0.0"],
        ["no", "", ""],
    ]
    features = json.loads(text_of(write_geojson, rows))["features"]
    assert [f["properties"]["class"] for f in features] == ["<i>cell", None, None]
    text, checker = report(rows, options=BatchOptions(refiner="warm"))
    assert "i" not in checker.tags
    for part in (
        "&lt;i&gt;cell <small>88 %</small>",
        '<td class="class">–</td>',
        '<td class="class"><small>not refined</small></td>',
    ):
        assert part in text
    assert "b.jpg</a> <small>not refined</small></td>" in text
    assert "the refiner <b>warm</b> finds" in text
    assert "All pixels by class" not in text  # no frame has any
    assert "a.jpg</a> <small>" not in text


def test_the_console_tells_how_many():
    summary = BatchSummary("out", "r", 3, 3, 0, 0, 0, 0, n_unrefined=2)
    assert "2 not refined, see 'Notes' in the report" in batch_lines(summary)
    assert not summary.all_good
    assert not any("refined" in line for line in batch_lines(BatchSummary("out", "r", 3, 3, 0, 0, 0, 0)))


def test_the_command_line(frames, tmp_path, capsys, monkeypatch):
    command = ["batch", frames[0], "--out", str(tmp_path / "out"), "--workers", "1", "--refiner"]
    assert cli.main([*command, "warm:kelvin=3"]) == 0
    assert summary_of(tmp_path / "out")["options"]["refiner"] == "warm:kelvin=3"
    assert (tmp_path / "out" / "refined" / "SYN_0001.png").is_file()
    capsys.readouterr()
    assert cli.main([*command, "broken"]) == 2
    said = capsys.readouterr().err
    assert said == "classicseg: error: refiner broken: cannot be made with no options: RuntimeError: no licence\n"
