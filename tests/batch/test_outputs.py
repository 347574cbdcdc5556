"""Contents of the tables and label images."""

import csv
import io
import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from batch_trees import tree
from PIL import Image
from scenes import module_field

from classicseg.batch import BatchOptions, run_batch
from classicseg.batch._frame import Setup, _rows, make_process
from classicseg.batch._label_files import write_labels
from classicseg.batch._manifest import Row
from classicseg.batch._options import options_hash
from classicseg.batch._plan import Problem, make_plan
from classicseg.batch._report import KINDS
from classicseg.batch._tables import COLUMNS, write_csv, write_geojson, write_summary
from classicseg.batch._totals import count
from classicseg.thermal import Calibration, find_hotspots, load_profile, read
from classicseg.thermal._rjpeg import write_flir_rjpeg
from classicseg.thermal._smooth import Windows

SPOT = {
    "label": 1,
    "row": 10.5,
    "col": 20.25,
    "row_min": 8,
    "col_min": 18,
    "row_max": 13,
    "col_max": 23,
    "area_px": 19,
    "min": 30.0,
    "mean": 35.125,
    "median": 35.0,
    "max": 40.0,
    "reference": 28.0,
    "delta": 12.0,
    "severity": "medium",
}
RECORD = {
    "shape": [64, 64],
    "unit": "celsius",
    "calibrated": True,
    "profile": "P",
    "time": "2026-06-20T12:30:00",
    "camera": {"make": "DJI", "model": "XT2"},
    "position": {"latitude": 38.5, "longitude": -7.9, "altitude_m": 120.0},
    "parameters": {"emissivity": {"value": 0.9, "unit": "1", "source": "override"}},
    "notes": ["a note"],
    "module_rows": 2,
    "modules": 8,
    "range": [20.0, 30.0, 40.0],
    "hotspots": [SPOT],
}


def done(file="a.jpg", **changes):
    return Row(file, "a", "done", "", "", {"labels/a.png": 1}, {**RECORD, **changes})


def text_of(write, *arguments):
    file = io.BytesIO()
    write(file, *arguments)
    return file.getvalue().decode("utf-8")


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_csv_round_trip():
    odd = 'a "quoted", name; with, commas'
    counts = {**SPOT, "label": 2, "reference": None, "severity": "unknown"}
    rows = [done(odd), done("b.jpg", unit="counts", position={}, time=None, parameters={}, hotspots=[counts])]
    text = text_of(write_csv, rows)
    assert text.count("\r\n") == text.count("\n") == 3
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert tuple(first) == COLUMNS
    assert first["file"] == odd
    assert (first["max_celsius"], first["delta_celsius"], first["max_counts"]) == ("40.0", "12.0", "")
    assert (first["latitude"], first["longitude"]) == ("38.5", "-7.9")
    assert (first["emissivity"], first["emissivity_source"], first["distance_m"]) == ("0.9", "override", "")
    assert (second["max_celsius"], second["max_counts"], second["reference_counts"]) == ("", "40.0", "")
    assert (second["latitude"], second["time"], second["emissivity"]) == ("", "", "")


def test_geojson():
    rows = [done(), done("b.jpg", position={}), Row("c.jpg", "c", "failed", "broken", "why", {}, {})]
    features = strict(text_of(write_geojson, rows))["features"]
    assert [feature["geometry"] for feature in features] == [
        {"type": "Point", "coordinates": [-7.9, 38.5, 120.0]},
        None,
    ]
    assert features[0]["properties"]["delta_celsius"] == 12.0
    assert features[0]["properties"]["file"] == "a.jpg"
    assert strict(text_of(write_geojson, [])) == {"type": "FeatureCollection", "features": []}


def test_summary():
    rows = [done(), Row("c.jpg", "c", "failed", "broken", "found X", {}, {})]
    text = text_of(
        write_summary,
        rows,
        count(rows),
        [Problem("locked", "folder cannot be read")],
        BatchOptions(profile="/x/my.toml"),
    )
    summary = strict(text)
    assert (summary["frames"], summary["done"], summary["failed"], summary["hotspots"]) == (2, 1, 1, 1)
    assert summary["severities"] == {"medium": 1}
    assert summary["options"]["profile"] == "my.toml"
    assert summary["inputs_not_read"] == [{"file": "locked", "error": "folder cannot be read"}]
    good, bad = summary["results"]
    assert good["parameters"]["emissivity"] == {"value": 0.9, "unit": "1", "source": "override"}
    assert bad == {"file": "c.jpg", "state": "failed", "kind": "broken", "error": "found X"}


def test_mean_shift_is_asked_of_every_frame_and_told(flight, tmp_path):
    frames = flight.paths[:2]
    options = BatchOptions(method="mean_shift", range_bandwidth=0.9)
    assert options.spatial_bandwidth == Windows().spatial_bandwidth
    run_batch(frames, tmp_path, workers=1, options=options)
    differ = 0
    for path in frames:
        name = path.rpartition("/")[2].replace(".jpg", ".png")
        expected = find_hotspots(read(path), method="mean_shift", range_bandwidth=0.9)
        with Image.open(tmp_path / "labels" / name) as picture:
            np.testing.assert_array_equal(np.asarray(picture), expected.labels)
        differ += not np.array_equal(expected.labels, find_hotspots(read(path)).labels)
    assert differ
    chosen = strict((tmp_path / "summary.json").read_text(encoding="utf-8"))["options"]
    assert (chosen["method"], chosen["spatial_bandwidth"], chosen["range_bandwidth"]) == (
        "mean_shift", options.spatial_bandwidth, 0.9,
    )  # fmt: skip
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<td>method</td><td>mean_shift</td>" in report
    assert "<td>range_bandwidth</td><td>0.9</td>" in report


def test_another_method_does_frames_again():
    hashes = {
        options_hash(BatchOptions(**options))
        for options in (
            {},
            {"method": "mean_shift"},
            {"method": "mean_shift", "spatial_bandwidth": 9},
            {"method": "mean_shift", "range_bandwidth": 2.0},
        )
    }
    assert len(hashes) == 4
    given = BatchOptions(method="mean_shift", **Windows()._asdict())
    assert options_hash(given) in hashes


def test_label_image_is_that_of_find_hotspots(flight, undisturbed):
    with open(undisturbed / "hotspots.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for path in flight.paths:
        name = path.rpartition("/")[2]
        expected = find_hotspots(read(path))
        with Image.open(undisturbed / "labels" / name.replace(".jpg", ".png")) as picture:
            assert picture.mode == "I;16"
            np.testing.assert_array_equal(np.asarray(picture), expected.labels)
        mine = [row for row in rows if row["file"] == name]
        assert [int(row["label"]) for row in mine] == expected.table["label"].tolist()
        np.testing.assert_allclose(
            [float(row["delta_celsius"]) for row in mine], expected.table["delta_celsius"], atol=6e-4
        )


def test_many_labels_take_a_tiff():
    labels = np.arange(70_000, dtype=np.int32).reshape(250, 280)
    file = io.BytesIO()
    write_labels(file, labels, "TIFF")
    with Image.open(file) as picture:
        np.testing.assert_array_equal(np.asarray(picture), labels)


@dataclass
class Found:
    unit: str = "counts"
    table: dict = field(
        default_factory=lambda: {
            "label": np.array([1, 2], np.int32),
            "row": np.array([1.23456, 2.0]),
            "delta_counts": np.array([-1e-9, np.nan], np.float32),
            "severity": np.array(["unknown", "unknown"]),
        }
    )


def test_rows_are_plain_finite_numbers():
    first, second = _rows(Found())
    assert first == {"label": 1, "row": 1.23, "delta": 0.0, "severity": "unknown"}
    assert str(first["delta"]) == "0.0"
    assert second["delta"] is None
    json.dumps([first, second], allow_nan=False)


def test_everything_a_frame_can_be(tmp_path):
    """All nodata, constant, tiny, counts without calibration: each gives a record that is strict JSON."""
    folder = tmp_path / "in"
    folder.mkdir()
    tiff = {
        "constant.tif": np.full((60, 80), 25.0, np.float32),
        "nan.tif": np.full((60, 80), np.nan, np.float32),
        "tiny.tif": np.zeros((1, 1), np.float32),
    }
    for name, array in tiff.items():
        Image.fromarray(array).save(folder / name)
    write_flir_rjpeg(folder / "flat.jpg", np.full((60, 80), 14000, np.uint16))
    process = make_process(Setup(str(tmp_path / "out"), BatchOptions(unit="celsius")))
    for frame in make_plan(folder).frames:
        outcome = process(frame)()
        assert outcome.state == "done", outcome
        json.dumps(outcome.record, allow_nan=False)
        assert all(size > 0 for size in outcome.outputs.values())
        assert outcome.record["hotspots"] == []


def test_options_of_one_kind_do_not_spoil_a_folder_of_several(tmp_path):
    """Emissivity is for the FLIR frame; the TIFF of temperatures is read without it, and says so."""
    frames = tmp_path / "frames"
    frames.mkdir()
    write_flir_rjpeg(frames / "a.jpg", np.full((32, 32), 15000, np.uint16))
    Image.fromarray(np.full((32, 32), 25.0, np.float32)).save(frames / "b.tif")
    summary = run_batch(frames, tmp_path / "out", workers=1, options=BatchOptions(emissivity=0.8, unit="celsius"))
    assert summary.all_good
    results = {r["file"]: r for r in json.loads((tmp_path / "out" / "summary.json").read_text())["results"]}
    assert results["a.jpg"]["parameters"]["emissivity"] == {"value": 0.8, "unit": "1", "source": "override"}
    assert "unit had no effect: a JPEG" in results["a.jpg"]["notes"]
    assert "emissivity had no effect: a TIFF" in results["b.tif"]["notes"]


def frames_of_counts(folder, **table):
    """A field seen in counts by two cameras, with a calibration that is bound to the first."""
    folder.mkdir()
    counts = np.rint(module_field(np.random.default_rng(3))[0] * 100).astype(np.uint16)
    for name, model in (("a.tif", "T-1"), ("b.tif", "T-2")):
        Image.fromarray(counts).save(folder / name, tiffinfo={271: "M", 272: model})
    calibration = Calibration([1000, 6000], [10.0, 60.0], model="T-1")
    calibration.save(folder / "table.json")
    return str(folder / "table.json")


def results_of(out):
    return {result["file"]: result for result in json.loads((out / "summary.json").read_text())["results"]}


def test_a_frame_of_another_camera_is_searched_in_counts(tmp_path):
    table = frames_of_counts(tmp_path / "in")
    options = BatchOptions(calibration=table, min_delta=1.0)
    summary = run_batch(tmp_path / "in", tmp_path / "out", workers=1, options=options)
    assert (summary.n_done, summary.n_failed, summary.n_without_modules) == (2, 0, 0)
    results = results_of(tmp_path / "out")
    assert [results[name]["unit"] for name in ("a.tif", "b.tif")] == ["celsius", "counts"]
    expected = "calibration not used: camera model 'T-2'; expected 'T-1', which the calibration is bound to"
    assert expected in results["b.tif"]["notes"]
    assert "min_delta had no effect: a frame of counts" in results["b.tif"]["notes"]
    assert not any("not used" in note or "no effect" in note for note in results["a.tif"]["notes"])
    options = BatchOptions(calibration=table, calibration_any_camera=True)
    run_batch(tmp_path / "in", tmp_path / "out", workers=1, options=options)
    assert {result["unit"] for result in results_of(tmp_path / "out").values()} == {"celsius"}


def test_a_frame_without_modules_says_so(tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.full((60, 80), 25.0, np.float32)).save(tmp_path / "in" / "a.tif")
    summary = run_batch(tmp_path / "in", tmp_path / "out", workers=1)
    assert summary.n_without_modules == 1
    assert "no solar modules found: nothing was searched" in results_of(tmp_path / "out")["a.tif"]["notes"]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["without_modules"] == 1


def test_what_is_wrong_is_told_from_a_broken_file(tmp_path):
    """Each kind by what the reader raises: an impossible scene that was given, a file that went away."""
    write_flir_rjpeg(tmp_path / "a.jpg", np.full((32, 32), 15000, np.uint16))
    (frame,) = make_plan(tmp_path / "a.jpg").frames
    outcome = make_process(Setup(str(tmp_path / "out"), BatchOptions(distance_m=1e6)))(frame)()
    assert (outcome.state, outcome.kind) == ("failed", "misfit")
    assert "given for it were distance_m 1e+06" in outcome.error
    (tmp_path / "a.jpg").unlink()
    outcome = make_process(Setup(str(tmp_path / "out"), BatchOptions()))(frame)()
    assert (outcome.state, outcome.kind) == ("failed", "unreadable")
    assert {"misfit", "unreadable"} <= set(KINDS)


def test_severities_come_worst_first(undisturbed, folder):
    severities = list(run_batch(folder, undisturbed).severities)
    worst_first = [name for name, _ in reversed(load_profile("IEC-62446-3-style").levels)]
    assert severities == [name for name in worst_first if name in severities]
    assert len(severities) > 1
    assert severities != sorted(severities)


def test_hostile_files_fail_with_a_reason_and_stop_nothing(flight, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    with open(flight.paths[0], "rb") as file:
        good = file.read()
    header = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
    files = {
        "empty.jpg": b"",
        "huge.jpg": header + good[2:3000],
        "noise.jpg": np.random.default_rng(0).bytes(5000),
        "cut.jpg": good[: len(good) // 3],
        "text.tif": b"II*\x00\xff\xff\xff\xff",
        "good.jpg": good,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    Image.new("RGB", (64, 48), "red").save(folder / "picture.jpg")
    summary = run_batch(folder, tmp_path / "out", workers=1)
    assert (summary.n_done, summary.n_not_radiometric) == (1, 1)
    assert summary.n_failed == len(files) - 1
    results = strict(tree(tmp_path / "out")["summary.json"].decode())["results"]
    for result in results:
        if result["state"] == "failed":
            assert result["error"].startswith("found ")
            assert "; expected " in result["error"]
            assert str(tmp_path) not in result["error"]


def test_real_frames_run(test_data, tmp_path):
    pytest.importorskip("PIL")
    summary = run_batch(test_data / "thermal" / "pv_xt2", tmp_path / "out")
    assert summary.n_done == 2
    assert summary.n_not_radiometric == summary.n_frames - 2
    assert summary.n_failed == 0
    assert 2 <= summary.n_hotspots <= 6
